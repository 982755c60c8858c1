/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/menu.h"

#include "sim/out.h"

static const struct sim_param_info params[SIM_PARAM_COUNT] = {
#define X(id, name, kind, max, doc) {STR_INIT(name), SIM_KIND_##kind, max, doc},
    SIM_PARAMS(X)
#undef X
};

static const struct sim_fault_info faults[SIM_FAULT_COUNT] = {
#define X(id, name, group, status, sets, to, doc)                                                  \
    {STR_INIT(name), SIM_GROUP_##group, status, SIM_PARAM_##sets, to, doc},
    SIM_FAULTS(X)
#undef X
};

static const char *const groups[SIM_GROUP_COUNT] = {
#define X(id) #id,
    SIM_GROUPS(X)
#undef X
};

const struct sim_param_info *sim_param_info(enum sim_param p)
{
    assert(p < SIM_PARAM_COUNT);
    return &params[p];
}

const struct sim_fault_info *sim_fault_info(enum sim_fault f)
{
    assert(f < SIM_FAULT_COUNT);
    return &faults[f];
}

enum sim_param sim_param_find(struct str name)
{
    unsigned i = 0;

    while (i < SIM_PARAM_COUNT && !str_eq(params[i].name, name))
        i++;
    return (enum sim_param)i;
}

enum sim_fault sim_fault_find(struct str name)
{
    unsigned i = 0;

    while (i < SIM_FAULT_COUNT && !str_eq(faults[i].name, name))
        i++;
    return (enum sim_fault)i;
}

static const char *value_form(enum sim_kind kind)
{
    static const char *const forms[] = {"200ms", "50", "0.08", "NAME", "TEXT"};

    return forms[kind];
}

/* "reply", "usage": the group as the reader sees it. */
static void put_group(struct out *o, enum sim_group g)
{
    for (const char *c = groups[g]; *c != '\0'; c++) {
        char low = ascii_lower(*c);

        out_put(o, str_make(&low, 1));
    }
}

static void put_preset(struct out *o, const struct sim_fault_info *f)
{
    const struct sim_param_info *p = sim_param_info(f->sets);

    out_put(o, p->name);
    OUT_LIT(o, "=");
    out_u64(o, f->to);
    if (p->kind == SIM_KIND_TIME)
        OUT_LIT(o, "ms");
}

void sim_menu_text(struct out *o)
{
    OUT_LIT(o, "Parameters, after the model's name: sim?ttft=200ms,tokens=50,gap=10ms\n");
    for (size_t i = 0; i < SIM_PARAM_COUNT; i++) {
        out_fmt(o, "  %.*s=%-*s  ", STR_ARG(params[i].name), (int)(22 - params[i].name.len),
                value_form(params[i].kind));
        out_fmt(o, "%s\n", params[i].doc);
    }
    OUT_LIT(o, "\nFaults, by name: sim?cut-rst,after=5  (of one group a script picks one)\n");
    for (size_t i = 0; i < SIM_FAULT_COUNT; i++) {
        out_fmt(o, "  %-23.*s  %-9s  %s", STR_ARG(faults[i].name), groups[faults[i].group],
                faults[i].doc);
        if (faults[i].to != 0) {
            OUT_LIT(o, " (");
            put_preset(o, &faults[i]);
            OUT_LIT(o, ")");
        }
        OUT_LIT(o, "\n");
    }
}

void sim_menu_json(struct out *o)
{
    OUT_LIT(o, "{\"params\":[");
    for (size_t i = 0; i < SIM_PARAM_COUNT; i++) {
        out_put(o, i == 0 ? STR("{\"name\":") : STR(",{\"name\":"));
        out_json(o, params[i].name);
        OUT_LIT(o, ",\"form\":");
        out_json(o, str_from(value_form(params[i].kind)));
        OUT_LIT(o, ",\"what\":");
        out_json(o, str_from(params[i].doc));
        OUT_LIT(o, "}");
    }
    OUT_LIT(o, "],\"faults\":[");
    for (size_t i = 0; i < SIM_FAULT_COUNT; i++) {
        out_put(o, i == 0 ? STR("{\"name\":") : STR(",{\"name\":"));
        out_json(o, faults[i].name);
        OUT_LIT(o, ",\"group\":\"");
        put_group(o, faults[i].group);
        OUT_LIT(o, "\",\"preset\":\"");
        if (faults[i].to != 0)
            put_preset(o, &faults[i]);
        OUT_LIT(o, "\",\"what\":");
        out_json(o, str_from(faults[i].doc));
        OUT_LIT(o, "}");
    }
    OUT_LIT(o, "]}\n");
}

void sim_menu_markdown(struct out *o)
{
    OUT_LIT(o, "| parameter | sets |\n| --- | --- |\n");
    for (size_t i = 0; i < SIM_PARAM_COUNT; i++) {
        out_fmt(o, "| `%.*s=%s` ", STR_ARG(params[i].name), value_form(params[i].kind));
        out_fmt(o, "| %s |\n", params[i].doc);
    }
    OUT_LIT(o, "\n| fault | group | what happens | unless given |\n| --- | --- | --- | --- |\n");
    for (size_t i = 0; i < SIM_FAULT_COUNT; i++) {
        out_fmt(o, "| `%.*s` | ", STR_ARG(faults[i].name));
        put_group(o, faults[i].group);
        out_fmt(o, " | %s | ", faults[i].doc);
        if (faults[i].to != 0) {
            OUT_LIT(o, "`");
            put_preset(o, &faults[i]);
            OUT_LIT(o, "` ");
        }
        OUT_LIT(o, "|\n");
    }
}
