/*
 * readers.h - one reader for each type of setting: a value of the file into a field.
 *
 * A reader that finds something wrong tells it (problem.h) and leaves the field as it was.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONF_READERS_H
#define CONF_READERS_H

#include "conf/load.h"

typedef void reader_fn(struct load *l, const struct setting *s, const struct node *n, void *record);

/* NULL for the types that hold other settings: load.c reads those. */
reader_fn *reader_of(enum setting_type type);

/* "`name`: expected …, not …". */
void reader_tell(struct load *l, const struct setting *s, const struct node *n);

/* The value as it was written, unless it may be a secret; or what kind of value it is. */
struct quoted reader_quote(const struct setting *s, const struct node *n);

/* Can a header carry it?  Told when not. */
MUST_USE bool reader_is_credential(struct load *l, const struct setting *s, const struct node *n,
                                   struct str text);

#endif
