/*
 * Contents: turns of a user and a model, each with parts.
 *
 * A client that keeps what a stream told it hands back a turn in as many contents and parts as
 * there were events, and what signs a thought stands on the last of its pieces.  So contents of the
 * model that follow each other are one message, and the pieces of a text or of a thought are put
 * together again.  What came of a call is a message of its own here (CHAT_TOOL), as in most
 * dialects.
 *
 * A functionResponse without an id answers the first call of that name which nobody has answered.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm/generate_part.h"

/* Calls that are looked at for a response without an id. */
#define CALLS_SEARCHED_MAX 512u

struct talk {
    struct generate_parts parts; /* of all messages, one behind the other */
    struct chat_message *at;
    uint32_t n;
    bool *answered; /* a call, by its place in `parts` */
    uint32_t first; /* call of the last turn that may still be open, a place as well */
    uint32_t begun; /* part of the content that is being read */
    bool open;      /* the last message is the model's, and may go on */
};

static struct chat_message *last(struct talk *t)
{
    return t->at != NULL && t->n > 0 ? &t->at[t->n - 1] : NULL;
}

static void push_message(struct talk *t, enum chat_role role, uint32_t from)
{
    t->at[t->n++] = (struct chat_message){
        .role = role, .parts = t->parts.at + from, .parts_count = t->parts.n - from};
}

/* ---- pieces of one text ---- */

static bool is_text(const struct chat_part *p)
{
    return p->kind == CHAT_TEXT || p->kind == CHAT_THINKING;
}

/* Does what `a` says go on in `b`? */
static bool goes_on(const struct chat_part *a, const struct chat_part *b)
{
    return is_text(a) && b->kind == a->kind && a->signature.len == 0;
}

/* Join the `n` pieces from `p` on into *to. */
static bool join(struct generate_reading *rd, const struct chat_part *p, uint32_t n,
                 struct chat_part *to)
{
    struct json_text *texts;

    *to = p[n - 1]; /* its signature */
    if (n == 1)
        return true;
    texts = arena_array(rd->fields.arena, n, sizeof(*texts));
    if (texts == NULL)
        return fields_no_room(&rd->fields);
    for (uint32_t i = 0; i < n; i++)
        texts[i] = p[i].text;
    to->text = json_text_join(rd->fields.arena, texts, n, (struct json_text){NULL, 0});
    return to->text.ptr != NULL || fields_no_room(&rd->fields);
}

/* A text's signature means something to Gemini alone. */
static bool is_nothing(const struct chat_part *p)
{
    return is_text(p) && p->text.len == 0 && (p->kind == CHAT_TEXT || p->signature.len == 0);
}

/* In place: what is kept is never behind what is still to be read. */
static bool close_turn(struct generate_reading *rd, struct talk *t)
{
    struct chat_message *m = last(t);
    uint32_t kept = 0, n;
    struct chat_part whole;

    if (!t->open || m == NULL)
        return true;
    t->open = false;
    for (uint32_t i = 0; i < m->parts_count; i += n) {
        for (n = 1; i + n < m->parts_count && goes_on(&m->parts[i + n - 1], &m->parts[i + n]); n++)
            ;
        if (!join(rd, m->parts + i, n, &whole))
            return false;
        if (!is_nothing(&whole))
            m->parts[kept++] = whole;
    }
    for (uint32_t i = kept; i < m->parts_count; i++) /* nobody answers what moved away from here */
        m->parts[i] = (struct chat_part){.kind = CHAT_TEXT};
    m->parts_count = kept;
    if (kept == 0)
        t->n--;
    return true;
}

/* ---- who answers whom ---- */

static bool text_eq(struct json_text a, struct json_text b)
{
    return str_eq(str_make(a.ptr, a.len), str_make(b.ptr, b.len));
}

static bool answers(const struct chat_part *call, const struct chat_part *result)
{
    return call->kind == CHAT_CALL && text_eq(result->id.len > 0 ? call->id : call->name,
                                              result->id.len > 0 ? result->id : result->name);
}

static bool match_call(struct generate_reading *rd, struct talk *t, const struct chat_at *at,
                       struct chat_part *result)
{
    uint32_t end = t->begun, searched = 0;

    while (t->first < end && (t->answered[t->first] || t->parts.at[t->first].kind != CHAT_CALL))
        t->first++;
    for (uint32_t i = t->first; i < end && searched < CALLS_SEARCHED_MAX; i++, searched++) {
        if (t->answered[i] || !answers(&t->parts.at[i], result))
            continue;
        t->answered[i] = true;
        result->id = t->parts.at[i].id;
        return true;
    }
    return result->id.len > 0 ||
           fields_refuse(&rd->fields, at, "is the functionResponse to no functionCall before it");
}

/* ---- contents ---- */

enum { C_ROLE, C_PARTS, C_COUNT };
static const struct str names[C_COUNT] = {STR_INIT("role"), STR_INIT("parts")};

struct reading_parts {
    struct talk *talk;
    enum generate_place place;
};

/* Where the parts of a content go: the model's to its turn, a result to itself, the others to the
 * message that has begun with this content. */
