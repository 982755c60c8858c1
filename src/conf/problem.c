/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/problem.h"

#include <stdarg.h>
#include <stdio.h>

/* A file of rubbish should not fill a terminal; nobody mends more in one go. */
#define PROBLEMS_MAX 100u
#define LINE_BYTES 2048u
#define QUOTE_BYTES 64u

/* Keys and paths can hold anything; a terminal must not obey it. */
static void defuse(char *line)
{
    for (char *p = line; *p != '\0'; p++) {
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            *p = '?';
    }
}

static void say(struct problems *p, char *line)
{
    defuse(line);
    if (p->report != NULL)
        p->report(p->ctx, line);
}

void problem_at(struct problems *p, uint32_t line, uint32_t column, const char *fmt, ...)
{
    char text[LINE_BYTES];
    int n = 0;
    va_list ap;

    if (p->muted)
        return;
    p->count++;
    if (p->count > PROBLEMS_MAX + 1)
        return;
    if (p->count == PROBLEMS_MAX + 1) {
        snprintf(text, sizeof(text), "%s: and more; mend these first", p->file);
        say(p, text);
        return;
    }
    if (line != 0)
        n = snprintf(text, sizeof(text), "%s:%u:%u: ", p->file, line, column);
    else
        n = snprintf(text, sizeof(text), "%s: ", p->file);
    if (n < 0 || (size_t)n >= sizeof(text))
        n = 0; /* a monstrous path: the message matters more */
    va_start(ap, fmt);
    vsnprintf(text + n, sizeof(text) - (size_t)n, fmt, ap);
    va_end(ap);
    say(p, text);
}

bool problem_is_deaf(const struct problems *p)
{
    return p->muted || p->count > PROBLEMS_MAX;
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
