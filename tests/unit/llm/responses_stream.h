/*
 * responses_stream.h - the stream of the Responses API as its clients read it: a grammar that is
 * kept or not, and the output that the events add up to.  Texts stay as they stand in the JSON, so
 * that what is compared is bytes.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_UNIT_LLM_RESPONSES_STREAM_H
#define TESTS_UNIT_LLM_RESPONSES_STREAM_H

#include <stdlib.h>

#include "base/buf.h"
#include "llm/chat_text.h"
#include "llm/json_pick.h"

#define RSTREAM_ITEMS_MAX 1024u

struct rstream_item {
    struct str type, id, whole; /* whole: the item as output_item.done has it */
    bool part_open, text_open, done;
    uint64_t parts;
    struct str part_type;
    struct buf text; /* of the open part, or the arguments */
};

struct rstream {
    struct arena arena; /* the events' bytes */
    uint64_t seq;
    uint64_t n; /* items */
    struct rstream_item items[RSTREAM_ITEMS_MAX];
    bool error, over;
    struct str response; /* the last one told */
    const char *why;     /* the grammar was broken */
};

static inline struct str rstream_get(struct str object, const char *name)
{
    return json_pick_one(object, str_from(name), JSON_NONE);
}

static inline struct str rstream_inside(struct str object, const char *name)
{
    struct json_text t = json_text_of(rstream_get(object, name));

    return str_make(t.ptr != NULL ? t.ptr : "", t.len);
}

static inline bool rstream_is(struct str object, const char *name, const char *word)
{
    return str_eq(rstream_inside(object, name), str_from(word));
}

static inline bool rstream_number_is(struct str object, const char *name, uint64_t want)
{
    uint64_t n;

    return str_to_u64(rstream_get(object, name), &n) && n == want;
}

static inline bool rstream_empty(struct str object, const char *name)
{
    return json_is_empty(rstream_get(object, name));
}

/* ---- the response ---- */

static inline const char *rstream_begin(struct rstream *s, struct str name, struct str data)
{
    struct str want = s->seq == 0 ? STR("response.created") : STR("response.in_progress");

    s->response = rstream_get(data, "response");
    if (!str_eq(name, want))
        return "a stream that does not begin with created and in_progress";
    if (!rstream_is(s->response, "status", "in_progress") || !rstream_empty(s->response, "output"))
        return "a response that begins with something in it";
    return NULL;
}

static inline const char *rstream_output(struct rstream *s)
{
    struct buf all = {.max = 0};
    bool same;
    int err = buf_put(&all, STR("["));

    for (uint64_t i = 0; i < s->n; i++) {
        err = err == 0 && i > 0 ? buf_put(&all, STR(",")) : err;
        err = err == 0 ? buf_put(&all, s->items[i].whole) : err;
    }
    err = err == 0 ? buf_put(&all, STR("]")) : err;
    same = err == 0 && str_eq(buf_str(&all), rstream_get(s->response, "output"));
    buf_done(&all);
    return same ? NULL : "an output that is not what the items were";
}

static inline const char *rstream_end(struct rstream *s, struct str name, struct str data)
{
    struct str status = str_skip(name, sizeof("response.") - 1);

    s->response = rstream_get(data, "response");
    s->over = true;
    if (!str_eq(rstream_inside(s->response, "status"), status))
        return "a last event of another status";
    if (str_eq(status, STR("failed")))
        return s->error ? NULL : "failed without an error";
    if (s->error)
        return "an end behind an error";
    for (uint64_t i = 0; i < s->n; i++) {
        if (!s->items[i].done)
            return "the end with an item open";
    }
    return rstream_output(s);
}

/* ---- items ---- */

