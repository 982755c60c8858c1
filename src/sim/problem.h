/*
 * problem.h - why a request is refused, and what each dialect's server says of a fault.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SIM_PROBLEM_H
#define SIM_PROBLEM_H

#include "sim/menu.h"

/* When to try again, and in which words. */
struct sim_retry {
    enum sim_fault style; /* of the group RETRY; SIM_NONE: nothing is said */
    uint64_t ms;
};

/* Why a request is refused, or what a fault says. */
struct sim_problem {
    unsigned status;
    struct str message;
    struct str type;        /* empty: the one that belongs to the status */
    struct str code, param; /* empty: null, where the dialect has them at all */
    struct sim_retry retry;
    uint64_t id; /* of the reply, where its body says it */
};

/* What a server says of one fault. */
struct sim_saying {
    unsigned status;      /* that is asked for */
    enum sim_fault fault; /* SIM_NONE: any with this status */
    unsigned sent;        /* the status it gives instead */
    struct str type, code, message;
};

#define SIM_SAYING(status, fault, sent, type, code, message)                                       \
    {                                                                                              \
        status, fault, sent, STR_INIT(type), STR_INIT(code), STR_INIT(message)                     \
    }

/* The first of `rows` for this; the last one says it of all others, with the status asked for. */
struct sim_problem sim_problem_of(const struct sim_saying *rows, size_t count, enum sim_fault f,
                                  unsigned status);
/* Refuse with 400 and this; always false. */
bool sim_refuse(struct sim_problem *ret_problem, struct str message);

#endif
