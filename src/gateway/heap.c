/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/heap.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#define WAIT_MIN_MS 5000u
#define WAIT_MAX_MS 40000u
#define SMALL_PAGES 4096u /* 16 MiB: not worth the walk */

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

void heap_sample(struct heap *h, uint64_t now_ms)
{
    size_t before, after;

    if (h->due_ms == 0) {
        h->wait_ms = WAIT_MIN_MS;
        h->due_ms = now_ms + h->wait_ms;
    }
    if (now_ms < h->due_ms)
        return;
    before = after = resident_pages();
    if (before > SMALL_PAGES) {
        malloc_trim(0);
        after = resident_pages();
    }
    if (after < before - before / 16)
        h->wait_ms = WAIT_MIN_MS;
    else if (h->wait_ms < WAIT_MAX_MS)
        h->wait_ms *= 2;
    h->due_ms = now_ms + h->wait_ms;
}
