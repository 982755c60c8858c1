/* Every fault in every dialect that claims it: in memory, and as it looks on the wire.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "unit/sim/caller.h"
#include "unit/sim/dialect_fixture.h"

/* How to ask: %s is the model, in the path or in the body. */
struct way {
    const struct sim_dialect *dialect;
    const char *streamed_path, *whole_path;
    const char *streamed, *whole;
};

#define WORDS "one two three four fünf"
#define TURN "\"messages\":[{\"role\":\"user\",\"content\":\"" WORDS "\"}]"
#define CONTENTS "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"" WORDS "\"}]}]}"

#define CONVERSATION "{\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\"" WORDS "\"}]}]}"

static const struct way ways[] = {
    {&sim_openai, "/v1/chat/completions", "/v1/chat/completions",
     "{\"model\":\"%s\",\"stream\":true,\"stream_options\":{\"include_usage\":true}," TURN "}",
     "{\"model\":\"%s\"," TURN "}"},
    {&sim_anthropic, "/v1/messages", "/v1/messages",
     "{\"model\":\"%s\",\"max_tokens\":9999999,\"stream\":true," TURN "}",
     "{\"model\":\"%s\",\"max_tokens\":9999999," TURN "}"},
    {&sim_gemini, "/v1beta/models/%s:streamGenerateContent?alt=sse",
     "/v1beta/models/%s:generateContent", CONTENTS, CONTENTS},
    {&sim_gemini, "/v1beta/models/%s:streamGenerateContent", "/v1beta/models/%s:generateContent",
     CONTENTS, CONTENTS},
    {&sim_ollama, "/api/chat", "/api/chat", "{\"model\":\"%s\"," TURN "}",
     "{\"model\":\"%s\",\"stream\":false," TURN "}"},
    {&sim_bedrock, "/model/%s/converse-stream", "/model/%s/converse", CONVERSATION, CONVERSATION},
    {&sim_responses, "/v1/responses", "/openai/v1/responses",
     "{\"model\":\"%s\",\"stream\":true,\"input\":\"" WORDS "\"}",
     "{\"model\":\"%s\",\"input\":[{\"role\":\"user\",\"content\":\"" WORDS "\"}]}"},
};

/* `form` with the model put in; '?' stands as %3F in a path. */
static const char *fill(char *to, size_t size, const char *form, const char *model, bool path)
{
    size_t n = 0;

    for (const char *f = form; *f != '\0'; f++) {
        if (f[0] == '%' && f[1] == 's') {
            for (const char *m = model; *m != '\0'; m++)
                n += (size_t)snprintf(to + n, size - n, path && *m == '?' ? "%%3F" : "%c", *m);
            f++;
        } else {
            n += (size_t)snprintf(to + n, size - n, "%c", *f);
        }
    }
    return to;
}

static void answer_by(struct answer *a, const struct way *w, const char *model, bool streamed)
{
    static char target[512],
        body[1024]; /* they live as long as the answer: one at a time of each */

    fill(target, sizeof(target), streamed ? w->streamed_path : w->whole_path, model, true);
    fill(body, sizeof(body), streamed ? w->streamed : w->whole, model, false);
    answer_start(a, target, str_from(body));
}

static bool lacks(const struct way *w, enum sim_fault f)
{
    struct sim_script s = {0};

    s.pick[sim_fault_info(f)->group] = (uint8_t)f;
    return sim_dialect_lacks(w->dialect, &s) != SIM_NONE;
}

/* ---- In memory */

static void each_event_is_JSON(const struct answer *a)
{
    struct str rest = out_str(&a->text), line;

    if (a->talk.frame.framing == SIM_FRAMING_AWS)
        return; /* bedrock_test.c decodes them */
    if (a->talk.frame.framing == SIM_FRAMING_ARRAY) {
        yyjson_doc_free(must_parse(rest));
        return;
    }
    while (rest.len > 0) {
        str_cut(rest, '\n', &line, &rest);
        if (line.len > 0 && line.ptr[line.len - 1] == '\r')
            line.len--;
        if (str_starts(line, STR("data:")))
            line = str_trim(str_skip(line, 5));
        else if (a->talk.frame.framing == SIM_FRAMING_SSE)
            continue; /* event: and comments */
        if (line.len > 0 && !str_eq(line, STR("[DONE]")))
            yyjson_doc_free(must_parse(line));
    }
}

