/* Model names as orders.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "sim/script.h"

static struct sim_script parse(const char *text)
{
    struct sim_script s;
    struct out why = {0};

    if (!sim_script_parse(str_from(text), &s, &why))
        fail_msg("%s: %.*s", text, STR_ARG(out_str(&why)));
    buf_done(&why.buf);
    return s;
}

static struct sim_script settled(const char *text, uint64_t counter, uint64_t nth)
{
    struct sim_script s = parse(text);
    struct sim_draw draw = {.seed = 7, .counter = counter, .nth = nth};

    sim_script_settle(&s, &draw);
    return s;
}

static void parameters_have_their_units(void **state)
{
    static const struct {
        const char *text;
        enum sim_param param;
        uint64_t want;
    } rows[] = {
        {"sim?ttft=200ms", SIM_PARAM_TTFT, 200},  {"sim?ttft=200", SIM_PARAM_TTFT, 200},
        {"sim?ttft=1.5s", SIM_PARAM_TTFT, 1500},  {"sim?ttft=1m", SIM_PARAM_TTFT, 60000},
        {"sim?gap=0", SIM_PARAM_GAP, 0},          {"sim?gap=10ms", SIM_PARAM_GAP, 10},
        {"sim?tokens=50", SIM_PARAM_TOKENS, 50},  {"sim?tokens=500k", SIM_PARAM_TOKENS, 500000},
        {"sim?size=8M", SIM_PARAM_SIZE, 8000000}, {"sim?fail=0.08", SIM_PARAM_FAIL, 80000},
        {"sim?p=1", SIM_PARAM_P, 1000000},        {" any/name-1.2?, after=5 ,", SIM_PARAM_AFTER, 5},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        struct sim_script s = parse(rows[i].text);

        assert_true(sim_script_gives(&s, rows[i].param));
        if (s.value[rows[i].param] != rows[i].want)
            fail_msg("%s is %ju", rows[i].text, (uintmax_t)s.value[rows[i].param]);
    }
}

static void the_name_is_what_stands_before_the_question_mark(void **state)
{
    (void)state;
    assert_true(str_eq(parse("sim").model, STR("sim")));
    assert_true(str_eq(parse("gpt-4o?tag=a b").model, STR("gpt-4o")));
    assert_true(str_eq(parse("gpt-4o?tag=a b").tag, STR("a b")));
    assert_int_equal(parse("sim").given, 0);
}

static void what_makes_no_sense_is_refused_by_name(void **state)
{
    static const struct {
        const char *text, *says;
    } rows[] = {
        {"sim?speed=3", "no parameter \"speed\""},
        {"sim?speed=3", "retry-after-escalating"}, /* all are listed */
        {"sim?speed=3", "ttft="},
        {"sim?explode", "\"explode\""},
        {"sim?fault=explode", "\"explode\""},
        {"sim?ttft=soon", "\"ttft\" cannot be \"soon\""},
        {"sim?ttft=2h", "\"ttft\""},
        {"sim?ttft=", "\"ttft\""},
        {"sim?ttft=-1s", "\"ttft\""},
        {"sim?tokens=1.5", "\"tokens\""},
        {"sim?tokens=99999999999999999999", "\"tokens\""},
        {"sim?tokens=11M", "\"tokens\""},
        {"sim?fail=1.1", "\"fail\""},
        {"sim?fail=.", "\"fail\""},
        {"sim?500,503", "500 and 503 exclude each other"},
        {"sim?crlf,cr", "crlf and cr exclude"},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        struct sim_script s;
        struct out why = {0};

        if (sim_script_parse(str_from(rows[i].text), &s, &why))
            fail_msg("%s was taken", rows[i].text);
        if (str_find(out_str(&why), str_from(rows[i].says)) == NULL)
            fail_msg("%s: %.*s", rows[i].text, STR_ARG(out_str(&why)));
        buf_done(&why.buf);
    }
}

