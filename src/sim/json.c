/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/json.h"

yyjson_doc *sim_json_read(struct str body, char *pool)
{
    yyjson_alc alc;
    size_t need = yyjson_read_max_memory_usage(body.len, YYJSON_READ_NOFLAG);
    bool fits = body.len > 0 && need != 0 && need <= SIM_JSON_POOL_BYTES / 2 &&
                yyjson_alc_pool_init(&alc, pool, SIM_JSON_POOL_BYTES);

    /* Without YYJSON_READ_INSITU the text is only read, whatever its type says. */
    return yyjson_read_opts((char *)(uintptr_t)body.ptr, body.len, YYJSON_READ_NOFLAG,
                            fits ? &alc : NULL, NULL);
}

struct str sim_json_text(yyjson_val *object, const char *key)
{
    yyjson_val *v = yyjson_obj_get(object, key);

    return yyjson_is_str(v) ? str_make(yyjson_get_str(v), yyjson_get_len(v)) : str_make(NULL, 0);
}
