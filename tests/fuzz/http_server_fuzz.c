/*
 * http_server_fuzz.c - a connection of the server, with a client and a handler that do anything.
 *
 * The input is a list of steps: what the client sends, when it leaves, and what the handler does
 * with the call it holds.  However they mix, every head() has its done(), no call is left when the
 * connection is gone, and nothing is touched after it was given back (the sanitizers' part).
 * SPDX-License-Identifier: Apache-2.0
 */
#include <sys/socket.h>
#include <unistd.h>

#include "fuzz/fuzz.h"
#include "http/server_conn.h"

static struct loop loop;
static struct http_server *server;
static struct http_call *held;
static unsigned heads, dones, pieces;

static enum http_body_mode on_head(struct http_call *c)
{
    heads++;
    held = c;
    switch (c->path.len % 6) {
    case 1:
        http_reply(c, 200, NULL, STR("now"));
        break;
    case 2:
        http_reply_head(c, 200, NULL, -1);
        return HTTP_BODY_STREAM;
    case 3:
        http_call_pause(c);
        return HTTP_BODY_STREAM;
    case 4:
        return HTTP_BODY_STREAM;
    default:
        break;
    }
    return HTTP_BODY_WHOLE;
}

static void on_body(struct http_call *c, struct str piece)
{
    must(c == held && piece.len > 0);
    if (++pieces % 5 == 0)
        http_call_pause(c);
    if (pieces % 11 == 0)
        http_reply(c, 400, NULL, STR("enough"));
}

static void on_ready(struct http_call *c)
{
    must(c == held && !c->left);
    if (c->query.len == 0)
        http_reply(c, 200, NULL, c->body);
}

static void on_drain(struct http_call *c)
{
    must(c == held && !c->left);
    http_reply_end(c);
}

static void on_gone(struct http_call *c)
{
    must(c == held && c->left);
    http_reply(c, 200, NULL, STR("too late"));
}

static void on_done(struct http_call *c)
{
    must(c == held);
    held = NULL;
    dones++;
}

static const struct http_handler handler = {
    .head = on_head,
    .body = on_body,
    .ready = on_ready,
    .drain = on_drain,
    .gone = on_gone,
    .done = on_done,
};

static void set_up(void)
{
    static const struct http_server_settings settings = {.host = STR_INIT("127.0.0.1"),
                                                         .limits = {.connections = 10,
                                                                    .header_bytes = 1024,
                                                                    .header_fields = 20,
                                                                    .body_bytes = 100000,
                                                                    .header_ms = 1,
                                                                    .body_ms = 1,
                                                                    .keepalive_ms = 1,
                                                                    .write_stall_ms = 2,
                                                                    .out_buffer_bytes = 1000}};
    struct buf why = {0};

    must(loop_init(&loop, 0) == 0);
    must(http_server_open(&loop, &settings, &handler, NULL, &why, &server) == 0);
}

static void turn(unsigned n)
{
    while (n-- > 0)
        uv_run(&loop.uv, UV_RUN_NOWAIT);
}

/* What the handler does, later, with the call it holds. */
static void act(unsigned what)
{
    static char block[50000];
    struct str piece = {block, what % 2 != 0 ? sizeof(block) : 7};

    if (held == NULL)
        return;
    switch (what % 8) {
    case 0:
        http_reply(held, 200, NULL, STR("later"));
        break;
    case 1:
    case 2:
        http_reply_head(held, 200, NULL, what % 3 != 0 ? -1 : 100000);
        http_reply_body(held, &piece, 1);
        break;
    case 3:
        http_reply_end(held);
        break;
    case 4:
        http_reply_abort(held);
        break;
    case 5:
        http_call_pause(held);
        break;
    case 6:
        http_call_resume(held);
        break;
    case 7:
        http_reply_last(held, piece);
        break;
    }
}

/* One step: a control byte, and for a sending step its bytes. */
static struct str step(int fd, struct str script)
{
    unsigned op = (unsigned char)script.ptr[0];
    char sink[65536];
    size_t n;

    script = str_skip(script, 1);
    if (op < 0xa0) { /* send */
        n = op < script.len ? op : script.len;
        if (n > 0)
            (void)!send(fd, script.ptr, n, MSG_NOSIGNAL | MSG_DONTWAIT);
        turn(op % 2);
        return str_skip(script, n);
    }
    if (op < 0xe0)
        act(op);
    else if (op < 0xf0)
        (void)!recv(fd, sink, sizeof(sink), MSG_DONTWAIT);
    else if (op < 0xf8)
        turn(1);
    else if (op == 0xff)
        shutdown(fd, SHUT_WR);
    else {
        usleep(1000); /* long enough for any of the limits */
        turn(1);
    }
    return script;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str script = {(const char *)data, size};
    const char peer[48] = "fuzz";
    int fds[2];

    if (size > 8192)
        return 0;
    if (server == NULL)
        set_up();
    heads = dones = pieces = 0;
    must(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
    must(conn_open(server, fds[1], peer) == 0);
    while (script.len > 0)
        script = step(fds[0], script);
    turn(2);
    close(fds[0]);
    /* What it sent last may have begun a call that nobody ends, behind a pause. */
    for (unsigned i = 0; server->open > 0; i++) {
        must(i < 10000);
        act(i % 2 != 0 ? 6 : 0);
        turn(1);
    }
    turn(1);
    must(heads == dones && held == NULL && http_server_busy(server) == 0);
    return 0;
}
