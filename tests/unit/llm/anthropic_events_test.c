/* What recordings do not hold: each row is a stream, or a whole answer, and what it says.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <inttypes.h>
#include <stdint.h>
#include <cmocka.h>

#include "llm/chat_text.h"
#include "llm/dialects.h"

#define BAD "MALFORMED"

/* ---- a listener that writes down ---- */

static const char *const kinds[] = {
    [CHAT_EV_START] = "START",
    [CHAT_EV_TEXT] = "TEXT",
    [CHAT_EV_THINKING] = "THINKING",
    [CHAT_EV_SIGNATURE] = "SIGNATURE",
    [CHAT_EV_REDACTED] = "REDACTED",
    [CHAT_EV_REFUSAL] = "REFUSAL",
    [CHAT_EV_CALL] = "CALL",
    [CHAT_EV_ARGS] = "ARGS",
    [CHAT_EV_BLOCK_END] = "BLOCK_END",
    [CHAT_EV_CITATION] = "CITATION",
    [CHAT_EV_RAW] = "RAW",
    [CHAT_EV_USAGE] = "USAGE",
    [CHAT_EV_STOP] = "STOP",
    [CHAT_EV_ERROR] = "ERROR",
    [CHAT_EV_END] = "END",
};

static const char *const stops[] = {
    [CHAT_STOP_NONE] = "none",       [CHAT_STOP_END] = "end",     [CHAT_STOP_SEQUENCE] = "sequence",
    [CHAT_STOP_LENGTH] = "length",   [CHAT_STOP_CALLS] = "calls", [CHAT_STOP_FILTER] = "filter",
    [CHAT_STOP_REFUSAL] = "refusal", [CHAT_STOP_PAUSE] = "pause", [CHAT_STOP_CONTEXT] = "context",
    [CHAT_STOP_OTHER] = "other",
};

struct notes {
    struct buf text;
    unsigned left; /* events that are still wanted */
};

static void note(struct notes *n, const char *between, struct json_text t)
{
    if (t.ptr != NULL)
        assert_int_equal(buf_printf(&n->text, "%s%.*s", between, STR_ARG(str_make(t.ptr, t.len))),
                         0);
}

static bool write_down(void *ctx, const struct chat_event *ev)
{
    struct notes *n = ctx;

    assert_true(n->left-- > 0);
    assert_int_equal(buf_printf(&n->text, "%s", kinds[ev->kind]), 0);
    if (ev->kind == CHAT_EV_CALL || ev->kind == CHAT_EV_ARGS)
        assert_int_equal(buf_printf(&n->text, "%u", ev->call), 0);
    if (ev->kind == CHAT_EV_STOP)
        assert_int_equal(buf_printf(&n->text, ":%s", stops[ev->stop]), 0);
    if (ev->kind == CHAT_EV_USAGE)
        assert_int_equal(buf_printf(&n->text,
                                    ":%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64,
                                    ev->usage.input, ev->usage.output, ev->usage.cache_read,
                                    ev->usage.cache_write, ev->usage.reasoning),
                         0);
    if (ev->kind == CHAT_EV_ERROR)
        assert_int_equal(buf_printf(&n->text, ":%s", fault_info(ev->fault)->wire), 0);
    note(n, ":", ev->id);
    note(n, ":", ev->name);
    note(n, ":", ev->model);
    note(n, ":", ev->text);
    note(n, ":", (struct json_text){ev->raw.ptr, ev->raw.len});
    assert_int_equal(buf_put(&n->text, STR("\n")), 0);
    return n->left > 0;
}

static void check(const char *what, struct notes *n, const char *expected)
{
    if (!str_eq(buf_str(&n->text), str_from(expected)))
        fail_msg("%s:\n%.*s", what, STR_ARG(buf_str(&n->text)));
    buf_done(&n->text);
}

/* ---- streams ---- */

#define START                                                                                      \
    "{\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"model\":\"c\",\"content\":[]}}\n"
