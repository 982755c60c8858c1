/*
 * resolve_part.h - what the hooks of the settings table share with each other alone.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONF_RESOLVE_PART_H
#define CONF_RESOLVE_PART_H

#include "conf/load.h"

/* Where to point when that setting is wrong: at it, or at the map when it is not written. */
const struct node *resolve_child(const struct node *map, const char *name);
/* The name that a map has, of `what` ("an alias"): not too long, no spaces, none of `forbidden`. */
void resolve_name(struct load *l, const struct node *map, const char *what, const char *forbidden);
/* A section that says "off": a map without settings.  NULL: the word is another, and that was told.
 */
const struct node *resolve_off(struct load *l, const struct node *word, const char *name);
/* A provider's or a target's `api`, which stands at `at`. */
void resolve_api(struct load *l, const struct node *at, const struct conf_provider *p,
                 enum conf_api api);

#endif
