/* SPDX-License-Identifier: Apache-2.0 */
#include "llm/quirks.h"

/* clang-format off */
static const struct quirks_home homes[SERVER_COUNT] = {
    [SERVER_AUTO] = {.name = "auto"},
    [SERVER_PLAIN] = {.name = "plain"},
    [SERVER_CEREBRAS] = {"cerebras", {STR_INIT("cerebras.ai")}, {
        "https://hexdocs.pm/req_llm/ReqLLM.Providers.Cerebras.html", /* the members, after its own docs */
        "https://inference-docs.cerebras.ai/resources/openai",       /* developer is not exposed */
        "https://github.com/QwenLM/qwen-code/issues/11045",          /* thoughts: `reasoning` goes in, the other is a 400 */
    }},
    [SERVER_DEEPSEEK] = {"deepseek", {STR_INIT("deepseek.com")}, {
        "https://github.com/llm-exe/llm-exe/issues/662",         /* json_schema */
        "https://github.com/browserbase/stagehand/issues/1204",  /* json_object wants the word */
        "https://github.com/earendil-works/pi/issues/1048",      /* developer */
    }},
    [SERVER_GROQ] = {"groq", {STR_INIT("groq.com")}, {
        "https://console.groq.com/docs/openai",          /* the members, n */
        "https://github.com/fanenr/chatbot/issues/21",   /* store */
        "https://github.com/janhq/jan/issues/8136",      /* thoughts */
    }},
    [SERVER_LLAMA_CPP] = {"llama.cpp", {{NULL, 0}}, {
        "https://github.com/ggml-org/llama.cpp/issues/26535", /* tool_choice by name */
        "https://github.com/ggml-org/llama.cpp/pull/20215",   /* developer, before this */
    }},
    [SERVER_MISTRAL] = {"mistral", {STR_INIT("mistral.ai")}, {
        "https://github.com/avante-corp/avante.nvim/issues/2347",         /* stream_options.include_usage */
        "https://github.com/editor-code-assistant/eca/issues/231",        /* max_completion_tokens */
        "https://github.com/Gitlawb/openclaude/issues/739",               /* store */
        "https://github.com/Gage-Technologies/mistral-go/pull/2",         /* messages.name */
        "https://github.com/charmbracelet/crush/issues/1590",             /* thoughts */
        "https://github.com/anomalyco/opencode/issues/1680",              /* ids */
        /* What is no member of its request is a 422: user, logprobs …; the seed; the roles. */
        "https://github.com/mistralai/client-python/blob/09c7732b3e8236c0a07f0ebbce4ed33a6645fcec/src/mistralai/models/chatcompletionrequest.py",
    }},
    [SERVER_MOONSHOT] = {"moonshot", {STR_INIT("moonshot.ai"), STR_INIT("moonshot.cn")}, {
        "https://github.com/UKGovernmentBEIS/inspect_ai/pull/5152", /* tool_choice: none but kimi-k3 can be forced */
        "https://github.com/pydantic/pydantic-ai/pull/2211",        /* … nor the older ones */
        "https://github.com/simstudioai/sim/pull/5716",             /* temperature */
        "https://github.com/agentscope-ai/agentscope-java/pull/2320", /* … and its like */
    }},
    [SERVER_OPENROUTER] = {"openrouter", {STR_INIT("openrouter.ai")}, {
        "https://openrouter.ai/docs/guides/overview/multimodal/pdfs",
    }},
    [SERVER_PERPLEXITY] = {"perplexity", {STR_INIT("perplexity.ai")}, {
        "https://github.com/pipecat-ai/pipecat/pull/4862",     /* tools */
        "https://github.com/567-labs/instructor/issues/1005",  /* json_object */
        "https://github.com/BerriAI/litellm/issues/11665",     /* the roles */
    }},
    [SERVER_VLLM] = {"vllm", {{NULL, 0}}, {
        "https://github.com/vllm-project/vllm/pull/33402", /* thoughts: `reasoning` is what is read */
        "https://github.com/ogx-ai/ogx/issues/6069",       /* developer: a 400 with most templates */
    }},
    [SERVER_XAI] = {"xai", {STR_INIT("x.ai")}, {
        "https://github.com/miaoxworld/NativeTavern/issues/83", /* the penalties, with models that think and others */
        "https://github.com/BerriAI/litellm/issues/12635",      /* stop, with models that think */
    }},
};

