/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/heap.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#define WAIT_MIN_MS 5000u
#define WAIT_MAX_MS 40000u
#define FEW 16u /* connections that hold too little for a walk */

/* Resident pages; 0 when the system does not say. */
static size_t resident_pages(void)
{
    FILE *f = fopen("/proc/self/statm", "re");
    char line[128] = "";
    char *behind = line;

    if (f == NULL)
        return 0;
    if (fgets(line, sizeof(line), f) != NULL)
        (void)strtoul(line, &behind, 10); /* the size; what is resident comes second */
    fclose(f);
    return strtoul(behind, NULL, 10);
}

/* Many connections were closed, and no more are being closed just now.  Without the latter the walk
 * would come in the middle, and the next one, for the rest, long after it. */
static bool many_closed(struct heap *h, unsigned connections)
{
    bool falling = connections < h->last;

    h->last = connections;
    if (connections > h->most)
        h->most = connections;
    return !falling && h->most - connections >= FEW + h->most / 8;
}

bool heap_is_due(struct heap *h, uint64_t now_ms, unsigned connections)
{
    bool closed = many_closed(h, connections);

    if (h->due_ms == 0)
        heap_walked(h, now_ms, true);
    h->for_closed = closed && now_ms >= h->walked_ms + h->closed_wait_ms;
    return now_ms >= h->due_ms || h->for_closed;
}

/* From the shortest wait on, twice as long behind each walk that found nothing. */
static uint32_t next_wait(uint32_t wait_ms, bool found)
{
    if (found || wait_ms == 0)
        return WAIT_MIN_MS;
    return wait_ms < WAIT_MAX_MS ? 2 * wait_ms : wait_ms;
}

void heap_walked(struct heap *h, uint64_t now_ms, bool found)
{
    h->walked_ms = now_ms;
    h->most = h->last;
    h->wait_ms = next_wait(h->wait_ms, found);
    if (found || h->for_closed)
        h->closed_wait_ms = next_wait(h->closed_wait_ms, found);
    h->due_ms = now_ms + h->wait_ms;
}

void heap_sample(struct heap *h, uint64_t now_ms, unsigned connections)
{
    size_t before;

    if (!heap_is_due(h, now_ms, connections))
        return;
    before = resident_pages();
    malloc_trim(0);
    heap_walked(h, now_ms, resident_pages() < before - before / 16);
}
