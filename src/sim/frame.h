/*
 * frame.h - one event on its way out, in the style the script ordered.
 *
 * Format: html.spec.whatwg.org, "Server-sent events".  The data is one line: JSON has no newline.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SIM_FRAME_H
#define SIM_FRAME_H

#include "sim/out.h"
#include "sim/script.h"

enum sim_framing {
    SIM_FRAMING_SSE,
    SIM_FRAMING_LINES, /* a JSON value a line */
    SIM_FRAMING_ARRAY, /* the elements of one; its brackets and commas are the dialect's */
    SIM_FRAMING_AWS,   /* binary messages; all of them is the dialect's */
};

struct sim_frame {
    enum sim_framing framing;
    struct str eol;
    struct str data;    /* "data: " */
    struct str comment; /* a comment line, or empty */
};

/* `eol`: the end of a line when the script does not say. */
struct sim_frame sim_frame_of(const struct sim_script *s, enum sim_framing framing, struct str eol);
struct str sim_frame_type(enum sim_framing framing); /* the content-type */
/* Everything up to the data; `name` may be empty. */
void sim_frame_open(const struct sim_frame *f, struct str name, struct out *o);
void sim_frame_close(const struct sim_frame *f, struct out *o);

#endif
