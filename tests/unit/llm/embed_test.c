/* Embeddings: what a client asks, what each dialect is asked, what its answers mean and how they
 * are told.  Answers are those of the APIs' descriptions, and a recorded one.
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "llm/chat_text.h"
#include "llm/embed.h"

#include "unit/llm/files.h"

#define DEPTH 16u
#define ASKS(members) "{\"model\":\"m\"," members "}"
#define TITAN "amazon.titan-embed-text-v2:0"
#define COHERE3 "cohere.embed-multilingual-v3"
#define COHERE4 "eu.cohere.embed-v4:0"

/* ---- reading ---- */

static void put(struct buf *out, const char *what, struct str value)
{
    if (value.len > 0)
        assert_int_equal(buf_printf(out, " %s=%.*s", what, STR_ARG(value)), 0);
}

/* A request in a line, or why it is none. */
static void tell(struct buf *out, bool ok, const struct embed_request *r,
                 const struct chat_problem *p)
{
    if (!ok) {
        assert_int_equal(buf_printf(out, "%s %.*s", fault_info(p->fault)->wire, STR_ARG(p->param)),
                         0);
        return;
    }
    for (uint32_t i = 0; i < r->texts_count; i++)
        assert_int_equal(
            buf_printf(out, "<%.*s>", STR_ARG(str_make(r->texts[i].ptr, r->texts[i].len))), 0);
    if (r->base64)
        assert_int_equal(buf_put(out, STR(" base64")), 0);
    put(out, "dimensions", r->dimensions);
    put(out, "type", str_make(r->input_type.ptr, r->input_type.len));
    for (uint32_t i = 0; i < r->dropped_count; i++)
        assert_int_equal(buf_printf(out, " -%.*s", STR_ARG(r->dropped[i])), 0);
}

static void a_request_is_read_or_refused_by_name(void **state)
{
    static const struct {
        const char *body, *told;
    } rows[] = {
        {ASKS("\"input\":\"a\""), "<a>"},
        {ASKS("\"input\":\"\""), "<>"},
        {ASKS("\"input\":[\"a\",\"\\u00e4\\ud800\",\"\"]"), "<a><\\u00e4\\ud800><>"},
        {ASKS("\"inp\\u0075t\":\"a\""), "<a>"},
        {ASKS("\"input\":\"a\",\"encoding_format\":\"base64\",\"dimensions\":8"),
         "<a> base64 dimensions=8"},
        {ASKS("\"input\":\"a\",\"encoding_format\":\"float\",\"dimensions\":null"), "<a>"},
        {ASKS("\"input\":\"a\",\"user\":\"u\",\"x\":null,\"y\":[],\"z\":\"\",\"input_type\":\"q\""),
         "<a> type=q -user -z"},
        {ASKS("\"input\":\"a\",\"stream\":false"), "<a>"},
        {ASKS("\"input\":[]"), "invalid_request input"},
        {ASKS("\"input\":null"), "invalid_request input"},
        {ASKS("\"input\":5"), "invalid_request input"},
        {ASKS("\"input\":{}"), "invalid_request input"},
        {ASKS("\"input\":[1,2]"), "invalid_request input"},
        {ASKS("\"input\":[[1],[2]]"), "invalid_request input"},
        {ASKS("\"input\":[\"a\",7]"), "invalid_request input"},
        {ASKS("\"input\":[\"a\",true]"), "invalid_request input[1]"},
        {ASKS("\"input\":\"a\",\"input\":\"b\""), "invalid_request input"},
        {ASKS("\"input\":\"a\",\"encoding_format\":\"int8\""), "invalid_request encoding_format"},
        {ASKS("\"input\":\"a\",\"encoding_format\":1"), "invalid_request encoding_format"},
        {ASKS("\"input\":\"a\",\"dimensions\":\"8\""), "invalid_request dimensions"},
        {ASKS("\"input\":\"a\",\"dimensions\":0"), "invalid_request dimensions"},
        {ASKS("\"input\":\"a\",\"dimensions\":-8"), "invalid_request dimensions"},
        {ASKS("\"input\":\"a\",\"dimensions\":8.0"), "invalid_request dimensions"},
        {ASKS("\"input\":\"a\",\"input_type\":1"), "invalid_request input_type"},
        {ASKS("\"input\":\"a\",\"stream\":true"), "invalid_request stream"},
        {ASKS("\"input\":\"a\",\"stream\":\"no\""), "invalid_request stream"},
        {"[]", "invalid_request "},
        {"{\"input\":", "invalid_json "},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        struct arena a = {.max = 0};
        struct buf out = {.max = 0};
        struct chat_problem p;
        struct embed_request r;

        tell(&out, embed_read(&a, str_from(rows[i].body), DEPTH, &r, &p), &r, &p);
        if (!str_eq(buf_str(&out), str_from(rows[i].told)))
            fail_msg("%s:\n%.*s", rows[i].body, STR_ARG(buf_str(&out)));
        buf_done(&out);
        arena_done(&a);
    }
}

