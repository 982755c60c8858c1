/*
 * Lines are cut out of what was fed, where they stand, as long as the event began there too.  Once
 * an event is left over at the end of a feed it goes on in `part`, a line at a time, so that what
 * follows it is not copied.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm/sse.h"

#include <errno.h>

/* An idle stream keeps no more than this. */
#define IDLE_BYTES 4096u

/* What was fed and not yet read.  lf and cr are the next ones from p, or end: looked for once, so
 * that a stream of CRs is not searched for an LF at each of its lines. */
struct input {
    const char *p, *end;
    const char *lf, *cr;
};

/* A line of an event whose first byte is `base`; offsets from there. */
struct line {
    const char *base;
    size_t at, end, next; /* end: of its text; next: behind its line end */
};

static const char *find_byte(const char *p, const char *end, char c)
{
    const char *at = p < end ? memchr(p, c, (size_t)(end - p)) : NULL;

    return at != NULL ? at : end;
}

/* The end of the line that p is in, or NULL when it does not end here; *ret_next is behind its
 * terminator. */
static const char *find_eol(struct input *in, const char **ret_next)
{
    const char *at;

    if (in->lf < in->p)
        in->lf = find_byte(in->p, in->end, '\n');
    if (in->cr < in->p)
        in->cr = find_byte(in->p, in->end, '\r');
    at = in->cr < in->lf ? in->cr : in->lf;
    if (at == in->end)
        return NULL;
    *ret_next = at + 1 + (at == in->cr && at + 1 == in->lf && in->lf < in->end);
    return at;
}

/* ---- one line ---- */

static struct str span_str(const char *base, struct sse_span span)
{
    return span.len > 0 ? (struct str){base + span.at, span.len} : (struct str){NULL, 0};
}

static int add_data(struct sse *s, const char *base, struct sse_span value)
{
    int err = 0;

    if (s->data_lines == 0) {
        s->data_at = value;
        s->data_lines = 1;
        return 0;
    }
    if (s->data_lines == 1) {
        s->data.len = 0;
        err = buf_put(&s->data, span_str(base, s->data_at));
    }
    if (err == 0)
        err = buf_put(&s->data, STR("\n"));
    if (err == 0)
        err = buf_put(&s->data, span_str(base, value));
    s->data_lines = 2;
    return err;
}

static int add_field(struct sse *s, const struct line *l)
{
    struct str name = {l->base + l->at, l->end - l->at};
    const char *colon = memchr(name.ptr, ':', name.len);
    struct sse_span value = {l->end, 0};

    if (colon != NULL) {
        name.len = (size_t)(colon - name.ptr);
        value.at = l->at + name.len + 1;
        if (value.at < l->end && l->base[value.at] == ' ')
            value.at++;
        value.len = l->end - value.at;
    }
    if (str_eq(name, STR("data")))
        return add_data(s, l->base, value);
    if (str_eq(name, STR("event")))
        s->name_at = value;
    else if (str_eq(name, STR("id")) &&
             (value.len == 0 || memchr(l->base + value.at, '\0', value.len) == NULL))
        s->id_at = value;
    return 0;
}

static void forget_event(struct sse *s)
{
    s->line = 0;
    s->data_lines = 0;
    s->data_at = s->name_at = s->id_at = (struct sse_span){0, 0};
}

static int end_event(struct sse *s, const struct line *l, sse_event_fn *emit, void *ctx)
{
    struct sse_event ev = {
        .raw = {l->base, l->next},
        .data = s->data_lines > 1 ? buf_str(&s->data) : span_str(l->base, s->data_at),
        .name = span_str(l->base, s->name_at),
        .id = span_str(l->base, s->id_at),
    };
    bool whole = s->data_lines > 0;

    forget_event(s);
    if (!whole)
        return 0;
    s->events++;
    return emit(ctx, &ev) ? 0 : -ECANCELED;
}

/* Two bytes are kept for a line end, so that it does not matter where the bytes were cut. */
static bool too_long(const struct sse *s, size_t bytes)
{
    return s->part.max != 0 && bytes + 2 > s->part.max;
}

