/*
 * quickstart.h - a configuration without a file: for what is found here (keys in the environment,
 * local servers), else for the built-in simulator.
 *
 * It is read by the same path as a file.  DRAGOMAN_LISTEN and DRAGOMAN_ADMIN_LISTEN move the
 * listeners.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONF_QUICKSTART_H
#define CONF_QUICKSTART_H

#include "conf/conf.h"

struct quickstart_probe {
    /* Does something on 127.0.0.1 accept connections at this port?  NULL: nothing does. */
    bool (*listening)(void *ctx, uint16_t port);
    /* A model that this local server has (GET /v1/models), NUL-terminated into `name`; false when
     * it does not tell.  NULL: none tells. */
    bool (*model)(void *ctx, uint16_t port, char *name, size_t size);
    void *ctx;
    uint16_t sim_port; /* where the built-in simulator will listen when nothing else is found */
};
/* `say` gets a sentence for each thing found and what to put into "model"; may be NULL. */
struct conf *conf_quickstart(conf_env_fn *env, const struct quickstart_probe *probe,
                             conf_problem_fn *say, conf_problem_fn *report, void *ctx);

#endif
