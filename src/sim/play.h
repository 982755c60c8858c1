/*
 * play.h - one scripted answer being given: what is sent next, and when.
 *
 *     play.c    reads the request, decides, waits for the first token
 *     reply.c   answers that are sent whole: errors, JSON bodies, files
 *     stream.c  answers in events, paced, held back by a slow reader, cut by the script
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SIM_PLAY_H
#define SIM_PLAY_H

#include "sim/dialect.h"
#include "sim/state.h"
#include "sim/talk.h"
#include "sim/wire.h"

/* What to do after the bytes that were made last. */
enum sim_step {
    SIM_STEP_MORE, /* make the next ones */
    SIM_STEP_WAIT, /* until due_ms */
    SIM_STEP_REST, /* nothing, for ever: the peer has to leave */
    SIM_STEP_END,  /* the ending is in `ending` */
};

enum sim_stage { SIM_STAGE_OPEN, SIM_STAGE_CONTENT, SIM_STAGE_FINISH };

struct sim_play {
    struct sim_visit visit; /* first */
    const struct sim_dialect *dialect;
    struct wheel_entry timer;
    struct sim_script script;
    struct sim_ask ask;
    struct sim_talk talk;
    struct sim_wire wire;
    struct http_fields fields;
    uint64_t number;            /* of this request in the simulator's life */
    uint64_t nth;               /* of this model name, when it counts */
    struct tally_bucket bucket; /* when the script has one */
    uint64_t due_ms;            /* of the next event */
    uint64_t sent;              /* content events; bytes of a file */
    enum sim_step (*make)(struct sim_play *p, struct out *o);
    enum sim_stage stage;
    enum sim_step step;
    enum sim_ending ending;
    bool begun;  /* past the first wait */
    bool file;   /* bytes instead of an answer */
    bool held;   /* the peer reads slowly */
    bool broken; /* the malformed event was sent */
};

/* reply.c */
void sim_play_refuse(struct sim_play *p, const struct sim_problem *problem);
void sim_play_whole(struct sim_play *p);
/* p->fields, for a reply of this kind; false: no room. */
MUST_USE bool sim_play_fields(struct sim_play *p, unsigned status, struct str content_type);

/* stream.c */
void sim_play_stream(struct sim_play *p); /* events */
void sim_play_file(struct sim_play *p);   /* bytes */
/* Send what waits in the wire, then make more: by the timer and by drain(). */
void sim_play_go_on(struct sim_play *p);
void sim_play_wake(struct sim_play *p, uint64_t due_ms);

#endif
