/*
 * translate_embed.h - embeddings of targets of another dialect than OpenAI's: what the
 * translate*.c, which alone call this, do about them.
 *
 * The client's request is read once (llm/embed.h) and written for each target that is asked.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GATEWAY_TRANSLATE_EMBED_H
#define GATEWAY_TRANSLATE_EMBED_H

#include "gateway/exchange.h"
#include "llm/embed.h"

struct embedding { /* in the exchange's arena */
    struct embed_request request;
    uint32_t unread_count;         /* of request.dropped: what reading alone has left out */
    const struct embedder *target; /* of the attempt */
};

bool translate_embed_can_serve(const struct conf_target *t);
/* What the client asks, read into `asked`.  NULL: *p says why, or nothing without room. */
MUST_USE struct embedding *translate_embed_read(struct exchange *x, struct arena *asked,
                                                struct chat_problem *p);
/* For this target into `body`, which is empty.  false: as above. */
MUST_USE bool translate_embed_write(struct exchange *x, struct embedding *e,
                                    const struct conf_target *to, struct buf *body,
                                    struct str *ret_path, struct chat_problem *p);
/* Judge a whole answer, as translate_whole() does; `told` is the attempt's. */
MUST_USE enum fault translate_embed_whole(struct exchange *x, struct embedding *e,
                                          struct arena *told, struct str body, struct buf *out,
                                          struct str *ret_body);

#endif
