/* The simulator on a loopback socket: what arrives, and how the connection ends.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "unit/sim/caller.h"

static void ask(int fd, const char *model, bool stream, const char *key)
{
    char body[512];
    int n = snprintf(body, sizeof(body),
                     "{\"model\":\"%s\",\"stream\":%s,\"messages\":[{\"role\":\"user\","
                     "\"content\":\"one two three four fünf\"}]}",
                     model, stream ? "true" : "false");

    say(fd, "POST /v1/chat/completions", key, str_make(body, (size_t)n));
}

/* Up to `until`, and a moment longer: what must not come would come then. */
static struct reply call(const char *model, bool stream, const char *until)
{
    int fd = dial(until != NULL ? PATIENCE_MS : MOMENT_MS);
    struct reply r, more;

    ask(fd, model, stream, "any");
    r = hear(fd, until);
    if (r.ending == STAYS && until != NULL) {
        wait_at_most(fd, MOMENT_MS);
        more = hear(fd, NULL);
        assert_int_equal(buf_put(&r.got, buf_str(&more.got)), 0);
        r.ending = more.ending;
        buf_done(&more.got);
    }
    close(fd);
    return r;
}

/* ---- */

static void faults_look_on_the_wire_as_the_menu_says(void **state)
{
    static const struct {
        const char *model;
        bool stream;
        enum ending ending;
        const char *has, *has_not;
    } rows[] = {
        {"sim", true, STAYS, "data: [DONE]\n\n\r\n0\r\n\r\n", NULL},
        {"sim", false, STAYS, "one two three four fünf\"", "data:"},
        {"sim?silent", true, STAYS, NULL, "HTTP"},
        {"sim?headers-then-silence", true, STAYS, "event-stream", "data:"},
        {"sim?n-tokens-then-silence,after=2", true, STAYS, "\" two\"", "\" three\""},
        {"sim?refuse", true, RST, NULL, "HTTP"},
        {"sim?accept-then-close", true, FIN, NULL, "HTTP"},
        {"sim?cut-fin,after=2", true, FIN, "\" two\"", "\" three\""},
        {"sim?cut-fin", true, FIN, "connection: close", "chunked"},
        {"sim?cut-rst,after=2", true, RST, "\" two\"", "\" three\""},
        {"sim?cut-chunk,after=2", true, FIN, "chunked", "\" three\""},
        {"sim?cut-chunk", true, FIN, "\" three\"", "\r\n0\r\n"},
        {"sim?cut-fin", false, FIN, "content-length: ", "finish_reason"},
        {"sim?cut-rst", false, RST, "chat.completion", "finish_reason"},
        {"sim?no-done", true, STAYS, "\"finish_reason\":\"stop\"", "[DONE]"},
        {"sim?done-without-finish", true, STAYS, "data: [DONE]", "\"stop\""},
        {"sim?error-first", true, STAYS, "\r\ndata: {\"error\":{", "\"role\""},
        {"sim?lifecycle-then-error", true, STAYS, "\n\ndata: {\"error\":{", "\"one\""},
        {"sim?error-in-200", true, STAYS, "\r\n\r\n{\"error\":{", "data:"},
        {"sim?null", false, STAYS, "\r\n\r\nnull", NULL},
        {"sim?empty-stream", true, STAYS, "\r\n\r\n0\r\n\r\n", "data:"},
        {"sim?html", true, STAYS, "text/html", "data:"},
        {"sim?529", true, STAYS, "HTTP/1.1 529 ", "data:"},
        {"sim?retry-after-int,ra=7s", false, STAYS, "retry-after: 7\r\n", NULL},
        {"sim?retry-after-ms", false, STAYS, "retry-after-ms: 250\r\n", NULL},
        {"sim?retry-after-absent", false, STAYS, "HTTP/1.1 429 ", "retry-after: "},
        {"sim?bucket=2,window=1h", false, STAYS, "x-ratelimit-remaining-requests: 1\r\n", "429"},
        {"sim?bucket=2,window=1h", true, STAYS, "x-ratelimit-remaining-requests: 0\r\n", "429"},
        {"sim?bucket=2,window=1h", false, STAYS, "HTTP/1.1 429 ", "remaining-requests: 1"},
        {"sim?bucket=2", false, STAYS, "x-ratelimit-reset-requests: 1.000s\r\n", NULL},
        {"sim?wrong-length", false, FIN, "\"total_tokens\"", NULL},
        {"sim?sse-for-json", false, STAYS, "data: [DONE]", "chat.completion\""},
        {"sim?json-for-sse", true, STAYS, "application/json", "data:"},
        {"sim?gzip", false, STAYS, "content-encoding: gzip", NULL},
        {"sim?version-change", false, STAYS, "openai-version: 2099-01-01", NULL},
        {"sim?stale-keepalive", false, FIN, "\"total_tokens\"", "onnection: close"},
        {"sim?what", false, STAYS, "HTTP/1.1 400 ", NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        const char *until = rows[i].ending != STAYS ? THE_END : rows[i].has;
        struct reply r = call(rows[i].model, rows[i].stream, until);

        expect(&r, rows[i].model, rows[i].ending, rows[i].has, rows[i].has_not);
        buf_done(&r.got);
    }
}

/* The kernel joins what waits for a busy reader, so one undisturbed try of many has to do. */
static void R4_bytes_come_one_at_a_time(void **state)
{
    unsigned most = 0;

    (void)state;
    for (unsigned i = 0; i < 30 && most < 50; i++) {
        int fd = dial(PATIENCE_MS);
        struct reply r;

        ask(fd, "sim?split-every-byte", true, "any");
        r = hear(fd, THE_END);
        expect(&r, "split-every-byte", FIN, "data: [DONE]\n\n\r\n0\r\n\r\n", NULL);
        most = r.reads > most ? r.reads : most;
        close(fd);
        buf_done(&r.got);
    }
    assert_true(most >= 50);
}

static void R21_a_kept_connection_goes_stale(void **state)
{
    static const struct {
        const char *model;
        enum ending ending;
    } rows[] = {{"sim?stale-keepalive-fin", FIN}, {"sim?stale-keepalive-rst", RST}};

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        int fd = dial(PATIENCE_MS);
        struct reply first, second;

        ask(fd, rows[i].model, false, "any");
        first = hear(fd, "}}}");
        expect(&first, rows[i].model, STAYS, "HTTP/1.1 200", NULL);
        ask(fd, "sim", false, "any");
        second = hear(fd, NULL);
        expect(&second, rows[i].model, rows[i].ending, NULL, "HTTP");
        close(fd);
        buf_done(&first.got);
        buf_done(&second.got);
    }
}

