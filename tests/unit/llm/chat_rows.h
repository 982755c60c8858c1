/*
 * chat_rows.h - rows that say how a dialect writes a chat.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_UNIT_LLM_CHAT_ROWS_H
#define TESTS_UNIT_LLM_CHAT_ROWS_H

#include "llm/chat_text.h"
#include "llm/dialects.h"

#define T(lit) JSON_TEXT(lit)
#define PART(k, ...) ((struct chat_part){.kind = CHAT_##k, __VA_ARGS__})
#define TEXT(lit) PART(TEXT, .text = T(lit))
#define PARTS_OF(...)                                                                              \
    .parts = (struct chat_part[]){__VA_ARGS__},                                                    \
    .parts_count = COUNTOF(((struct chat_part[]){__VA_ARGS__}))
#define SAYS(r, ...) ((struct chat_message){.role = CHAT_##r, PARTS_OF(__VA_ARGS__)})
#define CHAT(...)                                                                                  \
    .messages = (struct chat_message[]){__VA_ARGS__},                                              \
    .messages_count = COUNTOF(((struct chat_message[]){__VA_ARGS__}))
#define TOOLS(...)                                                                                 \
    .tools = (struct chat_tool[]){__VA_ARGS__},                                                    \
    .tools_count = COUNTOF(((struct chat_tool[]){__VA_ARGS__}))
#define TOOL(n, s) ((struct chat_tool){.name = T(n), .schema = STR(s)})
#define HI CHAT(SAYS(USER, TEXT("hi")))

struct chat_row {
    const char *what;
    struct chat_request request;
    const char *model;
    const char *body;    /* NULL: it is refused */
    const char *dropped; /* names with a space behind each; or what the refusal's `why` says */
};

static inline void chat_row_check(const struct dialect *d, const struct chat_row *row)
{
    struct arena a = {.max = 0};
    struct buf out = {.max = 0}, dropped = {.max = 0};
    struct chat_problem p = {.fault = FAULT_NONE};
    struct chat_request r = row->request;
    bool ok;

    r.arena = &a;
    ok = d->encode(&r, str_from(row->model != NULL ? row->model : "gemini-2.5-flash"), &out, &p);
    for (uint32_t i = 0; i < r.dropped_count; i++)
        assert_int_equal(buf_printf(&dropped, "%.*s ", STR_ARG(r.dropped[i])), 0);
    if (!ok)
        assert_int_equal(buf_put(&dropped, p.why), 0);
    assert_int_equal(buf_put(&dropped, str_make("", 1)), 0);
    assert_int_equal(buf_put(&out, str_make("", 1)), 0);
    if (ok != (row->body != NULL) || (ok && strcmp(out.ptr, row->body) != 0))
        fail_msg("%s:\n%s\n%s", row->what, out.ptr, dropped.ptr);
    if (ok ? strcmp(dropped.ptr, row->dropped != NULL ? row->dropped : "") != 0
           : p.fault != FAULT_BAD_REQUEST || strstr(dropped.ptr, row->dropped) == NULL)
        fail_msg("%s: dropped %s", row->what, dropped.ptr);
    out.len--;
    if (ok)
        assert_true(json_scan(buf_str(&out), JSON_DEPTH_MAX, NULL, NULL, NULL));
    buf_done(&out);
    buf_done(&dropped);
    arena_done(&a);
}

#endif
