/*
 * A chat's messages as Gemini's contents: turns of a user and a model, each with parts.
 *
 * Turns alternate, so messages of the same side are one turn.  Instructions that open the chat are
 * the systemInstruction; Gemini has no place for later ones, so they are said by the user where
 * they stand: pulled to the front they would hold for what was said before them, and would change
 * the prefix that caches go by.  A chat of nothing but instructions is said by the user.
 *
 * Gemini 3 refuses a step whose first call is unsigned.  Where a client could not keep the
 * signature, or the call is another provider's, it is given the one that Google documents for that
 * (ai.google.dev/gemini-api/docs/thought-signatures).
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm/chat_args.h"
#include "llm/chat_calls.h"
#include "llm/chat_said.h"
#include "llm/chat_seal.h"
#include "llm/chat_text.h"
#include "llm/gemini_part.h"

#define UNSIGNED_CALL JSON_TEXT("skip_thought_signature_validator")

struct contents {
    struct json_pen *pen;
    struct chat_request *r;
    struct chat_problem *problem;
    bool wants_signatures;
    enum { NOBODY, USER, MODEL } turn; /* whose is open */
    bool called;                       /* in this turn */
    bool any;                          /* turns */
};

static void turn_end(struct contents *c)
{
    if (c->turn != NOBODY) {
        pen_close(c->pen, ']');
        pen_close(c->pen, '}');
    }
    c->turn = NOBODY;
}

/* Begin a part, in a turn of the role's side. */
static void part_begin(struct contents *c, enum chat_role role)
{
    int side = role == CHAT_ASSISTANT ? MODEL : USER;

    if ((int)c->turn != side) {
        turn_end(c);
        pen_open(c->pen, '{');
        pen_key_plain(c->pen, STR("role"), side == MODEL ? STR("model") : STR("user"));
        pen_key(c->pen, STR("parts"));
        pen_open(c->pen, '[');
        c->turn = side == MODEL ? MODEL : USER;
        c->called = false;
        c->any = true;
    }
    pen_open(c->pen, '{');
}

static void drop_marks(struct contents *c, const struct chat_part *p)
{
    if (p->cache_control.len > 0)
        chat_drop(c->r, STR("cache_control"));
    if (p->citations.len > 0)
        chat_drop(c->r, STR("citations"));
}

static void part_end(struct contents *c, struct json_text signature)
{
    if (signature.len > 0)
        pen_key_text(c->pen, STR("thoughtSignature"), signature);
    pen_close(c->pen, '}');
}

static void put_text(struct contents *c, enum chat_role role, const struct chat_part *p)
{
    if (p->text.len == 0 && p->signature.len == 0) /* Gemini refuses empty parts */
        return;
    part_begin(c, role);
    pen_key_text(c->pen, STR("text"), p->text);
    part_end(c, p->signature);
}

/* A signature without a thought is one that Gemini put on a text, or on nothing. */
static void put_thinking(struct contents *c, enum chat_role role, const struct chat_part *p)
{
    struct json_text signature = p->signature;

    if (!chat_is_signed(p))
        signature.len = 0;
    if (p->text.len == 0 && signature.len == 0)
        return;
    part_begin(c, role);
    pen_key_text(c->pen, STR("text"), p->text);
    if (p->text.len > 0) {
        pen_key(c->pen, STR("thought"));
        pen_bool(c->pen, true);
    }
    part_end(c, signature);
}

/* ---- media ---- */

/* clang-format off */
static const struct {
    struct str suffix, type;
} suffixes[] = {
    {STR_INIT(".png"), STR_INIT("image/png")},   {STR_INIT(".jpg"), STR_INIT("image/jpeg")},
    {STR_INIT(".jpeg"), STR_INIT("image/jpeg")}, {STR_INIT(".webp"), STR_INIT("image/webp")},
    {STR_INIT(".gif"), STR_INIT("image/gif")},   {STR_INIT(".heic"), STR_INIT("image/heic")},
    {STR_INIT(".pdf"), STR_INIT("application/pdf")}, {STR_INIT(".txt"), STR_INIT("text/plain")},
    {STR_INIT(".mp4"), STR_INIT("video/mp4")},   {STR_INIT(".mp3"), STR_INIT("audio/mp3")},
    {STR_INIT(".wav"), STR_INIT("audio/wav")},
};
/* clang-format on */

/* What a URL's path ends in says what it is; absent when it does not. */
static struct json_text type_of_url(struct json_text url)
{
    struct str path = str_make(url.ptr, url.len), rest;

