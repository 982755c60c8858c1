/*
 * log.h - operational lines and access lines, written by a thread of their own.
 *
 * A loop never waits for a disk or a terminal: lines go into a bounded ring a thread, a writer
 * empties the rings, and what does not fit is dropped and counted.  A line is one write() whole.
 * Operational lines (log_*) are "2026-01-31T12:00:00.123Z LEVEL text"; access lines are JSON and
 * come ready made.  Neither is longer than 8 KiB: a text is cut, an access line dropped.  Control
 * characters in a text become blanks, so that quoted input forges no line.  Nobody passes a secret;
 * log_mask() exists for what may hold one. SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/buf.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

struct log_settings {
    enum log_level level;
    int text_fd;             /* operational lines */
    const char *access_path; /* a file, opened for appending and again on log_reopen(); or NULL */
    int access_fd;           /* used without a path; -1 is off */
    size_t ring_bytes;       /* a thread */
};

/* Start the writer thread.  Until then, and after log_stop(), lines go straight to stderr. */
MUST_USE int log_start(const struct log_settings *s);
/* Writes what is queued.  Other threads that log have ended, or lose what they log meanwhile. */
void log_stop(void);
void log_reopen(void);
void log_set_level(enum log_level level);
bool log_wants(enum log_level level);

COLD void log_text(enum log_level level, const char *fmt, ...) PRINTF_LIKE(2, 3);
#define log_error(...) log_text(LOG_ERROR, __VA_ARGS__)
#define log_warn(...) log_text(LOG_WARN, __VA_ARGS__)
#define log_info(...) log_text(LOG_INFO, __VA_ARGS__)
/* The arguments are evaluated only when debug lines are wanted. */
#define log_debug(...)                                                                             \
    do {                                                                                           \
        if (log_wants(LOG_DEBUG))                                                                  \
            log_text(LOG_DEBUG, __VA_ARGS__);                                                      \
    } while (0)

bool log_access_on(void);
void log_access(struct str line); /* without a newline */
uint64_t log_dropped(void);       /* lines, since the start */
/* Give this thread's ring back (its lines are still written). */
void log_thread_done(void);

/* "sk-p…Zx9q" for a long secret, "…" for a short one: enough to tell two keys apart. */
struct log_masked {
    char text[16];
};
struct log_masked log_mask(struct str secret);

#endif
