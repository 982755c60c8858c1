/*
 * The messages of a Chat Completions request.
 *
 * One message of ours can be several there: each tool's result is a message of its own, before what
 * the user says beside it.  A tool's message holds text alone, so what a tool showed (images) comes
 * in a message of the user's behind the results.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm/chat_args.h"
#include "llm/chat_text.h"
#include "llm/chat_write.h"
#include "llm/openai_encode.h"
#include "llm/quirks.h"

struct encoding {
    struct json_pen *pen;
    struct chat_request *request;
    struct chat_problem *problem;
};

/* ---- names of what is dropped ---- */

static bool take_type(void *ctx, const struct json_member *m)
{
    struct str *type = ctx;

    if (m->type == JSON_STRING && json_key_is(m, STR("type"))) {
        *type = str_make(m->value.ptr + 1, m->value.len - 2);
        return false;
    }
    if (type->ptr == NULL) /* Google's are told by the member that they have */
        *type = m->key;
    return true;
}

struct str openai_encode_type_of(struct arena *a, struct str prefix, struct str raw)
{
    struct str type = {NULL, 0}, name;

    if (json_type_of(raw) == JSON_OBJECT)
        json_members(raw, take_type, &type);
    if (type.len == 0)
        type = STR("unknown");
    name = arena_join(a, (struct str[]){prefix, type}, 2);
    return name.ptr != NULL ? name : type;
}

static void drop_raw(struct encoding *e, struct str raw)
{
    chat_drop(e->request, openai_encode_type_of(e->request->arena, STR("content."), raw));
}

/* ---- what a server wants of its own (quirks.h) ---- */

#define NINE 9u

static bool is_nine(struct json_text id)
{
    for (size_t i = 0; i < id.len; i++) {
        char c = ascii_lower(id.ptr[i]);

        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')))
            return false;
    }
    return id.len == NINE;
}

/* The same id for a call and its result, whoever made it: FNV-1a, in letters and digits. */
static void pen_nine(struct json_pen *p, struct json_text id)
{
    static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    uint64_t hash = 0xcbf29ce484222325u;
    char text[NINE];

    for (size_t i = 0; i < id.len; i++)
        hash = (hash ^ (unsigned char)id.ptr[i]) * 0x100000001b3u;
    for (size_t i = 0; i < NINE; i++, hash /= sizeof(digits) - 1)
        text[i] = digits[hash % (sizeof(digits) - 1)];
    pen_text(p, (struct json_text){text, NINE});
}

static void pen_id(struct encoding *e, struct str key, struct json_text id)
{
    pen_key(e->pen, key);
    if (e->request->quirks != NULL && e->request->quirks->nine_ids && !is_nine(id))
        pen_nine(e->pen, id);
    else
        pen_text(e->pen, id);
}

/* What earlier thoughts are sent back as; empty: not at all. */
static struct str thoughts_name(const struct encoding *e)
{
    const struct quirks *q = e->request->quirks;

    if (q == NULL || q->thoughts.len == 0)
        return STR("reasoning_content");
    return str_eq(q->thoughts, STR("-")) ? STR("") : q->thoughts;
}

static void pen_name(struct encoding *e, const struct chat_message *m)
{
    if (m->name.ptr != NULL && quirks_refuse(e->request->quirks, STR("messages.name")))
        chat_drop(e->request, STR("messages.name"));
    else
        pen_key_text_some(e->pen, STR("name"), m->name);
}

static bool has_json(struct json_text t)
{
    for (size_t i = 0; i + 4 <= t.len; i++) {
        if (str_eq_nocase(str_make(t.ptr + i, 4), STR("json")))
            return true;
    }
    return false;
}

bool openai_encode_speaks_of_json(const struct chat_request *r)
{
    for (uint32_t m = 0; m < r->messages_count; m++) {
        for (uint32_t i = 0; i < r->messages[m].parts_count; i++) {
            const struct chat_part *part = &r->messages[m].parts[i];

            if (part->kind == CHAT_TEXT && has_json(part->text))
                return true;
        }
    }
    return false;
}

/* ---- parts ---- */

