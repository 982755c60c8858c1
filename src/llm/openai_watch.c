/*
 * The answer goes by: what it said, and where it stands.
 *
 * An event is read once, its choices and deltas on the way; no tree is built and nothing is
 * allocated.  What it says counts only when it has turned out to be JSON, and no error.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm/openai_part.h"

struct choice {
    struct str index, finish, usage, delta;
    struct str tool_calls; /* the member's value, whatever it is */
    enum json_type tool_calls_type;
    struct str shown; /* the last thing it shows */
    unsigned shows;   /* how many there are */
};

struct chunk {
    struct openai_watch *watch;
    struct str text;
    struct str error, choices, id; /* values as written; empty when absent */
    struct openai_usage_reading usage, groq_usage;
    bool has_usage, has_groq_usage;
    bool flat_error;
    struct choice choice; /* the one being read */
    bool content;         /* a choice shows something */
    bool mend;            /* a choice has tool calls to look at */
    struct str shown;     /* it is one string and nothing else: that; otherwise empty */
    struct str padding;
    unsigned position; /* of the next choice in its array */
    unsigned objects;  /* choices that are objects */
    uint64_t vectors;  /* of embeddings */
    struct buf *rewrite;
    const char *copied; /* the event is in `rewrite` up to here; NULL: nothing was mended */
};

static const struct json_visitor nobody;

/* ---- deltas ---- */

static void show(struct choice *c, const struct json_member *m)
{
    c->shows++;
    c->shown = m->value;
}

/* Scalars are flags of the provider's, and `role` only opens the message. */
static bool shows(const struct json_member *m)
{
    return (m->type == JSON_STRING || m->type == JSON_ARRAY || m->type == JSON_OBJECT) &&
           !json_is_empty(m->value) && !json_key_is(m, STR("role"));
}

static bool take_delta(void *ctx, const struct json_member *m)
{
    struct choice *c = ctx;

    if (json_key_is(m, STR("tool_calls"))) {
        c->tool_calls = m->value;
        c->tool_calls_type = json_is_empty(m->value) ? JSON_NONE : m->type;
    }
    if (shows(m))
        show(c, m);
    return true;
}

/* Of a body; some send it with the last event too. */
static bool take_message(void *ctx, const struct json_member *m)
{
    struct choice *c = ctx;

    if (shows(m))
        show(c, m);
    return true;
}

static bool take_choice_member(void *ctx, const struct json_member *m)
{
    struct choice *c = ctx;

    if (json_key_is(m, STR("index")) && m->type == JSON_NUMBER)
        c->index = m->value;
    else if (json_key_is(m, STR("finish_reason")) && m->type == JSON_STRING)
        c->finish = m->value;
    else if (json_key_is(m, STR("text")) && m->type == JSON_STRING && !json_is_empty(m->value))
        show(c, m);
    else if (json_key_is(m, STR("usage")) && m->type == JSON_OBJECT)
        c->usage = m->value;
    else if (json_key_is(m, STR("delta")) && m->type == JSON_OBJECT)
        c->delta = m->value;
    return true;
}

static struct json_visitor enter_choice_member(void *ctx, const struct json_member *m)
{
    if (m->type == JSON_OBJECT && json_key_is(m, STR("delta")))
        return (struct json_visitor){.on_member = take_delta, .ctx = ctx};
    if (m->type == JSON_OBJECT && json_key_is(m, STR("message")))
        return (struct json_visitor){.on_member = take_message, .ctx = ctx};
    return nobody;
}

/* ---- choices ---- */

static void take_finish(struct openai_watch *w, struct str value)
{
    size_t n = value.len - 2 < sizeof(w->finish) - 1 ? value.len - 2 : sizeof(w->finish) - 1;

    memcpy(w->finish, value.ptr + 1, n);
    w->finish[n] = '\0';
}

static bool mark(uint64_t bits[2], uint64_t i)
{
    uint64_t bit = (uint64_t)1 << (i % 64);
    bool fresh = (bits[i / 64] & bit) == 0;

    bits[i / 64] |= bit;
    return fresh;
}

static void count_choice(struct openai_watch *w, const struct choice *c, uint64_t index)
{
    if (index < OPENAI_CHOICES_MAX && mark(w->seen, index))
        w->choices_seen++;
    if (c->finish.len <= 2) /* some send "" before the end */
        return;
    take_finish(w, c->finish);
    if (index < OPENAI_CHOICES_MAX && mark(w->ended, index))
        w->choices_finished++;
}

static bool copy_to(struct chunk *k, const char *end)
{
    const char *from = k->copied != NULL ? k->copied : k->text.ptr;

    return buf_put(k->rewrite, (struct str){from, (size_t)(end - from)}) == 0;
}

