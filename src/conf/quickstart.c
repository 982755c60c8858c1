/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/quickstart.h"

#include <stdarg.h>
#include <stdio.h>

#include "conf/values.h"

#define NAME "(quick start)"
#define MODEL_BYTES 256u
/* A handful of providers; more would be a fault here, not the user's. */
#define TEXT_BYTES 16384u

struct source {
    const char *name, *label;
    const char *variable; /* of its key; NULL: a server on this machine */
    const char *dialect;
    const char *base_url; /* NULL: on this machine, at */
    uint16_t port;
    const char *model; /* a good first one; NULL: ask it */
};

/* Ollama speaks OpenAI's dialect as well as its own, and passing is cheaper than translating. */
static const struct source sources[] = {
    {"openai", "OpenAI", "OPENAI_API_KEY", "openai", "https://api.openai.com/v1", 0, "gpt-4o-mini"},
    {"anthropic", "Anthropic", "ANTHROPIC_API_KEY", "anthropic", "https://api.anthropic.com/v1", 0,
     "claude-haiku-4-5"},
    {"gemini", "Gemini", "GEMINI_API_KEY", "gemini",
     "https://generativelanguage.googleapis.com/v1beta", 0, "gemini-2.5-flash"},
    {"ollama", "Ollama", NULL, "openai", NULL, 11434, NULL},
    {"vllm", "vLLM", NULL, "openai", NULL, 8000, NULL},
    {"llamacpp", "llama.cpp", NULL, "openai", NULL, 8080, NULL},
    {"lmstudio", "LM Studio", NULL, "openai", NULL, 1234, NULL},
};

static const struct source simulator = {"sim", "the built-in simulator", NULL, "openai", NULL, 0,
                                        "sim"};

struct find {
    const struct source *source;
    uint16_t port;
    char model[MODEL_BYTES]; /* "" when nobody knows one */
};

struct quickstart {
    conf_env_fn *env;
    const struct quickstart_probe *probe;
    conf_problem_fn *say;
    void *ctx;
    struct find finds[COUNTOF(sources) + 1]; /* the simulator too */
    unsigned count;
    const struct find *first; /* that has a model: it is `chat` */
};

/* ---- looking ---- */

static struct str variable(const struct quickstart *q, const char *name)
{
    return q->env != NULL ? str_from(q->env(name)) : (struct str){NULL, 0};
}

/* Our own listener's port: whoever answers there is not a model server. */
static uint16_t own_port(const struct quickstart *q, const char *name, uint16_t otherwise)
{
    struct conf_listen l;
    const char *why;

    return value_address(variable(q, name), &l, &why) ? l.port : otherwise;
}

static bool is_there(const struct quickstart *q, const struct source *s)
{
    if (s->variable != NULL)
        return variable(q, s->variable).len > 0;
    if (q->probe == NULL || q->probe->listening == NULL)
        return false;
    return s->port != own_port(q, "DRAGOMAN_LISTEN", 8080) &&
           s->port != own_port(q, "DRAGOMAN_ADMIN_LISTEN", 9090) &&
           q->probe->listening(q->probe->ctx, s->port);
}

/* A name is written into YAML, so a strange one is not taken. */
static bool is_tame(const char *model)
{
    struct str s = str_from(model);

    return s.len > 0 && value_is_visible(s) && strpbrk(model, "\"\\$") == NULL;
}

static void ask_model(const struct quickstart *q, struct find *f)
{
    char name[MODEL_BYTES] = "";

    if (f->source->model != NULL) {
        snprintf(f->model, sizeof(f->model), "%s", f->source->model);
        return;
    }
    if (q->probe->model == NULL || !q->probe->model(q->probe->ctx, f->port, name, sizeof(name)))
        return;
    name[sizeof(name) - 1] = '\0';
    if (is_tame(name))
        memcpy(f->model, name, sizeof(name));
}

static void add(struct quickstart *q, const struct source *s, uint16_t port)
{
    struct find *f = &q->finds[q->count++];

    *f = (struct find){.source = s, .port = port};
    ask_model(q, f);
    if (q->first == NULL && f->model[0] != '\0')
        q->first = f;
}

static void look_around(struct quickstart *q)
{
    for (size_t i = 0; i < COUNTOF(sources); i++) {
        if (is_there(q, &sources[i]))
            add(q, &sources[i], sources[i].port);
    }
    /* Whatever listens on a usual port need not be a model server: `chat` has to answer. */
    if (q->count == 0 || (q->first == NULL && q->probe->sim_port != 0))
        add(q, &simulator, q->probe != NULL ? q->probe->sim_port : 0);
}

