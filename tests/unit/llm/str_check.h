/*
 * str_check.h - a text is the one that was expected, else both are shown.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_UNIT_LLM_STR_CHECK_H
#define TESTS_UNIT_LLM_STR_CHECK_H

#include "base/str.h"

static inline void check_str(const char *what, struct str got, struct str want)
{
    if (!str_eq(got, want))
        fail_msg("%s:\n%.*s\ninstead of\n%.*s", what, STR_ARG(got), STR_ARG(want));
}

#endif