static void every_fault_of_the_menu_can_be_ordered_both_ways(void **state)
{
    (void)state;
    for (unsigned f = 1; f < SIM_FAULT_COUNT; f++) {
        struct str name = sim_fault_info((enum sim_fault)f)->name;
        char bare[64], spelt[64];

        snprintf(bare, sizeof(bare), "sim?%.*s", STR_ARG(name));
        snprintf(spelt, sizeof(spelt), "sim?fault=%.*s", STR_ARG(name));
        for (unsigned i = 0; i < 2; i++) {
            struct sim_script s = parse(i == 0 ? bare : spelt);

            assert_true(sim_script_has(&s, (enum sim_fault)f));
        }
        assert_int_equal(sim_fault_find(name), f); /* no name twice */
    }
}

static void a_fault_sets_only_what_the_script_left_open(void **state)
{
    struct sim_script s = settled("sim?cut-fin", 0, 0);

    (void)state;
    assert_int_equal(s.value[SIM_PARAM_AFTER], 3);
    s = settled("sim?cut-fin,after=9", 0, 0);
    assert_int_equal(s.value[SIM_PARAM_AFTER], 9);
    s = settled("sim?after=0,cut-fin", 0, 0);
    assert_int_equal(s.value[SIM_PARAM_AFTER], 0);
    s = settled("sim?retry-after-int", 0, 0);
    assert_true(sim_script_has(&s, SIM_S429));
    s = settled("sim?503,ra=2s", 0, 0);
    assert_true(sim_script_has(&s, SIM_S503));
    assert_true(sim_script_has(&s, SIM_RA_INT));
    assert_int_equal(s.value[SIM_PARAM_RA], 2000);
}

static void counted_faults_come_and_go(void **state)
{
    static const struct {
        const char *text;
        uint64_t nth;
        enum sim_fault want; /* SIM_NONE: an answer */
    } rows[] = {
        {"sim?flip=2", 1, SIM_S503},          {"sim?flip=2", 2, SIM_S503},
        {"sim?flip=2", 3, SIM_NONE},          {"sim?flip=1,500", 1, SIM_S500},
        {"sim?flip=1,500", 2, SIM_NONE},      {"sim?every=3,502", 1, SIM_NONE},
        {"sim?every=3,502", 3, SIM_S502},     {"sim?every=3,502", 4, SIM_NONE},
        {"sim?every=3,502", 6, SIM_S502},     {"sim?every=0,502", 6, SIM_NONE},
        {"sim?flip=2", UINT64_MAX, SIM_NONE}, {"sim?502,p=0", 1, SIM_NONE},
        {"sim?502,p=1", 1, SIM_S502},         {"sim?fail=0", 1, SIM_NONE},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        struct sim_script s = settled(rows[i].text, i, rows[i].nth);

        if (s.pick[SIM_GROUP_REPLY] != rows[i].want)
            fail_msg("%s, request %ju: %u", rows[i].text, (uintmax_t)rows[i].nth,
                     s.pick[SIM_GROUP_REPLY]);
    }
}

static bool fails(uint64_t counter)
{
    struct sim_script s = settled("sim?fail=0.08", counter, 0);

    return s.pick[SIM_GROUP_REPLY] != SIM_NONE || s.pick[SIM_GROUP_END] != SIM_NONE;
}

static void a_share_of_failures_is_kept_and_repeats(void **state)
{
    unsigned failed = 0;

    (void)state;
    for (uint64_t n = 0; n < 10000; n++) {
        failed += fails(n);
        assert_int_equal(fails(n), fails(n));
    }
    assert_in_range(failed, 700, 900);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parameters_have_their_units),
        cmocka_unit_test(the_name_is_what_stands_before_the_question_mark),
        cmocka_unit_test(what_makes_no_sense_is_refused_by_name),
        cmocka_unit_test(every_fault_of_the_menu_can_be_ordered_both_ways),
        cmocka_unit_test(a_fault_sets_only_what_the_script_left_open),
        cmocka_unit_test(counted_faults_come_and_go),
        cmocka_unit_test(a_share_of_failures_is_kept_and_repeats),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
