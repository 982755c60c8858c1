/*
 * text.h - the words an answer is made of.
 *
 * Either the words of the request come back (each with the white space before it), or `tokens`
 * words out of a fixed vocabulary, some of them beyond ASCII; with `size` each piece has exactly so
 * many bytes.  The same settings give the same pieces, whatever faults the answer has on the way.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SIM_TEXT_H
#define SIM_TEXT_H

#include "sim/out.h"

struct sim_text {
    struct str echo; /* what is left of it; used when `generate` is false */
    bool generate;
    bool says_done; /* the second and third piece say [DONE] */
    uint64_t seed;
    uint64_t size;  /* bytes a piece; 0: as the words are */
    uint64_t at;    /* pieces taken */
    uint64_t count; /* pieces in all; a caller may lower it */
    uint64_t words; /* of an echo: pieces there are */
};

/* An echo's count is found by walking it. */
void sim_text_echo(struct sim_text *t, struct str echo);
void sim_text_generate(struct sim_text *t, uint64_t seed, uint64_t tokens, uint64_t size);
void sim_text_say_done(struct sim_text *t);

/* Append the next piece, escaped for a JSON string.  Only while at < count. */
void sim_text_take(struct sim_text *t, struct out *o);
/* The same with all that is left, until `o` is full. */
void sim_text_take_all(struct sim_text *t, struct out *o);

/* Words in `s`: runs of bytes that are not white space. */
uint64_t sim_words(struct str s);

#endif