    str_cut(path, '?', &path, &rest);
    for (size_t i = 0; i < COUNTOF(suffixes); i++) {
        struct str s = suffixes[i].suffix;

        if (path.len > s.len && str_eq_nocase(str_skip(path, path.len - s.len), s))
            return (struct json_text){suffixes[i].type.ptr, suffixes[i].type.len};
    }
    return (struct json_text){NULL, 0};
}

static void put_inline(struct contents *c, enum chat_role role, struct json_text type,
                       struct json_text data, struct json_text signature)
{
    part_begin(c, role);
    pen_key(c->pen, STR("inlineData"));
    pen_open(c->pen, '{');
    pen_key_text(c->pen, STR("mimeType"), type);
    pen_key_text(c->pen, STR("data"), data);
    pen_close(c->pen, '}');
    part_end(c, signature);
}

static void put_uri(struct contents *c, enum chat_role role, struct json_text type,
                    struct json_text uri, struct json_text signature)
{
    part_begin(c, role);
    pen_key(c->pen, STR("fileData"));
    pen_open(c->pen, '{');
    pen_key_text_some(c->pen, STR("mimeType"), type.len > 0 ? type : type_of_url(uri));
    pen_key_text(c->pen, STR("fileUri"), uri);
    pen_close(c->pen, '}');
    part_end(c, signature);
}

static struct json_text usual_type(enum chat_part_kind kind)
{
    return kind == CHAT_IMAGE   ? JSON_TEXT("image/jpeg")
           : kind == CHAT_AUDIO ? JSON_TEXT("audio/wav")
                                : JSON_TEXT("application/pdf");
}

static bool put_media(struct contents *c, enum chat_role role, const struct chat_part *p)
{
    struct json_text type = p->media_type, data = p->data;

    if (p->detail.len > 0 && !str_eq(p->detail, STR("\"auto\"")) && !str_eq(p->detail, STR("auto")))
        chat_drop(c->r, STR("detail"));
    if (p->file_name.len > 0)
        chat_drop(c->r, STR("filename"));
    if (data.ptr == NULL && p->text.len > 0)
        chat_data_url(c->r->arena, p->text, &type, &data);
    if (data.ptr != NULL)
        put_inline(c, role, type.len > 0 ? type : usual_type(p->kind), data, p->signature);
    else if (p->text.len > 0)
        put_uri(c, role, type, p->text, p->signature);
    else if (p->file_id.len > 0 && memmem(p->file_id.ptr, p->file_id.len, "://", 3) != NULL)
        put_uri(c, role, type, p->file_id, p->signature);
    else
        return chat_refuse(c->problem, c->r->arena, "messages",
                           "a file's id of another provider means nothing to Gemini: send the "
                           "file's bytes or its URI");
    return true;
}

/* ---- tools ---- */

static void put_call(struct contents *c, enum chat_role role, const struct chat_part *p)
{
    struct json_text signature = p->signature;

    part_begin(c, role);
    if (signature.len == 0 && c->wants_signatures && !c->called)
        signature = UNSIGNED_CALL;
    c->called = true;
    pen_key(c->pen, STR("functionCall"));
    pen_open(c->pen, '{');
    if (p->id.len > 0)
        pen_key_text(c->pen, STR("id"), p->id);
    pen_key_text(c->pen, STR("name"), p->name);
    chat_pen_args(c->pen, STR("args"), p);
    pen_close(c->pen, '}');
    part_end(c, signature);
}

/* All texts of a result in one string, a line each. */
static void put_result_text(struct contents *c, const struct chat_part *p)
{
    bool any = false;

    pen_quote(c->pen);
    for (uint32_t i = 0; i < p->parts_count; i++) {
        if (p->parts[i].kind != CHAT_TEXT)
            continue;
        if (any)
            pen_inside(c->pen, JSON_TEXT("\\n"));
        pen_inside(c->pen, p->parts[i].text);
        any = true;
    }
    pen_quote_end(c->pen);
}

/* Pictures of a result stand beside it: inside it only Gemini 3 knows them. */
static bool put_result_media(struct contents *c, const struct chat_part *p)
{
    for (uint32_t i = 0; i < p->parts_count; i++) {
        const struct chat_part *sub = &p->parts[i];

        drop_marks(c, sub);
        if (sub->kind == CHAT_TEXT)
            continue;
        if (sub->kind != CHAT_IMAGE && sub->kind != CHAT_AUDIO && sub->kind != CHAT_FILE)
            chat_drop(c->r, STR("tool_result.content"));
        else if (!put_media(c, CHAT_TOOL, sub))
            return false;
    }
    return true;
}

