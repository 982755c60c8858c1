/*
 * Most events of a stream are the one before with another piece of text in it.  When all bytes
 * outside the text (and outside OpenAI's random padding) are those of an event that was read, and
 * the text is one JSON string that is not empty, then the event says what that one said and need
 * not be read.
 *
 * A search for "usage" or "finish_reason" would be nearly as quick, but it also finds them in what
 * a model writes, and it says nothing of whether the event is JSON.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm/openai_part.h"

#define TEXT_MAX 448u /* longer events are read each time */

struct openai_stencil {
    unsigned len;  /* of text; 0: there is none */
    unsigned room; /* for text */
    unsigned holes;
    struct hole {
        unsigned at, len;
    } hole[2];
    char text[];
};

static struct hole hole_at(struct str text, struct str value)
{
    return (struct hole){(unsigned)(value.ptr - text.ptr), (unsigned)value.len};
}

static struct openai_stencil *stencil_new(struct arena *a, unsigned room)
{
    struct openai_stencil *t = arena_alloc(a, sizeof(*t) + room);

    if (t != NULL)
        t->room = room;
    return t;
}

/* Just the room for its text: the next event is as long as this one, but for what it says. */
bool openai_stencil_copy(const struct openai_stencil *stencil, struct arena *to,
                         struct openai_stencil **ret_copy)
{
    struct openai_stencil *copy = NULL;

    if (stencil != NULL) {
        copy = stencil_new(to, stencil->len);
        if (copy == NULL)
            return false;
        memcpy(copy, stencil, sizeof(*copy) + stencil->len);
        copy->room = stencil->len;
    }
    *ret_copy = copy;
    return true;
}

void openai_stencil_cut(struct openai_watch *w, struct str event, struct str shown,
                        struct str padding)
{
    struct openai_stencil *t = w->stencil;

    if (event.len > TEXT_MAX)
        return;
    if (t == NULL || t->room < event.len)
        t = stencil_new(w->arena, TEXT_MAX);
    if (t == NULL)
        return; /* the one before, if there is one, still tells the truth */
    w->stencil = t;
    memcpy(t->text, event.ptr, event.len);
    t->len = (unsigned)event.len;
    t->hole[0] = hole_at(event, shown);
    t->holes = 1;
    if (padding.len == 0)
        return;
    t->holes = 2;
    t->hole[1] = hole_at(event, padding);
    if (t->hole[1].at < t->hole[0].at) {
        t->hole[1] = t->hole[0];
        t->hole[0] = hole_at(event, padding);
    }
}

bool openai_stencil_fits(const struct openai_watch *w, struct str event)
{
    const struct openai_stencil *t = w->stencil;
    const char *p, *end;
    unsigned at = 0;

    if (t == NULL || event.len == 0)
        return false;
    p = event.ptr;
    end = p + event.len;
    for (unsigned i = 0; i < t->holes; i++) {
        size_t same = t->hole[i].at - at;
        const char *string;

        if ((size_t)(end - p) <= same || memcmp(p, t->text + at, same) != 0)
            return false;
        string = p + same;
        p = json_string_end(string, end);
        if (p == NULL || p - string <= 2)
            return false;
        at = t->hole[i].at + t->hole[i].len;
    }
    return (size_t)(end - p) == t->len - at && memcmp(p, t->text + at, t->len - at) == 0;
}
