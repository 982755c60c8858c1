/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/resolve.h"

#include "conf/resolve_part.h"

const struct node *resolve_entra_word(struct load *l, const struct node *word, void *record)
{
    (void)record;
    return resolve_off(l, word, "entra");
}

const char *resolve_entra_fold(const void *record)
{
    const struct conf_entra *e = record;

    return e->on ? NULL : "off";
}

/* They become part of a path and of a form. */
static bool is_id(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = ascii_lower(s.ptr[i]);

        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.'))
            return false;
    }
    return true;
}

static void check_ids(struct load *l, const struct node *map, const struct conf_entra *e)
{
    if (!is_id(e->tenant_id))
        load_problem(l, resolve_child(map, "tenant_id"), "`tenant_id`: no id of a directory");
    if (!is_id(e->client_id))
        load_problem(l, resolve_child(map, "client_id"), "`client_id`: no id of an application");
}

/* Also where that was said and refused. */
static bool says_managed(const struct node *map)
{
    const struct node *at = node_find(map, STR("managed_identity"));

    return at != NULL && !str_eq(at->text, STR("false"));
}

static void check_parts(struct load *l, const struct node *map)
{
    static const char *const parts[] = {"tenant_id", "client_secret", "client_id"};
    bool managed = says_managed(map);

    for (size_t i = 0; i < COUNTOF(parts); i++) {
        const struct node *at = node_find(map, str_from(parts[i]));

        if (!managed && at == NULL)
            load_problem(l, map,
                         "`%s` is missing: `entra` wants tenant_id, client_id and client_secret, "
                         "or managed_identity: true",
                         parts[i]);
        else if (managed && at != NULL && i < 2)
            load_problem(l, at, "`%s` beside `managed_identity`; leave it out", parts[i]);
    }
}

void resolve_entra(struct load *l, const struct node *map, void *record)
{
    struct conf_entra *e = record;

    e->on = map->first != NULL;
    if (!e->on)
        return;
    check_ids(l, map, e);
    check_parts(l, map);
    if (e->managed && node_find(map, STR("authority")) == NULL)
        e->authority = STR("http://169.254.169.254"); /* of every machine there */
}
