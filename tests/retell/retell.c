/*
 * Recorded answers of all providers as clients of every API are told them: `retell FILE...` prints
 * a JSON object a line, for each file eight: {"file", "surface", "form", "output", "outcome"}.
 *
 * tests/e2e/recordings.test.mjs judges what is printed.  A recording says by its folder whose it
 * is, by its name whether it is a stream (*.chunks.txt, payloads a line; *.sse, as it came) or a
 * body (*.json).  What is told is what the gateway tells, marks of other makers' signatures among
 * it. SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "llm/chat_origin.h"
#include "llm/chat_text.h"
#include "llm/dialects.h"
#include "llm/json_pen.h"
#include "llm/sse.h"
#include "unit/llm/files.h"

/* ---- who asked ---- */

static const struct {
    const struct chat_surface *surface;
    struct str asked;
} clients[] = {
    {&surface_chat,
     STR_INIT("{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"q\"}],\"n\":2,"
              "\"stream_options\":{\"include_usage\":true},\"stream\":true}")},
    {&surface_messages, STR_INIT("{\"model\":\"m\",\"max_tokens\":9,\"messages\":[{\"role\":"
                                 "\"user\",\"content\":\"q\"}]}")},
    {&surface_responses, STR_INIT("{\"model\":\"m\",\"input\":\"q\"}")},
    {&surface_gemini, STR_INIT("{\"contents\":[{\"parts\":[{\"text\":\"q\"}]}]}")},
};

struct telling {
    struct arena arena;
    const struct chat_surface *surface;
    const struct dialect *dialect;
    struct chat_request request;
    struct chat_answer_facts facts;
    struct chat_decoder *decoder;
    struct chat_writer *writer;
    struct chat_origin_marker marker;
    struct buf out;
    bool stream, ended, failed;
    const char *outcome;
};

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void begin(struct telling *t, size_t client, const struct dialect *dialect, bool stream)
{
    struct chat_problem p = {.fault = FAULT_NONE};

    *t = (struct telling){.surface = clients[client].surface, .dialect = dialect, .stream = stream};
    must(t->surface->read(&t->arena, clients[client].asked, JSON_DEPTH_MAX, &t->request, &p));
    t->request.stream = stream;
    t->facts = (struct chat_answer_facts){.id = STR("0123456789abcdef"),
                                          .model = STR("m"),
                                          .created_s = 1700000000,
                                          .request = &t->request};
    t->decoder = dialect->decoder_new(&t->arena);
    t->writer = t->surface->writer_new(&t->arena, &t->facts);
    t->marker = chat_origin_marker(&t->arena, dialect->id, t->surface->id);
    must(t->decoder != NULL && t->writer != NULL);
}

/* ---- what is said ---- */

static void say(struct telling *t, const struct chat_event *ev)
{
    must((t->stream ? t->surface->put(t->writer, ev, &t->out)
                    : t->surface->collect(t->writer, ev)) == 0);
}

static bool fail(struct telling *t, const struct chat_event *ev)
{
    struct str message = json_text_plain(&t->arena, ev->text);

    t->failed = true;
    t->outcome = "an error";
    if (t->stream)
        must(t->surface->error_event(t->writer, ev->fault, message, &t->out) == 0);
    else
        must(t->surface->error_body(ev->fault, message, STR(""), STR("req_1"), &t->out) == 0);
    return false;
}

static bool on_event(void *ctx, const struct chat_event *ev)
{
    struct telling *t = ctx;
    struct chat_event marked;

    if (t->failed)
        return false;
    if (ev->kind == CHAT_EV_ERROR)
        return fail(t, ev);
    t->ended |= ev->kind == CHAT_EV_END;
    if (chat_origin_close(&t->marker, ev, &marked))
        say(t, &marked);
    must(chat_origin_mark(&t->marker, ev, &marked));
    say(t, &marked);
    return true;
}

static void decode(struct telling *t, struct str name, struct str data)
{
    if (!t->failed && !t->ended && !t->dialect->decode(t->decoder, name, data, on_event, t) &&
        !t->failed)
        t->outcome = "malformed";
}

static bool on_sse(void *ctx, const struct sse_event *ev)
{
    decode(ctx, ev->name, ev->data);
    return true;
}

