/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/forward.h"

#include <uv.h>

#include "http/message.h"

enum {
    UP = 1u, /* ends here on its way up */
    UP_UNLESS_RELAYED = 2u,
    DOWN = 4u, /* ends here on its way down */
    DOWN_UNLESS_ENCODED = 8u,
};

/* clang-format off */
static const struct row {
    struct str name;
    unsigned ends;
} rows[] = { /* by length, so that a name meets only those of its own */
    {STR_INIT("via"),                       UP | DOWN},
    {STR_INIT("nel"),                       DOWN},
    {STR_INIT("host"),                      UP},
    {STR_INIT("date"),                      DOWN},
    {STR_INIT("vary"),                      DOWN},
    {STR_INIT("accept"),                    UP_UNLESS_RELAYED},
    {STR_INIT("cookie"),                    UP},
    {STR_INIT("expect"),                    UP},
    {STR_INIT("origin"),                    UP},
    {STR_INIT("server"),                    DOWN},
    {STR_INIT("cf-ray"),                    DOWN},
    {STR_INIT("api-key"),                   UP},
    {STR_INIT("referer"),                   UP},
    {STR_INIT("alt-svc"),                   DOWN},
    {STR_INIT("x-api-key"),                 UP},
    {STR_INIT("forwarded"),                 UP},
    {STR_INIT("x-real-ip"),                 UP},
    {STR_INIT("report-to"),                 DOWN},
    {STR_INIT("user-agent"),                UP},
    {STR_INIT("set-cookie"),                DOWN},
    {STR_INIT("request-id"),                DOWN}, /* Anthropic's x-request-id */
    {STR_INIT("x-client-ip"),               UP},
    {STR_INIT("content-type"),              UP_UNLESS_RELAYED},
    {STR_INIT("x-request-id"),              UP | DOWN},
    {STR_INIT("authorization"),             UP},
    {STR_INIT("content-length"),            UP | DOWN},
    {STR_INIT("openai-project"),            UP | DOWN},
    {STR_INIT("x-goog-api-key"),            UP},
    {STR_INIT("true-client-ip"),            UP},
    {STR_INIT("x-should-retry"),            DOWN},
    {STR_INIT("accept-encoding"),           UP_UNLESS_RELAYED},
    {STR_INIT("x-amzn-trace-id"),           UP},
    {STR_INIT("cf-cache-status"),           DOWN},
    {STR_INIT("cf-connecting-ip"),          UP},
    {STR_INIT("content-encoding"),          DOWN_UNLESS_ENCODED},
    {STR_INIT("x-accel-buffering"),         DOWN},
    {STR_INIT("openai-organization"),       UP | DOWN},
    {STR_INIT("strict-transport-security"), DOWN},
};
/* clang-format on */

#define LENGTHS 32u

static uint8_t first[LENGTHS + 1]; /* the first row of each length; the next one's is the end */
static uv_once_t once = UV_ONCE_INIT;

static void index_rows(void)
{
    size_t at = 0;

    for (size_t len = 0; len <= LENGTHS; len++) {
        while (at < COUNTOF(rows) && rows[at].name.len < len)
            at++;
        first[len] = (uint8_t)at;
    }
}

static unsigned where_it_ends(struct str name)
{
    uv_once(&once, index_rows);
    if (name.len >= LENGTHS)
        return 0;
    for (unsigned i = first[name.len]; i < first[name.len + 1]; i++) {
        if (str_eq_nocase(name, rows[i].name))
            return rows[i].ends;
    }
    return 0;
}

static bool has_prefix(struct str name, struct str prefix)
{
    return name.len >= prefix.len && str_eq_nocase(str_make(name.ptr, prefix.len), prefix);
}

bool forward_up(struct str name, struct str connection, bool relayed)
{
    unsigned ends = where_it_ends(name);

    if ((ends & UP) != 0 || (!relayed && (ends & UP_UNLESS_RELAYED) != 0) ||
        has_prefix(name, STR("x-forwarded-")) || has_prefix(name, STR("x-dragoman-")) ||
        has_prefix(name, STR("sec-")) || has_prefix(name, STR("cf-")))
        return false;
    return !http_is_hop_by_hop(name, connection);
}

bool forward_down(struct str name, struct str connection, bool encoded)
{
    unsigned ends = where_it_ends(name);

    if ((ends & DOWN) != 0 || (!encoded && (ends & DOWN_UNLESS_ENCODED) != 0) ||
        has_prefix(name, STR("access-control-")) || has_prefix(name, STR("x-dragoman-")))
        return false;
    return !http_is_hop_by_hop(name, connection);
}
