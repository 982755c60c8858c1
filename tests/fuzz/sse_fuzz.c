/* Any bytes as an event stream: what comes out does not depend on where it was cut, and is what a
 * plain reading of the WHATWG rules gives.
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "fuzz/fuzz.h"
#include "llm/sse.h"

static void put_event(struct buf *out, struct str name, struct str id, struct str data)
{
    const struct str parts[] = {name, STR("|"), id, STR("|"), data, STR("\x1e")};

    for (size_t i = 0; i < COUNTOF(parts); i++)
        must(buf_put(out, parts[i]) == 0);
}

static bool note(void *ctx, const struct sse_event *ev)
{
    must(ev->raw.len > 0);
    put_event(ctx, ev->name, ev->id, ev->data);
    return true;
}

/* ---- cut by the bytes of `cuts`, each a length ---- */

static int feed(struct str text, struct str cuts, size_t max, struct buf *out)
{
    struct sse s = {.part.max = max};
    size_t at = 0;
    int err = 0;

    for (size_t i = 0; at < text.len && err == 0; i++) {
        size_t n = cuts.len > 0 ? (unsigned char)cuts.ptr[i % cuts.len] % 64 + 1u : text.len;
        char *piece;

        n = n < text.len - at ? n : text.len - at;
        piece = malloc(n);
        must(piece != NULL);
        memcpy(piece, text.ptr + at, n);
        err = sse_feed(&s, str_make(piece, n), note, out);
        free(piece);
        at += n;
    }
    sse_done(&s);
    return err;
}

/* ---- by the book: "Interpreting an event stream" ---- */

struct book {
    struct buf data, *out;
    struct str name, id;
    bool any;
};

static void book_field(struct book *b, struct str line)
{
    struct str name, value = STR("");

    if (str_cut(line, ':', &name, &value) && value.len > 0 && value.ptr[0] == ' ')
        value = str_skip(value, 1);
    if (str_eq(name, STR("data"))) {
        must(buf_put(&b->data, value) == 0 && buf_put(&b->data, STR("\n")) == 0);
        b->any = true;
    } else if (str_eq(name, STR("event"))) {
        b->name = value;
    } else if (str_eq(name, STR("id")) &&
               (value.len == 0 || memchr(value.ptr, '\0', value.len) == NULL)) {
        b->id = value;
    }
}

static void book_line(struct book *b, struct str line)
{
    if (line.len > 0) {
        if (line.ptr[0] != ':')
            book_field(b, line);
        return;
    }
    if (b->any)
        put_event(b->out, b->name, b->id, str_make(b->data.ptr, b->data.len - 1));
    b->data.len = 0;
    b->any = false;
    b->name = b->id = STR("");
}

static void by_the_book(struct str text, struct buf *out)
{
    struct book b = {.out = out};
    size_t start = text.len >= 3 && memcmp(text.ptr, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;

    for (size_t i = start; i < text.len; i++) {
        if (text.ptr[i] != '\n' && text.ptr[i] != '\r')
            continue;
        book_line(&b, str_make(text.ptr + start, i - start));
        if (text.ptr[i] == '\r' && i + 1 < text.len && text.ptr[i + 1] == '\n')
            i++;
        start = i + 1;
    }
    buf_done(&b.data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t cuts = size > 0 ? data[0] % 8u : 0, max = size > 1 ? data[1] : 0;
    struct str how, text;
    struct buf whole = {.max = 0}, cut = {.max = 0}, book = {.max = 0};

    if (size < 2 + cuts)
        return 0;
    how = str_make((const char *)data + 2, cuts);
    text = str_make((const char *)data + 2 + cuts, size - 2 - cuts);
    must(feed(text, how, 0, &cut) == 0);
    must(feed(text, STR(""), 0, &whole) == 0);
    by_the_book(text, &book);
    must(str_eq(buf_str(&cut), buf_str(&whole)) && str_eq(buf_str(&book), buf_str(&whole)));
    cut.len = whole.len = 0;
    must(feed(text, how, max, &cut) == feed(text, STR(""), max, &whole));
    must(str_eq(buf_str(&cut), buf_str(&whole)));
    buf_done(&cut);
    buf_done(&whole);
    buf_done(&book);
    return 0;
}