/* Bedrock's event is called by the only member there is. */
static bool on_frame(void *ctx, const struct json_member *m)
{
    decode(ctx, m->key, m->value);
    return true;
}

static void decode_lines(struct telling *t, struct str lines)
{
    struct str line;

    while (lines.len > 0) {
        str_cut(lines, '\n', &line, &lines);
        line = str_trim(line);
        if (line.len == 0)
            continue;
        if (t->dialect->framing == CHAT_EVENTSTREAM)
            json_members(line, on_frame, t);
        else
            decode(t, STR(""), line);
    }
    if (t->dialect->id == CHAT_OPENAI)
        decode(t, STR(""), STR("[DONE]"));
}

static void decode_sse(struct telling *t, struct str bytes)
{
    struct sse s = {.part.max = 1 << 20};

    must(sse_feed(&s, bytes, on_sse, t) == 0);
    sse_done(&s);
}

static void decode_body(struct telling *t, struct str body)
{
    struct chat_event ev = {.kind = CHAT_EV_ERROR};

    if (t->dialect->decode_whole(t->decoder, body, on_event, t) || t->failed)
        return;
    /* It is no answer: a refusal, as a status would have said. */
    t->dialect->refusal(&t->arena, 400, body, &ev);
    (void)fail(t, &ev);
    t->outcome = "a refusal";
}

/* ---- a line of ours ---- */

static void print(const struct telling *t, const char *path)
{
    struct buf line = {.max = 0};
    struct json_pen p = json_pen(&line);

    pen_open(&p, '{');
    pen_key_plain(&p, STR("file"), str_from(path));
    pen_key_plain(&p, STR("dialect"), str_from(t->dialect->name));
    pen_key_plain(&p, STR("surface"), str_from(t->surface->name));
    pen_key_plain(&p, STR("form"), t->stream ? STR("streamed") : STR("whole"));
    pen_key_plain(&p, STR("outcome"),
                  str_from(t->outcome != NULL ? t->outcome
                           : t->ended         ? "told"
                                              : "cut"));
    pen_key_plain(&p, STR("output"), buf_str(&t->out));
    pen_close(&p, '}');
    must(p.err == 0);
    printf("%.*s\n", (int)line.len, line.ptr);
    buf_done(&line);
}

static bool ends_in(const char *path, const char *suffix)
{
    size_t n = strlen(path), m = strlen(suffix);

    return n > m && strcmp(path + n - m, suffix) == 0;
}

static void retell(const char *path, struct str bytes, const struct dialect *dialect, size_t client,
                   bool stream)
{
    struct telling t;

    begin(&t, client, dialect, stream);
    if (ends_in(path, ".json"))
        decode_body(&t, bytes);
    else if (ends_in(path, ".sse"))
        decode_sse(&t, bytes);
    else
        decode_lines(&t, bytes);
    if (!t.failed && !t.ended && dialect->decode_end != NULL)
        dialect->decode_end(t.decoder, on_event, &t);
    if (!stream && t.ended && !t.failed)
        must(t.surface->write(t.writer, &t.out) == 0);
    print(&t, path);
    buf_done(&t.out);
    arena_done(&t.arena);
}

static const struct dialect *dialect_of(const char *path)
{
    return strstr(path, "/anthropic/") != NULL        ? &dialect_anthropic
           : strstr(path, "/responses/") != NULL      ? &dialect_responses
           : strstr(path, "/google/") != NULL         ? &dialect_gemini
           : strstr(path, "/amazon-bedrock/") != NULL ? &dialect_bedrock
           : strstr(path, "/ollama/") != NULL         ? &dialect_ollama
                                                      : &dialect_openai;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        struct str bytes = file_read(argv[i]);

        if (bytes.ptr == NULL) {
            fprintf(stderr, "cannot read %s\n", argv[i]);
            return 1;
        }
        for (size_t client = 0; client < COUNTOF(clients); client++) {
            retell(argv[i], bytes, dialect_of(argv[i]), client, true);
            retell(argv[i], bytes, dialect_of(argv[i]), client, false);
        }
        file_free(bytes);
    }
    return 0;
}
