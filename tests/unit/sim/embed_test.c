/* Embeddings in the simulator's dialects: what they answer, byte for byte, and what they refuse. Of
 * one dimension a vector is 1 or -1.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "sim/embed.h"
#include "unit/sim/dialect_fixture.h"

#define GEMINI "/v1beta/models/"
#define CONTENT(text) "\"content\":{\"parts\":[{\"text\":\"" text "\"}]}"
#define OF(model, text, dims)                                                                      \
    "{\"model\":\"models/" model "\"," CONTENT(text) ",\"outputDimensionality\":" dims "}"
#define TITAN "/model/amazon.titan-embed-text-v2%3A0"
#define COHERE3 "/model/cohere.embed-english-v3"
#define COHERE4 "/model/eu.cohere.embed-v4%3A0"

static void answer_of(struct answer *a, const char *target, const char *body)
{
    answer_start(a, target, str_from(body));
    assert_int_equal(a->dialect->form(a->ask.surface), SIM_FORM_WHOLE);
    answer_whole(a);
    yyjson_doc_free(must_parse(out_str(&a->text)));
}

static void answers_as(const char *target, const char *body, const char *want)
{
    struct answer a;

    answer_of(&a, target, body);
    says(&a, want);
    answer_end(&a);
}

static void each_dialect_has_its_form(void **state)
{
    (void)state;
    answers_as("/v1/embeddings", "{\"model\":\"sim\",\"input\":[\"b c\",\"f\"],\"dimensions\":1}",
               "{\"object\":\"list\",\"data\":[{\"object\":\"embedding\",\"index\":0,\"embedding\":"
               "[1]},{\"object\":\"embedding\",\"index\":1,\"embedding\":[-1]}],\"model\":\"sim\","
               "\"usage\":{\"prompt_tokens\":3,\"total_tokens\":3}}");
    answers_as(GEMINI "sim:batchEmbedContents",
               "{\"requests\":[" OF("sim", "b c", "1") "," OF("sim", "f", "1") "]}",
               "{\"embeddings\":[{\"values\":[1]},{\"values\":[-1]}],\"usageMetadata\":{"
               "\"promptTokenCount\":3}}");
    answers_as(GEMINI "sim:embedContent", "{" CONTENT("f") ",\"outputDimensionality\":1}",
               "{\"embedding\":{\"values\":[-1]},\"usageMetadata\":{\"promptTokenCount\":1}}");
    answers_as("/api/embed", "{\"model\":\"sim\",\"input\":[\"b c\",\"f\"],\"dimensions\":1}",
               "{\"model\":\"sim\",\"embeddings\":[[1],[-1]],\"total_duration\":14143917,"
               "\"load_duration\":1019500,\"prompt_eval_count\":3}");
    answers_as("/api/embed", "{\"model\":\"sim\",\"input\":\"f\",\"dimensions\":1}",
               "{\"model\":\"sim\",\"embeddings\":[[-1]],\"total_duration\":14143917,"
               "\"load_duration\":1019500,\"prompt_eval_count\":1}");
}

static void Bedrocks_is_that_of_the_model(void **state)
{
    struct answer a;

    (void)state;
    answer_of(&a, TITAN "/invoke", "{\"inputText\":\"a b\",\"dimensions\":256}");
    assert_int_equal(count(&a, ","), 2 * 255 + 2); /* the vector stands there twice */
    assert_int_equal(count(&a, "\"embeddingsByType\":{\"float\":["), 1);
    assert_int_equal(count(&a, "\"inputTextTokenCount\":2}"), 1);
    answer_end(&a);
    answer_of(&a, COHERE4 "/invoke",
              "{\"texts\":[\"a\",\"b\"],\"input_type\":\"search_query\",\"embedding_types\":["
              "\"float\"],\"output_dimension\":256}");
    assert_int_equal(count(&a, ","), 2 * 255 + 3);
    assert_int_equal(count(&a, "\"embeddings\":{\"float\":[["), 1);
    assert_int_equal(count(&a, "\"response_type\":\"embeddings_by_type\"}"), 1);
    answer_end(&a);
    answer_of(&a, COHERE3 "/invoke", "{\"texts\":[\"a\"],\"input_type\":\"clustering\"}");
    assert_int_equal(count(&a, ","), 63 + 2);
    assert_int_equal(count(&a, "\"embeddings\":[["), 1);
    answer_end(&a);
}

