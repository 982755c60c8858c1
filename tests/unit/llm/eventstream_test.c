/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>

#include "llm/eventstream.h"

#include "unit/llm/eventstream_frame.h"

#define MAX 4096u

/* "event|exception type payload\n" of each message */
static bool note(void *ctx, const struct eventstream_message *m)
{
    assert_int_equal(buf_printf(ctx, "%s %.*s %.*s\n", m->failure ? "failure" : "event",
                                STR_ARG(m->type), STR_ARG(m->payload)),
                     0);
    return true;
}

/* Fed in pieces of `size`, after a first one of `first`; *out is what was told. */
static int feed(struct str stream, size_t first, size_t size, struct buf *out)
{
    struct buf part = {.max = MAX};
    size_t n = first, at = 0;
    int err = 0;

    out->len = 0;
    for (; at < stream.len && err == 0; n = size) {
        n = n < stream.len - at ? n : stream.len - at;
        err = eventstream_feed(&part, str_make(stream.ptr + at, n), note, out);
        at += n;
    }
    buf_done(&part);
    assert_int_equal(buf_put(out, str_make("", 1)), 0);
    return err;
}

static void all_types_of_headers(struct buf *out)
{
    struct buf headers = {.max = 0};

    frame_put(&headers, STR("\001a\000"));
    frame_put(&headers, STR("\001b\001"));
    frame_put(&headers, STR("\001c\002x"));
    frame_put(&headers, STR("\001d\003xx"));
    frame_put(&headers, STR("\001e\004xxxx"));
    frame_put(&headers, STR("\001f\005xxxxxxxx"));
    frame_put(&headers, STR("\001g\006\000\003xxx"));
    frame_header(&headers, ":event-type", STR("typed"));
    frame_put(&headers, STR("\001h\010xxxxxxxx"));
    frame_put(&headers, STR("\001i\011xxxxxxxxxxxxxxxx"));
    frame_message(out, buf_str(&headers), STR("{}"));
    buf_done(&headers);
}

static void error_message(struct buf *out)
{
    struct buf headers = {.max = 0};

    frame_header(&headers, ":message-type", STR("error"));
    frame_header(&headers, ":error-code", STR("InternalError"));
    frame_header(&headers, ":error-message", STR("it broke"));
    frame_message(out, buf_str(&headers), STR(""));
    buf_done(&headers);
}

static void a_stream(struct buf *out)
{
    frame_named(out, "event", STR("messageStart"), STR("{\"role\":\"assistant\"}"));
    all_types_of_headers(out);
    frame_message(out, STR(""), STR("")); /* the least there is */
    frame_named(out, "event", STR("empty"), STR(""));
    frame_named(out, "exception", STR("throttlingException"), STR("{\"message\":\"no\"}"));
    error_message(out);
}

#define TOLD                                                                                       \
    "event messageStart {\"role\":\"assistant\"}\nevent typed {}\nevent  \nevent empty \n"         \
    "failure throttlingException {\"message\":\"no\"}\nfailure InternalError it broke\n"

static void a_stream_is_cut_into_messages_wherever_it_was_cut(void **state)
{
    struct buf stream = {.max = 0}, out = {.max = 0};

    (void)state;
    a_stream(&stream);
    assert_int_equal(feed(buf_str(&stream), stream.len, 1, &out), 0);
    assert_string_equal(out.ptr, TOLD);
    for (size_t size = 1; size < 24; size++) {
        assert_int_equal(feed(buf_str(&stream), size, size, &out), 0);
        assert_string_equal(out.ptr, TOLD);
    }
    for (size_t first = 1; first < stream.len; first++) {
        assert_int_equal(feed(buf_str(&stream), first, stream.len, &out), 0);
        assert_string_equal(out.ptr, TOLD);
    }
    buf_done(&stream);
    buf_done(&out);
}

/* Whichever bit it is: nothing of the message it is in is told, and nothing behind it. */
static void a_bit_that_has_changed_is_found(void **state)
{
    struct buf stream = {.max = 0}, out = {.max = 0};
    size_t end;

    (void)state;
    frame_named(&stream, "event", STR("a"), STR("{\"b\":1}"));
    end = stream.len;
    frame_named(&stream, "event", STR("c"), STR("{}"));
    for (size_t bit = 0; bit < 8 * end; bit++) {
        char *byte = stream.ptr + bit / 8;

        *byte = (char)(*byte ^ (1 << bit % 8));
        assert_int_equal(feed(buf_str(&stream), stream.len, 1, &out), -EBADMSG);
        assert_string_equal(out.ptr, "");
        assert_int_equal(feed(buf_str(&stream), 1, 1, &out), -EBADMSG);
        assert_string_equal(out.ptr, "");
        *byte = (char)(*byte ^ (1 << bit % 8));
    }
    buf_done(&stream);
    buf_done(&out);
}

