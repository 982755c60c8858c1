/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log_line.h"

#include <stdio.h>
#include <time.h>

#define SECOND_BYTES sizeof("2026-01-31T12:00:00")
#define ELLIPSIS "\xe2\x80\xa6"

/* Making a date of a second costs more than the rest of the line; the second is kept. */
static _Thread_local struct {
    time_t second;
    char text[64];
} stamp;

static const char *const level_names[] = {
    [LOG_ERROR] = "ERROR",
    [LOG_WARN] = "WARN",
    [LOG_INFO] = "INFO",
    [LOG_DEBUG] = "DEBUG",
};

static size_t put_head(char line[LOG_LINE_MAX], enum log_level level)
{
    struct timespec now = {0};
    int n;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    if (now.tv_sec != stamp.second || stamp.text[0] == '\0') {
        struct tm tm;

        gmtime_r(&now.tv_sec, &tm);
        (void)strftime(stamp.text, sizeof(stamp.text), "%Y-%m-%dT%H:%M:%S", &tm);
        stamp.second = now.tv_sec;
    }
    n = snprintf(line, LOG_LINE_MAX, "%s.%03uZ %s ", stamp.text, (unsigned)(now.tv_nsec / 1000000),
                 level_names[level]);
    return n > 0 ? (size_t)n : 0;
}

/* What a provider or a client sent may be quoted in a line; it must not forge the next one, nor
 * talk to the operator's terminal. */
static void tame(char *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if ((unsigned char)s[i] < ' ' || s[i] == 0x7f)
            s[i] = ' ';
    }
}

/* Shorten to make room for the ellipsis, not inside a UTF-8 character. */
static size_t cut(char line[LOG_LINE_MAX])
{
    size_t n = LOG_LINE_MAX - sizeof(ELLIPSIS);

    while (n > 0 && ((unsigned char)line[n] & 0xc0) == 0x80)
        n--;
    memcpy(line + n, ELLIPSIS, sizeof(ELLIPSIS));
    return n + sizeof(ELLIPSIS) - 1;
}

struct str log_line_format(char line[LOG_LINE_MAX], enum log_level level, const char *fmt,
                           va_list ap)
{
    size_t head = put_head(line, level);
    int n = vsnprintf(line + head, LOG_LINE_MAX - head, fmt, ap);
    size_t len = head + (n > 0 ? (size_t)n : 0);

    if (len >= LOG_LINE_MAX)
        len = cut(line);
    tame(line + head, len - head);
    return str_make(line, len);
}
