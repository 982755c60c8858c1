/*
 * The input: items, as messages.
 *
 * What a model said in one turn is several items here (its reasoning, its text, each call) and one
 * message in every other dialect, some of which insist: thinking and the calls that came of it
 * belong together.  So neighbours that are the assistant's are joined.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm/responses_read.h"
#include "llm/responses_seal.h"

static const struct json_text nothing = {NULL, 0};

/* clang-format off */
enum {
    I_TYPE, I_ROLE, I_CONTENT, I_ID, I_STATUS, I_CALL_ID, I_NAME, I_ARGUMENTS, I_OUTPUT, I_SUMMARY,
    I_ENCRYPTED, I_COUNT
};
static const struct str item_names[I_COUNT] = {
    STR_INIT("type"), STR_INIT("role"), STR_INIT("content"), STR_INIT("id"), STR_INIT("status"),
    STR_INIT("call_id"), STR_INIT("name"), STR_INIT("arguments"), STR_INIT("output"),
    STR_INIT("summary"), STR_INIT("encrypted_content"),
};
/* clang-format on */

struct turns {
    struct responses_reading *reading;
    struct chat_message *at;
    uint32_t n, cap;
    struct responses_parts parts;    /* of the last one */
    struct json_text call_signature; /* of the call that comes next */
    uint32_t index;                  /* of the item */
};

/* ---- messages ---- */

static bool begin_turn(struct turns *t, enum chat_role role)
{
    assert(t->n < t->cap); /* one an item, and the instructions */
    t->at[t->n++].role = role;
    t->parts = (struct responses_parts){.n = 0};
    return true;
}

static bool end_turn(struct turns *t)
{
    t->at[t->n - 1].parts = t->parts.at;
    t->at[t->n - 1].parts_count = t->parts.n;
    return true;
}

/* The assistant's turn that is under way, or a new one. */
static bool go_on(struct turns *t)
{
    if (t->n > 0 && t->at[t->n - 1].role == CHAT_ASSISTANT)
        return true;
    return begin_turn(t, CHAT_ASSISTANT);
}

static const struct {
    struct str word;
    enum chat_role role;
    enum responses_place place;
} roles[] = {
    {STR_INIT("user"), CHAT_USER, RESPONSES_IN_USER},
    {STR_INIT("assistant"), CHAT_ASSISTANT, RESPONSES_IN_ASSISTANT},
    {STR_INIT("system"), CHAT_SYSTEM, RESPONSES_IN_SYSTEM},
    {STR_INIT("developer"), CHAT_DEVELOPER, RESPONSES_IN_SYSTEM},
};

static bool read_message(struct turns *t, struct chat_object *o)
{
    struct chat_fields *f = &t->reading->fields;
    struct chat_at role_at = object_at(o, I_ROLE), content_at = object_at(o, I_CONTENT);
    struct json_text role = nothing;
    size_t i = 0;

    if (!object_needs(o, I_ROLE) || !object_text(o, I_ROLE, &role) || !object_needs(o, I_CONTENT))
        return false;
    while (i < COUNTOF(roles) && !json_text_is(role, roles[i].word))
        i++;
    if (i == COUNTOF(roles))
        return fields_refuse(f, &role_at, "must be 'user', 'assistant', 'system' or 'developer'");
    if (roles[i].role == CHAT_ASSISTANT ? !go_on(t) : !begin_turn(t, roles[i].role))
        return false;
    return responses_content(t->reading, &content_at, o->values[I_CONTENT], roles[i].place,
                             &t->parts) &&
           end_turn(t);
}

/* ---- calls ---- */

static bool read_call(struct turns *t, struct chat_object *o)
{
    struct json_text text = nothing;
    struct chat_part *part;

    if (!go_on(t))
        return false;
    part = responses_push(t->reading, &t->parts, CHAT_CALL);
    if (part == NULL || !object_needs(o, I_CALL_ID) || !object_text(o, I_CALL_ID, &part->id) ||
        !object_needs(o, I_NAME) || !object_text(o, I_NAME, &part->name) ||
        !object_needs(o, I_ARGUMENTS) || !object_text(o, I_ARGUMENTS, &text))
        return false;
    part->args = chat_args_of(t->reading->fields.arena, text);
    if (part->args.ptr == NULL)
        part->args_text = text;
    part->signature = t->call_signature;
    t->call_signature = nothing;
    return end_turn(t);
}