static void every_event_of_every_script_is_JSON(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNTOF(ways); i++) {
        for (unsigned f = 1; f < SIM_FAULT_COUNT; f++) {
            struct answer a;
            char model[64];

            if (lacks(&ways[i], (enum sim_fault)f) || f == SIM_CR || f == SIM_JSON_FOR_SSE)
                continue;
            snprintf(model, sizeof(model), "sim?%.*s,tokens=9,size=3",
                     STR_ARG(sim_fault_info((enum sim_fault)f)->name));
            answer_by(&a, &ways[i], model, true);
            answer_stream(&a);
            if (!(f == SIM_NO_DONE && a.talk.frame.framing == SIM_FRAMING_ARRAY))
                each_event_is_JSON(&a);
            answer_end(&a);
        }
    }
}

static void every_whole_answer_is_JSON(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNTOF(ways); i++) {
        for (unsigned f = 1; f < SIM_FAULT_COUNT; f++) {
            struct answer a;
            char model[64];

            if (lacks(&ways[i], (enum sim_fault)f))
                continue;
            snprintf(model, sizeof(model), "sim?%.*s,tokens=9",
                     STR_ARG(sim_fault_info((enum sim_fault)f)->name));
            answer_by(&a, &ways[i], model, false);
            answer_whole(&a);
            yyjson_doc_free(must_parse(out_str(&a.text)));
            answer_end(&a);
        }
    }
}

static void every_problem_is_JSON_and_keeps_its_status(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNTOF(ways); i++) {
        for (unsigned f = 1; f < SIM_FAULT_COUNT; f++) {
            unsigned status = sim_fault_info((enum sim_fault)f)->status;
            struct sim_problem p = ways[i].dialect->fault((enum sim_fault)f, status);
            struct out body = {.full = false};

            if (status < 400)
                continue;
            ways[i].dialect->problem(NULL, &p, &body);
            yyjson_doc_free(must_parse(out_str(&body)));
            if (f != SIM_QUOTA && f != SIM_INVALID_KEY)
                assert_int_equal(p.status, status);
            buf_done(&body.buf);
        }
    }
}

static void the_same_words_are_said_in_every_dialect(void **state)
{
    struct answer first, a;

    (void)state;
    answer_by(&first, &ways[0], "sim?tokens=40,reasoning=7", true);
    answer_stream(&first);
    for (size_t i = 1; i < COUNTOF(ways); i++) {
        answer_by(&a, &ways[i], "sim?tokens=40,reasoning=7", true);
        answer_stream(&a);
        assert_int_equal(a.ask.prompt_tokens, first.ask.prompt_tokens);
        assert_int_equal(a.talk.completion_tokens, first.talk.completion_tokens);
        for (size_t at = 0; at < 40; at++) {
            struct sim_text text;
            struct out word = {.full = false};

            sim_text_generate(&text, 1, 40, 0);
            text.at = at;
            sim_text_take(&text, &word);
            assert_non_null(str_find(out_str(&a.text), out_str(&word)));
            buf_done(&word.buf);
        }
        answer_end(&a);
    }
    answer_end(&first);
}

/* ---- On the wire */

static struct reply ask_by(const struct way *w, const char *model, bool streamed, const char *key,
                           const char *until)
{
    char target[256], line[300], body[512];
    int fd = dial(until != NULL ? PATIENCE_MS : MOMENT_MS);
    struct reply r;

    fill(target, sizeof(target), streamed ? w->streamed_path : w->whole_path, model, true);
    snprintf(line, sizeof(line), "POST %s", target);
    fill(body, sizeof(body), streamed ? w->streamed : w->whole, model, false);
    say(fd, line, key, str_from(body));
    r = hear(fd, until);
    close(fd);
    return r;
}

#define A (&ways[1])
#define G (&ways[2])
#define GA (&ways[3])
#define O (&ways[4])
#define B (&ways[5])
#define R (&ways[6])

