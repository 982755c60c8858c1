/* Replies from memory: what they mean however they are cut up, and what is refused.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "http/response.h"

struct read {
    struct response r;
    struct arena arena;
    unsigned heads, status;
    uint32_t fields;
    int64_t length;
    struct buf text; /* fields as "name=value;", then the body */
    enum response_verdict verdict;
    size_t used;
};

static bool on_head(struct response *r, const struct http_reply_in *head)
{
    struct read *x = CONTAINER_OF(r, struct read, r);

    x->heads++;
    x->status = head->status;
    x->fields = head->fields.count;
    x->length = head->content_length;
    for (uint32_t i = 0; i < head->fields.count; i++)
        assert_int_equal(buf_printf(&x->text, "%.*s=%.*s;", STR_ARG(head->fields.at[i].name),
                                    STR_ARG(head->fields.at[i].value)),
                         0);
    return true;
}

static bool on_body(struct response *r, struct str bytes)
{
    return buf_put(&CONTAINER_OF(r, struct read, r)->text, bytes) == 0;
}

static const struct response_ops ops = {on_head, on_body};

static void start(struct read *x, bool no_body)
{
    *x = (struct read){0};
    response_start(&x->r, &ops, &x->arena, no_body);
}

/* In pieces of at most `piece` bytes; stops at the first verdict that is not MORE. */
static void feed(struct read *x, struct str bytes, size_t piece)
{
    size_t at = 0;

    x->verdict = RESPONSE_MORE;
    while (at < bytes.len && x->verdict == RESPONSE_MORE) {
        size_t n = bytes.len - at < piece ? bytes.len - at : piece;
        char *copy = malloc(n); /* so that a sanitizer sees what is read beyond it */
        size_t used = 0;

        memcpy(copy, bytes.ptr + at, n);
        x->verdict = response_feed(&x->r, str_make(copy, n), &used);
        free(copy);
        at += x->verdict == RESPONSE_DONE ? used : n;
    }
    x->used = at;
}

static void done(struct read *x)
{
    buf_done(&x->text);
    arena_done(&x->arena);
}

/* clang-format off */
static const struct {
    const char *bytes;
    const char *text;   /* fields and body */
    unsigned status;
    bool head;          /* the request was HEAD */
    bool reusable;
    bool until_close;   /* only the peer's FIN ends it */
} good[] = {
    {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", "Content-Length=2;hi", 200, false, true, false},
    {"HTTP/1.1 200 \r\nA:\r\nB: x  \r\nContent-Length: 0\r\n\r\n", "A=;B=x;Content-Length=0;", 200, false, true, false},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n3;x=y\r\n!!!\r\n0\r\nT: t\r\n\r\n",
     "Transfer-Encoding=chunked;hi!!!", 200, false, true, false},
    {"HTTP/1.1 204 No Content\r\n\r\n", "", 204, false, true, false},
    {"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", "Content-Length=9;", 304, false, true, false},
    {"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n", "Content-Length=900;", 200, true, true, false},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "Transfer-Encoding=chunked;", 200, true, true, false},
    {"HTTP/1.1 100 Continue\r\nX: 1\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n"
     "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n.", "Content-Length=1;.", 200, false, true, false},
    {"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\n.", "Connection=close;Content-Length=1;.", 200, false, false, false},
    {"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n.", "Content-Length=1;.", 200, false, false, false},
    {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\n.", "Connection=keep-alive;Content-Length=1;.", 200, false, true, false},
    {"HTTP/1.1 200 OK\r\nServer: s\r\n\r\nuntil close", "Server=s;until close", 200, false, false, true},
    {"HTTP/1.1 200 OK\r\nUpgrade: h2,h2c\r\nConnection: Upgrade\r\nContent-Length: 1\r\n\r\n.",
     "Upgrade=h2,h2c;Connection=Upgrade;Content-Length=1;.", 200, false, true, false},
};