static void R16_a_key_can_be_the_script(void **state)
{
    static const char *const keys[][2] = {{"dead-401", "HTTP/1.1 401 "},
                                          {"dead-402", "HTTP/1.1 402 "},
                                          {"dead-403", "HTTP/1.1 403 "},
                                          {"quota", "insufficient_quota"},
                                          {"alive", "HTTP/1.1 200 "}};

    (void)state;
    for (size_t i = 0; i < COUNTOF(keys); i++) {
        int fd = dial(PATIENCE_MS);
        struct reply r;

        ask(fd, "sim", false, keys[i][0]);
        r = hear(fd, "}}");
        expect(&r, keys[i][0], STAYS, keys[i][1], NULL);
        close(fd);
        buf_done(&r.got);
    }
}

static void flip_fails_first_and_then_never(void **state)
{
    static const char *const want[] = {"HTTP/1.1 500 ", "HTTP/1.1 500 ", "HTTP/1.1 200 ",
                                       "HTTP/1.1 200 "};

    (void)state;
    for (size_t i = 0; i < COUNTOF(want); i++) {
        struct reply r = call("sim?500,flip=2,tag=flip_test", false, want[i]);

        expect(&r, "flip", STAYS, want[i], NULL);
        buf_done(&r.got);
    }
}

static struct reply get(const char *line)
{
    int fd = dial(PATIENCE_MS);
    struct reply r;

    say(fd, line, "any", STR(""));
    r = hear(fd, "]\n");
    close(fd);
    return r;
}

