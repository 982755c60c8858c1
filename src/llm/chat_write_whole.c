/*
 * An answer as one Chat Completions body, and what the stream says in the same words.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>

#include "llm/chat_text.h"
#include "llm/chat_write.h"

static void pen_key_rope(struct json_pen *p, struct str key, const struct chat_rope *r)
{
    pen_key(p, key);
    if (!r->any) {
        pen_null(p);
        return;
    }
    pen_quote(p);
    chat_pen_rope(p, r);
    pen_quote_end(p);
}

/* ---- what both ways of writing say ---- */

/* clang-format off */
/* A turn that was paused, or that met the end of the context, is not whole: "length" is OpenAI's
 * word for that.  What it does not say is told in the model's own word. */
static const struct finish {
    struct str word, native;
} finishes[] = {
    [CHAT_STOP_NONE]     = {STR_INIT("stop"),           STR_INIT("")},
    [CHAT_STOP_END]      = {STR_INIT("stop"),           STR_INIT("")},
    [CHAT_STOP_SEQUENCE] = {STR_INIT("stop"),           STR_INIT("")},
    [CHAT_STOP_LENGTH]   = {STR_INIT("length"),         STR_INIT("")},
    [CHAT_STOP_CALLS]    = {STR_INIT("stop"),           STR_INIT("")}, /* of nothing, then */
    [CHAT_STOP_FILTER]   = {STR_INIT("content_filter"), STR_INIT("")},
    [CHAT_STOP_REFUSAL]  = {STR_INIT("content_filter"), STR_INIT("refusal")},
    [CHAT_STOP_PAUSE]    = {STR_INIT("length"),         STR_INIT("pause_turn")},
    [CHAT_STOP_CONTEXT]  = {STR_INIT("length"),         STR_INIT("model_context_window_exceeded")},
    [CHAT_STOP_OTHER]    = {STR_INIT("stop"),           STR_INIT("")},
};
/* clang-format on */

/* Clients run tools when they read "tool_calls": a model that called some and says no more than
 * that it is done, or something nobody knows, must not keep them from it, nor may one that called
 * none send them looking (R47). */
static bool ends_in_calls(const struct chat_written *c, enum chat_stop stop)
{
    return c->called && (stop == CHAT_STOP_NONE || stop == CHAT_STOP_END ||
                         stop == CHAT_STOP_CALLS || stop == CHAT_STOP_OTHER);
}

void chat_pen_finish(struct json_pen *p, const struct chat_writer *w, const struct chat_written *c,
                     enum chat_stop stop, struct json_text native)
{
    struct str word = finishes[stop].word, own = finishes[stop].native;

    if (ends_in_calls(c, stop))
        word = w->functions ? STR("function_call") : STR("tool_calls");
    pen_key_text(p, STR("finish_reason"), (struct json_text){word.ptr, word.len});
    if (stop == CHAT_STOP_OTHER && native.ptr != NULL)
        pen_key_text(p, STR("native_finish_reason"), native);
    else if (own.len > 0)
        pen_key_text(p, STR("native_finish_reason"), (struct json_text){own.ptr, own.len});
}

static void pen_count(struct json_pen *p, struct str key, uint64_t n)
{
    pen_key(p, key);
    pen_u64(p, n);
}

void chat_pen_usage(struct json_pen *p, const struct chat_usage *u)
{
    uint64_t total;

    if (__builtin_add_overflow(u->input, u->output, &total))
        total = UINT64_MAX;
    pen_open(p, '{');
    pen_count(p, STR("prompt_tokens"), u->input);
    pen_count(p, STR("completion_tokens"), u->output);
    pen_count(p, STR("total_tokens"), total);
    pen_key(p, STR("prompt_tokens_details"));
    pen_open(p, '{');
    pen_count(p, STR("cached_tokens"), u->cache_read);
    pen_count(p, STR("cache_write_tokens"), u->cache_write);
    pen_count(p, STR("audio_tokens"), 0);
    pen_close(p, '}');
    pen_key(p, STR("completion_tokens_details"));
    pen_open(p, '{');
    pen_count(p, STR("reasoning_tokens"), u->reasoning);
    pen_count(p, STR("audio_tokens"), 0);
    pen_count(p, STR("accepted_prediction_tokens"), 0);
    pen_count(p, STR("rejected_prediction_tokens"), 0);
    pen_close(p, '}');
    pen_close(p, '}');
}

