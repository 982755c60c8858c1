/*
 * surface.h - what the client port serves: one row a path.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GATEWAY_SURFACE_H
#define GATEWAY_SURFACE_H

#include "gateway/pipeline.h"
#include "http/server.h"
#include "llm/chat.h"
#include "llm/openai.h"

enum surface_id {
    SURFACE_OTHER, /* nothing is served there */
    SURFACE_CHAT,
    SURFACE_MESSAGES,
    SURFACE_RESPONSES,
    SURFACE_GEMINI,
    SURFACE_COUNT_TOKENS,
    SURFACE_COMPLETIONS,
    SURFACE_EMBEDDINGS,
    SURFACE_MODELS,
    SURFACE_RELAY,
    SURFACE_COUNT
};

struct surface {
    enum surface_id id;
    const char *name; /* metric label and log word */
    struct str path;  /* exact; with `below` a prefix */
    bool below;
    struct str action; /* what the paths below end in; empty: anything */
    struct str method; /* empty: any */
    enum http_body_mode body;
    const struct stage *stages; /* NULL for SURFACE_OTHER */
    enum openai_surface openai;
    enum chat_dialect dialect; /* targets of this one get the body as it came */
    bool any_dialect;          /* and those of others a translation */
};

/* The row for a path; SURFACE_OTHER's when nothing is served there.  When the path exists but not
 * with this method, *ret_allow is the method that does, else empty.  HEAD counts as GET. */
const struct surface *surface_find(struct str method, struct str path, struct str *ret_allow);
/* The row of the same path in another API, which its first row is not in; `s` when there is none.
 */
const struct surface *surface_in(const struct surface *s, enum chat_dialect d);
const struct surface *surface_get(enum surface_id id);

#endif
