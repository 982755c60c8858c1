/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <yyjson.h>

#include "llm/sse.h"

#include "unit/llm/files.h"

/* ---- what was emitted, as text: "name|id|data\x1e" an event ---- */

static struct buf seen;

static void put(struct str s)
{
    assert_int_equal(buf_put(&seen, s), 0);
}

static void put_event(struct str name, struct str id, struct str data)
{
    put(name);
    put(STR("|"));
    put(id);
    put(STR("|"));
    put(data);
    put(STR("\x1e"));
}

static bool note(void *ctx, const struct sse_event *ev)
{
    (void)ctx;
    put_event(ev->name, ev->id, ev->data);
    return true;
}

/* Feed `text` in pieces of `size`, after a first one of `first`. */
static int feed(struct sse *s, struct str text, size_t first, size_t size, sse_event_fn *emit)
{
    size_t at = 0, n = first;
    int err = 0;

    while (at < text.len && err == 0) {
        char *piece; /* of its own, so that a byte too far is seen */

        n = n < text.len - at ? n : text.len - at;
        piece = malloc(n > 0 ? n : 1);
        assert_non_null(piece);
        memcpy(piece, text.ptr + at, n);
        err = sse_feed(s, str_make(piece, n), emit, NULL);
        free(piece);
        at += n;
        n = size;
    }
    return err;
}

static void check_cut(struct str text, struct str want, size_t first, size_t size)
{
    struct sse s = {.part.max = 0};

    seen.len = 0;
    assert_int_equal(feed(&s, text, first, size, note), 0);
    if (!str_eq(buf_str(&seen), want))
        fail_msg("cut at %zu, then by %zu: got \"%.*s\"", first, size, STR_ARG(buf_str(&seen)));
    sse_done(&s);
}

static void check_everywhere(struct str text, struct str want)
{
    check_cut(text, want, text.len, 1);
    for (size_t size = 1; size <= 7; size++)
        check_cut(text, want, size, size);
    for (size_t at = 0; at <= text.len; at++)
        check_cut(text, want, at, text.len);
}

/* ---- the vectors ---- */

static struct str base64(const char *text)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *out = malloc(strlen(text) + 1);
    size_t n = 0;
    uint32_t bits = 0;
    unsigned have = 0;

    assert_non_null(out);
    for (; *text != '\0' && *text != '='; text++) {
        bits = bits << 6 | (uint32_t)(strchr(digits, *text) - digits);
        have += 6;
        if (have >= 8) {
            have -= 8;
            out[n++] = (char)(bits >> have);
        }
    }
    return (struct str){out, n};
}

static struct str member(yyjson_val *object, const char *name)
{
    yyjson_val *v = yyjson_obj_get(object, name);

    return (struct str){yyjson_get_str(v), yyjson_get_len(v)};
}

static struct str expected_events(yyjson_val *vector)
{
    yyjson_val *event;
    size_t i, n;

    seen.len = 0;
    yyjson_arr_foreach(yyjson_obj_get(vector, "wpt_expect"), i, n, event)
        put_event(member(event, "event"), member(event, "id"), member(event, "data"));
    return (struct str){memcpy(malloc(seen.len + 1), seen.ptr, seen.len), seen.len};
}

static void R4_the_vectors_give_their_events_however_they_are_cut(void **state)
{
    struct str file = file_read("tests/data/sse/vectors.json");
    yyjson_doc *doc = yyjson_read(file.ptr, file.len, 0);
    yyjson_val *vector;
    size_t i, n;

    (void)state;
    assert_non_null(doc);
    assert_true(yyjson_arr_size(yyjson_doc_get_root(doc)) >= 14);
    yyjson_arr_foreach(yyjson_doc_get_root(doc), i, n, vector)
    {
        struct str text = base64(member(vector, "input_b64").ptr);
        struct str want = expected_events(vector);

        check_everywhere(text, want);
        file_free(want);
        file_free(text);
    }
    yyjson_doc_free(doc);
    file_free(file);
}

/* ---- our own ---- */

