/* SPDX-License-Identifier: Apache-2.0 */
#include "llm/chat.h"

#include <stdarg.h>
#include <stdio.h>

#include "llm/chat_text.h"

#define WHY_MAX 512u

void chat_drop_from(struct str *names, uint32_t *count, struct str field)
{
    for (uint32_t i = 0; i < *count; i++) {
        if (str_eq(names[i], field))
            return;
    }
    if (*count < CHAT_DROPPED_MAX)
        names[(*count)++] = field;
}

void chat_drop(struct chat_request *r, struct str field)
{
    chat_drop_from(r->dropped, &r->dropped_count, field);
}

bool chat_choice_is_lost(const struct chat_request *r, enum chat_dialect vendor)
{
    struct str name = str_make(r->choice_name.ptr, r->choice_name.len);
    bool others = false;

    for (uint32_t i = 0; r->choice == CHAT_CHOICE_NAMED && i < r->tools_count; i++) {
        const struct chat_tool *t = &r->tools[i];

        if (t->raw.len > 0 ? t->vendor == vendor /* its name is inside */
                           : json_text_is(t->name, name))
            return false;
        others |= t->raw.len > 0;
    }
    return others;
}

bool chat_refuse(struct chat_problem *p, struct arena *a, const char *param, const char *fmt, ...)
{
    char text[WHY_MAX];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    p->fault = FAULT_BAD_REQUEST;
    p->why = arena_dup(a, str_from(text));
    p->param = arena_dup(a, str_from(param));
    return false;
}

bool chat_scan(struct arena *a, struct str body, unsigned depth_max, struct chat_problem *p)
{
    struct json_error error;

    *p = (struct chat_problem){.fault = FAULT_NONE};
    if (json_scan(body, depth_max, NULL, NULL, &error))
        return true;
    p->fault = FAULT_BAD_JSON;
    p->why = arena_printf(a, "the body is not valid JSON: %.*s",
                          STR_ARG(json_error_text(a, body, &error)));
    return false;
}
