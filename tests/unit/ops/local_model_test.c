/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/local_model.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static int listener;
static const char *reply; /* NULL: it says nothing and closes */

static void *serve(void *arg)
{
    int fd = accept(listener, NULL, NULL);
    char request[1024];

    if (recv(fd, request, sizeof(request), 0) > 0 && reply != NULL)
        (void)!write(fd, reply, strlen(reply));
    close(fd);
    return arg;
}

static bool find(const char *says, char *name, size_t size)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(a);
    pthread_t thread;
    bool found;

    reply = says;
    listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)(void *)&a, sizeof(a)), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)(void *)&a, &len), 0);
    assert_int_equal(pthread_create(&thread, NULL, serve, NULL), 0);
    found = local_model_find(ntohs(a.sin_port), name, size);
    pthread_join(thread, NULL);
    close(listener);
    return found;
}

static void the_first_model_of_the_list_is_found(void **state)
{
    char name[16];

    (void)state;
    assert_true(find("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n"
                     "{\"object\":\"list\",\"data\":[{\"object\":\"model\",\"id\":\"qwen3:8b\"},"
                     "{\"id\":\"second\"}]}",
                     name, sizeof(name)));
    assert_string_equal(name, "qwen3:8b");
}

static void whoever_is_no_model_server_names_none(void **state)
{
    static const char *const replies[] = {
        NULL,
        "",
        "220 mail.example ESMTP\r\n\r\n",
        "HTTP/1.0 404 Not Found\r\n\r\n<html>",
        "HTTP/1.0 200 OK\r\n\r\n{\"data\":null}",
        "HTTP/1.0 200 OK\r\n\r\n{\"data\":[]}",
        "HTTP/1.0 200 OK\r\n\r\n[1]",
        "HTTP/1.0 200 OK\r\n\r\n{\"data\":[{\"id\":7}]}",
        "HTTP/1.0 200 OK\r\n\r\n{\"data\":[{\"id\":\"a name that is far too long\"}]}",
    };
    char name[16];

    (void)state;
    for (size_t i = 0; i < COUNTOF(replies); i++)
        assert_false(find(replies[i], name, sizeof(name)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_model_of_the_list_is_found),
        cmocka_unit_test(whoever_is_no_model_server_names_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