static void R4_small_streams_give_their_events_however_they_are_cut(void **state)
{
    static const struct {
        struct str text, events;
    } rows[] = {
        {STR_INIT("data: a\r\rdata: b\n\rdata: c\r\n\r\n"), STR_INIT("||a\x1e||b\x1e||c\x1e")},
        {STR_INIT("\r\n\n\r\rdata:1\r\r\n\n"), STR_INIT("||1\x1e")},
        {STR_INIT("\xef\xbb\xbf"
                  "data: x\n\n"),
         STR_INIT("||x\x1e")},
        {STR_INIT("\xef\xbb"
                  "data: x\n\ndata: y\n\n"),
         STR_INIT("||y\x1e")},
        {STR_INIT("id: a\0b\nid: 1\nid: c\0\ndata\n\n"), STR_INIT("|1|\x1e")},
        {STR_INIT("id: 1\nid\ndata: x\n\n"), STR_INIT("||x\x1e")},
        {STR_INIT("event: a\nevent: b\ndata: x\n\ndata: y\n\n"), STR_INIT("b||x\x1e||y\x1e")},
        {STR_INIT("event: lost\n\ndata: y\n\n"), STR_INIT("||y\x1e")},
        {STR_INIT(":c\n:\ndata: x\n:in\n: between\ndata: y\n\n:after\n\n"), STR_INIT("||x\ny\x1e")},
        {STR_INIT("data: [DONE]"), STR_INIT("")},
        {STR_INIT("data: x\ndata:  y \ndata\ndata:\n\n"), STR_INIT("||x\n y \n\n\x1e")},
        {STR_INIT("Data: x\n data: y\ndata : z\n\n"), STR_INIT("")},
        {STR_INIT("retry: 10\ndata: {\"a\":\"b:c\"}\n\n"), STR_INIT("||{\"a\":\"b:c\"}\x1e")},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++)
        check_everywhere(rows[i].text, rows[i].events);
}

/* ---- raw bytes ---- */

static struct buf raws;

static bool note_raw(void *ctx, const struct sse_event *ev)
{
    (void)ctx;
    assert_int_equal(buf_put(&raws, ev->raw), 0);
    put_event(ev->name, ev->id, ev->data);
    return true;
}

static void R44_raw_bytes_leave_out_only_what_belongs_to_no_event(void **state)
{
    struct str text =
        STR(":ping\n\n\nfoo: 1\ndata: x\n: inside\n\nid: 1\n\nevent: e\r\ndata:y\r\n\r\n");
    struct str kept = STR("foo: 1\ndata: x\n: inside\n\nevent: e\r\ndata:y\r\n\r\n");

    (void)state;
    for (size_t at = 0; at <= text.len; at++) {
        struct sse s = {.part.max = 0};

        raws.len = 0;
        assert_int_equal(feed(&s, text, at, text.len, note_raw), 0);
        if (at == text.len - 1) /* the LF behind a CR that ended an event: see sse.h */
            assert_true(str_eq(buf_str(&raws), str_make(kept.ptr, kept.len - 1)));
        else
            assert_true(str_eq(buf_str(&raws), kept));
        assert_int_equal(s.comments, 2);
        assert_int_equal(s.events, 2);
        sse_done(&s);
    }
}

static void R4_raw_bytes_read_again_give_the_same_events(void **state)
{
    struct str text = STR("data: a\r\ndata: b\r\n\r\nid: 7\rdata: c\r\rdata:d\n\r\n");

    (void)state;
    for (size_t at = 0; at <= text.len; at++) {
        struct sse s = {.part.max = 0}, again = {.part.max = 0};
        char first[64];
        size_t len;

        raws.len = seen.len = 0;
        assert_int_equal(feed(&s, text, at, 1, note_raw), 0);
        len = seen.len;
        memcpy(first, seen.ptr, len);
        seen.len = 0;
        assert_int_equal(feed(&again, buf_str(&raws), raws.len, 1, note), 0);
        assert_true(str_eq(buf_str(&seen), str_make(first, len)));
        sse_done(&s);
        sse_done(&again);
    }
}