void chat_pen_thought(struct json_pen *p, const struct chat_rope *thought,
                      struct json_text signature)
{
    pen_open(p, '{');
    pen_key_text(p, STR("type"), JSON_TEXT("thinking"));
    pen_key(p, STR("thinking"));
    pen_quote(p);
    chat_pen_rope(p, thought);
    pen_quote_end(p);
    pen_key_text(p, STR("signature"), signature);
    pen_close(p, '}');
}

void chat_pen_redacted(struct json_pen *p, struct json_text data)
{
    pen_open(p, '{');
    pen_key_text(p, STR("type"), JSON_TEXT("redacted_thinking"));
    pen_key_text(p, STR("data"), data);
    pen_close(p, '}');
}

void chat_pen_signature(struct json_pen *p, struct json_text signature)
{
    if (signature.len == 0)
        return;
    pen_key(p, STR("extra_content"));
    pen_open(p, '{');
    pen_key(p, STR("google"));
    pen_open(p, '{');
    pen_key_text(p, STR("thought_signature"), signature);
    pen_close(p, '}');
    pen_close(p, '}');
}

struct chat_written *chat_written_get(struct chat_writer *w, uint32_t index)
{
    struct chat_written *c = w->choices;

    while (c != NULL && c->index != index)
        c = c->next;
    if (c != NULL)
        return c;
    c = ARENA_NEW(w->arena, struct chat_written);
    if (c == NULL)
        return NULL;
    c->index = index;
    if (w->last != NULL)
        w->last->next = c;
    else
        w->choices = c;
    w->last = c;
    return c;
}

/* ---- collecting ---- */

static bool keep(struct chat_writer *w, struct json_text text, struct json_text *ret)
{
    struct str copy;

    if (text.ptr == NULL)
        return true;
    copy = arena_dup(w->arena, str_make(text.ptr, text.len));
    *ret = (struct json_text){copy.ptr, copy.len};
    return copy.ptr != NULL;
}

static bool keep_call(struct chat_writer *w, struct chat_written *c, const struct chat_event *ev)
{
    struct chat_written_call *call = ARENA_NEW(w->arena, struct chat_written_call);

    if (call == NULL || !keep(w, ev->id, &call->id) || !keep(w, ev->name, &call->name) ||
        !keep(w, ev->signature, &call->signature))
        return false;
    c->called = true;
    call->number = ev->call;
    if (c->last_call != NULL)
        c->last_call->next = call;
    else
        c->calls = call;
    c->last_call = call;
    return true;
}

static bool keep_args(struct chat_writer *w, struct chat_written *c, const struct chat_event *ev)
{
    struct chat_written_call *call = c->calls;

    while (call != NULL && call->number != ev->call)
        call = call->next;
    return call == NULL || chat_rope_add(w->arena, &call->args, ev->text);
}

/* A block as JSON, behind the others. */
static bool keep_block(struct chat_writer *w, struct chat_written *c, const struct chat_event *ev)
{
    struct buf block = {.max = 0};
    struct json_pen p = json_pen(&block);
    bool ok;

    p.comma = c->blocks.any;
    if (ev->kind == CHAT_EV_SIGNATURE)
        chat_pen_thought(&p, &c->thought, ev->text);
    else
        chat_pen_redacted(&p, ev->text);
    ok =
        p.err == 0 && chat_rope_add(w->arena, &c->blocks, (struct json_text){block.ptr, block.len});
    buf_done(&block);
    return ok;
}

static bool keep_stop(struct chat_writer *w, struct chat_written *c, const struct chat_event *ev)
{
    c->stop = ev->stop;
    return keep(w, ev->text, &c->native);
}

static bool collect(struct chat_writer *w, struct chat_written *c, const struct chat_event *ev)
{
    if (ev->kind == CHAT_EV_TEXT)
        return chat_rope_add(w->arena, &c->content, ev->text);
    if (ev->kind == CHAT_EV_REFUSAL)
        return chat_rope_add(w->arena, &c->refusal, ev->text);
    if (ev->kind == CHAT_EV_THINKING)
        return chat_rope_add(w->arena, &c->thought, ev->text) &&
               chat_rope_add(w->arena, &c->reasoning, ev->text);
    if (ev->kind == CHAT_EV_SIGNATURE || ev->kind == CHAT_EV_REDACTED)
        return keep_block(w, c, ev);
    if (ev->kind == CHAT_EV_CALL)
        return keep_call(w, c, ev);
    if (ev->kind == CHAT_EV_ARGS)
        return keep_args(w, c, ev);
    return ev->kind != CHAT_EV_STOP || keep_stop(w, c, ev);
}

