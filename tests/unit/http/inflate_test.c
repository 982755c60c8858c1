/* SPDX-License-Identifier: Apache-2.0 */
#include "http/inflate.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <zlib.h>

#include "base/buf.h"

#define TEXT_BYTES 100000u

static bool collect(void *ctx, struct str bytes)
{
    return buf_put(ctx, bytes) == 0;
}

static bool stop(void *ctx, struct str bytes)
{
    (void)ctx;
    (void)bytes;
    return false;
}

static size_t deflate_text(const char *text, size_t n, int window_bits, unsigned char *out,
                           size_t max)
{
    z_stream z = {0};

    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (z_const Bytef *)(uintptr_t)text;
    z.avail_in = (uInt)n;
    z.next_out = out;
    z.avail_out = (uInt)max;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    deflateEnd(&z);
    return max - z.avail_out;
}

static void feed_in_pieces(const char *encoding, int window_bits, size_t piece)
{
    static char text[TEXT_BYTES];
    static unsigned char coded[TEXT_BYTES];
    struct buf out = {0};
    struct http_inflate *z;
    size_t n;

    for (size_t i = 0; i < TEXT_BYTES; i++)
        text[i] = (char)('a' + i * i % 23);
    n = deflate_text(text, TEXT_BYTES, window_bits, coded, sizeof(coded));
    assert_int_equal(http_inflate_new(str_from(encoding), &z), 0);
    for (size_t at = 0; at < n; at += piece) {
        struct str s = {(const char *)coded + at, n - at < piece ? n - at : piece};

        assert_int_equal(http_inflate_feed(z, s, collect, &out), 0);
    }
    assert_true(http_inflate_ended(z));
    assert_int_equal(out.len, TEXT_BYTES);
    assert_memory_equal(out.ptr, text, TEXT_BYTES);
    http_inflate_free(z);
    buf_done(&out);
}

static void R64_gzip_and_deflate_are_undone_however_they_are_cut(void **state)
{
    (void)state;
    feed_in_pieces("gzip", 15 + 16, 1);
    feed_in_pieces("X-Gzip", 15 + 16, 100000);
    feed_in_pieces("deflate", 15, 7);
}

static void nothing_to_undo_is_no_coder(void **state)
{
    struct http_inflate *z;

    (void)state;
    assert_int_equal(http_inflate_new(STR(""), &z), 0);
    assert_null(z);
    assert_int_equal(http_inflate_new(STR(" identity "), &z), 0);
    assert_null(z);
    assert_int_equal(http_inflate_new(STR("br"), &z), -EINVAL);
}

static void garbage_and_what_follows_the_end_are_errors(void **state)
{
    unsigned char coded[100];
    struct buf out = {0};
    struct http_inflate *z;
    size_t n = deflate_text("hello", 5, 15 + 16, coded, sizeof(coded));

    (void)state;
    assert_int_equal(http_inflate_new(STR("gzip"), &z), 0);
    assert_int_equal(http_inflate_feed(z, STR("<html>"), collect, &out), -EPROTO);
    http_inflate_free(z);
    assert_int_equal(http_inflate_new(STR("gzip"), &z), 0);
    coded[n] = 'x';
    assert_int_equal(http_inflate_feed(z, str_make((char *)coded, n + 1), collect, &out), -EPROTO);
    http_inflate_free(z);
    buf_done(&out);
}

static void the_reader_can_stop(void **state)
{
    unsigned char coded[100];
    struct http_inflate *z;
    size_t n = deflate_text("hello", 5, 15 + 16, coded, sizeof(coded));

    (void)state;
    assert_int_equal(http_inflate_new(STR("gzip"), &z), 0);
    assert_int_equal(http_inflate_feed(z, str_make((char *)coded, n), stop, NULL), -ECANCELED);
    http_inflate_free(z);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(R64_gzip_and_deflate_are_undone_however_they_are_cut),
        cmocka_unit_test(nothing_to_undo_is_no_coder),
        cmocka_unit_test(garbage_and_what_follows_the_end_are_errors),
        cmocka_unit_test(the_reader_can_stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