/* What can stand in a "content". */
static bool is_content(const struct chat_part *part)
{
    switch (part->kind) {
    case CHAT_TEXT:
    case CHAT_IMAGE:
    case CHAT_FILE:
    case CHAT_REFUSAL:
        return true;
    case CHAT_AUDIO:
        return part->data.ptr != NULL; /* else it is a reference to what was said before */
    case CHAT_RAW:
        return part->vendor == CHAT_OPENAI && part->id.ptr == NULL;
    case CHAT_CALL:
    case CHAT_RESULT:
    case CHAT_THINKING:
    case CHAT_REDACTED:
        break;
    }
    return false;
}

static bool is_call(const struct chat_part *part)
{
    return part->kind == CHAT_CALL ||
           (part->kind == CHAT_RAW && part->vendor == CHAT_OPENAI && part->id.ptr != NULL);
}

static bool is_result(const struct chat_part *part)
{
    return part->kind == CHAT_RESULT;
}

typedef bool part_is_fn(const struct chat_part *part);

static uint32_t count(const struct chat_part *parts, uint32_t n, part_is_fn *is)
{
    uint32_t found = 0;

    for (uint32_t i = 0; i < n; i++)
        found += is(&parts[i]);
    return found;
}

void openai_encode_data_url(struct json_pen *p, const struct chat_part *part)
{
    pen_quote(p);
    pen_bytes(p, STR("data:"));
    pen_inside(p, part->media_type);
    pen_bytes(p, STR(";base64,"));
    pen_inside(p, part->data);
    pen_quote_end(p);
}

static bool pen_image(struct encoding *e, const struct chat_part *part)
{
    struct json_pen *p = e->pen;

    if (part->data.ptr == NULL && part->text.ptr == NULL)
        return chat_refuse(
            e->problem, e->request->arena, "messages",
            "an image by its file id cannot be sent to a target of the openai dialect");
    pen_key(p, STR("image_url"));
    pen_open(p, '{');
    pen_key(p, STR("url"));
    if (part->data.ptr != NULL)
        openai_encode_data_url(p, part);
    else
        pen_text(p, part->text);
    pen_key_raw_some(p, STR("detail"), part->detail);
    pen_close(p, '}');
    return true;
}

/* "audio/wav" is "wav" here. */
static struct json_text audio_format(struct json_text media_type)
{
    static const struct str prefixes[] = {STR_INIT("audio\\/x-"), STR_INIT("audio\\/"),
                                          STR_INIT("audio/x-"), STR_INIT("audio/")};
    struct str type = str_make(media_type.ptr, media_type.len);

    for (size_t i = 0; i < COUNTOF(prefixes); i++) {
        if (!str_starts(type, prefixes[i]))
            continue;
        type = str_make(type.ptr + prefixes[i].len, type.len - prefixes[i].len);
        break;
    }
    if (str_eq(type, STR("mpeg")))
        return JSON_TEXT("mp3");
    return (struct json_text){type.ptr, type.len};
}

static void pen_audio(struct json_pen *p, const struct chat_part *part)
{
    pen_key(p, STR("input_audio"));
    pen_open(p, '{');
    pen_key_text(p, STR("data"), part->data);
    pen_key_text(p, STR("format"), audio_format(part->media_type));
    pen_close(p, '}');
}

static void pen_file(struct json_pen *p, const struct chat_part *part)
{
    pen_key(p, STR("file"));
    pen_open(p, '{');
    pen_key_text_some(p, STR("file_id"), part->file_id);
    if (part->data.ptr != NULL && part->media_type.ptr != NULL) {
        pen_key(p, STR("file_data"));
        openai_encode_data_url(p, part);
    } else {
        pen_key_text_some(p, STR("file_data"), part->data.ptr != NULL ? part->data : part->text);
    }
    pen_key_text_some(p, STR("filename"), part->file_name);
    pen_close(p, '}');
}

static bool pen_typed(struct encoding *e, const struct chat_part *part)
{
    struct json_pen *p = e->pen;

    if (part->kind == CHAT_IMAGE) {
        pen_key_text(p, STR("type"), JSON_TEXT("image_url"));
        return pen_image(e, part);
    }
    if (part->kind == CHAT_AUDIO) {
        pen_key_text(p, STR("type"), JSON_TEXT("input_audio"));
        pen_audio(p, part);
    } else if (part->kind == CHAT_FILE) {
        pen_key_text(p, STR("type"), JSON_TEXT("file"));
        pen_file(p, part);
    } else if (part->kind == CHAT_REFUSAL) {
        pen_key_text(p, STR("type"), JSON_TEXT("refusal"));
        pen_key_text(p, STR("refusal"), part->text);
    } else {
        pen_key_text(p, STR("type"), JSON_TEXT("text"));
        pen_key_text(p, STR("text"), part->text);
    }
    return true;
}