static bool read_output(struct turns *t, struct chat_object *o)
{
    struct chat_at output_at = object_at(o, I_OUTPUT);
    struct responses_parts inner = {.n = 0};
    struct chat_part *part;

    if (!begin_turn(t, CHAT_TOOL))
        return false;
    part = responses_push(t->reading, &t->parts, CHAT_RESULT);
    if (part == NULL || !object_needs(o, I_CALL_ID) || !object_text(o, I_CALL_ID, &part->id) ||
        !object_needs(o, I_OUTPUT) ||
        !responses_content(t->reading, &output_at, o->values[I_OUTPUT], RESPONSES_IN_OUTPUT,
                           &inner))
        return false;
    part->parts = inner.at;
    part->parts_count = inner.n;
    return end_turn(t);
}

/* ---- reasoning ---- */

struct summary {
    struct responses_reading *reading;
    struct chat_at at;
    uint32_t index;
    struct json_text *texts;
    unsigned n;
};

static bool take_summary(void *ctx, const struct json_member *m)
{
    static const struct str names[] = {STR_INIT("text")};
    struct summary *s = ctx;
    struct chat_at at = {.up = &s->at, .index = s->index++};
    struct chat_object o = object_of(&s->reading->fields, &at, names, COUNTOF(names));

    return object_pick(&o, m->value, NULL, NULL) && object_needs(&o, 0) &&
           object_text(&o, 0, &s->texts[s->n++]);
}

/* The texts of an array of summaries, or of reasoning that was told in full; absent: none. */
static bool read_thoughts(struct turns *t, struct chat_object *o, unsigned field,
                          struct json_text *ret)
{
    struct summary s = {.reading = t->reading, .at = object_at(o, field)};
    struct str value = o->values[field];
    struct arena *a = t->reading->fields.arena;

    if (!object_type(o, field, JSON_ARRAY))
        return false;
    if (value.len == 0 || json_is_empty(value))
        return true;
    s.texts = arena_array(a, json_items(value), sizeof(*s.texts));
    if (s.texts == NULL)
        return fields_no_room(&t->reading->fields);
    if (!json_members(value, take_summary, &s))
        return false;
    /* What we wrote is one text, and byte for byte what was signed. */
    *ret = s.n == 1 ? s.texts[0] : json_text_join(a, s.texts, s.n, JSON_TEXT("\\n\\n"));
    return ret->ptr != NULL || fields_no_room(&t->reading->fields);
}

static bool unseal(struct json_text sealed, struct str seal, struct json_text *ret)
{
    if (!str_starts(str_make(sealed.ptr, sealed.len), seal))
        return false;
    *ret = (struct json_text){sealed.ptr + seal.len, sealed.len - seal.len};
    return true;
}

static bool push_redacted(struct turns *t, struct json_text data)
{
    struct chat_part *part;

    if (!go_on(t))
        return false;
    part = responses_push(t->reading, &t->parts, CHAT_REDACTED);
    if (part == NULL)
        return false;
    part->data = data;
    return end_turn(t);
}

static bool push_thinking(struct turns *t, struct json_text text, struct json_text signature)
{
    struct chat_part *part;

    if (text.ptr == NULL && signature.ptr == NULL)
        return true;
    if (!go_on(t))
        return false;
    part = responses_push(t->reading, &t->parts, CHAT_THINKING);
    if (part == NULL)
        return false;
    part->text = text.ptr != NULL ? text : JSON_TEXT("");
    part->signature = signature;
    return end_turn(t);
}

