/* SPDX-License-Identifier: Apache-2.0 */
#include "llm/gemini_part.h"
#include "llm/json_pick.h"

bool gemini_usage_read(struct str value, struct chat_usage *ret)
{
    struct str prompt = {NULL, 0}, tools = prompt, candidates = prompt, thoughts = prompt,
               cached = prompt;
    const struct json_pick picks[] = {
        {STR("promptTokenCount"), JSON_NUMBER, &prompt},
        {STR("toolUsePromptTokenCount"), JSON_NUMBER, &tools},
        {STR("candidatesTokenCount"), JSON_NUMBER, &candidates},
        {STR("thoughtsTokenCount"), JSON_NUMBER, &thoughts},
        {STR("cachedContentTokenCount"), JSON_NUMBER, &cached},
    };

    json_pick(value, picks, COUNTOF(picks));
    if (prompt.len == 0 && candidates.len == 0 && thoughts.len == 0)
        return false;
    *ret = (struct chat_usage){.source = CHAT_USAGE_REPORTED,
                               .input = json_count(prompt) + json_count(tools),
                               .output = json_count(candidates) + json_count(thoughts),
                               .cache_read = json_count(cached),
                               .reasoning = json_count(thoughts)};
    return true;
}
