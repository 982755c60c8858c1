/*
 * chat_tell.h - events in rows, told to a surface's writer as a stream and as a whole.
 *
 * For tests of one surface: define SURFACE, and include it after cmocka.h.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_UNIT_LLM_CHAT_TELL_H
#define TESTS_UNIT_LLM_CHAT_TELL_H

#include <errno.h>

#include "llm/dialects.h"

/* clang-format off */
#define TEXT_INIT(lit) {"" lit, sizeof(lit) - 1}
#define SAY(k, t)       {.kind = CHAT_EV_##k, .text = TEXT_INIT(t)}
#define CALL(n, i, f)   {.kind = CHAT_EV_CALL, .call = n, .id = TEXT_INIT(i), .name = TEXT_INIT(f)}
#define ARGS(n, t)      {.kind = CHAT_EV_ARGS, .call = n, .text = TEXT_INIT(t)}
#define RAW(k, v, r)    {.kind = CHAT_EV_##k, .vendor = CHAT_##v, .raw = STR_INIT(r)}
#define BLOCK_END       {.kind = CHAT_EV_BLOCK_END}
#define STOP(s)         {.kind = CHAT_EV_STOP, .stop = CHAT_STOP_##s}
#define START           {.kind = CHAT_EV_START}
#define END             {.kind = CHAT_EV_END}
/* A row's events, and how many; END comes last. */
#define EVENTS(...)     (const struct chat_event[]){__VA_ARGS__, END}, \
                        COUNTOF(((const struct chat_event[]){__VA_ARGS__, END}))
/* clang-format on */

static inline void put_each(struct chat_writer *w, const struct chat_event *events, size_t n,
                            struct buf *out)
{
    for (size_t i = 0; i < n; i++)
        assert_int_equal(SURFACE.put(w, &events[i], out), 0);
}

static inline void write_whole(struct arena *a, const struct chat_answer_facts *facts,
                               const struct chat_event *events, size_t n, struct buf *out)
{
    struct chat_writer *w = SURFACE.writer_new(a, facts);

    for (size_t i = 0; i < n; i++)
        assert_int_equal(SURFACE.collect(w, &events[i]), 0);
    assert_int_equal(SURFACE.write(w, out), 0);
    assert_true(json_scan(buf_str(out), JSON_DEPTH_MAX, NULL, NULL, NULL));
}

/* Whether what this event alone writes has that word. */
static inline bool wrote(struct chat_writer *w, struct chat_event ev, struct buf *out,
                         const char *word)
{
    out->len = 0;
    assert_int_equal(SURFACE.put(w, &ev, out), 0);
    return str_find(buf_str(out), str_from(word)) != NULL;
}

/* One event with ever more room, `step` more each time: with too little, nothing is written.
 * How often there was too little. */
static inline size_t put_in_little_room(const struct chat_answer_facts *facts,
                                        const struct chat_event *ev, size_t step)
{
    size_t failed = 0;
    int err = -ENOBUFS;

    for (size_t max = 1; err < 0; max += step) {
        struct arena a = {.max = 1 << 20};
        struct buf out = {.max = max};

        err = SURFACE.put(SURFACE.writer_new(&a, facts), ev, &out);
        assert_true(err == 0 || err == -ENOBUFS);
        assert_true(err == 0 || out.len == 0);
        failed += err < 0;
        buf_done(&out);
        arena_done(&a);
    }
    return failed;
}

#endif
