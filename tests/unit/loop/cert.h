/* cert.h - a key and a certificate made on the fly, as PEM files, for tests that speak TLS.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_CERT_H
#define TEST_CERT_H

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct cert_files {
    char dir[32];
    char cert[64], key[64];
};

static inline void cert_sign(X509 *x, EVP_PKEY *key, const char *names, long expires_s)
{
    X509_NAME *name = X509_get_subject_name(x);
    X509_EXTENSION *ext;

    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    X509_gmtime_adj(X509_getm_notBefore(x), -7200);
    X509_gmtime_adj(X509_getm_notAfter(x), expires_s);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"test", -1, -1, 0);
    X509_set_issuer_name(x, name);
    X509_set_pubkey(x, key);
    ext = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, names);
    X509_add_ext(x, ext, -1);
    X509_EXTENSION_free(ext);
    X509_sign(x, key, EVP_sha256());
}

/* `names` as OpenSSL writes them: "DNS:localhost,IP:127.0.0.1".  It is its own CA. */
static inline int cert_make(struct cert_files *f, const char *names, long expires_s)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x = X509_new();
    FILE *out;

    snprintf(f->dir, sizeof(f->dir), "/tmp/cert-XXXXXX");
    if (key == NULL || x == NULL || mkdtemp(f->dir) == NULL)
        return -1;
    snprintf(f->cert, sizeof(f->cert), "%s/cert.pem", f->dir);
    snprintf(f->key, sizeof(f->key), "%s/key.pem", f->dir);
    cert_sign(x, key, names, expires_s);
    out = fopen(f->cert, "w");
    PEM_write_X509(out, x);
    fclose(out);
    out = fopen(f->key, "w");
    PEM_write_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL);
    fclose(out);
    X509_free(x);
    EVP_PKEY_free(key);
    return 0;
}

static inline void cert_remove(const struct cert_files *f)
{
    unlink(f->cert);
    unlink(f->key);
    rmdir(f->dir);
}

#endif
