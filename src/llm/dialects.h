/*
 * dialects.h - the rows of the two tables in dialect.c, each in a file of its own.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LLM_DIALECTS_H
#define LLM_DIALECTS_H

#include "llm/chat_surface.h"
#include "llm/dialect.h"

/* What targets speak. */
extern const struct dialect dialect_openai;
extern const struct dialect dialect_responses;
extern const struct dialect dialect_anthropic;
extern const struct dialect dialect_gemini;
extern const struct dialect dialect_bedrock;
extern const struct dialect dialect_ollama;

/* What clients speak. */
extern const struct chat_surface surface_chat;
extern const struct chat_surface surface_messages;
extern const struct chat_surface surface_responses;
extern const struct chat_surface surface_gemini;

#endif
