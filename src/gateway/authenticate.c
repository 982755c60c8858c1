/*
 * authenticate.c - who is asking.
 *
 * Without `keys` in the configuration the client port is open.  With them, a bearer (or x-api-key,
 * x-goog-api-key, and on Gemini's paths ?key=) has to be one of them.  Only digests are kept and
 * compared, so neither time nor memory tells anything about a key.  Several credentials, an
 * oversized one, or one with bytes that no key can have, are refused without a look at the table
 * (R50). SPDX-License-Identifier: Apache-2.0
 */
#include "gateway/exchange.h"
#include "gateway/stages.h"
#include "llm/generate.h"

#define KEY_BYTES_MAX 4096u

static bool is_key_byte(unsigned char c)
{
    return c > 0x20 && c < 0x7f;
}

static bool is_key(struct str s)
{
    if (s.len == 0 || s.len > KEY_BYTES_MAX)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if (!is_key_byte((unsigned char)s.ptr[i]))
            return false;
    }
    return true;
}

/* "Bearer x", any case, one or more spaces between. */
static struct str bearer(struct str value)
{
    const struct str word = STR("bearer ");

    if (value.len <= word.len || !str_eq_nocase(str_make(value.ptr, word.len), word))
        return (struct str){NULL, 0};
    return str_trim(str_skip(value, word.len));
}

static bool is_key_field(struct str name)
{
    return str_eq_nocase(name, STR("x-api-key")) || str_eq_nocase(name, STR("api-key")) ||
           str_eq_nocase(name, STR("x-goog-api-key"));
}

/* The one credential of the request; .ptr NULL when there is none or more than one. */
static struct str credential(struct exchange *x)
{
    const struct http_fields *f = &x->call->fields;
    struct str found = {NULL, 0};

    /* Google's clients may show theirs in the query.  It stays here: generate_path() sees to it. */
    if (x->surface->dialect == CHAT_GEMINI)
        found = generate_parameter(x->mem, x->call->query, STR("key"));
    for (uint32_t i = 0; i < f->count; i++) {
        struct str one = {NULL, 0};

        if (str_eq_nocase(f->at[i].name, STR("authorization")))
            one = bearer(f->at[i].value);
        else if (is_key_field(f->at[i].name))
            one = f->at[i].value;
        else
            continue;
        if (found.ptr != NULL || one.ptr == NULL)
            return (struct str){NULL, 0};
        found = one;
    }
    return found;
}

enum verdict authenticate_enter(struct exchange *x)
{
    const struct conf *c = x->gl->gw->conf;
    unsigned char digest[32];
    struct str key;

    if (c->keys_count == 0)
        return VERDICT_NEXT;
    key = credential(x);
    if (!is_key(key))
        return exchange_fail(x, FAULT_BAD_KEY, STR(""),
                             "One credential is needed: an Authorization header with a bearer key, "
                             "x-api-key or x-goog-api-key.");
    x->principal = conf_digest(key, digest) ? conf_key_find(c, digest) : NULL;
    if (x->principal == NULL)
        return exchange_fail(x, FAULT_BAD_KEY, STR(""), "This API key is not known here.");
    return VERDICT_NEXT;
}
