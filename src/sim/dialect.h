/*
 * dialect.h - one provider's way of asking and answering, behind a handful of functions.
 *
 * To add a dialect: one file (two, when asking and answering are each long), one row in dialect.c.
 * A dialect reads a request into a sim_ask and writes the events of a talk; when they leave, and
 * what goes wrong on the way, is play.c's.  No I/O and no clock here.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SIM_DIALECT_H
#define SIM_DIALECT_H

#include <yyjson.h>

#include "sim/ask.h"
#include "sim/frame.h"
#include "sim/problem.h"
#include "sim/tally.h"
#include "sim/talk.h"

/* How the answers of a surface are given. */
enum sim_form {
    SIM_FORM_CHAT,  /* whole, or in events when those are asked for */
    SIM_FORM_WHOLE, /* embeddings, counts of tokens */
    SIM_FORM_FILE,  /* bytes */
};

/* What the head of a reply depends on. */
struct sim_head {
    const struct sim_ask *ask; /* NULL: nothing is known of the request */
    const struct sim_script *script;
    uint64_t id; /* of the reply */
    int64_t now_s;
    unsigned status;
    const struct tally_bucket *bucket; /* NULL: the script has none */
};

struct sim_dialect {
    const char *name;
    struct str json_type;        /* the content-type of what is sent whole */
    struct str eol;              /* what its server ends lines with */
    const enum sim_fault *lacks; /* what it cannot commit, up to SIM_NONE; NULL: nothing */
    bool tools_whole;            /* a tool call is never spread over events */
    bool retry_in_body;          /* says there, not in the head, when to try again */
    bool (*claims)(struct str method, struct str path, unsigned *ret_surface);
    enum sim_form (*form)(unsigned surface);
    /* The model that is asked for, script and all; .ptr NULL: none is.  It need not outlive root.
     */
    struct str (*model)(const struct sim_ask *ask, struct arena *a, yyjson_val *root);
    /* `ask` has all but what the body says; its model may be empty.  Texts go into the arena. */
    bool (*read)(struct sim_ask *ask, struct arena *a, yyjson_val *root,
                 struct sim_problem *ret_problem);
    enum sim_framing (*framing)(const struct sim_ask *ask);
    /* What stands in the head beside the content-type.  false: no room. */
    bool (*fields)(const struct sim_head *h, struct http_fields *f, struct arena *a);
    /* The error's body. */
    void (*problem)(const struct sim_ask *ask, const struct sim_problem *p, struct out *o);
    /* The problem that a fault with this status stands for. */
    struct sim_problem (*fault)(enum sim_fault f, unsigned status);
    /* Set talk->prefix, in the arena.  false: no room. */
    bool (*begin)(struct sim_talk *t, struct arena *a, struct out *scratch);
    void (*event)(struct sim_talk *t, enum sim_event e, struct out *o);
    void (*whole)(struct sim_talk *t, struct out *o);
};

/* The dialect that serves this path, or NULL. */
const struct sim_dialect *sim_dialect_find(struct str method, struct str path,
                                           unsigned *ret_surface);
/* For paths that belong to none. */
const struct sim_dialect *sim_dialect_default(void);
/* Which of its words for actions a path says; false: none. */
bool sim_action_find(const struct str *actions, unsigned count, struct str action,
                     unsigned *ret_surface);
/* The first fault of the script that the dialect lacks; SIM_NONE: it has them all. */
enum sim_fault sim_dialect_lacks(const struct sim_dialect *d, const struct sim_script *s);

extern const struct sim_dialect sim_openai, sim_responses, sim_anthropic, sim_gemini, sim_ollama,
    sim_bedrock;

#endif
