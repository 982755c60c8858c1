/*
 * Parts: a text, a thought, a picture, a call, what came of one.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm/generate_part.h"

/* clang-format off */
enum field {
    P_TEXT, P_INLINE, P_FILE, P_CALL, P_RESPONSE, /* what it is */
    P_CODE, P_CODE_RESULT, P_TOOL_CALL, P_TOOL_RESPONSE, /* of tools that Google runs */
    P_THOUGHT, P_SIGNATURE, FIELDS
};
#define P_KINDS P_THOUGHT

static const struct str names[FIELDS] = {
    [P_TEXT] = STR_INIT("text"),
    [P_INLINE] = STR_INIT("inlineData"),
    [P_FILE] = STR_INIT("fileData"),
    [P_CALL] = STR_INIT("functionCall"),
    [P_RESPONSE] = STR_INIT("functionResponse"),
    [P_CODE] = STR_INIT("executableCode"),
    [P_CODE_RESULT] = STR_INIT("codeExecutionResult"),
    [P_TOOL_CALL] = STR_INIT("toolCall"),
    [P_TOOL_RESPONSE] = STR_INIT("toolResponse"),
    [P_THOUGHT] = STR_INIT("thought"),
    [P_SIGNATURE] = STR_INIT("thoughtSignature"),
};
/* clang-format on */

#define MAY_STAND(place) (1u << GENERATE_IN_##place)
static const unsigned places[P_KINDS] = {
    [P_TEXT] = MAY_STAND(USER) | MAY_STAND(MODEL) | MAY_STAND(SYSTEM),
    [P_INLINE] = MAY_STAND(USER) | MAY_STAND(MODEL) | MAY_STAND(RESULT),
    [P_FILE] = MAY_STAND(USER) | MAY_STAND(MODEL) | MAY_STAND(RESULT),
    [P_CALL] = MAY_STAND(MODEL),
    [P_RESPONSE] = MAY_STAND(USER),
    [P_CODE] = MAY_STAND(MODEL),
    [P_CODE_RESULT] = MAY_STAND(MODEL),
    [P_TOOL_CALL] = MAY_STAND(MODEL),
    [P_TOOL_RESPONSE] = MAY_STAND(MODEL),
};

static struct chat_part *push(struct generate_parts *to, enum chat_part_kind kind)
{
    struct chat_part *part = &to->at[to->n++];

    assert(to->n <= to->cap);
    *part = (struct chat_part){.kind = kind};
    return part;
}

/* ---- texts ---- */

static void take_thought(struct json_text text, struct json_text signature,
                         struct generate_parts *to)
{
    const struct str word = STR(GENERATE_REDACTED);
    struct chat_part *part;

    if (text.len == 0 && str_starts(str_make(signature.ptr, signature.len), word)) {
        part = push(to, CHAT_REDACTED);
        part->data = (struct json_text){signature.ptr + word.len, signature.len - word.len};
        return;
    }
    part = push(to, CHAT_THINKING);
    part->text = text;
    part->signature = signature;
}

static bool read_text(struct chat_object *o, struct json_text signature, struct generate_parts *to)
{
    enum chat_tri thought = CHAT_UNSET;
    struct json_text text = {"", 0};
    struct chat_part *part;

    if (!object_text(o, P_TEXT, &text) || !object_bool(o, P_THOUGHT, &thought))
        return false;
    if (thought == CHAT_YES) {
        take_thought(text, signature, to);
    } else if (text.len > 0 || o->values[P_TEXT].len > 0) {
        part = push(to, CHAT_TEXT);
        part->text = text;
        if (!generate_is_marked(signature)) /* others sign no texts */
            part->signature = signature;
    }
    return true;
}

/* ---- pictures, sound, files ---- */

static enum chat_part_kind kind_of(struct json_text type)
{
    struct str s = str_make(type.ptr, type.len);

    return str_starts(s, STR("image/"))   ? CHAT_IMAGE
           : str_starts(s, STR("audio/")) ? CHAT_AUDIO
                                          : CHAT_FILE;
}

static bool read_inline(struct generate_reading *rd, struct chat_object *outer,
                        struct generate_parts *to)
{
    enum { I_TYPE, I_DATA, I_NAME, I_COUNT };
    static const struct str inside[I_COUNT] = {STR_INIT("mimeType"), STR_INIT("data"),
                                               STR_INIT("displayName")};
    struct chat_object o = object_inside(outer, P_INLINE, inside, I_COUNT);
    struct generate_unknown unknown = {rd, STR("contents.parts.inlineData.")};
    struct json_text type = {NULL, 0}, data = type, name = type;
    struct chat_part *part;

