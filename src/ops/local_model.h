/*
 * local_model.h - which model a server on this machine offers, for the quick start.
 *
 * Blocking, and bounded by time and size: it runs before there is a loop.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef OPS_LOCAL_MODEL_H
#define OPS_LOCAL_MODEL_H

#include "base/str.h"

/* Connect to 127.0.0.1; a descriptor, or a negative errno. */
MUST_USE int local_connect(uint16_t port);
/* The first id of GET /v1/models, NUL-terminated; false when there is none to be had. */
bool local_model_find(uint16_t port, char *name, size_t size);

#endif