static bool read_reasoning(struct turns *t, struct chat_object *o)
{
    struct json_text sealed = nothing, text = nothing, inside = nothing;

    if (!object_text(o, I_ENCRYPTED, &sealed) || !read_thoughts(t, o, I_CONTENT, &text) ||
        (text.ptr == NULL && !read_thoughts(t, o, I_SUMMARY, &text)))
        return false;
    if (unseal(sealed, STR(RESPONSES_SEAL_CALL), &t->call_signature))
        return true;
    if (unseal(sealed, STR(RESPONSES_SEAL_REDACTED), &inside))
        return push_redacted(t, inside);
    if (!unseal(sealed, STR(RESPONSES_SEAL_SIGNATURE), &inside) && sealed.ptr != NULL)
        chat_drop(t->reading->request, STR("input.reasoning.encrypted_content"));
    return push_thinking(t, text, inside);
}

/* ---- items ---- */

static const struct {
    struct str type;
    bool (*read)(struct turns *t, struct chat_object *o);
} kinds[] = {
    {STR_INIT("message"), read_message},
    {STR_INIT("function_call"), read_call},
    {STR_INIT("function_call_output"), read_output},
    {STR_INIT("reasoning"), read_reasoning},
};

/* Calls of OpenAI's own tools and what became of them: no target that is asked through here can
 * make anything of them.  (One that speaks this API gets the body as it came.) */
static bool drop_item(struct turns *t, const struct chat_at *at, struct json_text type)
{
    if (json_text_is(type, STR("item_reference")))
        return fields_refuse(&t->reading->fields, at,
                             "refers to an item that is not stored here; send the item itself, as "
                             "SDKs do with store: false");
    return responses_drop(t->reading, STR("input."), str_make(type.ptr, type.len));
}

static bool take_item(void *ctx, const struct json_member *m)
{
    struct turns *t = ctx;
    struct responses_reading *rd = t->reading;
    static const struct chat_at input_at = {.name = "input"};
    struct chat_at at = {.up = &input_at, .index = t->index++};
    struct chat_object o = object_of(&rd->fields, &at, item_names, I_COUNT);
    struct responses_unknown unknown = {rd, STR("input.")};
    struct json_text type = JSON_TEXT("message");

    if (!object_pick(&o, m->value, NULL, NULL) || !object_text(&o, I_TYPE, &type))
        return false;
    if (o.values[I_TYPE].len == 0 && o.values[I_ROLE].len == 0 && o.values[I_ID].len > 0)
        type = JSON_TEXT("item_reference");
    for (size_t i = 0; i < COUNTOF(kinds); i++) {
        if (json_text_is(type, kinds[i].type))
            return object_pick(&o, m->value, responses_unknown, &unknown) && kinds[i].read(t, &o);
    }
    return drop_item(t, &at, type);
}

static bool read_string(struct turns *t, enum chat_role role, struct str value)
{
    static const struct chat_at at = {.name = "input"};

    return begin_turn(t, role) &&
           responses_content(t->reading, &at, value, RESPONSES_IN_USER, &t->parts) && end_turn(t);
}

static bool read_input(struct turns *t, struct str input)
{
    static const struct chat_at at = {.name = "input"};

    if (json_type_of(input) == JSON_STRING)
        return read_string(t, CHAT_USER, input);
    if (json_type_of(input) != JSON_ARRAY)
        return fields_refuse(&t->reading->fields, &at, "must be a string or an array");
    if (json_is_empty(input))
        return fields_refuse(&t->reading->fields, &at, "must not be empty");
    return json_members(input, take_item, t);
}

bool responses_input(struct responses_reading *rd, struct str instructions, struct str input)
{
    struct turns t = {.reading = rd, .cap = json_items(input) + 2};

    t.at = arena_array(rd->fields.arena, t.cap, sizeof(*t.at));
    if (t.at == NULL)
        return fields_no_room(&rd->fields);
    if (instructions.len > 0 && !read_string(&t, CHAT_SYSTEM, instructions))
        return false;
    if (!read_input(&t, input))
        return false;
    if (t.n == 0)
        return chat_refuse(rd->fields.problem, rd->fields.arena, "input",
                           "'input' holds nothing that this model could be asked");
    rd->request->messages = t.at;
    rd->request->messages_count = t.n;
    return true;
}