/* 1: the event goes on; 0: nothing before the next line matters any more; or an error. */
static int take_line(struct sse *s, const struct line *l, sse_event_fn *emit, void *ctx)
{
    int err;

    if (too_long(s, l->end))
        return -ENOBUFS;
    if (l->end == l->at)
        return end_event(s, l, emit, ctx);
    if (l->base[l->at] == ':') {
        s->comments++;
        s->line = l->at == 0 ? 0 : l->next;
        return l->at == 0 ? 0 : 1;
    }
    err = add_field(s, l);
    s->line = l->next;
    return err < 0 ? err : 1;
}

/* ---- events ---- */

static int keep(struct sse *s, const char *from, const char *to)
{
    return buf_put(&s->part, (struct str){from, (size_t)(to - from)});
}

/* An event that begins at in->p: read it in place, and keep what has no end here. */
static int feed_in_place(struct sse *s, struct input *in, sse_event_fn *emit, void *ctx)
{
    const char *base = in->p, *eol, *next;
    int going = 1;

    while (going > 0 && in->p < in->end && (eol = find_eol(in, &next)) != NULL) {
        struct line l = {base, (size_t)(in->p - base), (size_t)(eol - base), (size_t)(next - base)};

        in->p = next;
        going = take_line(s, &l, emit, ctx);
    }
    if (going <= 0)
        return going;
    in->p = in->end;
    if (too_long(s, (size_t)(in->end - base)) && s->line < (size_t)(in->end - base))
        return -ENOBUFS;
    return keep(s, base, in->end);
}

/* The next line of the event in `part`. */
static int feed_part(struct sse *s, struct input *in, sse_event_fn *emit, void *ctx)
{
    const char *next = in->end, *eol = find_eol(in, &next);
    size_t text = s->part.len + (size_t)((eol != NULL ? eol : in->end) - in->p);
    struct line l;
    int err;

    if (too_long(s, text))
        return -ENOBUFS;
    err = keep(s, in->p, next);
    in->p = next;
    if (err < 0 || eol == NULL)
        return err;
    l = (struct line){s->part.ptr, s->line, text, s->part.len};
    err = take_line(s, &l, emit, ctx);
    if (err <= 0)
        s->part.len = 0;
    return err < 0 ? err : 0;
}

/* ---- the start, and the ends of feeds ---- */

/* Drop a BOM, however it was cut.  Until it is told apart from other bytes it waits in `part`. */
static int skip_bom(struct sse *s, struct input *in)
{
    static const char bom[] = "\xef\xbb\xbf";

    while (!s->started && in->p < in->end) {
        if (*in->p != bom[s->part.len]) {
            s->started = true;
        } else if (s->part.len == 2) {
            s->started = true;
            s->part.len = 0;
            in->p++;
        } else {
            int err = keep(s, in->p, in->p + 1);

            if (err < 0)
                return err;
            in->p++;
        }
    }
    return 0;
}

static int skip_pending_lf(struct sse *s, struct input *in)
{
    bool lf = s->pending_cr && *in->p == '\n';

    s->pending_cr = false;
    if (!lf)
        return 0;
    in->p++;
    if (s->part.len == 0) /* its CR ended an event, and is gone */
        return 0;
    s->line++;
    return keep(s, in->p - 1, in->p);
}

static void shrink(struct sse *s)
{
    if (s->part.len > 0)
        return;
    if (s->part.cap > IDLE_BYTES)
        buf_done(&s->part);
    if (s->data.cap > IDLE_BYTES)
        buf_done(&s->data);
}

int sse_feed(struct sse *s, struct str bytes, sse_event_fn *emit, void *ctx)
{
    struct input in;
    int err;

    if (bytes.len == 0)
        return 0;
    in = (struct input){bytes.ptr, bytes.ptr + bytes.len, NULL, NULL};
    err = s->started ? skip_pending_lf(s, &in) : skip_bom(s, &in);
    in.lf = find_byte(in.p, in.end, '\n');
    in.cr = find_byte(in.p, in.end, '\r');
    while (err == 0 && in.p < in.end)
        err = s->part.len > 0 ? feed_part(s, &in, emit, ctx) : feed_in_place(s, &in, emit, ctx);
    if (err == 0)
        s->pending_cr = s->started && bytes.ptr[bytes.len - 1] == '\r';
    shrink(s);
    return err;
}

size_t sse_partial(const struct sse *s)
{
    return s->part.len;
}

void sse_done(struct sse *s)
{
    buf_done(&s->part);
    buf_done(&s->data);
    *s = (struct sse){.part.max = s->part.max};
}
