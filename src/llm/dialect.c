/*
 * dialect.c - which dialects there are, towards targets and towards clients.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm/dialect.h"

#include "llm/dialects.h"

static const struct dialect *const dialects[] = {
    &dialect_anthropic, &dialect_openai, &dialect_responses,
    &dialect_gemini,    &dialect_ollama, &dialect_bedrock,
};

static const struct chat_surface *const surfaces[] = {
    &surface_chat,
    &surface_messages,
    &surface_responses,
    &surface_gemini,
};

const struct dialect *dialect_find(struct str name)
{
    for (size_t i = 0; i < COUNTOF(dialects); i++) {
        if (dialects[i] != NULL && str_eq(str_from(dialects[i]->name), name))
            return dialects[i];
    }
    return NULL;
}

const struct dialect *dialect_get(enum chat_dialect id)
{
    for (size_t i = 0; i < COUNTOF(dialects); i++) {
        if (dialects[i] != NULL && dialects[i]->id == id)
            return dialects[i];
    }
    return NULL;
}

const struct chat_surface *chat_surface_get(enum chat_dialect id)
{
    for (size_t i = 0; i < COUNTOF(surfaces); i++) {
        if (surfaces[i] != NULL && surfaces[i]->id == id)
            return surfaces[i];
    }
    return NULL;
}
