/*
 * client_fixture.h - a client, one scripted server and an origin that points at it, for each test;
 * afterwards nothing may be under way and no descriptor be left.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TEST_CLIENT_FIXTURE_H
#define TEST_CLIENT_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/http/upstream.h"

struct fixture {
    struct world w;
    struct server s;
    struct http_origin *o;
    unsigned descriptors;
};

static int set_up(void **state)
{
    struct fixture *x = calloc(1, sizeof(*x));

    x->descriptors = count_descriptors();
    world_open(&x->w);
    server_open(&x->s, &x->w);
    x->o = origin_at(x->s.port);
    *state = x;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *x = *state;

    world_is_quiet(&x->w);
    http_origin_unref(x->o);
    server_close(&x->s);
    world_close(&x->w);
    server_done(&x->s);
    assert_int_equal(count_descriptors(), x->descriptors);
    free(x);
    return 0;
}

#endif
