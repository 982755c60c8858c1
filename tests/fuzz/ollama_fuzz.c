/* Any lines as Ollama's, as a whole answer and as a refusal: the events keep their promises, and
 * calls have JSON for arguments.
 * SPDX-License-Identifier: Apache-2.0 */
#include "fuzz/chat_listener.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};

    listener_stream(&dialect_ollama, text);
    listener_whole(&dialect_ollama, text);
    listener_refusal(&dialect_ollama, 404, text);
    listener_refusal(&dialect_ollama, 200, text);
    return 0;
}
