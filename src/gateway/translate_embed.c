/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/translate_embed.h"

#include <errno.h>

#include "gateway/translate.h"
#include "llm/json_pick.h"

bool translate_embed_can_serve(const struct conf_target *t)
{
    return t->provider->dialect == CHAT_OPENAI || embedder_find(t->provider->dialect) != NULL;
}

/* ---- the request ---- */

struct embedding *translate_embed_read(struct exchange *x, struct arena *asked,
                                       struct chat_problem *p)
{
    struct embedding *e = ARENA_NEW(x->mem, struct embedding);

    if (e == NULL ||
        !embed_read(asked, x->call->body, x->gl->gw->conf->limits.json_depth, &e->request, p))
        return NULL;
    e->unread_count = e->request.dropped_count;
    return e;
}

bool translate_embed_write(struct exchange *x, struct embedding *e, const struct conf_target *to,
                           struct buf *body, struct str *ret_path, struct chat_problem *p)
{
    struct embed_request *r = &e->request;

    r->dropped_count = e->unread_count;
    r->model = to->model;
    e->target = embedder_find(to->provider->dialect);
    *ret_path = e->target->path(x->mem, r);
    return ret_path->ptr != NULL && e->target->encode(r, body, p);
}

/* ---- the answer ---- */

static enum fault bad_reply(struct exchange *x, const char *why)
{
    x->attempt.watch.error_message = str_from(why);
    return FAULT_UPSTREAM_BAD_REPLY;
}

/* Some leave the count to a field of the head. */
static void find_count(const struct exchange *x, const struct embedding *e,
                       struct embed_answer *answer)
{
    struct str count = {NULL, 0};

    if (!answer->counted && e->target->usage_field != NULL)
        count = http_fields_find(&x->attempt.reply, str_from(e->target->usage_field));
    if (count.len == 0)
        return;
    answer->counted = true;
    answer->prompt_tokens = json_count(count);
}

static void note_usage(struct exchange *x, const struct embed_answer *answer)
{
    if (answer->counted)
        x->attempt.watch.usage = (struct openai_usage){.source = USAGE_REPORTED,
                                                       .prompt = answer->prompt_tokens,
                                                       .total = answer->prompt_tokens};
}

/* Models and servers that know one length only may overlook that another was asked for: then it
 * was dropped after all. */
static bool has_its_length(struct exchange *x, struct embedding *e, const struct embed_answer *a)
{
    struct embed_request *r = &e->request;

    if (r->dimensions.len == 0 || json_count(r->dimensions) == a->dimensions)
        return true;
    chat_drop_from(r->dropped, &r->dropped_count, STR("dimensions"));
    return !x->gl->gw->conf->translation.strict;
}

/* In a 200; empty messages are of bodies that are no error either. */
static enum fault no_answer(struct exchange *x, const struct embed_answer *answer, struct str body)
{
    struct openai_refusal r;

    if (answer->why != NULL)
        return bad_reply(x, answer->why);
    r = translate_refusal(x, x->attempt.status, body);
    return r.message.len > 0 ? r.fault : FAULT_UPSTREAM_BAD_REPLY;
}

/* The buffer is the thread's, and may have grown beyond its bound for others. */
static int tell(struct exchange *x, const struct embedding *e, const struct embed_answer *answer,
                struct buf *out)
{
    const size_t max = out->max, bound = x->gl->gw->conf->limits.reply_bytes;
    int err;

    out->max = bound;
    err = embed_write(answer, e->request.base64, x->req.model, out);
    out->max = max;
    return err == 0 && out->len > bound ? -ENOBUFS : err;
}

enum fault translate_embed_whole(struct exchange *x, struct embedding *e, struct arena *told,
                                 struct str body, struct buf *out, struct str *ret_body)
{
    struct embed_answer answer;
    int err;

    if (!embed_decode(e->target, &e->request, told, body, &answer))
        return no_answer(x, &answer, body);
    if (!has_its_length(x, e, &answer))
        return bad_reply(x, "vectors of another length than 'dimensions' (translation.strict)");
    find_count(x, e, &answer);
    err = tell(x, e, &answer, out);
    if (err < 0)
        return bad_reply(x, err == -ERANGE ? "a number that no float32 holds"
                                           : "more than limits.reply_bytes in OpenAI's form");
    note_usage(x, &answer);
    *ret_body = buf_str(out);
    return FAULT_NONE;
}