/* Append the event up to and with its tool calls; false when they are right as they came. */
static bool put_tools(struct chunk *k, const struct choice *c, uint64_t index)
{
    struct str array = c->tool_calls_type == JSON_ARRAY ? c->tool_calls : STR("");
    bool last = c->finish.len > 2, absent = c->tool_calls.len == 0;
    const char *at = absent ? c->delta.ptr + 1 : c->tool_calls.ptr;

    if (!copy_to(k, at) || (absent && buf_put(k->rewrite, STR("\"tool_calls\":")) < 0) ||
        !openai_tools_mend(k->watch, index, k->id, array, last, k->rewrite) ||
        (absent && !json_is_empty(c->delta) && buf_put(k->rewrite, STR(",")) < 0))
        return false;
    k->copied = at + c->tool_calls.len;
    return true;
}

static bool may_need_mending(const struct chunk *k, const struct choice *c)
{
    bool closes = c->finish.len > 2 && k->watch->tools != NULL && c->delta.len > 0;

    return k->rewrite != NULL && (c->tool_calls_type == JSON_ARRAY || closes);
}

static uint64_t index_of(struct chunk *k, const struct choice *c)
{
    uint64_t index = k->position++;

    if (c->index.len > 0 && !str_to_u64(c->index, &index))
        return OPENAI_CHOICES_MAX;
    return index;
}

static struct json_visitor enter_choice(void *ctx, const struct json_member *m)
{
    struct chunk *k = ctx;

    if (m->type != JSON_OBJECT)
        return nobody;
    k->choice = (struct choice){.shows = 0};
    return (struct json_visitor){take_choice_member, enter_choice_member, &k->choice};
}

static bool take_choice(void *ctx, const struct json_member *m)
{
    struct chunk *k = ctx;
    const struct choice *c = &k->choice;

    if (m->type != JSON_OBJECT) {
        k->position++;
        return true;
    }
    count_choice(k->watch, c, index_of(k, c));
    if (c->usage.len > 0)
        openai_usage_read(&k->watch->usage, c->usage);
    k->mend |= may_need_mending(k, c);
    k->objects++;
    k->content |= c->shows > 0 || c->finish.len > 2;
    if (c->shows == 1 && c->shown.ptr[0] == '"' && c->finish.len <= 2 && c->usage.len == 0)
        k->shown = c->shown;
    return true;
}

/* The choices once more, now that all of the event is known. */
static bool mend_choice(void *ctx, const struct json_member *m)
{
    struct chunk *k = ctx;
    struct choice c = {.shows = 0};
    uint64_t index;
    size_t before;

    if (m->type == JSON_OBJECT)
        json_members(m->value, take_choice_member, &c);
    if (c.delta.len > 0)
        json_members(c.delta, take_delta, &c);
    index = index_of(k, &c);
    if (!may_need_mending(k, &c))
        return true;
    before = k->rewrite->len;
    if (!put_tools(k, &c, index))
        k->rewrite->len = before;
    return true;
}

/* ---- chunks ---- */

static struct json_visitor enter_groq(void *ctx, const struct json_member *m)
{
    struct chunk *k = ctx;

    if (m->type != JSON_OBJECT || !json_key_is(m, STR("usage")))
        return nobody;
    k->has_groq_usage = true;
    return openai_usage_visitor(&k->groq_usage);
}

static bool take_groq(void *ctx, const struct json_member *m)
{
    struct chunk *k = ctx;

    if (json_key_is(m, STR("error")) && m->type != JSON_NULL && k->error.len == 0)
        k->error = m->value; /* why a stream was stopped early */
    return true;
}

static bool take_chunk_member(void *ctx, const struct json_member *m)
{
    struct chunk *k = ctx;

    if (json_key_is(m, STR("choices")) && m->type == JSON_ARRAY)
        k->choices = m->value;
    else if (json_key_is(m, STR("error")))
        k->error = m->type != JSON_NULL ? m->value : k->error;
    else if (json_key_is(m, STR("id")))
        k->id = m->value;
    else if (json_key_is(m, STR("obfuscation")) && m->type == JSON_STRING)
        k->padding = m->value;
    else if (json_key_is(m, STR("object")))
        k->flat_error = str_eq(m->value, STR("\"error\""));
    return true;
}

static bool count_vector(void *ctx, const struct json_member *m)
{
    struct chunk *k = ctx;

    k->vectors += m->type == JSON_OBJECT;
    return true;
}

static struct json_visitor enter_chunk_member(void *ctx, const struct json_member *m)
{
    struct chunk *k = ctx;

    if (k->watch->surface == OPENAI_EMBEDDINGS && m->type == JSON_ARRAY &&
        json_key_is(m, STR("data"))) {
        k->vectors = 0;
        return (struct json_visitor){count_vector, NULL, k};
    }
    if (m->type == JSON_ARRAY && json_key_is(m, STR("choices"))) {
        k->position = k->objects = 0;
        return (struct json_visitor){take_choice, enter_choice, k};
    }
    if (m->type == JSON_OBJECT && json_key_is(m, STR("usage"))) {
        k->has_usage = true;
        return openai_usage_visitor(&k->usage);
    }
    if (m->type == JSON_OBJECT && json_key_is(m, STR("x_groq")))
        return (struct json_visitor){take_groq, enter_groq, k};
    return nobody;
}

