/* The simulator's small parts: wheel, gzip, tally, journal, text.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "sim/gzip.h"
#include "sim/journal.h"
#include "sim/tally.h"
#include "sim/text.h"
#include "sim/wheel.h"

struct alarm_entry {
    struct wheel_entry entry;
    struct wheel *wheel;
    uint64_t fired_ms;
    unsigned fired, again;
};

static void on_fire(struct wheel_entry *e)
{
    struct alarm_entry *a = CONTAINER_OF(e, struct alarm_entry, entry);

    a->fired_ms = loop_now_ms(a->wheel->loop);
    a->fired++;
    if (a->again > 0) {
        a->again--;
        wheel_add(a->wheel, e, 0);
    }
}

static void on_wheel_closed(struct wheel *w)
{
    w->loop = NULL;
}

static void entries_fire_once_and_never_early(void **state)
{
    static const uint64_t waits[] = {0, 1, 5, 5, 63, 64, 1500};
    struct alarm_entry alarms[COUNTOF(waits)] = {{.fired = 0}}, removed = {.fired = 0};
    struct wheel w;
    struct loop l;
    uint64_t start;

    (void)state;
    assert_int_equal(loop_init(&l, 0), 0);
    wheel_open(&w, &l);
    start = loop_now_ms(&l);
    for (size_t i = 0; i < COUNTOF(waits); i++) {
        alarms[i].wheel = &w;
        alarms[i].entry.fire = on_fire;
        wheel_add(&w, &alarms[i].entry, start + waits[i]);
    }
    alarms[0].again = 3;
    removed.wheel = &w;
    removed.entry.fire = on_fire;
    wheel_add(&w, &removed.entry, start + 2);
    wheel_remove(&removed.entry);
    while (alarms[COUNTOF(waits) - 1].fired == 0)
        uv_run(&l.uv, UV_RUN_ONCE);
    for (size_t i = 0; i < COUNTOF(waits); i++) {
        assert_int_equal(alarms[i].fired, i == 0 ? 4 : 1);
        assert_true(alarms[i].fired_ms >= start + waits[i] || i == 0);
    }
    assert_int_equal(removed.fired, 0);
    wheel_close(&w, on_wheel_closed);
    loop_done(&l);
    assert_null(w.loop);
}

static void gzip_has_the_published_checksum(void **state)
{
    /* CRC-32 of "123456789" is cbf43926 (the check value of the catalogue of CRC algorithms). */
    static const char tail[] = "\x01\0\0\xff\xff\x26\x39\xf4\xcb\x09\0\0\0";
    struct gzip g = {0};
    struct out o = {0};

    (void)state;
    gzip_put(&g, STR("1234"), &o);
    gzip_put(&g, STR("56789"), &o);
    gzip_end(&g, &o);
    assert_memory_equal(o.buf.ptr, "\x1f\x8b\x08", 3);
    assert_memory_equal(o.buf.ptr + o.buf.len - 13, tail, 13);
    assert_int_equal(o.buf.len + 0, gzip_size(9) + 5); /* two pieces: one block more */
    buf_done(&o.buf);
}

static void names_are_counted_apart(void **state)
{
    static struct tally t;

    (void)state;
    assert_int_equal(tally_init(&t), 0);
    assert_int_equal(tally_next(&t, STR("a")), 1);
    assert_int_equal(tally_next(&t, STR("b")), 1);
    assert_int_equal(tally_next(&t, STR("a")), 2);
    tally_clear(&t);
    assert_int_equal(tally_next(&t, STR("a")), 1);
    for (unsigned i = 0; i < TALLY_NAMES; i++)
        (void)tally_next(&t, str_make((const char *)&i, sizeof(i)));
    assert_true(tally_next(&t, STR("one too many")) == UINT64_MAX);
    assert_int_equal(tally_next(&t, STR("a")), 2);
    tally_done(&t);
}