static void R1_the_log_says_that_the_peer_left(void **state)
{
    int fd = dial(MOMENT_MS);
    struct reply r;

    (void)state;
    ask(fd, "sim?silent,tag=leaver", true, "sk-very-secret");
    r = hear(fd, NULL);
    expect(&r, "silent", STAYS, NULL, NULL);
    close(fd);
    for (unsigned i = 0; i < 1000; i++) { /* it has to hear of it first */
        r = get("GET /sim/log?model=sim%3Fsilent,tag%3Dleaver");
        if (has(&r, "\"peer_left\":true"))
            break;
        buf_done(&r.got);
    }
    expect(&r, "log", STAYS, "\"peer_left\":true", "very-secret");
    expect(&r, "log", STAYS, "\"status\":0", NULL);
    expect(&r, "log", STAYS, "\"path\":\"/v1/chat/completions\"", NULL);
    buf_done(&r.got);
}

static struct reply post_form(const char *path, const char *form)
{
    int fd = dial(PATIENCE_MS);
    struct reply r;
    char line[128];

    snprintf(line, sizeof(line), "POST %s", path);
    say(fd, line, "none", str_from(form));
    r = hear(fd, "}");
    close(fd);
    return r;
}

static void tokens_are_given_to_who_knows_the_secret(void **state)
{
#define FORM(secret)                                                                               \
    "grant_type=client_credentials&client_id=c&client_secret=" secret "&scope=https%3A%2F%2F"      \
    "cognitiveservices.azure.com%2F.default"
    static const struct {
        const char *path, *form, *has;
    } rows[] = {
        {"/t/oauth2/v2.0/token", FORM("good"), "\"expires_in\":3599,\"access_token\":\"eyJ"},
        {"/life-90/oauth2/v2.0/token", FORM("good"), "\"expires_in\":90,"},
        {"/t/oauth2/v2.0/token", FORM("wrong"), "HTTP/1.1 401 "},
        {"/t/oauth2/v2.0/token", FORM(""), "AADSTS7000215"},
        {"/t/oauth2/v2.0/token", "grant_type=password", "HTTP/1.1 400 "},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        struct reply r = post_form(rows[i].path, rows[i].form);

        expect(&r, rows[i].form, STAYS, rows[i].has, NULL);
        buf_done(&r.got);
    }
}

static void relayed_bytes_come_back_as_they_went(void **state)
{
    static char bytes[300000];
    struct reply r;
    int fd = dial(PATIENCE_MS);

    (void)state;
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)(i * 31 % 251);
    say(fd, "POST /v1/echo-body", "any", str_make(bytes, sizeof(bytes)));
    shutdown(fd, SHUT_WR);
    r = hear(fd, NULL);
    assert_true(r.got.len > sizeof(bytes));
    assert_memory_equal(r.got.ptr + r.got.len - sizeof(bytes), bytes, sizeof(bytes));
    buf_done(&r.got);
    close(fd);
    r = get("PUT /v1/files/f?x=1");
    expect(&r, "echo", STAYS, "\"method\":\"PUT\",\"path\":\"/v1/files/f?x=1\"", NULL);
    buf_done(&r.got);
}

static void R6_paced_events_come_at_their_time(void **state)
{
    uint64_t before = uv_hrtime(), took_ms;
    struct reply r = call("sim?ttft=60ms,gap=20ms,tokens=5", true, "0\r\n\r\n");

    (void)state;
    took_ms = (uv_hrtime() - before) / 1000000;
    expect(&r, "paced", STAYS, "[DONE]", NULL);
    assert_true(took_ms >= 135);
    buf_done(&r.got);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(faults_look_on_the_wire_as_the_menu_says),
        cmocka_unit_test(R4_bytes_come_one_at_a_time),
        cmocka_unit_test(R21_a_kept_connection_goes_stale),
        cmocka_unit_test(R16_a_key_can_be_the_script),
        cmocka_unit_test(flip_fails_first_and_then_never),
        cmocka_unit_test(R1_the_log_says_that_the_peer_left),
        cmocka_unit_test(tokens_are_given_to_who_knows_the_secret),
        cmocka_unit_test(relayed_bytes_come_back_as_they_went),
        cmocka_unit_test(R6_paced_events_come_at_their_time),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
