/* Any request of a chat, as Bedrock's: what is written is JSON, and what cannot be is refused in
 * words.
 * SPDX-License-Identifier: Apache-2.0 */
#include "fuzz/chat_listener.h"

#define DEPTH 64u
#define KEPT (8u << 20)

static void write_for(const struct chat_surface *surface, struct str body, struct str model)
{
    struct arena a = {.max = KEPT};
    struct buf out = {.max = KEPT};
    struct chat_problem p = {.fault = FAULT_NONE};
    struct chat_request r;

    if (surface->read(&a, body, DEPTH, &r, &p)) {
        r.model = model;
        if (dialect_bedrock.encode(&r, model, &out, &p))
            must(json_scan(buf_str(&out), JSON_DEPTH_MAX, NULL, NULL, NULL));
        else
            must(p.fault != FAULT_NONE && p.why.len > 0);
        must(dialect_bedrock.path(&a, &r).ptr != NULL);
    }
    buf_done(&out);
    arena_done(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str body = {(const char *)data, size};

    write_for(&surface_chat, body, STR("anthropic.claude-sonnet-4-5-v1:0"));
    write_for(&surface_chat, body, STR("amazon.nova-2-lite-v1:0"));
    write_for(&surface_messages, body, STR("anthropic.claude-opus-4-7"));
    write_for(&surface_messages, body, STR("openai.gpt-oss-20b-1:0"));
    return 0;
}
