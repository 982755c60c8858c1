/* SPDX-License-Identifier: Apache-2.0 */
#include "llm/chat_origin.h"

#include "llm/bedrock_part.h"

#define MARK "dragoman.by."

/* clang-format off */
static const struct str marks[CHAT_DIALECTS] = {
    [CHAT_OPENAI]    = STR_INIT(MARK "openai:"),
    [CHAT_RESPONSES] = STR_INIT(MARK "responses:"),
    [CHAT_ANTHROPIC] = STR_INIT(MARK "anthropic:"),
    [CHAT_GEMINI]    = STR_INIT(MARK "gemini:"),
    [CHAT_BEDROCK]   = STR_INIT(MARK "bedrock:"),
    [CHAT_OLLAMA]    = STR_INIT(MARK "ollama:"),
};
/* clang-format on */

enum chat_dialect chat_origin_of(enum chat_dialect target, struct str model)
{
    return target == CHAT_BEDROCK && bedrock_is_claude(model) ? CHAT_ANTHROPIC : target;
}

/* ---- an answer ---- */

struct chat_origin_marker chat_origin_marker(struct arena *a, enum chat_dialect maker,
                                             enum chat_dialect client)
{
    struct chat_origin_marker o = {.arena = a};

    if (maker != client) {
        o.mark = marks[maker];
        o.each = client == CHAT_ANTHROPIC || client == CHAT_RESPONSES;
        o.calls = client == CHAT_GEMINI;
    }
    return o;
}

bool chat_origin_close(struct chat_origin_marker *o, const struct chat_event *ev,
                       struct chat_event *ret)
{
    switch (ev->kind) {
    case CHAT_EV_START:
    case CHAT_EV_ARGS: /* of a call that goes on besides */
    case CHAT_EV_USAGE:
        return false;
    case CHAT_EV_THINKING:
        o->thinking |= o->each && ev->text.len > 0;
        return false;
    case CHAT_EV_SIGNATURE:
        o->thinking &= ev->text.len == 0;
        return false;
    case CHAT_EV_TEXT:
    case CHAT_EV_REDACTED:
    case CHAT_EV_REFUSAL:
    case CHAT_EV_CALL:
    case CHAT_EV_BLOCK_END:
    case CHAT_EV_CITATION:
    case CHAT_EV_RAW:
    case CHAT_EV_STOP:
    case CHAT_EV_ERROR:
    case CHAT_EV_END:
        break;
    }
    if (!o->thinking)
        return false;
    o->thinking = false;
    *ret = (struct chat_event){
        .kind = CHAT_EV_SIGNATURE, .choice = ev->choice, .text = {o->mark.ptr, o->mark.len}};
    return true;
}

static bool mark(const struct chat_origin_marker *o, struct json_text *text)
{
    struct str marked;

    if (text->len == 0)
        return true;
    marked = arena_join(o->arena, (struct str[]){o->mark, str_make(text->ptr, text->len)}, 2);
    *text = (struct json_text){marked.ptr, marked.len};
    return marked.ptr != NULL;
}

bool chat_origin_mark(const struct chat_origin_marker *o, const struct chat_event *ev,
                      struct chat_event *ret)
{
    *ret = *ev;
    if (o->mark.len == 0)
        return true;
    if (ev->kind == CHAT_EV_CALL && o->calls && ev->signature.len == 0)
        ret->signature = (struct json_text){o->mark.ptr, o->mark.len};
    else if (ev->kind == CHAT_EV_CALL)
        return mark(o, &ret->signature);
    return (ev->kind != CHAT_EV_SIGNATURE && ev->kind != CHAT_EV_REDACTED) || mark(o, &ret->text);
}

/* ---- what is marked in a request ---- */

bool chat_origin_suspect(struct str body)
{
    return str_find(body, STR(MARK)) != NULL;
}

/* What bears the mark; NULL: nothing of such a part does. */
static struct json_text *sealed_in(struct chat_part *p)
{
    return p->kind == CHAT_REDACTED                           ? &p->data
           : p->kind == CHAT_THINKING || p->kind == CHAT_CALL ? &p->signature
                                                              : NULL;
}

/* A mark with a name that we do not know is a maker's that nobody here is. */
static bool unmark(struct chat_part *p, struct json_text *sealed)
{
    struct str text = str_make(sealed->ptr, sealed->len), name, rest = text;

    if (!str_starts(text, STR(MARK)))
        return false;
    (void)str_cut(text, ':', &name, &rest);
    p->has_maker = true;
    p->maker = CHAT_DIALECTS;
    for (unsigned i = 0; i < CHAT_DIALECTS; i++) {
        if (str_starts(text, marks[i]))
            p->maker = (enum chat_dialect)i;
    }
    *sealed = (struct json_text){rest.ptr, rest.len};
    return true;
}

