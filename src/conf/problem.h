/*
 * problem.h - what is wrong with a configuration, told line by line.
 *
 * A message is "FILE:LINE:COL: what is wrong; what would be right".  Nothing that may be a secret
 * is quoted: callers quote text as it was written in the file, before ${VAR} is replaced.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONF_PROBLEM_H
#define CONF_PROBLEM_H

#include "conf/conf.h"

/* A file of rubbish should not fill a terminal; nobody mends more in one go. */
#define PROBLEMS_MAX 100u

struct problem {
    uint32_t line, column;
    unsigned order; /* of two at one place, the first found */
    const char *text;
};

struct problems {
    const char *file;
    conf_problem_fn *report;
    void *ctx;
    unsigned count;
    bool muted; /* the same text is being read a second time */
    struct arena mem;
    struct problem kept[PROBLEMS_MAX];
};

/* Keep a problem.  Line and column count from 1; line 0 leaves both out. */
void problem_at(struct problems *p, uint32_t line, uint32_t column, const char *fmt, ...)
    PRINTF_LIKE(4, 5);
/* Report what was kept, in the order of the file, and free it.  The count stays. */
void problem_flush(struct problems *p);

/* Nothing more will be heard: spare the work of a good message. */
bool problem_is_deaf(const struct problems *p);

/* `s` in backticks, shortened when it is long. */
struct quoted {
    char text[80];
};
struct quoted problem_quote(struct str s);

#endif
