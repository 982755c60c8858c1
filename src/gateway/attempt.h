/*
 * attempt.h - one try at one target, and what happens when it fails.
 *
 * attempt.c decides who is asked and what follows; attempt_fetch.c asks; events.c and whole.c judge
 * what comes back as an event stream or as a whole body.  A try ends in exactly one attempt_done()
 * or attempt_over().  The next one starts from the exchange's timer, never from inside a callback
 * of the one before. SPDX-License-Identifier: Apache-2.0
 */
#ifndef GATEWAY_ATTEMPT_H
#define GATEWAY_ATTEMPT_H

#include "gateway/exchange.h"

/* Something of this exchange is due: a back-off, a keep-alive, the first-content limit. */
void attempt_tick(struct exchange *x);
/* The client takes bytes again. */
void attempt_drain(struct exchange *x);

/* The try has ended well: the answer is complete. */
void attempt_done(struct exchange *x);
/* It has failed; `fmt` says what happened, for the client and the log. */
COLD void attempt_over(struct exchange *x, enum fault f, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* Write the request and send it (attempt_fetch.c).  WAIT, or FAIL without memory; NEXT when the
 * last of its allowance has just gone to somebody else, and another target may have some. */
enum verdict attempt_fetch_start(struct exchange *x, struct candidate *c);
/* Count it, once: metrics, allowance, the record for the log line. */
void attempt_record(struct exchange *x, enum fault f);
/* The fault for a failed fetch. */
enum fault attempt_fetch_fault(const struct http_fetch *f, enum http_failure failure);
/* "openai/gpt-4o-mini", for messages; the model is left out when there is none. */
struct str attempt_target_name(struct exchange *x);
/* A key rests for retry.key_bench; a token of Entra ID is replaced. */
void attempt_credential_refused(struct exchange *x);
/* Compare the pinned API version with what came back; warn once a provider. */
void attempt_check_version(struct exchange *x, const struct http_fields *reply);

/* An event stream, piece by piece (events.c). */
void events_begin(struct exchange *x);
void events_feed(struct exchange *x, struct str bytes);
void events_flush(struct exchange *x); /* one read's worth is over */
void events_end(struct exchange *x);   /* the reply ended */
/* The connection broke: whether all of the answer had come by then. */
bool events_are_whole(struct exchange *x);
void events_keepalive(struct exchange *x);
/* All events of an answer that did not come as such, but for the last: the reply has ended. */
void events_told(struct exchange *x, struct str events);

/* A whole body (whole.c). */
void whole_feed(struct exchange *x, struct str bytes);
void whole_flush(struct exchange *x); /* one read's worth is over: keep what it brought */
void whole_end(struct exchange *x);
/* It was judged to be an answer, and a stream was asked for: send it as one (retell.c).  False when
 * that cannot be done; then nothing has happened. */
MUST_USE bool whole_retell(struct exchange *x);
/* The same with what translate_whole() made of it. */
void whole_tell(struct exchange *x, struct str events);

#endif
