/*
 * log_writer.h - the thread that empties the rings into files.  Of log*.c alone.
 *
 * It sleeps in short naps instead of being woken by every line: a wake is a system call, and the
 * threads that log are the ones that must not make any.  Lines of different threads keep their
 * own order; their time stamps tell the rest.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_LOG_WRITER_H
#define BASE_LOG_WRITER_H

#include "base/log.h"
#include "base/log_ring.h"

MUST_USE int log_writer_start(const struct log_settings *s);
/* Write what is queued and end the thread.  Rings of living threads stay. */
void log_writer_stop(void);
void log_writer_reopen(void);
/* A ring is filling up: do not wait for the end of the nap. */
void log_writer_nudge(void);
/* From here on the ring is read; with `closed` set it will be freed. */
void log_writer_adopt(struct log_ring *r);
bool log_writer_has_access(void);
/* `n` lines were lost. */
void log_writer_lost(uint64_t n);
uint64_t log_writer_lost_total(void);

#endif
