/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/script.h"

#define MILLION 1000000u

/* SplitMix64 (Steele, Lea, Flood 2014), one step from a state that both arguments make. */
uint64_t sim_hash(uint64_t seed, uint64_t n)
{
    uint64_t z = seed + (n + 1) * 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* FNV-1a, stirred at the end: its low bits alone are poor. */
uint64_t sim_hash_str(uint64_t seed, struct str s)
{
    uint64_t h = 0xcbf29ce484222325u ^ seed;

    for (size_t i = 0; i < s.len; i++)
        h = (h ^ (unsigned char)s.ptr[i]) * 0x100000001b3u;
    return sim_hash(h, s.len);
}

/* "12.5" in thousandths or millionths (`scale`); at most `scale`'s number of digits count. */
static bool parse_decimal(struct str s, uint64_t scale, uint64_t *ret_n)
{
    struct str whole, part;
    uint64_t n = 0, digit = scale;

    str_cut(s, '.', &whole, &part);
    if (!str_to_u64(whole, &n) || n > UINT64_MAX / scale / 2)
        return false;
    n *= scale;
    for (size_t i = 0; i < part.len; i++) {
        if (part.ptr[i] < '0' || part.ptr[i] > '9')
            return false;
        digit /= 10;
        n += digit * (uint64_t)(part.ptr[i] - '0');
    }
    *ret_n = n;
    return true;
}

/* "200ms", "1.5s", "2m", "1h"; a bare number is milliseconds. */
static bool parse_time(struct str s, uint64_t *ret_ms)
{
    static const struct {
        struct str unit;
        uint64_t ms;
    } units[] = {{STR_INIT("ms"), 1},
                 {STR_INIT("s"), 1000},
                 {STR_INIT("m"), 60000},
                 {STR_INIT("h"), 3600000},
                 {STR_INIT(""), 1}};
    size_t digits = 0;
    uint64_t n;

    while (digits < s.len &&
           (s.ptr[digits] == '.' || (s.ptr[digits] >= '0' && s.ptr[digits] <= '9')))
        digits++;
    for (size_t i = 0; i < COUNTOF(units); i++) {
        if (!str_eq(units[i].unit, str_make(s.ptr + digits, s.len - digits)))
            continue;
        if (!parse_decimal(str_make(s.ptr, digits), MILLION, &n) || n > UINT64_MAX / 3600000u)
            return false;
        *ret_ms = n * units[i].ms / MILLION;
        return true;
    }
    return false;
}

/* "50", "500k", "8M" (decimal). */
static bool parse_count(struct str s, uint64_t *ret_n)
{
    uint64_t unit = 1, n;
    char last = s.len > 0 ? ascii_lower(s.ptr[s.len - 1]) : '\0';

    if (last == 'k' || last == 'm') {
        unit = last == 'k' ? 1000 : MILLION;
        s.len--;
    }
    if (!str_to_u64(s, &n) || n > UINT64_MAX / unit)
        return false;
    *ret_n = n * unit;
    return true;
}

static bool parse_number(struct str s, enum sim_kind kind, uint64_t *ret_n)
{
    switch (kind) {
    case SIM_KIND_TIME:
        return parse_time(s, ret_n);
    case SIM_KIND_COUNT:
        return parse_count(s, ret_n);
    case SIM_KIND_SHARE:
        return parse_decimal(s, MILLION, ret_n);
    case SIM_KIND_FAULT:
    case SIM_KIND_TEXT:
        break;
    }
    return false;
}

static void list_all(struct out *why)
{
    OUT_LIT(why, " There are");
    for (unsigned i = 0; i < SIM_PARAM_COUNT; i++) {
        OUT_LIT(why, " ");
        out_put(why, sim_param_info((enum sim_param)i)->name);
        OUT_LIT(why, "=");
    }
    OUT_LIT(why, " and the faults");
    for (unsigned i = 0; i < SIM_FAULT_COUNT; i++) {
        OUT_LIT(why, " ");
        out_put(why, sim_fault_info((enum sim_fault)i)->name);
    }
    OUT_LIT(why, ".");
}

static bool refuse_unknown(struct out *why, const char *what, struct str name)
{
    out_fmt(why, "The simulator knows no %s \"", what);
    out_put(why, name);
    OUT_LIT(why, "\".");
    list_all(why);
    return false;
}

static bool pick_fault(struct sim_script *s, struct str name, struct out *why)
{
    enum sim_fault f = sim_fault_find(name), before;
    enum sim_group g;

    if (f == SIM_FAULT_COUNT)
        return refuse_unknown(why, "parameter or fault", name);
    if (f == SIM_NONE)
        return true;
    g = sim_fault_info(f)->group;
    before = (enum sim_fault)s->pick[g];
    if (before != SIM_NONE && before != f) {
        OUT_LIT(why, "The faults ");
        out_put(why, sim_fault_info(before)->name);
        OUT_LIT(why, " and ");
        out_put(why, name);
        OUT_LIT(why, " exclude each other.");
        return false;
    }
    s->pick[g] = (uint8_t)f;
    return true;
}

static bool set_param(struct sim_script *s, struct str name, struct str value, struct out *why)
{
    enum sim_param p = sim_param_find(name);
    const struct sim_param_info *info;
    uint64_t n;

    if (p == SIM_PARAM_COUNT)
        return refuse_unknown(why, "parameter", name);
    info = sim_param_info(p);
    if (info->kind == SIM_KIND_FAULT)
        return pick_fault(s, value, why);
    if (info->kind == SIM_KIND_TEXT) {
        s->tag = value;
        return true;
    }
    if (!parse_number(value, info->kind, &n) || n > info->max) {
        OUT_LIT(why, "The simulator's parameter \"");
        out_put(why, name);
        OUT_LIT(why, "\" cannot be \"");
        out_put(why, value);
        out_fmt(why, "\": it is %s.", info->doc);
        return false;
    }
    s->value[p] = n;
    s->given |= 1u << p;
    return true;
}

bool sim_script_parse(struct str text, struct sim_script *ret_script, struct out *why)
{
    struct sim_script s = {0};
    struct str rest, item, name, value;

    str_cut(text, '?', &s.model, &rest);
    while (rest.len > 0) {
        bool ok;

        str_cut(rest, ',', &item, &rest);
        item = str_trim(item);
        if (item.len == 0)
            continue;
        ok = str_cut(item, '=', &name, &value) ? set_param(&s, name, value, why)
                                               : pick_fault(&s, item, why);
        if (!ok)
            return false;
    }
    *ret_script = s;
    return true;
}

bool sim_script_counts(const struct sim_script *s)
{
    return sim_script_gives(s, SIM_PARAM_FLIP) || sim_script_gives(s, SIM_PARAM_EVERY) ||
           sim_script_has(s, SIM_RA_ESCALATING);
}

static bool draw(const struct sim_script *s, const struct sim_draw *d, enum sim_param p)
{
    return sim_hash(d->seed ^ (uint64_t)p, d->counter) % MILLION < s->value[p];
}

/* Do the faults that the script picked apply to this request? */
static bool picked_apply(const struct sim_script *s, const struct sim_draw *d)
{
    if (sim_script_gives(s, SIM_PARAM_FLIP) && d->nth > s->value[SIM_PARAM_FLIP])
        return false;
    if (sim_script_gives(s, SIM_PARAM_EVERY) &&
        (s->value[SIM_PARAM_EVERY] == 0 || d->nth % s->value[SIM_PARAM_EVERY] != 0))
        return false;
    return !sim_script_gives(s, SIM_PARAM_P) || draw(s, d, SIM_PARAM_P);
}

static void pick(struct sim_script *s, enum sim_fault f)
{
    s->pick[sim_fault_info(f)->group] = (uint8_t)f;
}

static bool picks_any(const struct sim_script *s)
{
    for (unsigned g = 0; g < SIM_GROUP_COUNT; g++) {
        if (s->pick[g] != SIM_NONE)
            return true;
    }
    return false;
}

static void mix_in(struct sim_script *s, const struct sim_draw *d)
{
    static const enum sim_fault mix[] = {SIM_S500, SIM_S502,    SIM_S503,  SIM_S504,
                                         SIM_S429, SIM_CUT_RST, SIM_REFUSE};

    if (draw(s, d, SIM_PARAM_FAIL))
        pick(s, mix[sim_hash(~d->seed, d->counter) % COUNTOF(mix)]);
}

static void preset(struct sim_script *s)
{
    for (unsigned g = 0; g < SIM_GROUP_COUNT; g++) {
        const struct sim_fault_info *f = sim_fault_info((enum sim_fault)s->pick[g]);

        if (f->to != 0 && !sim_script_gives(s, f->sets)) {
            s->value[f->sets] = f->to;
            s->given |= 1u << f->sets;
        }
    }
}

void sim_script_settle(struct sim_script *s, const struct sim_draw *d)
{
    bool counted = sim_script_gives(s, SIM_PARAM_FLIP) || sim_script_gives(s, SIM_PARAM_EVERY);

    if (sim_script_gives(s, SIM_PARAM_RA) && s->pick[SIM_GROUP_RETRY] == SIM_NONE)
        pick(s, SIM_RA_INT);
    if (counted && !picks_any(s))
        pick(s, SIM_S503);
    if (!picked_apply(s, d))
        memset(s->pick, 0, sizeof(s->pick));
    if (sim_script_gives(s, SIM_PARAM_FAIL))
        mix_in(s, d);
    if (s->pick[SIM_GROUP_RETRY] != SIM_NONE && s->pick[SIM_GROUP_REPLY] == SIM_NONE)
        pick(s, SIM_S429);
    preset(s);
}
