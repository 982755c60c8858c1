/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/dump.h"

struct compare {
    conf_problem_fn *say;
    void *ctx;
};

static bool differs(const struct setting *s, const void *a, const void *b)
{
    struct buf x = {0}, y = {0};
    bool yes =
        dump_value(s, a, &x) != 0 || dump_value(s, b, &y) != 0 || !str_eq(buf_str(&x), buf_str(&y));

    buf_done(&x);
    buf_done(&y);
    return yes;
}

static void tell(const struct compare *c, const char *section, const char *name)
{
    struct buf path = {.max = 256};

    if (buf_printf(&path, "%s%s%s", section, *section != '\0' ? "." : "", name) == 0)
        c->say(c->ctx, path.ptr);
    buf_done(&path);
}

static void compare_section(const struct compare *c, const struct setting *section, const void *a,
                            const void *b)
{
    const struct table *t = section->table;
    const char *word_a = t->fold != NULL ? t->fold(a) : NULL;
    const char *word_b = t->fold != NULL ? t->fold(b) : NULL;

    if ((word_a == NULL) != (word_b == NULL)) {
        tell(c, "", section->name);
        return;
    }
    for (uint32_t i = 0; i < t->count; i++) {
        if (!(t->rows[i].flags & SETTING_RELOAD) && differs(&t->rows[i], a, b))
            tell(c, section->name, t->rows[i].name);
    }
}

/* Everything in providers, models and keys can be reloaded, so only sections are looked into. */
void conf_restart_needed(const struct conf *running, const struct conf *next, conf_problem_fn *say,
                         void *ctx)
{
    struct compare c = {say, ctx};

    for (uint32_t i = 0; i < settings_top.count; i++) {
        const struct setting *s = &settings_top.rows[i];

        if (s->type == TYPE_SECTION)
            compare_section(&c, s, (const char *)running + s->offset,
                            (const char *)next + s->offset);
        else if (s->type != TYPE_LATER && !(s->flags & SETTING_RELOAD) && differs(s, running, next))
            tell(&c, "", s->name);
    }
}
