/* serve.h - `dragoman serve` and `dragoman check`: from a configuration to a running gateway.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef OPS_SERVE_H
#define OPS_SERVE_H

struct quickstart_sim;

/* `path` NULL: ./dragoman.yaml if it is there, else the quick start, which may use
 * `sim`.  Returns the exit status. */
int serve_main(const char *path, const struct quickstart_sim *sim);
/* 0 when the file is fine; 1 with one line a problem on stderr. */
int check_main(const char *path);

#endif