static void R9_texts_have_the_room_that_there_is(void **state)
{
    struct arena a = {.max = 2048};
    struct buf body = {.max = 0};
    struct chat_problem p;
    struct embed_request r;

    (void)state;
    assert_int_equal(buf_put(&body, STR("{\"input\":[\"\"")), 0);
    for (unsigned i = 0; i < 1000; i++)
        assert_int_equal(buf_put(&body, STR(",\"\"")), 0);
    assert_int_equal(buf_put(&body, STR("]}")), 0);
    assert_false(embed_read(&a, buf_str(&body), DEPTH, &r, &p));
    assert_int_equal(p.fault, FAULT_TOO_LARGE);
    arena_done(&a);
    a.max = 0;
    assert_true(embed_read(&a, buf_str(&body), DEPTH, &r, &p));
    assert_int_equal(r.texts_count, 1001);
    buf_done(&body);
    arena_done(&a);
}

/* ---- asking ---- */

#define TWO "\"input\":[\"a\",\"\\u00e4\"]"
#define ONE "\"input\":\"a\""

/* clang-format off */
static const struct asking {
    enum chat_dialect dialect;
    const char *model, *asks;
    const char *path; /* NULL: it is refused, */
    const char *body; /* naming this */
    const char *dropped;
} askings[] = {
    {CHAT_GEMINI, "gemini-embedding-001", ONE, "/models/gemini-embedding-001:batchEmbedContents",
     "{\"requests\":[{\"model\":\"models/gemini-embedding-001\",\"content\":{\"parts\":[{\"text\":\"a\"}]}}]}", ""},
    {CHAT_GEMINI, "models/e m", TWO ",\"dimensions\":256,\"user\":\"u\",\"input_type\":\"t\"", "/models/e%20m:batchEmbedContents",
     "{\"requests\":[{\"model\":\"models/e m\",\"content\":{\"parts\":[{\"text\":\"a\"}]},\"outputDimensionality\":256},"
     "{\"model\":\"models/e m\",\"content\":{\"parts\":[{\"text\":\"\\u00e4\"}]},\"outputDimensionality\":256}]}", "user input_type "},
    {CHAT_OLLAMA, "nomic:v1", TWO ",\"dimensions\":256", "/api/embed", "{\"model\":\"nomic:v1\",\"input\":[\"a\",\"\\u00e4\"],\"dimensions\":256}", ""},
    {CHAT_OLLAMA, "m", ONE ",\"input_type\":\"t\"", "/api/embed", "{\"model\":\"m\",\"input\":[\"a\"]}", "input_type "},
    {CHAT_BEDROCK, TITAN, ONE ",\"dimensions\":256", "/model/amazon.titan-embed-text-v2%3A0/invoke", "{\"inputText\":\"a\",\"dimensions\":256}", ""},
    {CHAT_BEDROCK, "amazon.titan-embed-text-v1", "\"input\":[\"a\"],\"input_type\":\"t\"", "/model/amazon.titan-embed-text-v1/invoke", "{\"inputText\":\"a\"}", "input_type "},
    {CHAT_BEDROCK, "amazon.titan-embed-g1-text-02", ONE, "/model/amazon.titan-embed-g1-text-02/invoke", "{\"inputText\":\"a\"}", ""},
    {CHAT_BEDROCK, COHERE3, TWO, "/model/" COHERE3 "/invoke",
     "{\"texts\":[\"a\",\"\\u00e4\"],\"input_type\":\"search_document\",\"embedding_types\":[\"float\"]}", ""},
    {CHAT_BEDROCK, COHERE4, ONE ",\"dimensions\":256,\"input_type\":\"clustering\"", "/model/eu.cohere.embed-v4%3A0/invoke",
     "{\"texts\":[\"a\"],\"input_type\":\"clustering\",\"embedding_types\":[\"float\"],\"output_dimension\":256}", ""},
    {CHAT_BEDROCK, "arn:aws:bedrock:eu-west-1::foundation-model/" COHERE3, ONE,
     "/model/arn%3Aaws%3Abedrock%3Aeu-west-1%3A%3Afoundation-model%2F" COHERE3 "/invoke",
     "{\"texts\":[\"a\"],\"input_type\":\"search_document\",\"embedding_types\":[\"float\"]}", ""},
    {CHAT_BEDROCK, TITAN, TWO, NULL, "input", ""},
    {CHAT_BEDROCK, COHERE3, ONE ",\"dimensions\":256", NULL, "dimensions", ""},
    {CHAT_BEDROCK, "amazon.titan-embed-text-v1", ONE ",\"dimensions\":256", NULL, "dimensions", ""},
    {CHAT_BEDROCK, "amazon.titan-embed-image-v1", ONE, NULL, "model", ""},
    {CHAT_BEDROCK, "anthropic.claude-v2", ONE, NULL, "model", ""},
};
/* clang-format on */