static const struct {
    const char *what, *bytes;
} bad[] = {
    {"not HTTP",                    "SSH-2.0-OpenSSH_9.2\r\n"},
    {"HTML",                        "<html><body>502</body></html>"},
    {"HTTP/2",                      "HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n"},
    {"HTTP/0.9",                    "HTTP/0.9 200 OK\r\nContent-Length: 0\r\n\r\n"},
    {"a status of two digits",      "HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n"},
    {"status 000",                  "HTTP/1.1 000 No\r\nContent-Length: 0\r\n\r\n"},
    {"length and chunks",           "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"},
    {"two lengths",                 "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nhi"},
    {"a length that is no number",  "HTTP/1.1 200 OK\r\nContent-Length: 2x\r\n\r\nhi"},
    {"a negative length",           "HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nhi"},
    {"a length beyond 64 bits",     "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nhi"},
    {"folding",                     "HTTP/1.1 200 OK\r\nA: b\r\n c\r\nContent-Length: 0\r\n\r\n"},
    {"a bare LF",                   "HTTP/1.1 200 OK\nContent-Length: 0\n\n"},
    {"a space before the colon",    "HTTP/1.1 200 OK\r\nA : b\r\nContent-Length: 0\r\n\r\n"},
    {"a field without a name",      "HTTP/1.1 200 OK\r\n: b\r\nContent-Length: 0\r\n\r\n"},
    {"a CR in a value",             "HTTP/1.1 200 OK\r\nA: b\rc\r\nContent-Length: 0\r\n\r\n"},
    {"a chunk size that is none",   "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhi\r\n0\r\n\r\n"},
    {"a chunk size that overflows", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nhi"},
    {"a chunk without its end",     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhixx0\r\n\r\n"},
    {"a protocol switch",           "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"},
};
/* clang-format on */

static void R4_split_anywhere_a_reply_means_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNTOF(good); i++) {
        struct str bytes = str_from(good[i].bytes);

        for (size_t piece = 1; piece <= bytes.len; piece++) {
            struct read x;

            start(&x, good[i].head);
            feed(&x, bytes, piece);
            assert_int_equal(x.verdict, good[i].until_close ? RESPONSE_MORE : RESPONSE_DONE);
            assert_true(response_end(&x.r));
            assert_int_equal(x.heads, 1);
            assert_int_equal(x.status, good[i].status);
            assert_int_equal(x.used, bytes.len);
            assert_int_equal(x.text.len, strlen(good[i].text));
            if (x.text.len > 0)
                assert_memory_equal(x.text.ptr, good[i].text, x.text.len);
            assert_int_equal(x.r.reusable, good[i].reusable);
            done(&x);
        }
    }
}

static void R54_what_could_be_read_in_two_ways_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNTOF(bad); i++) {
        struct str bytes = str_from(bad[i].bytes);

        for (size_t piece = 1; piece <= bytes.len; piece++) {
            struct read x;

            start(&x, false);
            feed(&x, bytes, piece);
            if (x.verdict != RESPONSE_BAD)
                fail_msg("%s in pieces of %zu: verdict %d", bad[i].what, piece, x.verdict);
            assert_true(*response_why(&x.r) != '\0');
            done(&x);
        }
    }
}

static void a_cut_reply_is_never_whole(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNTOF(good); i++) {
        size_t len = strlen(good[i].bytes);
        size_t head = good[i].until_close ? 30 : len; /* after its head, any end will do */

        for (size_t cut = 0; cut < len && cut < head; cut++) {
            struct read x;

            start(&x, good[i].head);
            feed(&x, str_make(good[i].bytes, cut), 7);
            assert_int_equal(x.verdict, RESPONSE_MORE);
            assert_false(response_end(&x.r));
            done(&x);
        }
    }
}

static void bytes_behind_the_reply_are_not_its(void **state)
{
    struct read x;

    (void)state;
    start(&x, false);
    feed(&x, STR("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhiHTTP/1.1 200"), 1000);
    assert_int_equal(x.verdict, RESPONSE_DONE);
    assert_int_equal(x.used, strlen("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"));
    done(&x);
}