#define BLOCK(n, block)                                                                            \
    "{\"type\":\"content_block_start\",\"index\":" n ",\"content_block\":" block "}\n"
#define DELTA(n, delta) "{\"type\":\"content_block_delta\",\"index\":" n ",\"delta\":" delta "}\n"
#define STOP(n) "{\"type\":\"content_block_stop\",\"index\":" n "}\n"
#define FINISH(word)                                                                               \
    "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"" word "\",\"stop_sequence\":null}}" \
    "\n"
#define END "{\"type\":\"message_stop\"}\n"
#define TEXT "{\"type\":\"text\",\"text\":\"\"}"
#define SAY(t) "{\"type\":\"text_delta\",\"text\":\"" t "\"}"
#define ARGS(t) "{\"type\":\"input_json_delta\",\"partial_json\":\"" t "\"}"

/* clang-format off */
static const struct row {
    const char *what, *lines, *expected;
} streams[] = {
    {"a text, pings anywhere",
     "{\"type\": \"ping\"}\n" START "{\"type\": \"ping\"}   \n" BLOCK("0", TEXT) "{\"type\":\"ping\"}\n" DELTA("0", SAY("h\\n\\ud83d\\ude00")) STOP("0") "{\"type\":\"ping\"}\n" FINISH("end_turn") END "{\"type\":\"ping\"}\n",
     "START:m:c\nTEXT:h\\n\\ud83d\\ude00\nBLOCK_END\nSTOP:end\nEND\n"},
    {"cumulative usage: input_tokens moves, caches are part of the input",
     "{\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"model\":\"c\",\"usage\":{\"input_tokens\":43,\"cache_read_input_tokens\":5,\"output_tokens\":1}}}\n"
     "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"input_tokens\":61,\"cache_creation_input_tokens\":7,\"output_tokens\":2,\"output_tokens_details\":{\"thinking_tokens\":1}}}\n" END,
     "START:m:c\nUSAGE:48,1,5,0,0\nUSAGE:73,2,5,7,1\nSTOP:end\nEND\n"},
    {"a count that is null, odd or zero later on takes nothing away",
     "{\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":43,\"output_tokens\":null}}}\n"
     "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":null},\"usage\":{\"input_tokens\":0,\"output_tokens\":4,\"cache_read_input_tokens\":\"x\"}}\n",
     "START\nUSAGE:43,0,0,0,0\nUSAGE:43,4,0,0,0\n"},
    {"a call without arguments has {}",
     START BLOCK("0", "{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"f\",\"input\":{}}") DELTA("0", ARGS("")) STOP("0") FINISH("tool_use") END,
     "START:m:c\nCALL0:t:f\nARGS0:{}\nBLOCK_END\nSTOP:calls\nEND\n"},
    {"arguments in the block's start",
     START BLOCK("0", "{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"f\",\"input\":{\"a\": \"b\\n\"}}") STOP("0") FINISH("tool_use") END,
     "START:m:c\nCALL0:t:f\nARGS0:{\\\"a\\\": \\\"b\\\\n\\\"}\nBLOCK_END\nSTOP:calls\nEND\n"},
    {"two calls are numbered as they come",
     START BLOCK("1", "{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"f\",\"input\":{}}") DELTA("1", ARGS("{\\\"a\\\"")) DELTA("1", ARGS(":1}")) STOP("1")
     BLOCK("2", "{\"type\":\"tool_use\",\"id\":\"u\",\"name\":\"g\",\"input\":{}}") DELTA("2", ARGS("{}")) STOP("2") FINISH("tool_use") END,
     "START:m:c\nCALL0:t:f\nARGS0:{\\\"a\\\"\nARGS0::1}\nBLOCK_END\nCALL1:u:g\nARGS1:{}\nBLOCK_END\nSTOP:calls\nEND\n"},
    {"thoughts, signed, hidden and redacted, byte for byte and in order",
     START BLOCK("0", "{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"}") DELTA("0", "{\"type\":\"thinking_delta\",\"thinking\":\"hm\"}") DELTA("0", "{\"type\":\"signature_delta\",\"signature\":\"a\\/b+\\u003d\"}") STOP("0")
     BLOCK("1", "{\"type\":\"redacted_thinking\",\"data\":\"EmwK\\/=\"}") STOP("1")
     BLOCK("2", "{\"type\":\"thinking\",\"thinking\":\"\"}") DELTA("2", "{\"type\":\"signature_delta\",\"signature\":\"s\"}") STOP("2") FINISH("end_turn") END,
     "START:m:c\nTHINKING:hm\nSIGNATURE:a\\/b+\\u003d\nBLOCK_END\nREDACTED:EmwK\\/=\nBLOCK_END\nSIGNATURE:s\nBLOCK_END\nSTOP:end\nEND\n"},
    {"citations",
     START BLOCK("0", "{\"type\":\"text\",\"text\":\"\",\"citations\":[]}") DELTA("0", "{\"type\":\"citations_delta\",\"citation\":{\"type\":\"page_location\",\"n\":1}}") DELTA("0", SAY("x")) STOP("0"),
     "START:m:c\nCITATION:{\"type\":\"page_location\",\"n\":1}\nTEXT:x\nBLOCK_END\n"},
    {"a server's tool and its result are whole blocks of the vendor's",
     START BLOCK("0", "{\"type\":\"server_tool_use\",\"id\":\"s\",\"input\":{},\"name\":\"web\"}") DELTA("0", ARGS("")) DELTA("0", ARGS("{\\\"q\\\": \\\"\\\\u00e9")) DELTA("0", ARGS("\\\"}")) STOP("0")
     BLOCK("1", "{\"type\":\"web_search_tool_result\",\"content\":[]}") STOP("1") FINISH("pause_turn") END,
     "START:m:c\nRAW:{\"type\":\"server_tool_use\",\"id\":\"s\",\"input\":{\"q\": \"\\u00e9\"},\"name\":\"web\"}\nRAW:{\"type\":\"web_search_tool_result\",\"content\":[]}\nSTOP:pause\nEND\n"},
    {"a server's tool whose arguments are no JSON",
     START BLOCK("0", "{\"type\":\"server_tool_use\",\"input\":{}}") DELTA("0", ARGS("{\\\"q")) STOP("0"),
     "START:m:c\nRAW:{\"type\":\"server_tool_use\",\"input\":{}}\n"},
    {"a block and a delta nobody knows yet",
     START BLOCK("0", "{\"type\":\"compaction\",\"content\":null}") DELTA("0", "{\"type\":\"compaction_delta\",\"content\":\"a\\n\"}") DELTA("0", "{\"type\":\"compaction_delta\",\"content\":\"b\"}") STOP("0")
     BLOCK("1", "{\"type\":\"new\"}") DELTA("1", "{\"type\":\"new_delta\",\"more\":\"x\"}") STOP("1") BLOCK("2", TEXT) DELTA("2", "{\"type\":\"newer_delta\",\"more\":\"x\"}") STOP("2") "{\"type\":\"newest\"}\n",
     "START:m:c\nRAW:{\"type\":\"compaction\",\"content\":\"a\\nb\"}\nRAW:{\"type\":\"new\",\"more\":\"x\"}\n"},
    {"a block that never stops ends with the answer",
     START BLOCK("0", TEXT) DELTA("0", SAY("x")) FINISH("max_tokens") END, "START:m:c\nTEXT:x\nBLOCK_END\nSTOP:length\nEND\n"},
    {"a block that never stops ends with the next",
     START BLOCK("0", TEXT) DELTA("0", SAY("x")) BLOCK("1", "{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"f\"}") STOP("1"), "START:m:c\nTEXT:x\nBLOCK_END\nCALL0:t:f\nARGS0:{}\nBLOCK_END\n"},
    {"a text that nobody began", START DELTA("0", SAY("x")) DELTA("1", SAY("y")) STOP("1"), "START:m:c\nTEXT:x\nBLOCK_END\nTEXT:y\nBLOCK_END\n"},
    {"no message_start", BLOCK("0", TEXT) DELTA("0", SAY("x")), "START\nTEXT:x\n"},
    {"no message_start, and no content", FINISH("end_turn") END, "START\nSTOP:end\nEND\n"},
    {"content behind the stop reason", START FINISH("end_turn") BLOCK("0", "{\"type\":\"x\"}") STOP("0") DELTA("0", SAY("x")) END, "START:m:c\nSTOP:end\n" BAD "\n" BAD "\nEND\n"},
    {"arguments of no call", START BLOCK("0", TEXT) DELTA("0", ARGS("{}")), "START:m:c\n" BAD "\n"},
    {"arguments of another block", START BLOCK("0", "{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"f\"}") DELTA("1", ARGS("{}")), "START:m:c\nCALL0:t:f\n" BAD "\n"},
    {"message_stop and nothing else", END, BAD "\n"},
    {"not JSON", START "{\"type\":\"message_stop\"\n", "START:m:c\n" BAD "\n"},
    {"no object", "[]\n", BAD "\n"},
    {"a block start without a block", START "{\"type\":\"content_block_start\",\"index\":0}\n", "START:m:c\n" BAD "\n"},
    {"a delta without one", START "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":null}\n", "START:m:c\n" BAD "\n"},
    {"content and a stop reason in message_start",
     "{\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"model\":\"c\",\"content\":[{\"type\":\"x_tool_result\"},{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"f\",\"input\":{\"a\":1}}],\"stop_reason\":\"tool_use\",\"usage\":{\"input_tokens\":0,\"output_tokens\":0}}}\n" END,
     "START:m:c\nUSAGE:0,0,0,0,0\nRAW:{\"type\":\"x_tool_result\"}\nCALL0:t:f\nARGS0:{\\\"a\\\":1}\nBLOCK_END\nUSAGE:0,0,0,0,0\nSTOP:calls\nEND\n"},
    {"a stop reason in message_start, and no other",
     "{\"type\":\"message_start\",\"message\":{\"content\":[],\"stop_reason\":\"max_tokens\"}}\n" END, "START\nSTOP:length\nEND\n"},
    {"calls whose pieces alternate",
     START BLOCK("0", "{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"f\",\"input\":{}}") BLOCK("1", "{\"type\":\"tool_use\",\"id\":\"u\",\"name\":\"g\"}")
     DELTA("0", ARGS("{")) DELTA("1", ARGS("{")) DELTA("0", ARGS("}")) STOP("0") DELTA("1", ARGS("}")) STOP("1") FINISH("tool_use") END,
     "START:m:c\nCALL0:t:f\nCALL1:u:g\nARGS0:{\nARGS1:{\nARGS0:}\nARGS1:}\nBLOCK_END\nSTOP:calls\nEND\n"},
    {"calls that begin one behind the other and never stop",
     START BLOCK("0", "{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"f\",\"input\":{}}") BLOCK("1", "{\"type\":\"tool_use\",\"id\":\"u\",\"name\":\"g\"}") FINISH("tool_use") END,
     "START:m:c\nCALL0:t:f\nCALL1:u:g\nARGS1:{}\nBLOCK_END\nARGS0:{}\nSTOP:calls\nEND\n"},
    {"another block's end", START BLOCK("1", TEXT) DELTA("1", SAY("x")) STOP("0") DELTA("1", SAY("y")) STOP("1"), "START:m:c\nTEXT:x\nTEXT:y\nBLOCK_END\n"},
    {"R3: message_stop without a reason: none is made up", START BLOCK("0", "{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"f\"}") STOP("0") END, "START:m:c\nCALL0:t:f\nARGS0:{}\nBLOCK_END\nEND\n"},
    {"the same message_start twice", START START FINISH("end_turn") END, "START:m:c\nSTOP:end\nEND\n"},
    {"another message in the middle: two answers in one",
     START BLOCK("0", TEXT) DELTA("0", SAY("x")) "{\"type\":\"message_start\",\"message\":{\"id\":\"n\"}}\n" DELTA("0", SAY("y")) END,
     "START:m:c\nTEXT:x\nERROR:upstream_stream_truncated:another message started before this one had ended\n"},
    {"another message behind the end", START FINISH("end_turn") END "{\"type\":\"message_start\",\"message\":{\"id\":\"n\"}}\n", "START:m:c\nSTOP:end\nEND\n"},
    {"what some proxies write behind all streams", START FINISH("end_turn") END "[DONE]\n", "START:m:c\nSTOP:end\nEND\n"},
    {"an error in the middle, and nothing behind it",
     START BLOCK("0", TEXT) DELTA("0", SAY("x")) "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Over\\\"loaded\"},\"request_id\":\"r\"}\n" DELTA("0", SAY("y")),
     "START:m:c\nTEXT:x\nERROR:upstream_overloaded:overloaded_error:Over\\\"loaded\n"},
    {"an error instead of an answer", "{\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\",\"message\":\"slow\"}}\n", "ERROR:upstream_rate_limited:rate_limit_error:slow\n"},
    {"stop_sequence", START "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"stop_sequence\",\"stop_sequence\":\"\\n\\n\"}}\n" END, "START:m:c\nSTOP:sequence:\\n\\n\nEND\n"},
    {"refusal", START "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"refusal\",\"stop_details\":{\"type\":\"refusal\",\"category\":\"cyber\"}}}\n" END, "START:m:c\nSTOP:refusal:{\"type\":\"refusal\",\"category\":\"cyber\"}\nEND\n"},
    {"model_context_window_exceeded", START FINISH("model_context_window_exceeded") END, "START:m:c\nSTOP:context\nEND\n"},
    {"pause_turn", START FINISH("pause_turn") END, "START:m:c\nSTOP:pause\nEND\n"},
    {"a reason nobody knows yet", START FINISH("moon") END, "START:m:c\nSTOP:other:moon\nEND\n"},
    {"two reasons: the first counts", START FINISH("max_tokens") FINISH("end_turn") END, "START:m:c\nSTOP:length\nEND\n"},
};