static inline const char *rstream_added(struct rstream *s, struct str data)
{
    struct rstream_item *item = &s->items[s->n];
    struct str value = rstream_get(data, "item");

    if (s->n == RSTREAM_ITEMS_MAX)
        return "too many items";
    if (!rstream_number_is(data, "output_index", s->n))
        return "an item that is not the next one";
    *item = (struct rstream_item){.type = rstream_inside(value, "type"),
                                  .id = rstream_inside(value, "id")};
    s->n++;
    for (uint64_t i = 0; i + 1 < s->n; i++) {
        if (item->id.len == 0 || str_eq(s->items[i].id, item->id))
            return "an id that is not its own";
        if (!s->items[i].done && !str_eq(s->items[i].type, STR("function_call")))
            return "an item begins while another that is no call is open";
    }
    if (str_eq(item->type, STR("reasoning")))
        return rstream_empty(value, "summary") ? NULL : "reasoning that begins with a summary";
    if (!rstream_is(value, "status", "in_progress"))
        return "an item that begins otherwise than in progress";
    if (str_eq(item->type, STR("message")))
        return rstream_empty(value, "content") ? NULL : "a message that begins with content";
    if (!str_eq(item->type, STR("function_call")) || rstream_inside(value, "call_id").len == 0)
        return "an item that nobody knows";
    item->text_open = true;
    return rstream_empty(value, "arguments") ? NULL : "a call that begins with arguments";
}

/* The texts told piece by piece stand in the item as it is at its end. */
static inline const char *rstream_item_done(struct rstream *s, struct rstream_item *item,
                                            struct str data)
{
    (void)s;
    item->whole = rstream_get(data, "item");
    item->done = true;
    if (item->part_open || item->text_open)
        return "an item is done while a part of it is open";
    if (!str_eq(rstream_inside(item->whole, "id"), item->id) ||
        !str_eq(rstream_inside(item->whole, "type"), item->type))
        return "an item that ends as another";
    if (str_eq(item->type, STR("function_call")) &&
        !str_eq(rstream_inside(item->whole, "arguments"), buf_str(&item->text)))
        return "arguments that are not the pieces'";
    if (str_eq(item->type, STR("reasoning")))
        return NULL;
    if (!rstream_is(item->whole, "status", "completed") &&
        !rstream_is(item->whole, "status", "incomplete"))
        return "an item that is done and is not";
    return NULL;
}

/* ---- parts ---- */

static inline const char *rstream_part(struct rstream_item *item, struct str data, bool begins)
{
    bool summary = str_eq(item->type, STR("reasoning"));
    struct str part = rstream_get(data, "part");
    const char *member = rstream_is(part, "type", "refusal") ? "refusal" : "text";

    if (!rstream_number_is(data, summary ? "summary_index" : "content_index",
                           begins ? item->parts : item->parts - 1))
        return "a part of another index";
    if (begins) {
        if (item->part_open)
            return "a part begins in another";
        item->parts++;
        item->part_open = item->text_open = true;
        item->part_type = rstream_inside(part, "type");
        item->text.len = 0;
        return rstream_empty(part, member) ? NULL : "a part that begins with text";
    }
    if (!item->part_open || item->text_open)
        return "the end of a part that is not there, or whose text goes on";
    item->part_open = false;
    if (!str_eq(rstream_inside(part, "type"), item->part_type))
        return "a part that ends as another";
    return str_eq(rstream_inside(part, member), buf_str(&item->text))
               ? NULL
               : "a part that is not its pieces";
}

static const struct {
    const char *event, *part, *member; /* part: its type, or the item's that has none */
    const char *index;
    bool done;
} rstream_texts[] = {
    {"response.output_text.delta", "output_text", "delta", "content_index", false},
    {"response.output_text.done", "output_text", "text", "content_index", true},
    {"response.refusal.delta", "refusal", "delta", "content_index", false},
    {"response.refusal.done", "refusal", "refusal", "content_index", true},
    {"response.reasoning_summary_text.delta", "summary_text", "delta", "summary_index", false},
    {"response.reasoning_summary_text.done", "summary_text", "text", "summary_index", true},
    {"response.function_call_arguments.delta", "function_call", "delta", NULL, false},
    {"response.function_call_arguments.done", "function_call", "arguments", NULL, true},
};