static bool forget(struct response *r, const struct http_reply_in *head)
{
    struct read *x = CONTAINER_OF(r, struct read, r);
    bool go_on = on_head(r, head);

    response_forget(r);
    arena_done(&x->arena);
    return go_on;
}

/* Trailers come behind it, and must not look for the fields before them. */
static void a_reply_is_read_on_when_its_head_is_forgotten(void **state)
{
    static const struct response_ops forgetting = {forget, on_body};
    struct str bytes = STR("HTTP/1.1 200 OK\r\nA: b\r\nTransfer-Encoding: chunked\r\n\r\n"
                           "2\r\nhi\r\n0\r\nT: u\r\n\r\n");

    (void)state;
    for (size_t piece = 1; piece <= bytes.len; piece++) {
        struct read x;

        start(&x, false);
        x.r.ops = &forgetting;
        feed(&x, bytes, piece);
        assert_int_equal(x.verdict, RESPONSE_DONE);
        assert_true(str_eq(buf_str(&x.text), STR("A=b;Transfer-Encoding=chunked;hi")));
        assert_int_equal(x.arena.used, 0);
        done(&x);
    }
}

static void bomb(const char *unit, unsigned times, size_t piece, bool trailer)
{
    struct buf b = {0};
    struct read x;

    assert_int_equal(buf_put(&b, STR("HTTP/1.1 200 OK\r\n")), 0);
    if (trailer)
        assert_int_equal(buf_put(&b, STR("Transfer-Encoding: chunked\r\n\r\n0\r\n")), 0);
    for (unsigned i = 0; i < times; i++)
        assert_int_equal(buf_put(&b, str_from(unit)), 0);
    start(&x, false);
    feed(&x, buf_str(&b), piece);
    if (x.verdict != RESPONSE_LIMIT)
        fail_msg("%.10s x %u: %d %s", unit, times, x.verdict, response_why(&x.r));
    assert_true(x.arena.used <= 5 * RESPONSE_HEAD_BYTES_MAX);
    buf_done(&b);
    done(&x);
}

static void R54_a_head_has_a_maximum(void **state)
{
    (void)state;
    bomb("A: b\r\n", 300, 60000, false); /* fields */
    bomb("A: b\r\n", 300, 1, false);
    bomb("0123456789abcdef", 5000, 60000, false); /* one name */
    bomb("0123456789abcdef", 5000, 1, false);
    bomb("Name: 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
         "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
         "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
         "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
         "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\r\n",
         250, 999, false);                /* all values */
    bomb("A: b\r\n", 20000, 60000, true); /* trailers */
}

static void R54_interim_replies_have_a_maximum(void **state)
{
    struct buf b = {0};
    struct read x;

    (void)state;
    for (unsigned i = 0; i < 8000; i++)
        assert_int_equal(buf_put(&b, STR("HTTP/1.1 100 Continue\r\n\r\n")), 0);
    start(&x, false);
    feed(&x, buf_str(&b), 4000);
    assert_int_equal(x.verdict, RESPONSE_LIMIT);
    buf_done(&b);
    done(&x);
}

static void an_arena_that_is_full_is_a_limit(void **state)
{
    struct read x;

    (void)state;
    start(&x, false);
    x.arena.max = 100;
    feed(&x, str_from(good[0].bytes), 1000);
    assert_int_equal(x.verdict, RESPONSE_LIMIT);
    done(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(R4_split_anywhere_a_reply_means_the_same),
        cmocka_unit_test(R54_what_could_be_read_in_two_ways_is_refused),
        cmocka_unit_test(a_cut_reply_is_never_whole),
        cmocka_unit_test(a_reply_is_read_on_when_its_head_is_forgotten),
        cmocka_unit_test(bytes_behind_the_reply_are_not_its),
        cmocka_unit_test(R54_a_head_has_a_maximum),
        cmocka_unit_test(R54_interim_replies_have_a_maximum),
        cmocka_unit_test(an_arena_that_is_full_is_a_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
