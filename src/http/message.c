/* SPDX-License-Identifier: Apache-2.0 */
#include "http/message.h"

#include <errno.h>
#include <time.h>

#define FIELDS_FIRST 8u

static int grow(struct http_fields *f, struct arena *a, uint32_t cap)
{
    struct http_field *at = arena_array(a, cap, sizeof(*at));

    if (at == NULL)
        return -ENOMEM;
    if (f->count > 0)
        memcpy(at, f->at, f->count * sizeof(*at));
    f->at = at;
    f->cap = cap;
    return 0;
}

int http_fields_reserve(struct http_fields *f, struct arena *a, uint32_t more)
{
    return f->cap - f->count >= more ? 0 : grow(f, a, f->count + more);
}

int http_fields_add(struct http_fields *f, struct arena *a, struct str name, struct str value)
{
    if (f->count == f->cap && grow(f, a, f->cap == 0 ? FIELDS_FIRST : f->cap * 2) < 0)
        return -ENOMEM;
    f->at[f->count++] = (struct http_field){name, value};
    return 0;
}

struct str http_fields_find(const struct http_fields *f, struct str name)
{
    for (uint32_t i = 0; i < f->count; i++) {
        if (str_eq_nocase(f->at[i].name, name))
            return f->at[i].value;
    }
    return (struct str){NULL, 0};
}

struct str http_fields_join(const struct http_fields *f, struct arena *a, struct str name)
{
    struct str all = {NULL, 0};

    for (uint32_t i = 0; i < f->count; i++) {
        if (!str_eq_nocase(f->at[i].name, name))
            continue;
        if (all.ptr == NULL)
            all = f->at[i].value;
        else
            all = arena_join(a, (struct str[]){all, STR(","), f->at[i].value}, 3);
        if (all.ptr == NULL)
            break;
    }
    return all;
}

static bool list_has(struct str list, struct str token)
{
    bool more = true;

    while (more) {
        struct str item;

        more = str_cut(list, ',', &item, &list);
        if (str_eq_nocase(str_trim(item), token))
            return true;
    }
    return false;
}

bool http_fields_has_token(const struct http_fields *f, struct str name, struct str token)
{
    for (uint32_t i = 0; i < f->count; i++) {
        if (str_eq_nocase(f->at[i].name, name) && list_has(f->at[i].value, token))
            return true;
    }
    return false;
}

static const struct {
    unsigned status;
    struct str reason;
} reasons[] = {
    {200, STR_INIT("OK")},
    {100, STR_INIT("Continue")},
    {101, STR_INIT("Switching Protocols")},
    {201, STR_INIT("Created")},
    {202, STR_INIT("Accepted")},
    {203, STR_INIT("Non-Authoritative Information")},
    {204, STR_INIT("No Content")},
    {205, STR_INIT("Reset Content")},
    {206, STR_INIT("Partial Content")},
    {300, STR_INIT("Multiple Choices")},
    {301, STR_INIT("Moved Permanently")},
    {302, STR_INIT("Found")},
    {303, STR_INIT("See Other")},
    {304, STR_INIT("Not Modified")},
    {305, STR_INIT("Use Proxy")},
    {307, STR_INIT("Temporary Redirect")},
    {308, STR_INIT("Permanent Redirect")},
    {400, STR_INIT("Bad Request")},
    {401, STR_INIT("Unauthorized")},
    {402, STR_INIT("Payment Required")},
    {403, STR_INIT("Forbidden")},
    {404, STR_INIT("Not Found")},
    {405, STR_INIT("Method Not Allowed")},
    {406, STR_INIT("Not Acceptable")},
    {407, STR_INIT("Proxy Authentication Required")},
    {408, STR_INIT("Request Timeout")},
    {409, STR_INIT("Conflict")},
    {410, STR_INIT("Gone")},
    {411, STR_INIT("Length Required")},
    {412, STR_INIT("Precondition Failed")},
    {413, STR_INIT("Content Too Large")},
    {414, STR_INIT("URI Too Long")},
    {415, STR_INIT("Unsupported Media Type")},
    {416, STR_INIT("Range Not Satisfiable")},
    {417, STR_INIT("Expectation Failed")},
    {421, STR_INIT("Misdirected Request")},
    {422, STR_INIT("Unprocessable Content")},
    {424, STR_INIT("Failed Dependency")},
    {425, STR_INIT("Too Early")},
    {426, STR_INIT("Upgrade Required")},
    {428, STR_INIT("Precondition Required")},
    {429, STR_INIT("Too Many Requests")},
    {431, STR_INIT("Request Header Fields Too Large")},
    {451, STR_INIT("Unavailable For Legal Reasons")},
    {499, STR_INIT("Client Closed Request")},
    {500, STR_INIT("Internal Server Error")},
    {501, STR_INIT("Not Implemented")},
    {502, STR_INIT("Bad Gateway")},
    {503, STR_INIT("Service Unavailable")},
    {504, STR_INIT("Gateway Timeout")},
    {505, STR_INIT("HTTP Version Not Supported")},
    {507, STR_INIT("Insufficient Storage")},
    {529, STR_INIT("Overloaded")},
};

