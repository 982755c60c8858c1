/*
 * anthropic_listen.h - hear a decoder out: a log of its events, and the message they add up to.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_UNIT_LLM_ANTHROPIC_LISTEN_H
#define TESTS_UNIT_LLM_ANTHROPIC_LISTEN_H

#include <yyjson.h>

#include "llm/chat_text.h"
#include "llm/dialects.h"

struct listener {
    struct arena arena;
    struct chat_decoder *decoder;
    struct buf log;   /* of each event all it says */
    struct buf shape; /* a letter an event; pieces of one thing are one */
    bool malformed;

    /* What it adds up to. */
    yyjson_mut_doc *doc;
    yyjson_mut_val *content, *citations;
    struct buf text, thinking, signature, args;
    char open; /* t, h, c: the block that goes on */
    char call_id[128], call_name[128];
    char id[128], model[128];
    char stop_text[128];
    unsigned starts, stops, ends, calls, errors;
    enum chat_stop stop;
    enum fault fault;
    struct chat_usage usage;
};

static inline void listen_put(struct buf *b, struct str s)
{
    assert_int_equal(buf_put(b, s), 0);
}

static inline struct str listen_plain(struct listener *l, struct json_text t)
{
    struct str plain = json_text_plain(&l->arena, t);

    assert_true(plain.ptr != NULL);
    return plain;
}

static inline void listen_copy(struct listener *l, char to[128], struct json_text t)
{
    struct str plain = listen_plain(l, t);

    snprintf(to, 128, "%.*s", STR_ARG(plain));
}

static inline yyjson_mut_val *listen_string(yyjson_mut_doc *doc, const struct buf *b)
{
    return yyjson_mut_strncpy(doc, b->ptr != NULL ? b->ptr : "", b->len);
}

/* JSON as a value; what is not, as a string. */
static inline yyjson_mut_val *listen_json(yyjson_mut_doc *doc, struct str json)
{
    yyjson_doc *read = yyjson_read(json.ptr != NULL ? json.ptr : "", json.len, 0);
    yyjson_mut_val *v = read != NULL
                            ? yyjson_val_mut_copy(doc, yyjson_doc_get_root(read))
                            : yyjson_mut_strncpy(doc, json.ptr != NULL ? json.ptr : "", json.len);

    yyjson_doc_free(read);
    return v;
}

static inline yyjson_mut_val *listen_block(struct listener *l, const char *type)
{
    yyjson_mut_val *block = yyjson_mut_obj(l->doc);

    yyjson_mut_obj_add_str(l->doc, block, "type", type);
    yyjson_mut_arr_append(l->content, block);
    return block;
}

static inline void listen_flush(struct listener *l)
{
    yyjson_mut_val *block;

    if (l->open == 't') {
        block = listen_block(l, "text");
        yyjson_mut_obj_add_val(l->doc, block, "text", listen_string(l->doc, &l->text));
        if (l->citations != NULL)
            yyjson_mut_obj_add_val(l->doc, block, "citations", l->citations);
    } else if (l->open == 'h') {
        block = listen_block(l, "thinking");
        yyjson_mut_obj_add_val(l->doc, block, "thinking", listen_string(l->doc, &l->thinking));
        yyjson_mut_obj_add_val(l->doc, block, "signature", listen_string(l->doc, &l->signature));
    } else if (l->open == 'c') {
        block = listen_block(l, "tool_use");
        yyjson_mut_obj_add_strcpy(l->doc, block, "id", l->call_id);
        yyjson_mut_obj_add_strcpy(l->doc, block, "name", l->call_name);
        yyjson_mut_obj_add_val(l->doc, block, "input", listen_json(l->doc, buf_str(&l->args)));
    }
    l->open = '\0';
    l->citations = NULL;
    l->text.len = l->thinking.len = l->signature.len = l->args.len = 0;
}

/* A block ends with an event of its own, never because another one begins. */
static inline void listen_open(struct listener *l, char kind)
{
    assert_true(l->open == '\0' || l->open == kind);
    l->open = kind;
}

static inline void listen_piece(struct listener *l, char kind, struct buf *to, struct json_text t)
{
    listen_open(l, kind);
    assert_true(t.len > 0);
    listen_put(to, listen_plain(l, t));
}

