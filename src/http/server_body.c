/*
 * server_body.c - the memory of whole request bodies.
 *
 * Small ones, which is most of them, live in blocks of one size that go round within the thread.
 * A larger one grows with what has arrived: a header that promises 64 MB gets nothing for it.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <stdlib.h>

#include "http/server_conn.h"

#define BLOCK_BYTES 4096u
#define SPARES_MAX 256u

struct body_block {
    struct body_block *next;
};

static void first_block(struct http_conn *c)
{
    struct http_server *s = c->server;
    struct body_block *b = s->spare_bodies;

    if (b != NULL) {
        s->spare_bodies = b->next;
        s->spare_body_count--;
    } else {
        b = malloc(BLOCK_BYTES);
    }
    c->body = (struct buf){.ptr = (char *)b, .cap = b != NULL ? BLOCK_BYTES : 0};
}

int conn_body_put(struct http_conn *c, struct str piece)
{
    uint64_t length =
        c->call.content_length >= 0 ? (uint64_t)c->call.content_length : c->reader.body_bytes;

    if (c->body.ptr == NULL && length <= BLOCK_BYTES)
        first_block(c);
    /* Doubling never passes a length that is known. */
    c->body.max =
        c->call.content_length > (int64_t)BLOCK_BYTES ? (size_t)c->call.content_length : 0;
    return buf_put(&c->body, piece);
}

void conn_body_free(struct http_conn *c)
{
    struct http_server *s = c->server;
    struct body_block *b = (struct body_block *)(void *)c->body.ptr;

    if (b == NULL)
        return;
    if (c->body.cap == BLOCK_BYTES && s->spare_body_count < SPARES_MAX) {
        b->next = s->spare_bodies;
        s->spare_bodies = b;
        s->spare_body_count++;
        c->body = (struct buf){0};
    }
    buf_done(&c->body);
    c->call.body = (struct str){NULL, 0};
}

void conn_bodies_free(struct http_server *s)
{
    while (s->spare_bodies != NULL) {
        struct body_block *b = s->spare_bodies;

        s->spare_bodies = b->next;
        free(b);
    }
    s->spare_body_count = 0;
}

void http_call_drop_body(struct http_call *c)
{
    conn_body_free(c->conn);
}
