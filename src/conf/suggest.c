/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/suggest.h"

#include <stdio.h>

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

static bool same(char a, char b)
{
    return ascii_lower(a) == ascii_lower(b);
}

unsigned suggest_distance(struct str a, struct str b)
{
    unsigned rows[3][SUGGEST_BYTES + 1]; /* the row before last, the last, this one */
    unsigned *old = rows[0], *last = rows[1], *now = rows[2];

    if (a.len > SUGGEST_BYTES || b.len > SUGGEST_BYTES)
        return SUGGEST_BYTES;
    for (unsigned j = 0; j <= b.len; j++)
        last[j] = old[j] = j;
    for (unsigned i = 1; i <= a.len; i++) {
        unsigned *spare = old;

        now[0] = i;
        for (unsigned j = 1; j <= b.len; j++) {
            unsigned cost = same(a.ptr[i - 1], b.ptr[j - 1]) ? 0 : 1;

            now[j] = least(least(last[j], now[j - 1]) + 1, last[j - 1] + cost);
            if (i > 1 && j > 1 && same(a.ptr[i - 1], b.ptr[j - 2]) &&
                same(a.ptr[i - 2], b.ptr[j - 1]))
                now[j] = least(now[j], old[j - 2] + 1);
        }
        old = last;
        last = now;
        now = spare;
    }
    return last[b.len];
}

void suggest_start(struct suggest *s, struct str wanted)
{
    /* A third of the word may be wrong, three letters at most: further is no misspelling. */
    unsigned near = (unsigned)least((unsigned)(wanted.len < 64 ? wanted.len : 64) / 3 + 1, 3);

    *s = (struct suggest){.wanted = wanted, .distance = near + 1};
}

void suggest_offer(struct suggest *s, struct str known)
{
    size_t a = s->wanted.len, b = known.len;
    unsigned d;

    if ((a < b ? b - a : a - b) >= s->distance)
        return; /* as many edits at least */
    d = suggest_distance(s->wanted, known);
    if (d < s->distance && d < known.len) {
        s->distance = d;
        s->best = known;
    }
}

struct suggestion suggest_text(const struct suggest *s)
{
    struct suggestion t = {""};

    if (s->best.len > 0)
        snprintf(t.text, sizeof(t.text), "; did you mean `%.*s`?", STR_ARG(s->best));
    return t;
}

/* As many as there is room for. */
static void list_names(const char *record, size_t stride, uint32_t count, struct suggestion *t)
{
    size_t used = 0;

    for (uint32_t i = 0; i < count; i++, record += stride) {
        struct str name;
        int n;

        memcpy(&name, record, sizeof(name));
        n = snprintf(t->text + used, sizeof(t->text) - used, "%s%.*s",
                     i > 0 ? ", " : "; known: ", STR_ARG(name));
        if (n < 0 || (size_t)n >= sizeof(t->text) - used) {
            t->text[used] = '\0'; /* no half names */
            return;
        }
        used += (size_t)n;
    }
}

struct suggestion suggest_among(struct str wanted, const void *records, size_t stride,
                                uint32_t count)
{
    const char *record = records;
    struct suggestion t;
    struct suggest s;

    suggest_start(&s, wanted);
    for (uint32_t i = 0; i < count; i++) {
        struct str name;

        memcpy(&name, record + i * stride, sizeof(name));
        suggest_offer(&s, name);
    }
    t = suggest_text(&s);
    if (s.best.len == 0)
        list_names(record, stride, count, &t);
    return t;
}
