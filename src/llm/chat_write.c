/*
 * An answer as Chat Completions streams it: chunk after chunk, as OpenAI itself sends them.
 *
 * The role goes ahead of the first thing that a choice says, with the content null where that is no
 * text.  A thinking block is kept until its signature comes, since a client has to send back both
 * together and could not tell where one block ended.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm/chat_write.h"

#include <errno.h>

#include "base/decimal.h"
#include "llm/chat_text.h"

/* Kept of all thoughts of a stream: the arena has other uses. */
#define THOUGHT_BYTES_MAX (256u << 10)

/* ---- chunks ---- */

/* What all chunks of this answer begin with. */
static struct str head_of(struct arena *a, const struct chat_answer_facts *facts)
{
    struct str id = arena_join(a, (struct str[]){STR("chatcmpl-"), facts->id}, 2);
    struct str model = json_quote(a, facts->model);
    char digits[DECIMAL_BYTES_MAX];

    if (id.ptr != NULL)
        id = json_quote(a, id);
    if (id.ptr == NULL || model.ptr == NULL)
        return (struct str){NULL, 0};
    return arena_join(
        a,
        (struct str[]){STR("data: {\"id\":"), id,
                       STR(",\"object\":\"chat.completion.chunk\",\"created\":"),
                       decimal_write(facts->created_s, digits), STR(",\"model\":"), model,
                       STR(",\"service_tier\":null,\"system_fingerprint\":null,\"choices\":[")},
        7);
}

struct chat_writer *chat_writer_new(struct arena *a, const struct chat_answer_facts *facts)
{
    struct chat_writer *w = ARENA_NEW(a, struct chat_writer);

    if (w == NULL)
        return NULL;
    w->arena = a;
    w->facts = facts;
    w->wants_usage = facts->request->wants_usage;
    w->functions = facts->request->functions;
    w->head = head_of(a, facts);
    return w->head.ptr != NULL ? w : NULL;
}

static void close_chunk(const struct chat_writer *w, struct json_pen *p)
{
    pen_bytes(p, w->wants_usage ? STR("],\"usage\":null}\n\n") : STR("]}\n\n"));
}

static void open_delta(const struct chat_writer *w, const struct chat_written *c,
                       struct json_pen *p)
{
    pen_bytes(p, w->head);
    p->comma = false;
    pen_open(p, '{');
    pen_key(p, STR("index"));
    pen_u64(p, c->index);
    pen_key(p, STR("delta"));
    pen_open(p, '{');
}

static void close_delta(const struct chat_writer *w, struct json_pen *p)
{
    pen_bytes(p, STR("},\"logprobs\":null,\"finish_reason\":null}"));
    close_chunk(w, p);
}

static void put_text(const struct chat_writer *w, const struct chat_written *c, struct json_pen *p,
                     struct str key, struct json_text text)
{
    open_delta(w, c, p);
    pen_key_text(p, key, text);
    close_delta(w, p);
}

static void begin(const struct chat_writer *w, struct chat_written *c, struct json_pen *p,
                  enum chat_event_kind first)
{
    if (c->begun)
        return;
    c->begun = true;
    open_delta(w, c, p);
    pen_bytes(p, first == CHAT_EV_TEXT || first == CHAT_EV_STOP || first == CHAT_EV_END
                     ? STR("\"role\":\"assistant\",\"content\":\"\",\"refusal\":null")
                     : STR("\"role\":\"assistant\",\"content\":null,\"refusal\":null"));
    close_delta(w, p);
}

/* ---- thinking ---- */

/* The thoughts are told as they come; what is kept is for the block. */
static void put_thinking(struct chat_writer *w, struct chat_written *c, struct json_pen *p,
                         struct json_text text)
{
    if (w->thought_bytes + text.len > THOUGHT_BYTES_MAX ||
        !chat_rope_add(w->arena, &c->thought, text))
        c->thought_lost = true;
    w->thought_bytes += text.len;
    if (text.len > 0)
        put_text(w, c, p, STR("reasoning_content"), text);
}

static void forget_thought(struct chat_written *c)
{
    c->thought = (struct chat_rope){.any = false};
    c->thought_lost = false;
}

/* Where there was no room the block goes out without its text: a reader that knows of one block
 * alone takes the reasoning_content for it. */