static void check_asking(const struct asking *k, struct arena *a, struct embed_request *r)
{
    struct buf out = {.max = 0}, dropped = {.max = 0};
    const struct embedder *e = embedder_find(k->dialect);
    struct chat_problem p = {.fault = FAULT_NONE};
    bool ok;

    r->model = str_from(k->model);
    ok = e->encode(r, &out, &p);
    assert_int_equal(ok, k->path != NULL);
    if (!ok) {
        assert_int_equal(p.fault, FAULT_BAD_REQUEST);
        assert_true(str_eq(p.param, str_from(k->body)));
        buf_done(&out);
        return;
    }
    for (uint32_t i = 0; i < r->dropped_count; i++)
        assert_int_equal(buf_printf(&dropped, "%.*s ", STR_ARG(r->dropped[i])), 0);
    if (!str_eq(buf_str(&out), str_from(k->body)) ||
        !str_eq(buf_str(&dropped), str_from(k->dropped)))
        fail_msg("%s %s:\n%.*s\n%.*s", k->model, k->asks, STR_ARG(buf_str(&out)),
                 STR_ARG(buf_str(&dropped)));
    assert_true(json_scan(buf_str(&out), JSON_DEPTH_MAX, NULL, NULL, NULL));
    assert_true(str_eq(e->path(a, r), str_from(k->path)));
    buf_done(&dropped);
    buf_done(&out);
    out.max = 8;
    assert_false(e->encode(r, &out, &p));
    assert_int_equal(p.fault, FAULT_TOO_LARGE);
    buf_done(&out);
}

static void R45_each_dialect_is_asked_in_its_words_or_not_at_all(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNTOF(askings); i++) {
        struct arena a = {.max = 0};
        struct buf body = {.max = 0};
        struct chat_problem p;
        struct embed_request r;

        assert_int_equal(buf_printf(&body, "{%s}", askings[i].asks), 0);
        assert_true(embed_read(&a, buf_str(&body), DEPTH, &r, &p));
        check_asking(&askings[i], &a, &r);
        buf_done(&body);
        arena_done(&a);
    }
}

static void Cohere_embeds_ninety_six_texts_a_call(void **state)
{
    struct json_text texts[97];
    struct arena a = {.max = 0};
    struct buf out = {.max = 0};
    struct chat_problem p = {.fault = FAULT_NONE};
    struct embed_request r = {
        .arena = &a, .texts = texts, .texts_count = 96, .model = STR(COHERE4)};

    (void)state;
    for (size_t i = 0; i < COUNTOF(texts); i++)
        texts[i] = JSON_TEXT("a");
    assert_true(embedder_find(CHAT_BEDROCK)->encode(&r, &out, &p));
    r.texts_count++;
    assert_false(embedder_find(CHAT_BEDROCK)->encode(&r, &out, &p));
    assert_true(str_eq(p.param, STR("input")));
    assert_non_null(str_find(p.why, STR("97 texts")));
    buf_done(&out);
    arena_done(&a);
}

