/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/hang.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 1024

struct hang {
    int fd;
};

static bool parse(struct str address, struct sockaddr_in *ret_addr)
{
    char host[INET_ADDRSTRLEN];
    struct str name, port;
    uint64_t n;

    *ret_addr = (struct sockaddr_in){.sin_family = AF_INET};
    if (!str_cut(address, ':', &name, &port) || !str_to_u64(port, &n) || n > UINT16_MAX ||
        name.len >= sizeof(host))
        return false;
    memcpy(host, name.ptr, name.len);
    host[name.len] = '\0';
    ret_addr->sin_port = htons((uint16_t)n);
    return inet_pton(AF_INET, host, &ret_addr->sin_addr) == 1;
}

static int listen_at(const struct sockaddr_in *addr)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

    if (fd < 0)
        return -errno;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(fd, (const struct sockaddr *)addr, sizeof(*addr)) < 0 || listen(fd, BACKLOG) < 0) {
        int err = -errno;

        close(fd);
        return err;
    }
    return fd;
}

int hang_open(struct str address, struct hang **ret_hang)
{
    struct sockaddr_in addr;
    struct hang *h = malloc(sizeof(*h));
    int err = h != NULL ? 0 : -ENOMEM;

    if (err == 0 && !parse(address, &addr))
        err = -EINVAL;
    if (err == 0) {
        h->fd = listen_at(&addr);
        err = h->fd < 0 ? h->fd : 0;
    }
    if (err < 0) {
        fprintf(stderr, "dragoman sim: --hang %.*s: %s\n", STR_ARG(address), strerror(-err));
        free(h);
        return err;
    }
    *ret_hang = h;
    return 0;
}

void hang_close(struct hang *h)
{
    if (h == NULL)
        return;
    close(h->fd);
    free(h);
}
