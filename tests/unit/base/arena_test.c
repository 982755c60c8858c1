/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

static bool all_zero(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (p[i] != 0)
            return false;
    }
    return true;
}

static void memory_is_zeroed_and_aligned_whatever_came_before(void **state)
{
    struct arena a = {0};

    (void)state;
    for (unsigned round = 0; round < 3; round++) { /* later rounds get used chunks again */
        for (size_t size = 1; size < 3000; size += 37) {
            char *bytes = arena_bytes(&a, size % 5 + 1);
            char *p = arena_alloc(&a, size);

            assert_non_null(bytes);
            assert_non_null(p);
            assert_int_equal((uintptr_t)p % 16, 0);
            assert_true(all_zero(p, size));
            memset(p, 0xab, size);
            memset(bytes, 0xcd, size % 5 + 1);
        }
        arena_done(&a);
    }
    arena_thread_done();
}

static void pieces_do_not_overlap(void **state)
{
    struct arena a = {0};
    unsigned char *pieces[300];

    (void)state;
    for (size_t i = 0; i < COUNTOF(pieces); i++) {
        size_t size = i % 10 == 0 ? 2500 : 1 + i;

        pieces[i] = arena_alloc(&a, size);
        assert_non_null(pieces[i]);
        memset(pieces[i], (int)(i & 0xff), size);
    }
    for (size_t i = 0; i < COUNTOF(pieces); i++) {
        size_t last = i % 10 == 0 ? 2499 : i;

        assert_int_equal(pieces[i][0], i & 0xff);
        assert_int_equal(pieces[i][last], i & 0xff);
    }
    arena_done(&a);
    arena_thread_done();
}

static void an_arena_at_its_max_gives_nothing_more(void **state)
{
    struct arena a = {.max = 10000};
    unsigned given = 0;

    (void)state;
    while (given < 1000 && arena_alloc(&a, 100) != NULL)
        given++;
    assert_in_range(given, 60, 100);
    assert_true(a.used <= a.max);
    assert_null(arena_alloc(&a, 5000));
    assert_null(arena_alloc(&a, SIZE_MAX));
    assert_null(arena_bytes(&a, SIZE_MAX));
    arena_done(&a);
    assert_int_equal(a.used, 0);
    assert_int_equal(a.max, 10000);
    assert_non_null(arena_alloc(&a, 5000));
    arena_done(&a);
    arena_thread_done();
}

static void an_arena_without_a_max_refuses_the_absurd(void **state)
{
    struct arena a = {0};

    (void)state;
    assert_null(arena_alloc(&a, SIZE_MAX));
    assert_null(arena_alloc(&a, SIZE_MAX - 16));
    assert_null(arena_bytes(&a, SIZE_MAX));
    assert_null(arena_dup(&a, str_make("", SIZE_MAX - 1)).ptr);
    arena_done(&a);
    arena_thread_done();
}

static void an_array_that_overflows_is_refused(void **state)
{
    struct arena a = {0};

    (void)state;
    assert_null(arena_array(&a, SIZE_MAX / 8 + 2, 8));
    assert_null(arena_array(&a, 2, SIZE_MAX / 2));
    assert_non_null(arena_array(&a, 4, 8));
    assert_non_null(arena_array(&a, 0, 8));
    assert_non_null(arena_array(&a, 8, 0));
    arena_done(&a);
    arena_thread_done();
}

static void a_copy_is_terminated_and_its_own(void **state)
{
    struct arena a = {0};
    char original[] = "words";
    struct str copy = arena_dup(&a, str_from(original)), empty = arena_dup(&a, STR(""));

    (void)state;
    original[0] = 'l';
    assert_string_equal(copy.ptr, "words");
    assert_int_equal(copy.len, 5);
    assert_non_null(empty.ptr);
    assert_string_equal(empty.ptr, "");
    arena_done(&a);
    arena_thread_done();
}

static void printf_makes_just_the_room_it_needs(void **state)
{
    struct arena a = {.max = 8192};
    struct str s = arena_printf(&a, "%s:%u", "127.0.0.1", 8080u);

    (void)state;
    assert_string_equal(s.ptr, "127.0.0.1:8080");
    assert_int_equal(s.len, 14);
    assert_null(arena_printf(&a, "%9000s", "x").ptr);
    assert_string_equal(s.ptr, "127.0.0.1:8080");
    arena_done(&a);
    arena_thread_done();
}

static void chunks_are_used_again_by_the_next_exchange(void **state)
{
    struct arena a = {0};
    void *first = arena_alloc(&a, 8), *second;

    (void)state;
    arena_done(&a);
    second = arena_alloc(&a, 8);
    assert_ptr_equal(first, second);
    arena_done(&a);
    arena_thread_done();
}

static void a_small_arena_takes_little_at_a_time(void **state)
{
    struct arena small = {.small = true}, usual = {0};

    (void)state;
    assert_non_null(arena_alloc(&small, 8));
    assert_true(small.used < 1024);
    for (unsigned i = 0; i < 20; i++)
        assert_non_null(arena_alloc(&small, 100));
    assert_in_range(small.used, 2000, 4096);
    arena_done(&small);
    assert_true(small.small);
    assert_int_equal(small.used, 0);
    /* Each size has spares of its own. */
    memset(arena_alloc(&usual, 1900), 0xab, 1900);
    assert_int_equal(usual.used, 1900);
    for (unsigned i = 0; i < 20; i++)
        assert_non_null(arena_alloc(&small, 200));
    arena_done(&usual);
    arena_done(&small);
    arena_thread_trim();
    assert_non_null(arena_alloc(&small, 8));
    arena_done(&small);
    arena_thread_done();
}

static void pieces_are_joined_or_nothing_is(void **state)
{
    struct arena a = {.max = 4096}, small = {.max = 16};
    const struct str pieces[] = {STR("openai"), STR("/"), {NULL, 0}, STR("gpt-4o")};
    struct str s = arena_join(&a, pieces, 4);

    (void)state;
    assert_true(str_eq(s, STR("openai/gpt-4o")));
    assert_int_equal(s.ptr[s.len], '\0');
    assert_int_equal(arena_join(&a, pieces, 0).len, 0);
    assert_null(arena_join(&small, pieces, 4).ptr);
    arena_done(&a);
    arena_done(&small);
}

static void what_was_measured_too_large_is_given_back(void **state)
{
    struct arena a = {0};
    char *first = arena_bytes(&a, 700), *next, *own;

    (void)state;
    arena_trim(&a, first, first + 100);
    next = arena_bytes(&a, 8);
    assert_ptr_equal(next, first + 100);
    /* A piece with a chunk of its own stands elsewhere: the current chunk is left alone. */
    own = arena_bytes(&a, 5000);
    arena_trim(&a, own, own + 10);
    assert_ptr_equal(arena_bytes(&a, 8), next + 8);
    arena_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_measured_too_large_is_given_back),
        cmocka_unit_test(pieces_are_joined_or_nothing_is),
        cmocka_unit_test(memory_is_zeroed_and_aligned_whatever_came_before),
        cmocka_unit_test(pieces_do_not_overlap),
        cmocka_unit_test(an_arena_at_its_max_gives_nothing_more),
        cmocka_unit_test(an_arena_without_a_max_refuses_the_absurd),
        cmocka_unit_test(an_array_that_overflows_is_refused),
        cmocka_unit_test(a_copy_is_terminated_and_its_own),
        cmocka_unit_test(printf_makes_just_the_room_it_needs),
        cmocka_unit_test(chunks_are_used_again_by_the_next_exchange),
        cmocka_unit_test(a_small_arena_takes_little_at_a_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
