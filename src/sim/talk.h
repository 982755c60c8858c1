/*
 * talk.h - the content of one answer, event by event.
 *
 * First the reasoning, then the text or the tool calls.  Which words those are depends on the
 * request, the script's parameters and the seed alone.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SIM_TALK_H
#define SIM_TALK_H

#include "sim/ask.h"
#include "sim/frame.h"
#include "sim/script.h"
#include "sim/text.h"

struct sim_dialect; /* dialect.h */

enum sim_event {
    SIM_EVENT_OPEN, /* what comes before the first content */
    SIM_EVENT_REASONING,
    SIM_EVENT_TEXT,
    SIM_EVENT_TOOL,
    SIM_EVENT_FINISH,
    SIM_EVENT_USAGE,
    SIM_EVENT_DONE,
    SIM_EVENT_ERROR,
    SIM_EVENT_NULL,
    SIM_EVENT_EMPTY_CHOICES,
    SIM_EVENT_MALFORMED,
};

/* A tool event: which call, and which part of it. */
struct sim_tool_part {
    uint64_t call;
    unsigned part; /* 0 opens the call; 1 to SIM_TOOL_PARTS bring its arguments */
};

#define SIM_TOOL_PARTS 3u

/* An answer being given. */
struct sim_talk {
    const struct sim_dialect *dialect;
    const struct sim_ask *ask;
    const struct sim_script *script;
    struct sim_frame frame;
    /* The dialect's own: */
    struct str prefix;    /* what all its events begin with, or its only preface */
    struct str signature; /* of the reasoning */
    enum sim_event block; /* what stands in the block that is open; SIM_EVENT_OPEN: none is */
    size_t framed_at;     /* in the out: where the message being written begins */
    uint64_t blocks;      /* begun so far */
    uint64_t sequence;    /* of the next event */
    struct sim_text all_text, all_reasoning; /* before anything was said of them */
    uint64_t id, created_s;
    struct sim_text reasoning, text;
    uint64_t tool_at, tool_events; /* instead of text when there are any */
    unsigned tool_parts;           /* events of one call */
    uint64_t completion_tokens;    /* so far */
    bool by_length;                /* tokens_max cut it */
    bool streams;                  /* as it is given; not always as it was asked */
};

/* false: the arena has no room.  `scratch` is overwritten. */
MUST_USE bool sim_talk_init(struct sim_talk *t, const struct sim_dialect *d,
                            const struct sim_ask *ask, const struct sim_script *script,
                            uint64_t seed, uint64_t id, struct arena *a, struct out *scratch);
/* Content events still to come. */
uint64_t sim_talk_left(const struct sim_talk *t);
/* Append the next one.  Only when there is one. */
void sim_talk_next(struct sim_talk *t, struct out *o);
/* For a dialect: where the tool event `at` belongs. */
struct sim_tool_part sim_talk_tool(const struct sim_talk *t, uint64_t at);
uint64_t sim_talk_calls(const struct sim_talk *t); /* 0: an answer in text */
/* Whether the script picks this. */
bool sim_talk_has(const struct sim_talk *t, enum sim_fault f);
struct str sim_talk_tool_name(const struct sim_talk *t, uint64_t call);
/* A call's arguments: their part 1 to SIM_TOOL_PARTS, or 0 for all of them, which are a JSON
 * object. `quoted`: as the inside of a JSON string. */
void sim_tool_arguments(uint64_t call, unsigned part, bool quoted, struct out *o);

#endif