static void a_bucket_is_full_again_when_its_window_is_over(void **state)
{
    static struct tally t;
    struct tally_bucket b;

    (void)state;
    assert_int_equal(tally_init(&t), 0);
    for (uint64_t left = 3; left-- > 0;) {
        b = tally_take(&t, 5, 3, 1000, 7000 + left);
        assert_int_equal(b.left, left);
        assert_false(b.over);
    }
    assert_int_equal(b.reset_ms, 1002); /* from its first request on, at 7002 */
    b = tally_take(&t, 5, 3, 1000, 8001);
    assert_true(b.over && b.left == 0 && b.reset_ms == 1);
    assert_false(tally_take(&t, 7, 3, 1000, 8001).over); /* another's */
    b = tally_take(&t, 5, 3, 1000, 8002);
    assert_true(!b.over && b.left == 2 && b.reset_ms == 1000);
    tally_done(&t);
}

static void a_text_echoes_every_byte_of_what_was_said(void **state)
{
    static const char *const texts[] = {
        "", " ", "a", " a", "a ", "  two  words\n", "one\ttwo", "\xe4\xbd\xa0 \xe5\xa5\xbd"};

    (void)state;
    for (size_t i = 0; i < COUNTOF(texts); i++) {
        struct str said = str_from(texts[i]);
        struct out whole = {0}, pieces = {0};
        struct sim_text t;

        out_escape(&whole, said);
        sim_text_echo(&t, said);
        while (t.at < t.count)
            sim_text_take(&t, &pieces);
        assert_true(str_eq(out_str(&whole), out_str(&pieces)));
        buf_done(&whole.buf);
        buf_done(&pieces.buf);
    }
}

static void pieces_have_the_size_that_was_ordered(void **state)
{
    struct sim_text t;
    struct out o = {0};

    (void)state;
    sim_text_generate(&t, 1, 3, 5000);
    for (unsigned i = 1; i <= 3; i++) {
        sim_text_take(&t, &o);
        assert_int_equal(o.buf.len, i * 5000);
    }
    buf_done(&o.buf);
}

static void the_journal_keeps_the_last_and_hides_credentials(void **state)
{
    struct http_field fields[] = {{STR("Authorization"), STR("Bearer sk-secret")},
                                  {STR("X-Odd"), STR("a\"\xff")}};
    struct http_fields all = {.at = fields, .count = 2, .cap = 2};
    struct journal_request r = {.method = STR("POST"), .target = STR("/v1/x"), .fields = &all};
    struct journal_filter f = {.model = STR("wanted")};
    struct journal *j = journal_new();
    struct out o = {0}, scratch = {0};

    (void)state;
    for (unsigned i = 0; i < JOURNAL_ENTRIES + 5; i++) {
        r.model = i % 1000 == 7 ? STR("wanted") : STR("other");
        assert_int_equal(journal_begin(j, &r, &scratch), i + 1);
    }
    journal_end(j, 8, &(struct journal_end){.status = 200, .bytes = 1}); /* wanted, kept */
    journal_end(j, 1, &(struct journal_end){.status = 599});             /* overwritten */
    journal_write(j, &f, &o);
    assert_true(str_starts(out_str(&o), STR("[\n{\"seq\":8,")));
    assert_non_null(str_find(out_str(&o), STR("\"status\":200,\"bytes_out\":1,")));
    assert_null(str_find(out_str(&o), STR("other")));
    assert_null(str_find(out_str(&o), STR("\"status\":599")));
    assert_null(str_find(out_str(&o), STR("secret")));
    assert_non_null(str_find(out_str(&o), STR("\"authorization\":\"Bearer hash:")));
    assert_non_null(str_find(out_str(&o), STR("\"x-odd\":\"a\\\"\\u00ff\"")));
    out_reset(&o, SIZE_MAX);
    journal_clear(j);
    journal_write(j, &(struct journal_filter){.since = 0}, &o);
    assert_true(str_eq(out_str(&o), STR("[]\n")));
    journal_free(j);
    buf_done(&o.buf);
    buf_done(&scratch.buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_fire_once_and_never_early),
        cmocka_unit_test(gzip_has_the_published_checksum),
        cmocka_unit_test(names_are_counted_apart),
        cmocka_unit_test(a_bucket_is_full_again_when_its_window_is_over),
        cmocka_unit_test(a_text_echoes_every_byte_of_what_was_said),
        cmocka_unit_test(pieces_have_the_size_that_was_ordered),
        cmocka_unit_test(the_journal_keeps_the_last_and_hides_credentials),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
