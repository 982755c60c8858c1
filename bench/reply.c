/* SPDX-License-Identifier: Apache-2.0 */
#include "reply.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

void reply_reset(struct reply *r)
{
    memset(r, 0, offsetof(struct reply, keep));
}

/* ---- events ---- */

/* A delta with text in one of the APIs' words: "content":"x…, not the empty one that comes with the
 * role. */
static bool has_content(const char *p, size_t n)
{
    static const char *const keys[] = {"\"content\":\"", "\"text\":\"", "\"delta\":\""};

    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
        size_t len = strlen(keys[i]);
        const char *at = memmem(p, n, keys[i], len);

        if (at != NULL && (size_t)(at - p) + len < n && at[len] != '"')
            return true;
    }
    return false;
}

static void take_line(struct reply *r, const char *p, size_t n)
{
    if (n < 6 || memcmp(p, "data:", 5) != 0)
        return;
    if (n >= 12 && memcmp(p, "data: [DONE]", 12) == 0) {
        r->done = true;
        return;
    }
    r->events++;
    if (!r->content)
        r->content = has_content(p, n);
}

static void keep_part(struct reply *r, const char *p, size_t n)
{
    size_t room = REPLY_LINE_MAX - r->kept;

    memcpy(r->keep + r->kept, p, n < room ? n : room);
    r->kept += n < room ? n : room;
}

static void take_body(struct reply *r, const char *p, size_t n)
{
    r->bytes += n;
    while (n > 0) {
        const char *end = memchr(p, '\n', n);
        size_t len = end != NULL ? (size_t)(end - p) : n;

        if (r->kept > 0 || end == NULL)
            keep_part(r, p, len);
        if (end == NULL)
            return;
        if (r->kept > 0)
            take_line(r, r->keep, r->kept);
        else
            take_line(r, p, len);
        r->kept = 0;
        p += len + 1;
        n -= len + 1;
    }
}

/* ---- framing ---- */

static const char *field(const char *head, const char *name)
{
    size_t len = strlen(name);

    for (const char *line = strstr(head, "\r\n"); line != NULL; line = strstr(line, "\r\n")) {
        line += 2;
        if (strncasecmp(line, name, len) == 0 && line[len] == ':')
            return line + len + 1 + strspn(line + len + 1, " ");
    }
    return NULL;
}

static void read_head(struct reply *r)
{
    const char *length, *coding, *connection;

    r->keep[r->kept] = '\0';
    r->kept = 0;
    r->state = REPLY_BROKEN;
    if (strncmp(r->keep, "HTTP/1.1 ", 9) != 0)
        return;
    r->status = (unsigned)strtoul(r->keep + 9, NULL, 10);
    length = field(r->keep, "content-length");
    coding = field(r->keep, "transfer-encoding");
    connection = field(r->keep, "connection");
    r->close = connection != NULL && strncasecmp(connection, "close", 5) == 0;
    if (coding != NULL && strncasecmp(coding, "chunked", 7) == 0) {
        r->state = REPLY_CHUNK_SIZE;
    } else if (length != NULL) {
        r->left = strtoull(length, NULL, 10);
        r->state = r->left > 0 ? REPLY_BODY : REPLY_WHOLE;
    }
}

static size_t feed_head(struct reply *r, const char *p, size_t n)
{
    size_t before = r->kept, take = n;
    size_t from = before > 3 ? before - 3 : 0;
    const char *end;

    if (take > REPLY_HEAD_MAX - 1 - before)
        take = REPLY_HEAD_MAX - 1 - before;
    memcpy(r->keep + before, p, take);
    end = memmem(r->keep + from, before + take - from, "\r\n\r\n", 4);
    if (end == NULL) {
        r->kept = before + take;
        if (r->kept == REPLY_HEAD_MAX - 1)
            r->state = REPLY_BROKEN;
        return take;
    }
    take = (size_t)(end - r->keep) + 4 - before;
    r->kept = before + take - 2; /* the last line keeps its break */
    read_head(r);
    return take;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static size_t feed_size(struct reply *r, const char *p, size_t n)
{
    size_t i = 0;

    for (; i < n && p[i] != '\n'; i++) {
        int digit = hex_digit(p[i]);

        if (digit < 0 && p[i] != '\r')
            r->state = REPLY_BROKEN;
        else if (digit >= 0)
            r->left = r->left << 4 | (uint64_t)digit;
    }
    if (i == n || r->state == REPLY_BROKEN)
        return i;
    r->state = r->left > 0 ? REPLY_CHUNK_DATA : REPLY_TRAILER;
    return i + 1;
}

static size_t feed_data(struct reply *r, const char *p, size_t n)
{
    size_t take = n < r->left ? n : (size_t)r->left;

    take_body(r, p, take);
    r->left -= take;
    if (r->left == 0)
        r->state = r->state == REPLY_BODY ? REPLY_WHOLE : REPLY_CHUNK_END;
    return take;
}

/* No server here sends trailers: an empty line ends the reply. */
static size_t feed_break(struct reply *r, char c)
{
    if (c == '\n')
        r->state = r->state == REPLY_TRAILER ? REPLY_WHOLE : REPLY_CHUNK_SIZE;
    else if (c != '\r')
        r->state = REPLY_BROKEN;
    return 1;
}

static size_t feed_some(struct reply *r, const char *p, size_t n)
{
    switch (r->state) {
    case REPLY_HEAD:
        return feed_head(r, p, n);
    case REPLY_CHUNK_SIZE:
        return feed_size(r, p, n);
    case REPLY_BODY:
    case REPLY_CHUNK_DATA:
        return feed_data(r, p, n);
    case REPLY_CHUNK_END:
    case REPLY_TRAILER:
        return feed_break(r, *p);
    case REPLY_WHOLE:
        r->state = REPLY_BROKEN;
        return n;
    case REPLY_BROKEN:
        return n;
    }
    return n;
}

enum reply_state reply_feed(struct reply *r, const char *p, size_t n)
{
    while (n > 0) {
        size_t used = feed_some(r, p, n);

        p += used;
        n -= used;
    }
    return r->state;
}
