/*
 * What a provider says when it does not answer, and what that means to us (R13).
 *
 * The status decides; inside a 200 there is none, and the words of the error object do.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm/openai_part.h"

#include "llm/utf8.h"

#define TEXT_MAX 2048u /* bytes of a message that is kept */

/* ---- words ---- */

/* clang-format off */
/* The first row whose word is in the code, else in the type, decides: the code is the nearer of the
 * two ("invalid_request_error" with the code "invalid_api_key" is about the key). */
static const struct word {
    struct str word;
    enum fault fault;
} words[] = {
    /* credentials and money */
    {STR_INIT("insufficient_quota"),    FAULT_UPSTREAM_KEY},
    {STR_INIT("insufficient_balance"),  FAULT_UPSTREAM_KEY},
    {STR_INIT("billing"),               FAULT_UPSTREAM_KEY},
    {STR_INIT("payment"),               FAULT_UPSTREAM_KEY},
    {STR_INIT("api_key"),               FAULT_UPSTREAM_KEY},
    {STR_INIT("authentication"),        FAULT_UPSTREAM_KEY},
    {STR_INIT("unauthenticated"),       FAULT_UPSTREAM_KEY},
    {STR_INIT("unauthorized"),          FAULT_UPSTREAM_KEY},
    {STR_INIT("permission"),            FAULT_UPSTREAM_KEY},
    {STR_INIT("forbidden"),             FAULT_UPSTREAM_KEY},
    /* pace */
    {STR_INIT("rate_limit"),            FAULT_UPSTREAM_RATE},
    {STR_INIT("ratelimit"),             FAULT_UPSTREAM_RATE},
    {STR_INIT("too_many_requests"),     FAULT_UPSTREAM_RATE},
    {STR_INIT("toomanyrequests"),       FAULT_UPSTREAM_RATE},
    {STR_INIT("throttl"),               FAULT_UPSTREAM_RATE},
    {STR_INIT("resource_exhausted"),    FAULT_UPSTREAM_RATE},
    {STR_INIT("quota"),                 FAULT_UPSTREAM_RATE},
    /* load */
    {STR_INIT("overloaded"),            FAULT_UPSTREAM_BUSY},
    {STR_INIT("unavailable"),           FAULT_UPSTREAM_BUSY},
    {STR_INIT("capacity"),              FAULT_UPSTREAM_BUSY},
    {STR_INIT("timeout"),               FAULT_UPSTREAM_BUSY},
    /* the request itself */
    {STR_INIT("context_length"),        FAULT_UPSTREAM_REFUSED},
    {STR_INIT("invalid_request"),       FAULT_UPSTREAM_REFUSED},
    {STR_INIT("invalid_argument"),      FAULT_UPSTREAM_REFUSED},
    {STR_INIT("invalid_prompt"),        FAULT_UPSTREAM_REFUSED},
    {STR_INIT("badrequest"),            FAULT_UPSTREAM_REFUSED},
    {STR_INIT("bad_request"),           FAULT_UPSTREAM_REFUSED},
    {STR_INIT("unsupported"),           FAULT_UPSTREAM_REFUSED},
    {STR_INIT("not_found"),             FAULT_UPSTREAM_REFUSED},
    {STR_INIT("notfound"),              FAULT_UPSTREAM_REFUSED},
    {STR_INIT("too_large"),             FAULT_UPSTREAM_REFUSED},
    {STR_INIT("validation"),            FAULT_UPSTREAM_REFUSED},
    {STR_INIT("content_filter"),        FAULT_UPSTREAM_REFUSED},
    {STR_INIT("content_policy"),        FAULT_UPSTREAM_REFUSED},
    /* the rest; also the answer for a word not in this table */
    {STR_INIT("server_error"),          FAULT_UPSTREAM_ERROR},
};
/* clang-format on */

/* clang-format off */
/* A 403 is about the credential unless its code, its type or else its message has one of these: one
 * word is used for both ("permission_denied"), so most of them are phrases of messages. */