static void put_signature(const struct chat_writer *w, struct chat_written *c, struct json_pen *p,
                          struct json_text signature)
{
    static const struct chat_rope lost;

    open_delta(w, c, p);
    pen_key(p, STR("thinking_blocks"));
    pen_open(p, '[');
    chat_pen_thought(p, c->thought_lost ? &lost : &c->thought, signature);
    pen_close(p, ']');
    close_delta(w, p);
    forget_thought(c);
}

static void put_redacted(const struct chat_writer *w, struct chat_written *c, struct json_pen *p,
                         struct json_text data)
{
    open_delta(w, c, p);
    pen_key(p, STR("thinking_blocks"));
    pen_open(p, '[');
    chat_pen_redacted(p, data);
    pen_close(p, ']');
    close_delta(w, p);
}

/* ---- calls ---- */

/* Whoever asked with functions knows of one call only; that nothing is lost, any other is a tool
 * call. */
static bool as_function(const struct chat_writer *w, uint32_t call)
{
    return w->functions && call == 0;
}

static void open_call(const struct chat_writer *w, struct json_pen *p, uint32_t call)
{
    pen_key(p, STR("tool_calls"));
    pen_open(p, '[');
    pen_open(p, '{');
    pen_key(p, STR("index"));
    pen_u64(p, w->functions ? call - 1 : call);
}

static void put_call(const struct chat_writer *w, struct chat_written *c, struct json_pen *p,
                     const struct chat_event *ev)
{
    bool function = as_function(w, ev->call);

    c->called = true;
    open_delta(w, c, p);
    if (!function) {
        open_call(w, p, ev->call);
        pen_key_text(p, STR("id"), ev->id);
        pen_key_text(p, STR("type"), JSON_TEXT("function"));
        chat_pen_signature(p, ev->signature);
    }
    pen_key(p, function ? STR("function_call") : STR("function"));
    pen_open(p, '{');
    pen_key_text(p, STR("name"), ev->name);
    pen_key_text(p, STR("arguments"), JSON_TEXT(""));
    pen_close(p, '}');
    if (!function) {
        pen_close(p, '}');
        pen_close(p, ']');
    }
    close_delta(w, p);
}

static void put_args(const struct chat_writer *w, const struct chat_written *c, struct json_pen *p,
                     const struct chat_event *ev)
{
    bool function = as_function(w, ev->call);

    if (ev->text.len == 0)
        return;
    open_delta(w, c, p);
    if (!function)
        open_call(w, p, ev->call);
    pen_key(p, function ? STR("function_call") : STR("function"));
    pen_open(p, '{');
    pen_key_text(p, STR("arguments"), ev->text);
    pen_close(p, '}');
    if (!function) {
        pen_close(p, '}');
        pen_close(p, ']');
    }
    close_delta(w, p);
}

/* ---- ends ---- */

static void put_finish(const struct chat_writer *w, struct chat_written *c, struct json_pen *p,
                       enum chat_stop stop, struct json_text native)
{
    if (c->finished)
        return;
    c->finished = true;
    open_delta(w, c, p);
    pen_bytes(p, STR("},\"logprobs\":null"));
    p->comma = true;
    chat_pen_finish(p, w, c, stop, native);
    pen_close(p, '}');
    close_chunk(w, p);
}

static int put_end(struct chat_writer *w, struct json_pen *p)
{
    if (w->choices == NULL && chat_written_get(w, 0) == NULL)
        return -ENOMEM;
    for (struct chat_written *c = w->choices; c != NULL; c = c->next) {
        begin(w, c, p, CHAT_EV_END);
        put_finish(w, c, p, CHAT_STOP_NONE, (struct json_text){NULL, 0});
    }
    if (w->wants_usage && w->usage.source == CHAT_USAGE_REPORTED) {
        pen_bytes(p, w->head);
        pen_bytes(p, STR("],\"usage\":"));
        p->comma = false;
        chat_pen_usage(p, &w->usage);
        pen_bytes(p, STR("}\n\n"));
    }
    pen_bytes(p, STR("data: [DONE]\n\n"));
    return p->err;
}

/* ---- events ---- */

