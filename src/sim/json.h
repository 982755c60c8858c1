/*
 * json.h - a request's body as a yyjson document, without malloc when it is a usual one.
 *
 * One document at a time for each pool.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SIM_JSON_H
#define SIM_JSON_H

#include <yyjson.h>

#include "base/str.h"

#define SIM_JSON_POOL_BYTES (64u * 1024u)

/* NULL: not JSON, or no memory.  yyjson_doc_free() before the pool is used again. */
MUST_USE yyjson_doc *sim_json_read(struct str body, char *pool);

/* The member's text; .ptr NULL when it is absent or no string. */
struct str sim_json_text(yyjson_val *object, const char *key);

#endif
