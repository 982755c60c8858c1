/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/sigv4.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <pthread.h>
#include <time.h>

#include "base/percent.h"

#define HASH 32u
#define SECRET_MAX 256u
#define ALGORITHM "AWS4-HMAC-SHA256"

struct hex { /* of a hash */
    char text[2 * HASH];
};

struct stamp {
    char time[sizeof("20150830T123600Z")];
};

static struct str hex_str(const struct hex *h)
{
    return str_make(h->text, sizeof(h->text));
}

static struct hex hex_of(const unsigned char hash[HASH])
{
    static const char digits[] = "0123456789abcdef";
    struct hex h;

    for (unsigned i = 0; i < HASH; i++) {
        h.text[2 * i] = digits[hash[i] >> 4];
        h.text[2 * i + 1] = digits[hash[i] & 15];
    }
    return h;
}

/* Looked up once: OpenSSL takes longer to find an algorithm by its name than to run it over a
 * chat. */
static EVP_MD *sha256;
static EVP_MAC_CTX *hmac; /* to be copied */

static void find_algorithms(void)
{
    static char name[] = "SHA256";
    const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string("digest", name, 0),
                                 OSSL_PARAM_construct_end()};
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *ctx = mac != NULL ? EVP_MAC_CTX_new(mac) : NULL;

    EVP_MAC_free(mac);
    sha256 = EVP_MD_fetch(NULL, name, NULL);
    if (ctx != NULL && EVP_MAC_CTX_set_params(ctx, params) == 1)
        hmac = ctx;
    else
        EVP_MAC_CTX_free(ctx);
}

static bool have_algorithms(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    return pthread_once(&once, find_algorithms) == 0 && sha256 != NULL && hmac != NULL;
}

static bool hash_pieces(const struct str *pieces, unsigned n, struct hex *ret)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    unsigned char hash[HASH];
    bool ok = ctx != NULL && EVP_DigestInit_ex2(ctx, sha256, NULL) == 1;

    for (unsigned i = 0; i < n && ok; i++)
        ok = pieces[i].len == 0 || EVP_DigestUpdate(ctx, pieces[i].ptr, pieces[i].len) == 1;
    ok = ok && EVP_DigestFinal_ex(ctx, hash, NULL) == 1;
    EVP_MD_CTX_free(ctx);
    if (ok)
        *ret = hex_of(hash);
    return ok;
}

static bool mac_with(EVP_MAC_CTX *ctx, const char *key, size_t key_len, struct str text,
                     unsigned char ret[HASH])
{
    size_t n;

    return EVP_MAC_init(ctx, (const unsigned char *)key, key_len, NULL) == 1 &&
           EVP_MAC_update(ctx, (const unsigned char *)text.ptr, text.len) == 1 &&
           EVP_MAC_final(ctx, ret, &n, HASH) == 1 && n == HASH;
}

/* In place of the key. */
static bool mac(EVP_MAC_CTX *ctx, unsigned char key[HASH], struct str text)
{
    return mac_with(ctx, (const char *)key, HASH, text, key);
}

bool sigv4_key_read(struct str text, struct sigv4_key *ret_key)
{
    struct sigv4_key k;
    struct str rest, none;

    if (!str_cut(text, ':', &k.access, &rest))
        return false;
    str_cut(rest, ':', &k.secret, &k.session);
    if (k.access.len == 0 || k.secret.len == 0 || k.secret.len > SECRET_MAX ||
        str_cut(k.session, ':', &none, &none))
        return false;
    *ret_key = k;
    return true;
}

/* ---- what is signed ---- */

static bool stamp_of(int64_t time_s, struct stamp *ret)
{
    time_t t = (time_t)time_s;
    struct tm tm;

    return gmtime_r(&t, &tm) != NULL &&
           strftime(ret->time, sizeof(ret->time), "%Y%m%dT%H%M%SZ", &tm) == sizeof(ret->time) - 1;
}

static struct str time_of(const struct stamp *s)
{
    return str_make(s->time, sizeof(s->time) - 1);
}

static struct str day_of(const struct stamp *s)
{
    return str_make(s->time, sizeof("20150830") - 1);
}

