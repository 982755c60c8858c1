/* SPDX-License-Identifier: Apache-2.0 */
#include "llm/anthropic_answer.h"

/* ---- members ---- */

/* clang-format off */
static const struct str fields[FIELDS] = {
    [F_TYPE]          = STR_INIT("type"),
    [F_INDEX]         = STR_INIT("index"),
    [F_DELTA]         = STR_INIT("delta"),
    [F_CONTENT_BLOCK] = STR_INIT("content_block"),
    [F_MESSAGE]       = STR_INIT("message"),
    [F_USAGE]         = STR_INIT("usage"),
    [F_ERROR]         = STR_INIT("error"),
    [F_ID]            = STR_INIT("id"),
    [F_MODEL]         = STR_INIT("model"),
    [F_CONTENT]       = STR_INIT("content"),
    [F_STOP_REASON]   = STR_INIT("stop_reason"),
    [F_STOP_SEQUENCE] = STR_INIT("stop_sequence"),
    [F_STOP_DETAILS]  = STR_INIT("stop_details"),
    [F_TEXT]          = STR_INIT("text"),
    [F_THINKING]      = STR_INIT("thinking"),
    [F_SIGNATURE]     = STR_INIT("signature"),
    [F_DATA]          = STR_INIT("data"),
    [F_NAME]          = STR_INIT("name"),
    [F_INPUT]         = STR_INIT("input"),
    [F_CITATIONS]     = STR_INIT("citations"),
    [F_CITATION]      = STR_INIT("citation"),
    [F_PARTIAL_JSON]  = STR_INIT("partial_json"),
};
/* clang-format on */

bool anthropic_member(void *ctx, const struct json_member *m)
{
    struct object *o = ctx;

    for (unsigned i = 0; i < FIELDS; i++) {
        if (json_key_is(m, fields[i])) {
            o->value[i] = m->value;
            break;
        }
    }
    return true;
}

struct object anthropic_object(struct str checked)
{
    struct object o = {.value = {{NULL, 0}}};

    if (json_type_of(checked) == JSON_OBJECT)
        json_members(checked, anthropic_member, &o);
    return o;
}

/* ---- piles ---- */

static bool grow(struct chat_decoder *d, struct pile *p, size_t n)
{
    size_t cap = p->cap;
    char *to;

    if (p->cap - p->len >= n)
        return true;
    while (cap - p->len < n)
        cap = cap * 2 + 64;
    to = arena_bytes(d->arena, cap);
    if (to == NULL)
        return false;
    if (p->len > 0)
        memcpy(to, p->ptr, p->len);
    p->ptr = to;
    p->cap = cap;
    return true;
}

void anthropic_pile_put(struct chat_decoder *d, struct pile *p, struct str s)
{
    if (!grow(d, p, s.len)) {
        d->bad = true;
        return;
    }
    if (s.len > 0)
        memcpy(p->ptr + p->len, s.ptr, s.len);
    p->len += s.len;
}

void anthropic_pile_set(struct chat_decoder *d, struct pile *p, struct str s)
{
    p->len = 0;
    anthropic_pile_put(d, p, s);
}

/* ---- telling ---- */

void anthropic_tell(struct chat_decoder *d, const struct chat_event *ev)
{
    if (!d->enough && !d->bad)
        d->enough = !d->emit(d->ctx, ev);
}

void anthropic_start_message(struct chat_decoder *d, const struct object *message)
{
    d->started = true;
    anthropic_tell(d, &(struct chat_event){.kind = CHAT_EV_START,
                                           .id = anthropic_text(message, F_ID),
                                           .model = anthropic_text(message, F_MODEL)});
}

void anthropic_need_message(struct chat_decoder *d)
{
    if (!d->started)
        anthropic_start_message(d, &(struct object){.value = {{NULL, 0}}});
}
