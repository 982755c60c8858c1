/*
 * ask.h - what a request asks for, whichever dialect it came in.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SIM_ASK_H
#define SIM_ASK_H

#include "http/message.h"

#define SIM_TOOLS_MAX 8u
#define SIM_CHOICES_MAX 8u

struct sim_ask {
    unsigned surface;       /* the dialect's own number */
    struct str path, query; /* as they came, like the fields and the body; */
    const struct http_fields *fields;
    struct str body;  /* they live as long as the call */
    char *pool;       /* for reading it again (sim_json_read) */
    struct str model; /* script and all */
    struct str text;  /* of the last user message */
    uint64_t prompt_tokens;
    uint64_t tokens_max; /* 0: none */
    unsigned choices;
    struct str tools[SIM_TOOLS_MAX]; /* names */
    unsigned tool_count;
    bool stream, wants_usage;
};

/* What it shows that it may ask, in whichever field; .ptr NULL: nothing. */
struct str sim_ask_credential(const struct sim_ask *ask);
/* A parameter's value, not decoded; .ptr NULL: it is not there. */
struct str sim_ask_query(const struct sim_ask *ask, struct str name);

#endif
