/* Bytes as base64; the rows are those of RFC 4648, 10. SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/base64.h"
#include "base/str.h"

static void every_length_has_its_padding(void **state)
{
    static const struct {
        const char *bytes, *text;
    } rows[] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
        {"\xff\xef\xbe", "/+++"},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        unsigned char bytes[8];
        char text[16];
        size_t n = strlen(rows[i].bytes), len;

        memcpy(bytes, rows[i].bytes, n + 1);
        len = base64_write(bytes, n, text);
        assert_int_equal(len, BASE64_LEN(n));
        assert_true(str_eq(str_make(text, len), str_from(rows[i].text)));
    }
}

static bool reads_as(const char *text, const char *bytes)
{
    unsigned char to[16];
    ptrdiff_t n = base64_read(text, strlen(text), to);

    return n == (ptrdiff_t)strlen(bytes) && memcmp(to, bytes, (size_t)n) == 0;
}

static void either_alphabet_is_read_padded_or_not(void **state)
{
    static const char *const rows[][2] = {
        {"", ""},
        {"Zg==", "f"},
        {"Zg", "f"},
        {"Zm8=", "fo"},
        {"Zm8", "fo"},
        {"Zm9v", "foo"},
        {"Zm9vYg", "foob"},
        {"Zm9vYmFy", "foobar"},
        {"/+++", "\xff\xef\xbe"},
        {"_---", "\xff\xef\xbe"},
    };
    static const char *const bad[] = {"Z", "Zm9vY", "Zm9v!g==", "Zm=v", "====", "Zg==Zg==", "Zm 9"};
    unsigned char to[16];

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++)
        assert_true(reads_as(rows[i][0], rows[i][1]));
    for (size_t i = 0; i < COUNTOF(bad); i++)
        assert_int_equal(base64_read(bad[i], strlen(bad[i]), to), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_length_has_its_padding),
                                       cmocka_unit_test(either_alphabet_is_read_padded_or_not)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
