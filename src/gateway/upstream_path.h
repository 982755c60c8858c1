/*
 * upstream_path.h - where on a provider a path of OpenAI's API is.
 *
 * Nearly always where it is at OpenAI.  Azure has each model at a path of its own, with the API's
 * version behind it (learn.microsoft.com/azure/ai-foundry/openai/reference); its newer paths,
 * behind a base URL that ends in /openai/v1, are OpenAI's. SPDX-License-Identifier: Apache-2.0
 */
#ifndef GATEWAY_UPSTREAM_PATH_H
#define GATEWAY_UPSTREAM_PATH_H

#include "base/arena.h"

struct conf_provider;

/* What stands behind the provider's base path for "/chat/completions" and the like, query included.
 * `model` may be empty where none is named.  .ptr NULL: no room. */
struct str upstream_path(struct arena *a, const struct conf_provider *p, struct str model,
                         struct str path);

#endif
