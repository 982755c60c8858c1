/*
 * forward.h - which fields of a head pass the gateway, and which way.
 *
 * Never passed either way: hop-by-hop fields and what is ours (x-dragoman-*).  Not up: the client's
 * credentials, cookies, and the traces of where it sits (R54).  Not down: what describes the
 * upstream's own connection, cookies and policies, and what the server writes itself.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GATEWAY_FORWARD_H
#define GATEWAY_FORWARD_H

#include "base/str.h"

/* `connection` is the head's Connection value, or empty: the names in it are hop-by-hop too. */

/* From the client to the upstream.  `relayed`: the body is not ours to read, so what is accepted
 * and what it is pass as well. */
bool forward_up(struct str name, struct str connection, bool relayed);
/* From the upstream to the client.  `encoded`: the body passes in the coding it came in. */
bool forward_down(struct str name, struct str connection, bool encoded);

#endif
