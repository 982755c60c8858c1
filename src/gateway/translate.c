/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/translate.h"

#include "gateway/translate_embed.h"
#include "gateway/translation.h"
#include "llm/generate.h"

bool translation_is_count(const struct exchange *x)
{
    return x->surface->id == SURFACE_COUNT_TOKENS;
}

/* What this exchange is asked in.  Embeddings and the like have but one API. */
enum chat_dialect translation_dialect(const struct exchange *x, const struct conf_target *t)
{
    bool responses =
        t->api == API_RESPONSES || (t->api == API_EITHER && x->surface->dialect == CHAT_RESPONSES);

    return responses && x->surface->any_dialect && x->surface->id != SURFACE_EMBEDDINGS
               ? CHAT_RESPONSES
               : t->provider->dialect;
}

bool translate_applies(const struct exchange *x, const struct conf_target *t)
{
    return translation_dialect(x, t) != CHAT_OPENAI || x->surface->dialect != CHAT_OPENAI;
}

bool translate_can_serve(const struct exchange *x, const struct conf_target *t)
{
    if (x->surface->id == SURFACE_EMBEDDINGS)
        return translate_embed_can_serve(t);
    return x->surface->any_dialect || t->provider->dialect == x->surface->dialect;
}

bool translate_passes(const struct exchange *x)
{
    const struct translation *t = x->translation;

    return t == NULL || (t->writer == NULL && t->embedding == NULL);
}

bool translate_as_it_came(const struct exchange *x)
{
    return translate_passes(x) && !x->translation->array;
}

/* An open stream has its translation still, but not its query (exchange_lighten.c). */
bool translate_array(struct exchange *x)
{
    if (x->translation != NULL)
        return x->translation->array;
    return x->surface->dialect == CHAT_GEMINI && x->req.stream &&
           !str_eq(generate_parameter(x->mem, x->call->query, STR("alt")), STR("sse"));
}

void translate_cannot_serve(struct exchange *x, const struct conf_target *t)
{
    const struct conf_provider *p = t->provider;
    struct str what = x->surface->action.len > 0 ? x->surface->action : x->surface->path;
    bool embeds = x->surface->id == SURFACE_EMBEDDINGS;

    exchange_fail(
        x, translation_is_count(x) ? FAULT_NOT_SUPPORTED : FAULT_BAD_REQUEST, STR("model"),
        "%.*s speaks the dialect of %s: %.*s cannot be translated for it%s.", STR_ARG(p->name),
        dialect_get(p->dialect)->name, STR_ARG(what), embeds ? ", since it has no embeddings" : "");
}

enum chat_framing translate_framing(const struct exchange *x)
{
    return x->translation->dialect->framing;
}

bool translation_out_of_room(struct exchange *x)
{
    exchange_fail(x, FAULT_OVERLOADED, STR(""), "limits.exchange_bytes is reached.");
    return false;
}