    if (!object_pick(&o, outer->values[P_INLINE], generate_unknown, &unknown) ||
        !object_needs(&o, I_TYPE) || !object_text(&o, I_TYPE, &type) || !object_needs(&o, I_DATA) ||
        !object_text(&o, I_DATA, &data) || !object_text(&o, I_NAME, &name))
        return false;
    part = push(to, kind_of(type));
    part->media_type = type;
    part->data = data;
    if (part->kind == CHAT_FILE)
        part->file_name = name;
    return true;
}

/* What Google keeps nobody else can fetch. */
static bool is_googles(struct json_text uri)
{
    struct str s = str_make(uri.ptr, uri.len);

    return str_starts(s, STR("gs://")) || str_starts(s, STR("files/")) ||
           str_starts(s, STR("https://generativelanguage.googleapis.com/"));
}

static bool read_file(struct generate_reading *rd, struct chat_object *outer,
                      struct generate_parts *to)
{
    enum { F_TYPE, F_URI, F_NAME, F_COUNT };
    static const struct str inside[F_COUNT] = {STR_INIT("mimeType"), STR_INIT("fileUri"),
                                               STR_INIT("displayName")};
    struct chat_object o = object_inside(outer, P_FILE, inside, F_COUNT);
    struct generate_unknown unknown = {rd, STR("contents.parts.fileData.")};
    struct json_text type = {NULL, 0}, uri = type, name = type;
    struct chat_at at = object_at(&o, F_URI);
    struct chat_part *part;

    if (!object_pick(&o, outer->values[P_FILE], generate_unknown, &unknown) ||
        !object_text(&o, F_TYPE, &type) || !object_needs(&o, F_URI) ||
        !object_text(&o, F_URI, &uri) || !object_text(&o, F_NAME, &name))
        return false;
    if (is_googles(uri))
        return fields_refuse(&rd->fields, &at,
                             "cannot be used here: Google keeps that file; send its bytes");
    part = push(to, kind_of(type));
    part->media_type = type;
    part->text = uri;
    if (part->kind == CHAT_FILE)
        part->file_name = name;
    return true;
}

/* ---- calls ---- */

/* Most of Gemini's models give calls no id: ours is by its place, so that it is the same whenever
 * the conversation is read again. */
static bool name_call(struct generate_reading *rd, struct json_text *id)
{
    struct str made;

    if (id->len > 0)
        return true;
    made = arena_printf(rd->fields.arena, "call_%u", rd->calls++);
    *id = (struct json_text){made.ptr, made.len};
    return made.ptr != NULL || fields_no_room(&rd->fields);
}

static bool read_call(struct generate_reading *rd, struct chat_object *outer,
                      struct json_text signature, struct generate_parts *to)
{
    enum { C_ID, C_NAME, C_ARGS, C_COUNT };
    static const struct str inside[C_COUNT] = {STR_INIT("id"), STR_INIT("name"), STR_INIT("args")};
    struct chat_object o = object_inside(outer, P_CALL, inside, C_COUNT);
    struct generate_unknown unknown = {rd, STR("contents.parts.functionCall.")};
    struct chat_part *part = push(to, CHAT_CALL);

    if (!object_pick(&o, outer->values[P_CALL], generate_unknown, &unknown) ||
        !object_text(&o, C_ID, &part->id) || !object_needs(&o, C_NAME) ||
        !object_text(&o, C_NAME, &part->name) || !object_type(&o, C_ARGS, JSON_OBJECT))
        return false;
    part->args = o.values[C_ARGS].len > 0 ? o.values[C_ARGS] : STR("{}");
    part->signature = signature;
    return name_call(rd, &part->id);
}

/* ---- results ---- */

enum { W_OUTPUT, W_RESULT, W_ERROR, W_CONTENT, W_NAME, W_COUNT };

struct words {
    struct str values[W_COUNT];
    bool other; /* there is more than that */
};

static bool take_word(void *ctx, const struct json_member *m)
{
    static const struct str keys[W_COUNT] = {STR_INIT("output"), STR_INIT("result"),
                                             STR_INIT("error"), STR_INIT("content"),
                                             STR_INIT("name")};
    struct words *w = ctx;
    unsigned i = 0;

    while (i < W_COUNT && !json_key_is(m, keys[i]))
        i++;
    if (i == W_COUNT)
        w->other = true;
    else
        w->values[i] = m->value;
    return true;
}

/* The one member that says what came of it, where the object is no more than a wrapper: Google's
 * words for it, and those of the SDKs.  Else the object itself. */
