/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/expand.h"

#define NAME_BYTES_MAX 128u

static bool is_name(struct str s)
{
    if (s.len == 0 || s.len > NAME_BYTES_MAX || (s.ptr[0] >= '0' && s.ptr[0] <= '9'))
        return false;
    for (size_t i = 0; i < s.len; i++) {
        char c = ascii_lower(s.ptr[i]);

        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'))
            return false;
    }
    return true;
}

static const char *why_unset(struct arena *a, struct str name)
{
    struct str s = arena_printf(a,
                                "the variable %.*s is not set; set it, or give a default: "
                                "${%.*s:-default}",
                                STR_ARG(name), STR_ARG(name));

    return s.ptr != NULL ? s.ptr : "no memory left";
}

/* `inside` is what stands between the braces. */
static bool look_up(struct arena *a, struct str inside, conf_env_fn *env, struct str *ret_value,
                    const char **ret_why)
{
    struct str name = inside, fallback = {NULL, 0}, value, key;
    const char *colon = str_find(inside, STR(":-"));

    if (colon != NULL) {
        name.len = (size_t)(colon - inside.ptr);
        fallback = str_skip(inside, name.len + 2);
    }
    if (!is_name(name)) {
        *ret_why = "not a variable between ${ and }; write ${NAME} or ${NAME:-default}, and $${ "
                   "for a plain ${";
        return false;
    }
    key = arena_dup(a, name); /* with a NUL behind it */
    value = key.ptr != NULL && env != NULL ? str_from(env(key.ptr)) : (struct str){NULL, 0};
    if (value.ptr == NULL && colon == NULL) {
        *ret_why = why_unset(a, name);
        return false;
    }
    *ret_value = value.len == 0 && colon != NULL ? fallback : value;
    return true;
}

static bool expand_into(struct arena *a, struct str rest, conf_env_fn *env, struct buf *out,
                        const char **ret_why)
{
    while (rest.len > 0) {
        const char *open = str_find(rest, STR("${"));
        struct str plain = {rest.ptr, open != NULL ? (size_t)(open - rest.ptr) : rest.len};
        struct str inside, tail, value;
        bool escaped = open != NULL && plain.len > 0 && open[-1] == '$';

        *ret_why = "the value is longer than 64 KiB";
        if (buf_put(out, plain) != 0)
            return false;
        if (open == NULL)
            return true;
        rest = str_skip(rest, plain.len + 2);
        if (escaped) { /* "$${": one dollar is out already */
            if (buf_put(out, STR("{")) != 0)
                return false;
            continue;
        }
        if (!str_cut(rest, '}', &inside, &tail)) {
            *ret_why = "${ without its }";
            return false;
        }
        if (!look_up(a, inside, env, &value, ret_why))
            return false;
        *ret_why = "the value is longer than 64 KiB";
        if (buf_put(out, value) != 0)
            return false;
        rest = tail;
    }
    return true;
}

bool expand_text(struct arena *a, struct str text, conf_env_fn *env, struct str *ret_text,
                 const char **ret_why)
{
    struct buf out = {.max = EXPAND_BYTES_MAX};
    bool plain = str_find(text, STR("${")) == NULL;
    bool ok = plain || expand_into(a, text, env, &out, ret_why);

    if (ok) {
        struct str copy = arena_dup(a, plain ? text : buf_str(&out));

        *ret_why = "no memory left";
        ok = copy.ptr != NULL;
        if (ok)
            *ret_text = copy;
    }
    buf_done(&out);
    return ok;
}
