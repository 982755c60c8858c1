/*
 * chat_origin.h - whose thinking it is.
 *
 * What a model thought, and what it signed, is of use to models of its maker alone: all others
 * refuse it.  Clients send it back in shapes that do not tell: in Anthropic's API whatever thinks
 * has `thinking` blocks.  So what a target of another dialect than the client's has signed goes to
 * the client with a mark in front that names the dialect:
 *
 *   dragoman.by.gemini:CkQBc…
 *
 * Behind it the signature is as it came, byte for byte (R46).  A thought that is not signed gets
 * the mark alone where the client's API has a signature on each (Anthropic's), or looks an item up
 * that has none (OpenAI's Responses).  What comes back with a mark goes to targets of that maker,
 * without the mark; what bears none is taken for the client's own dialect's, as it passed there
 * untouched.
 *
 * A mark needs no escape in JSON, whoever writes it.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LLM_CHAT_ORIGIN_H
#define LLM_CHAT_ORIGIN_H

#include "llm/chat_event.h"

/* ---- an answer ---- */

/* Zeroed, it marks nothing. */
struct chat_origin_marker {
    struct arena *arena; /* marked signatures are made here */
    struct str mark;
    bool each;     /* thoughts without a signature are marked, too */
    bool calls;    /* and calls: Gemini refuses them unsigned, and has a word for other makers' */
    bool thinking; /* such a thought goes on */
};

/* Whose the models of such a target are: Claude is Anthropic's at Amazon's, too. */
enum chat_dialect chat_origin_of(enum chat_dialect target, struct str model);
/* For an answer by `maker` to a client of `client`'s API. */
struct chat_origin_marker chat_origin_marker(struct arena *a, enum chat_dialect maker,
                                             enum chat_dialect client);
/* The thought that went on ends unsigned with `ev`: *ret is the mark for it, to be told before. */
bool chat_origin_close(struct chat_origin_marker *o, const struct chat_event *ev,
                       struct chat_event *ret);
/* *ret is `ev` as the client is told it; false: no room. */
MUST_USE bool chat_origin_mark(const struct chat_origin_marker *o, const struct chat_event *ev,
                               struct chat_event *ret);

/* ---- a request ---- */

/* Whether there may be a mark in it, at the price of one look. */
bool chat_origin_suspect(struct str body);
/* Take the marks off, and note whose the parts are.  True when there was one. */
bool chat_origin_read(struct chat_request *r);

/* All that was said, of which a target is told what it may hear. */
struct chat_origin_sieve {
    struct chat_message *all;
    uint32_t all_count;
    struct chat_message *messages; /* room for the rest; NULL until something is left out */
    struct chat_part *parts;
};

/* Set r's messages to those of `s->all` without what is not for `maker`; what is left out is named
 * in the words of the client's API.  false: no room. */
MUST_USE bool chat_origin_sift(struct chat_origin_sieve *s, struct chat_request *r,
                               enum chat_dialect client, enum chat_dialect maker);

#endif
