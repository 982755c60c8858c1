/*
 * ollama_part.h - what the files of the Ollama dialect share with each other alone.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LLM_OLLAMA_PART_H
#define LLM_OLLAMA_PART_H

#include "llm/chat.h"
#include "llm/json_pen.h"

struct str ollama_path(struct arena *a, const struct chat_request *r);
bool ollama_encode(struct chat_request *r, struct str model, struct buf *out,
                   struct chat_problem *p);

#endif
