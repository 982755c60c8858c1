/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/dump.h"

static const char head[] =
    "# Configuration\n"
    "\n"
    "<!-- Written by `dragoman manual configuration` from src/conf/settings.c: edit that. -->\n"
    "\n"
    "`dragoman serve -c FILE` reads one YAML file; without `-c` it reads `./dragoman.yaml`, and\n"
    "without that the quick start takes over. `dragoman check -c FILE` reads it in the same way "
    "and\n"
    "tells everything that is wrong, each on one line:\n"
    "\n"
    "```\n"
    "dragoman.yaml:12:5: unknown key `fallback`; did you mean `fallbacks`?\n"
    "```\n"
    "\n"
    "An unknown key, a wrong type, a value out of bounds, a variable that is not set, a name that\n"
    "refers to nothing, a key given twice: each refuses the file. `deploy/dragoman.example.yaml`\n"
    "shows every section.\n"
    "\n"
    "## How values are written\n"
    "\n"
    "| kind | written |\n"
    "| --- | --- |\n"
    "| duration | `250ms`, `30s`, `10m`, `1h`, `2d`, or several together: `1m30s`; `0` |\n"
    "| size | `512B`, `64KiB`, `4MiB`, `1GiB` (powers of 1024); `64KB`, `4MB`, `1GB` (of 1000) |\n"
    "| address | `127.0.0.1:8080`, `[::1]:8080`, `0.0.0.0:8080` for all interfaces; port `0`: any "
    "free one |\n"
    "| variable | `${NAME}` anywhere in a value; `${NAME:-default}` where it may be unset or "
    "empty; "
    "`$${` for a plain `${` |\n"
    "| list | `[a, b]`, or lines with `- `; a single value stands for a list of one |\n"
    "\n"
    "Anchors, aliases and tags of YAML are not supported. Secrets are never repeated: messages "
    "leave\n"
    "them out, the effective configuration masks them, and of client keys only the SHA-256 is "
    "kept.\n"
    "\n"
    "*Reload* says whether a setting is one that a reload can change. This version reads its "
    "configuration\nat start only, so every change needs a restart.\n";

static const char inherited[] =
    "What a provider does not set in its `timeouts` or `upstream` is as in the global section. A\n"
    "model's `timeouts` go before those of its targets' providers.\n";

static const char addressing[] =
    "Clients name an alias from `models`, or `provider/model` for any model of a provider without\n"
    "one. An alias goes first when both would fit.\n";

static const char quickstart[] =
    "\n## Quick start\n"
    "\n"
    "Without a file, providers come from the environment (`OPENAI_API_KEY`, `ANTHROPIC_API_KEY`,\n"
    "`GEMINI_API_KEY`, each in its own dialect) and from servers on this machine (Ollama at\n"
    "port 11434, vLLM at 8000, llama.cpp at 8080, LM Studio at 1234, by OpenAI's). Where there is "
    "none, the built-in simulator answers. `DRAGOMAN_LISTEN` and\n"
    "`DRAGOMAN_ADMIN_LISTEN` move the two ports, `DRAGOMAN_ADMIN_TOKEN` sets the admin token.\n";

/* ---- one row ---- */

static int put_bounds(const struct setting *s, struct buf *out)
{
    bool texts = s->type == TYPE_TEXT || s->type == TYPE_SECRET || s->type == TYPE_DIGEST ||
                 s->type == TYPE_URL || s->type == TYPE_PROXY || s->type == TYPE_PROVIDER;
    bool items = s->type == TYPE_TEXTS || s->type == TYPE_SECRETS || s->type == TYPE_HEADERS ||
                 s->type == TYPE_MODELS || s->type == TYPE_RECORDS || s->type == TYPE_NAMED;
    int err;

    if (s->max == 0)
        return 0;
    if (texts)
        return buf_printf(out, "up to %llu bytes", (unsigned long long)s->max);
    if (items)
        return buf_printf(out, "up to %llu", (unsigned long long)s->max);
    err = dump_number(s, s->min, out);
    if (err == 0)
        err = buf_put(out, STR(" to "));
    return err != 0 ? err : dump_number(s, s->max, out);
}