static const struct word forbidden[] = {
    /* what was asked: nobody's key is at fault */
    {STR_INIT("content_filter"),              FAULT_UPSTREAM_REFUSED},
    {STR_INIT("content_policy"),              FAULT_UPSTREAM_REFUSED},
    {STR_INIT("responsibleaipolicy"),         FAULT_UPSTREAM_REFUSED}, /* Azure */
    {STR_INIT("violates usage guidelines"),   FAULT_UPSTREAM_REFUSED}, /* xAI */
    {STR_INIT("input was flagged"),           FAULT_UPSTREAM_REFUSED}, /* OpenRouter */
    /* the model: the key is good for others */
    {STR_INIT("model_not_found"),             FAULT_UPSTREAM_MODEL}, /* OpenAI, of a project */
    {STR_INIT("model_permission"),            FAULT_UPSTREAM_MODEL}, /* Groq, of a project or all */
    {STR_INIT("access to model"),             FAULT_UPSTREAM_MODEL},
    {STR_INIT("access to the model"),         FAULT_UPSTREAM_MODEL}, /* Bedrock */
    {STR_INIT("access to this model"),        FAULT_UPSTREAM_MODEL},
    {STR_INIT("access to the requested model"), FAULT_UPSTREAM_MODEL},
    {STR_INIT("to access model"),             FAULT_UPSTREAM_MODEL}, /* other gateways */
    {STR_INIT("to use model"),                FAULT_UPSTREAM_MODEL},
    {STR_INIT("to use the model"),            FAULT_UPSTREAM_MODEL}, /* OpenAI, to be verified */
    {STR_INIT("to use this model"),           FAULT_UPSTREAM_MODEL},
    {STR_INIT("sample from this model"),      FAULT_UPSTREAM_MODEL},
    {STR_INIT("bedrock:invokemodel"),         FAULT_UPSTREAM_MODEL},
};
/* clang-format on */

static bool contains_nocase(struct str s, struct str word)
{
    if (s.ptr == NULL) /* nothing was said */
        return false;
    for (size_t i = 0; word.len <= s.len && i <= s.len - word.len; i++)
        if (str_eq_nocase((struct str){s.ptr + i, word.len}, word))
            return true;
    return false;
}

static enum fault status_fault(unsigned status)
{
    if (status == 401 || status == 402 || status == 403)
        return FAULT_UPSTREAM_KEY;
    if (status == 429)
        return FAULT_UPSTREAM_RATE;
    if (status == 408 || status == 503 || status == 529)
        return FAULT_UPSTREAM_BUSY;
    if (status >= 400 && status < 500)
        return FAULT_UPSTREAM_REFUSED;
    return status >= 500 && status < 600 ? FAULT_UPSTREAM_ERROR : FAULT_UPSTREAM_BAD_REPLY;
}

static enum fault word_fault(struct str text)
{
    uint64_t status;

    if (str_to_u64(text, &status) && status >= 400 && status < 600)
        return status_fault((unsigned)status);
    for (size_t i = 0; i < COUNTOF(words); i++)
        if (contains_nocase(text, words[i].word))
            return words[i].fault;
    return FAULT_NONE;
}

enum fault openai_error_fault(struct str type, struct str code)
{
    enum fault by_code = word_fault(code), by_type = word_fault(type);

    if (by_code != FAULT_NONE)
        return by_code;
    return by_type != FAULT_NONE ? by_type : FAULT_UPSTREAM_ERROR;
}

static enum fault forbidden_fault(const struct openai_refusal *r)
{
    for (size_t i = 0; i < COUNTOF(forbidden); i++)
        if (contains_nocase(r->code, forbidden[i].word) ||
            contains_nocase(r->type, forbidden[i].word) ||
            contains_nocase(r->message, forbidden[i].word))
            return forbidden[i].fault;
    return FAULT_UPSTREAM_KEY;
}

/* ---- error objects ---- */

struct reading {
    struct arena *arena;
    struct openai_refusal *refusal, *nested; /* nested: of an `error` member; it goes first */
    bool error;                              /* there is an `error` member that says something */
    bool object_error;                       /* "object":"error" */
    bool flat;                               /* there is something that can be a message */
};

static struct str clip(struct str s)
{
    size_t n = s.len < TEXT_MAX ? s.len : TEXT_MAX;

    while (n < s.len && n > 0 && ((unsigned char)s.ptr[n] & 0xc0) == 0x80)
        n--;
    return (struct str){s.ptr, n};
}

/* A member as text: strings unescaped, null nothing, anything else as it is written. */
static struct str member_text(struct arena *a, const struct json_member *m)
{
    if (m->type == JSON_NULL)
        return (struct str){NULL, 0};
    if (m->type == JSON_STRING)
        return arena_dup(a, clip(json_unescape_lossy(a, m->value)));
    return arena_dup(a, clip(m->value));
}

static void take_text(struct reading *r, struct str *text, const struct json_member *m)
{
    if (text->len == 0)
        *text = member_text(r->arena, m);
}

