/* settle.h - what happens once, when an exchange has ended: counting it and one log line.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef GATEWAY_SETTLE_H
#define GATEWAY_SETTLE_H

struct exchange;

void settle_metrics(struct exchange *x);
/* One JSON object; docs/operations.md lists its members. */
void settle_log(struct exchange *x);

#endif
