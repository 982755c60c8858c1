/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define RING_BYTES ((size_t)1 << 20)

static char dir[] = "/tmp/log_test.XXXXXX";
static char text_path[64], access_path[64], moved_path[64];
static int text_fd = -1;
static char content[1 << 20]; /* of the file read last */

static int setup(void **state)
{
    (void)state;
    memcpy(dir + sizeof(dir) - 7, "XXXXXX", 6);
    if (mkdtemp(dir) == NULL)
        return -1;
    (void)snprintf(text_path, sizeof(text_path), "%s/text", dir);
    (void)snprintf(access_path, sizeof(access_path), "%s/access", dir);
    (void)snprintf(moved_path, sizeof(moved_path), "%s/access.1", dir);
    text_fd = open(text_path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    return text_fd >= 0 ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    log_stop();
    log_set_level(LOG_INFO);
    close(text_fd);
    (void)unlink(text_path);
    (void)unlink(access_path);
    (void)unlink(moved_path);
    return rmdir(dir);
}

static void start(size_t ring_bytes)
{
    struct log_settings s = {LOG_INFO, text_fd, access_path, -1, ring_bytes};

    assert_int_equal(log_start(&s), 0);
}

static const char *read_file(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t len = 0;
    ssize_t n;

    if (fd < 0)
        return "(no such file)";
    while ((n = read(fd, content + len, sizeof(content) - 1 - len)) > 0)
        len += (size_t)n;
    close(fd);
    content[len] = '\0';
    return content;
}

static unsigned lines_in(const char *text)
{
    unsigned n = 0;

    for (; (text = strchr(text, '\n')) != NULL; text++)
        n++;
    return n;
}

static void a_text_line_has_its_time_and_its_level(void **state)
{
    static const char shape[] = "dddd-dd-ddTdd:dd:dd.dddZ WARN provider openai is slow: 12 s\n";
    const char *line;

    (void)state;
    start(RING_BYTES);
    log_warn("provider %s is slow: %d s", "openai", 12);
    log_stop();
    line = read_file(text_path);
    assert_int_equal(strlen(line), sizeof(shape) - 1);
    for (size_t i = 0; i < sizeof(shape) - 1; i++) {
        if (i < 24 && shape[i] == 'd')
            assert_in_range(line[i], '0', '9');
        else
            assert_int_equal(line[i], shape[i]);
    }
}

static void R52_quoted_bytes_cannot_forge_a_line_or_move_the_cursor(void **state)
{
    const char *text;

    (void)state;
    start(RING_BYTES);
    log_error("provider says \"%s\"", "no\n2026-01-01T00:00:00.000Z INFO all is well\r\x1b[2J\x7f");
    log_stop();
    text = read_file(text_path);
    assert_int_equal(lines_in(text), 1);
    for (const char *p = text; p[1] != '\0'; p++)
        assert_true((unsigned char)*p >= ' ' && *p != 0x7f);
}

static void a_line_too_long_is_cut_between_characters(void **state)
{
    char *huge = malloc(40001);
    const char *text;
    size_t len;

    (void)state;
    assert_non_null(huge);
    for (size_t i = 0; i < 40000; i += 2)
        memcpy(huge + i, "\xc3\xa9", 2);
    huge[40000] = '\0';
    start(RING_BYTES);
    log_info("%s", huge);
    log_info("x%s", huge);
    log_stop();
    free(huge);
    text = read_file(text_path);
    assert_int_equal(lines_in(text), 2);
    for (unsigned i = 0; i < 2; i++, text += len + 1) {
        len = strcspn(text, "\n");
        assert_in_range(len, 8000, 8192);
        assert_memory_equal(text + len - 5, "\xc3\xa9\xe2\x80\xa6", 5);
    }
}

static void levels_that_are_not_wanted_cost_nothing(void **state)
{
    unsigned evaluated = 0;

    (void)state;
    start(RING_BYTES);
    log_debug("%u", ++evaluated);
    assert_int_equal(evaluated, 0);
    log_set_level(LOG_DEBUG);
    log_debug("%u", ++evaluated);
    assert_int_equal(evaluated, 1);
    log_set_level(LOG_ERROR);
    log_warn("not this");
    log_stop();
    assert_int_equal(lines_in(read_file(text_path)), 1);
}

static void access_lines_go_to_their_file_unchanged(void **state)
{
    (void)state;
    assert_false(log_access_on());
    log_access(STR("{\"lost\":\"before the start\"}"));
    start(RING_BYTES);
    assert_true(log_access_on());
    log_access(STR("{\"status\":200}"));
    log_access(STR("{\"model\":\"\xc3\xa9\"}"));
    log_stop();
    assert_false(log_access_on());
    assert_string_equal(read_file(access_path), "{\"status\":200}\n{\"model\":\"\xc3\xa9\"}\n");
    assert_string_equal(read_file(text_path), "");
}

static void access_lines_may_be_off(void **state)
{
    struct log_settings s = {LOG_INFO, text_fd, NULL, -1, RING_BYTES};

    (void)state;
    assert_int_equal(log_start(&s), 0);
    assert_false(log_access_on());
    log_access(STR("{}"));
    log_stop();
    assert_string_equal(read_file(text_path), "");
}

static void a_file_that_cannot_be_opened_is_said_at_the_start(void **state)
{
    struct log_settings s = {LOG_INFO, text_fd, "/nowhere/at/all", -1, RING_BYTES};

    (void)state;
    assert_int_equal(log_start(&s), -ENOENT);
    assert_false(log_access_on());
}

/* Rotation: the file is moved away, then we are told. */
static void R57_after_reopen_lines_go_to_the_new_file(void **state)
{
    (void)state;
    start(RING_BYTES);
    log_access(STR("old"));
    log_stop(); /* the only way to know, without sleeping, that it is written */
    assert_int_equal(rename(access_path, moved_path), 0);
    start(RING_BYTES);
    assert_int_equal(unlink(access_path), 0);
    log_reopen();
    log_access(STR("new"));
    log_stop();
    assert_string_equal(read_file(moved_path), "old\n");
    assert_string_equal(read_file(access_path), "new\n");
}

static void *write_lines(void *arg)
{
    unsigned me = *(const unsigned *)arg;
    char line[64];

    for (unsigned i = 0; i < 1000; i++) {
        int n = snprintf(line, sizeof(line), "{\"thread\":%u,\"line\":%u}", me, i);

        log_access(str_make(line, (size_t)n));
    }
    return NULL; /* without log_thread_done(): a thread may forget */
}

static void lines_of_a_thread_that_has_ended_are_written_whole_and_in_order(void **state)
{
    unsigned names[3] = {0, 1, 2}, next[3] = {0};
    pthread_t threads[3];
    const char *p;

    (void)state;
    start(RING_BYTES);
    for (size_t i = 0; i < COUNTOF(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_lines, &names[i]), 0);
    for (size_t i = 0; i < COUNTOF(threads); i++)
        pthread_join(threads[i], NULL);
    log_stop();
    p = read_file(access_path);
    assert_int_equal(lines_in(p), 3000);
    for (; *p != '\0'; p = strchr(p, '\n') + 1) {
        unsigned thread = (unsigned)(p[sizeof("{\"thread\":") - 1] - '0');
        char want[64];

        assert_in_range(thread, 0, 2);
        (void)snprintf(want, sizeof(want), "{\"thread\":%u,\"line\":%u}\n", thread, next[thread]++);
        assert_memory_equal(p, want, strlen(want));
    }
}

static void R61_a_stuck_reader_costs_lines_that_are_counted_and_never_time(void **state)
{
    uint64_t dropped = log_dropped();
    struct log_settings s = {LOG_INFO, text_fd, NULL, -1, 0};
    char line[1000];
    int pipe_fds[2];

    (void)state;
    assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
    s.access_fd = pipe_fds[1]; /* nobody reads: full after 64 KiB */
    memset(line, 'x', sizeof(line));
    assert_int_equal(log_start(&s), 0);
    for (unsigned i = 0; i < 1000; i++)
        log_access(str_make(line, sizeof(line))); /* would hang here */
    assert_true(log_dropped() - dropped > 500);
    assert_true(log_dropped() - dropped < 1000);
    close(pipe_fds[0]); /* the writer's write() fails now */
    log_stop();
    close(pipe_fds[1]);
    /* Whenever the writer gave up: what the pipe did not hold has been counted, line by line. */
    assert_in_range(log_dropped() - dropped, 1000 - 66, 1000);
    assert_non_null(strstr(read_file(text_path), " WARN log: "));
    assert_non_null(strstr(read_file(text_path), " lines dropped"));
}

static void an_access_line_of_any_length_does_no_harm(void **state)
{
    static const char big[100000];
    uint64_t dropped = log_dropped();

    (void)state;
    start(0);
    log_access(str_make(big, sizeof(big)));
    log_access((struct str){NULL, 0});
    log_stop();
    assert_int_equal(log_dropped() - dropped, 1);
    assert_string_equal(read_file(access_path), "\n");
}

static void R52_a_masked_secret_tells_two_keys_apart_and_no_more(void **state)
{
    static const struct {
        struct str secret;
        const char *want;
    } rows[] = {
        {STR_INIT("sk-proj-0123456789abcdefZx9q"), "sk-p\xe2\x80\xa6Zx9q"},
        {STR_INIT("sk-0123456789012345"), "\xe2\x80\xa6"},
        {STR_INIT(""), "\xe2\x80\xa6"},
        {{NULL, 0}, "\xe2\x80\xa6"},
        {STR_INIT("sk\n-0123456789abcdefghijk"), "\xe2\x80\xa6"},
        {STR_INIT("sk-0123456789abcdefghij\xc3\xa9"), "\xe2\x80\xa6"},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++)
        assert_string_equal(log_mask(rows[i].secret).text, rows[i].want);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(a_text_line_has_its_time_and_its_level),
        T(R52_quoted_bytes_cannot_forge_a_line_or_move_the_cursor),
        T(a_line_too_long_is_cut_between_characters),
        T(levels_that_are_not_wanted_cost_nothing),
        T(access_lines_go_to_their_file_unchanged),
        T(access_lines_may_be_off),
        T(a_file_that_cannot_be_opened_is_said_at_the_start),
        T(R57_after_reopen_lines_go_to_the_new_file),
        T(lines_of_a_thread_that_has_ended_are_written_whole_and_in_order),
        T(R61_a_stuck_reader_costs_lines_that_are_counted_and_never_time),
        T(an_access_line_of_any_length_does_no_harm),
        T(R52_a_masked_secret_tells_two_keys_apart_and_no_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
