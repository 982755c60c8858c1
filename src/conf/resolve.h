/*
 * resolve.h - what one setting alone cannot know: inheritance, references, pairs, loops.
 *
 * These are the hooks of the settings table (struct table: unfold, prepare, check).
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONF_RESOLVE_H
#define CONF_RESOLVE_H

#include "conf/load.h"

const struct node *resolve_admin_word(struct load *l, const struct node *word, void *record);
const char *resolve_admin_fold(const void *record);
const struct node *resolve_entra_word(struct load *l, const struct node *word, void *record);
const char *resolve_entra_fold(const void *record);
void resolve_entra(struct load *l, const struct node *map, void *record);
const struct node *resolve_target_word(struct load *l, const struct node *word, void *record);

void resolve_provider_prepare(struct load *l, void *record);
void resolve_model_prepare(struct load *l, void *record);
void resolve_target_prepare(struct load *l, void *record);

void resolve_tls(struct load *l, const struct node *map, void *record);
void resolve_cors(struct load *l, const struct node *map, void *record);
void resolve_admin(struct load *l, const struct node *map, void *record);
void resolve_retry(struct load *l, const struct node *map, void *record);
void resolve_provider(struct load *l, const struct node *map, void *record);
void resolve_target(struct load *l, const struct node *map, void *record);
void resolve_model(struct load *l, const struct node *map, void *record);
void resolve_key(struct load *l, const struct node *map, void *record);
void resolve_top(struct load *l, const struct node *map, void *record);

#endif