static void who_has_no_embeddings_has_no_row(void **state)
{
    (void)state;
    assert_null(embedder_find(CHAT_ANTHROPIC));
    assert_null(embedder_find(CHAT_OPENAI));
}

/* ---- answers ---- */

#define FLOATS(a, b) "{\"values\":[" a "]},{\"values\":[" b "]}"

/* clang-format off */
static const struct answering {
    enum chat_dialect dialect;
    const char *model;
    uint32_t texts;
    const char *body;
    const char *told; /* vectors, and tokens when they were counted; NULL: it is no answer, */
    const char *why;  /* for this reason, or NULL */
} answers[] = {
    {CHAT_GEMINI, "m", 2, "{\"embeddings\":[" FLOATS("0.10,\n -2e-3", "1,2") "]}", "[0.10,\n -2e-3] [1,2] ", NULL},
    {CHAT_GEMINI, "m", 1, "{\"embeddings\":[{\"values\":[1],\"shape\":[1]}],\"usageMetadata\":{\"promptTokenCount\":7}}", "[1] 7", NULL},
    {CHAT_GEMINI, "m", 1, "{\"embeddings\":[{\"values\":[1]}],\"usageMetadata\":{\"promptTokenCount\":\"7\"}}", "[1] 7", NULL},
    {CHAT_GEMINI, "m", 1, "{\"embeddings\":[{\"values\":[1]}],\"usageMetadata\":{}}", "[1] ", NULL},
    {CHAT_GEMINI, "m", 3, "{\"embeddings\":[" FLOATS("1", "2") "]}", NULL, "fewer vectors than texts"},
    {CHAT_GEMINI, "m", 1, "{\"embeddings\":[" FLOATS("1", "2") "]}", NULL, "more vectors than texts"},
    {CHAT_GEMINI, "m", 2, "{\"embeddings\":[" FLOATS("1", "2,3") "]}", NULL, "vectors of different lengths"},
    {CHAT_GEMINI, "m", 2, "{\"embeddings\":[" FLOATS("1", "\"2\"") "]}", NULL, "a vector that is no list of numbers"},
    {CHAT_GEMINI, "m", 1, "{\"embeddings\":[{}]}", NULL, "a vector that is no list of numbers"},
    {CHAT_GEMINI, "m", 1, "{\"embeddings\":[[1]]}", NULL, "a vector that is no list of numbers"},
    {CHAT_GEMINI, "m", 1, "{\"embeddings\":[]}", NULL, "fewer vectors than texts"},
    {CHAT_GEMINI, "m", 1, "{\"embedding\":{\"values\":[1]}}", NULL, NULL},
    {CHAT_GEMINI, "m", 1, "{\"error\":{\"code\":503}}", NULL, NULL},
    {CHAT_OLLAMA, "m", 2, "{\"model\":\"m\",\"embeddings\":[[0.010071029,-0.0017594862],[1.0,2]],\"total_duration\":14143917,\"prompt_eval_count\":8}",
     "[0.010071029,-0.0017594862] [1.0,2] 8", NULL},
    {CHAT_OLLAMA, "m", 1, "{\"embeddings\":[[1]]}", "[1] ", NULL},
    {CHAT_OLLAMA, "m", 1, "{\"embeddings\":[[]]}", NULL, "a vector that is no list of numbers"},
    {CHAT_OLLAMA, "m", 1, "{\"embeddings\":[null]}", NULL, "a vector that is no list of numbers"},
    {CHAT_OLLAMA, "m", 1, "{\"embeddings\":{\"a\":[1]}}", NULL, NULL},
    {CHAT_OLLAMA, "m", 1, "{\"embedding\":[1]}", NULL, NULL},
    {CHAT_OLLAMA, "m", 1, "{\"embeddings\":[[1]]", NULL, NULL},
    {CHAT_OLLAMA, "m", 1, "[[1]]", NULL, NULL},
    {CHAT_OLLAMA, "m", 1, "null", NULL, NULL},
    {CHAT_OLLAMA, "m", 1, "", NULL, NULL},
    {CHAT_BEDROCK, TITAN, 1, "{\"embedding\":[1,2],\"embeddingsByType\":{\"float\":[1,2]},\"inputTextTokenCount\":3}", "[1,2] 3", NULL},
    {CHAT_BEDROCK, TITAN, 1, "{\"embedding\":null}", NULL, NULL},
    {CHAT_BEDROCK, TITAN, 1, "{\"message\":\"m\"}", NULL, NULL},
    {CHAT_BEDROCK, COHERE3, 2, "{\"id\":\"i\",\"texts\":[\"a\",\"b\"],\"embeddings\":[[1],[2]],\"response_type\":\"embeddings_floats\"}", "[1] [2] ", NULL},
    {CHAT_BEDROCK, COHERE4, 2, "{\"embeddings\":{\"float\":[[1],[2]]},\"response_type\":\"embeddings_by_type\"}", "[1] [2] ", NULL},
    {CHAT_BEDROCK, COHERE4, 1, "{\"embeddings\":{\"int8\":[[1]]}}", NULL, NULL},
    {CHAT_BEDROCK, COHERE4, 1, "{\"embeddings\":\"x\"}", NULL, NULL},
};
/* clang-format on */

