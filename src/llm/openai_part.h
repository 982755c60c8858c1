/*
 * openai_part.h - what the files of the OpenAI dialect share with each other alone.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LLM_OPENAI_PART_H
#define LLM_OPENAI_PART_H

#include "llm/chat_event.h"
#include "llm/openai.h"

/* A usage object while it goes by. */
#define OPENAI_USAGE_COUNTS 6u
struct openai_usage_reading {
    unsigned entered; /* the first row of the details that are being read */
    unsigned seen;    /* a bit a count */
    uint64_t value[OPENAI_USAGE_COUNTS];
};

/* Starts a reading: who is to hear of the usage object's members. */
struct json_visitor openai_usage_visitor(struct openai_usage_reading *r);
/* What was read.  false, and *usage as it was, when it told no token count. */
bool openai_usage_take(struct openai_usage *usage, const struct openai_usage_reading *r);

/* Read a usage object, checked JSON.  false, and *usage as it was, when it tells no token count. */
bool openai_usage_read(struct openai_usage *usage, struct str object);

/* Read an error object in any of its shapes from checked JSON: {"error":{…}}, {"error":"…"}, the
 * flat {"object":"error",…}, {"detail":…}, {"message":…}, or an array with one of those.  false
 * when nothing in it looks like one.  Texts in the arena. */
bool openai_error_read(struct arena *a, struct str json, struct openai_refusal *ret);
/* The same from the value of an `error` member. */
void openai_error_value(struct arena *a, struct str value, struct openai_refusal *ret);
/* openai_refusal() as an ERROR event: what both of OpenAI's dialects say of a refusal. */
void openai_refusal_event(struct arena *a, unsigned status, struct str body,
                          struct chat_event *ret);
/* What is not JSON, as a message: a few words of plain text are worth passing on, a page of HTML is
 * not. */
struct str openai_plain_text(struct arena *a, struct str body);
/* Mend the tool_calls array of one delta (R8): distinct indexes from 0, id, type and name on a
 * call's first delta alone, arguments as a string.  With the choice's `last` delta, whose array may
 * be absent (empty), calls that had no arguments get {}: nothing is not JSON.  true: the new array
 * was appended to `out`; false: it is right as it came, or there is no room to do better. */
bool openai_tools_mend(struct openai_watch *w, uint64_t choice, struct str chunk_id,
                       struct str array, bool last, struct buf *out);
/* Copies of the tool calls and of the stencil in another arena: of NULL, NULL.  False without
 * memory.
 */
MUST_USE bool openai_tools_copy(const struct openai_tools *tools, struct arena *to,
                                struct openai_tools **ret_copy);
MUST_USE bool openai_stencil_copy(const struct openai_stencil *stencil, struct arena *to,
                                  struct openai_stencil **ret_copy);
/* Remember an event that is read and that does nothing but show the string `shown` (a value in
 * it); `padding` is the value of `obfuscation`, or empty. */
void openai_stencil_cut(struct openai_watch *w, struct str event, struct str shown,
                        struct str padding);
/* Whether `event` is that one again but for the strings. */
bool openai_stencil_fits(const struct openai_watch *w, struct str event);

#endif