static inline const char *rstream_text(struct rstream_item *item, struct str name, struct str data)
{
    bool call = str_eq(item->type, STR("function_call"));
    struct str kind = call ? item->type : item->part_type, value;
    size_t i = 0;

    while (i < COUNTOF(rstream_texts) && !str_eq(name, str_from(rstream_texts[i].event)))
        i++;
    if (i == COUNTOF(rstream_texts))
        return "an event that nobody knows";
    if (!item->text_open || !str_eq(kind, str_from(rstream_texts[i].part)))
        return "a text outside of its part";
    if (!call && !rstream_number_is(data, rstream_texts[i].index, item->parts - 1))
        return "a text of another part";
    if (rstream_get(data, rstream_texts[i].member).len == 0)
        return "a text without its member";
    value = rstream_inside(data, rstream_texts[i].member);
    if (!rstream_texts[i].done)
        return buf_put(&item->text, value) == 0 && value.len > 0 ? NULL : "a delta of nothing";
    item->text_open = false;
    return str_eq(value, buf_str(&item->text)) ? NULL : "a text that is not its pieces";
}

/* ---- events ---- */

static inline const char *rstream_inner(struct rstream *s, struct str name, struct str data)
{
    struct rstream_item *item;
    uint64_t index;

    if (str_eq(name, STR("response.output_item.added")))
        return rstream_added(s, data);
    if (!str_to_u64(rstream_get(data, "output_index"), &index) || index >= s->n)
        return "an event of no item";
    item = &s->items[index];
    if (item->done)
        return "an event of an item that is done";
    if (str_eq(name, STR("response.output_item.done")))
        return rstream_item_done(s, item, data);
    if (!str_eq(rstream_inside(data, "item_id"), item->id))
        return "an event of another item's id";
    if (str_eq(name, STR("response.content_part.added")) ||
        str_eq(name, STR("response.reasoning_summary_part.added")))
        return rstream_part(item, data, true);
    if (str_eq(name, STR("response.content_part.done")) ||
        str_eq(name, STR("response.reasoning_summary_part.done")))
        return rstream_part(item, data, false);
    return rstream_text(item, name, data);
}

static inline const char *rstream_step(struct rstream *s, struct str name, struct str data)
{
    if (!json_scan(data, JSON_DEPTH_MAX, NULL, NULL, NULL) || json_type_of(data) != JSON_OBJECT)
        return "an event that is no JSON object";
    if (!str_eq(rstream_inside(data, "type"), name))
        return "an event of another name than its type";
    if (!rstream_number_is(data, "sequence_number", s->seq))
        return "a sequence number that is not the next one";
    if (s->over)
        return "an event behind the end";
    if (s->seq < 2)
        return rstream_begin(s, name, data);
    if (str_eq(name, STR("response.completed")) || str_eq(name, STR("response.incomplete")) ||
        str_eq(name, STR("response.failed")))
        return rstream_end(s, name, data);
    if (s->error)
        return "an event between the error and the end";
    if (!str_eq(name, STR("error")))
        return rstream_inner(s, name, data);
    s->error = true;
    return NULL;
}

/* Written bytes, framed to the letter: two lines and an empty one an event. */
static inline void rstream_feed(struct rstream *s, struct str bytes)
{
    struct str line, data, empty;

    while (bytes.len > 0 && s->why == NULL) {
        str_cut(bytes, '\n', &line, &bytes);
        str_cut(bytes, '\n', &data, &bytes);
        if (!str_starts(line, STR("event: ")) || !str_starts(data, STR("data: ")) ||
            !str_cut(bytes, '\n', &empty, &bytes) || empty.len > 0) {
            s->why = "an event that is framed otherwise";
            return;
        }
        s->why = rstream_step(s, arena_dup(&s->arena, str_skip(line, 7)),
                              arena_dup(&s->arena, str_skip(data, 6)));
        s->seq++;
    }
}

static inline void rstream_done(struct rstream *s)
{
    for (uint64_t i = 0; i < s->n; i++)
        buf_done(&s->items[i].text);
    arena_done(&s->arena);
}

#endif
