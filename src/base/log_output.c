/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log_output.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#define WAIT_MS 100       /* how long one wait for a full pipe lasts */
#define WAITS_STOPPING 10 /* so many of them when we are to stop */
#define FILE_MODE 0640

static int file_open(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, FILE_MODE);

    return fd >= 0 ? fd : -errno;
}

int log_output_open(struct log_output *o, const char *path, int fd)
{
    char *copy = NULL;

    if (path != NULL) {
        fd = file_open(path);
        if (fd < 0)
            return fd;
        copy = strdup(path);
        if (copy == NULL) {
            close(fd);
            return -ENOMEM;
        }
    }
    o->fd = fd;
    o->path = copy;
    o->len = 0;
    o->error = 0;
    o->lines = o->lost = 0;
    atomic_store(&o->reopen, false);
    atomic_store(&o->impatient, false);
    return 0;
}

void log_output_close(struct log_output *o)
{
    if (o->path != NULL)
        close(o->fd);
    free(o->path);
    o->path = NULL;
    o->fd = -1;
}

void log_output_reopen(struct log_output *o)
{
    atomic_store(&o->reopen, true);
}

static void reopen(struct log_output *o)
{
    int fd;

    if (o->path == NULL)
        return;
    fd = file_open(o->path);
    if (fd < 0) { /* better the old file than none */
        o->error = fd;
        return;
    }
    close(o->fd);
    o->fd = fd;
}

static bool may_retry(const struct log_output *o, int err, int *waits)
{
    struct pollfd p = {.fd = o->fd, .events = POLLOUT};

    if (err == EINTR)
        return true;
    if (err != EAGAIN)
        return false;
    if (atomic_load(&o->impatient) && ++*waits > WAITS_STOPPING)
        return false;
    (void)poll(&p, 1, WAIT_MS);
    return true;
}

void log_output_flush(struct log_output *o)
{
    size_t at = 0;
    int waits = 0;

    /* At the last moment, so that what was logged after log_reopen() is in the new file. */
    if (atomic_exchange(&o->reopen, false))
        reopen(o);
    while (at < o->len) {
        ssize_t n = write(o->fd, o->bytes + at, o->len - at);

        if (n >= 0) {
            at += (size_t)n;
        } else if (!may_retry(o, errno, &waits)) {
            o->lost += o->lines;
            break;
        }
    }
    o->len = 0;
    o->lines = 0;
}

char *log_output_room(struct log_output *o, size_t len)
{
    char *p;

    assert(len < sizeof(o->bytes));
    if (o->len + len + 1 > sizeof(o->bytes))
        log_output_flush(o);
    p = o->bytes + o->len;
    p[len] = '\n';
    o->len += len + 1;
    o->lines++;
    return p;
}
