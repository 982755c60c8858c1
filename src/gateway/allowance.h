/*
 * allowance.h - what a credential may still send to a model, as the provider's answers tell it.
 *
 * Most providers say in every answer how many requests and tokens are left, and until when that
 * holds.  Whoever reads it need not run into a 429 to learn it.  One struct allowance belongs to a
 * target and a key, since limits do; it is shared by the threads, and all of it is atomic.
 *
 * The trick for what is in flight: an answer's "3 left" was true when its request was counted, and
 * others have been sent since.  So what is kept is not the number left, but how far the count of
 * what we sent may go: the count at that request, plus 3.  Answers that overtake each other then
 * say the same.  Requests that overtake each other on their way make them say one more or less: so
 * of answers to requests that were out together the least counts, and only one to a request that
 * was sent later may say more.  What is left of the error is a request or two where many are sent
 * at once, or one of them never goes out and is given back; so it is where a thread reads one field
 * of a counter between another's two writes.
 *
 * Never a promise: who is out of allowance is asked last, not never.  Time is an argument.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GATEWAY_ALLOWANCE_H
#define GATEWAY_ALLOWANCE_H

#include <stdatomic.h>

#include "http/message.h"

enum allowance_unit { ALLOWANCE_REQUESTS, ALLOWANCE_TOKENS, ALLOWANCE_UNITS };

struct allowance {
    _Alignas(64) struct {
        atomic_uint_fast64_t sent;     /* by us, ever */
        atomic_uint_fast64_t sent_max; /* how far that may go … */
        atomic_uint_fast64_t until_ms; /* … until then (loop time); 0: nobody said */
        atomic_uint_fast64_t told_at;  /* `sent` when that was told */
    } of[ALLOWANCE_UNITS];
    atomic_uint_fast64_t tokens_limit; /* of a window; 0: nobody said */
};

/* What one answer says. */
struct allowance_told {
    struct {
        bool known;
        uint64_t left;
        uint64_t limit;    /* 0: it does not say */
        uint64_t reset_ms; /* from now */
    } of[ALLOWANCE_UNITS];
};

/* The counts behind a request: what its answer's numbers are to be measured from. */
struct allowance_mark {
    uint64_t sent[ALLOWANCE_UNITS], weight[ALLOWANCE_UNITS];
};

/* Is there any such field?  Each answer is asked this, so it is cheap. */
bool allowance_is_told(const struct http_fields *f);
/* Read the fields of OpenAI's kind (x-ratelimit-remaining-requests …, with the variants of Azure,
 * Groq, Cerebras, Mistral, Together and OpenRouter) and of Anthropic's.  Where several limits of
 * one unit are told (a minute's and a day's, input and output), the one with the least left counts.
 * `wall_ms` is the time of day, for resets that are a date.  What is not a number counts as absent;
 * false when nothing is left. */
bool allowance_read(const struct http_fields *f, int64_t wall_ms, struct allowance_told *ret_told);

/* A request of about so many tokens goes out (1 or more). */
struct allowance_mark allowance_send(struct allowance *a, uint64_t tokens);
/* The same if it may: false, and nothing has changed, when others were faster since somebody asked
 * allowance_free_at(). */
MUST_USE bool allowance_take(struct allowance *a, uint64_t tokens, uint64_t now_ms,
                             struct allowance_mark *ret_mark);
/* It was not sent after all. */
void allowance_return(struct allowance *a, const struct allowance_mark *mark);
/* Its answer said this.  It is believed for `trust_ms` at most, since a clock that is wrong, or a
 * day's limit, would bench a key for hours.  0: it is not believed at all. */
void allowance_learn(struct allowance *a, const struct allowance_mark *mark,
                     const struct allowance_told *told, uint32_t trust_ms, uint64_t now_ms);
/* When a request of about so many tokens may be sent as far as we know: 0 for now. */
uint64_t allowance_free_at(const struct allowance *a, uint64_t tokens, uint64_t now_ms);

#endif
