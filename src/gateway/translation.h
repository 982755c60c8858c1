/*
 * translation.h - what is kept of one exchange's translation; of the translate*.c alone.
 *
 * It lives in an arena of its own: when the first content has gone, the exchange's is given back
 * (exchange_lighten.c), and so is what was read and written of the request.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GATEWAY_TRANSLATION_H
#define GATEWAY_TRANSLATION_H

#include "gateway/exchange.h"
#include "llm/chat_origin.h"
#include "llm/chat_surface.h"

struct translation {
    struct arena home; /* where it lives itself, for as long as the stream */
    struct chat_request *request;
    struct arena asked; /* that, and what was read of the body; goes when content has gone */
    struct arena told;  /* decoder and writer; goes with the attempt */
    bool read;
    bool marked; /* what was read bears marks of other makers (llm/chat_origin.h) */
    struct chat_origin_sieve sieve;
    uint32_t unread_count; /* of request->dropped: what reading alone has left out */
    const struct chat_surface *surface;
    struct chat_answer_facts facts;
    struct embedding *embedding; /* in the place of request and facts; NULL on other surfaces */
    struct buf body;             /* what the attempt's target is asked */
    bool array; /* the client has asked for its stream as one JSON array (Google's) */
    struct buf spare;
    /* Of the attempt. */
    const struct dialect *dialect;
    struct chat_decoder *decoder;
    struct chat_writer *writer; /* NULL: the answer's bytes pass */
    struct chat_origin_marker marker;
    bool encoded; /* false: so have the request's */
    bool cut;     /* … but for thinking that another maker sealed */
    /* Of the call that is under way. */
    struct buf *out; /* NULL: events are collected for a whole answer */
    int err;
    bool content, ended, failed;
    bool any; /* elements of the array were written */
};

/* The exchange's; NULL: no room. */
struct translation *translation_of(struct exchange *x);
/* What was read and written of a body is held beside it, and is limited with it
 * (limits.in_flight_bytes).  False: that is reached, x->fault says so. */
MUST_USE bool translation_count(struct exchange *x, struct translation *t);

/* What this exchange is asked in.  Embeddings and the like have but one API. */
enum chat_dialect translation_dialect(const struct exchange *x, const struct conf_target *t);
bool translation_is_count(const struct exchange *x);
/* x->fault says so; always false. */
COLD bool translation_out_of_room(struct exchange *x);

#endif
