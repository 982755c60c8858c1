/*
 * chat_surface.h - the APIs that clients speak, between their JSON and our own form (chat.h).
 *
 * A surface reads a request and writes an answer.  What is written is what that API's own SDK
 * expects to the letter: every member that it requires is there, and events come in its order.  No
 * I/O, no clock; memory from the arena and the buffer it is given.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LLM_CHAT_SURFACE_H
#define LLM_CHAT_SURFACE_H

#include "llm/chat_event.h"

/* What an answer says of itself. */
struct chat_answer_facts {
    struct str id; /* plain; the writer puts its API's prefix in front: "chatcmpl-", "msg_" … */
    struct str model; /* plain: what the client asked for */
    uint64_t created_s;
    const struct chat_request *request; /* for writer_new() alone: it may go afterwards */
};

struct chat_writer; /* what a surface remembers of the answer it writes, in the arena */

struct chat_surface {
    const char *name;     /* as in metrics and in the matrix: "chat", "messages", "responses" */
    enum chat_dialect id; /* whose body passes untouched */

    /* Read a body that json_scan() has not seen.  Strict JSON, `depth_max` levels; the fields that
     * the API requires have to be there and of their type.  false: *p says why. */
    bool (*read)(struct arena *a, struct str body, unsigned depth_max, struct chat_request *ret,
                 struct chat_problem *p);

    /* NULL without room.  The facts, but for the request, have to outlive it. */
    struct chat_writer *(*writer_new)(struct arena *a, const struct chat_answer_facts *facts);
    /* Append what this event is in the stream, whole SSE events; possibly nothing.  The first call
     * writes what has to come before.  END writes what has to come last ([DONE], message_stop).
     * -ENOBUFS, -ENOMEM from the buffer. */
    int (*put)(struct chat_writer *w, const struct chat_event *ev, struct buf *out);
    /* The same answer whole: collect() each event, then write() the body once after END. */
    int (*collect)(struct chat_writer *w, const struct chat_event *ev);
    int (*write)(struct chat_writer *w, struct buf *out);

    /* The body of an error answer, and the event of one in a stream that had begun.  `message` and
     * `param` are plain; param may be empty. */
    int (*error_body)(enum fault f, struct str message, struct str param, struct str request_id,
                      struct buf *out);
    int (*error_event)(struct chat_writer *w, enum fault f, struct str message, struct buf *out);
    /* What keeps a silent stream alive, an event of the API's own (Anthropic's ping) or a comment.
     */
    struct str keepalive;
};

const struct chat_surface *chat_surface_get(enum chat_dialect id); /* NULL: not a surface */

#endif