static struct str unwrap(struct str response, bool *ret_error)
{
    struct words w = {.other = false};
    unsigned found = 0, at = 0;

    json_members(response, take_word, &w);
    for (unsigned i = 0; i < W_NAME; i++) {
        if (w.values[i].len > 0) {
            found++;
            at = i;
        }
    }
    if (w.other || found != 1 || (w.values[W_NAME].len > 0 && at != W_CONTENT))
        return response;
    *ret_error = at == W_ERROR;
    return w.values[at];
}

static bool take_sub_part(struct generate_reading *rd, const struct chat_at *at, struct str value,
                          void *ctx)
{
    return generate_part(rd, at, value, GENERATE_IN_RESULT, ctx);
}

enum { R_ID, R_NAME, R_RESPONSE, R_PARTS, R_COUNT };

static bool read_result(struct generate_reading *rd, struct chat_object *o, struct chat_part *part)
{
    struct chat_at at = object_at(o, R_PARTS);
    struct generate_parts inner = {.cap = generate_items(o->values[R_PARTS]) + 1};
    struct str told = o->values[R_RESPONSE];
    struct json_text text;

    inner.at = arena_array(rd->fields.arena, inner.cap, sizeof(*inner.at));
    if (inner.at == NULL)
        return fields_no_room(&rd->fields);
    if (told.len > 0) {
        told = unwrap(told, &part->is_error);
        text = json_type_of(told) == JSON_STRING ? json_text_of(told)
                                                 : json_text_make(rd->fields.arena, told);
        if (text.ptr == NULL)
            return fields_no_room(&rd->fields);
        push(&inner, CHAT_TEXT)->text = text;
    }
    if (!generate_each(rd, &at, o->values[R_PARTS], take_sub_part, &inner))
        return false;
    part->parts = inner.at;
    part->parts_count = inner.n;
    return true;
}

static bool read_response(struct generate_reading *rd, struct chat_object *outer,
                          struct generate_parts *to)
{
    static const struct str inside[R_COUNT] = {STR_INIT("id"), STR_INIT("name"),
                                               STR_INIT("response"), STR_INIT("parts")};
    struct chat_object o = object_inside(outer, P_RESPONSE, inside, R_COUNT);
    struct generate_unknown unknown = {rd, STR("contents.parts.functionResponse.")};
    struct chat_part *part = push(to, CHAT_RESULT);

    return object_pick(&o, outer->values[P_RESPONSE], generate_unknown, &unknown) &&
           object_text(&o, R_ID, &part->id) && object_needs(&o, R_NAME) &&
           object_text(&o, R_NAME, &part->name) && object_type(&o, R_RESPONSE, JSON_OBJECT) &&
           read_result(rd, &o, part);
}

/* ---- a part ---- */

/* Which kind it is; P_KINDS: none. */
static bool find_kind(struct generate_reading *rd, const struct chat_object *o,
                      enum generate_place place, unsigned *ret)
{
    *ret = P_KINDS;
    for (unsigned i = 0; i < P_KINDS; i++) {
        struct chat_at at = object_at(o, i);

        if (o->values[i].len == 0)
            continue;
        if (*ret != P_KINDS)
            return fields_refuse(&rd->fields, &at, "cannot stand in a part with another content");
        if ((places[i] >> place & 1) == 0)
            return fields_refuse(&rd->fields, &at, "cannot stand here");
        *ret = i;
    }
    return true;
}

bool generate_part(struct generate_reading *rd, const struct chat_at *at, struct str value,
                   enum generate_place place, struct generate_parts *to)
{
    struct chat_object o = object_of(&rd->fields, at, names, FIELDS);
    struct generate_unknown unknown = {rd, STR("contents.parts.")};
    struct json_text signature = {NULL, 0};
    struct chat_part *part;
    unsigned kind;

    if (!object_pick(&o, value, generate_unknown, &unknown) || !find_kind(rd, &o, place, &kind) ||
        !object_text(&o, P_SIGNATURE, &signature) || !generate_unseal(rd->fields.arena, &signature))
        return false;
    switch (kind) {
    case P_INLINE:
        return read_inline(rd, &o, to);
    case P_FILE:
        return read_file(rd, &o, to);
    case P_CALL:
        return read_call(rd, &o, signature, to);
    case P_RESPONSE:
        return read_response(rd, &o, to);
    case P_TEXT:
    case P_KINDS:
        return read_text(&o, signature, to);
    default:
        part = push(to, CHAT_RAW);
        part->vendor = CHAT_GEMINI;
        part->raw = value;
        return true;
    }
}
