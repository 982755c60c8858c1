/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "base/log_line.h"
#include "base/log_writer.h"

#define MASK_SHOWN 4u        /* characters at either end of a secret */
#define MASK_LONG_ENOUGH 20u /* that showing 2 * MASK_SHOWN gives nothing away */

static atomic_int wanted = LOG_INFO;
static atomic_bool running;
static atomic_size_t ring_bytes;

static _Thread_local struct log_ring *own;
static pthread_key_t at_exit; /* closes `own` for a thread that forgets to */
static pthread_once_t at_exit_once = PTHREAD_ONCE_INIT;

static void ring_close(void *ring)
{
    struct log_ring *r = ring;

    own = NULL;
    atomic_store(&r->closed, true); /* the last touch: the writer frees it from now on */
}

static void at_exit_make(void)
{
    (void)pthread_key_create(&at_exit, ring_close);
}

static struct log_ring *ring_get(void)
{
    if (LIKELY(own != NULL))
        return own;
    own = log_ring_new(atomic_load_explicit(&ring_bytes, memory_order_relaxed));
    if (own != NULL) {
        pthread_once(&at_exit_once, at_exit_make);
        (void)pthread_setspecific(at_exit, own);
        log_writer_adopt(own);
    }
    return own;
}

void log_thread_done(void)
{
    struct log_ring *r = own;

    if (r == NULL)
        return;
    (void)pthread_setspecific(at_exit, NULL);
    ring_close(r);
}

static void enqueue(enum log_stream to, struct str line)
{
    struct log_ring *r = ring_get();
    bool half = false;

    if (r == NULL || line.len > LOG_LINE_MAX || !log_ring_put(r, to, line, &half))
        log_writer_lost(1);
    if (half)
        log_writer_nudge();
}

int log_start(const struct log_settings *s)
{
    int err;

    assert(!atomic_load(&running));
    log_set_level(s->level);
    atomic_store(&ring_bytes, s->ring_bytes);
    err = log_writer_start(s);
    if (err == 0)
        atomic_store(&running, true);
    return err;
}

void log_stop(void)
{
    if (!atomic_exchange(&running, false))
        return;
    log_thread_done();
    log_writer_stop();
}

void log_reopen(void)
{
    if (atomic_load(&running))
        log_writer_reopen();
}

void log_set_level(enum log_level level)
{
    atomic_store_explicit(&wanted, (int)level, memory_order_relaxed);
}

bool log_wants(enum log_level level)
{
    return (int)level <= atomic_load_explicit(&wanted, memory_order_relaxed);
}

void log_text(enum log_level level, const char *fmt, ...)
{
    char line[LOG_LINE_MAX];
    struct str s;
    va_list ap;

    if (!log_wants(level))
        return;
    va_start(ap, fmt);
    s = log_line_format(line, level, fmt, ap);
    va_end(ap);
    if (atomic_load_explicit(&running, memory_order_acquire)) {
        enqueue(LOG_STREAM_TEXT, s);
        return;
    }
    line[s.len] = '\n';
    if (write(STDERR_FILENO, line, s.len + 1) < 0)
        log_writer_lost(1);
}

bool log_access_on(void)
{
    return log_writer_has_access();
}

void log_access(struct str line)
{
    if (log_writer_has_access())
        enqueue(LOG_STREAM_ACCESS, line);
}

uint64_t log_dropped(void)
{
    return log_writer_lost_total();
}

static bool printable(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (s[i] <= ' ' || s[i] > '~')
            return false;
    }
    return true;
}

struct log_masked log_mask(struct str secret)
{
    struct log_masked m = {"\xe2\x80\xa6"};
    const char *end;

    if (secret.len < MASK_LONG_ENOUGH)
        return m;
    end = secret.ptr + secret.len - MASK_SHOWN;
    if (printable(secret.ptr, MASK_SHOWN) && printable(end, MASK_SHOWN))
        (void)snprintf(m.text, sizeof(m.text), "%.4s\xe2\x80\xa6%.4s", secret.ptr, end);
    return m;
}
