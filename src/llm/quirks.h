/*
 * quirks.h - what servers of OpenAI's dialect take otherwise than OpenAI: one row a server.
 *
 * They refuse members that others know, call a few otherwise, or want ids of their own kind.  Where
 * a request is written anew (openai_encode.c) the row is followed: what the server would answer
 * with a 4xx is left out and named, or said in its words.  Where a client's bytes pass as they came
 * they do so here, too; only what we add ourselves (include_usage) is not added.
 *
 * Rows hold what was seen or documented, with its source beside it in quirks.c; docs/dialects.md
 * has the table, and quirks_test.c compares the two.  Nothing is said of answers: whatever server
 * they come from, all known forms are read (reasoning, x_groq, error shapes).
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LLM_QUIRKS_H
#define LLM_QUIRKS_H

#include "base/str.h"

/* `server` of the configuration. */
enum quirks_server {
    SERVER_AUTO,  /* by the host of base_url; resolved when the configuration is loaded */
    SERVER_PLAIN, /* takes what OpenAI takes */
    SERVER_CEREBRAS,
    SERVER_DEEPSEEK,
    SERVER_GROQ,
    SERVER_LLAMA_CPP,
    SERVER_MISTRAL,
    SERVER_MOONSHOT,
    SERVER_OPENROUTER,
    SERVER_PERPLEXITY,
    SERVER_VLLM,
    SERVER_XAI,
    SERVER_COUNT
};

#define QUIRKS_REFUSED_MAX 12u

struct quirks {
    enum quirks_server server;
    struct str models; /* the row is for models with this in their name; empty: for the others */
    struct str refused[QUIRKS_REFUSED_MAX]; /* members that it answers with a 4xx, if they are sent;
                                               "messages.name" is one of each message */
    struct str seed;                        /* what it calls `seed`; empty: that */
    struct str thoughts; /* … an assistant's thoughts of turns before; "-": it refuses them;
                            empty: reasoning_content */
    bool system_only;    /* knows no messages of the role `developer` */
    bool max_tokens;     /* never max_completion_tokens, whatever the model's name */
    bool one_choice;     /* `n` has to be 1 */
    bool nine_ids;       /* a tool call's id is nine letters and digits */
    bool no_tools;       /* refuses all of them */
    bool no_named;       /* tool_choice by name is ignored: a call of any can be had at most */
    bool no_forced;      /* refuses a tool_choice that wants a call */
    bool no_json;        /* response_format json_object is refused */
    bool file_urls;      /* takes a file's URL for its data */
    bool no_schema;      /* response_format json_schema is refused; json_object is not, but the
                            prompt has to say "JSON" */
};

/* The row for this model; NULL: there is nothing to say. */
const struct quirks *quirks_find(enum quirks_server server, struct str model);
/* Does it refuse this member?  `q` may be NULL. */
bool quirks_refuse(const struct quirks *q, struct str member);
/* Whose this host is; SERVER_PLAIN when nobody's we know. */
enum quirks_server quirks_server_of(struct str host);

#define QUIRKS_SOURCES_MAX 8u
struct quirks_home {
    const char *name;                        /* in the configuration */
    struct str hosts[2];                     /* of its own: this one, and those below it */
    const char *sources[QUIRKS_SOURCES_MAX]; /* of what its rows say */
};
const struct quirks_home *quirks_home(enum quirks_server server);
/* All rows, for the manual; NULL past the last. */
const struct quirks *quirks_at(size_t i);

#endif