bool chat_origin_read(struct chat_request *r)
{
    bool any = false;

    for (uint32_t i = 0; i < r->messages_count; i++) {
        for (uint32_t j = 0; j < r->messages[i].parts_count; j++) {
            struct chat_part *p = &r->messages[i].parts[j];
            struct json_text *sealed = sealed_in(p);

            any |= sealed != NULL && sealed->len > 0 && unmark(p, sealed);
        }
    }
    return any;
}

/* ---- who may hear it ---- */

/* What is heard by all, though its signature is not. */
static bool is_said(const struct chat_part *p)
{
    return p->kind == CHAT_CALL || p->kind == CHAT_TEXT;
}

/* Without a mark it is of the client's own dialect; but a signature on a call, which in OpenAI's
 * stands in a member that is named after Google, may be Gemini's, too. */
static bool is_foreign(const struct chat_part *p, enum chat_dialect client, enum chat_dialect maker)
{
    if (p->kind != CHAT_THINKING && p->kind != CHAT_REDACTED && !is_said(p))
        return false;
    if (is_said(p) && p->signature.len == 0)
        return false;
    if (p->has_maker)
        return p->maker != maker;
    if (p->kind != CHAT_REDACTED && p->signature.len == 0)
        return false;
    return maker != client && (p->kind != CHAT_CALL || maker != CHAT_GEMINI);
}

static struct str name_of(enum chat_part_kind kind, enum chat_dialect client)
{
    if (client == CHAT_RESPONSES)
        return STR("input.reasoning.encrypted_content");
    if (client == CHAT_GEMINI)
        return kind == CHAT_THINKING ? STR("contents.parts.thought")
                                     : STR("contents.parts.thoughtSignature");
    if (kind == CHAT_CALL)
        return client == CHAT_ANTHROPIC ? STR("signature") : STR("thought_signature");
    return kind == CHAT_REDACTED ? STR("redacted_thinking") : STR("thinking");
}

static uint32_t count_foreign(const struct chat_origin_sieve *s, enum chat_dialect client,
                              enum chat_dialect maker, uint32_t *ret_parts)
{
    uint32_t n = 0;

    *ret_parts = 0;
    for (uint32_t i = 0; i < s->all_count; i++) {
        for (uint32_t j = 0; j < s->all[i].parts_count; j++)
            n += is_foreign(&s->all[i].parts[j], client, maker);
        *ret_parts += s->all[i].parts_count;
    }
    return n;
}

/* The parts of `m` that may be heard, at `to`; how many. */
static uint32_t sift(const struct chat_message *m, struct chat_part *to, struct chat_request *r,
                     enum chat_dialect client, enum chat_dialect maker)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < m->parts_count; i++) {
        const struct chat_part *p = &m->parts[i];
        bool foreign = is_foreign(p, client, maker);

        if (foreign)
            chat_drop(r, name_of(p->kind, client));
        if (foreign && !is_said(p))
            continue;
        to[n] = *p;
        if (foreign)
            to[n].signature = (struct json_text){NULL, 0};
        to[n].has_maker = true;
        to[n++].maker = maker;
    }
    return n;
}

bool chat_origin_sift(struct chat_origin_sieve *s, struct chat_request *r, enum chat_dialect client,
                      enum chat_dialect maker)
{
    struct chat_part *parts;
    uint32_t parts_count;

    r->messages = s->all;
    r->messages_count = s->all_count;
    if (count_foreign(s, client, maker, &parts_count) == 0)
        return true;
    if (s->messages == NULL) {
        s->messages = arena_array(r->arena, s->all_count, sizeof(*s->messages));
        s->parts = arena_array(r->arena, parts_count, sizeof(*s->parts));
    }
    if (s->messages == NULL || s->parts == NULL)
        return false;
    parts = s->parts;
    r->messages = s->messages;
    r->messages_count = 0;
    for (uint32_t i = 0; i < s->all_count; i++) {
        struct chat_message m = s->all[i];

        m.parts = parts;
        m.parts_count = sift(&s->all[i], parts, r, client, maker);
        parts += m.parts_count;
        if (m.parts_count > 0 || s->all[i].parts_count == 0) /* nothing but thoughts: not said */
            r->messages[r->messages_count++] = m;
    }
    return true;
}
