/* SPDX-License-Identifier: Apache-2.0 */
#include "llm/chat_calls.h"

#include "llm/chat_text.h"

struct json_text chat_called_name(const struct chat_request *r, uint32_t at,
                                  const struct chat_part *result)
{
    struct str id = str_make(result->id.ptr, result->id.len);

    if (result->name.len > 0)
        return result->name;
    while (at-- > 0) {
        const struct chat_message *m = &r->messages[at];

        for (uint32_t i = m->parts_count; i-- > 0;) {
            if (chat_is_call(&m->parts[i]) && json_text_is(m->parts[i].id, id))
                return m->parts[i].name;
        }
    }
    return (struct json_text){NULL, 0};
}
