/* relay.h - the client's side of a relayed request: its body, as it comes.  See relay.c.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef GATEWAY_RELAY_H
#define GATEWAY_RELAY_H

#include "base/str.h"

struct exchange;

void relay_body(struct exchange *x, struct str piece);
void relay_ready(struct exchange *x); /* the body is whole */
void relay_done(struct exchange *x);  /* free what the arena does not own */

#endif
