/* SPDX-License-Identifier: Apache-2.0 */
#include "llm/json_pick.h"

#include <stdlib.h>

#define NUMBER_MAX 63u

struct picking {
    const struct json_pick *picks;
    size_t n;
};

static bool take(void *ctx, const struct json_member *m)
{
    const struct picking *p = ctx;

    for (size_t i = 0; i < p->n && m->type != JSON_NULL; i++) {
        const struct json_pick *pick = &p->picks[i];

        if ((pick->type == JSON_NONE || pick->type == m->type) && json_key_is(m, pick->name))
            *pick->to = m->value;
    }
    return true;
}

void json_pick(struct str object, const struct json_pick *picks, size_t n)
{
    struct picking p = {picks, n};

    if (object.len > 0 && json_type_of(object) == JSON_OBJECT)
        json_members(object, take, &p);
}

struct str json_pick_one(struct str object, struct str name, enum json_type type)
{
    struct str value = {NULL, 0};

    json_pick(object, &(struct json_pick){name, type, &value}, 1);
    return value;
}

uint64_t json_count(struct str value)
{
    uint64_t n = 0;

    if (value.len > 2 && value.ptr[0] == '"')
        value = str_make(value.ptr + 1, value.len - 2);
    return str_to_u64(value, &n) ? n : 0;
}

double json_number(struct str value)
{
    char text[NUMBER_MAX + 1];
    size_t n = value.len < NUMBER_MAX ? value.len : NUMBER_MAX;

    if (n > 0)
        memcpy(text, value.ptr, n);
    text[n] = '\0';
    return strtod(text, NULL);
}
