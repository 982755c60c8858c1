/* SPDX-License-Identifier: Apache-2.0 */
#include "llm/chat_said.h"

#include "llm/chat_calls.h"
#include "llm/chat_seal.h"
#include "llm/chat_text.h"

bool chat_is_instruction(const struct chat_message *m)
{
    return m->role == CHAT_SYSTEM || m->role == CHAT_DEVELOPER;
}

/* ---- blank texts ---- */

bool chat_is_blank(struct json_text t)
{
    for (size_t i = 0; i < t.len; i++) {
        if (t.ptr[i] == ' ')
            continue;
        if (t.ptr[i] != '\\' || ++i >= t.len || strchr("ntr", t.ptr[i]) == NULL)
            return false;
    }
    return true;
}

struct json_text chat_trimmed(struct json_text t)
{
    while (t.len > 0) {
        size_t escape = t.len - 1;

        if (t.ptr[t.len - 1] == ' ') {
            t.len--;
            continue;
        }
        while (escape > 0 && t.ptr[escape - 1] == '\\')
            escape--;
        if ((t.len - 1 - escape) % 2 == 0 || strchr("ntr", t.ptr[t.len - 1]) == NULL)
            break;
        t.len -= 2;
    }
    return t;
}

/* ---- what says something ---- */

bool chat_says(const struct chat_part *p, enum chat_dialect vendor)
{
    switch (p->kind) {
    case CHAT_TEXT:
    case CHAT_REFUSAL:
        return !chat_is_blank(p->text);
    case CHAT_THINKING:
        return chat_is_signed(p);
    case CHAT_REDACTED:
        return p->data.len > 0;
    case CHAT_RAW:
        return p->vendor == vendor || chat_is_call(p);
    case CHAT_IMAGE:
    case CHAT_AUDIO:
    case CHAT_FILE:
    case CHAT_CALL:
    case CHAT_RESULT:
        return true;
    }
    return false;
}

bool chat_says_anything(const struct chat_message *m, enum chat_dialect vendor)
{
    for (uint32_t i = 0; i < m->parts_count; i++) {
        if (chat_says(&m->parts[i], vendor))
            return true;
    }
    return false;
}

/* ---- written ---- */

static bool is_id_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
}

void chat_pen_id(struct json_pen *p, struct str key, struct json_text id, size_t max)
{
    pen_key(p, key);
    pen_quote(p);
    if (id.len == 0)
        pen_inside(p, JSON_TEXT("_"));
    for (size_t i = id.len > max ? id.len - max : 0; i < id.len; i++)
        pen_bytes(p, is_id_byte(id.ptr[i]) ? str_make(&id.ptr[i], 1) : STR("_"));
    pen_quote_end(p);
}

bool chat_pen_stops(struct json_pen *p, struct str key, struct chat_request *r)
{
    bool any = false;

    for (uint32_t i = 0; i < r->stop_count; i++) {
        if (chat_is_blank(json_text_of(r->stop[i]))) {
            chat_drop(r, STR("stop"));
            continue;
        }
        if (!any) {
            pen_key(p, key);
            pen_open(p, '[');
        }
        any = true;
        pen_raw(p, r->stop[i]);
    }
    if (any)
        pen_close(p, ']');
    return any;
}
