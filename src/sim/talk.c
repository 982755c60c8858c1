/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/talk.h"

#include "sim/dialect.h"

/* Any fixed moment will do; with the request's number added, `created` is deterministic too. */
#define EPOCH_S 1767225600u

bool sim_talk_has(const struct sim_talk *t, enum sim_fault f)
{
    return sim_script_has(t->script, f);
}

uint64_t sim_talk_calls(const struct sim_talk *t)
{
    return t->script->pick[SIM_GROUP_TOOLS] != SIM_NONE ? t->script->value[SIM_PARAM_CALLS] : 0;
}

static void init_tools(struct sim_talk *t)
{
    bool whole = t->dialect->tools_whole || sim_script_has(t->script, SIM_TOOLS_WHOLE);

    t->tool_parts = whole ? 1 : 1 + SIM_TOOL_PARTS;
    t->tool_events = sim_talk_calls(t) * t->tool_parts;
}

static void init_text(struct sim_talk *t, uint64_t seed)
{
    const struct sim_script *s = t->script;
    uint64_t max = t->ask->tokens_max;

    if (sim_script_has(s, SIM_BIG_EVENT))
        sim_text_generate(&t->text, seed, 1, s->value[SIM_PARAM_SIZE]);
    else if (sim_script_gives(s, SIM_PARAM_TOKENS))
        sim_text_generate(&t->text, seed, s->value[SIM_PARAM_TOKENS], s->value[SIM_PARAM_SIZE]);
    else
        sim_text_echo(&t->text, t->ask->text);
    if (sim_script_has(s, SIM_DONE_INSIDE_TEXT))
        sim_text_say_done(&t->text);
    if (max != 0 && t->text.count > max) {
        t->text.count = max;
        t->by_length = true;
    }
    sim_text_generate(&t->reasoning, ~seed, s->value[SIM_PARAM_REASONING], 0);
}

bool sim_talk_init(struct sim_talk *t, const struct sim_dialect *d, const struct sim_ask *ask,
                   const struct sim_script *script, uint64_t seed, uint64_t id, struct arena *a,
                   struct out *scratch)
{
    *t = (struct sim_talk){.dialect = d,
                           .ask = ask,
                           .script = script,
                           .frame = sim_frame_of(script, d->framing(ask), d->eol),
                           .id = sim_hash(seed, id),
                           .created_s = EPOCH_S + id};
    init_text(t, seed);
    init_tools(t);
    t->streams = d->form(ask->surface) == SIM_FORM_CHAT &&
                 (ask->stream ? !sim_script_has(script, SIM_JSON_FOR_SSE)
                              : sim_script_has(script, SIM_SSE_FOR_JSON));
    out_reset(scratch, SIZE_MAX);
    return d->begin(t, a, scratch) && !scratch->full;
}

uint64_t sim_talk_left(const struct sim_talk *t)
{
    uint64_t left = t->reasoning.count - t->reasoning.at;

    return left + (t->tool_events > 0 ? t->tool_events - t->tool_at : t->text.count - t->text.at);
}

void sim_talk_next(struct sim_talk *t, struct out *o)
{
    t->completion_tokens++;
    if (t->reasoning.at < t->reasoning.count)
        t->dialect->event(t, SIM_EVENT_REASONING, o);
    else if (t->tool_events > 0)
        t->dialect->event(t, SIM_EVENT_TOOL, o);
    else
        t->dialect->event(t, SIM_EVENT_TEXT, o);
}

struct sim_tool_part sim_talk_tool(const struct sim_talk *t, uint64_t at)
{
    uint64_t calls = sim_talk_calls(t);

    if (calls == 0 || !sim_script_has(t->script, SIM_TOOLS_INTERLEAVED))
        return (struct sim_tool_part){.call = at / t->tool_parts,
                                      .part = (unsigned)(at % t->tool_parts)};
    return (struct sim_tool_part){.call = at % calls, .part = (unsigned)(at / calls)};
}

struct str sim_talk_tool_name(const struct sim_talk *t, uint64_t call)
{
    unsigned named = t->ask->tool_count;

    return named > 0 ? t->ask->tools[call % named] : STR("get_weather");
}

void sim_tool_arguments(uint64_t call, unsigned part, bool quoted, struct out *o)
{
    static const struct str cities[] = {STR_INIT("Kraków"), STR_INIT("São Paulo"), STR_INIT("東京"),
                                        STR_INIT("Cairo")};
    void (*put)(struct out *, struct str) = quoted ? out_escape : out_put;

    if (part == 0 || part == 1)
        put(o, STR("{\"city\":\""));
    if (part == 0 || part == 2) {
        put(o, cities[call % COUNTOF(cities)]);
        put(o, STR("\",\"ca"));
    }
    if (part == 0 || part == 3) {
        put(o, STR("ll\":"));
        out_u64(o, call);
        put(o, STR("}"));
    }
}
