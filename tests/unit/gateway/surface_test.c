/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/surface.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void each_path_has_its_surface(void **state)
{
    static const struct {
        const char *method, *path;
        enum surface_id want;
        const char *allow;
    } rows[] = {
        {"POST", "/v1/chat/completions", SURFACE_CHAT, ""},
        {"GET", "/v1/chat/completions", SURFACE_OTHER, "POST"},
        {"POST", "/v1/chat/completions/", SURFACE_RELAY, ""},
        {"GET", "/v1/chat/completions/chatcmpl-1", SURFACE_RELAY, ""},
        {"POST", "/v1/responses", SURFACE_RESPONSES, ""},
        {"GET", "/v1/responses", SURFACE_OTHER, "POST"},
        {"GET", "/v1/responses/resp_1", SURFACE_RELAY, ""},
        {"POST", "/v1/completions", SURFACE_COMPLETIONS, ""},
        {"POST", "/v1/embeddings", SURFACE_EMBEDDINGS, ""},
        {"GET", "/v1/models", SURFACE_MODELS, ""},
        {"HEAD", "/v1/models", SURFACE_MODELS, ""},
        {"POST", "/v1/models", SURFACE_OTHER, "GET"},
        {"GET", "/v1/models/a/b", SURFACE_MODELS, ""},
        {"POST", "/v1beta/models/a/b:generateContent", SURFACE_GEMINI, ""},
        {"POST", "/v1beta/models/a%2Fb:streamGenerateContent", SURFACE_GEMINI, ""},
        {"POST", "/v1beta/a/b:generateContent", SURFACE_GEMINI, ""},
        {"POST", "/v1/models/a:generateContent", SURFACE_GEMINI, ""},
        {"POST", "/v1/models/a:countTokens", SURFACE_COUNT_TOKENS, ""},
        {"GET", "/v1/models/a:generateContent", SURFACE_OTHER, "POST"},
        {"POST", "/v1/models/a:generateContents", SURFACE_RELAY, ""},
        {"POST", "/v1beta/models/a:embedContent", SURFACE_OTHER, ""},
        {"GET", "/v1beta/models", SURFACE_MODELS, ""},
        {"GET", "/v1beta/models/a/b", SURFACE_MODELS, ""},
        {"DELETE", "/v1/models/ft:x", SURFACE_RELAY, ""},
        {"POST", "/v1/audio/transcriptions", SURFACE_RELAY, ""},
        {"GET", "/v1/files/f/content", SURFACE_RELAY, ""},
        {"GET", "/", SURFACE_OTHER, ""},
        {"GET", "/v1", SURFACE_OTHER, ""},
        {"GET", "/v2/x", SURFACE_OTHER, ""},
        {"GET", "", SURFACE_OTHER, ""},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        struct str allow;
        const struct surface *s =
            surface_find(str_from(rows[i].method), str_from(rows[i].path), &allow);

        if (s->id != rows[i].want || !str_eq(allow, str_from(rows[i].allow)))
            fail_msg("%s %s: surface %s", rows[i].method, rows[i].path, s->name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_path_has_its_surface)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
