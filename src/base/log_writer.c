/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/log_line.h"

#define NAP_NS (20 * 1000000L)
#define REPORT_MS 1000u /* at most one line about dropped ones in this time */
#define BATCH_BYTES (64u * 1024u)
#define STUCK_MS 100       /* how long one wait for a full pipe lasts */
#define STUCK_STOPPING 10u /* so many such waits are given to a full pipe when we are to stop */
#define FILE_MODE 0640

struct output {
    int fd; /* -1: off */
    size_t len;
    uint64_t lines; /* in bytes[] */
    char bytes[BATCH_BYTES];
};

static struct writer {
    pthread_mutex_t lock; /* for rings, and for the naps */
    pthread_cond_t wake;
    pthread_t thread;
    struct log_ring *rings;
    struct output text, access; /* the thread's */
    char *access_path;          /* or NULL; the access fd is ours to close then */
    uint64_t reported, report_ms;
    atomic_bool stopping, reopen, nudged, has_access;
    atomic_uint_fast64_t lost;
} w = {.lock = PTHREAD_MUTEX_INITIALIZER, .text.fd = -1, .access.fd = -1};

static int file_open(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, FILE_MODE);

    return fd >= 0 ? fd : -errno;
}

/* A full pipe is waited for; a broken one costs its lines. */
static bool may_retry(int fd, int err, unsigned *waits)
{
    struct pollfd p = {.fd = fd, .events = POLLOUT};

    if (err == EINTR)
        return true;
    if (err != EAGAIN)
        return false;
    if (atomic_load(&w.stopping) && ++*waits > STUCK_STOPPING)
        return false;
    (void)poll(&p, 1, STUCK_MS);
    return true;
}

static void flush(struct output *o)
{
    unsigned waits = 0;
    size_t at = 0;

    while (at < o->len) {
        ssize_t n = write(o->fd, o->bytes + at, o->len - at);

        if (n >= 0) {
            at += (size_t)n;
        } else if (!may_retry(o->fd, errno, &waits)) {
            log_writer_lost(o->lines);
            break;
        }
    }
    o->len = 0;
    o->lines = 0;
}

/* Room for `n` bytes behind each other, so that a line is never split over two batches. */
static char *output_room(struct output *o, size_t n)
{
    char *p;

    if (o->len + n > sizeof(o->bytes))
        flush(o);
    assert(n <= sizeof(o->bytes));
    p = o->bytes + o->len;
    o->len += n;
    o->lines++;
    return p;
}

static void drain(struct log_ring *r)
{
    char nowhere[LOG_LINE_MAX];
    enum log_stream to;
    size_t len;

    while (log_ring_peek(r, &to, &len)) {
        struct output *o = to == LOG_STREAM_ACCESS ? &w.access : &w.text;
        char *p;

        if (o->fd < 0) {
            log_ring_take(r, len, nowhere);
            continue;
        }
        p = output_room(o, len + 1);
        log_ring_take(r, len, p);
        p[len] = '\n';
    }
}

static void text_now(enum log_level level, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void text_now(enum log_level level, const char *fmt, ...)
{
    char line[LOG_LINE_MAX];
    struct str s;
    va_list ap;

    if (w.text.fd < 0)
        return;
    va_start(ap, fmt);
    s = log_line_format(line, level, fmt, ap);
    va_end(ap);
    memcpy(output_room(&w.text, s.len + 1), line, s.len);
    w.text.bytes[w.text.len - 1] = '\n';
}

static void report_lost(uint64_t now_ms, bool last)
{
    uint64_t lost = atomic_load(&w.lost);

    if (lost == w.reported || (!last && now_ms - w.report_ms < REPORT_MS))
        return;
    text_now(LOG_WARN,
             "log: %ju lines dropped; the reader is too slow, or log.ring_bytes too small",
             (uintmax_t)(lost - w.reported));
    w.reported = lost;
    w.report_ms = now_ms;
}

static void reopen_access(void)
{
    int fd;

    if (w.access_path == NULL)
        return;
    fd = file_open(w.access_path);
    if (fd < 0) {
        text_now(LOG_ERROR, "log: %s: %s; writing to the old file", w.access_path, strerror(-fd));
        return;
    }
    close(w.access.fd);
    w.access.fd = fd;
}

/* The list's links change under the lock; what a ring holds needs none. */
static void drain_all(void)
{
    struct log_ring **link, *r;

    pthread_mutex_lock(&w.lock);
    r = w.rings; /* new ones are put before it, so the walk itself needs no lock */
    pthread_mutex_unlock(&w.lock);
    for (; r != NULL; r = r->next)
        drain(r);

    pthread_mutex_lock(&w.lock);
    for (link = &w.rings; (r = *link) != NULL;) {
        enum log_stream to;
        size_t len;

        if (!atomic_load(&r->closed) || log_ring_peek(r, &to, &len)) {
            link = &r->next;
            continue;
        }
        *link = r->next;
        log_ring_free(r);
    }
    pthread_mutex_unlock(&w.lock);
}

static uint64_t now_ms(void)
{
    struct timespec t = {0};

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void nap(void)
{
    struct timespec until = {0};

    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += NAP_NS;
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
    bool last;

    (void)unused;
    do {
        last = atomic_load(&w.stopping); /* before the drain: what is queued by then is written */
        if (atomic_exchange(&w.reopen, false)) {
            flush(&w.access);
            reopen_access();
        }
        drain_all();
        report_lost(now_ms(), last);
        flush(&w.text);
        flush(&w.access);
        if (!last)
            nap();
    } while (!last);
    return NULL;
}

/* Signals are for the loops; one that hit this thread would interrupt a write for nothing. */
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

static int access_open(const struct log_settings *s)
{
    int fd = s->access_fd;

    if (s->access_path != NULL) {
        fd = file_open(s->access_path);
        if (fd < 0)
            return fd;
        w.access_path = strdup(s->access_path);
        if (w.access_path == NULL) {
            close(fd);
            return -ENOMEM;
        }
    }
    w.access.fd = fd;
    return 0;
}

static void access_close(void)
{
    if (w.access_path != NULL)
        close(w.access.fd);
    free(w.access_path);
    w.access_path = NULL;
    w.access.fd = -1;
}

int log_writer_start(const struct log_settings *s)
{
    pthread_condattr_t attr;
    int err = access_open(s);

    if (err < 0)
        return err;
    w.text.fd = s->text_fd;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&w.wake, &attr);
    pthread_condattr_destroy(&attr);
    atomic_store(&w.stopping, false);
    atomic_store(&w.has_access, w.access.fd >= 0);
    err = thread_start();
    if (err < 0) {
        atomic_store(&w.has_access, false);
        pthread_cond_destroy(&w.wake);
        access_close();
    }
    return err;
}

void log_writer_stop(void)
{
    pthread_mutex_lock(&w.lock);
    atomic_store(&w.stopping, true);
    pthread_cond_signal(&w.wake);
    pthread_mutex_unlock(&w.lock);
    pthread_join(w.thread, NULL);
    atomic_store(&w.has_access, false);
    pthread_cond_destroy(&w.wake);
    access_close();
    w.text.fd = -1;
}

void log_writer_reopen(void)
{
    atomic_store(&w.reopen, true);
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
