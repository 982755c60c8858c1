/*
 * log_output.h - a descriptor or file that lines are written to, in batches.  Of log*.c alone.
 *
 * Whole lines go into each write().  A full pipe is waited for, unless we are to stop; what
 * cannot be written is dropped and counted.  All of it belongs to the writer's thread, but for
 * log_output_reopen() and `impatient`.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_LOG_OUTPUT_H
#define BASE_LOG_OUTPUT_H

#include <stdatomic.h>

#include "base/buf.h"

#define LOG_BATCH_BYTES (64u * 1024u)

struct log_output {
    int fd;     /* -1: off */
    char *path; /* NULL: the fd is somebody else's */
    atomic_bool reopen, impatient;
    int error;      /* of the last reopening; negative errno, or 0 */
    size_t len;     /* of bytes[] */
    uint64_t lines; /* in bytes[] */
    uint64_t lost;  /* lines that could not be written; the writer takes them away */
    char bytes[LOG_BATCH_BYTES];
};

/* `path` for a file to append to, else `fd`.  Negative errno when there is no such file. */
MUST_USE int log_output_open(struct log_output *o, const char *path, int fd);
void log_output_close(struct log_output *o);
/* From any thread: what is flushed from now on goes to a file opened anew. */
void log_output_reopen(struct log_output *o);
/* Room for a line of `len` bytes and its newline, which is there already. */
char *log_output_room(struct log_output *o, size_t len);
void log_output_flush(struct log_output *o);

#endif