static void place_parts(struct talk *t, enum generate_place place, uint32_t from)
{
    enum chat_role role = place == GENERATE_IN_MODEL ? CHAT_ASSISTANT : CHAT_USER;
    struct chat_message *m = last(t);
    bool same =
        m != NULL &&
        (role == CHAT_ASSISTANT ? t->open : m->role == role && m->parts >= t->parts.at + t->begun);

    if (t->parts.at[from].kind == CHAT_RESULT)
        push_message(t, CHAT_TOOL, from);
    else if (same)
        m->parts_count += t->parts.n - from;
    else
        push_message(t, role, from);
    t->open = role == CHAT_ASSISTANT;
}

static bool take_part(struct generate_reading *rd, const struct chat_at *at, struct str value,
                      void *ctx)
{
    struct reading_parts *r = ctx;
    struct talk *t = r->talk;
    uint32_t from = t->parts.n;

    if (!generate_part(rd, at, value, r->place, &t->parts))
        return false;
    if (t->parts.n == from)
        return true;
    place_parts(t, r->place, from);
    return t->parts.at[from].kind != CHAT_RESULT || match_call(rd, t, at, &t->parts.at[from]);
}

static const struct {
    struct str word;
    enum generate_place place;
} roles[] = {
    {STR_INIT("user"), GENERATE_IN_USER},
    {STR_INIT("model"), GENERATE_IN_MODEL},
    {STR_INIT("function"), GENERATE_IN_USER},
};

static bool read_role(struct generate_reading *rd, struct chat_object *o, enum generate_place *ret)
{
    struct chat_at at = object_at(o, C_ROLE);
    struct json_text role = {NULL, 0};

    if (!object_text(o, C_ROLE, &role))
        return false;
    if (role.len == 0)
        return true;
    for (size_t i = 0; i < COUNTOF(roles); i++) {
        if (json_text_is(role, roles[i].word)) {
            *ret = roles[i].place;
            return true;
        }
    }
    return fields_refuse(&rd->fields, &at, "must be 'user' or 'model'");
}

static bool take_content(struct generate_reading *rd, const struct chat_at *at, struct str value,
                         void *ctx)
{
    struct chat_object o = object_of(&rd->fields, at, names, C_COUNT);
    struct generate_unknown unknown = {rd, STR("contents.")};
    struct reading_parts r = {ctx, GENERATE_IN_USER};
    struct chat_at parts;

    if (!object_pick(&o, value, generate_unknown, &unknown) || !read_role(rd, &o, &r.place))
        return false;
    if (r.place == GENERATE_IN_USER && !close_turn(rd, r.talk))
        return false;
    r.talk->begun = r.talk->parts.n;
    parts = object_at(&o, C_PARTS);
    return generate_each(rd, &parts, o.values[C_PARTS], take_part, &r);
}

/* ---- room ---- */

static bool count_member(void *ctx, const struct json_member *m)
{
    uint32_t *n = ctx;

    if (json_key_is(m, STR("parts")))
        *n += generate_items(m->value);
    return true;
}

static bool count_content(struct generate_reading *rd, const struct chat_at *at, struct str value,
                          void *ctx)
{
    if (json_type_of(value) != JSON_OBJECT)
        return fields_refuse(&rd->fields, at, "must be an object");
    return json_members(value, count_member, ctx);
}

/* A message has a part at least. */
static bool make_room(struct generate_reading *rd, struct talk *t, uint32_t parts)
{
    struct arena *a = rd->fields.arena;

    t->parts.cap = parts;
    t->parts.at = arena_array(a, parts + 1, sizeof(*t->parts.at));
    t->at = arena_array(a, parts + 1, sizeof(*t->at));
    t->answered = arena_array(a, parts + 1, sizeof(*t->answered));
    return (t->parts.at != NULL && t->at != NULL && t->answered != NULL) ||
           fields_no_room(&rd->fields);
}

/* ---- the instructions ---- */

static bool take_instruction(struct generate_reading *rd, const struct chat_at *at,
                             struct str value, void *ctx)
{
    return generate_part(rd, at, value, GENERATE_IN_SYSTEM, ctx);
}

static bool read_system(struct generate_reading *rd, struct str system, struct talk *t)
{
    static const struct chat_at at = {.name = "systemInstruction"};
    struct chat_object o = object_of(&rd->fields, &at, names, C_COUNT);
    struct generate_unknown unknown = {rd, STR("systemInstruction.")};
    struct chat_at parts;

    if (system.len == 0)
        return true;
    if (!object_pick(&o, system, generate_unknown, &unknown))
        return false;
    parts = object_at(&o, C_PARTS);
    if (!generate_each(rd, &parts, o.values[C_PARTS], take_instruction, &t->parts))
        return false;
    if (t->parts.n > 0)
        push_message(t, CHAT_SYSTEM, 0);
    return true;
}

bool generate_contents(struct generate_reading *rd, struct str system, struct str contents)
{
    static const struct chat_at at = {.name = "contents"};
    struct talk t = {.n = 0};
    uint32_t n = 0;

    if (json_type_of(system) == JSON_OBJECT)
        json_members(system, count_member, &n);
    if (!generate_each(rd, &at, contents, count_content, &n) || !make_room(rd, &t, n) ||
        !read_system(rd, system, &t))
        return false;
    n = t.n;
    if (!generate_each(rd, &at, contents, take_content, &t) || !close_turn(rd, &t))
        return false;
    rd->request->messages = t.at;
    rd->request->messages_count = t.n;
    return t.n > n || fields_refuse(&rd->fields, &at, "must not be empty");
}