static void check_answer(const struct answering *k, struct str body)
{
    const struct embed_request r = {.texts_count = k->texts, .model = str_from(k->model)};
    struct arena a = {.max = 0};
    struct buf out = {.max = 0};
    struct embed_answer got;
    bool ok = embed_decode(embedder_find(k->dialect), &r, &a, body, &got);

    if (ok != (k->told != NULL))
        fail_msg("%s: %d", k->body, ok);
    if (!ok)
        assert_true(k->why == NULL ? got.why == NULL
                                   : got.why != NULL && strcmp(got.why, k->why) == 0);
    for (uint32_t i = 0; ok && i < got.count; i++)
        assert_int_equal(buf_printf(&out, "%.*s ", STR_ARG(got.vectors[i])), 0);
    if (ok && got.counted)
        assert_int_equal(buf_printf(&out, "%u", (unsigned)got.prompt_tokens), 0);
    if (ok && !str_eq(buf_str(&out), str_from(k->told)))
        fail_msg("%s:\n%.*s", k->body, STR_ARG(buf_str(&out)));
    buf_done(&out);
    arena_done(&a);
}

static void R10_an_answer_has_a_vector_for_each_text_or_is_none(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNTOF(answers); i++)
        check_answer(&answers[i], str_from(answers[i].body));
}

static void a_recorded_answer_is_read(void **state)
{
    static const struct answering k = {
        CHAT_BEDROCK,
        COHERE4,
        2,
        "the recording",
        "[0.03302002, 0.020904541, -0.019744873, -0.0625, 0.04437256] "
        "[-0.04660034, 0.00037765503, -0.061157227, -0.08239746, -0.010360718] 10",
        NULL};
    struct str body = file_read("tests/data/recordings/cohere/cohere-embedding.json");

    (void)state;
    assert_non_null(body.ptr);
    check_answer(&k, body);
    file_free(body);
}

static void vectors_have_the_room_that_there_is(void **state)
{
    const struct embed_request r = {.texts_count = 4000, .model = STR("m")};
    struct arena a = {.max = 1000};
    struct embed_answer got;

    (void)state;
    assert_false(
        embed_decode(embedder_find(CHAT_OLLAMA), &r, &a, STR("{\"embeddings\":[[1]]}"), &got));
    assert_non_null(strstr(got.why, "limits.exchange_bytes"));
    arena_done(&a);
}

/* ---- telling ---- */

static const char told_floats[] =
    "{\"object\":\"list\",\"data\":[{\"object\":\"embedding\",\"index\":0,\"embedding\":[1.50,-0.0]"
    "},"
    "{\"object\":\"embedding\",\"index\":1,\"embedding\":[1E-2,0.10000000000000000555]}],"
    "\"model\":\"a \\\"b\\\"\",\"usage\":{\"prompt_tokens\":7,\"total_tokens\":7}}";
