/*
 * conf.h - the configuration as the rest of the program reads it: checked, resolved, frozen.
 *
 * conf_load() reads YAML, expands ${VAR}, checks every key against the settings table
 * (settings.c), resolves references and inheritance, and freezes the result.  Nothing in it
 * changes afterwards; threads share it by counting references.  Secrets are in it in the clear and
 * never leave it: errors, dumps and logs mask them.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONF_CONF_H
#define CONF_CONF_H

#include <stdatomic.h>

#include "base/arena.h"
#include "base/buf.h"
#include "llm/chat.h"
#include "llm/quirks.h"

struct conf_listen {
    struct str host; /* "127.0.0.1", "::1", "0.0.0.0"; no brackets */
    uint16_t port;
};

struct conf_timeouts { /* milliseconds; 0 is none */
    uint32_t connect_ms, headers_ms, first_content_ms, idle_ms, total_ms;
};

struct conf_retry {
    uint32_t attempts;             /* upstream calls for one request, all targets together */
    uint32_t initial_ms;           /* first back-off */
    uint32_t max_ms;               /* longest back-off */
    uint32_t jitter_ms;            /* uniform, added */
    uint32_t gateway_error_factor; /* 502 and 503 multiply the delay by this (2) */
    uint32_t retry_after_max_ms;   /* a longer Retry-After is not waited for: fall back or answer */
    uint32_t key_bench_ms;         /* how long a refused credential rests */
    uint32_t target_rest_ms; /* how long one that did not connect or answered 5xx ranks last */
    uint32_t rate_limit_rest_max_ms; /* how long one whose allowance is used up does, at most */
};

struct conf_limits {
    uint32_t connections, header_bytes, header_fields, out_buffer_bytes;
    uint64_t body_bytes;
    uint32_t header_ms, body_ms, keepalive_ms, write_stall_ms;
    uint32_t event_bytes;     /* one stream event, whole */
    uint64_t held_bytes;      /* of an answer before its first content */
    uint64_t reply_bytes;     /* a buffered (non-stream) answer */
    uint64_t in_flight_bytes; /* request bodies in memory, all together */
    uint32_t json_depth;
    uint32_t exchange_bytes; /* arena of one exchange, without bodies */
};

struct conf_tls {
    struct str cert_file, key_file; /* both or none */
};

struct conf_cors {
    struct str *origins; /* "*" or exact origins; none: CORS off */
    uint32_t origins_count;
    uint32_t max_age_s;
};

struct conf_admin {
    struct conf_listen listen;
    struct str token; /* empty: none needed; refused beyond loopback */
    bool off;
};

enum conf_keepalive { KEEPALIVE_COMMENT, KEEPALIVE_CHUNK, KEEPALIVE_OFF };
enum conf_malformed { MALFORMED_SKIP, MALFORMED_FATAL };

struct conf_stream {
    uint32_t keepalive_ms;
    enum conf_keepalive keepalive;
    enum conf_malformed malformed;
};

struct conf_translation { /* between dialects */
    bool strict;
};

enum conf_strategy { STRATEGY_WEIGHTED, STRATEGY_ORDERED };

struct conf_key { /* a client's */
    struct str name;
    unsigned char digest[32]; /* SHA-256 of the key: the key itself is not kept */
    struct str *models;       /* aliases, provider/model, or prefix ending in '*'; none: all */
    uint32_t models_count;
};

struct conf_upstream { /* connections to one provider */
    uint32_t connections_max, idle_max, idle_ms, dns_ttl_ms, happy_eyeballs_ms, queue_max;
};

/* Whose API it is.  Azure's is OpenAI's dialect at other paths, with another credential. */
enum conf_maker {
    MAKER_OPENAI,
    MAKER_ANTHROPIC,
    MAKER_GEMINI,
    MAKER_OLLAMA,
    MAKER_AZURE,
    MAKER_BEDROCK,
};

/* Which of its two APIs a provider of OpenAI's dialect is asked through. */
enum conf_api {
    API_INHERITED, /* a target's, before it is resolved: its provider's */
    API_CHAT,      /* Chat Completions */
    API_RESPONSES,
    API_EITHER, /* Responses for who speaks it, else Chat Completions */
};

/* How Azure knows us, without a key: tokens of Entra ID. */
struct conf_entra {
    bool on;
    bool managed; /* by the machine that we run on; else by the secret of an application */
    struct str tenant_id, client_id, client_secret;
    struct str authority; /* "https://login.microsoftonline.com" */
};