static bool put_result(struct contents *c, uint32_t at, const struct chat_part *p)
{
    struct json_text name = chat_called_name(c->r, at, p);

    if (name.len == 0)
        return chat_refuse(c->problem, c->r->arena, "messages",
                           "messages[%u] is the result of a tool call that no message before it "
                           "makes",
                           at);
    part_begin(c, CHAT_TOOL);
    pen_key(c->pen, STR("functionResponse"));
    pen_open(c->pen, '{');
    if (p->id.len > 0)
        pen_key_text(c->pen, STR("id"), p->id);
    pen_key_text(c->pen, STR("name"), name);
    pen_key(c->pen, STR("response"));
    pen_open(c->pen, '{');
    pen_key(c->pen, p->is_error ? STR("error") : STR("result"));
    put_result_text(c, p);
    pen_close(c->pen, '}');
    pen_close(c->pen, '}');
    part_end(c, (struct json_text){NULL, 0});
    return put_result_media(c, p);
}

/* ---- messages ---- */

static void put_raw(struct contents *c, enum chat_role role, const struct chat_part *p)
{
    if (p->vendor != CHAT_GEMINI || json_type_of(p->raw) != JSON_OBJECT) {
        chat_drop(c->r, STR("messages.content"));
        return;
    }
    part_begin(c, role);
    pen_bytes(c->pen, str_make(p->raw.ptr + 1, p->raw.len - 2));
    part_end(c, (struct json_text){NULL, 0});
}

static bool put_part(struct contents *c, uint32_t at, const struct chat_part *p)
{
    enum chat_role role = c->r->messages[at].role;

    drop_marks(c, p);
    switch (p->kind) {
    case CHAT_TEXT:
    case CHAT_REFUSAL:
        put_text(c, role, p);
        return true;
    case CHAT_IMAGE:
    case CHAT_AUDIO:
    case CHAT_FILE:
        return put_media(c, role, p);
    case CHAT_CALL:
        put_call(c, role, p);
        return true;
    case CHAT_RESULT:
        return put_result(c, at, p);
    case CHAT_THINKING:
        put_thinking(c, role, p);
        return true;
    case CHAT_REDACTED:
        chat_drop(c->r, STR("redacted_thinking"));
        return true;
    case CHAT_RAW:
        if (chat_is_call(p))
            put_call(c, role, p);
        else
            put_raw(c, role, p);
        return true;
    }
    return true;
}

static bool put_message(struct contents *c, uint32_t at)
{
    const struct chat_message *m = &c->r->messages[at];

    if (m->name.len > 0)
        chat_drop(c->r, STR("messages.name"));
    for (uint32_t i = 0; i < m->parts_count; i++) {
        if (!put_part(c, at, &m->parts[i]))
            return false;
    }
    return true;
}

/* How many messages at the front are instructions; none when there is nothing else. */
static uint32_t opening(const struct chat_request *r)
{
    uint32_t n = 0;

    while (n < r->messages_count && chat_is_instruction(&r->messages[n]))
        n++;
    return n < r->messages_count ? n : 0;
}

static bool put_system(struct contents *c, uint32_t count)
{
    bool ok = true;

    if (count == 0)
        return true;
    pen_key(c->pen, STR("systemInstruction"));
    pen_open(c->pen, '{');
    pen_key(c->pen, STR("parts"));
    pen_open(c->pen, '[');
    c->turn = USER; /* as if: the parts go here */
    for (uint32_t i = 0; i < count && ok; i++)
        ok = put_message(c, i);
    turn_end(c);
    return ok;
}

bool gemini_contents_put(struct json_pen *pen, struct chat_request *r, struct str model,
                         struct chat_problem *p)
{
    struct contents c = {
        .pen = pen, .r = r, .problem = p, .wants_signatures = gemini_generation(model) >= 30};
    uint32_t first = opening(r);
    bool ok = put_system(&c, first);

    pen_key(pen, STR("contents"));
    pen_open(pen, '[');
    for (uint32_t i = first; i < r->messages_count && ok; i++)
        ok = put_message(&c, i);
    if (!c.any) { /* it wants one */
        part_begin(&c, CHAT_USER);
        pen_key_text(pen, STR("text"), JSON_TEXT(""));
        pen_close(pen, '}');
    }
    turn_end(&c);
    pen_close(pen, ']');
    return ok;
}