static int put_words(const struct choice *c, struct buf *out)
{
    const char *between = "";
    int err = 0;

    for (; err == 0 && c->word != NULL; c++) {
        if (c->later)
            continue;
        err = buf_printf(out, "%s`%s`", between, c->word);
        between = ", ";
    }
    return err;
}

static int put_preset(const struct setting *s, struct buf *out)
{
    if (s->flags & SETTING_REQUIRED)
        return buf_put(out, STR("*required*"));
    return s->preset != NULL ? buf_printf(out, "`%s`", s->preset) : 0;
}

static int put_row(const struct setting *s, struct buf *out)
{
    int err = buf_printf(out, "| `%s` | ", s->name);

    if (err == 0)
        err = s->choices != NULL ? put_words(s->choices, out)
                                 : buf_put(out, str_from(setting_kinds[s->type]));
    if (err == 0)
        err = buf_put(out, STR(" | "));
    if (err == 0)
        err = put_preset(s, out);
    if (err == 0)
        err = buf_put(out, STR(" | "));
    if (err == 0)
        err = put_bounds(s, out);
    if (err == 0)
        err = buf_printf(out, " | %s | %s |\n", s->flags & SETTING_RELOAD ? "yes" : "no", s->help);
    return err;
}

/* ---- tables ---- */

static bool holds_settings(const struct setting *s)
{
    return s->type == TYPE_SECTION || s->type == TYPE_RECORDS || s->type == TYPE_NAMED;
}

/* Sections are chapters of their own; inside a record they are a row, and a chapter as well unless
 * they stand at the top, too. */
static int put_table(const struct table *t, bool top, struct buf *out)
{
    int err = buf_put(out, STR("\n| setting | kind | default | bounds | reload | |\n"
                               "| --- | --- | --- | --- | --- | --- |\n"));

    for (uint32_t i = 0; err == 0 && i < t->count; i++) {
        const struct setting *s = &t->rows[i];

        if (s->type != TYPE_LATER && !(top && holds_settings(s)))
            err = put_row(s, out);
    }
    return err;
}

static int put_chapter(const char *path, const struct setting *s, struct buf *out)
{
    const char *each = s->type == TYPE_NAMED ? ".NAME" : s->type == TYPE_RECORDS ? "[]" : "";
    struct buf inner = {.max = 256};
    int err = buf_printf(out, "\n## %s%s%s\n\n%s\n", path, s->name, each, s->help);

    if (err == 0)
        err = put_table(s->table, false, out);
    if (err == 0)
        err = buf_printf(&inner, "%s%s%s.", path, s->name, each);
    for (uint32_t i = 0; err == 0 && i < s->table->count; i++) {
        const struct setting *row = &s->table->rows[i];

        if (holds_settings(row) && !(row->flags & SETTING_INHERIT))
            err = put_chapter(inner.ptr, row, out);
    }
    buf_done(&inner);
    return err;
}

static int put_later(struct buf *out)
{
    const char *between = "";
    int err = buf_put(out, STR("\n## Not in this version\n\nKnown, and refused as long as they are "
                               "not built: "));

    for (uint32_t i = 0; err == 0 && i < settings_top.count; i++) {
        if (settings_top.rows[i].type != TYPE_LATER)
            continue;
        err = buf_printf(out, "%s`%s`", between, settings_top.rows[i].name);
        between = ", ";
    }
    return err != 0 ? err : buf_put(out, STR(".\n"));
}

int conf_manual(struct buf *out)
{
    int err = buf_put(out, str_from(head));

    if (err == 0)
        err = buf_put(out, STR("\n## Top level\n"));
    if (err == 0)
        err = put_table(&settings_top, true, out);
    if (err == 0)
        err = buf_printf(out, "\n%s\n%s", addressing, inherited);
    for (uint32_t i = 0; err == 0 && i < settings_top.count; i++) {
        if (holds_settings(&settings_top.rows[i]))
            err = put_chapter("", &settings_top.rows[i], out);
    }
    if (err == 0)
        err = buf_put(out, str_from(quickstart));
    return err != 0 ? err : put_later(out);
}
