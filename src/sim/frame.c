/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/frame.h"

struct sim_frame sim_frame_of(const struct sim_script *s, enum sim_framing framing, struct str eol)
{
    struct sim_frame f = {.framing = framing, .eol = eol, .data = STR("data: ")};

    if (sim_script_has(s, SIM_LF))
        f.eol = STR("\n");
    else if (sim_script_has(s, SIM_CRLF))
        f.eol = STR("\r\n");
    else if (sim_script_has(s, SIM_CR))
        f.eol = STR("\r");
    if (sim_script_has(s, SIM_NO_SPACE))
        f.data = STR("data:");
    if (sim_script_has(s, SIM_COMMENTS))
        f.comment = STR(": data: {\"still\":\"thinking\"}");
    return f;
}

struct str sim_frame_type(enum sim_framing framing)
{
    static const struct str types[] = {
        [SIM_FRAMING_SSE] = STR_INIT("text/event-stream; charset=utf-8"),
        [SIM_FRAMING_LINES] = STR_INIT("application/x-ndjson"),
        [SIM_FRAMING_ARRAY] = STR_INIT("application/json; charset=UTF-8"),
        [SIM_FRAMING_AWS] = STR_INIT("application/vnd.amazon.eventstream"),
    };

    return types[framing];
}

void sim_frame_open(const struct sim_frame *f, struct str name, struct out *o)
{
    if (f->framing != SIM_FRAMING_SSE)
        return;
    if (f->comment.len > 0) {
        out_put(o, f->comment);
        out_put(o, f->eol);
    }
    if (name.len > 0) {
        OUT_LIT(o, "event: ");
        out_put(o, name);
        out_put(o, f->eol);
    }
    out_put(o, f->data);
}

void sim_frame_close(const struct sim_frame *f, struct out *o)
{
    out_put(o, f->eol);
    if (f->framing == SIM_FRAMING_SSE)
        out_put(o, f->eol);
}
