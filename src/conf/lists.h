/*
 * lists.h - the readers of settings that hold several values (readers.h).
 *
 * A single value may stand for a list of one.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONF_LISTS_H
#define CONF_LISTS_H

#include "conf/readers.h"

reader_fn list_read_texts;
reader_fn list_read_secrets; /* empty ones are left out */
reader_fn list_read_headers;
reader_fn list_read_models; /* aliases, which must be there already */

#endif
