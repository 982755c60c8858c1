/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/sigv4.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
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

static bool hash_pieces(const struct str *pieces, unsigned n, struct hex *ret)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    unsigned char hash[HASH];
    bool ok = ctx != NULL && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1;

    for (unsigned i = 0; i < n && ok; i++)
        ok = pieces[i].len == 0 || EVP_DigestUpdate(ctx, pieces[i].ptr, pieces[i].len) == 1;
    ok = ok && EVP_DigestFinal_ex(ctx, hash, NULL) == 1;
    EVP_MD_CTX_free(ctx);
    if (ok)
        *ret = hex_of(hash);
    return ok;
}

/* In place of the key. */
static bool mac(unsigned char key[HASH], struct str text)
{
    unsigned char out[HASH];

    if (HMAC(EVP_sha256(), key, HASH, (const unsigned char *)text.ptr, text.len, out, NULL) == NULL)
        return false;
    memcpy(key, out, HASH);
    return true;
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

static bool day_key(const struct sigv4_key *k, struct str day, unsigned char ret[HASH])
{
    char first[4 + SECRET_MAX] = "AWS4";
    bool ok;

    assert(k->secret.len <= SECRET_MAX);
    memcpy(first + 4, k->secret.ptr, k->secret.len);
    ok = HMAC(EVP_sha256(), first, 4 + (int)k->secret.len, (const unsigned char *)day.ptr, day.len,
              ret, NULL) != NULL;
    OPENSSL_cleanse(first, sizeof(first));
    return ok;
}

static bool sign(const struct sigv4_key *k, const struct sigv4_scope *s, const struct stamp *t,
                 struct str text, struct hex *ret)
{
    unsigned char key[HASH];
    bool ok = text.ptr != NULL && day_key(k, day_of(t), key) && mac(key, s->region) &&
              mac(key, s->service) && mac(key, STR("aws4_request")) && mac(key, text);

    if (ok)
        *ret = hex_of(key);
    OPENSSL_cleanse(key, sizeof(key));
    return ok;
}

struct str sigv4_fields(struct arena *a, const struct sigv4_key *k, const struct sigv4_scope *s,
                        const struct sigv4_request *r)
{
    bool session = k->session.len > 0;
    struct str scope, text;
    struct stamp t;
    struct hex signature;

    if (!stamp_of(s->time_s, &t))
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