static inline void listen_add(struct listener *l, const struct chat_event *ev)
{
    switch (ev->kind) {
    case CHAT_EV_START:
        l->starts++;
        listen_copy(l, l->id, ev->id);
        listen_copy(l, l->model, ev->model);
        break;
    case CHAT_EV_TEXT:
        listen_piece(l, 't', &l->text, ev->text);
        break;
    case CHAT_EV_THINKING:
        listen_piece(l, 'h', &l->thinking, ev->text);
        break;
    case CHAT_EV_SIGNATURE:
        listen_piece(l, 'h', &l->signature, ev->text);
        break;
    case CHAT_EV_REDACTED:
        listen_open(l, 'r');
        yyjson_mut_obj_add_val(l->doc, listen_block(l, "redacted_thinking"), "data",
                               yyjson_mut_strncpy(l->doc, listen_plain(l, ev->text).ptr,
                                                  listen_plain(l, ev->text).len));
        break;
    case CHAT_EV_CALL:
        listen_open(l, 'c');
        assert_int_equal(ev->call, l->calls++);
        listen_copy(l, l->call_id, ev->id);
        listen_copy(l, l->call_name, ev->name);
        break;
    case CHAT_EV_ARGS:
        assert_int_equal(ev->call, l->calls - 1);
        listen_piece(l, 'c', &l->args, ev->text);
        break;
    case CHAT_EV_CITATION:
        listen_open(l, 't');
        if (l->citations == NULL)
            l->citations = yyjson_mut_arr(l->doc);
        yyjson_mut_arr_append(l->citations, listen_json(l->doc, ev->raw));
        break;
    case CHAT_EV_RAW:
        assert_int_equal(l->open, '\0');
        assert_int_equal(ev->vendor, CHAT_ANTHROPIC);
        yyjson_mut_arr_append(l->content, listen_json(l->doc, ev->raw));
        break;
    case CHAT_EV_BLOCK_END:
        assert_int_not_equal(l->open, '\0');
        listen_flush(l);
        break;
    case CHAT_EV_USAGE:
        l->usage = ev->usage;
        break;
    case CHAT_EV_STOP:
        assert_int_equal(l->open, '\0');
        l->stops++;
        l->stop = ev->stop;
        listen_copy(l, l->stop_text, ev->text);
        break;
    case CHAT_EV_ERROR:
        l->errors++;
        l->fault = ev->fault;
        listen_copy(l, l->stop_text, ev->text);
        break;
    case CHAT_EV_END:
        assert_int_equal(l->stops, 1);
        l->ends++;
        break;
    case CHAT_EV_REFUSAL:
        fail_msg("Anthropic has no such event");
    }
}

static inline bool listen_event(void *ctx, const struct chat_event *ev)
{
    struct listener *l = ctx;
    char letter = (char)('A' + (int)ev->kind);
    bool piece =
        ev->kind == CHAT_EV_TEXT || ev->kind == CHAT_EV_THINKING || ev->kind == CHAT_EV_ARGS;

    assert_true(l->ends == 0 && l->errors == 0); /* nothing comes behind the last */
    if (ev->kind != CHAT_EV_ERROR)
        assert_int_equal(l->starts, ev->kind != CHAT_EV_START);
    if (!piece || l->shape.len == 0 || l->shape.ptr[l->shape.len - 1] != letter)
        listen_put(&l->shape, str_make(&letter, 1));
    assert_int_equal(buf_printf(&l->log,
                                "%c %u %d %d %" PRIu64 " %" PRIu64
                                " [%.*s] [%.*s] [%.*s] [%.*s] [%.*s]\n",
                                letter, ev->call, (int)ev->stop, (int)ev->fault, ev->usage.input,
                                ev->usage.output, STR_ARG(ev->text), STR_ARG(ev->id),
                                STR_ARG(ev->name), STR_ARG(ev->model), STR_ARG(ev->raw)),
                     0);
    if (l->doc != NULL)
        listen_add(l, ev);
    else {
        l->starts += ev->kind == CHAT_EV_START;
        l->ends += ev->kind == CHAT_EV_END;
        l->errors += ev->kind == CHAT_EV_ERROR;
    }
    return true;
}

static inline void listen_done(struct listener *l)
{
    buf_done(&l->log);
    buf_done(&l->shape);
    buf_done(&l->text);
    buf_done(&l->thinking);
    buf_done(&l->signature);
    buf_done(&l->args);
    yyjson_mut_doc_free(l->doc);
    arena_done(&l->arena);
    *l = (struct listener){.malformed = false};
}

/* `tree`: add it up. */
static inline void listen_start(struct listener *l, bool tree)
{
    listen_done(l);
    if (tree) {
        l->doc = yyjson_mut_doc_new(NULL);
        l->content = yyjson_mut_arr(l->doc);
    }
    l->decoder = dialect_anthropic.decoder_new(&l->arena);
    assert_non_null(l->decoder);
}

static inline void listen_data(struct listener *l, struct str name, struct str data)
{
    l->malformed |= !dialect_anthropic.decode(l->decoder, name, data, listen_event, l);
}

static inline void listen_whole(struct listener *l, struct str body)
{
    listen_start(l, true);
    l->malformed = !dialect_anthropic.decode_whole(l->decoder, body, listen_event, l);
}

#endif