static void put_said(struct chat_writer *w, struct chat_written *c, struct json_pen *p,
                     const struct chat_event *ev)
{
    begin(w, c, p, ev->kind);
    if (ev->kind == CHAT_EV_TEXT && ev->text.len > 0)
        put_text(w, c, p, STR("content"), ev->text);
    else if (ev->kind == CHAT_EV_REFUSAL)
        put_text(w, c, p, STR("refusal"), ev->text);
    else if (ev->kind == CHAT_EV_THINKING)
        put_thinking(w, c, p, ev->text);
    else if (ev->kind == CHAT_EV_SIGNATURE)
        put_signature(w, c, p, ev->text);
    else if (ev->kind == CHAT_EV_REDACTED)
        put_redacted(w, c, p, ev->text);
    else if (ev->kind == CHAT_EV_CALL)
        put_call(w, c, p, ev);
    else if (ev->kind == CHAT_EV_ARGS)
        put_args(w, c, p, ev);
    else if (ev->kind == CHAT_EV_STOP)
        put_finish(w, c, p, ev->stop, ev->text);
    if (ev->kind != CHAT_EV_THINKING)
        forget_thought(c);
}

static int put_of_choice(struct chat_writer *w, struct json_pen *p, const struct chat_event *ev)
{
    struct chat_written *c = chat_written_get(w, ev->choice);

    if (c == NULL)
        return -ENOMEM;
    put_said(w, c, p, ev);
    return p->err;
}

static int put_error(struct chat_writer *w, struct json_pen *p, const struct chat_event *ev)
{
    struct str message = json_text_plain(w->arena, ev->text);

    return chat_error_event(w, ev->fault, message, p->out);
}

static int put_event(struct chat_writer *w, struct json_pen *p, const struct chat_event *ev)
{
    switch (ev->kind) {
    case CHAT_EV_TEXT:
    case CHAT_EV_THINKING:
    case CHAT_EV_SIGNATURE:
    case CHAT_EV_REDACTED:
    case CHAT_EV_REFUSAL:
    case CHAT_EV_CALL:
    case CHAT_EV_ARGS:
    case CHAT_EV_STOP:
        return put_of_choice(w, p, ev);
    case CHAT_EV_USAGE:
        w->usage = ev->usage;
        return 0;
    case CHAT_EV_ERROR:
        return put_error(w, p, ev);
    case CHAT_EV_END:
        return put_end(w, p);
    case CHAT_EV_START:
    case CHAT_EV_BLOCK_END: /* whatever comes next says so too */
    case CHAT_EV_CITATION: /* OpenAI's annotations need titles and places that others do not tell */
    case CHAT_EV_RAW:
        break;
    }
    return 0;
}

int chat_writer_put(struct chat_writer *w, const struct chat_event *ev, struct buf *out)
{
    struct json_pen p = json_pen(out);
    size_t before = out->len;
    int err = put_event(w, &p, ev);

    if (err < 0)
        out->len = before; /* half a chunk would be worse than none */
    return err;
}

/* ---- errors ---- */

int chat_error_body(enum fault f, struct str message, struct str param, struct str request_id,
                    struct buf *out)
{
    const struct fault_info *info = fault_info(f);
    struct json_pen p = json_pen(out);

    (void)request_id; /* it is a header here */
    pen_open(&p, '{');
    pen_key(&p, STR("error"));
    pen_open(&p, '{');
    pen_key_plain(&p, STR("message"), message.len > 0 ? message : str_from(info->manual));
    pen_key_plain(&p, STR("type"), str_from(info->type));
    pen_key(&p, STR("param"));
    if (param.len > 0)
        pen_plain(&p, param);
    else
        pen_null(&p);
    pen_key_plain(&p, STR("code"), str_from(info->wire));
    pen_close(&p, '}');
    pen_close(&p, '}');
    return p.err;
}

int chat_error_event(struct chat_writer *w, enum fault f, struct str message, struct buf *out)
{
    size_t before = out->len;
    int err = buf_put(out, STR("data: "));

    (void)w;
    if (err == 0)
        err = chat_error_body(f, message, STR(""), STR(""), out);
    if (err == 0)
        err = buf_put(out, STR("\n\n"));
    if (err < 0)
        out->len = before;
    return err;
}
