/*
 * eventstream_frame.h - write messages of application/vnd.amazon.eventstream.
 *
 * After the specification, and not after what reads them: the CRC is reckoned bit by bit.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_UNIT_LLM_EVENTSTREAM_FRAME_H
#define TESTS_UNIT_LLM_EVENTSTREAM_FRAME_H

#include <stdlib.h>

#include "base/buf.h"

static inline void frame_put(struct buf *out, struct str s)
{
    if (buf_put(out, s) != 0)
        abort();
}

static inline uint32_t frame_crc(const char *p, size_t n)
{
    uint32_t crc = 0xffffffffu;

    for (size_t i = 0; i < n; i++) {
        crc ^= (unsigned char)p[i];
        for (unsigned bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
    return ~crc;
}

static inline void frame_u32(char *to, uint32_t n)
{
    for (unsigned i = 0; i < 4; i++)
        to[i] = (char)(n >> (24 - 8 * i));
}

/* A header of type 7. */
static inline void frame_header(struct buf *out, const char *name, struct str value)
{
    char head = (char)strlen(name), kind[3] = {7, (char)(value.len >> 8), (char)value.len};

    frame_put(out, str_make(&head, 1));
    frame_put(out, str_from(name));
    frame_put(out, str_make(kind, 3));
    frame_put(out, value);
}

/* `headers` as they stand in the message. */
static inline void frame_message(struct buf *out, struct str headers, struct str payload)
{
    size_t at = out->len;
    char number[4];

    for (unsigned i = 0; i < 3; i++)
        frame_put(out, str_make("\0\0\0\0", 4));
    frame_u32(out->ptr + at, (uint32_t)(16 + headers.len + payload.len));
    frame_u32(out->ptr + at + 4, (uint32_t)headers.len);
    frame_u32(out->ptr + at + 8, frame_crc(out->ptr + at, 8));
    frame_put(out, headers);
    frame_put(out, payload);
    frame_u32(number, frame_crc(out->ptr + at, out->len - at));
    frame_put(out, str_make(number, 4));
}

/* As Bedrock writes it; `kind` is "event" or "exception". */
static inline void frame_named(struct buf *out, const char *kind, struct str type,
                               struct str payload)
{
    struct buf headers = {.max = 0};

    frame_header(&headers, kind[1] == 'v' ? ":event-type" : ":exception-type", type);
    frame_header(&headers, ":content-type", STR("application/json"));
    frame_header(&headers, ":message-type", str_from(kind));
    frame_message(out, buf_str(&headers), payload);
    buf_done(&headers);
}

#endif
