/* SPDX-License-Identifier: Apache-2.0 */
#include "llm/responses.h"

#include "llm/chat_text.h"
#include "llm/json_pen.h"
#include "llm/json_pick.h"
#include "llm/responses_seal.h"

static bool is_foreign(struct str item)
{
    static const struct str seals[] = {STR_INIT(RESPONSES_SEAL_SIGNATURE),
                                       STR_INIT(RESPONSES_SEAL_REDACTED),
                                       STR_INIT(RESPONSES_SEAL_CALL)};
    struct json_text type = json_text_of(json_pick_one(item, STR("type"), JSON_STRING));
    struct json_text sealed =
        json_text_of(json_pick_one(item, STR("encrypted_content"), JSON_STRING));

    if (!json_text_is(type, STR("reasoning")) || sealed.ptr == NULL)
        return false;
    for (size_t i = 0; i < COUNTOF(seals); i++) {
        if (str_starts(str_make(sealed.ptr, sealed.len), seals[i]))
            return true;
    }
    return false;
}

struct cutting {
    struct json_pen pen;
    uint32_t cut;
};

static bool take_item(void *ctx, const struct json_member *m)
{
    struct cutting *c = ctx;

    if (m->type == JSON_OBJECT && is_foreign(m->value))
        c->cut++;
    else
        pen_raw(&c->pen, m->value);
    return true;
}

bool responses_cut_foreign(struct str body, struct buf *out)
{
    struct cutting c = {.pen = json_pen(out)};
    size_t before = out->len;
    struct str input;

    if (str_find(body, STR("\"dragoman.")) == NULL)
        return false;
    input = json_pick_one(body, STR("input"), JSON_ARRAY);
    if (input.len == 0)
        return false;
    pen_bytes(&c.pen, str_make(body.ptr, (size_t)(input.ptr - body.ptr)));
    pen_open(&c.pen, '[');
    json_members(input, take_item, &c);
    pen_close(&c.pen, ']');
    pen_bytes(&c.pen, str_skip(body, (size_t)(input.ptr + input.len - body.ptr)));
    if (c.cut > 0 && c.pen.err == 0)
        return true;
    out->len = before;
    return false;
}
