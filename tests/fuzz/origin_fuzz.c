/* Any bytes as a body of each surface, with marks of whose thinking it is: no target is told what
 * is another maker's, nothing else gets lost, and what is left can be written.
 * SPDX-License-Identifier: Apache-2.0 */

#include "fuzz/fuzz.h"
#include "llm/chat_origin.h"
#include "llm/dialects.h"

#define DEPTH 64u
#define KEPT (8u << 20)

static const struct chat_surface *const surfaces[] = {&surface_chat, &surface_messages,
                                                      &surface_responses};
static const struct dialect *const dialects[] = {
    &dialect_openai, &dialect_anthropic, &dialect_gemini, &dialect_bedrock, &dialect_ollama};

static bool is_thought(const struct chat_part *p)
{
    return p->kind == CHAT_THINKING || p->kind == CHAT_REDACTED;
}

/* Parts that are no thoughts; `ours` are all that have a maker that hears them. */
static uint32_t count(const struct chat_message *m, uint32_t n, enum chat_dialect maker, bool ours)
{
    uint32_t others = 0;

    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t j = 0; j < m[i].parts_count; j++) {
            const struct chat_part *p = &m[i].parts[j];

            others += !is_thought(p);
            must(!ours || !p->has_maker || p->maker == maker);
        }
    }
    return others;
}

static void tell(struct chat_origin_sieve *s, struct chat_request *r, enum chat_dialect client,
                 const struct dialect *d)
{
    struct chat_problem p = {.fault = FAULT_NONE};
    struct buf out = {.max = KEPT};

    r->dropped_count = 0;
    must(chat_origin_sift(s, r, client, d->id));
    must(r->messages_count <= s->all_count);
    must(count(r->messages, r->messages_count, d->id, r->messages != s->all) ==
         count(s->all, s->all_count, d->id, false));
    if (d->encode(r, STR("m"), &out, &p))
        must(json_scan(buf_str(&out), JSON_DEPTH_MAX, NULL, NULL, NULL));
    buf_done(&out);
}

static void surface(const struct chat_surface *from, struct str body)
{
    struct arena a = {.max = KEPT};
    struct chat_request r;
    struct chat_problem p = {.fault = FAULT_NONE};
    struct chat_origin_sieve s = {.all = NULL};

    if (from->read(&a, body, DEPTH, &r, &p)) {
        must(!chat_origin_read(&r) || chat_origin_suspect(body));
        s.all = r.messages;
        s.all_count = r.messages_count;
        for (size_t i = 0; i < COUNTOF(dialects); i++)
            tell(&s, &r, from->id, dialects[i]);
    }
    arena_done(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < COUNTOF(surfaces); i++)
        surface(surfaces[i], str_make((const char *)data, size));
    return 0;
}
