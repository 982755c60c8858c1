/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/gateway/exchange_fixture.h"

#include "gateway/upstream_head.h"

static struct fixture f;

static int setup(void **state)
{
    (void)state;
    open_fixture(&f, "providers:\n"
                     "  plain: { base_url: \"http://plain.test/v1\", keys: [ key-1, key-2 ] }\n"
                     "  bare:  { base_url: \"https://[2001:db8::1]:8443\" }\n"
                     "  usual: { base_url: \"https://usual.test:443/\" }\n"
                     "  full:\n"
                     "    base_url: http://full.test:8080/a/b\n"
                     "    keys: [ key-3 ]\n"
                     "    version: \"2023-05-15\"\n"
                     "    version_header: openai-version\n"
                     "    organization: org-1\n"
                     "    project: proj-1\n"
                     "    headers: { x-team: ours, accept-language: de }\n");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    close_fixture(&f);
    return 0;
}

static struct upstream_head head_for(const char *provider)
{
    return (struct upstream_head){.provider = conf_provider_find(f.conf, str_from(provider)),
                                  .key = KEY_NONE,
                                  .method = STR("POST"),
                                  .path = STR("/chat/completions"),
                                  .length = 12};
}

/* What an upstream sees of a client that sent `fields`. */
static const char *seen(const struct upstream_head *u, const char *fields)
{
    struct str head;

    arrive(&f, "POST", CHAT, fields);
    head = upstream_head(f.x, u);
    assert_non_null(head.ptr);
    head = arena_dup(&f.call.arena, head); /* with a NUL */
    return head.ptr;
}

#define assert_seen(text, part) assert_non_null(strstr(text, part))
#define assert_unseen(text, part) assert_null(strcasestr(text, part))

static void a_head_is_written_whole(void **state)
{
    struct upstream_head u = head_for("plain");

    (void)state;
    u.key = 1;
    assert_string_equal(seen(&u, ""), "POST /v1/chat/completions HTTP/1.1\r\n"
                                      "host: plain.test\r\n"
                                      "user-agent: dragoman/" DRAGOMAN_VERSION "\r\n"
                                      "x-request-id: req_1\r\n"
                                      "authorization: Bearer key-2\r\n"
                                      "accept: application/json\r\n"
                                      "accept-encoding: identity\r\n"
                                      "content-type: application/json\r\n"
                                      "content-length: 12\r\n"
                                      "\r\n");
}

static void R54_what_must_not_travel_stays_here(void **state)
{
    static const char *const names[] = {
        "Authorization",
        "x-api-key",
        "API-Key",
        "x-goog-api-key",
        "Cookie",
        "Host",
        "Content-Length",
        "Transfer-Encoding",
        "Connection",
        "Keep-Alive",
        "TE",
        "Upgrade",
        "Proxy-Authorization",
        "Expect",
        "User-Agent",
        "X-Forwarded-For",
        "X-Forwarded-Host",
        "Forwarded",
        "Via",
        "X-Real-IP",
        "True-Client-IP",
        "CF-Connecting-IP",
        "cf-ray",
        "X-Client-IP",
        "Origin",
        "Referer",
        "Sec-Fetch-Mode",
        "X-Dragoman-Provider",
        "X-Request-Id",
        "OpenAI-Organization",
        "OpenAI-Project",
        "x-amzn-trace-id",
        "x-named",
        "Accept",
        "Accept-Encoding",
        "Content-Type",
    };
    struct upstream_head u = head_for("plain");

    (void)state;
    for (size_t i = 0; i < COUNTOF(names); i++) {
        char fields[128];

        snprintf(fields, sizeof(fields), "connection: x-named\n%s: canary\nx-other: goes\n",
                 names[i]);
        if (strstr(seen(&u, fields), "canary") != NULL)
            fail_msg("%s travels", names[i]);
        assert_seen(seen(&u, fields), "x-other: goes\r\n");
    }
}

