/* SPDX-License-Identifier: Apache-2.0 */
#include "llm/chat_seal.h"

#define WORD STR("openai.reasoning:")

struct json_text chat_seal(struct arena *a, const struct chat_seal *seal)
{
    struct str id = str_make(seal->id.ptr, seal->id.len), signature;

    if (id.len > 0 && memchr(id.ptr, ':', id.len) != NULL) /* none that OpenAI gave */
        id = STR("");
    signature = arena_join(
        a, (struct str[]){WORD, id, STR(":"), str_make(seal->content.ptr, seal->content.len)}, 4);
    return (struct json_text){signature.ptr, signature.len};
}

bool chat_unseal(struct json_text signature, struct chat_seal *ret)
{
    struct str all = str_make(signature.ptr, signature.len), id, content;

    if (signature.ptr == NULL || !str_starts(all, WORD) ||
        !str_cut(str_skip(all, WORD.len), ':', &id, &content))
        return false;
    *ret = (struct chat_seal){.id = {id.ptr, id.len}, .content = {content.ptr, content.len}};
    return true;
}

bool chat_is_signed(const struct chat_part *thought)
{
    struct chat_seal seal;

    return thought->signature.len > 0 && !chat_unseal(thought->signature, &seal);
}