/* 1.5 is 0x3fc00000, -0.0 0x80000000, 0.01 0x3c23d70a, 0.1 0x3dcccccd: the low byte first. */
static const char told_base64[] =
    "{\"object\":\"list\",\"data\":[{\"object\":\"embedding\",\"index\":0,\"embedding\":"
    "\"AADAPwAAAIA=\"},{\"object\":\"embedding\",\"index\":1,\"embedding\":\"CtcjPM3MzD0=\"}],"
    "\"model\":\"a \\\"b\\\"\",\"usage\":{\"prompt_tokens\":7,\"total_tokens\":7}}";

static void R49_floats_are_told_digit_by_digit_and_base64_as_float32(void **state)
{
    struct str vectors[] = {STR("[ 1.50,\n -0.0 ]"), STR("[1E-2,0.10000000000000000555]")};
    const struct embed_answer answer = {
        .vectors = vectors, .count = 2, .dimensions = 2, .counted = true, .prompt_tokens = 7};

    (void)state;
    for (unsigned base64 = 0; base64 < 2; base64++) {
        struct buf out = {.max = 0};

        assert_int_equal(embed_write(&answer, base64 != 0, STR("a \"b\""), &out), 0);
        assert_true(str_eq(buf_str(&out), str_from(base64 != 0 ? told_base64 : told_floats)));
        for (size_t max = 1; max < strlen(told_base64); max += 7) {
            buf_done(&out);
            out.max = max;
            assert_int_equal(embed_write(&answer, base64 != 0, STR("a \"b\""), &out), -ENOBUFS);
        }
        buf_done(&out);
    }
}

/* Longer than what is packed at once, by every remainder. */
static void a_long_vector_is_packed_as_a_short_one(void **state)
{
    (void)state;
    for (unsigned n = 190; n < 400; n++) {
        struct buf text = {.max = 0}, out = {.max = 0};
        struct str vector;
        struct embed_answer answer = {.vectors = &vector, .count = 1};
        size_t len = (size_t)(n * 4 + 2) / 3 * 4;

        for (unsigned i = 0; i < n; i++)
            assert_int_equal(buf_put(&text, i == 0 ? STR("[2") : STR(",2")), 0);
        assert_int_equal(buf_put(&text, STR("]")), 0);
        vector = buf_str(&text);
        assert_int_equal(embed_write(&answer, true, STR("m"), &out), 0);
        assert_int_equal(buf_put(&out, str_make("", 1)), 0);
        /* 2 is 0x40000000, and three of them are sixteen characters. */
        for (size_t i = 0; i + 16 <= len; i += 16)
            assert_memory_equal(strstr(out.ptr, "\"AAAAQ") + 1 + i, "AAAAQAAAAEAAAABA", 16);
        assert_int_equal(strcspn(strstr(out.ptr, "\"AAAAQ") + 1, "\""), len);
        buf_done(&text);
        buf_done(&out);
    }
}

static void a_number_beyond_float32_is_no_base64(void **state)
{
    struct str vector = STR("[1,1e39]");
    const struct embed_answer answer = {.vectors = &vector, .count = 1};
    struct buf out = {.max = 0};

    (void)state;
    assert_int_equal(embed_write(&answer, true, STR("m"), &out), -ERANGE);
    out.len = 0;
    assert_int_equal(embed_write(&answer, false, STR("m"), &out), 0);
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_read_or_refused_by_name),
        cmocka_unit_test(R9_texts_have_the_room_that_there_is),
        cmocka_unit_test(R45_each_dialect_is_asked_in_its_words_or_not_at_all),
        cmocka_unit_test(Cohere_embeds_ninety_six_texts_a_call),
        cmocka_unit_test(who_has_no_embeddings_has_no_row),
        cmocka_unit_test(R10_an_answer_has_a_vector_for_each_text_or_is_none),
        cmocka_unit_test(a_recorded_answer_is_read),
        cmocka_unit_test(vectors_have_the_room_that_there_is),
        cmocka_unit_test(R49_floats_are_told_digit_by_digit_and_base64_as_float32),
        cmocka_unit_test(a_long_vector_is_packed_as_a_short_one),
        cmocka_unit_test(a_number_beyond_float32_is_no_base64),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    arena_thread_done();
    return failed;
}