static const struct row bodies[] = {
    {"a text", "{\"id\":\"m\",\"type\":\"message\",\"model\":\"c\",\"content\":[{\"type\":\"text\",\"text\":\"x\",\"citations\":[{\"a\":1},{\"a\":2}]},{\"type\":\"text\",\"text\":\"\",\"citations\":null}],\"stop_reason\":\"end_turn\"}",
     "START:m:c\nTEXT:x\nCITATION:{\"a\":1}\nCITATION:{\"a\":2}\nBLOCK_END\nSTOP:end\nEND\n"},
    {"a call", "{\"content\":[{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"f\",\"input\":{ \"a\":\n9007199254740993}}],\"stop_reason\":\"tool_use\",\"usage\":{\"input_tokens\":1,\"output_tokens\":2,\"cache_read_input_tokens\":3}}",
     "START\nUSAGE:4,2,3,0,0\nCALL0:t:f\nARGS0:{ \\\"a\\\":\\n9007199254740993}\nBLOCK_END\nUSAGE:4,2,3,0,0\nSTOP:calls\nEND\n"},
    {"nothing", "{\"content\":[],\"stop_reason\":null}", "START\nEND\n"},
    {"a stop sequence", "{\"content\":[],\"stop_reason\":\"stop_sequence\",\"stop_sequence\":\"x\"}", "START\nSTOP:sequence:x\nEND\n"},
    {"an error inside a 200", "{\"type\":\"error\",\"error\":{\"type\":\"api_error\",\"message\":\"m\"}}", "ERROR:upstream_error:api_error:m\n"},
    {"null", "null", BAD "\n"},
    {"HTML", "<html></html>", BAD "\n"},
    {"cut", "{\"content\":[", BAD "\n"},
    {"another API's", "{\"choices\":[]}", BAD "\n"},
};
/* clang-format on */

