/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/problem.h"

static bool is_of(const struct sim_saying *row, enum sim_fault f, unsigned status)
{
    return row->status == status && (row->fault == f || row->fault == SIM_NONE);
}

struct sim_problem sim_problem_of(const struct sim_saying *rows, size_t count, enum sim_fault f,
                                  unsigned status)
{
    const struct sim_saying *row = rows;

    while (row < rows + count - 1 && !is_of(row, f, status))
        row++;
    return (struct sim_problem){.status = row->status == status ? row->sent : status,
                                .type = row->type,
                                .code = row->code,
                                .message = row->message};
}

bool sim_refuse(struct sim_problem *p, struct str message)
{
    *p = (struct sim_problem){.status = 400, .message = message};
    return false;
}
