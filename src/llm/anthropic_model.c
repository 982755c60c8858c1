/*
 * What a model takes: a request that another API would answer is a 400 here when the model is too
 * old for a field, or too new.
 *
 * From the model pages and migration guides of platform.claude.com, and from what their 400s say.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm/anthropic_part.h"

#define NOT ANTHROPIC_THINKS_NOT
#define BUDGET ANTHROPIC_THINKS_BUDGET
#define EITHER ANTHROPIC_THINKS_EITHER
#define ADAPTIVE ANTHROPIC_THINKS_ADAPTIVE
#define ALWAYS ANTHROPIC_THINKS_ALWAYS
#define ANY ANTHROPIC_SAMPLES
#define ONE ANTHROPIC_SAMPLES_ONE
#define NONE ANTHROPIC_SAMPLES_NOT

/* clang-format off */
/* The first row whose part is in the name; so the newer of two that begin alike stands first.
 *   part                     thinking  sampling effort                 schema system output */
static const struct anthropic_model models[] = {
    {STR_INIT("claude-2"),        NOT,      ANY,  ANTHROPIC_NO_EFFORT,   false, false, 4096},
    {STR_INIT("claude-instant"),  NOT,      ANY,  ANTHROPIC_NO_EFFORT,   false, false, 4096},
    {STR_INIT("claude-3-7"),      BUDGET,   ANY,  ANTHROPIC_NO_EFFORT,   false, false, 32000},
    {STR_INIT("claude-3-5"),      NOT,      ANY,  ANTHROPIC_NO_EFFORT,   false, false, 8192},
    {STR_INIT("claude-3"),        NOT,      ANY,  ANTHROPIC_NO_EFFORT,   false, false, 4096},
    {STR_INIT("haiku-4-5"),       BUDGET,   ONE,  ANTHROPIC_NO_EFFORT,   true,  false, 32000},
    {STR_INIT("sonnet-4-5"),      BUDGET,   ONE,  ANTHROPIC_NO_EFFORT,   true,  false, 32000},
    {STR_INIT("sonnet-4-6"),      EITHER,   ONE,  ANTHROPIC_EFFORT_MAX,  true,  false, 32000},
    {STR_INIT("sonnet-4"),        BUDGET,   ANY,  ANTHROPIC_NO_EFFORT,   false, false, 32000},
    {STR_INIT("opus-4-1"),        BUDGET,   ONE,  ANTHROPIC_NO_EFFORT,   true,  false, 32000},
    {STR_INIT("opus-4-5"),        BUDGET,   ONE,  ANTHROPIC_EFFORT_HIGH, true,  false, 32000},
    {STR_INIT("opus-4-6"),        EITHER,   ONE,  ANTHROPIC_EFFORT_MAX,  true,  false, 32000},
    {STR_INIT("opus-4-7"),        ADAPTIVE, NONE, ANTHROPIC_EFFORT_ALL,  true,  false, 32000},
    {STR_INIT("opus-4-8"),        ADAPTIVE, NONE, ANTHROPIC_EFFORT_ALL,  true,  true,  32000},
    {STR_INIT("opus-4"),          BUDGET,   ANY,  ANTHROPIC_NO_EFFORT,   false, false, 32000},
    {STR_INIT("opus-5-5"),        ALWAYS,   NONE, ANTHROPIC_EFFORT_ALL,  true,  true,  32000},
    {STR_INIT("claude-fable"),    ALWAYS,   NONE, ANTHROPIC_EFFORT_ALL,  true,  true,  32000},
    {STR_INIT("claude-mythos"),   ALWAYS,   NONE, ANTHROPIC_EFFORT_ALL,  true,  true,  32000},
    {STR_INIT("claude"),          ADAPTIVE, NONE, ANTHROPIC_EFFORT_ALL,  true,  true,  32000},
    {STR_INIT(""),                BUDGET,   ANY,  ANTHROPIC_NO_EFFORT,   true,  false, 8192},
};
/* clang-format on */

static bool begins(struct str name, struct str part)
{
    for (size_t i = 0; i < part.len; i++) {
        char c = name.ptr[i] == '.' ? '-' : ascii_lower(name.ptr[i]);

        if (c != part.ptr[i])
            return false;
    }
    return true;
}

/* Some write claude-opus-4.7 and anthropic/Claude-…. */
static bool contains(struct str name, struct str part)
{
    for (size_t i = 0; i + part.len <= name.len; i++) {
        if (begins(str_make(name.ptr + i, name.len - i), part))
            return true;
    }
    return false;
}

const struct anthropic_model *anthropic_model_get(struct str name)
{
    size_t i = 0;

    while (i + 1 < COUNTOF(models) && !contains(name, models[i].part))
        i++;
    return &models[i];
}
