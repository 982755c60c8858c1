/*
 * exchange.h - one request and its response, from the first byte to the log line.
 *
 * Owned by its loop.  Exchanges are pooled per loop; what they point to lives in the call's arena
 * and goes with it, most of it as soon as a stream has begun (exchange_lighten.c).  The pipeline
 * ends an exchange (finish); the server's done() gives it back to the pool.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GATEWAY_EXCHANGE_H
#define GATEWAY_EXCHANGE_H

#include "gateway/gateway.h"
#include "gateway/pipeline.h"
#include "gateway/route.h"
#include "gateway/surface.h"
#include "http/client.h"
#include "http/inflate.h"
#include "llm/sse.h"

#define REQUEST_ID_MAX 128u

struct attempt_record { /* for the log line and the metrics */
    const struct conf_target *target;
    enum fault fault;
    unsigned status; /* upstream's, or 0 */
    uint32_t ms;
};

struct attempt { /* one try at one target */
    struct http_fetch fetch;
    struct candidate *candidate;
    uint32_t key;                /* of the provider's pool, or KEY_NONE */
    struct allowance *allowance; /* the key's; NULL: nobody counts */
    struct allowance_mark mark;
    uint64_t started_ns;
    uint64_t first_content_due_ms; /* 0: content came, or there is no limit */
    uint64_t retry_after_ms;       /* of the reply; 0 none */
    unsigned status;
    bool running;
    bool events;     /* the reply is an event stream */
    bool foreign;    /* asked and heard through translate.h */
    struct buf body; /* whole reply, or events held before the first content */
    struct str read; /* of a whole reply: what this read brought first, not in `body` yet */
    struct sse sse;
    struct openai_watch watch;
    struct http_inflate *inflate; /* NULL: the body comes plain */
    struct http_fields reply;     /* in the exchange's arena */
};

struct answer {     /* what has gone to the client */
    bool head_sent; /* status line: also by a keep-alive */
    bool committed; /* content has gone: no other target any more */
    bool held;      /* the client is slow: reading upstream has stopped */
    bool ended;
    bool light;               /* exchange_lighten() has been here */
    uint64_t last_ms;         /* when bytes last went out, for keep-alives */
    uint64_t linger_until_ms; /* after [DONE]: how long the upstream may take to end */
};

struct exchange {
    struct http_call *call;
    struct gateway_loop *gl;
    const struct surface *surface;
    struct arena *mem; /* the call's */

    /* The path. */
    const struct stage *path;
    size_t step;
    bool waiting, finished, body_ready;
    enum fault fault; /* why it failed; NONE while all is well */
    struct str why;   /* a sentence for the client; the fault's own when empty */
    struct str param; /* the field to blame, or empty */
    struct str allow; /* of a 405: the method that would do */

    /* Who asks what. */
    struct str request_id;
    const struct conf_key *principal;
    struct openai_request req;
    const struct conf_model *alias; /* NULL for provider/model */
    struct route route;
    uint64_t deadline_ms; /* loop time; 0 none */
    uint32_t total_ms;    /* the limit behind it, for the message */

    /* Tries. */
    struct attempt attempt;
    struct attempt_record *records;
    uint32_t records_count;
    uint32_t counted;        /* against retry.attempts */
    struct str token;        /* instead of a key: Azure's, of Entra ID */
    uint64_t token_since_ms; /* it has been waited for; 0: not */
    bool backing_off;
    uint64_t backoff_until_ms;
    enum fault last_fault;
    bool fell_back;
    struct relay *relay;
    struct translation *translation; /* NULL until a target needs one; see attempt.foreign */

    struct answer answer;
    uint64_t retry_after_out_ms; /* to tell the client */
    struct buf passed;           /* body of a refusal to pass through */
    struct str passed_type;
    unsigned passed_status;

    /* Clocks. */
    uint64_t waited_ns, waiting_since_ns; /* for others than us */
    uint64_t first_content_ns;
    struct alarm timer;

    struct list link; /* among the loop's live ones */
};

/* NULL without memory. */
MUST_USE struct exchange *exchange_new(struct gateway_loop *gl, struct http_call *call,
                                       const struct surface *surface);
/* Back to the pool; the path has ended. */
void exchange_free(struct exchange *x);
/* Free those of the pool that were not needed lately, or all. */
void exchange_pool_trim(struct gateway_loop *gl);
void exchange_pool_done(struct gateway_loop *gl);

/* Once content has gone to the client: give back all memory but what the end of a stream needs
 * (exchange_lighten.c has the rule).  Cheap when there is nothing to do; what can only be done
 * later is done by a later call.  Not from within a feed of the stream. */
void exchange_lighten(struct exchange *x);

/* Set the fault and its sentence; returns VERDICT_FAIL for the stage to return. */
COLD enum verdict exchange_fail(struct exchange *x, enum fault f, struct str param, const char *fmt,
                                ...) PRINTF_LIKE(4, 5);

/* Call attempt_tick() at `due_ms` (loop time) or a little later; an earlier due stays. */
void exchange_timer_at(struct exchange *x, uint64_t due_ms);
void exchange_timer_stop(struct exchange *x);

/* Bracket the time in which we wait for others; what is outside is our overhead.  Both are
 * idempotent: begin when a callback returns to the loop, end when one comes in. */
void exchange_wait_begin(struct exchange *x);
void exchange_wait_end(struct exchange *x);
/* Total so far less the waiting. */
uint64_t exchange_overhead_ns(const struct exchange *x);

static inline uint64_t exchange_now_ms(const struct exchange *x)
{
    return loop_now_ms(x->call->loop);
}

#endif
