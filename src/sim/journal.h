/*
 * journal.h - what the simulator was asked: the last 10,000 requests, for GET /sim/log.
 *
 * Shared by the threads, under one mutex.  An entry that is over when it ends has been
 * overwritten is left alone.  Credentials are kept as a hash: two can be told apart, none be read.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SIM_JOURNAL_H
#define SIM_JOURNAL_H

#include "http/message.h"
#include "sim/out.h"

#define JOURNAL_ENTRIES 10000u

struct journal;

struct journal_request {
    struct str method, target, model;
    const struct http_fields *fields;
    struct str body_sha256; /* hex; empty: not known */
    uint64_t body_bytes;
    uint64_t connection; /* the same number for requests on the same connection */
};

struct journal_end {
    unsigned status; /* 0: none was sent */
    uint64_t bytes;  /* written, head included */
    bool left;       /* the peer was gone before the end */
};

struct journal_filter {
    struct str model; /* .ptr NULL: all */
    uint64_t since;   /* sequence numbers above it */
};

MUST_USE struct journal *journal_new(void);
void journal_free(struct journal *j);

/* The entry's number, from 1; 0 when there was no memory for it. */
uint64_t journal_begin(struct journal *j, const struct journal_request *r, struct out *scratch);
void journal_end(struct journal *j, uint64_t seq, const struct journal_end *e);
/* A JSON array, oldest first. */
void journal_write(struct journal *j, const struct journal_filter *f, struct out *o);
void journal_clear(struct journal *j);

/* As a JSON object, credentials hidden. */
void journal_put_fields(struct out *o, const struct http_fields *fields);

#endif
