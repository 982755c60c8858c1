/*
 * json_pick.h - take a few members out of an object.
 *
 * For JSON that json_scan() has passed.  A member that is null counts as absent; of a member that
 * comes twice the last one counts.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LLM_JSON_PICK_H
#define LLM_JSON_PICK_H

#include "llm/json.h"

struct json_pick {
    struct str name;
    enum json_type type; /* another is left alone; JSON_NONE: any */
    struct str *to;      /* raw; untouched when the member is absent */
};

/* Anything but an object has no members. */
void json_pick(struct str object, const struct json_pick *picks, size_t n);
/* One member, raw; empty when absent. */
struct str json_pick_one(struct str object, struct str name, enum json_type type);

/* A count: digits, in quotes or not (protobuf writes 64-bit numbers so); anything else is 0. */
uint64_t json_count(struct str value);
/* A number, for comparisons alone: numbers are passed on as they were written. */
double json_number(struct str value);

#endif
