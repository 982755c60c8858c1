/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/local_model.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "llm/json.h"

#define WAIT_MS 500u /* for each read and write */
#define READS_MAX 64u
#define REPLY_BYTES_MAX 65536u
#define DEPTH_MAX 32u

int local_connect(uint16_t port)
{
    struct sockaddr_in a = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval wait = {.tv_usec = WAIT_MS * 1000};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), err;

    if (fd < 0)
        return -errno;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
    if (connect(fd, (const struct sockaddr *)(const void *)&a, sizeof(a)) == 0)
        return fd;
    err = -errno;
    close(fd);
    return err;
}

/* To the end of the reply, or of our patience. */
static void ask(int fd, struct buf *reply)
{
    /* HTTP/1.0, so that the reply is not chunked and ends with the connection. */
    const struct str request =
        STR("GET /v1/models HTTP/1.0\r\nHost: 127.0.0.1\r\nAccept: application/json\r\n\r\n");
    char part[4096];

    if (send(fd, request.ptr, request.len, MSG_NOSIGNAL) != (ssize_t)request.len)
        return;
    for (unsigned i = 0; i < READS_MAX; i++) {
        ssize_t n = recv(fd, part, sizeof(part), 0);

        if (n <= 0 || buf_put(reply, str_make(part, (size_t)n)) < 0)
            return;
    }
}

static bool take_id(void *ctx, const struct json_member *m)
{
    struct str *id = ctx;

    if (json_key_is(m, STR("id")) && m->type == JSON_STRING)
        *id = m->value;
    return true;
}

static bool take_first(void *ctx, const struct json_member *m)
{
    if (m->type == JSON_OBJECT)
        json_members(m->value, take_id, ctx);
    return false;
}

static bool take_data(void *ctx, const struct json_member *m)
{
    if (json_key_is(m, STR("data")) && m->type == JSON_ARRAY)
        json_members(m->value, take_first, ctx);
    return true;
}

static struct str first_id(struct arena *mem, struct str reply)
{
    const char *end = str_find(reply, STR("\r\n\r\n"));
    struct str id = {NULL, 0}, body;

    if (end == NULL || !str_starts(reply, STR("HTTP/1.")))
        return id;
    body = str_skip(reply, (size_t)(end - reply.ptr) + 4);
    if (!json_scan(body, DEPTH_MAX, NULL, NULL, NULL) || json_type_of(body) != JSON_OBJECT)
        return id;
    json_members(body, take_data, &id);
    return id.ptr != NULL ? json_unescape(mem, id) : id;
}

bool local_model_find(uint16_t port, char *name, size_t size)
{
    struct buf reply = {.max = REPLY_BYTES_MAX};
    struct arena mem = {0};
    struct str id = {NULL, 0};
    int fd = local_connect(port);

    if (fd < 0)
        return false;
    ask(fd, &reply);
    close(fd);
    if (reply.len > 0)
        id = first_id(&mem, buf_str(&reply));
    if (id.len > 0 && id.len < size) {
        memcpy(name, id.ptr, id.len);
        name[id.len] = '\0';
    }
    arena_done(&mem);
    buf_done(&reply);
    return id.len > 0 && id.len < size;
}
