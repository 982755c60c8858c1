/*
 * route_stage.c - from the model's name to the targets that may answer.
 *
 * The name is an alias of the configuration, or provider/model.  The alias's targets come first,
 * then those of its fallbacks, and theirs, each alias once; a fallback that the key may not use is
 * left out.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "gateway/exchange.h"
#include "gateway/stages.h"

#define ALIASES_MAX 16u

static uint64_t shorter(uint64_t a, uint64_t b)
{
    if (a == 0 || b == 0)
        return a + b;
    return a < b ? a : b;
}

/* From the request's first byte; the loop's time and the clock count from the same start. */
static void set_deadline(struct exchange *x, uint32_t total_ms)
{
    uint64_t limit = shorter(x->total_ms, total_ms);

    x->total_ms = (uint32_t)limit;
    if (limit != 0)
        x->deadline_ms = x->call->started_ns / 1000000u + limit;
}

/* Breadth first, so that a fallback's own fallbacks come after all of the first's. */
static uint32_t collect(const struct exchange *x, const struct conf_model **aliases)
{
    uint32_t count = 1;

    aliases[0] = x->alias;
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t k = 0; k < aliases[i]->fallbacks_count && count < ALIASES_MAX; k++) {
            const struct conf_model *f = aliases[i]->fallbacks[k];
            bool seen = false;

            for (uint32_t j = 0; j < count; j++)
                seen = seen || aliases[j] == f;
            if (!seen && conf_key_allows(x->principal, f->name))
                aliases[count++] = f;
        }
    }
    return count;
}

static uint32_t targets_in(const struct conf_model **aliases, uint32_t count)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < count; i++)
        n += aliases[i]->targets_count;
    return n < ROUTE_MAX ? n : ROUTE_MAX;
}

/* About what a provider will count: bytes of JSON over four, and what the answer may have. */
static uint64_t guess_tokens(const struct exchange *x)
{
    return x->call->body.len / 4 + x->req.max_tokens;
}

static enum verdict route_alias(struct exchange *x)
{
    struct gateway *g = x->gl->gw;
    struct route_states st = {g->targets, g->providers};
    const struct conf_model *aliases[ALIASES_MAX];
    uint32_t count = collect(x, aliases);

    x->route.tokens = guess_tokens(x);
    x->route.at = arena_array(x->mem, targets_in(aliases, count), sizeof(*x->route.at));
    if (x->route.at == NULL)
        return exchange_fail(x, FAULT_OVERLOADED, STR(""), "limits.exchange_bytes is reached.");
    for (uint32_t i = 0; i < count; i++) {
        atomic_uint *ticket = &g->tickets[aliases[i]->index];

        route_append(&x->route, aliases[i], &st,
                     atomic_fetch_add_explicit(ticket, 1, memory_order_relaxed),
                     exchange_now_ms(x));
    }
    set_deadline(x, x->alias->timeouts.total_ms);
    return VERDICT_NEXT;
}

/* "a/../b" in a path is "b" to whoever tidies it up, and was "a…" to who checked the key. */
static bool climbs(struct str model)
{
    struct str segment;
    bool more;

    do {
        more = str_cut(model, '/', &segment, &model);
        if (str_eq(segment, STR(".")) || str_eq(segment, STR("..")))
            return true;
    } while (more);
    return false;
}

static bool is_in_path(const struct conf_provider *p)
{
    return p->dialect == CHAT_GEMINI || p->dialect == CHAT_BEDROCK || p->maker == MAKER_AZURE;
}

static enum verdict route_direct(struct exchange *x, const struct conf_provider *p,
                                 struct str model)
{
    struct conf_target *t = ARENA_NEW(x->mem, struct conf_target);
    struct candidate *c = ARENA_NEW(x->mem, struct candidate);

    if (t == NULL || c == NULL)
        return exchange_fail(x, FAULT_OVERLOADED, STR(""), "limits.exchange_bytes is reached.");
    *t = (struct conf_target){.index = UINT32_MAX,
                              .provider = p,
                              .model = model,
                              .api = p->api,
                              .weight = 1,
                              .timeouts = p->timeouts};
    *c = (struct candidate){.target = t,
                            .provider = &x->gl->gw->providers[p->index],
                            .state = &x->gl->gw->providers[p->index].direct,
                            .allowances = allowance_book_get(&x->gl->gw->allowances, p, model)};
    x->route = (struct route){.at = c, .count = 1, .tokens = guess_tokens(x)};
    set_deadline(x, p->timeouts.total_ms);
    return VERDICT_NEXT;
}

enum verdict route_enter(struct exchange *x)
{
    const struct conf *c = x->gl->gw->conf;
    const struct conf_provider *p = NULL;
    struct str provider, model = {NULL, 0};

    x->alias = conf_model_find(c, x->req.model);
    if (x->alias == NULL && str_cut(x->req.model, '/', &provider, &model) && model.len > 0)
        p = conf_provider_find(c, provider);
    if (x->alias == NULL && p == NULL)
        return exchange_fail(x, FAULT_NO_SUCH_MODEL, STR("model"),
                             "There is no model \"%.*s\": use an alias from GET /v1/models, or "
                             "provider/model.",
                             (int)(x->req.model.len < 200 ? x->req.model.len : 200),
                             x->req.model.ptr);
    if (!conf_key_allows(x->principal, x->req.model))
        return exchange_fail(
            x, FAULT_MODEL_DENIED, STR("model"), "This key may not use the model \"%.*s\".",
            (int)(x->req.model.len < 200 ? x->req.model.len : 200), x->req.model.ptr);
    if (x->alias == NULL && is_in_path(p) && climbs(model))
        return exchange_fail(x, FAULT_BAD_REQUEST, STR("model"),
                             "A model of %.*s has no \".\" or \"..\" between slashes.",
                             STR_ARG(p->name));
    return x->alias != NULL ? route_alias(x) : route_direct(x, p, model);
}