static bool take_detail(void *ctx, const struct json_member *m)
{
    struct reading *r = ctx;

    if (json_key_is(m, STR("message")) || json_key_is(m, STR("Message")) ||
        json_key_is(m, STR("detail")) || json_key_is(m, STR("msg"))) {
        take_text(r, &r->refusal->message, m);
        r->flat = true;
    } else if (json_key_is(m, STR("type"))) {
        take_text(r, &r->refusal->type, m);
    } else if (json_key_is(m, STR("code"))) {
        take_text(r, &r->refusal->code, m);
    } else if (json_key_is(m, STR("status"))) { /* Google's word; its code is the HTTP status */
        if (m->type == JSON_STRING)
            take_text(r, &r->refusal->type, m);
    } else if (json_key_is(m, STR("param"))) {
        take_text(r, &r->refusal->param, m);
    }
    return true;
}

static bool says_something(const struct json_member *m)
{
    return m->type != JSON_NULL && m->type != JSON_FALSE &&
           !(m->type == JSON_STRING && json_is_empty(m->value));
}

static bool take_outer(void *ctx, const struct json_member *m)
{
    struct reading *r = ctx;

    if (m->key.ptr == NULL) { /* an array: its first element */
        if (m->type == JSON_OBJECT && !r->error && !r->flat)
            (void)!json_scan(m->value, JSON_DEPTH_MAX, take_outer, r, NULL);
        return true;
    }
    if (json_key_is(m, STR("error")) && says_something(m)) {
        r->error = true;
        openai_error_value(r->arena, m->value, r->nested);
        return true;
    }
    if (json_key_is(m, STR("object")))
        r->object_error = str_eq(m->value, STR("\"error\""));
    return take_detail(ctx, m);
}

void openai_error_value(struct arena *a, struct str value, struct openai_refusal *ret)
{
    struct reading r = {.arena = a, .refusal = ret};
    struct json_member m = {.value = value, .type = json_type_of(value)};

    if (m.type == JSON_OBJECT)
        (void)!json_scan(value, JSON_DEPTH_MAX, take_detail, &r, NULL);
    else
        ret->message = member_text(a, &m);
}

static void fill(struct str *text, struct str with)
{
    if (text->len == 0)
        *text = with;
}

bool openai_error_read(struct arena *a, struct str json, struct openai_refusal *ret)
{
    struct openai_refusal flat = {.fault = FAULT_NONE};
    struct reading r = {.arena = a, .refusal = &flat, .nested = ret};
    enum json_type type = json_type_of(json);

    if ((type != JSON_OBJECT && type != JSON_ARRAY) ||
        !json_scan(json, JSON_DEPTH_MAX, take_outer, &r, NULL))
        return false;
    fill(&ret->message, flat.message);
    fill(&ret->type, flat.type);
    fill(&ret->code, flat.code);
    fill(&ret->param, flat.param);
    return r.error || r.object_error || r.flat;
}

/* ---- refusals ---- */

static struct str trim_lines(struct str s)
{
    while (s.len > 0 && (unsigned char)s.ptr[0] <= ' ')
        s = (struct str){s.ptr + 1, s.len - 1};
    while (s.len > 0 && (unsigned char)s.ptr[s.len - 1] <= ' ')
        s.len--;
    return s;
}

struct str openai_plain_text(struct arena *a, struct str body)
{
    struct str text = trim_lines(body);

    if (text.len == 0 || text.ptr[0] == '<' || text.ptr[0] == '{' || text.ptr[0] == '[')
        return (struct str){NULL, 0};
    text = clip(text);
    for (const char *p = text.ptr; p < text.ptr + text.len;) {
        unsigned n = utf8_len(p, text.ptr + text.len);

        if (n == 0 || *p == '\0')
            return (struct str){NULL, 0};
        p += n;
    }
    return arena_dup(a, text);
}

struct openai_refusal openai_refusal(struct arena *a, unsigned status, struct str body)
{
    struct openai_refusal r = {.fault = status_fault(status)};

    if (!json_scan(body, JSON_DEPTH_MAX, NULL, NULL, NULL))
        r.message = openai_plain_text(a, body);
    else if (!openai_error_read(a, body, &r) && json_type_of(body) == JSON_STRING)
        openai_error_value(a, body, &r);
    if (status == 429 && openai_error_fault(r.type, r.code) == FAULT_UPSTREAM_KEY)
        r.fault = FAULT_UPSTREAM_KEY;
    if (status == 403)
        r.fault = forbidden_fault(&r);
    return r;
}