static void note_dropped(struct encoding *e, const struct chat_part *part)
{
    if (part->cache_control.len > 0)
        chat_drop(e->request, STR("cache_control"));
    if (part->citations.len > 0)
        chat_drop(e->request, STR("citations"));
}

static bool pen_part(struct encoding *e, const struct chat_part *part)
{
    bool ok;

    note_dropped(e, part);
    if (part->kind == CHAT_RAW) {
        pen_raw(e->pen, part->raw);
        return true;
    }
    pen_open(e->pen, '{');
    ok = pen_typed(e, part);
    pen_close(e->pen, '}');
    return ok;
}

/* The value of "content": a string where one text is all there is. */
static bool pen_content(struct encoding *e, const struct chat_part *parts, uint32_t n,
                        part_is_fn *is)
{
    uint32_t found = count(parts, n, is), i = 0;
    bool ok = true;

    while (found == 1 && !is(&parts[i]))
        i++;
    if (found == 0) {
        pen_text(e->pen, JSON_TEXT(""));
        return true;
    }
    if (found == 1 && parts[i].kind == CHAT_TEXT) {
        note_dropped(e, &parts[i]);
        pen_text(e->pen, parts[i].text);
        return true;
    }
    pen_open(e->pen, '[');
    for (i = 0; ok && i < n; i++) {
        if (is(&parts[i]))
            ok = pen_part(e, &parts[i]);
    }
    pen_close(e->pen, ']');
    return ok;
}

/* ---- an assistant's message ---- */

/* A server of this dialect gave it, in the members that Google's and LiteLLM have for it. */
static bool is_own(const struct chat_part *part)
{
    return part->has_maker && part->maker == CHAT_OPENAI;
}

static void pen_call(struct encoding *e, const struct chat_part *part)
{
    struct json_pen *p = e->pen;

    if (part->kind == CHAT_RAW) {
        pen_raw(p, part->raw);
        return;
    }
    note_dropped(e, part);
    if (part->signature.len > 0 && !is_own(part))
        chat_drop(e->request, STR("thought_signature"));
    pen_open(p, '{');
    pen_id(e, STR("id"), part->id);
    pen_key_text(p, STR("type"), JSON_TEXT("function"));
    if (is_own(part))
        chat_pen_signature(p, part->signature);
    pen_key(p, STR("function"));
    pen_open(p, '{');
    pen_key_text(p, STR("name"), part->name);
    chat_pen_args_text(p, part);
    pen_close(p, '}');
    pen_close(p, '}');
}

/* Thinking without a signature came from a server of this dialect.  DeepSeek and Moonshot refuse a
 * message with calls that lacks it; without calls it is of no use, and some refuse it then. */
static bool goes_back(const struct chat_part *part)
{
    return part->kind == CHAT_THINKING && part->signature.len == 0 && part->text.len > 0;
}

static bool is_signed(const struct chat_part *part)
{
    return is_own(part) && (part->kind == CHAT_REDACTED ||
                            (part->kind == CHAT_THINKING && part->signature.len > 0));
}

static void pen_signed(struct encoding *e, const struct chat_message *m)
{
    if (count(m->parts, m->parts_count, is_signed) == 0)
        return;
    pen_key(e->pen, STR("thinking_blocks"));
    pen_open(e->pen, '[');
    for (uint32_t i = 0; i < m->parts_count; i++) {
        const struct chat_part *part = &m->parts[i];

        if (!is_signed(part))
            continue;
        if (part->kind == CHAT_REDACTED) {
            chat_pen_redacted(e->pen, part->data);
            continue;
        }
        pen_open(e->pen, '{');
        pen_key_text(e->pen, STR("type"), JSON_TEXT("thinking"));
        pen_key_text(e->pen, STR("thinking"), part->text);
        pen_key_text(e->pen, STR("signature"), part->signature);
        pen_close(e->pen, '}');
    }
    pen_close(e->pen, ']');
}