static const char *fed_from, *fed_to;

static bool inside_what_was_fed(void *ctx, const struct sse_event *ev)
{
    (*(unsigned *)ctx)++;
    assert_true(ev->raw.ptr >= fed_from && ev->raw.ptr + ev->raw.len <= fed_to);
    assert_true(ev->data.ptr >= fed_from && ev->data.ptr + ev->data.len <= fed_to);
    return true;
}

static void whole_events_are_not_copied(void **state)
{
    struct str text = STR("data: a\n\ndata: b\r\n\r\ndata: c");
    struct sse s = {.part.max = 0};
    unsigned events = 0;

    (void)state;
    fed_from = text.ptr;
    fed_to = text.ptr + text.len;
    assert_int_equal(sse_feed(&s, text, inside_what_was_fed, &events), 0);
    assert_int_equal(events, 2);
    assert_int_equal(sse_partial(&s), 7);
    sse_done(&s);
}

/* ---- limits ---- */

static void an_event_over_the_max_is_refused_wherever_it_is_cut(void **state)
{
    static const struct {
        struct str text;
        int result; /* of a max of 12 */
    } rows[] = {
        {STR_INIT("data:5678\n\n"), 0},
        {STR_INIT("data:56789\n\n"), -ENOBUFS},
        {STR_INIT("data:567890a"), -ENOBUFS},
        {STR_INIT("data:1\n\n\n\ndata:2\n\n:234567890\ndata:3\n\n"), 0},
        {STR_INIT(":2345678901\n\n"), -ENOBUFS},
        {STR_INIT("data:567\r\n\r\n"), 0},
        {STR_INIT("data:5678\r\n\r\n"), -ENOBUFS},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        for (size_t at = 0; at <= rows[i].text.len; at++) {
            struct sse s = {.part.max = 12};

            seen.len = 0;
            assert_int_equal(feed(&s, rows[i].text, at, at % 3 + 1, note), rows[i].result);
            sse_done(&s);
        }
    }
}

static bool stop(void *ctx, const struct sse_event *ev)
{
    (void)ev;
    return ++*(unsigned *)ctx < 2;
}

static void a_reader_that_has_enough_stops_the_stream(void **state)
{
    struct sse s = {.part.max = 0};
    unsigned events = 0;

    (void)state;
    assert_int_equal(sse_feed(&s, STR("data:1\n\ndata:2\n\ndata:3\n\n"), stop, &events),
                     -ECANCELED);
    assert_int_equal(events, 2);
    sse_done(&s);
}

static void an_idle_stream_keeps_no_large_buffer(void **state)
{
    static char big[100000];
    struct sse s = {.part.max = 0};

    (void)state;
    memset(big, 'x', sizeof(big));
    memcpy(big, "data:", 5);
    seen.len = 0;
    assert_int_equal(sse_feed(&s, str_make(big, sizeof(big)), note, NULL), 0);
    assert_int_equal(sse_partial(&s), sizeof(big));
    assert_int_equal(sse_feed(&s, STR("\n\n"), note, NULL), 0);
    assert_int_equal(seen.len, sizeof(big) - 5 + 3);
    assert_int_equal(s.part.cap, 0);
    sse_done(&s);
}

static int free_buffers(void **state)
{
    (void)state;
    buf_done(&seen);
    buf_done(&raws);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(R4_the_vectors_give_their_events_however_they_are_cut),
        cmocka_unit_test(R4_small_streams_give_their_events_however_they_are_cut),
        cmocka_unit_test(R44_raw_bytes_leave_out_only_what_belongs_to_no_event),
        cmocka_unit_test(R4_raw_bytes_read_again_give_the_same_events),
        cmocka_unit_test(whole_events_are_not_copied),
        cmocka_unit_test(an_event_over_the_max_is_refused_wherever_it_is_cut),
        cmocka_unit_test(a_reader_that_has_enough_stops_the_stream),
        cmocka_unit_test(an_idle_stream_keeps_no_large_buffer),
    };

    return cmocka_run_group_tests(tests, NULL, free_buffers);
}
