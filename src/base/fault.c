/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fault.h"

static const struct fault_info table[FAULT_COUNT] = {
    [FAULT_NONE] = {"ok", "", "", 200, BLAME_CLIENT, REMEDY_STOP},
#define X(name, http, blame, remedy, type, wire, manual)                                           \
    [FAULT_##name] = {wire, type, manual, http, BLAME_##blame, REMEDY_##remedy},
    FAULT_MAP(X)
#undef X
};

const struct fault_info *fault_info(enum fault f)
{
    assert((unsigned)f < FAULT_COUNT);
    return &table[f];
}
