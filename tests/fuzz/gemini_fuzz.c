/* Any lines as chunks of Gemini's, as a whole answer, as a refusal, and as a schema to be written:
 * the events keep their promises, calls have JSON for arguments, and what is written is JSON.
 * SPDX-License-Identifier: Apache-2.0 */
#include "fuzz/chat_listener.h"
#include "llm/gemini_part.h"

static void schema(struct str text)
{
    struct arena a = {.max = 16 << 20};
    struct chat_request r = {.arena = &a};
    struct chat_problem p = {.fault = FAULT_NONE};
    struct buf out = {.max = 0};
    struct json_pen pen = json_pen(&out);

    if (json_scan(text, JSON_DEPTH_MAX, NULL, NULL, NULL)) {
        if (gemini_schema_put(&pen, &r, text, &p))
            must(json_scan(buf_str(&out), JSON_DEPTH_MAX, NULL, NULL, NULL));
        else
            must(p.fault == FAULT_BAD_REQUEST);
        (void)gemini_schema_is_empty(text);
    }
    buf_done(&out);
    arena_done(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};

    listener_stream(&dialect_gemini, text);
    listener_whole(&dialect_gemini, text);
    listener_refusal(&dialect_gemini, 429, text);
    listener_refusal(&dialect_gemini, 200, text);
    schema(text);
    return 0;
}
