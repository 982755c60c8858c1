/* stages.h - the steps on the way in; what each promises stands at the head of its file.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef GATEWAY_STAGES_H
#define GATEWAY_STAGES_H

#include "gateway/pipeline.h"

enum verdict authenticate_enter(struct exchange *x);
enum verdict body_enter(struct exchange *x);
void body_cancel(struct exchange *x);
/* The server has the whole body. */
void body_ready(struct exchange *x);
enum verdict read_enter(struct exchange *x);
enum verdict route_enter(struct exchange *x);
enum verdict attempt_enter(struct exchange *x);
void attempt_cancel(struct exchange *x);
enum verdict models_enter(struct exchange *x);
enum verdict relay_enter(struct exchange *x);
void relay_cancel(struct exchange *x);

#endif
