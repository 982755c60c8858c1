/*
 * wire.h - how a reply's bytes leave: as HTTP has it, or broken in the way the script ordered.
 *
 * The usual reply goes through http_reply_*().  For faults that a correct server cannot commit,
 * the framing is written here and sent raw.  When the script splits the bytes (or the framing is
 * ours) they wait in `queue` and sim_wire_push() sends the next ones; its owner calls that once a
 * turn of the loop as long as it says there are more.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SIM_WIRE_H
#define SIM_WIRE_H

#include "http/raw.h"
#include "sim/gzip.h"
#include "sim/script.h"

enum sim_ending {
    SIM_ENDING_NONE,
    SIM_ENDING_WHOLE, /* as the framing demands */
    SIM_ENDING_FIN,
    SIM_ENDING_RST,
};

struct sim_wire {
    struct http_call *call;
    const struct sim_script *script;
    struct out queue; /* bytes that may not leave together */
    size_t sent;      /* of it */
    struct gzip gzip;
    bool raw;     /* framing is ours */
    bool chunked; /* only when raw */
    bool split;   /* through the queue, in small pieces */
    enum sim_ending ending;
};

void sim_wire_init(struct sim_wire *w, struct http_call *c, const struct sim_script *s,
                   bool streams);
void sim_wire_done(struct sim_wire *w);
/* `length` is of the body that will be put; -1 for a stream. */
void sim_wire_head(struct sim_wire *w, unsigned status, const struct http_fields *fields,
                   int64_t length);
enum flow sim_wire_body(struct sim_wire *w, struct str bytes, struct out *scratch);
/* When all that was put has left. */
void sim_wire_end(struct sim_wire *w, enum sim_ending ending);
bool sim_wire_waits(const struct sim_wire *w);
/* Send the next bytes of the queue, or the ending. */
enum flow sim_wire_push(struct sim_wire *w);

#endif
