/*
 * generate_stream.h - a stream of Gemini's as its clients take it: whether each chunk has the form
 * that they want, and what all of them add up to.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_UNIT_LLM_GENERATE_STREAM_H
#define TESTS_UNIT_LLM_GENERATE_STREAM_H

#include <stdio.h>
#include <stdlib.h>

#include <yyjson.h>

#include "base/buf.h"

#define GSTREAM_CANDIDATES 16u

struct gstream_candidate {
    struct buf said; /* a line a part: texts are joined up to a signature */
    struct buf text; /* of the one that goes on */
    bool going, thought;
    char reason[64], message[256];
};

struct gstream {
    struct gstream_candidate at[GSTREAM_CANDIDATES];
    char usage[512];
    const char *why; /* what is wrong */
};

static inline void gstream_flush(struct gstream_candidate *c, const char *signature)
{
    if (!c->going)
        return;
    c->going = false;
    if (c->text.len > 0 || signature[0] != '\0')
        (void)!buf_printf(&c->said, "%s %.*s [%s]\n", c->thought ? "thought" : "text",
                          (int)c->text.len, c->text.len > 0 ? c->text.ptr : "", signature);
    c->text.len = 0;
}

static inline const char *gstream_string(yyjson_val *object, const char *key)
{
    const char *s = yyjson_get_str(yyjson_obj_get(object, key));

    return s != NULL ? s : "";
}

static inline void gstream_raw(struct gstream_candidate *c, yyjson_val *part)
{
    char *json = yyjson_val_write(part, 0, NULL);

    gstream_flush(c, "");
    (void)!buf_printf(&c->said, "%s\n", json);
    free(json);
}

static inline void gstream_part(struct gstream *s, struct gstream_candidate *c, yyjson_val *part)
{
    yyjson_val *text = yyjson_obj_get(part, "text"), *call = yyjson_obj_get(part, "functionCall");
    bool thought = yyjson_is_true(yyjson_obj_get(part, "thought"));
    const char *signature = gstream_string(part, "thoughtSignature");

    if (!yyjson_is_obj(part) || yyjson_obj_size(part) == 0)
        s->why = "an empty part";
    if (text == NULL) {
        if (call != NULL && (!yyjson_is_str(yyjson_obj_get(call, "name")) ||
                             !yyjson_is_obj(yyjson_obj_get(call, "args"))))
            s->why = "a functionCall without a name, or whose args are no object";
        gstream_raw(c, part);
        return;
    }
    if (!yyjson_is_str(text))
        s->why = "a text that is no string";
    if (c->going && c->thought != thought)
        gstream_flush(c, "");
    c->going = true;
    c->thought = thought;
    (void)!buf_put(&c->text, str_make(yyjson_get_str(text), yyjson_get_len(text)));
    if (signature[0] != '\0')
        gstream_flush(c, signature);
}

static inline void gstream_ending(struct gstream *s, struct gstream_candidate *c, yyjson_val *v)
{
    const char *reason = gstream_string(v, "finishReason");

    if (reason[0] == '\0')
        return;
    gstream_flush(c, "");
    if (c->reason[0] != '\0')
        s->why = "a candidate ends twice";
    snprintf(c->reason, sizeof(c->reason), "%s", reason);
    snprintf(c->message, sizeof(c->message), "%s", gstream_string(v, "finishMessage"));
}

static inline void gstream_candidate(struct gstream *s, yyjson_val *v)
{
    yyjson_val *content = yyjson_obj_get(v, "content"), *part;
    yyjson_val *parts = yyjson_obj_get(content, "parts");
    uint64_t index = yyjson_get_uint(yyjson_obj_get(v, "index"));
    size_t i, max;

    if (strcmp(gstream_string(content, "role"), "model") != 0 || yyjson_arr_size(parts) == 0 ||
        !yyjson_is_uint(yyjson_obj_get(v, "index")) || index >= GSTREAM_CANDIDATES) {
        s->why = "a candidate without a role, a part, or an index";
        return;
    }
    if (s->at[index].reason[0] != '\0')
        s->why = "something behind the end";
    yyjson_arr_foreach(parts, i, max, part)
    {
        gstream_part(s, &s->at[index], part);
    }
    gstream_ending(s, &s->at[index], v);
}

static inline void gstream_chunk(struct gstream *s, struct str json)
{
    yyjson_doc *doc = yyjson_read(json.ptr, json.len, 0);
    yyjson_val *root = yyjson_doc_get_root(doc), *candidate;
    yyjson_val *candidates = yyjson_obj_get(root, "candidates");
    yyjson_val *usage = yyjson_obj_get(root, "usageMetadata");
    size_t i, max;
    char *text;

    if (yyjson_arr_size(candidates) == 0 || gstream_string(root, "responseId")[0] == '\0' ||
        gstream_string(root, "modelVersion")[0] == '\0')
        s->why = "no candidates, responseId or modelVersion";
    yyjson_arr_foreach(candidates, i, max, candidate)
    {
        gstream_candidate(s, candidate);
    }
    if (usage != NULL) {
        text = yyjson_val_write(usage, 0, NULL);
        snprintf(s->usage, sizeof(s->usage), "%s", text);
        free(text);
        if (!yyjson_is_uint(yyjson_obj_get(usage, "totalTokenCount")))
            s->why = "usage without a total";
    }
    yyjson_doc_free(doc);
}

static inline void gstream_feed(struct gstream *s, struct str stream)
{
    const struct str prefix = STR("data: ");
    struct str line, rest;

    while (stream.len > 0 && s->why == NULL) {
        str_cut(stream, '\n', &line, &stream);
        if (str_cut(line, '\r', &line, &rest) == false || rest.len > 0)
            s->why = "a line end within an event";
        if (line.len == 0)
            continue;
        if (!str_starts(line, prefix))
            s->why = "a line that is no data";
        else
            gstream_chunk(s, str_skip(line, prefix.len));
    }
}

static inline void gstream_done(struct gstream *s)
{
    for (unsigned i = 0; i < GSTREAM_CANDIDATES; i++) {
        buf_done(&s->at[i].said);
        buf_done(&s->at[i].text);
    }
}

static inline bool gstream_same(const struct gstream *a, const struct gstream *b)
{
    bool same = strcmp(a->usage, b->usage) == 0;

    for (unsigned i = 0; i < GSTREAM_CANDIDATES; i++)
        same = same && str_eq(buf_str(&a->at[i].said), buf_str(&b->at[i].said)) &&
               strcmp(a->at[i].reason, b->at[i].reason) == 0 &&
               strcmp(a->at[i].message, b->at[i].message) == 0;
    return same;
}

/* NULL: the stream has its form, has ended, and says what the whole answer does. */
static inline const char *gstream_compare(struct str stream, struct str body)
{
    static struct gstream streamed, whole;
    const char *why;

    streamed = whole = (struct gstream){.why = NULL};
    gstream_feed(&streamed, stream);
    gstream_chunk(&whole, body);
    why = streamed.why != NULL ? streamed.why : whole.why;
    if (why == NULL && !gstream_same(&streamed, &whole))
        why = "the stream says something else than the whole answer";
    for (unsigned i = 0; i < GSTREAM_CANDIDATES && why == NULL; i++) {
        if ((streamed.at[i].said.len > 0) > (streamed.at[i].reason[0] != '\0'))
            why = "a candidate that does not end";
    }
    gstream_done(&streamed);
    gstream_done(&whole);
    return why;
}

#endif
