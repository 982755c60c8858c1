/*
 * frame.h - one server-sent event on its way out, in the style the script ordered.
 *
 * Format: html.spec.whatwg.org, "Server-sent events".  The data is one line: JSON has no newline.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SIM_FRAME_H
#define SIM_FRAME_H

#include "sim/out.h"
#include "sim/script.h"

struct sim_frame {
    struct str eol;
    struct str data;    /* "data: " */
    struct str comment; /* a comment line, or empty */
};

struct sim_frame sim_frame_of(const struct sim_script *s);
/* Everything up to the data; `name` may be empty. */
void sim_frame_open(const struct sim_frame *f, struct str name, struct out *o);
void sim_frame_close(const struct sim_frame *f, struct out *o);

#endif
