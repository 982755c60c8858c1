/*
 * expand.h - ${VAR} and ${VAR:-default} in a value.
 *
 * As in a shell: ":-" also replaces a variable that is set but empty.  "$${" is a literal "${".
 * A default is taken as it stands, without variables of its own.  What a variable holds never
 * enters a message; its name does.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONF_EXPAND_H
#define CONF_EXPAND_H

#include "conf/conf.h"

#define EXPAND_BYTES_MAX 65536u

/* False: *ret_why is a sentence (in the arena, or constant). */
MUST_USE bool expand_text(struct arena *a, struct str text, conf_env_fn *env, struct str *ret_text,
                          const char **ret_why);

#endif