struct conf_provider {
    struct str name;
    uint32_t index;        /* in conf->providers */
    enum conf_maker maker; /* as written: `dialect` */
    enum chat_dialect dialect;
    enum conf_api api;
    enum quirks_server server; /* resolved: never SERVER_AUTO */
    struct str base_url;       /* as written */
    bool tls;
    struct str host; /* parsed from base_url */
    uint16_t port;
    struct str base_path; /* "/v1", no slash at the end; may be empty */
    struct str *keys;     /* secrets, in order; may be none */
    uint32_t keys_count;
    struct conf_entra entra;          /* Azure's, instead of keys */
    struct str region;                /* of Bedrock's: "eu-central-1" */
    struct str version;               /* pinned API version, or empty */
    struct str version_header;        /* its request and reply header ("openai-version") */
    struct str organization, project; /* OpenAI-Organization, OpenAI-Project; may be empty */
    struct str (*headers)[2];         /* extra request headers: name, value */
    uint32_t headers_count;
    struct str ca_file;
    bool insecure;    /* do not verify TLS */
    struct str proxy; /* "http://user:pass@host:port", "" none; from HTTPS_PROXY when not set */
    bool ask_usage;   /* send stream_options.include_usage (R7); resolved by `server` */
    struct conf_timeouts timeouts; /* resolved: global, then the provider's own */
    struct conf_upstream upstream;
};

/* Azure's version goes into the path, everybody else's into a field. */
static inline bool conf_version_is_field(const struct conf_provider *p)
{
    return p->version.len > 0 && p->maker != MAKER_AZURE;
}

struct conf_target {
    uint32_t index; /* among all targets of the configuration, for run-time state */
    const struct conf_provider *provider;
    struct str model; /* the provider's name for it */
    enum conf_api api;
    uint32_t weight;
    struct conf_timeouts timeouts; /* resolved: global, provider, model */
};

#define CONF_TARGETS_MAX 64u /* of one alias */

struct conf_model { /* an alias */
    struct str name;
    uint32_t index;
    enum conf_strategy strategy;
    struct conf_target *targets;
    uint32_t targets_count;
    const struct conf_model **fallbacks; /* resolved; loops were refused */
    uint32_t fallbacks_count;
    struct conf_timeouts timeouts;
};

struct conf_log {
    int level;         /* enum log_level */
    struct str access; /* stdout, stderr, off, or a path */
    uint32_t ring_bytes;
};

struct conf_index { /* index.h */
    uint32_t *slots;
    uint32_t mask;
};

struct conf {
    atomic_uint refs;
    struct arena mem;
    struct str file; /* as given; "(quick start)" without one */
    struct conf_listen listen;
    uint32_t threads; /* resolved: 1 or more */
    struct conf_tls tls;
    struct conf_cors cors;
    struct conf_admin admin;
    struct conf_limits limits;
    struct conf_timeouts timeouts;
    struct conf_retry retry;
    struct conf_stream stream;
    struct conf_translation translation;
    struct conf_upstream upstream; /* defaults for providers */
    struct conf_log log;
    struct conf_key *keys;
    uint32_t keys_count;
    struct conf_provider *providers;
    uint32_t providers_count;
    struct conf_model *models;
    uint32_t models_count;
    uint32_t targets_count; /* of all models */
    bool use_sim;           /* quick start found nothing: targets point at the built-in simulator */
    struct str try_model;   /* quick start: a model name that should answer; else empty */
    struct conf_index model_index, provider_index, key_index;
};

/* Called for each problem: "FILE:LINE:COL: what is wrong, what would be right". */
typedef void conf_problem_fn(void *ctx, const char *line);

/* Load `path`.  NULL when there was a problem; all of them have been reported.  `env` looks up a
 * variable (getenv in the program, a table in tests). */
typedef const char *conf_env_fn(const char *name);
struct conf *conf_load(const char *path, conf_env_fn *env, conf_problem_fn *report, void *ctx);
/* The same from memory; `name` stands for the file in messages. */
struct conf *conf_load_text(const char *name, struct str text, conf_env_fn *env,
                            conf_problem_fn *report, void *ctx);

/* Names of changed settings that a reload cannot apply (listen, threads …), one call each. */
void conf_restart_needed(const struct conf *running, const struct conf *next, conf_problem_fn *say,
                         void *ctx);

struct conf *conf_ref(struct conf *c);
void conf_unref(struct conf *c);

const struct conf_model *conf_model_find(const struct conf *c, struct str name);
const struct conf_provider *conf_provider_find(const struct conf *c, struct str name);
/* The client key with this digest (conf_digest of what the client sent), or NULL. */
const struct conf_key *conf_key_find(const struct conf *c, const unsigned char digest[32]);
/* SHA-256.  False when the library fails: then nobody may enter. */
MUST_USE bool conf_digest(struct str key, unsigned char ret_digest[32]);
/* May this key use a model by this name (an alias or provider/model)?  NULL key: yes. */
bool conf_key_allows(const struct conf_key *k, struct str model);

/* The effective configuration as YAML, every secret masked. */
MUST_USE int conf_dump(const struct conf *c, struct buf *out);
/* docs/configuration.md, from the settings table. */
MUST_USE int conf_manual(struct buf *out);

#endif
