/*
 * fallbacks.h - aliases that fall back to each other in a circle, or without an end, are refused.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONF_FALLBACKS_H
#define CONF_FALLBACKS_H

#include "conf/load.h"

/* `models` is the map that the configuration's models were read from. */
void fallbacks_check(struct load *l, const struct node *models);

#endif
