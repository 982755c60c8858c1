/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/admin_page.h"

#include "base/log.h"
#include "llm/json.h"

#define PATH_SHOWN 200u /* bytes of a wrong path that its error repeats */
#define PLAIN STR("text/plain; charset=utf-8")
#define JSON STR("application/json")

typedef int page_fn(struct admin_state *s, struct admin_answer *r);

/* A probe that looked at anything could fail for its sake, and get a working process killed. */
static int page_livez(struct admin_state *s, struct admin_answer *r)
{
    (void)s;
    r->type = PLAIN;
    return buf_put(&r->body, STR("ok\n"));
}

static int page_readyz(struct admin_state *s, struct admin_answer *r)
{
    const char *reason = atomic_load(&s->not_ready);

    r->type = JSON;
    if (reason == NULL)
        return buf_put(&r->body, STR("{\"ready\":true}\n"));
    r->status = 503;
    return buf_printf(&r->body, "{\"ready\":false,\"reasons\":[\"%s\"]}\n", reason);
}

static int page_metrics(struct admin_state *s, struct admin_answer *r)
{
    uint64_t dropped = log_dropped();

    metric_add(s->shard, s->log_dropped, dropped - s->log_dropped_seen);
    s->log_dropped_seen = dropped;
    r->type = STR("text/plain; version=0.0.4; charset=utf-8");
    return metric_render(s->metrics, &r->body);
}

static int page_config(struct admin_state *s, struct admin_answer *r)
{
    r->type = STR("application/yaml");
    return conf_dump(s->conf, &r->body);
}

static int page_targets(struct admin_state *s, struct admin_answer *r)
{
    r->type = JSON;
    return s->hooks.targets(s->hooks.ctx, &r->body);
}

static const struct page {
    struct str path;
    bool open; /* to those without a token */
    page_fn *get;
} pages[] = {
    /* clang-format off */
    {STR_INIT("/livez"),         true,  page_livez},
    {STR_INIT("/readyz"),        true,  page_readyz},
    {STR_INIT("/metrics"),       false, page_metrics},
    {STR_INIT("/admin/config"),  false, page_config},
    {STR_INIT("/admin/targets"), false, page_targets},
    /* clang-format on */
};

static const struct page *page_find(const struct admin_state *s, struct str path)
{
    for (size_t i = 0; i < COUNTOF(pages); i++) {
        if (str_eq(pages[i].path, path))
            return pages[i].get == page_targets && s->hooks.targets == NULL ? NULL : &pages[i];
    }
    return NULL;
}

/* The token of the one Authorization field; two of them are none (R50). */
static struct str bearer(const struct http_fields *fields)
{
    struct str value = {NULL, 0}, scheme, token;
    unsigned n = 0;

    for (uint32_t i = 0; i < fields->count; i++) {
        if (str_eq_nocase(fields->at[i].name, STR("authorization"))) {
            value = fields->at[i].value;
            n++;
        }
    }
    (void)str_cut(value, ' ', &scheme, &token);
    if (n != 1 || !str_eq_nocase(scheme, STR("bearer")))
        return (struct str){NULL, 0};
    return str_trim(token);
}

static bool may_see(const struct admin_state *s, const struct page *p,
                    const struct http_fields *fields)
{
    struct str want = s->conf->admin.token;

    return want.len == 0 || (p != NULL && p->open) || str_eq_secret(bearer(fields), want);
}

struct str admin_page_error(struct arena *a, enum fault f, struct str message)
{
    const struct fault_info *info = fault_info(f);
    struct str quoted = json_quote(a, message);

    if (quoted.ptr == NULL)
        return quoted;
    return arena_printf(a,
                        "{\"error\":{\"message\":%.*s,\"type\":\"%s\",\"code\":\"%s\","
                        "\"param\":null}}\n",
                        STR_ARG(quoted), info->type, info->wire);
}

static void answer_error(struct admin_answer *r, struct arena *a, enum fault f, struct str message)
{
    struct str body = admin_page_error(a, f, message);

    r->status = fault_info(f)->http;
    r->type = JSON;
    r->body.len = 0;
    if (body.ptr != NULL)
        (void)!buf_put(&r->body, body); /* without memory the status says it alone */
}

static void answer_missing(struct admin_answer *r, struct arena *a, struct str path)
{
    bool cut = path.len > PATH_SHOWN;

    path.len = cut ? PATH_SHOWN : path.len;
    answer_error(r, a, FAULT_NO_SUCH_PATH,
                 arena_printf(a, "Nothing is served at %.*s%s on the admin port.", STR_ARG(path),
                              cut ? "\xe2\x80\xa6" : ""));
}

void admin_page_get(struct admin_state *s, struct arena *a, const struct admin_request *q,
                    struct admin_answer *ret_answer)
{
    const struct page *p = page_find(s, q->path);
    struct admin_answer *r = ret_answer;

    if (!may_see(s, p, q->fields)) { /* before 404: a stranger learns nothing of what there is */
        r->ask_for_token = true;
        answer_error(r, a, FAULT_BAD_KEY,
                     STR("The admin token is missing or wrong; send it as "
                         "\"Authorization: Bearer TOKEN\"."));
    } else if (p == NULL) {
        answer_missing(r, a, q->path);
    } else if (!str_eq(q->method, STR("GET")) && !str_eq(q->method, STR("HEAD"))) {
        r->allow = STR("GET, HEAD");
        answer_error(r, a, FAULT_BAD_METHOD, STR("This path answers GET and HEAD only."));
    } else {
        r->status = 200;
        if (p->get(s, r) < 0)
            answer_error(r, a, FAULT_INTERNAL, STR("This page could not be written."));
    }
}
