/*
 * openai_retell.c - a whole chat completion, told as the stream that was asked for.
 *
 * Each choice is an event with its message as the delta and one with its finish reason; then comes
 * the usage.  Members are copied as they are written: nothing is added but what a chunk needs to be
 * one, and nothing is lost.  Line ends are: in checked JSON they are only ever space, and inside of
 * an event they would end it.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>

#include "base/decimal.h"
#include "llm/openai_part.h"

struct telling {
    struct str body;
    struct buf *out;
    struct str usage;                  /* as written; empty when absent */
    struct str index, finish, message; /* of the choice being told */
    uint64_t position;                 /* of it, among the choices */
    bool first;                        /* nothing was told yet */
    int err;
};

/* ---- writing ---- */

static void put(struct telling *t, struct str s)
{
    if (t->err == 0)
        t->err = buf_put(t->out, s);
}

static void put_value(struct telling *t, struct str s)
{
    while (s.len > 0) {
        size_t n = 0;

        while (n < s.len && s.ptr[n] != '\n' && s.ptr[n] != '\r')
            n++;
        put(t, str_make(s.ptr, n));
        s = str_skip(s, n + 1);
    }
}

static void put_member(struct telling *t, const struct json_member *m)
{
    put(t, STR(",\""));
    put(t, m->key);
    put(t, STR("\":"));
    put_value(t, m->value);
}

/* What every chunk of a stream says again. */
static bool repeats(const struct json_member *m)
{
    return json_key_is(m, STR("id")) || json_key_is(m, STR("created")) ||
           json_key_is(m, STR("model")) || json_key_is(m, STR("system_fingerprint")) ||
           json_key_is(m, STR("service_tier"));
}

static bool put_top(void *ctx, const struct json_member *m)
{
    struct telling *t = ctx;

    if (json_key_is(m, STR("object")) || json_key_is(m, STR("choices")) ||
        json_key_is(m, STR("usage")))
        return true; /* these are told in their own way */
    if (t->first || repeats(m))
        put_member(t, m);
    return true;
}

static void open_event(struct telling *t)
{
    put(t, STR("data: {\"object\":\"chat.completion.chunk\""));
    json_members(t->body, put_top, t);
    put(t, STR(",\"choices\":["));
    t->first = false;
}

static void open_choice(struct telling *t)
{
    char digits[DECIMAL_BYTES_MAX];

    open_event(t);
    put(t, STR("{\"index\":"));
    put(t, t->index.len > 0 ? t->index : decimal_write(t->position, digits));
}

/* ---- choices ---- */

static bool take_choice_member(void *ctx, const struct json_member *m)
{
    struct telling *t = ctx;

    if (json_key_is(m, STR("index")) && m->type == JSON_NUMBER)
        t->index = m->value;
    else if (json_key_is(m, STR("message")) && m->type == JSON_OBJECT)
        t->message = m->value;
    else if (json_key_is(m, STR("finish_reason")) && m->type == JSON_STRING)
        t->finish = m->value;
    return true;
}

/* Logprobs, filter results and what else stands beside the message. */
static bool put_choice_member(void *ctx, const struct json_member *m)
{
    if (!json_key_is(m, STR("index")) && !json_key_is(m, STR("message")) &&
        !json_key_is(m, STR("finish_reason")))
        put_member(ctx, m);
    return true;
}

static bool tell_choice(void *ctx, const struct json_member *m)
{
    struct telling *t = ctx;

    t->index = t->message = t->finish = (struct str){NULL, 0};
    if (m->type == JSON_OBJECT)
        json_members(m->value, take_choice_member, t);
    if (t->message.len == 0 || t->finish.len == 0)
        t->err = t->err != 0 ? t->err : -EINVAL;
    if (t->err != 0)
        return false;
    open_choice(t);
    json_members(m->value, put_choice_member, t);
    put(t, STR(",\"delta\":"));
    put_value(t, t->message);
    put(t, STR(",\"finish_reason\":null}]}\n\n"));
    open_choice(t);
    put(t, STR(",\"delta\":{},\"finish_reason\":"));
    put(t, t->finish);
    put(t, STR("}]}\n\n"));
    t->position++;
    return t->err == 0;
}

/* ---- the whole ---- */

static bool tell_top(void *ctx, const struct json_member *m)
{
    struct telling *t = ctx;

    if (json_key_is(m, STR("usage")) && m->type == JSON_OBJECT)
        t->usage = m->value;
    if (json_key_is(m, STR("choices")) && m->type == JSON_ARRAY)
        return json_members(m->value, tell_choice, t);
    return true;
}

int openai_retell(struct str body, bool usage, struct buf *out)
{
    struct telling t = {.body = body, .out = out, .first = true};

    if (!json_scan(body, JSON_DEPTH_MAX, NULL, NULL, NULL) || json_type_of(body) != JSON_OBJECT)
        return -EINVAL;
    json_members(body, tell_top, &t);
    if (t.err == 0 && t.position == 0)
        t.err = -EINVAL;
    if (usage && t.usage.len > 0) {
        open_event(&t);
        put(&t, STR("],\"usage\":"));
        put_value(&t, t.usage);
        put(&t, STR("}\n\n"));
    }
    put(&t, STR("data: [DONE]\n\n"));
    return t.err;
}
