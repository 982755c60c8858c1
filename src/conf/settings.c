/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/settings.h"

#include "base/log.h"
#include "conf/resolve.h"

#define KIB 1024u
#define MIB (1024u * KIB)
#define GIB (1024u * MIB)
#define SECOND 1000u
#define HOUR (3600u * SECOND)
#define DAY (24u * HOUR)

const char *const setting_kinds[TYPE_COUNT] = {
#define X(name, kind, expects) [TYPE_##name] = (kind),
    SETTING_TYPES(X)
#undef X
};

const char *const setting_expects[TYPE_COUNT] = {
#define X(name, kind, expects) [TYPE_##name] = (expects),
    SETTING_TYPES(X)
#undef X
};

#define AT(record, field) offsetof(struct record, field), sizeof(((struct record *)0)->field), 0
#define LIST(record, field)                                                                        \
    offsetof(struct record, field), sizeof(*((struct record *)0)->field),                          \
        offsetof(struct record, field##_count)
#define NOWHERE 0, 0, 0
#define LIVE SETTING_RELOAD
#define FIXED 0
#define MUST SETTING_REQUIRED
#define INHERIT SETTING_INHERIT
#define ONE_OF SETTING_ONE_OF
#define EMPTY SETTING_EMPTY
#define TABLE(id, record, ...)                                                                     \
    static const struct table id##_table = {.name = #id,                                           \
                                            .rows = id##_rows,                                     \
                                            .count = COUNTOF(id##_rows),                           \
                                            .record_bytes = sizeof(struct record),                 \
                                            __VA_ARGS__}

/* ---- words ---- */

static const struct choice levels[] = {
    {"error", LOG_ERROR, false}, {"warn", LOG_WARN, false}, {"info", LOG_INFO, false},
    {"debug", LOG_DEBUG, false}, {NULL, 0, false},
};

static const struct choice keepalive_modes[] = {
    {"comment", KEEPALIVE_COMMENT, false},
    {"chunk", KEEPALIVE_CHUNK, false},
    {"off", KEEPALIVE_OFF, false},
    {NULL, 0, false},
};

static const struct choice malformed_modes[] = {
    {"skip", MALFORMED_SKIP, false},
    {"fatal", MALFORMED_FATAL, false},
    {NULL, 0, false},
};

static const struct choice dialects[] = {
    {"openai", MAKER_OPENAI, false},
    {"anthropic", MAKER_ANTHROPIC, false},
    {"gemini", MAKER_GEMINI, false},
    {"ollama", MAKER_OLLAMA, false},
    {"azure", MAKER_AZURE, false},
    {"bedrock", MAKER_BEDROCK, false},
    {NULL, 0, false},
};

static const struct choice apis[] = {
    {"chat", API_CHAT, false},
    {"responses", API_RESPONSES, false},
    {"either", API_EITHER, false},
    {NULL, 0, false},
};

static const struct choice servers[] = {
    {"auto", SERVER_AUTO, false},
    {"plain", SERVER_PLAIN, false},
    {"cerebras", SERVER_CEREBRAS, false},
    {"deepseek", SERVER_DEEPSEEK, false},
    {"groq", SERVER_GROQ, false},
    {"llama.cpp", SERVER_LLAMA_CPP, false},
    {"mistral", SERVER_MISTRAL, false},
    {"moonshot", SERVER_MOONSHOT, false},
    {"openrouter", SERVER_OPENROUTER, false},
    {"perplexity", SERVER_PERPLEXITY, false},
    {"vllm", SERVER_VLLM, false},
    {"xai", SERVER_XAI, false},
    {NULL, 0, false},
};

static const struct choice strategies[] = {
    {"weighted", STRATEGY_WEIGHTED, false},
    {"ordered", STRATEGY_ORDERED, false},
    {"latency", 0, true},
    {"cost", 0, true},
    {"hash", 0, true},
    {NULL, 0, false},
};

/* clang-format off */
/* ---- sections ----
 *   name             type           field                                      flags      default      min      max         words or table   help */
static const struct setting timeouts_rows[] = {
    {"connect",        TYPE_DURATION, AT(conf_timeouts, connect_ms),            LIVE,      "5s",        0,       DAY,        NULL, NULL,      "To resolve the name, connect and shake hands (TLS)."},
    {"headers",        TYPE_DURATION, AT(conf_timeouts, headers_ms),            LIVE,      "60s",       0,       DAY,        NULL, NULL,      "From the request sent to the answer's status and headers."},
    {"first_content",  TYPE_DURATION, AT(conf_timeouts, first_content_ms),      LIVE,      "120s",      0,       DAY,        NULL, NULL,      "From the request sent to the first text, tool call or finish reason."},
    {"idle",           TYPE_DURATION, AT(conf_timeouts, idle_ms),               LIVE,      "60s",       0,       DAY,        NULL, NULL,      "Silence between two pieces of an answer."},
    {"total",          TYPE_DURATION, AT(conf_timeouts, total_ms),              LIVE,      "10m",       0,       7 * DAY,    NULL, NULL,      "The whole request: all attempts, back-off and the answer."},
};
TABLE(timeouts, conf_timeouts, .check = NULL);

static const struct setting upstream_rows[] = {
    {"connections",    TYPE_NUMBER,  AT(conf_upstream, connections_max),       LIVE,      "1024",      1,       100000,     NULL, NULL,      "Connections to one provider, in each thread."},
    {"idle",           TYPE_NUMBER,  AT(conf_upstream, idle_max),              LIVE,      "256",       0,       100000,     NULL, NULL,      "Connections kept open unused, in each thread."},
    {"idle_time",      TYPE_DURATION, AT(conf_upstream, idle_ms),               LIVE,      "55s",       0,       HOUR,       NULL, NULL,      "How long an unused connection is kept. Shorter than the provider's own limit avoids stale ones."},
    {"dns_ttl",        TYPE_DURATION, AT(conf_upstream, dns_ttl_ms),            LIVE,      "30s",       0,       DAY,        NULL, NULL,      "How long a resolved address is used."},
    {"happy_eyeballs", TYPE_DURATION, AT(conf_upstream, happy_eyeballs_ms),     LIVE,      "250ms",     10,      10 * SECOND,NULL, NULL,      "Head start of one address before the next is tried as well (RFC 8305)."},
    {"queue",          TYPE_NUMBER,  AT(conf_upstream, queue_max),             LIVE,      "4096",      1,       1000000,    NULL, NULL,      "Requests waiting for a connection, in each thread; at least one may, more are refused."},
};
TABLE(upstream, conf_upstream, .check = NULL);

static const struct setting tls_rows[] = {
    {"cert",           TYPE_TEXT,     AT(conf_tls, cert_file),                  LIVE,      NULL,        1,       4096,       NULL, NULL,      "File with the certificate and its chain (PEM)."},
    {"key",            TYPE_TEXT,     AT(conf_tls, key_file),                   LIVE,      NULL,        1,       4096,       NULL, NULL,      "File with the certificate's private key (PEM)."},
};
TABLE(tls, conf_tls, .check = resolve_tls);

static const struct setting cors_rows[] = {
    {"origins",        TYPE_TEXTS,    LIST(conf_cors, origins),                 LIVE|EMPTY,NULL,        0,       256,        NULL, NULL,      "Origins that browsers may call from: `*`, or exact ones such as `https://app.example`. None: CORS is off."},
    {"max_age",        TYPE_SECONDS,  AT(conf_cors, max_age_s),                 LIVE,      "10m",       0,       DAY / SECOND,NULL, NULL,      "How long a browser may remember the answer to its preflight."},
};
TABLE(cors, conf_cors, .check = resolve_cors);

static const struct setting admin_rows[] = {
    {"listen",         TYPE_ADDRESS,  AT(conf_admin, listen),                   FIXED,     "127.0.0.1:9090", 0,  0,          NULL, NULL,      "Where health, metrics and administration are served. Beyond loopback it needs a token."},
    {"token",          TYPE_SECRET,   AT(conf_admin, token),                    LIVE|EMPTY,NULL,        8,       4096,       NULL, NULL,      "Bearer token for /admin and /metrics. Empty: none is asked for."},
};
TABLE(admin, conf_admin, .unfold = resolve_admin_word, .fold = resolve_admin_fold, .check = resolve_admin);

static const struct setting limits_rows[] = {
    {"connections",    TYPE_NUMBER,  AT(conf_limits, connections),             LIVE,      "20000",     1,       1000000,    NULL, NULL,      "Open client connections, all threads together."},
    {"header_bytes",   TYPE_SIZE,     AT(conf_limits, header_bytes),            LIVE,      "64KiB",     KIB,     16 * MIB,   NULL, NULL,      "A request's line and headers together."},
    {"header_fields",  TYPE_NUMBER,  AT(conf_limits, header_fields),           LIVE,      "128",       8,       4096,       NULL, NULL,      "Headers of one request."},
    {"out_buffer",     TYPE_SIZE,     AT(conf_limits, out_buffer_bytes),        LIVE,      "256KiB",    4 * KIB, 64 * MIB,   NULL, NULL,      "Bytes waiting for one client that reads slowly; beyond, its upstream is no longer read."},
    {"body_bytes",     TYPE_SIZE,     AT(conf_limits, body_bytes),              LIVE,      "64MiB",     KIB,     4ull * GIB, NULL, NULL,      "A request's body."},
    {"header",         TYPE_DURATION, AT(conf_limits, header_ms),               LIVE,      "10s",       100,     HOUR,       NULL, NULL,      "For a request's line and headers to arrive."},
    {"body",           TYPE_DURATION, AT(conf_limits, body_ms),                 LIVE,      "60s",       100,     DAY,        NULL, NULL,      "For a request's body to arrive."},
    {"keepalive",      TYPE_DURATION, AT(conf_limits, keepalive_ms),            LIVE,      "75s",       0,       DAY,        NULL, NULL,      "How long a client's idle connection is kept."},
    {"write_stall",    TYPE_DURATION, AT(conf_limits, write_stall_ms),          LIVE,      "60s",       100,     DAY,        NULL, NULL,      "A client that takes no byte of its answer for this long is cut off."},
    {"event_bytes",    TYPE_SIZE,     AT(conf_limits, event_bytes),             LIVE,      "4MiB",      KIB,     256 * MIB,  NULL, NULL,      "One event of a streamed answer."},
    {"held_bytes",     TYPE_SIZE,     AT(conf_limits, held_bytes),              LIVE,      "1MiB",      KIB,     256 * MIB,  NULL, NULL,      "What is held of an answer before its first content."},
    {"reply_bytes",    TYPE_SIZE,     AT(conf_limits, reply_bytes),             LIVE,      "64MiB",     KIB,     4ull * GIB, NULL, NULL,      "An answer that is not streamed."},
    {"in_flight_bytes", TYPE_SIZE,    AT(conf_limits, in_flight_bytes),         LIVE,      "1GiB",      MIB,     1024ull * GIB, NULL, NULL,   "Request bodies held in memory, and what is read and written of them to translate them, all connections together; over it: 503."},
    {"json_depth",     TYPE_NUMBER,  AT(conf_limits, json_depth),              LIVE,      "128",       4,       1024,       NULL, NULL,      "Nested arrays and objects in a request."},
    {"exchange_bytes", TYPE_SIZE,     AT(conf_limits, exchange_bytes),          LIVE,      "1MiB",      64 * KIB,GIB,        NULL, NULL,      "Memory of one request beside its bodies."},
};
TABLE(limits, conf_limits, .check = NULL);

static const struct setting retry_rows[] = {
    {"attempts",       TYPE_NUMBER,  AT(conf_retry, attempts),                 LIVE,      "5",         1,       100,        NULL, NULL,      "Upstream calls for one request, all targets together."},
    {"initial",        TYPE_DURATION, AT(conf_retry, initial_ms),               LIVE,      "1s",        1,       HOUR,       NULL, NULL,      "First back-off before a target is asked again; it doubles each time."},
    {"max",            TYPE_DURATION, AT(conf_retry, max_ms),                   LIVE,      "60s",       1,       HOUR,       NULL, NULL,      "Longest back-off."},
    {"jitter",         TYPE_DURATION, AT(conf_retry, jitter_ms),                LIVE,      "1s",        0,       HOUR,       NULL, NULL,      "Up to this much is added at random."},
    {"gateway_error_factor", TYPE_NUMBER,AT(conf_retry, gateway_error_factor),  LIVE,      "2",         1,       100,        NULL, NULL,      "After a 502 or 503 the back-off is multiplied by this."},
    {"retry_after_max",TYPE_DURATION, AT(conf_retry, retry_after_max_ms),       LIVE,      "60s",       0,       DAY,        NULL, NULL,      "A longer Retry-After is not waited for."},
    {"key_bench",      TYPE_DURATION, AT(conf_retry, key_bench_ms),             LIVE,      "60s",       0,       DAY,        NULL, NULL,      "How long a refused credential rests."},
    {"target_rest",    TYPE_DURATION, AT(conf_retry, target_rest_ms),           LIVE,      "10s",       0,       DAY,        NULL, NULL,      "How long a target that did not connect or answered 5xx is asked last."},
    {"rate_limit_rest_max", TYPE_DURATION, AT(conf_retry, rate_limit_rest_max_ms), LIVE,   "60s",       0,       DAY,        NULL, NULL,      "A key whose answers say that no request, or too few tokens, are left (`x-ratelimit-remaining-requests`, `anthropic-ratelimit-tokens-remaining` …) is asked behind others until the reset they tell, but no longer than this. 0: not at all."},
};
TABLE(retry, conf_retry, .check = resolve_retry);

static const struct setting stream_rows[] = {
    {"keepalive",      TYPE_DURATION, AT(conf_stream, keepalive_ms),            LIVE,      "15s",       0,       HOUR,       NULL, NULL,      "A sign of life goes to the client after this much silence. 0: none."},
    {"keepalive_mode", TYPE_CHOICE,   AT(conf_stream, keepalive),               LIVE,      "comment",   0,       0,          keepalive_modes, NULL, "An SSE comment, an empty chunk, or none."},
    {"malformed",      TYPE_CHOICE,   AT(conf_stream, malformed),               LIVE,      "skip",      0,       0,          malformed_modes, NULL, "A stream event that is not JSON is left out and counted, or ends the stream with an error."},
};
TABLE(stream, conf_stream, .check = NULL);

static const struct setting translation_rows[] = {
    {"strict",         TYPE_BOOL,     AT(conf_translation, strict),             LIVE,      "false",     0,       0,          NULL, NULL,      "Refuse what a target's dialect cannot say (400, naming the fields) instead of leaving it out and naming it in `x-dragoman-dropped-params`."},
};
TABLE(translation, conf_translation, .check = NULL);

static const struct setting log_rows[] = {
    {"level",          TYPE_CHOICE,   AT(conf_log, level),                      LIVE,      "info",      0,       0,          levels, NULL,    "Least important line that is written."},
    {"access",         TYPE_TEXT,     AT(conf_log, access),                     FIXED,     "stdout",    1,       4096,       NULL, NULL,      "Where a line for each request goes: `stdout`, `stderr`, `off`, or a file."},
    {"ring",           TYPE_SIZE,     AT(conf_log, ring_bytes),                 FIXED,     "1MiB",      64 * KIB,256 * MIB,  NULL, NULL,      "Lines waiting to be written, in each thread; more are dropped and counted."},
};
TABLE(log, conf_log, .check = NULL);

static const struct setting entra_rows[] = {
    {"tenant_id",      TYPE_TEXT,     AT(conf_entra, tenant_id),                LIVE|EMPTY,NULL,        0,       128,        NULL, NULL,      "The directory's id."},
    {"client_id",      TYPE_TEXT,     AT(conf_entra, client_id),                LIVE|EMPTY,NULL,        0,       128,        NULL, NULL,      "The application's id; with `managed_identity` that of a user-assigned identity."},
    {"client_secret",  TYPE_SECRET,   AT(conf_entra, client_secret),            LIVE|EMPTY,NULL,        8,       1024,       NULL, NULL,      "The application's secret."},
    {"authority",      TYPE_URL,      AT(conf_entra, authority),                LIVE,      "https://login.microsoftonline.com", 1, 2048, NULL, NULL, "Who gives tokens; other clouds have their own. With `managed_identity`: where the machine's are had."},
    {"managed_identity", TYPE_BOOL,   AT(conf_entra, managed),                  LIVE,      "false",     0,       0,          NULL, NULL,      "Ask the machine we run on (Azure's instance metadata) instead: no tenant and no secret."},
};
TABLE(entra, conf_entra, .unfold = resolve_entra_word, .fold = resolve_entra_fold, .check = resolve_entra);

static const struct setting provider_rows[] = {
    {"dialect",        TYPE_CHOICE,   AT(conf_provider, maker),                 LIVE,      "openai",    0,       0,          dialects, NULL,  "What the provider speaks. `azure` is OpenAI's at Azure's paths, `bedrock` is Amazon's Converse."},
    {"api",            TYPE_CHOICE,   AT(conf_provider, api),                   LIVE,      "chat",      0,       0,          apis, NULL,      "`openai`, and `azure` at `/openai/v1`: what chats are asked through. `chat` is Chat Completions; `responses` is the Responses API, which some models answer better or alone; `either` passes on what clients of the Responses API send, and asks for all others through Chat Completions."},
    {"base_url",       TYPE_URL,      AT(conf_provider, base_url),              LIVE,      "https://api.openai.com/v1", 1, 2048, NULL, NULL,    "Where its API begins; `/chat/completions` and the like are put behind it. What is shown is for `openai`; each other dialect has its own maker's. `azure` has none: write `https://NAME.openai.azure.com`, where a model is the name of a deployment, or the newer `https://NAME.openai.azure.com/openai/v1`. `bedrock`: `https://bedrock-runtime.REGION.amazonaws.com`."},
    {"keys",           TYPE_SECRETS,  LIST(conf_provider, keys),                LIVE|EMPTY,NULL,        0,       256,        NULL, NULL,      "Credentials, used in turn. An empty one is left out; none is fine for a local server. `azure`: an API key, or a token of Entra ID, which is told by its form (eyJ…). `bedrock`: `ACCESS:SECRET` or `ACCESS:SECRET:SESSION` signs each request, as in `${AWS_ACCESS_KEY_ID}:${AWS_SECRET_ACCESS_KEY}`; one without a colon is an API key of Bedrock's."},
    {"key",            TYPE_SECRETS,  LIST(conf_provider, keys),                LIVE|EMPTY|ONE_OF, NULL, 0,      256,        NULL, NULL,      "The same, when there is one."},
    {"entra",          TYPE_SECTION,  AT(conf_provider, entra),                 LIVE,      NULL,        0,       0,          NULL, &entra_table,   "`azure`: tokens of Entra ID instead of keys, had and renewed by the gateway."},
    {"region",         TYPE_TEXT,     AT(conf_provider, region),                LIVE|EMPTY,NULL,        0,       64,         NULL, NULL,      "`bedrock`: the region that requests go to and are signed for. When absent: the one in `base_url`."},
    {"version",        TYPE_TEXT,     AT(conf_provider, version),               LIVE|EMPTY,NULL,        0,       128,        NULL, NULL,      "API version to pin; sent with each request and compared with what comes back. `anthropic`: `2023-06-01` unless set. `azure`: the `api-version` of the path, `2024-10-21` unless set, and none at `/openai/v1` unless set."},
    {"version_header", TYPE_TEXT,     AT(conf_provider, version_header),        LIVE,      "openai-version", 1,  128,        NULL, NULL,      "The header that carries it. `anthropic`: `anthropic-version`."},
    {"organization",   TYPE_TEXT,     AT(conf_provider, organization),          LIVE|EMPTY,NULL,        0,       256,        NULL, NULL,      "Sent as `OpenAI-Organization`."},
    {"project",        TYPE_TEXT,     AT(conf_provider, project),               LIVE|EMPTY,NULL,        0,       256,        NULL, NULL,      "Sent as `OpenAI-Project`."},
    {"headers",        TYPE_HEADERS,  LIST(conf_provider, headers),             LIVE|EMPTY,NULL,        0,       64,         NULL, NULL,      "Further headers of each request. Their values count as secrets."},
    {"ca_file",        TYPE_TEXT,     AT(conf_provider, ca_file),               LIVE|EMPTY,NULL,        0,       4096,       NULL, NULL,      "Certificates to trust (PEM) in place of the system's."},
    {"insecure",       TYPE_BOOL,     AT(conf_provider, insecure),              LIVE,      "false",     0,       0,          NULL, NULL,      "Do not verify the provider's certificate. For tests."},
    {"proxy",          TYPE_PROXY,    AT(conf_provider, proxy),                 LIVE,      NULL,        1,       2048,       NULL, NULL,      "An HTTP proxy, `http://user:password@host:port`, or `off`. When absent: HTTPS_PROXY or HTTP_PROXY of the environment, unless NO_PROXY names the host or the host is this machine."},
    {"ask_usage",      TYPE_BOOL,     AT(conf_provider, ask_usage),             LIVE,      "true",      0,       0,          NULL, NULL,      "Ask for the token usage of streams (`stream_options.include_usage`). Absent: but for a `server` that refuses it."},
    {"server",         TYPE_CHOICE,   AT(conf_provider, server),                LIVE,      "auto",      0,       0,          servers, NULL,   "`openai`: whose server it is, for what that one takes otherwise (docs/dialects.md). `auto`: known by the host of `base_url`, or `plain`, which takes what OpenAI takes."},
    {"timeouts",       TYPE_SECTION,  AT(conf_provider, timeouts),              LIVE|INHERIT, NULL,     0,       0,          NULL, &timeouts_table, "What differs from the global timeouts."},
    {"upstream",       TYPE_SECTION,  AT(conf_provider, upstream),              LIVE|INHERIT, NULL,     0,       0,          NULL, &upstream_table, "What differs from the global upstream settings."},
};
TABLE(provider, conf_provider, .prepare = resolve_provider_prepare, .check = resolve_provider);

static const struct setting target_rows[] = {
    {"provider",       TYPE_PROVIDER, AT(conf_target, provider),                LIVE|MUST, NULL,        1,       128,        NULL, NULL,      "A name from `providers`."},
    {"model",          TYPE_TEXT,     AT(conf_target, model),                   LIVE|MUST, NULL,        1,       256,        NULL, NULL,      "The provider's name for the model."},
    {"api",            TYPE_CHOICE,   AT(conf_target, api),                     LIVE,      NULL,        0,       0,          apis, NULL,      "For this model, another API than its provider's `api` says."},
    {"weight",         TYPE_NUMBER,  AT(conf_target, weight),                  LIVE,      "1",         0,       1000000,    NULL, NULL,      "Its share, against the weights of the other targets."},
};
TABLE(target, conf_target, .unfold = resolve_target_word, .prepare = resolve_target_prepare,
      .check = resolve_target);

static const struct setting model_rows[] = {
    {"strategy",       TYPE_CHOICE,   AT(conf_model, strategy),                 LIVE,      "weighted",  0,       0,          strategies, NULL,"How a target is chosen: by weight, or in the order written."},
    {"targets",        TYPE_RECORDS,  LIST(conf_model, targets),                LIVE|MUST, NULL,        1,       256,        NULL, &target_table,   "What can answer; each a map, or just `provider/model`."},
    {"fallbacks",      TYPE_MODELS,   LIST(conf_model, fallbacks),              LIVE|EMPTY,NULL,        0,       32,         NULL, NULL,      "Aliases to try when no target of this one answers, in order."},
    {"timeouts",       TYPE_SECTION,  AT(conf_model, timeouts),                 LIVE|INHERIT, NULL,     0,       0,          NULL, &timeouts_table, "What differs from the provider's timeouts."},
};
TABLE(model, conf_model, .prepare = resolve_model_prepare, .check = resolve_model);

static const struct setting key_rows[] = {
    {"name",           TYPE_TEXT,     AT(conf_key, name),                       LIVE|MUST, NULL,        1,       64,         NULL, NULL,      "For logs and metrics; unique."},
    {"key",            TYPE_DIGEST,   AT(conf_key, digest),                     LIVE|MUST, NULL,        8,       512,        NULL, NULL,      "What the client sends as its bearer token, at least 8 characters; only its SHA-256 is kept."},
    {"models",         TYPE_TEXTS,    LIST(conf_key, models),                   LIVE,      NULL,        1,       1024,       NULL, NULL,      "What it may use: aliases, `provider/model`, or a beginning with `*` behind it. Absent: everything."},
};
TABLE(key, conf_key, .check = resolve_key);

/* In this order they are read: what others refer to comes first. */
static const struct setting top_rows[] = {
    {"listen",         TYPE_ADDRESS,  AT(conf, listen),                         FIXED,     "127.0.0.1:8080", 0,  0,          NULL, NULL,      "Where clients connect."},
    {"threads",        TYPE_THREADS,  AT(conf, threads),                        FIXED,     "auto",      1,       256,        NULL, NULL,      "Event loops; `auto` is one for each core."},
    {"tls",            TYPE_SECTION,  AT(conf, tls),                            LIVE,      NULL,        0,       0,          NULL, &tls_table,      "Serve clients over TLS. Absent: plain HTTP."},
    {"cors",           TYPE_SECTION,  AT(conf, cors),                           LIVE,      NULL,        0,       0,          NULL, &cors_table,     "Calls from browsers."},
    {"admin",          TYPE_SECTION,  AT(conf, admin),                          LIVE,      NULL,        0,       0,          NULL, &admin_table,    "Health, metrics, administration; or `admin: off`."},
    {"limits",         TYPE_SECTION,  AT(conf, limits),                         LIVE,      NULL,        0,       0,          NULL, &limits_table,   "What a client may ask of us, and how slowly."},
    {"timeouts",       TYPE_SECTION,  AT(conf, timeouts),                       LIVE,      NULL,        0,       0,          NULL, &timeouts_table, "How long upstreams may take; 0 is no limit. Also in each provider and each model."},
    {"retry",          TYPE_SECTION,  AT(conf, retry),                          LIVE,      NULL,        0,       0,          NULL, &retry_table,    "What happens after an attempt failed."},
    {"stream",         TYPE_SECTION,  AT(conf, stream),                         LIVE,      NULL,        0,       0,          NULL, &stream_table,   "Streamed answers."},
    {"translation",    TYPE_SECTION,  AT(conf, translation),                    LIVE,      NULL,        0,       0,          NULL, &translation_table, "Requests to a target that speaks another dialect than the client."},
    {"upstream",       TYPE_SECTION,  AT(conf, upstream),                       LIVE,      NULL,        0,       0,          NULL, &upstream_table, "Connections to each provider. Also in each provider."},
    {"log",            TYPE_SECTION,  AT(conf, log),                            LIVE,      NULL,        0,       0,          NULL, &log_table,      "Lines for people and for machines."},
    {"providers",      TYPE_NAMED,    LIST(conf, providers),                    LIVE|MUST, NULL,        1,       4096,       NULL, &provider_table, "Whom we can call, by name."},
    {"models",         TYPE_NAMED,    LIST(conf, models),                       LIVE|EMPTY,NULL,        0,       16384,      NULL, &model_table,    "Aliases: what clients put into `model`. `provider/model` works without one."},
    {"keys",           TYPE_RECORDS,  LIST(conf, keys),                         LIVE,      NULL,        1,       65536,      NULL, &key_table,      "Client keys. Absent: the client port is open to all who reach it."},
    {"cache",          TYPE_LATER,    NOWHERE,                                  0,         NULL,        0,       0,          NULL, NULL,      ""},
    {"stores",         TYPE_LATER,    NOWHERE,                                  0,         NULL,        0,       0,          NULL, NULL,      ""},
    {"prices",         TYPE_LATER,    NOWHERE,                                  0,         NULL,        0,       0,          NULL, NULL,      ""},
    {"privacy",        TYPE_LATER,    NOWHERE,                                  0,         NULL,        0,       0,          NULL, NULL,      ""},
    {"batches",        TYPE_LATER,    NOWHERE,                                  0,         NULL,        0,       0,          NULL, NULL,      ""},
    {"telemetry",      TYPE_LATER,    NOWHERE,                                  0,         NULL,        0,       0,          NULL, NULL,      ""},
};
/* clang-format on */

const struct table settings_top = {
    .name = "top",
    .rows = top_rows,
    .count = COUNTOF(top_rows),
    .record_bytes = sizeof(struct conf),
    .check = resolve_top,
};
