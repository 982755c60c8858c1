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

#endif
