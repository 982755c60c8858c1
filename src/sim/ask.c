/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/ask.h"

struct str sim_ask_query(const struct sim_ask *ask, struct str name)
{
    struct str rest = ask->query, item, key, value;

    while (rest.len > 0) {
        str_cut(rest, '&', &item, &rest);
        if (str_cut(item, '=', &key, &value) && str_eq(key, name))
            return value;
    }
    return str_make(NULL, 0);
}

struct str sim_ask_credential(const struct sim_ask *ask)
{
    static const struct str names[] = {STR_INIT("x-api-key"), STR_INIT("x-goog-api-key"),
                                       STR_INIT("api-key")};
    struct str value = http_fields_find(ask->fields, STR("authorization")), scheme, key;

    if (str_cut(value, ' ', &scheme, &key))
        return key;
    for (size_t i = 0; i < COUNTOF(names); i++) {
        key = http_fields_find(ask->fields, names[i]);
        if (key.ptr != NULL)
            return key;
    }
    return sim_ask_query(ask, STR("key"));
}