static void pen_thoughts(struct encoding *e, const struct chat_message *m)
{
    struct str name = thoughts_name(e);

    pen_signed(e, m);
    if (name.len == 0 || count(m->parts, m->parts_count, is_call) == 0 ||
        count(m->parts, m->parts_count, goes_back) == 0)
        return;
    pen_key(e->pen, name);
    pen_quote(e->pen);
    for (uint32_t i = 0; i < m->parts_count; i++) {
        if (goes_back(&m->parts[i]))
            pen_inside(e->pen, m->parts[i].text);
    }
    pen_quote_end(e->pen);
}

static void note_lost_thoughts(struct encoding *e, const struct chat_message *m)
{
    bool told = count(m->parts, m->parts_count, is_call) > 0 && thoughts_name(e).len > 0;

    for (uint32_t i = 0; i < m->parts_count; i++) {
        const struct chat_part *part = &m->parts[i];

        if (is_signed(part))
            continue;
        if (part->kind == CHAT_REDACTED)
            chat_drop(e->request, STR("redacted_thinking"));
        else if (part->kind == CHAT_THINKING && (!told || !goes_back(part)))
            chat_drop(e->request, STR("thinking"));
        else if (part->kind == CHAT_RAW && part->vendor != CHAT_OPENAI)
            drop_raw(e, part->raw);
    }
}

static void pen_calls(struct encoding *e, const struct chat_message *m)
{
    if (count(m->parts, m->parts_count, is_call) == 0)
        return;
    pen_key(e->pen, STR("tool_calls"));
    pen_open(e->pen, '[');
    for (uint32_t i = 0; i < m->parts_count; i++) {
        if (is_call(&m->parts[i]))
            pen_call(e, &m->parts[i]);
    }
    pen_close(e->pen, ']');
}

static const struct chat_part *find_audio_reference(const struct chat_message *m)
{
    for (uint32_t i = 0; i < m->parts_count; i++) {
        if (m->parts[i].kind == CHAT_AUDIO && m->parts[i].data.ptr == NULL)
            return &m->parts[i];
    }
    return NULL;
}

static void pen_audio_reference(struct encoding *e, const struct chat_message *m)
{
    const struct chat_part *audio = find_audio_reference(m);

    if (audio == NULL)
        return;
    pen_key(e->pen, STR("audio"));
    pen_open(e->pen, '{');
    pen_key_text(e->pen, STR("id"), audio->file_id);
    pen_close(e->pen, '}');
}

static bool is_refusal(const struct chat_part *part)
{
    return part->kind == CHAT_REFUSAL;
}

/* A single refusal is a member of the message. */
static bool is_plain_content(const struct chat_part *part)
{
    return is_content(part) && !is_refusal(part);
}

static bool pen_assistant(struct encoding *e, const struct chat_message *m)
{
    bool single = count(m->parts, m->parts_count, is_refusal) == 1;
    part_is_fn *is = single ? is_plain_content : is_content;
    bool calls = count(m->parts, m->parts_count, is_call) > 0, ok = true;

    note_lost_thoughts(e, m);
    pen_key(e->pen, STR("content"));
    if (count(m->parts, m->parts_count, is) > 0 ||
        (!single && !calls && find_audio_reference(m) == NULL))
        ok = pen_content(e, m->parts, m->parts_count, is);
    else
        pen_null(e->pen);
    for (uint32_t i = 0; single && i < m->parts_count; i++) {
        if (is_refusal(&m->parts[i]))
            pen_key_text(e->pen, STR("refusal"), m->parts[i].text);
    }
    pen_thoughts(e, m);
    pen_audio_reference(e, m);
    pen_calls(e, m);
    return ok;
}

/* ---- a tool's ---- */

static bool is_readable(const struct chat_part *part)
{
    return part->kind == CHAT_TEXT || (part->kind == CHAT_RAW && is_content(part));
}

static bool is_shown(const struct chat_part *part)
{
    return is_content(part) && !is_readable(part);
}

static bool pen_result(struct encoding *e, const struct chat_part *result)
{
    bool ok;

    note_dropped(e, result);
    if (result->is_error)
        chat_drop(e->request, STR("is_error"));
    for (uint32_t i = 0; i < result->parts_count; i++) {
        if (result->parts[i].kind == CHAT_RAW && result->parts[i].vendor != CHAT_OPENAI)
            drop_raw(e, result->parts[i].raw);
    }
    pen_open(e->pen, '{');
    pen_key_text(e->pen, STR("role"), JSON_TEXT("tool"));
    pen_id(e, STR("tool_call_id"), result->id);
    pen_key(e->pen, STR("content"));
    ok = pen_content(e, result->parts, result->parts_count, is_readable);
    pen_close(e->pen, '}');
    return ok;
}

