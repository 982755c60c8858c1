/*
 * chat_listener.h - what has to hold of the events of any answer, whatever came in.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_FUZZ_CHAT_LISTENER_H
#define TESTS_FUZZ_CHAT_LISTENER_H

#include "fuzz/fuzz.h"
#include "llm/chat_text.h"
#include "llm/dialects.h"

#define LISTENER_CHOICES 8u
#define LISTENER_CALLS 64u

struct listener {
    struct arena arena;
    bool started, failed, ended;
    uint32_t calls[LISTENER_CHOICES];
    struct buf args[LISTENER_CHOICES][LISTENER_CALLS];
    uint64_t hash; /* of all that was told */
};

static inline void listener_hash(struct listener *l, const char *ptr, size_t len)
{
    for (size_t i = 0; i < len; i++)
        l->hash = (l->hash ^ (unsigned char)ptr[i]) * 0x100000001b3u;
    l->hash = (l->hash ^ len) * 0x100000001b3u;
}

/* Between quotes it is a JSON string. */
static inline void listener_text(struct listener *l, struct json_text t)
{
    struct str quoted;

    if (t.ptr == NULL)
        return;
    quoted = arena_join(&l->arena, (struct str[]){STR("\""), str_make(t.ptr, t.len), STR("\"")}, 3);
    must(quoted.ptr != NULL &&
         json_string_end(quoted.ptr, quoted.ptr + quoted.len) == quoted.ptr + quoted.len);
    listener_hash(l, t.ptr, t.len);
}

/* All arguments of calls that a client is told to make are JSON objects. */
static inline void listener_calls(struct listener *l, uint32_t choice)
{
    for (uint32_t i = 0; i < l->calls[choice] && i < LISTENER_CALLS; i++) {
        struct str text = buf_str(&l->args[choice][i]), plain;

        plain = json_text_plain(&l->arena, (struct json_text){text.ptr, text.len});
        must(plain.ptr != NULL && json_type_of(plain) == JSON_OBJECT);
        must(json_scan(plain, JSON_DEPTH_MAX, NULL, NULL, NULL));
    }
}

static inline void listener_order(struct listener *l, const struct chat_event *ev)
{
    must(!l->failed && !l->ended && ev->choice < LISTENER_CHOICES);
    must(l->started || ev->kind == CHAT_EV_START || ev->kind == CHAT_EV_ERROR);
    must(!l->started || ev->kind != CHAT_EV_START);
    l->started |= ev->kind == CHAT_EV_START;
    l->failed |= ev->kind == CHAT_EV_ERROR;
    l->ended |= ev->kind == CHAT_EV_END;
    must(ev->kind != CHAT_EV_ERROR || ev->fault != FAULT_NONE);
    must(ev->kind != CHAT_EV_STOP || ev->stop != CHAT_STOP_NONE);
}

static inline bool listener_hear(void *ctx, const struct chat_event *ev)
{
    struct listener *l = ctx;

    listener_order(l, ev);
    if (ev->kind == CHAT_EV_CALL) {
        must(ev->call == l->calls[ev->choice]++ && ev->id.len > 0 && ev->name.len > 0);
    } else if (ev->kind == CHAT_EV_ARGS) {
        must(ev->call + 1 == l->calls[ev->choice]);
        if (ev->call < LISTENER_CALLS)
            must(buf_put(&l->args[ev->choice][ev->call], str_make(ev->text.ptr, ev->text.len)) ==
                 0);
    } else if (ev->kind == CHAT_EV_RAW) {
        must(json_scan(ev->raw, JSON_DEPTH_MAX, NULL, NULL, NULL));
    } else if (ev->kind == CHAT_EV_STOP && ev->stop == CHAT_STOP_CALLS) {
        listener_calls(l, ev->choice);
    }
    listener_hash(l, (const char *)&ev->kind, sizeof(ev->kind));
    listener_text(l, ev->text);
    listener_text(l, ev->id);
    listener_text(l, ev->name);
    listener_text(l, ev->model);
    listener_text(l, ev->signature);
    return true;
}

static inline void listener_done(struct listener *l)
{
    for (unsigned i = 0; i < LISTENER_CHOICES; i++) {
        for (unsigned j = 0; j < LISTENER_CALLS; j++)
            buf_done(&l->args[i][j]);
    }
    arena_done(&l->arena);
}

/* `lines` as the events of a stream. */
static inline void listener_stream(const struct dialect *dialect, struct str lines)
{
    static struct listener l; /* it is large */
    struct arena a = {.max = 4 << 20};
    struct chat_decoder *d = dialect->decoder_new(&a);
    struct str line;

    l = (struct listener){.hash = 1};
    must(d != NULL);
    while (lines.len > 0) {
        uint64_t before = l.hash;
        bool ok;

        str_cut(lines, '\n', &line, &lines);
        ok = dialect->decode(d, STR(""), line, listener_hear, &l);
        must(ok || json_scan(line, JSON_DEPTH_MAX, NULL, NULL, NULL) || l.hash == before);
    }
    if (dialect->decode_end != NULL)
        dialect->decode_end(d, listener_hear, &l);
    listener_done(&l);
    arena_done(&a);
}

static inline void listener_whole(const struct dialect *dialect, struct str body)
{
    static struct listener l;
    struct arena a = {.max = 4 << 20};
    struct chat_decoder *d = dialect->decoder_new(&a);

    l = (struct listener){.hash = 1};
    must(d != NULL);
    must(!dialect->decode_whole(d, body, listener_hear, &l) || l.ended || l.failed);
    listener_done(&l);
    arena_done(&a);
}

static inline void listener_refusal(const struct dialect *dialect, unsigned status, struct str body)
{
    static struct listener l;
    struct arena a = {.max = 4 << 20};
    struct chat_event ev;

    l = (struct listener){.hash = 1};
    dialect->refusal(&a, status, body, &ev);
    must(ev.kind == CHAT_EV_ERROR);
    listener_hear(&l, &ev);
    listener_done(&l);
    arena_done(&a);
}

#endif
