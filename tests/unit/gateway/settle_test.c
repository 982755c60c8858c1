/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/gateway/exchange_fixture.h"

#include <sys/mman.h>
#include <unistd.h>
#include <yyjson.h>

#include "gateway/settle.h"

static struct fixture f;
static char line[16384]; /* of the access log */

static int setup(void **state)
{
    (void)state;
    open_fixture(&f, "retry: { attempts: 100, initial: 1ms, jitter: 0 }\n"
                     "providers:\n"
                     "  one: { base_url: \"http://one.test/v1\" }\n"
                     "keys: [ { name: shop, key: sk-shop-12345678 } ]\n"
                     "models:\n"
                     "  chat: { targets: [ one/m ] }\n");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    close_fixture(&f);
    return 0;
}

/* The line of the exchange as it stands, parsed; to be freed. */
static yyjson_doc *logged(void)
{
    int fd = memfd_create("access", MFD_CLOEXEC);
    struct log_settings s = {LOG_ERROR, STDERR_FILENO, NULL, fd, 1 << 16};
    yyjson_doc *doc;
    ssize_t n;

    assert_int_equal(log_start(&s), 0);
    settle_log(f.x);
    log_stop();
    n = pread(fd, line, sizeof(line) - 1, 0);
    close(fd);
    assert_in_range(n, 2, 1024); /* R61 */
    assert_int_equal(line[n - 1], '\n');
    line[n - 1] = '\0';
    assert_null(strchr(line, '\n'));
    doc = yyjson_read(line, (size_t)n - 1, 0);
    if (doc == NULL)
        fail_msg("not JSON: %s", line);
    return doc;
}

static yyjson_val *member(yyjson_doc *doc, const char *name)
{
    yyjson_val *v = yyjson_obj_get(yyjson_doc_get_root(doc), name);

    if (v == NULL)
        fail_msg("no %s in %s", name, line);
    return v;
}

static const char *text_of(yyjson_doc *doc, const char *name)
{
    return yyjson_get_str(member(doc, name));
}

static void who(void)
{
    f.x->principal = &f.conf->keys[0];
}

static void a_line_says_what_happened(void **state)
{
    yyjson_doc *doc;
    yyjson_val *v;

    (void)state;
    arrive(&f, "POST", CHAT, "authorization: Bearer sk-shop-12345678\n");
    f.call.body = STR("{\"model\":\"chat\",\"messages\":[{}]}");
    f.call.bytes_in = 31;
    f.x->body_ready = true;
    pipeline_start(f.x, f.x->surface->stages);
    refuses(&f, 503, "", "busy");
    while (f.x->backing_off)
        pass_ms(&f, waits_ms(&f));
    answers(&f);
    doc = logged();
    assert_string_equal(text_of(doc, "id"), "req_1");
    assert_string_equal(text_of(doc, "principal"), "shop");
    assert_string_equal(text_of(doc, "peer"), "192.0.2.7");
    assert_string_equal(text_of(doc, "surface"), "chat");
    assert_string_equal(text_of(doc, "model"), "chat");
    assert_string_equal(text_of(doc, "outcome"), "ok");
    assert_int_equal(yyjson_get_int(member(doc, "status")), 200);
    assert_false(yyjson_get_bool(member(doc, "stream")));
    assert_int_equal(strlen(text_of(doc, "time")), strlen("2026-01-31T12:00:00.123Z"));
    assert_int_equal(yyjson_get_int(member(doc, "bytes_in")), 31);
    assert_true(yyjson_is_num(member(doc, "ttft_ms")) && yyjson_is_num(member(doc, "total_ms")));
    assert_true(yyjson_is_num(member(doc, "overhead_us")));
    v = member(doc, "tokens");
    assert_string_equal(yyjson_get_str(yyjson_obj_get(v, "source")), "reported");
    assert_int_equal(yyjson_get_int(yyjson_obj_get(v, "prompt")), 3);
    assert_int_equal(yyjson_get_int(yyjson_obj_get(v, "completion")), 1);
    assert_int_equal(yyjson_get_int(member(doc, "calls")), 2);
    v = member(doc, "attempts");
    assert_int_equal(yyjson_arr_size(v), 2);
    v = yyjson_arr_get(v, 0);
    assert_string_equal(yyjson_get_str(yyjson_obj_get(v, "target")), "one");
    assert_string_equal(yyjson_get_str(yyjson_obj_get(v, "outcome")), "upstream_overloaded");
    assert_int_equal(yyjson_get_int(yyjson_obj_get(v, "status")), 503);
    yyjson_doc_free(doc);
}

static void R2_what_is_not_known_is_not_made_up(void **state)
{
    yyjson_doc *doc;

    (void)state;
    arrive(&f, "POST", CHAT, "");
    pipeline_start(f.x, f.x->surface->stages); /* no key: refused */
    assert_int_equal(f.call.status, 401);
    doc = logged();
    assert_string_equal(text_of(doc, "principal"), "-");
    assert_string_equal(text_of(doc, "outcome"), "invalid_api_key");
    assert_string_equal(yyjson_get_str(yyjson_obj_get(member(doc, "tokens"), "source")), "absent");
    assert_null(yyjson_obj_get(member(doc, "tokens"), "prompt"));
    assert_null(yyjson_obj_get(yyjson_doc_get_root(doc), "ttft_ms"));
    assert_int_equal(yyjson_arr_size(member(doc, "attempts")), 0);
    yyjson_doc_free(doc);
}