static void decode(struct notes *n, struct str lines, const char *name)
{
    struct arena a = {.max = 1 << 20};
    struct chat_decoder *d = dialect_anthropic.decoder_new(&a);
    struct str line;

    while (lines.len > 0) {
        str_cut(lines, '\n', &line, &lines);
        if (!dialect_anthropic.decode(d, str_from(name), line, write_down, n))
            assert_int_equal(buf_put(&n->text, STR(BAD "\n")), 0);
        if (n->left == 0)
            break;
    }
    arena_done(&a);
}

static void R8_R47_a_stream_says_what_it_means(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNTOF(streams); i++) {
        struct notes n = {.left = 100};

        decode(&n, str_from(streams[i].lines), "");
        check(streams[i].what, &n, streams[i].expected);
    }
}

static void a_whole_answer_says_what_it_means(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNTOF(bodies); i++) {
        struct arena a = {.max = 1 << 20};
        struct notes n = {.left = 100};

        if (!dialect_anthropic.decode_whole(dialect_anthropic.decoder_new(&a),
                                            str_from(bodies[i].lines), write_down, &n))
            assert_int_equal(buf_put(&n.text, STR(BAD "\n")), 0);
        check(bodies[i].what, &n, bodies[i].expected);
        arena_done(&a);
    }
}