static void R44_what_is_the_clients_travels_as_it_came(void **state)
{
    static const char *const lines[] = {
        "X-Stainless-Lang: js",     "OpenAI-Beta: assistants=v2", "traceparent: 00-1-2-03",
        "Idempotency-Key: a b",     "x-Odd_name: \xc3\xa9",       "accept-language: fr",
        "authorization-x: not one", "x-forwarded: neither",
    };
    struct upstream_head u = head_for("plain");

    (void)state;
    for (size_t i = 0; i < COUNTOF(lines); i++) {
        char fields[64], line[64];

        snprintf(fields, sizeof(fields), "%s\n", lines[i]);
        snprintf(line, sizeof(line), "\r\n%s\r\n", lines[i]);
        assert_seen(seen(&u, fields), line);
    }
}

static void what_is_configured_goes_instead_of_the_clients(void **state)
{
    struct upstream_head u = head_for("full");
    const char *head;

    (void)state;
    u.key = 0;
    head = seen(&u, "X-Team: theirs\nAccept-Language: fr\nOpenAI-Version: 1\nx-other: goes\n");
    assert_seen(head, "POST /a/b/chat/completions HTTP/1.1\r\nhost: full.test:8080\r\n");
    assert_seen(head, "authorization: Bearer key-3\r\n");
    assert_seen(head, "openai-version: 2023-05-15\r\n");
    assert_seen(head, "openai-organization: org-1\r\n");
    assert_seen(head, "openai-project: proj-1\r\n");
    assert_seen(head, "x-team: ours\r\naccept-language: de\r\n");
    assert_seen(head, "x-other: goes\r\n");
    assert_unseen(head, "theirs");
    assert_unseen(head, ": fr");
    assert_unseen(head, "OpenAI-Version: 1\r");
}

static void a_host_is_written_as_urls_have_it(void **state)
{
    struct upstream_head v6 = head_for("bare"), usual = head_for("usual");

    (void)state;
    assert_seen(seen(&v6, ""), "POST /chat/completions HTTP/1.1\r\nhost: [2001:db8::1]:8443\r\n");
    assert_seen(seen(&usual, ""), "host: usual.test\r\n");
    assert_unseen(seen(&usual, ""), "authorization");
}

static void R54_one_framing_and_it_is_ours(void **state)
{
    static const struct {
        int64_t length;
        const char *end;
    } rows[] = {
        {0, "content-length: 0\r\n\r\n"},
        {18446744073709, "content-length: 18446744073709\r\n\r\n"},
        {-1, "transfer-encoding: chunked\r\n\r\n"},
        {-2, "content-type: application/json\r\n\r\n"},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        struct upstream_head u = head_for("plain");
        const char *head, *end;

        u.length = rows[i].length;
        head = seen(&u, "content-length: 5\ntransfer-encoding: chunked\n");
        end = head + strlen(head) - strlen(rows[i].end);
        assert_string_equal(end, rows[i].end);
        assert_unseen(head, "content-length: 5\r");
    }
}

static void a_stream_is_asked_for_as_one(void **state)
{
    struct upstream_head u = head_for("plain");

    (void)state;
    u.stream = true;
    assert_seen(seen(&u, "accept: */*\n"), "accept: text/event-stream\r\n");
    assert_unseen(seen(&u, "accept: */*\n"), "*/*");
}

static void of_a_relayed_body_the_client_says_what_it_is(void **state)
{
    struct upstream_head u = head_for("plain");
    const char *head;

    (void)state;
    u.relay = true;
    u.length = -2;
    head = seen(&u, "accept: image/png\naccept-encoding: br\ncontent-type: audio/ogg\ncookie: c\n");
    assert_seen(head,
                "accept: image/png\r\naccept-encoding: br\r\ncontent-type: audio/ogg\r\n\r\n");
    assert_unseen(head, "identity");
    assert_unseen(head, "cookie");
}

static void a_full_arena_gives_no_head(void **state)
{
    struct upstream_head u = head_for("plain");

    (void)state;
    arrive(&f, "POST", CHAT, "");
    f.call.arena.max = 16;
    assert_null(upstream_head(f.x, &u).ptr);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_head_is_written_whole),
        TEST(R54_what_must_not_travel_stays_here),
        TEST(R44_what_is_the_clients_travels_as_it_came),
        TEST(what_is_configured_goes_instead_of_the_clients),
        TEST(a_host_is_written_as_urls_have_it),
        TEST(R54_one_framing_and_it_is_ours),
        TEST(a_stream_is_asked_for_as_one),
        TEST(of_a_relayed_body_the_client_says_what_it_is),
        TEST(a_full_arena_gives_no_head),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
