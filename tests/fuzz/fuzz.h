/*
 * fuzz.h - what every fuzzer has: its entry, a promise, and how it reads lines as events.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stdlib.h>

#include "base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void must(bool ok)
{
    if (!ok)
        abort();
}

/* The next of `lines` as an event's data; one behind a '!' is of an event "error". */
static inline struct str fuzz_event(struct str *lines, struct str *ret_name)
{
    struct str line;

    str_cut(*lines, '\n', &line, lines);
    *ret_name = STR("");
    if (line.len > 0 && line.ptr[0] == '!') {
        *ret_name = STR("error");
        line = str_skip(line, 1);
    }
    return line;
}

#endif