static void Cohere_leaves_the_count_to_the_head(void **state)
{
    static const struct {
        const char *target;
        unsigned status;
        const char *count; /* NULL: none */
    } rows[] = {
        {COHERE3 "/invoke", 200, "3"},
        {COHERE3 "/invoke", 503, NULL},
        {COHERE3 "%3Fusage-absent/invoke", 200, NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        struct http_fields f = {0};
        struct answer a;
        struct sim_head head;
        struct str got;

        answer_start(&a, rows[i].target,
                     STR("{\"texts\":[\"a b\",\"c\"],\"input_type\":\"clustering\"}"));
        head = (struct sim_head){.ask = &a.ask, .script = &a.script, .status = rows[i].status};
        assert_true(a.dialect->fields(&head, &f, &a.arena));
        got = http_fields_find(&f, STR("x-amzn-bedrock-input-token-count"));
        assert_true(rows[i].count == NULL ? got.ptr == NULL : str_eq(got, str_from(rows[i].count)));
        answer_end(&a);
    }
}

static void faults_look_as_the_menu_says(void **state)
{
    struct answer a;

    (void)state;
    answers_as("/api/embed",
               "{\"model\":\"sim?fewer-vectors,usage-absent\",\"input\":[\"f\",\"f\"],"
               "\"dimensions\":1}",
               "{\"model\":\"sim?fewer-vectors,usage-absent\",\"embeddings\":[[-1]],"
               "\"total_duration\":14143917,\"load_duration\":1019500}");
    answers_as(GEMINI "sim%3Ffewer-vectors,usage-zero:batchEmbedContents",
               "{\"requests\":[" OF("sim?fewer-vectors,usage-zero", "f", "1") "]}",
               "{\"embeddings\":[],\"usageMetadata\":{\"promptTokenCount\":0}}");
    answers_as(GEMINI "sim%3Ffewer-vectors:embedContent", "{" CONTENT("f") "}",
               "{\"usageMetadata\":{\"promptTokenCount\":1}}");
    answers_as("/v1/embeddings", "{\"model\":\"sim?fewer-vectors,usage-absent\",\"input\":\"f\"}",
               "{\"object\":\"list\",\"data\":[],\"model\":\"sim?fewer-vectors,usage-absent\"}");
    answer_of(&a, TITAN "%3Ffewer-vectors/invoke", "{\"inputText\":\"a\"}");
    says(&a, "{\"embedding\":null,\"embeddingsByType\":{},\"inputTextTokenCount\":1}");
    answer_end(&a);
    answer_start(&a, "/api/embed", STR("{\"model\":\"sim?empty-choices\",\"input\":\"f\"}"));
    a.ask.choices = 0; /* as reply.c has it */
    answer_whole(&a);
    assert_int_equal(count(&a, "\"embeddings\":[],"), 1);
    answer_end(&a);
}

static void the_vectors_are_the_same_in_all_dialects(void **state)
{
    static const char *const asks[][2] = {
        {GEMINI "sim:embedContent", "{" CONTENT("a caravan") "}"},
        {"/api/embed", "{\"model\":\"sim\",\"input\":\"a caravan\"}"},
        {TITAN "/invoke", "{\"inputText\":\"a caravan\"}"},
        {COHERE3 "/invoke", "{\"texts\":[\"a caravan\"],\"input_type\":\"clustering\"}"},
    };
    struct answer openai;
    struct str vector;

    (void)state;
    answer_of(&openai, "/v1/embeddings", "{\"model\":\"sim\",\"input\":\"a caravan\"}");
    vector = out_str(&openai.text);
    vector = str_skip(vector, (size_t)(str_find(vector, STR("ding\":[")) - vector.ptr) + 6);
    vector.len = (size_t)(str_find(vector, STR("]")) - vector.ptr) + 1;
    for (size_t i = 0; i < COUNTOF(asks); i++) {
        struct answer a;

        answer_of(&a, asks[i][0], asks[i][1]);
        assert_non_null(str_find(out_str(&a.text), vector));
        answer_end(&a);
    }
    answer_end(&openai);
}

static void requests_are_refused_as_each_refuses_them(void **state)
{
    static const struct refusal batch[] = {
        {STR_INIT("{\"requests\":[]}"), "requests is empty"},
        {STR_INIT("{\"requests\":[" OF("other", "a", "1") "]}"),
         "must match the one in the path (sim)"},
        {STR_INIT("{\"requests\":[{\"model\":\"models/sim\"}]}"), "contents is not specified"},
        {STR_INIT("{\"requests\":[{\"input\":\"a\"}]}"), "Unknown name \"input\""},
        {STR_INIT("{\"input\":\"a\"}"), "Unknown name \"input\""},
    };
    static const struct refusal ollama[] = {
        {STR_INIT("{\"input\":\"a\"}"), "model is required"},
        {STR_INIT("{\"model\":\"sim\"}"), "invalid input type"},
        {STR_INIT("{\"model\":\"sim\",\"input\":[1]}"), "invalid input type"},
        {STR_INIT("{\"model\":\"sim\",\"input\":\"a\","
                  "\"dimensions\":\"8\"}"),
         "EmbedRequest.dimensions of type int"},
    };
    static const struct refusal titan[] = {
        {STR_INIT("{\"texts\":[\"a\"]}"), "extraneous key [texts]"},
        {STR_INIT("{}"), "Value null at 'inputText'"},
        {STR_INIT("{\"inputText\":\"a\",\"dimensions\":8}"), "not a valid enum value"},
    };
    static const struct refusal cohere[] = {
        {STR_INIT("{\"texts\":[\"a\"]}"), "Value null at 'input_type'"},
        {STR_INIT("{\"texts\":[\"a\"],\"input_type\":\"x\"}"), "failed to satisfy constraint"},
        {STR_INIT("{\"texts\":[\"a\"],\"input_type\":\"clustering\","
                  "\"output_dimension\":256}"),
         "extraneous key [output_dimension]"},
    };

    (void)state;
    refuses(GEMINI "sim:batchEmbedContents", batch, COUNTOF(batch));
    refuses("/api/embed", ollama, COUNTOF(ollama));
    refuses(TITAN "/invoke", titan, COUNTOF(titan));
    refuses(COHERE3 "/invoke", cohere, COUNTOF(cohere));
    refuses("/model/amazon.nova-pro-v1%3A0/invoke",
            &(struct refusal){STR("{}"), "model identifier is invalid"}, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_dialect_has_its_form),
        cmocka_unit_test(Bedrocks_is_that_of_the_model),
        cmocka_unit_test(Cohere_leaves_the_count_to_the_head),
        cmocka_unit_test(faults_look_as_the_menu_says),
        cmocka_unit_test(the_vectors_are_the_same_in_all_dialects),
        cmocka_unit_test(requests_are_refused_as_each_refuses_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