/* A checksum that is right proves nothing of what it is over. */
static void what_is_no_message_is_refused(void **state)
{
    static const struct {
        const char *what;
        struct str headers;
    } rows[] = {
        {"a name that is cut", STR_INIT("\005ab")},
        {"a name without a type", STR_INIT("\002ab")},
        {"a type that is none", STR_INIT("\001a\012")},
        {"a type below all", STR_INIT("\001a\377")},
        {"a length that is cut", STR_INIT("\001a\007\000")},
        {"a text that is cut", STR_INIT("\001a\007\000\005abcd")},
        {"a number that is cut", STR_INIT("\001a\010xxxxxxx")},
    };
    static const uint32_t lengths[][2] = {{15, 0}, {0, 0}, {16, 1}, {20, 0xffffffff}};
    struct buf stream = {.max = 0}, out = {.max = 0};

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        stream.len = 0;
        frame_message(&stream, rows[i].headers, STR(""));
        if (feed(buf_str(&stream), stream.len, 1, &out) != -EBADMSG)
            fail_msg("%s", rows[i].what);
    }
    for (size_t i = 0; i < COUNTOF(lengths); i++) {
        char text[32] = {0};

        frame_u32(text, lengths[i][0]);
        frame_u32(text + 4, lengths[i][1]);
        frame_u32(text + 8, frame_crc(text, 8));
        assert_int_equal(feed(str_make(text, sizeof(text)), sizeof(text), 1, &out), -EBADMSG);
    }
    buf_done(&stream);
    buf_done(&out);
}

static void a_message_has_a_maximum_that_its_prelude_is_held_to(void **state)
{
    struct buf stream = {.max = 0}, out = {.max = 0}, payload = {.max = 0};

    (void)state;
    while (payload.len < MAX - 16)
        frame_put(&payload, STR("x"));
    frame_message(&stream, STR(""), buf_str(&payload));
    assert_int_equal(feed(buf_str(&stream), stream.len, 1, &out), 0);
    assert_int_equal(feed(buf_str(&stream), 100, 100, &out), 0);
    frame_put(&payload, STR("x"));
    stream.len = 0;
    frame_message(&stream, STR(""), buf_str(&payload));
    assert_int_equal(feed(buf_str(&stream), stream.len, 1, &out), -ENOBUFS);
    assert_int_equal(feed(str_make(stream.ptr, 12), 12, 1, &out), -ENOBUFS);
    assert_int_equal(feed(str_make(stream.ptr, 12), 1, 1, &out), -ENOBUFS);
    buf_done(&stream);
    buf_done(&out);
    buf_done(&payload);
}

static void a_message_that_never_ends_is_not_told(void **state)
{
    struct buf stream = {.max = 0}, out = {.max = 0}, part = {.max = MAX};

    (void)state;
    frame_named(&stream, "event", STR("a"), STR("{}"));
    for (size_t n = 1; n < stream.len; n++) {
        assert_int_equal(eventstream_feed(&part, str_make(stream.ptr, n), note, &out), 0);
        assert_int_equal(out.len, 0);
        assert_int_equal(part.len, n);
        part.len = 0;
    }
    buf_done(&stream);
    buf_done(&out);
    buf_done(&part);
}

static bool stop(void *ctx, const struct eventstream_message *m)
{
    (void)m;
    ++*(unsigned *)ctx;
    return false;
}

static void one_who_has_heard_enough_stops_it(void **state)
{
    struct buf stream = {.max = 0}, part = {.max = MAX};
    unsigned told = 0;

    (void)state;
    a_stream(&stream);
    assert_int_equal(eventstream_feed(&part, buf_str(&stream), stop, &told), -ECANCELED);
    assert_int_equal(told, 1);
    buf_done(&stream);
    buf_done(&part);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stream_is_cut_into_messages_wherever_it_was_cut),
        cmocka_unit_test(a_bit_that_has_changed_is_found),
        cmocka_unit_test(what_is_no_message_is_refused),
        cmocka_unit_test(a_message_has_a_maximum_that_its_prelude_is_held_to),
        cmocka_unit_test(a_message_that_never_ends_is_not_told),
        cmocka_unit_test(one_who_has_heard_enough_stops_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
