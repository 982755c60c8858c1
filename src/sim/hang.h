/*
 * hang.h - a listener that takes connections and never says a word, not even TLS's first.
 *
 * For what a model name cannot order: a handshake that hangs.  It needs no loop: the kernel
 * accepts into the backlog, acknowledges what is sent, and nobody reads it.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SIM_HANG_H
#define SIM_HANG_H

#include "base/str.h"

struct hang;

/* `address` is "127.0.0.1:9998".  0, or a negative errno and a line on stderr. */
MUST_USE int hang_open(struct str address, struct hang **ret_hang);
void hang_close(struct hang *h); /* NULL is fine */

#endif