static struct str signed_names(const struct sigv4_key *k)
{
    return k->session.len > 0 ? STR("host;x-amz-date;x-amz-security-token")
                              : STR("host;x-amz-date");
}

/* The path is encoded once more than it is on the wire: for all services but S3. */
static struct str canonical(struct arena *a, const struct sigv4_key *k, const struct stamp *t,
                            const struct sigv4_request *r)
{
    bool session = k->session.len > 0;
    struct str path = percent_encode(a, r->path, STR("/"));
    struct hex body;

    if (path.ptr == NULL || !hash_pieces(r->body, r->body_count, &body))
        return (struct str){NULL, 0};
    return arena_join(a,
                      (struct str[]){r->method, STR("\n"), path, STR("\n"), r->query,
                                     STR("\nhost:"), r->host, STR("\nx-amz-date:"), time_of(t),
                                     session ? STR("\nx-amz-security-token:") : STR(""), k->session,
                                     STR("\n\n"), signed_names(k), STR("\n"), hex_str(&body)},
                      15);
}

static struct str scope_of(struct arena *a, const struct sigv4_scope *s, const struct stamp *t)
{
    return arena_join(
        a,
        (struct str[]){day_of(t), STR("/"), s->region, STR("/"), s->service, STR("/aws4_request")},
        6);
}

static struct str text_to_sign(struct arena *a, const struct stamp *t, struct str scope,
                               struct str request)
{
    struct hex hash;

    if (request.ptr == NULL || scope.ptr == NULL || !hash_pieces(&request, 1, &hash))
        return (struct str){NULL, 0};
    return arena_join(a,
                      (struct str[]){STR(ALGORITHM "\n"), time_of(t), STR("\n"), scope, STR("\n"),
                                     hex_str(&hash)},
                      6);
}

/* ---- signing ---- */

static bool day_key(EVP_MAC_CTX *ctx, const struct sigv4_key *k, struct str day,
                    unsigned char ret[HASH])
{
    char first[4 + SECRET_MAX] = "AWS4";
    bool ok;

    assert(k->secret.len <= SECRET_MAX);
    memcpy(first + 4, k->secret.ptr, k->secret.len);
    ok = mac_with(ctx, first, 4 + k->secret.len, day, ret);
    OPENSSL_cleanse(first, sizeof(first));
    return ok;
}

static bool sign(const struct sigv4_key *k, const struct sigv4_scope *s, const struct stamp *t,
                 struct str text, struct hex *ret)
{
    EVP_MAC_CTX *ctx = text.ptr != NULL ? EVP_MAC_CTX_dup(hmac) : NULL;
    unsigned char key[HASH];
    bool ok = ctx != NULL && day_key(ctx, k, day_of(t), key) && mac(ctx, key, s->region) &&
              mac(ctx, key, s->service) && mac(ctx, key, STR("aws4_request")) &&
              mac(ctx, key, text);

    if (ok)
        *ret = hex_of(key);
    OPENSSL_cleanse(key, sizeof(key));
    EVP_MAC_CTX_free(ctx);
    return ok;
}

struct str sigv4_fields(struct arena *a, const struct sigv4_key *k, const struct sigv4_scope *s,
                        const struct sigv4_request *r)
{
    bool session = k->session.len > 0;
    struct str scope, text;
    struct stamp t;
    struct hex signature;

    if (!have_algorithms() || !stamp_of(s->time_s, &t))
        return (struct str){NULL, 0};
    scope = scope_of(a, s, &t);
    text = text_to_sign(a, &t, scope, canonical(a, k, &t, r));
    if (!sign(k, s, &t, text, &signature))
        return (struct str){NULL, 0};
    return arena_join(a,
                      (struct str[]){STR("authorization: " ALGORITHM " Credential="), k->access,
                                     STR("/"), scope, STR(", SignedHeaders="), signed_names(k),
                                     STR(", Signature="), hex_str(&signature),
                                     STR("\r\nx-amz-date: "), time_of(&t),
                                     session ? STR("\r\nx-amz-security-token: ") : STR(""),
                                     k->session, STR("\r\n")},
                      13);
}
