/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log_writer.h"

#include <pthread.h>
#include <signal.h>
#include <time.h>

#include "base/log_line.h"
#include "base/log_output.h"

/* How long a line may lie in its ring: the longer naps are for when there were none. */
#define NAP_NS (20 * 1000000L)
#define NAP_IDLE_NS (160 * 1000000L)
#define REPORT_MS 1000u /* at most one line about dropped ones in this time */

static struct writer {
    pthread_mutex_t lock; /* for rings, and for the naps */
    pthread_cond_t wake;
    pthread_t thread;
    struct log_ring *rings;
    struct log_output text, access; /* the thread's */
    uint64_t reported, report_ms;   /* the thread's */
    atomic_bool stopping, nudged, has_access;
    atomic_uint_fast64_t lost;
} w = {.lock = PTHREAD_MUTEX_INITIALIZER, .text.fd = -1, .access.fd = -1};

/* True if there was something. */
static bool drain(struct log_ring *r)
{
    static char nowhere[LOG_LINE_MAX]; /* where lines go that nobody wants */
    enum log_stream to;
    bool any = false;
    size_t len;

    while (log_ring_peek(r, &to, &len)) {
        struct log_output *o = to == LOG_STREAM_ACCESS ? &w.access : &w.text;

        log_ring_take(r, len, o->fd >= 0 ? log_output_room(o, len) : nowhere);
        any = true;
    }
    return any;
}

static void free_closed(void)
{
    struct log_ring **link, *r;

    for (link = &w.rings; (r = *link) != NULL;) {
        enum log_stream to;
        size_t len;

        if (atomic_load(&r->closed) && !log_ring_peek(r, &to, &len)) {
            *link = r->next;
            log_ring_free(r);
        } else {
            link = &r->next;
        }
    }
}

/* The lock is for the list.  It is not held while a slow disk is waited for: a thread that logs
 * its first line would wait with us. */
static bool drain_all(void)
{
    struct log_ring *r;
    bool any = false;

    pthread_mutex_lock(&w.lock);
    free_closed();
    r = w.rings; /* new ones come in front, and only we take any away */
    pthread_mutex_unlock(&w.lock);
    for (; r != NULL; r = r->next)
        any |= drain(r);
    return any;
}

static void text_put(enum log_level level, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void text_put(enum log_level level, const char *fmt, ...)
{
    char line[LOG_LINE_MAX];
    struct str s;
    va_list ap;

    if (w.text.fd < 0)
        return;
    va_start(ap, fmt);
    s = log_line_format(line, level, fmt, ap);
    va_end(ap);
    memcpy(log_output_room(&w.text, s.len), s.ptr, s.len);
}

static uint64_t now_ms(void)
{
    struct timespec t = {0};

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* What went wrong with the log itself is said in the log. */
static void report(bool last)
{
    uint64_t lost, now = now_ms();

    if (w.access.error < 0)
        text_put(LOG_ERROR, "log: %s: %s; writing to the old file", w.access.path,
                 strerrordesc_np(-w.access.error));
    w.access.error = 0;
    log_writer_lost(w.access.lost + w.text.lost);
    w.access.lost = w.text.lost = 0;
    lost = log_writer_lost_total();
    if (lost == w.reported || (!last && now - w.report_ms < REPORT_MS))
        return;
    text_put(LOG_WARN, "log: %ju lines dropped: the reader is slow, or log.ring_bytes small",
             (uintmax_t)(lost - w.reported));
    w.reported = lost;
    w.report_ms = now;
}

static void nap(long ns)
{
    struct timespec until = {0};

    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += ns;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_nsec -= 1000000000L;
        until.tv_sec++;
    }
    pthread_mutex_lock(&w.lock);
    if (!atomic_load(&w.stopping) && !atomic_load(&w.nudged))
        (void)pthread_cond_timedwait(&w.wake, &w.lock, &until);
    pthread_mutex_unlock(&w.lock);
    atomic_store(&w.nudged, false);
}

static void *run(void *unused)
{
    long ns = NAP_NS;
    bool last;

    (void)unused;
    do {
        last = atomic_load(&w.stopping); /* before the drain: what is queued by then is written */
        ns = drain_all() ? NAP_NS : ns * 2 < NAP_IDLE_NS ? ns * 2 : NAP_IDLE_NS;
        log_output_flush(&w.access);
        report(last);
        log_output_flush(&w.text);
        if (!last)
            nap(ns);
    } while (!last);
    return NULL;
}

/* Signals are for the loops; and a reader that has gone must not kill the process. */
static int thread_start(void)
{
    sigset_t all, before;
    int err;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    err = pthread_create(&w.thread, NULL, run, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return -err;
}

static void wake_init(void)
{
    pthread_condattr_t attr;

    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC); /* naps outlast a set clock */
    pthread_cond_init(&w.wake, &attr);
    pthread_condattr_destroy(&attr);
}

static void outputs_close(void)
{
    atomic_store(&w.has_access, false);
    pthread_cond_destroy(&w.wake);
    log_output_close(&w.access);
    log_output_close(&w.text);
}

int log_writer_start(const struct log_settings *s)
{
    int err = log_output_open(&w.access, s->access_path, s->access_fd);

    if (err < 0)
        return err;
    err = log_output_open(&w.text, NULL, s->text_fd);
    wake_init();
    atomic_store(&w.stopping, false);
    atomic_store(&w.has_access, w.access.fd >= 0);
    if (err == 0)
        err = thread_start();
    if (err < 0)
        outputs_close();
    return err;
}

void log_writer_stop(void)
{
    atomic_store(&w.text.impatient, true);
    atomic_store(&w.access.impatient, true);
    pthread_mutex_lock(&w.lock);
    atomic_store(&w.stopping, true);
    pthread_cond_signal(&w.wake);
    pthread_mutex_unlock(&w.lock);
    pthread_join(w.thread, NULL);
    outputs_close();
    pthread_mutex_lock(&w.lock);
    free_closed();
    pthread_mutex_unlock(&w.lock);
}

void log_writer_reopen(void)
{
    log_output_reopen(&w.access);
    log_writer_nudge();
}

void log_writer_nudge(void)
{
    if (atomic_exchange(&w.nudged, true))
        return;
    pthread_mutex_lock(&w.lock);
    pthread_cond_signal(&w.wake);
    pthread_mutex_unlock(&w.lock);
}

void log_writer_adopt(struct log_ring *r)
{
    pthread_mutex_lock(&w.lock);
    r->next = w.rings;
    w.rings = r;
    pthread_mutex_unlock(&w.lock);
}

bool log_writer_has_access(void)
{
    return atomic_load_explicit(&w.has_access, memory_order_relaxed);
}

void log_writer_lost(uint64_t n)
{
    atomic_fetch_add_explicit(&w.lost, n, memory_order_relaxed);
}

uint64_t log_writer_lost_total(void)
{
    return atomic_load_explicit(&w.lost, memory_order_relaxed);
}