/* ---- writing ---- */

static int put_provider(const struct find *f, struct buf *out)
{
    const struct source *s = f->source;

    if (s->variable != NULL)
        return buf_printf(out, "  %s: { dialect: %s, base_url: \"%s\", key: \"${%s}\" }\n", s->name,
                          s->dialect, s->base_url, s->variable);
    return buf_printf(out, "  %s: { dialect: %s, base_url: \"http://127.0.0.1:%u/v1\" }\n", s->name,
                      s->dialect, f->port);
}

static int put_alias(const struct quickstart *q, const struct find *f, struct buf *out)
{
    const char *between = "";
    int err = buf_printf(out, "  chat%s%s: { targets: [ { provider: %s, model: \"%s\" } ]",
                         f != q->first ? "-" : "", f != q->first ? f->source->name : "",
                         f->source->name, f->model);

    if (err == 0 && f == q->first)
        err = buf_put(out, STR(", fallbacks: ["));
    for (unsigned i = 0; err == 0 && f == q->first && i < q->count; i++) {
        if (&q->finds[i] == f || q->finds[i].model[0] == '\0')
            continue;
        err = buf_printf(out, "%schat-%s", between, q->finds[i].source->name);
        between = ", ";
    }
    if (err == 0 && f == q->first)
        err = buf_put(out, STR("]"));
    return err != 0 ? err : buf_put(out, STR(" }\n"));
}

/* Keys stay variables in it: the text holds no secret. */
static int put_text(const struct quickstart *q, struct buf *out)
{
    int err = buf_put(out, STR("listen: \"${DRAGOMAN_LISTEN:-127.0.0.1:8080}\"\n"
                               "admin:\n"
                               "  listen: \"${DRAGOMAN_ADMIN_LISTEN:-127.0.0.1:9090}\"\n"
                               "  token: \"${DRAGOMAN_ADMIN_TOKEN:-}\"\n"
                               "providers:\n"));

    for (unsigned i = 0; err == 0 && i < q->count; i++)
        err = put_provider(&q->finds[i], out);
    if (err == 0)
        err = buf_put(out, STR("models:\n"));
    for (unsigned i = 0; err == 0 && i < q->count; i++) {
        if (q->finds[i].model[0] != '\0')
            err = put_alias(q, &q->finds[i], out);
    }
    return err;
}

/* ---- telling ---- */

static void say(const struct quickstart *q, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void say(const struct quickstart *q, const char *fmt, ...)
{
    char line[1024];
    va_list ap;

    if (q->say == NULL)
        return;
    va_start(ap, fmt);
    vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    q->say(q->ctx, line);
}

static void say_find(const struct quickstart *q, const struct find *f)
{
    const struct source *s = f->source;

    if (s == &simulator && q->count > 1)
        say(q, "No model is known by name: the built-in simulator answers. Put `chat` into "
               "\"model\".");
    else if (s == &simulator)
        say(q, "Found no provider key in the environment and no model server on this machine: the "
               "built-in simulator answers. Put `chat` into \"model\".");
    else if (f->model[0] == '\0')
        say(q,
            "%s answers at port %u: put `%s/` and the name of a model you have there into "
            "\"model\".",
            s->label, f->port, s->name);
    else
        say(q, "%s, %s: put `chat%s%s` (%s) or `%s/` and any of its models into \"model\".",
            s->label, s->variable != NULL ? s->variable : "on this machine",
            f == q->first ? "" : "-", f == q->first ? "" : s->name, f->model, s->name);
}

struct conf *conf_quickstart(conf_env_fn *env, const struct quickstart_probe *probe,
                             conf_problem_fn *say_fn, conf_problem_fn *report, void *ctx)
{
    struct quickstart q = {.env = env, .probe = probe, .say = say_fn, .ctx = ctx};
    struct buf text = {.max = TEXT_BYTES};
    struct conf *c = NULL;

    look_around(&q);
    if (put_text(&q, &text) == 0)
        c = conf_load_text(NAME, buf_str(&text), env, report, ctx);
    else if (report != NULL)
        report(ctx, NAME ": no memory left");
    buf_done(&text);
    if (c == NULL)
        return NULL;
    c->use_sim = q.first != NULL && q.first->source == &simulator;
    if (q.first != NULL)
        c->try_model = STR("chat");
    for (unsigned i = 0; i < q.count; i++)
        say_find(&q, &q.finds[i]);
    return c;
}