struct str http_reason(unsigned status)
{
    for (size_t i = 0; i < COUNTOF(reasons); i++) {
        if (reasons[i].status == status)
            return reasons[i].reason;
    }
    return STR("Status");
}

bool http_is_hop_by_hop(struct str name, struct str connection)
{
    static const struct str names[] = {
        STR_INIT("connection"), STR_INIT("keep-alive"), STR_INIT("transfer-encoding"),
        STR_INIT("te"),         STR_INIT("trailer"),    STR_INIT("upgrade"),
    };

    for (size_t i = 0; i < COUNTOF(names); i++) {
        if (str_eq_nocase(name, names[i]))
            return true;
    }
    if (name.len > 6 && str_eq_nocase((struct str){name.ptr, 6}, STR("proxy-")))
        return true;
    return connection.len > 0 && list_has(connection, name);
}

static bool bytes_are_safe(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)p[i];

        if ((c < ' ' && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

/* Whether one of eight bytes may be a control byte (a tab among them); never a false no. */
static inline bool word_is_odd(const char *p)
{
    const uint64_t ones = 0x0101010101010101u, highs = 0x8080808080808080u;
    uint64_t v, del;

    memcpy(&v, p, 8);
    del = v ^ (ones * 0x7f);
    return ((((v - ones * ' ') & ~v) | ((del - ones) & ~del)) & highs) != 0;
}

/* Each value of each head is looked at, on the way in and on the way out. */
bool http_value_is_safe(struct str value)
{
    size_t at = 0;

    for (; value.len - at >= 8; at += 8) {
        if (word_is_odd(value.ptr + at))
            return bytes_are_safe(value.ptr + at, value.len - at);
    }
    return at == value.len || bytes_are_safe(value.ptr + at, value.len - at);
}

static const char day_names[7][10] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                      "Thursday", "Friday", "Saturday"};
static const char month_names[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

/* The eaters take what they want from the front of `s`, or leave it and say false. */
static bool eat(struct str *s, const char *text)
{
    struct str want = str_from(text);

    if (!str_starts(*s, want))
        return false;
    *s = str_skip(*s, want.len);
    return true;
}

static bool eat_number(struct str *s, unsigned digits, int *ret_n)
{
    int n = 0;

    if (s->len < digits)
        return false;
    for (unsigned i = 0; i < digits; i++) {
        if (s->ptr[i] < '0' || s->ptr[i] > '9')
            return false;
        n = n * 10 + (s->ptr[i] - '0');
    }
    *s = str_skip(*s, digits);
    *ret_n = n;
    return true;
}

static bool eat_month(struct str *s, int *ret_month)
{
    for (int i = 0; i < 12; i++) {
        if (eat(s, month_names[i])) {
            *ret_month = i;
            return true;
        }
    }
    return false;
}

static bool eat_day_name(struct str *s)
{
    for (int i = 0; i < 7; i++) {
        char shorter[4] = {day_names[i][0], day_names[i][1], day_names[i][2], '\0'};

        if (eat(s, day_names[i]) || eat(s, shorter))
            return true;
    }
    return false;
}

static bool eat_time(struct str *s, struct tm *t)
{
    return eat_number(s, 2, &t->tm_hour) && eat(s, ":") && eat_number(s, 2, &t->tm_min) &&
           eat(s, ":") && eat_number(s, 2, &t->tm_sec);
}

/* "06 Nov 1994 08:49:37 GMT" */
static bool eat_fixdate(struct str *s, struct tm *t)
{
    return eat_number(s, 2, &t->tm_mday) && eat(s, " ") && eat_month(s, &t->tm_mon) &&
           eat(s, " ") && eat_number(s, 4, &t->tm_year) && eat(s, " ") && eat_time(s, t) &&
           eat(s, " GMT");
}

/* "06-Nov-94 08:49:37 GMT" */
static bool eat_rfc850(struct str *s, struct tm *t)
{
    if (!eat_number(s, 2, &t->tm_mday) || !eat(s, "-") || !eat_month(s, &t->tm_mon) ||
        !eat(s, "-") || !eat_number(s, 2, &t->tm_year) || !eat(s, " ") || !eat_time(s, t) ||
        !eat(s, " GMT"))
        return false;
    t->tm_year += t->tm_year < 70 ? 2000 : 1900;
    return true;
}

/* "Nov  6 08:49:37 1994" */
static bool eat_asctime(struct str *s, struct tm *t)
{
    return eat_month(s, &t->tm_mon) && eat(s, " ") &&
           (eat(s, " ") ? eat_number(s, 1, &t->tm_mday) : eat_number(s, 2, &t->tm_mday)) &&
           eat(s, " ") && eat_time(s, t) && eat(s, " ") && eat_number(s, 4, &t->tm_year);
}

bool http_date_parse(struct str s, int64_t *ret_s)
{
    struct tm t = {0};
    struct str rest, again;

    if (!eat_day_name(&s))
        return false;
    if (eat(&s, ", ")) {
        again = rest = s;
        if (!eat_fixdate(&rest, &t)) {
            rest = again;
            if (!eat_rfc850(&rest, &t))
                return false;
        }
    } else {
        rest = s;
        if (!eat(&rest, " ") || !eat_asctime(&rest, &t))
            return false;
    }
    if (rest.len != 0 || t.tm_mday < 1 || t.tm_mday > 31 || t.tm_hour > 23 || t.tm_min > 59 ||
        t.tm_sec > 60 || t.tm_year < 1970)
        return false;
    t.tm_year -= 1900;
    *ret_s = timegm(&t);
    return true;
}

static char *put_number(char *to, int n, unsigned digits)
{
    for (unsigned i = digits; i > 0; i--, n /= 10)
        to[i - 1] = (char)('0' + n % 10);
    return to + digits;
}

static char *put_text(char *to, const char *text, size_t n)
{
    memcpy(to, text, n);
    return to + n;
}

void http_date_write(int64_t seconds, char ret_text[HTTP_DATE_BYTES])
{
    time_t when = (time_t)seconds;
    struct tm t;
    char *to = ret_text;

    gmtime_r(&when, &t);
    to = put_text(to, day_names[t.tm_wday], 3);
    to = put_text(to, ", ", 2);
    to = put_number(to, t.tm_mday, 2);
    *to++ = ' ';
    to = put_text(to, month_names[t.tm_mon], 3);
    *to++ = ' ';
    to = put_number(to, t.tm_year + 1900, 4);
    *to++ = ' ';
    to = put_number(to, t.tm_hour, 2);
    *to++ = ':';
    to = put_number(to, t.tm_min, 2);
    *to++ = ':';
    to = put_number(to, t.tm_sec, 2);
    put_text(to, " GMT", 4);
}