static void faults_look_on_the_wire_as_the_menu_says(void **state)
{
    static const struct {
        const struct way *way;
        const char *model;
        bool streamed;
        enum ending ending;
        const char *has, *has_not;
    } rows[] = {
        {A, "sim", true, STAYS, "data: {\"type\":\"message_stop\"}\n\n\r\n0\r\n\r\n", "[DONE]"},
        {A, "sim", false, STAYS, "\"text\":\"" WORDS "\"", "data:"},
        {A, "sim?silent", true, STAYS, NULL, "HTTP"},
        {A, "sim?headers-then-silence", true, STAYS, "event-stream", "data:"},
        {A, "sim?n-tokens-then-silence,after=2", true, STAYS, "\" two\"", "\" three\""},
        {A, "sim?refuse", true, RST, NULL, "HTTP"},
        {A, "sim?accept-then-close", true, FIN, NULL, "HTTP"},
        {A, "sim?cut-fin,after=2", true, FIN, "\" two\"", "content_block_stop"},
        {A, "sim?cut-rst,after=2", true, RST, "\" two\"", "\" three\""},
        {A, "sim?cut-chunk,after=2", true, FIN, "chunked", "\" three\""},
        {A, "sim?no-done", true, STAYS, "\"stop_reason\":\"end_turn\"", "message_stop"},
        {A, "sim?done-without-finish", true, STAYS, "event: message_stop", "message_delta"},
        {A, "sim?error-first", true, STAYS,
         "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\","
         "\"message\":\"Overloaded\"}",
         "message_start"},
        {A, "sim?lifecycle-then-error", true, STAYS, "}}\n\nevent: error\n", "content_block"},
        {A, "sim?error-in-200", true, STAYS, "\r\n\r\n{\"type\":\"error\"", "data:"},
        {A, "sim?null", true, STAYS, "event: message_start\ndata: null\n\n", "content_block"},
        {A, "sim?null", false, STAYS, "\r\n\r\nnull", NULL},
        {A, "sim?empty-choices", true, STAYS, "event: message_stop", "content_block"},
        {A, "sim?empty-choices", false, STAYS, "\"content\":[],\"stop_reason\":\"end_turn\"", NULL},
        {A, "sim?empty-stream", true, STAYS, "\r\n\r\n0\r\n\r\n", "data:"},
        {A, "sim?html", true, STAYS, "text/html", "data:"},
        {A, "sim?529", true, STAYS, "overloaded_error", "data:"},
        {A, "sim?retry-after-int,ra=7s", false, STAYS, "retry-after: 7\r\n", NULL},
        {A, "sim?retry-after-ms", false, STAYS, "retry-after-ms: 250\r\n", NULL},
        {A, "sim?429", false, STAYS, "rate_limit_error", "retry-after: "},
        {A, "sim?429", false, STAYS, "anthropic-ratelimit-requests-remaining: 0\r\n", NULL},
        {A, "sim?bucket=1,window=1h", false, STAYS, "requests-remaining: 0\r\n", "HTTP/1.1 429"},
        {A, "sim?bucket=1,window=1h", false, STAYS, "HTTP/1.1 429 ", "requests-remaining: 3999"},
        {A, "sim?bad-json-mid-stream,after=2", true, STAYS, "event: message_stop", NULL},
        {A, "sim?crlf", true, STAYS, "event: message_stop\r\ndata: ", "\"}\n\n"},
        {A, "sim?cr", true, STAYS, "event: message_stop\rdata: ", "event: ping\n"},
        {A, "sim?no-space", true, STAYS, "\ndata:{\"type\":\"message_stop\"}", "data: {"},
        {A, "sim?comments", true, STAYS, ": data: {\"still\":\"thinking\"}\nevent: message_stop\n",
         NULL},
        {A, "sim?sse-for-json", false, STAYS, "event: message_stop", NULL},
        {A, "sim?json-for-sse", true, STAYS, "application/json", "data:"},
        {A, "sim?gzip", true, STAYS, "content-encoding: gzip", NULL},
        {A, "sim?split-every-byte", true, FIN, "0\r\n\r\n", NULL},
        {A, "sim?wrong-length", false, FIN, "\"stop_reason\"", NULL},
        {A, "sim?stale-keepalive", false, FIN, "\"stop_reason\"", "onnection: close"},
        {A, "sim?done-inside-text", true, STAYS, "data: [DONE]\\n\\n", NULL},
        {A, "sim?version-change", true, STAYS, "has no place in this dialect (anthropic)", NULL},
        {A, "sim?what", true, STAYS, "knows no parameter or fault", NULL},
        {G, "sim", true, STAYS, "\"finishReason\":\"STOP\"", "[DONE]"},
        {G, "sim", false, STAYS, "application/json; charset=UTF-8", "data:"},
        {G, "sim?n-tokens-then-silence,after=2", true, STAYS, "\" two\"", "\" three\""},
        {G, "sim?cut-fin,after=2", true, FIN, "\" two\"", "finishReason"},
        {G, "sim?cut-rst,after=2", true, RST, "\" two\"", "\" three\""},
        {G, "sim?cut-chunk,after=2", true, FIN, "chunked", "\" three\""},
        {G, "sim?done-without-finish", true, STAYS, "\" fünf\"", "finishReason"},
        {G, "sim?error-first", true, STAYS, "\r\ndata: {\"error\":{\"code\":503,", "candidates"},
        {G, "sim?lifecycle-then-error", true, STAYS, "}\r\n\r\ndata: {\"error\":{", "candidates\""},
        {G, "sim?error-in-200", true, STAYS, "{\"error\":{\"code\":503,", "data:"},
        {G, "sim?null", true, STAYS, "data: null\r\n\r\n", "candidates"},
        {G, "sim?empty-choices", true, STAYS, "data: {\"usageMetadata\"", "candidates\""},
        {G, "sim?empty-choices", false, STAYS, "\r\n\r\n{\"usageMetadata\"", "candidates\""},
        {G, "sim?empty-stream", true, STAYS, "\r\n\r\n0\r\n\r\n", "data:"},
        {G, "sim?html", true, STAYS, "text/html", "data:"},
        {G, "sim?retry-after-int,ra=7s", true, STAYS, "\"retryDelay\":\"7s\"", "retry-after:"},
        {G, "sim?retry-after-absent", true, STAYS, "RESOURCE_EXHAUSTED", "retryDelay"},
        {G, "sim?invalid-key", true, STAYS, "API_KEY_INVALID", "data:"},
        {G, "sim?lf", true, STAYS, "}\n\ndata: ", "}\r\n\r\ndata"},
        {G, "sim?bad-json-mid-stream", true, STAYS, "\"parts\":[{\"te\r\n\r\ndata: {", NULL},
        {G, "sim?no-space,comments", true, STAYS, "\r\ndata:{\"candidates", "data: {\"candidates"},
        {G, "sim?sse-for-json", false, STAYS, "data: {\"candidates\"", NULL},
        {G, "sim?json-for-sse", true, STAYS, "\"text\":\"" WORDS "\"", "data:"},
        {G, "sim?no-done", true, STAYS, "has no place in this dialect (gemini)", NULL},
        {G, "sim?tools-interleaved", true, STAYS, "has no place", NULL},
        {GA, "sim", true, STAYS, "\r\n]\n\r\n0\r\n\r\n", "data:"},
        {GA, "sim?error-first", true, STAYS, "[{\"error\":{\"code\":503,", NULL},
        {GA, "sim?503", true, STAYS, "\r\n\r\n[{\"error\":{\"code\":503,", NULL},
        {GA, "sim?cut-chunk,after=2", true, FIN, "\" two\"", "\n]"},
        {O, "sim", true, STAYS, "application/x-ndjson", "data:"},
        {O, "sim?n-tokens-then-silence,after=2", true, STAYS, "\" two\"", "\" three\""},
        {O, "sim?cut-fin,after=2", true, FIN, "\" two\"", "\"done\":true"},
        {O, "sim?cut-rst,after=2", true, RST, "\" two\"", "\" three\""},
        {O, "sim?cut-chunk,after=2", true, FIN, "chunked", "\" three\""},
        {O, "sim?no-done", true, STAYS, "\" fünf\"", "\"done\":true"},
        {O, "sim?done-without-finish", true, STAYS, "\"done\":true", "done_reason"},
        {O, "sim?error-first", true, STAYS, "{\"error\":\"an error was encountered", "message\""},
        {O, "sim?lifecycle-then-error", true, STAYS, "\"done\":false}\n{\"error\":\"", NULL},
        {O, "sim?error-in-200", true, STAYS, "application/json", "ndjson"},
        {O, "sim?null", true, STAYS, "null\n", NULL},
        {O, "sim?empty-choices", true, STAYS, "\"done\":true", "\"message\""},
        {O, "sim?503", true, STAYS, "{\"error\":\"server busy", NULL},
        {O, "sim?bad-json-mid-stream", true, STAYS, "\"assis\n{", NULL},
        {O, "sim?crlf", true, STAYS, "}\r\n", NULL},
        {O, "sim?json-for-sse", true, STAYS, "application/json", "ndjson"},
        {O, "sim?retry-after-int,ra=7s", true, STAYS, "retry-after: 7\r\n", NULL},
        {O, "sim?comments", true, STAYS, "has no place in this dialect (ollama)", NULL},
        {B, "sim", true, STAYS, "application/vnd.amazon.eventstream", "data:"},
        {B, "sim", false, STAYS, "\"text\":\"" WORDS "\"", "messageStart"},
        {B, "sim?cut-fin,after=2", true, FIN, "\" two\"", "contentBlockStop"},
        {B, "sim?cut-rst,after=2", true, RST, "\" two\"", "\" three\""},
        {B, "sim?cut-chunk,after=2", true, FIN, "chunked", "\" three\""},
        {B, "sim?done-without-finish", true, STAYS, "totalTokens", "stopReason"},
        {B, "sim?error-first", true, STAYS, "serviceUnavailableException", "messageStart"},
        {B, "sim?lifecycle-then-error", true, STAYS, "serviceUnavailableException", "contentBlock"},
        {B, "sim?error-in-200", true, STAYS, "{\"message\":\"", "exception-type"},
        {B, "sim?empty-choices", true, STAYS, "totalTokens", "contentBlock"},
        {B, "sim?429", true, STAYS, "x-amzn-errortype: ThrottlingException\r\n", NULL},
        {B, "sim?retry-after-int,ra=7s", true, STAYS, "retry-after: 7\r\n", NULL},
        {B, "sim?sse-for-json", false, STAYS, "vnd.amazon.eventstream", NULL},
        {B, "sim?json-for-sse", true, STAYS, "\"output\":{\"message\"", "messageStart"},
        {B, "sim?comments", true, STAYS, "has no place in this dialect (bedrock)", NULL},
        {R, "sim", true, STAYS, "event: response.completed\ndata: {", "[DONE]"},
        {R, "sim", false, STAYS, "\"text\":\"" WORDS "\"", "data:"},
        {R, "sim?n-tokens-then-silence,after=2", true, STAYS, "\" two\"", "\" three\""},
        {R, "sim?cut-fin,after=2", true, FIN, "\" two\"", "output_text.done"},
        {R, "sim?cut-rst,after=2", true, RST, "\" two\"", "\" three\""},
        {R, "sim?cut-chunk,after=2", true, FIN, "chunked", "\" three\""},
        {R, "sim?done-without-finish", true, STAYS, "\" fünf\"", "response.completed"},
        {R, "sim?error-first", true, STAYS, "\"type\":\"error\",\"sequence_number\":0,\"error\":{",
         "response.created"},
        {R, "sim?lifecycle-then-error", true, STAYS, "\"status\":\"failed\"", "output_item"},
        {R, "sim?error-in-200", true, STAYS, "\r\n\r\n{\"error\":{", "data:"},
        {R, "sim?null", true, STAYS, "data: null\n\n", "output_text"},
        {R, "sim?empty-choices", true, STAYS, "\"output\":[],\"usage\":null", "output_item"},
        {R, "sim?429", true, STAYS, "rate_limit_exceeded", "data:"},
        {R, "sim?retry-after-int,ra=7s", true, STAYS, "retry-after: 7\r\n", NULL},
        {R, "sim?bad-json-mid-stream,after=2", true, STAYS, "\"output_index\":0,\"del\n", NULL},
        {R, "sim?usage-plain", true, STAYS, "\"total_tokens\":10}", "input_tokens_details"},
        {R, "sim?usage-zero", true, STAYS, "\"total_tokens\":0}", NULL},
        {R, "sim?tools-whole", true, STAYS, "arguments.done", "arguments.delta"},
        {R, "sim?version-change", true, STAYS, "openai-version: 2099-01-01", NULL},
        {R, "sim?crlf", true, STAYS, "event: response.completed\r\ndata: ", "\"\n"},
        {R, "sim?sse-for-json", false, STAYS, "event: response.completed", NULL},
        {R, "sim?json-for-sse", true, STAYS, "\"status\":\"completed\"", "data:"},
        {R, "sim?no-done", true, STAYS, "has no place in this dialect (responses)", NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        const char *until = rows[i].ending != STAYS ? THE_END : rows[i].has;
        struct reply r = ask_by(rows[i].way, rows[i].model, rows[i].streamed, "any", until);

        expect(&r, rows[i].model, rows[i].ending, rows[i].has, rows[i].has_not);
        buf_done(&r.got);
    }
}

static void R16_a_key_can_be_the_script_in_every_dialect(void **state)
{
    static const struct {
        const struct way *way;
        const char *key, *has;
    } rows[] = {
        {A, "dead-401", "HTTP/1.1 401 "},          {A, "dead-403", "permission_error"},
        {A, "quota", "credit balance is too low"}, {G, "dead-403", "PERMISSION_DENIED"},
        {G, "dead-key", "API_KEY_INVALID"},        {G, "quota", "PerDay"},
        {O, "dead-401", "unauthorized"},           {&ways[0], "dead-key", "invalid_api_key"},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        struct reply r = ask_by(rows[i].way, "sim", false, rows[i].key, rows[i].has);

        expect(&r, rows[i].key, STAYS, rows[i].has, NULL);
        buf_done(&r.got);
    }
}

static void the_log_knows_each_models_name(void **state)
{
    static const char *const names[] = {"a", "g", "o"};
    static const struct way *const asked[] = {A, G, O};

    (void)state;
    for (size_t i = 0; i < COUNTOF(names); i++) {
        char model[64], line[128], want[128];
        struct reply r;
        int fd;

        snprintf(model, sizeof(model), "sim?tokens=1,tag=log-%s", names[i]);
        r = ask_by(asked[i], model, false, "sk-very-secret", "}");
        buf_done(&r.got);
        snprintf(line, sizeof(line), "GET /sim/log?model=sim%%3Ftokens=1,tag=log-%s", names[i]);
        snprintf(want, sizeof(want), "\"model\":\"%s\"", model);
        fd = dial(PATIENCE_MS);
        say(fd, line, "any", STR(""));
        r = hear(fd, "]\n");
        expect(&r, model, STAYS, want, "very-secret");
        close(fd);
        buf_done(&r.got);
    }
}

static void a_name_that_is_no_text_is_refused_in_JSON(void **state)
{
    int fd = dial(PATIENCE_MS);
    struct reply r;

    (void)state;
    say(fd, "POST /v1beta/models/sim%3F%FF:generateContent", "any", STR(CONTENTS));
    r = hear(fd, "}]}}");
    expect(&r, "%FF", STAYS, "The model's name is not UTF-8.", "\xff");
    close(fd);
    buf_done(&r.got);
}

static void a_key_in_a_URL_is_hidden_in_the_log(void **state)
{
    int fd = dial(PATIENCE_MS);
    struct reply r;

    (void)state;
    say(fd, "POST /v1beta/models/sim%3Ftag=hidden:generateContent?key=sk-very-secret&x=1", "any",
        STR(CONTENTS));
    r = hear(fd, "responseId");
    buf_done(&r.got);
    close(fd);
    fd = dial(PATIENCE_MS);
    say(fd, "GET /sim/log?model=sim%3Ftag=hidden", "any", STR(""));
    r = hear(fd, "]\n");
    expect(&r, "log", STAYS, ":generateContent?key=hash:", "very-secret");
    expect(&r, "log", STAYS, "&x=1\"", NULL);
    close(fd);
    buf_done(&r.got);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_event_of_every_script_is_JSON),
        cmocka_unit_test(every_whole_answer_is_JSON),
        cmocka_unit_test(every_problem_is_JSON_and_keeps_its_status),
        cmocka_unit_test(the_same_words_are_said_in_every_dialect),
        cmocka_unit_test(faults_look_on_the_wire_as_the_menu_says),
        cmocka_unit_test(R16_a_key_can_be_the_script_in_every_dialect),
        cmocka_unit_test(the_log_knows_each_models_name),
        cmocka_unit_test(a_name_that_is_no_text_is_refused_in_JSON),
        cmocka_unit_test(a_key_in_a_URL_is_hidden_in_the_log),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
