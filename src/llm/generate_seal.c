/*
 * Signatures that bear a word of ours (chat_origin.h, GENERATE_REDACTED), as Google's clients see
 * them.  To some of its SDKs a thoughtSignature is bytes: what is no base64 they refuse, and what
 * is they write again in an alphabet of their choice.  So such a one is base64 as a whole; Google's
 * own pass as they are. SPDX-License-Identifier: Apache-2.0
 */
#include "base/base64.h"
#include "llm/generate_part.h"

#define OURS "dragoman."

struct json_text generate_seal(struct arena *a, struct json_text signature)
{
    struct str text = str_make(signature.ptr, signature.len);
    char *to;

    if (!str_starts(text, STR(OURS)))
        return signature;
    to = arena_bytes(a, BASE64_LEN(text.len));
    if (to == NULL)
        return (struct json_text){NULL, 0};
    return (struct json_text){to, base64_write((const unsigned char *)text.ptr, text.len, to)};
}

bool generate_unseal(struct arena *a, struct json_text *signature)
{
    struct str text = str_make(signature->ptr, signature->len);
    ptrdiff_t n;
    char *to;

    if (!str_starts(text, STR(GENERATE_SEALED)))
        return true;
    to = arena_bytes(a, text.len + 4);
    if (to == NULL)
        return false;
    to[0] = '"'; /* it becomes part of JSON, and anybody may have written it */
    n = base64_read(text.ptr, text.len, (unsigned char *)to + 1);
    if (n < 0)
        return true;
    to[n + 1] = '"';
    if (json_string_end(to, to + n + 2) == to + n + 2)
        *signature = (struct json_text){to + 1, (size_t)n};
    return true;
}
