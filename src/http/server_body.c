/*
 * server_body.c - the memory of whole request bodies.
 *
 * Small ones, which is most of them, live in blocks of one size that go round within the thread.
 * A larger one grows with what has arrived: a header that promises 64 MB gets nothing for it.  Up
 * to BELIEVED_BYTES its room is taken at once, since growing leaves holes in the heap: pages that
 * nothing has arrived in cost nothing yet, and are not counted.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "http/server_conn.h"

#define BLOCK_BYTES 4096u
#define SPARES_MAX 256u
#define BELIEVED_BYTES (256u << 10)
#define COUNTED_STEP (64u << 10)

static void first_block(struct http_conn *c)
{
    char *block = spares_take(&c->server->spare_bodies);

    if (block == NULL)
        block = malloc(BLOCK_BYTES);
    c->body = (struct buf){.ptr = block, .cap = block != NULL ? BLOCK_BYTES : 0};
}

/* In steps, since the threads would fight for the counter at every piece; of what has only begun
 * small ones, or a byte on each of many connections would use up all there is. */
static size_t round_up(size_t arrived)
{
    size_t step = COUNTED_STEP;

    while (step / 2 >= arrived)
        step /= 2;
    return (arrived + step - 1) / step * step;
}

/* What would fit a block is not counted: the connections are. */
static bool count_growth(struct http_conn *c, size_t arrived)
{
    atomic_ullong *used = c->server->settings.in_flight;
    uint64_t max = c->server->settings.limits.in_flight_bytes;
    size_t grown;

    if (used == NULL || max == 0 || arrived <= BLOCK_BYTES)
        return true;
    grown = round_up(arrived);
    if (grown > c->body.cap)
        grown = c->body.cap;
    if (grown <= c->body_in_flight)
        return true;
    grown -= c->body_in_flight;
    c->body_in_flight += grown; /* given back by conn_body_uncount(), also if that was too much */
    return atomic_fetch_add_explicit(used, grown, memory_order_relaxed) + grown <= max;
}

bool http_call_hold(struct http_call *call, size_t bytes)
{
    struct http_conn *c = call->conn;
    atomic_ullong *used = c->server->settings.in_flight;
    uint64_t max = c->server->settings.limits.in_flight_bytes;
    size_t before = c->more_in_flight;

    if (used == NULL || max == 0 || bytes <= before)
        return true;
    c->more_in_flight = bytes;
    return atomic_fetch_add_explicit(used, bytes - before, memory_order_relaxed) + bytes - before <=
           max;
}

void http_call_let_go(struct http_call *call)
{
    struct http_conn *c = call->conn;

    if (c->more_in_flight > 0)
        atomic_fetch_sub_explicit(c->server->settings.in_flight, c->more_in_flight,
                                  memory_order_relaxed);
    c->more_in_flight = 0;
}

/* What is counted is given back before the reply's last bytes leave, and its memory in the same
 * turn of the loop: a client that has its whole answer and asks again finds the room. */
void conn_body_uncount(struct http_conn *c)
{
    size_t counted = c->body_in_flight + c->more_in_flight;

    if (counted > 0)
        atomic_fetch_sub_explicit(c->server->settings.in_flight, counted, memory_order_relaxed);
    c->body_in_flight = c->more_in_flight = 0;
}

static int reserve(struct http_conn *c, size_t n)
{
    const size_t announced = c->call.content_length > 0 ? (size_t)c->call.content_length : 0;

    if (c->body.ptr == NULL && (announced > 0 ? announced : c->reader.body_bytes) <= BLOCK_BYTES)
        first_block(c);
    /* Doubling never passes a length that is known. */
    c->body.max = announced > BLOCK_BYTES ? announced : 0;
    if (c->body.ptr == NULL && n < announced && announced <= BELIEVED_BYTES)
        n = announced;
    return buf_reserve(&c->body, n);
}

bool conn_body_put(struct http_conn *c, struct str piece)
{
    int err = reserve(c, piece.len);

    if (err == 0 && !count_growth(c, c->body.len + piece.len))
        return request_refuse(&c->reader, 503, "the gateway holds as many request bytes as it may",
                              "limits.in_flight_bytes");
    if (err == 0)
        err = buf_put(&c->body, piece);
    return err == 0 || request_refuse(&c->reader, 503, "out of memory", NULL);
}

void conn_body_free(struct http_conn *c)
{
    struct http_server *s = c->server;

    conn_body_uncount(c);
    if (c->body.ptr == NULL)
        return;
    if (c->body.cap == BLOCK_BYTES && spares_put(&s->spare_bodies, c->body.ptr, SPARES_MAX))
        c->body = (struct buf){0};
    buf_done(&c->body);
    c->call.body = (struct str){NULL, 0};
}