static bool scan_chunk(struct chunk *k)
{
    struct json_visitor top = {take_chunk_member, enter_chunk_member, k};

    return json_type_of(k->text) == JSON_OBJECT && json_visit(k->text, JSON_DEPTH_MAX, top, NULL);
}

static bool is_error(const struct chunk *k)
{
    return k->flat_error ||
           (k->error.len > 0 && !str_eq(k->error, STR("false")) && !str_eq(k->error, STR("\"\"")));
}

static bool has_usage(const struct chunk *k)
{
    return k->has_usage || k->has_groq_usage;
}

/* It is JSON, and no error. */
static void count_chunk(struct chunk *k)
{
    struct openai_watch *w = k->watch;

    if (has_usage(k))
        openai_usage_take(&w->usage, k->has_usage ? &k->usage : &k->groq_usage);
    if (k->mend) {
        k->position = 0;
        json_members(k->choices, mend_choice, k);
    }
    w->content |= k->content;
    w->finished = w->choices_seen > 0 && w->choices_seen == w->choices_finished;
    if (k->shown.len > 0 && k->position == 1 && !has_usage(k))
        openai_stencil_cut(w, k->text, k->shown, k->padding);
}

/* `value`: of the error member, which need not be at the top; empty when it was not looked for. */
static void take_error(struct openai_watch *w, struct str data, struct str value)
{
    struct openai_refusal r = {.fault = FAULT_NONE};

    if (!openai_error_read(w->arena, data, &r) && value.len > 0)
        openai_error_value(w->arena, value, &r);
    else if (r.message.len == 0)
        r.message = openai_plain_text(w->arena, data);
    w->fault = openai_error_fault(r.type, r.code);
    w->error_message = r.message;
    w->error_type = r.type;
    w->error_code = r.code;
}

/* The rest of an event of which something was mended. */
static bool end_rewrite(struct chunk *k, size_t before)
{
    if (k->copied == NULL)
        return false;
    if (copy_to(k, k->text.ptr + k->text.len))
        return true;
    k->rewrite->len = before;
    return false;
}

/* ---- what the gateway calls ---- */

void openai_watch_init(struct openai_watch *w, enum openai_surface surface, struct arena *a)
{
    *w = (struct openai_watch){.surface = surface, .arena = a};
}

void openai_watch_done(struct openai_watch *w)
{
    w->tools = NULL;
}

bool openai_watch_move(struct openai_watch *w, struct arena *to)
{
    struct openai_tools *tools;
    struct openai_stencil *stencil;

    if (!openai_tools_copy(w->tools, to, &tools) || !openai_stencil_copy(w->stencil, to, &stencil))
        return false;
    w->tools = tools;
    w->stencil = stencil;
    /* Texts of an error end the answer; there is none in one that goes on. */
    w->error_message = w->error_type = w->error_code = (struct str){NULL, 0};
    return true;
}

enum openai_event_kind openai_watch_event(struct openai_watch *w, struct str name, struct str data,
                                          struct buf *rewrite, bool *ret_rewritten)
{
    size_t rewrite_at = rewrite != NULL ? rewrite->len : 0;
    struct openai_watch before;
    struct chunk k;

    *ret_rewritten = false;
    w->events++;
    if (str_eq(name, STR("error"))) {
        take_error(w, data, STR(""));
        return OPENAI_EV_ERROR;
    }
    if (openai_stencil_fits(w, data))
        return OPENAI_EV_CONTENT;
    if (str_eq(data, STR("[DONE]"))) {
        w->done = true;
        return OPENAI_EV_DONE;
    }
    k = (struct chunk){.watch = w, .text = data, .rewrite = rewrite};
    before = *w;
    if (!scan_chunk(&k)) {
        *w = before;
        return OPENAI_EV_MALFORMED;
    }
    if (is_error(&k)) {
        *w = before;
        take_error(w, data, k.error);
        return OPENAI_EV_ERROR;
    }
    count_chunk(&k);
    *ret_rewritten = end_rewrite(&k, rewrite_at);
    if (k.content)
        return OPENAI_EV_CONTENT;
    return has_usage(&k) && k.position == 0 ? OPENAI_EV_USAGE : OPENAI_EV_LIFECYCLE;
}

enum fault openai_watch_body(struct openai_watch *w, struct str body)
{
    struct chunk k = {.watch = w, .text = body};
    struct openai_watch before = *w;
    bool answered;

    if (!scan_chunk(&k)) {
        *w = before;
        return FAULT_UPSTREAM_BAD_REPLY;
    }
    if (is_error(&k)) {
        *w = before;
        take_error(w, body, k.error);
        return w->fault;
    }
    count_chunk(&k);
    answered =
        w->surface == OPENAI_EMBEDDINGS ? k.vectors > 0 && k.vectors >= w->inputs : k.objects > 0;
    return answered ? FAULT_NONE : FAULT_UPSTREAM_BAD_REPLY;
}