static void R2_who_left_before_a_status_has_499(void **state)
{
    yyjson_doc *doc;

    (void)state;
    arrive(&f, "POST", CHAT, "authorization: Bearer sk-shop-12345678\n");
    pipeline_start(f.x, f.x->surface->stages);
    leaves(&f);
    doc = logged();
    assert_int_equal(yyjson_get_int(member(doc, "status")), 499);
    assert_string_equal(text_of(doc, "outcome"), "client_closed_request");
    yyjson_doc_free(doc);
}

/* The server answered for want of memory, whatever we had meant to say. */
static void R63_what_the_client_was_told_is_what_is_counted(void **state)
{
    yyjson_doc *doc;

    (void)state;
    arrive(&f, "POST", CHAT, "authorization: Bearer sk-shop-12345678\n");
    f.call.body = STR("{\"model\":\"chat\",\"messages\":[{}]}");
    f.x->body_ready = true;
    pipeline_start(f.x, f.x->surface->stages);
    f.call.full = true;
    answers(&f);
    doc = logged();
    assert_string_equal(text_of(doc, "outcome"), "gateway_overloaded");
    yyjson_doc_free(doc);
    assert_int_equal(f.x->records[0].fault, FAULT_NONE); /* the target did well */
}

/* Nothing a client sends makes a line too long or breaks it. */
static void R61_a_line_is_bounded_and_always_json(void **state)
{
    static const char patterns[] = {'a', '"', '\\', '\n', '\x01', '\x7f', '\xff', '\xc3'};
    static char name[4096];

    (void)state;
    for (size_t i = 0; i < COUNTOF(patterns); i++) {
        for (size_t len = 1; len < sizeof(name); len = len * 3 + 1) {
            yyjson_doc *doc;

            arrive(&f, "POST", CHAT, "");
            who();
            memset(name, patterns[i], len);
            f.x->request_id = str_make(name, len < REQUEST_ID_MAX ? len : REQUEST_ID_MAX);
            f.x->req.model = str_make(name, len);
            f.x->fault = FAULT_BAD_REQUEST;
            doc = logged();
            assert_non_null(member(doc, "attempts"));
            assert_int_equal(yyjson_get_int(member(doc, "calls")), 0);
            yyjson_doc_free(doc);
        }
    }
}

static void R61_of_many_attempts_the_first_are_listed_and_all_are_counted(void **state)
{
    static struct attempt_record records[80];
    yyjson_doc *doc;

    (void)state;
    for (size_t i = 0; i < COUNTOF(records); i++)
        records[i] = (struct attempt_record){.target = &f.conf->models[0].targets[0],
                                             .fault = FAULT_KEYS_EXHAUSTED,
                                             .status = 999,
                                             .ms = UINT32_MAX};
    for (uint32_t n = 0; n <= COUNTOF(records); n += n < 10 ? 1 : 10) {
        arrive(&f, "POST", CHAT, "");
        f.x->request_id = STR("\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01");
        f.x->records = records;
        f.x->records_count = n;
        doc = logged();
        assert_int_equal(yyjson_get_int(member(doc, "calls")), n);
        assert_in_range(yyjson_arr_size(member(doc, "attempts")), n < 4 ? n : 4, n < 8 ? n : 8);
        yyjson_doc_free(doc);
    }
}

static void an_exchange_is_counted_when_it_ends(void **state)
{
    const struct series *s = &f.gw.series;

    (void)state;
    arrive(&f, "POST", CHAT, "authorization: Bearer sk-shop-12345678\n");
    metric_gauge(f.gl.shard, s->in_flight, 1);
    f.call.body = STR("{\"model\":\"chat\",\"messages\":[{}]}");
    f.x->body_ready = true;
    pipeline_start(f.x, f.x->surface->stages);
    assert_int_equal(metric_value(f.metrics, s->requests[SURFACE_CHAT][FAULT_NONE]), 0);
    answers(&f);
    assert_int_equal(metric_value(f.metrics, s->in_flight), 0);
    assert_int_equal(metric_value(f.metrics, s->requests[SURFACE_CHAT][FAULT_NONE]), 1);
    assert_int_equal(metric_value(f.metrics, s->tokens_prompt), 3);
    assert_int_equal(metric_value(f.metrics, s->tokens_completion), 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_line_says_what_happened),
        TEST(R2_what_is_not_known_is_not_made_up),
        TEST(R2_who_left_before_a_status_has_499),
        TEST(R63_what_the_client_was_told_is_what_is_counted),
        TEST(R61_a_line_is_bounded_and_always_json),
        TEST(R61_of_many_attempts_the_first_are_listed_and_all_are_counted),
        TEST(an_exchange_is_counted_when_it_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
