/*
 * chat_asked.h - what has to hold of any request that a surface has read.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_FUZZ_CHAT_ASKED_H
#define TESTS_FUZZ_CHAT_ASKED_H

#include "fuzz/fuzz.h"
#include "llm/dialects.h"

#define ASKED_DEPTH 64u

/* What only the parts of one surface promise. */
typedef void asked_part_fn(const struct chat_part *p);

static inline void asked_parts(const struct chat_part *parts, uint32_t n, unsigned levels,
                               asked_part_fn *check)
{
    must(levels > 0);
    for (uint32_t i = 0; i < n; i++) {
        must(parts[i].kind != CHAT_TEXT || parts[i].text.ptr != NULL);
        must(parts[i].kind == CHAT_RESULT || parts[i].parts_count == 0);
        check(&parts[i]);
        asked_parts(parts[i].parts, parts[i].parts_count, levels - 1, check);
    }
}

/* Parts lie in parts at most `levels` deep. */
static inline void asked_messages(const struct chat_request *r, unsigned levels,
                                  asked_part_fn *check)
{
    must(r->messages_count > 0);
    for (uint32_t i = 0; i < r->messages_count; i++) {
        const struct chat_message *m = &r->messages[i];

        asked_parts(m->parts, m->parts_count, levels, check);
        must(m->role != CHAT_TOOL || (m->parts_count == 1 && m->parts[0].kind == CHAT_RESULT));
    }
}

/* NULL: refused, with a reason. */
static inline struct chat_request *asked_read(const struct chat_surface *surface, struct arena *a,
                                              struct str body)
{
    struct chat_request *r = ARENA_NEW(a, struct chat_request);
    struct chat_problem p;

    if (surface->read(a, body, ASKED_DEPTH, r, &p))
        return r;
    must(p.fault != FAULT_NONE && p.why.ptr != NULL);
    return NULL;
}

#endif
