/*
 * Signatures that bear a word of ours (chat_origin.h), as Google's clients see them.  To some of
 * its SDKs a thoughtSignature is bytes: what is no base64 they refuse, and what is they write again
 * in an alphabet of their choice.  So such a one is base64 as a whole, or all of it that stands
 * behind GENERATE_REDACTED; Google's own pass as they are. SPDX-License-Identifier: Apache-2.0
 */
#include "base/base64.h"
#include "llm/chat_text.h"
#include "llm/generate_part.h"

#define OURS "dragoman."

/* How much of it stands before what is sealed. */
static size_t front_of(struct json_text signature)
{
    const struct str word = STR(GENERATE_REDACTED);

    return str_starts(str_make(signature.ptr, signature.len), word) ? word.len : 0;
}

static bool goes_on(struct json_text signature, struct str word)
{
    struct str text = str_make(signature.ptr, signature.len); /* .ptr may be NULL */
    size_t front = front_of(signature);

    return str_starts(front > 0 ? str_skip(text, front) : text, word);
}

bool generate_is_marked(struct json_text signature)
{
    return goes_on(signature, STR(OURS));
}

struct json_text generate_seal(struct arena *a, struct json_text signature)
{
    size_t front = front_of(signature), n = signature.len - front;
    char *to;

    if (!generate_is_marked(signature))
        return signature;
    to = arena_bytes(a, front + BASE64_LEN(n));
    if (to == NULL)
        return (struct json_text){NULL, 0};
    memcpy(to, signature.ptr, front);
    n = base64_write((const unsigned char *)signature.ptr + front, n, to + front);
    return (struct json_text){to, front + n};
}

bool generate_unseal(struct arena *a, struct json_text *signature)
{
    size_t front = front_of(*signature);
    struct str text;
    ptrdiff_t n;
    char *to;

    if (!goes_on(*signature, STR(GENERATE_SEALED)))
        return true;
    text = json_text_plain(a, *signature); /* some write "/" and "=" as escapes */
    to = text.ptr != NULL ? arena_bytes(a, text.len + 4) : NULL;
    if (to == NULL)
        return false;
    to[0] = '"'; /* it becomes part of JSON, and anybody may have written it */
    memcpy(to + 1, text.ptr, front);
    n = base64_read(text.ptr + front, text.len - front, (unsigned char *)to + 1 + front);
    if (n < 0)
        return true;
    n += (ptrdiff_t)front;
    to[n + 1] = '"';
    if (json_string_end(to, to + n + 2) == to + n + 2)
        *signature = (struct json_text){to + 1, (size_t)n};
    return true;
}