#define PENALTIES STR_INIT("frequency_penalty"), STR_INIT("presence_penalty")
#define KIMI_FIXED STR_INIT("temperature"), STR_INIT("top_p"), PENALTIES

/* The first of a server whose `models` fits counts. */
static const struct quirks rows[] = {
    {.server = SERVER_CEREBRAS, .system_only = true, .thoughts = STR_INIT("reasoning"),
     .refused = {PENALTIES, STR_INIT("logit_bias"), STR_INIT("parallel_tool_calls"), STR_INIT("service_tier")}},
    {.server = SERVER_DEEPSEEK, .system_only = true, .no_schema = true},
    {.server = SERVER_GROQ, .one_choice = true, .thoughts = STR_INIT("-"),
     .refused = {STR_INIT("logit_bias"), STR_INIT("logprobs"), STR_INIT("messages.name"), STR_INIT("store"),
                 STR_INIT("top_logprobs")}},
    {.server = SERVER_LLAMA_CPP, .system_only = true, .no_named = true},
    {.server = SERVER_MISTRAL, .system_only = true, .max_tokens = true, .nine_ids = true,
     .seed = STR_INIT("random_seed"), .thoughts = STR_INIT("-"),
     .refused = {STR_INIT("logit_bias"), STR_INIT("logprobs"), STR_INIT("messages.name"), STR_INIT("service_tier"),
                 STR_INIT("store"), STR_INIT("stream_options"), STR_INIT("top_logprobs"), STR_INIT("user")}},
    {.server = SERVER_MOONSHOT, .models = STR_INIT("kimi-k3"), .refused = {KIMI_FIXED}},
    {.server = SERVER_MOONSHOT, .models = STR_INIT("kimi"), .no_forced = true, .refused = {KIMI_FIXED}},
    {.server = SERVER_MOONSHOT, .no_forced = true},
    {.server = SERVER_OPENROUTER, .file_urls = true},
    {.server = SERVER_PERPLEXITY, .system_only = true, .no_tools = true, .no_json = true},
    {.server = SERVER_VLLM, .system_only = true, .thoughts = STR_INIT("reasoning")},
    {.server = SERVER_XAI, .models = STR_INIT("non-reasoning"), .refused = {PENALTIES}},
    {.server = SERVER_XAI, .models = STR_INIT("grok-4"), .refused = {PENALTIES, STR_INIT("stop")}},
    {.server = SERVER_XAI, .models = STR_INIT("grok-3-mini"), .refused = {PENALTIES, STR_INIT("stop")}},
    {.server = SERVER_XAI, .refused = {PENALTIES}},
};
/* clang-format on */

const struct quirks *quirks_find(enum quirks_server server, struct str model)
{
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        if (rows[i].server == server &&
            (rows[i].models.len == 0 || str_find(model, rows[i].models) != NULL))
            return &rows[i];
    }
    return NULL;
}

bool quirks_refuse(const struct quirks *q, struct str member)
{
    for (size_t i = 0; q != NULL && i < QUIRKS_REFUSED_MAX && q->refused[i].len > 0; i++) {
        if (str_eq(q->refused[i], member))
            return true;
    }
    return false;
}

/* "api.mistral.ai" is below "mistral.ai"; "my-mistral.ai" is not. */
static bool is_below(struct str host, struct str top)
{
    size_t more;

    if (top.len == 0 || host.len < top.len)
        return false;
    more = host.len - top.len;
    return str_eq_nocase(str_make(host.ptr + more, top.len), top) &&
           (more == 0 || host.ptr[more - 1] == '.');
}

enum quirks_server quirks_server_of(struct str host)
{
    for (unsigned s = 0; s < SERVER_COUNT; s++) {
        if (is_below(host, homes[s].hosts[0]) || is_below(host, homes[s].hosts[1]))
            return (enum quirks_server)s;
    }
    return SERVER_PLAIN;
}

const struct quirks_home *quirks_home(enum quirks_server server)
{
    assert(server < SERVER_COUNT);
    return &homes[server];
}

const struct quirks *quirks_at(size_t i)
{
    return i < COUNTOF(rows) ? &rows[i] : NULL;
}
