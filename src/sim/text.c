/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/text.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "sim/script.h"

#define FILL_BYTES 4096u

static const struct str words[] = {
    STR_INIT(" the"),    STR_INIT(" river"),    STR_INIT(" between"), STR_INIT(" two"),
    STR_INIT(" courts"), STR_INIT(" carries"),  STR_INIT(" every"),   STR_INIT(" letter"),
    STR_INIT(" and"),    STR_INIT(" no"),       STR_INIT(" word"),    STR_INIT(" is"),
    STR_INIT(" lost,"),  STR_INIT(" for"),      STR_INIT(" an"),      STR_INIT(" interpreter"),
    STR_INIT(" writes"), STR_INIT(" what"),     STR_INIT(" was"),     STR_INIT(" said;"),
    STR_INIT(" café"),   STR_INIT(" naïve"),    STR_INIT(" Übung"),   STR_INIT(" 你好"),
    STR_INIT(" мир"),    STR_INIT(" 🙂"),     STR_INIT(" ترجمان"),  STR_INIT(" 通訳"),
    STR_INIT(" quiet"),  STR_INIT(" lanterns"), STR_INIT(" move"),    STR_INIT(" slowly."),
};

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

#if defined(__SSE2__)
/* A bit for each of the 16 bytes from p that is white space. */
static unsigned spaces_in(const char *p)
{
    __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
    __m128i control = _mm_sub_epi8(v, _mm_set1_epi8('\t')); /* 0 .. 4, unsigned */
    __m128i small = _mm_cmpeq_epi8(_mm_min_epu8(control, _mm_set1_epi8(4)), control);

    return (unsigned)_mm_movemask_epi8(_mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8(' ')), small));
}
#endif

/* Without branches: it walks over every byte of every prompt. */
uint64_t sim_words(struct str s)
{
    unsigned before = 1;
    uint64_t n = 0;
    size_t i = 0;

#if defined(__SSE2__)
    for (; s.len - i >= 16; i += 16) {
        unsigned spaces = spaces_in(s.ptr + i);

        n += (unsigned)__builtin_popcount(~spaces & (spaces << 1 | before) & 0xffffu);
        before = spaces >> 15;
    }
#endif
    for (; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        unsigned space = (unsigned)(c == ' ') | (unsigned)((unsigned char)(c - '\t') < 5);

        n += before & (space ^ 1);
        before = space;
    }
    return n;
}

/* Length of the first piece: white space, then a word; white space at the very end is one too. */
static size_t piece_len(struct str s)
{
    size_t n = 0;

    while (n < s.len && is_space(s.ptr[n]))
        n++;
    while (n < s.len && !is_space(s.ptr[n]))
        n++;
    return n;
}

void sim_text_echo(struct sim_text *t, struct str echo)
{
    uint64_t n = sim_words(echo);

    if (echo.len > 0 && is_space(echo.ptr[echo.len - 1]))
        n++;
    *t = (struct sim_text){.echo = echo, .count = n, .words = n};
}

void sim_text_generate(struct sim_text *t, uint64_t seed, uint64_t tokens, uint64_t size)
{
    *t = (struct sim_text){.generate = true, .seed = seed, .count = tokens, .size = size};
}

void sim_text_say_done(struct sim_text *t)
{
    t->says_done = true;
    t->count += 2;
}

static void put_fill(struct sim_text *t, struct out *o)
{
    char fill[FILL_BYTES];
    uint64_t left = t->size;
    char letter = (char)('a' + sim_hash(t->seed, t->at) % 26);

    memset(fill, letter, sizeof(fill));
    fill[0] = ' ';
    while (left > 0 && !o->full) {
        size_t n = left < sizeof(fill) ? (size_t)left : sizeof(fill);

        out_put(o, str_make(fill, n));
        left -= n;
        fill[0] = letter;
    }
}

static void put_word(struct sim_text *t, struct out *o)
{
    struct str w = words[sim_hash(t->seed, t->at) % COUNTOF(words)];

    out_put(o, t->at == 0 ? str_skip(w, 1) : w);
}

static void put_echo(struct sim_text *t, struct out *o)
{
    size_t n = piece_len(t->echo);

    out_escape(o, str_make(t->echo.ptr, n));
    t->echo = str_skip(t->echo, n);
}

void sim_text_take(struct sim_text *t, struct out *o)
{
    if (t->says_done && t->at == 1)
        OUT_LIT(o, "[DONE]");
    else if (t->says_done && t->at == 2)
        OUT_LIT(o, "\\n\\ndata: [DONE]\\n\\n");
    else if (!t->generate)
        put_echo(t, o);
    else if (t->size > 0)
        put_fill(t, o);
    else
        put_word(t, o);
    t->at++;
}

/* Word by word a benchmark would measure the simulator. */
void sim_text_take_all(struct sim_text *t, struct out *o)
{
    if (!t->generate && !t->says_done && t->count == t->words) {
        out_escape(o, t->echo);
        t->echo = (struct str){NULL, 0};
        t->at = t->count;
    }
    while (t->at < t->count && !o->full)
        sim_text_take(t, o);
}
