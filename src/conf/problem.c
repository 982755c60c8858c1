/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/problem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define QUOTE_BYTES 64u
#define LINE_BYTES 2048u

void problem_at(struct problems *p, uint32_t line, uint32_t column, const char *fmt, ...)
{
    char text[LINE_BYTES];
    struct problem *kept;
    va_list ap;

    if (p->muted)
        return;
    if (p->count++ >= PROBLEMS_MAX)
        return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    kept = &p->kept[p->count - 1];
    *kept = (struct problem){line, column, p->count, arena_dup(&p->mem, str_from(text)).ptr};
}

static int by_place(const void *a, const void *b)
{
    const struct problem *x = a, *y = b;

    if (x->line != y->line)
        return x->line < y->line ? -1 : 1;
    if (x->column != y->column)
        return x->column < y->column ? -1 : 1;
    return x->order < y->order ? -1 : 1;
}

/* Keys and paths can hold anything; a terminal must not obey it. */
static void say(const struct problems *p, char *line)
{
    for (char *at = line; *at != '\0'; at++) {
        if ((unsigned char)*at < 0x20 || *at == 0x7f)
            *at = '?';
    }
    p->report(p->ctx, line);
}

static void say_problem(const struct problems *p, const struct problem *found)
{
    const char *text = found->text != NULL ? found->text : "no memory left to say what is wrong";
    char line[2 * LINE_BYTES];

    if (found->line != 0)
        snprintf(line, sizeof(line), "%.*s:%u:%u: %s", (int)LINE_BYTES / 2, p->file, found->line,
                 found->column, text);
    else
        snprintf(line, sizeof(line), "%.*s: %s", (int)LINE_BYTES / 2, p->file, text);
    say(p, line);
}

void problem_flush(struct problems *p)
{
    unsigned n = p->count < PROBLEMS_MAX ? p->count : PROBLEMS_MAX;
    char more[LINE_BYTES];

    qsort(p->kept, n, sizeof(p->kept[0]), by_place);
    for (unsigned i = 0; p->report != NULL && i < n; i++)
        say_problem(p, &p->kept[i]);
    if (p->report != NULL && p->count > n) {
        snprintf(more, sizeof(more), "%.*s: and %u more; mend these first", (int)LINE_BYTES / 2,
                 p->file, p->count - n);
        say(p, more);
    }
    arena_done(&p->mem);
}

bool problem_is_deaf(const struct problems *p)
{
    return p->muted || p->count >= PROBLEMS_MAX;
}

struct quoted problem_quote(struct str s)
{
    struct quoted q;
    bool cut = s.len > QUOTE_BYTES;
    size_t n = cut ? QUOTE_BYTES : s.len;

    while (cut && n > 0 && ((unsigned char)s.ptr[n] & 0xc0) == 0x80)
        n--; /* not in the middle of a character */
    snprintf(q.text, sizeof(q.text), "`%.*s%s`", (int)n, n > 0 ? s.ptr : "", cut ? "…" : "");
    return q;
}
