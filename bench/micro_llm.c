/*
 * How long the readers of llm/ take, in CPU time: MB/s of json_scan and sse_feed, ns an event of
 * the watcher.  Not a test.  Build it by hand:
 *   cc -O2 -std=gnu17 -D_GNU_SOURCE -Isrc bench/micro_llm.c build/release/libdragoman.a
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "llm/json.h"
#include "llm/openai.h"
#include "llm/sse.h"

#define ROUNDS 5

static double now_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* `piece` over and over between `head` and `tail`, `bytes` in all. */
static struct str repeat(const char *head, const char *piece, const char *tail, size_t bytes)
{
    char *text = malloc(bytes + strlen(head) + strlen(piece) + strlen(tail) + 1), *p = text;

    if (text == NULL)
        exit(1);
    p = stpcpy(p, head);
    while ((size_t)(p - text) < bytes)
        p = stpcpy(p, piece);
    p = stpcpy(p, tail);
    return (struct str){text, (size_t)(p - text)};
}

static void bench_scan(const char *what, struct str text)
{
    double best = 1e9;

    for (int i = 0; i < ROUNDS; i++) {
        double start = now_s(), took;

        if (!json_scan(text, 64, NULL, NULL, NULL))
            exit(1);
        took = now_s() - start;
        best = took < best ? took : best;
    }
    printf("json_scan  %-24s %8.0f MB/s\n", what, (double)text.len / best / 1e6);
}

static bool count(void *ctx, const struct sse_event *ev)
{
    *(size_t *)ctx += ev->data.len;
    return true;
}

static void bench_sse(const char *what, struct str text, size_t piece)
{
    double best = 1e9;
    uint64_t events = 0;

    for (int i = 0; i < ROUNDS; i++) {
        struct sse s = {.part.max = 1 << 20};
        size_t bytes = 0;
        double start = now_s(), took;

        for (size_t at = 0; at < text.len; at += piece) {
            size_t n = piece < text.len - at ? piece : text.len - at;

            if (sse_feed(&s, str_make(text.ptr + at, n), count, &bytes) < 0)
                exit(1);
        }
        took = now_s() - start;
        best = took < best ? took : best;
        events = s.events;
        sse_done(&s);
    }
    printf("sse_feed   %-24s %8.0f MB/s %6.0f ns an event\n", what, (double)text.len / best / 1e6,
           best * 1e9 / (double)events);
}

static void bench_watch(const char *what, struct str data)
{
    enum { EVENTS = 200000 };
    double best = 1e9;

    for (int i = 0; i < ROUNDS; i++) {
        struct arena a = {.max = 1 << 20};
        struct buf rewrite = {.max = 1 << 20};
        struct openai_watch w;
        double start = now_s(), took;

        openai_watch_init(&w, OPENAI_CHAT, &a);
        for (int n = 0; n < EVENTS; n++) {
            bool rewritten;

            rewrite.len = 0;
            if (openai_watch_event(&w, STR(""), data, &rewrite, &rewritten) == OPENAI_EV_MALFORMED)
                exit(1);
        }
        took = (now_s() - start) / EVENTS;
        best = took < best ? took : best;
        openai_watch_done(&w);
        buf_done(&rewrite);
        arena_done(&a);
    }
    printf("watch      %-24s %8.0f ns an event (%zu bytes)\n", what, best * 1e9, data.len);
}

static const char content[] =
    "{\"id\":\"chatcmpl-7eb08824-fb8d-47af\",\"object\":\"chat.completion.chunk\","
    "\"created\":1770770839,\"model\":\"gpt-4o-mini\",\"system_fingerprint\":\"fp_f8b4\","
    "\"choices\":[{\"index\":0,\"delta\":{\"content\":\" token\"},\"logprobs\":null,"
    "\"finish_reason\":null}],\"usage\":null}";
static const char tool[] =
    "{\"id\":\"chatcmpl-7eb08824-fb8d-47af\",\"object\":\"chat.completion.chunk\","
    "\"created\":1770770839,\"model\":\"gpt-4o-mini\",\"choices\":[{\"index\":0,\"delta\":{"
    "\"tool_calls\":[{\"index\":0,\"id\":\"\",\"type\":\"function\",\"function\":{"
    "\"arguments\":\"{\\\"location\\\"\"}}]},\"finish_reason\":null}]}";

int main(void)
{
    const size_t big = 32u << 20;
    char event[1024];

    bench_scan("one string, ASCII", repeat("[\"", "base64base64base64", "\"]", big));
    bench_scan(
        "prose with escapes",
        repeat("[\"", "A line of text, \\\"quoted\\\", as people write them.\\n", "\"]", big));
    bench_scan("one string, Chinese", repeat("[\"", "\xe5\xbc\xa0\xe4\xb8\x89", "\"]", big));
    bench_scan("floats", repeat("[0", ",-0.01234567", "]", big));
    bench_scan("chat messages",
               repeat("[0", ",{\"role\":\"user\",\"content\":\"How do I get there from here?\"}",
                      "]", big));
    snprintf(event, sizeof(event), ",%s", content);
    bench_scan("chunks", repeat("[0", event, "]", big));
    snprintf(event, sizeof(event), "data: %s\n\n", content);
    bench_sse("whole", repeat("", event, "", big), big);
    bench_sse("in pieces of 16 KiB", repeat("", event, "", big), 16384);
    bench_sse("in pieces of 100 B", repeat("", event, "", big), 100);
    bench_watch("content", str_from(content));
    bench_watch("tool calls, mended", str_from(tool));
    return 0;
}