static uint32_t count_shown(const struct chat_message *m)
{
    uint32_t found = 0;

    for (uint32_t i = 0; i < m->parts_count; i++) {
        if (is_result(&m->parts[i]))
            found += count(m->parts[i].parts, m->parts[i].parts_count, is_shown);
    }
    return found;
}

/* The elements of a content, of which the results' come first. */
static bool pen_shown(struct encoding *e, const struct chat_message *m)
{
    bool ok = true;

    for (uint32_t i = 0; i < m->parts_count; i++) {
        const struct chat_part *result = &m->parts[i];

        for (uint32_t j = 0; ok && is_result(result) && j < result->parts_count; j++) {
            if (is_shown(&result->parts[j]))
                ok = pen_part(e, &result->parts[j]);
        }
    }
    return ok;
}

/* ---- messages ---- */

struct json_text openai_encode_role(const struct quirks *q, enum chat_role role)
{
    switch (role) {
    case CHAT_SYSTEM:
        return JSON_TEXT("system");
    case CHAT_DEVELOPER:
        return q != NULL && q->system_only ? JSON_TEXT("system") : JSON_TEXT("developer");
    case CHAT_ASSISTANT:
        return JSON_TEXT("assistant");
    case CHAT_USER:
    case CHAT_TOOL: /* what is shown beside the results */
        break;
    }
    return JSON_TEXT("user");
}

static bool pen_others(struct encoding *e, const struct chat_message *m)
{
    bool ok = true;

    for (uint32_t i = 0; i < m->parts_count; i++) {
        if (m->parts[i].kind == CHAT_RAW && m->parts[i].vendor != CHAT_OPENAI)
            drop_raw(e, m->parts[i].raw);
    }
    pen_key(e->pen, STR("content"));
    if (count_shown(m) == 0)
        return pen_content(e, m->parts, m->parts_count, is_content);
    pen_open(e->pen, '[');
    ok = pen_shown(e, m);
    for (uint32_t i = 0; ok && i < m->parts_count; i++) {
        if (is_content(&m->parts[i]))
            ok = pen_part(e, &m->parts[i]);
    }
    pen_close(e->pen, ']');
    return ok;
}

static bool has_results(const struct chat_message *m)
{
    return count(m->parts, m->parts_count, is_result) > 0;
}

static bool pen_results(struct encoding *e, const struct chat_message *m)
{
    for (uint32_t i = 0; i < m->parts_count; i++) {
        if (is_result(&m->parts[i]) && !pen_result(e, &m->parts[i]))
            return false;
    }
    return true;
}

/* All of a message but its results. */
static bool pen_rest(struct encoding *e, const struct chat_message *m)
{
    bool ok;

    if (has_results(m) && count_shown(m) == 0 && count(m->parts, m->parts_count, is_content) == 0)
        return true;
    pen_open(e->pen, '{');
    pen_key_text(e->pen, STR("role"), openai_encode_role(e->request->quirks, m->role));
    pen_name(e, m);
    ok = m->role == CHAT_ASSISTANT ? pen_assistant(e, m) : pen_others(e, m);
    pen_close(e->pen, '}');
    return ok;
}

/* Results that follow each other stay together: nothing may stand between a call and the results
 * of those made with it. */
static bool pen_run(struct encoding *e, const struct chat_message *m, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (!pen_results(e, &m[i]))
            return false;
    }
    for (uint32_t i = 0; i < n; i++) {
        if (!pen_rest(e, &m[i]))
            return false;
    }
    return true;
}

bool openai_encode_messages(struct json_pen *p, struct chat_request *r,
                            struct chat_problem *problem)
{
    struct encoding e = {.pen = p, .request = r, .problem = problem};
    uint32_t n;

    pen_key(p, STR("messages"));
    pen_open(p, '[');
    for (uint32_t i = 0; i < r->messages_count; i += n) {
        n = 1;
        while (has_results(&r->messages[i]) && i + n < r->messages_count &&
               has_results(&r->messages[i + n]))
            n++;
        if (!pen_run(&e, &r->messages[i], n))
            return false;
    }
    pen_close(p, ']');
    return true;
}