int chat_writer_collect(struct chat_writer *w, const struct chat_event *ev)
{
    struct chat_written *c;

    if (ev->kind == CHAT_EV_USAGE)
        w->usage = ev->usage;
    if (ev->kind == CHAT_EV_USAGE || ev->kind == CHAT_EV_ERROR)
        return 0;
    c = chat_written_get(w, ev->choice);
    if (c == NULL || !collect(w, c, ev))
        return -ENOMEM;
    if (ev->kind != CHAT_EV_THINKING)
        c->thought = (struct chat_rope){.any = false};
    return 0;
}

/* ---- writing ---- */

static void pen_called(struct json_pen *p, const struct chat_written_call *call)
{
    pen_open(p, '{');
    pen_key_text(p, STR("name"), call->name);
    pen_key(p, STR("arguments"));
    pen_quote(p);
    chat_pen_rope(p, &call->args);
    pen_quote_end(p);
    pen_close(p, '}');
}

static void pen_calls(struct json_pen *p, const struct chat_writer *w,
                      const struct chat_written_call *call)
{
    if (call != NULL && w->functions) {
        pen_key(p, STR("function_call"));
        pen_called(p, call);
        call = call->next;
    }
    if (call == NULL)
        return;
    pen_key(p, STR("tool_calls"));
    pen_open(p, '[');
    for (; call != NULL; call = call->next) {
        pen_open(p, '{');
        pen_key_text(p, STR("id"), call->id);
        pen_key_text(p, STR("type"), JSON_TEXT("function"));
        chat_pen_signature(p, call->signature);
        pen_key(p, STR("function"));
        pen_called(p, call);
        pen_close(p, '}');
    }
    pen_close(p, ']');
}

static void pen_message(struct json_pen *p, const struct chat_writer *w,
                        const struct chat_written *c)
{
    struct chat_rope content = c->content;

    if (!c->called && !c->refusal.any)
        content.any = true; /* an answer of nothing is "" */
    pen_open(p, '{');
    pen_key_text(p, STR("role"), JSON_TEXT("assistant"));
    pen_key_rope(p, STR("content"), &content);
    pen_key_rope(p, STR("refusal"), &c->refusal);
    if (c->reasoning.any)
        pen_key_rope(p, STR("reasoning_content"), &c->reasoning);
    if (c->blocks.any) {
        pen_key(p, STR("thinking_blocks"));
        pen_open(p, '[');
        chat_pen_rope(p, &c->blocks);
        pen_close(p, ']');
    }
    pen_calls(p, w, c->calls);
    pen_key(p, STR("annotations"));
    pen_raw(p, STR("[]"));
    pen_close(p, '}');
}

/* The one with the least index from `from` on. */
static const struct chat_written *next_choice(const struct chat_writer *w, uint64_t from)
{
    const struct chat_written *found = NULL;

    for (const struct chat_written *c = w->choices; c != NULL; c = c->next)
        if (c->index >= from && (found == NULL || c->index < found->index))
            found = c;
    return found;
}

static void pen_choices(struct json_pen *p, const struct chat_writer *w)
{
    const struct chat_written *c = next_choice(w, 0);

    pen_key(p, STR("choices"));
    pen_open(p, '[');
    for (; c != NULL; c = next_choice(w, (uint64_t)c->index + 1)) {
        pen_open(p, '{');
        pen_key(p, STR("index"));
        pen_u64(p, c->index);
        pen_key(p, STR("message"));
        pen_message(p, w, c);
        pen_key(p, STR("logprobs"));
        pen_null(p);
        chat_pen_finish(p, w, c, c->stop, c->native);
        pen_close(p, '}');
    }
    pen_close(p, ']');
}

int chat_writer_write(struct chat_writer *w, struct buf *out)
{
    struct json_pen p = json_pen(out);
    size_t before = out->len;

    pen_open(&p, '{');
    pen_key(&p, STR("id"));
    pen_plain(&p, arena_join(w->arena, (struct str[]){STR("chatcmpl-"), w->facts->id}, 2));
    pen_key_text(&p, STR("object"), JSON_TEXT("chat.completion"));
    pen_key(&p, STR("created"));
    pen_u64(&p, w->facts->created_s);
    pen_key_plain(&p, STR("model"), w->facts->model);
    pen_choices(&p, w);
    if (w->usage.source == CHAT_USAGE_REPORTED) {
        pen_key(&p, STR("usage"));
        chat_pen_usage(&p, &w->usage);
    }
    pen_key(&p, STR("service_tier"));
    pen_null(&p);
    pen_key(&p, STR("system_fingerprint"));
    pen_null(&p);
    pen_close(&p, '}');
    if (p.err < 0)
        out->len = before;
    return p.err;
}
