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

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_length_has_its_padding)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
