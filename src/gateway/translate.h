/*
 * translate.h - between a client that speaks one dialect and a target that speaks another.
 *
 * The client's body is read into our own form (llm/chat.h) once, and written for each target that
 * is asked; what the target answers is decoded into events, and those are written in the client's
 * dialect.  Where both speak the same, but not OpenAI's, the bytes pass as they are and the
 * decoder only watches (OpenAI's own fast path has a watcher of its own, llm/openai_watch.c).
 *
 * What an answer said is kept where that watcher keeps it, in x->attempt.watch: the rest of the
 * path need not know who looked.  What was read and what is gathered have arenas of their own,
 * whose limits grow with the bodies that they hold.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GATEWAY_TRANSLATE_H
#define GATEWAY_TRANSLATE_H

#include "gateway/exchange.h"
#include "llm/dialect.h"

/* Whether what this target is asked and answers goes through here. */
bool translate_applies(const struct exchange *x, const struct conf_target *t);
/* Whether it can be asked at all on this surface. */
bool translate_can_serve(const struct exchange *x, const struct conf_target *t);
/* It cannot: say so in x->fault. */
COLD void translate_cannot_serve(struct exchange *x, const struct conf_target *t);

/* Write the request for the attempt's target.  False: x->fault says why (BAD_REQUEST for what the
 * target's dialect cannot say, or may not leave out: translation.strict). */
MUST_USE bool translate_request(struct exchange *x, struct str *ret_path);

/* For a target of OpenAI's dialect and a client of it, whose bytes pass: when the body holds what
 * another maker's model thought, write it anew without.  1: it is written; 0: it may pass; -1:
 * x->fault says why not. */
MUST_USE int translate_own(struct exchange *x);

enum chat_framing translate_framing(const struct exchange *x);
/* One event of the stream.  What the client is to get for it is appended to `out`, unless its own
 * bytes pass (translate_passes()). */
enum openai_event_kind translate_event(struct exchange *x, struct str name, struct str data,
                                       struct buf *out);
bool translate_passes(const struct exchange *x);
/* Whether an event's own bytes go to the client. */
bool translate_as_it_came(const struct exchange *x);
/* Google's stream without alt=sse: not events but the elements of one array. */
bool translate_array(struct exchange *x);
/* The upstream's stream is over: what follows from that, as above. */
void translate_over(struct exchange *x, struct buf *out);
/* What tells the client of a stream that it failed, where its API wants more than the body of an
 * error with a name; false: it does not, or there was no room. */
MUST_USE bool translate_error(struct exchange *x, enum fault f, struct str message,
                              struct buf *out);
/* What ends the client's stream. */
MUST_USE int translate_end(struct exchange *x, struct buf *out);

/* Judge a whole answer; with FAULT_NONE *ret_body is what the client gets, in `out` or as it came:
 * where a stream was asked for, its events but for the end. */
MUST_USE enum fault translate_whole(struct exchange *x, struct str body, struct buf *out,
                                    struct str *ret_body);
/* What a refusal means. */
struct openai_refusal translate_refusal(struct exchange *x, unsigned status, struct str body);

/* Names of what this attempt's target was not told, with commas between, as a field's value; empty
 * when it was told all.  Bounded: past DROPPED_BYTES_MAX stands "...". */
struct str translate_dropped(struct exchange *x);
/* Content has gone: nobody else will be asked, so that what was read and written for it can go. */
void translate_lighten(struct exchange *x);
void translate_done(struct exchange *x);

#endif