static void an_error_event_need_not_be_JSON(void **state)
{
    struct notes n = {.left = 100};

    (void)state;
    decode(&n, STR("no more"), "error");
    check("text", &n, "ERROR:upstream_error::no more\n");
}

static void a_listener_that_has_heard_enough_hears_no_more(void **state)
{
    struct notes n = {.left = 1};

    (void)state;
    decode(&n,
           STR("{\"type\":\"message_start\",\"message\":{\"content\":[{\"type\":\"text\","
               "\"text\":\"x\"}],\"usage\":{\"input_tokens\":1}}}\n"),
           "");
    check("one", &n, "START\n");
}

/* Each allocation fails in turn: nothing that is half there is told. */
static void without_memory_an_event_is_malformed(void **state)
{
    static const char lines[] =
        START BLOCK("0", "{\"type\":\"server_tool_use\",\"input\":{}}") DELTA("0", ARGS("{}"))
            STOP("0") BLOCK("1", "{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"f\"}") STOP("1")
                FINISH("tool_use") END;
    bool bad = false, good = false;

    (void)state;
    for (size_t max = 512; max <= 16384; max += 64) {
        struct arena a = {.max = max};
        struct notes n = {.left = 100};
        struct chat_decoder *d = dialect_anthropic.decoder_new(&a);
        struct str rest = str_from(lines), line;
        bool all = d != NULL;

        while (all && rest.len > 0) {
            str_cut(rest, '\n', &line, &rest);
            all = dialect_anthropic.decode(d, STR(""), line, write_down, &n);
        }
        bad |= !all;
        good |= all;
        if (all)
            assert_non_null(str_find(buf_str(&n.text), STR("RAW:{\"type\":\"server_tool_use\"")));
        buf_done(&n.text);
        arena_done(&a);
    }
    assert_true(bad && good);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(R8_R47_a_stream_says_what_it_means),
        cmocka_unit_test(a_whole_answer_says_what_it_means),
        cmocka_unit_test(an_error_event_need_not_be_JSON),
        cmocka_unit_test(a_listener_that_has_heard_enough_hears_no_more),
        cmocka_unit_test(without_memory_an_event_is_malformed),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    arena_thread_done();
    return failed;
}
