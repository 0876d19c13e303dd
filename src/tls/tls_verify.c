/*
 * Whom to trust: by issuer and name (RFC 6125), by fingerprint, or anybody; and in words what was
 * wrong with a certificate.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <sys/stat.h>

#include "tls_impl.h"
#include "tls_words.h"

static bool is_address(const char *host)
{
    unsigned char octets[16];

    return inet_pton(AF_INET, host, octets) == 1 || inet_pton(AF_INET6, host, octets) == 1;
}

/* The names that a certificate is for, as many as there is room for. */
static void names_of(X509 *x, char *out, size_t size)
{
    GENERAL_NAMES *all = x ? X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL) : NULL;
    size_t at = 0;

    out[0] = '\0';
    for (int i = 0; all && i < sk_GENERAL_NAME_num(all); i++) {
        const GENERAL_NAME *g = sk_GENERAL_NAME_value(all, i);
        const ASN1_STRING *s = g->type == GEN_DNS ? g->d.dNSName : NULL;
        char name[100];

        if (!s || at + sizeof name + 2 > size)
            continue;
        (void)diag_printable(
            name, sizeof name,
            (struct slice){(const char *)ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s)});
        at += (size_t)snprintf(out + at, size - at, "%s%s", at ? ", " : "", name);
    }
    GENERAL_NAMES_free(all);
    if (at == 0)
        (void)snprintf(out, size, "no host name");
}

/* How to mend it, by what is wrong. */
static const char *mend(int error)
{
    switch (error) {
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        return "--tls-ca names its issuer, --tls-fingerprint trusts it alone, --tls-no-verify any";
    default:
        return "--tls-fingerprint trusts it all the same, --tls-no-verify any";
    }
}

static void fingerprint(X509 *x, char *out, size_t size)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;

    out[0] = '\0';
    if (!x || X509_digest(x, EVP_sha256(), digest, &n) != 1)
        return;
    for (unsigned i = 0; i < n && 2 * i + 2 < size; i++)
        (void)snprintf(out + 2 * i, size - 2 * i, "%02x", digest[i]);
}

/* Says what is wrong, once: OpenSSL calls this for every certificate of the chain. */
static int verified(int good, X509_STORE_CTX *store)
{
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct tls_context *cx = tls_of(ssl)->cx;
    int error = X509_STORE_CTX_get_error(store);
    const char *peer = cx->server ? "client" : "server";
    char names[240];

    if (good || cx->why.text[0])
        return good;
    if (error == X509_V_ERR_HOSTNAME_MISMATCH || error == X509_V_ERR_IP_ADDRESS_MISMATCH) {
        names_of(X509_STORE_CTX_get0_cert(store), names, sizeof names);
        (void)diag_set(&cx->why, 0,
                       "TLS: the server's certificate is not for %.100s but for %s (--tls-name "
                       "says what name to check)",
                       cx->host, names);
    } else if (cx->server) {
        (void)diag_set(&cx->why, 0, "TLS: bad certificate of the %s: %s", peer,
                       X509_verify_cert_error_string(error));
    } else {
        (void)diag_set(&cx->why, 0, "TLS: bad certificate of the %s: %s (%s)", peer,
                       X509_verify_cert_error_string(error), mend(error));
    }
    return 0;
}

/* Instead of all verification: is it one of the certificates or keys that are trusted? */
static int is_pinned(X509_STORE_CTX *store, void *arg)
{
    struct tls_context *cx = arg;
    X509 *x = X509_STORE_CTX_get0_cert(store);
    const struct tls_settings *s = cx->settings;
    uint8_t cert[EVP_MAX_MD_SIZE], key[EVP_MAX_MD_SIZE];
    unsigned char *spki = NULL;
    char text[2 * TLS_DIGEST_SIZE + 1];
    unsigned n;
    int length = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &spki);
    bool digested = length > 0 && X509_digest(x, EVP_sha256(), cert, &n) == 1 &&
                    EVP_Digest(spki, (size_t)length, key, &n, EVP_sha256(), NULL) == 1;

    OPENSSL_free(spki);
    for (uint32_t i = 0; digested && i < s->pin_count; i++)
        if (memcmp(s->pins[i], cert, TLS_DIGEST_SIZE) == 0 ||
            memcmp(s->pins[i], key, TLS_DIGEST_SIZE) == 0)
            return 1;
    fingerprint(x, text, sizeof text);
    (void)diag_set(&cx->why, 0,
                   "TLS: the server's certificate has not the fingerprint asked for but %s "
                   "(--tls-fingerprint)",
                   text);
    X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_UNTRUSTED);
    return 0;
}

static int load_issuers(SSL_CTX *ctx, const char *path, struct diag *d)
{
    struct stat st;
    int rc;

    if (!path)
        return SSL_CTX_set_default_verify_paths(ctx) == 1
                   ? 0
                   : tls_diag(d, -EINVAL, "cannot read the system's certificates");
    if (stat(path, &st) < 0)
        return diag_set(d, -errno, "cannot read the issuers: %s: %s (--tls-ca)",
                        *path ? path : "empty", strerror(errno));
    rc = S_ISDIR(st.st_mode) ? SSL_CTX_load_verify_dir(ctx, path)
                             : SSL_CTX_load_verify_file(ctx, path);
    if (rc != 1)
        return tls_diag(d, -EINVAL, "bad issuers: %s (--tls-ca takes a PEM file or a directory)",
                        path);
    return 0;
}

int tls_trust(struct tls_context *cx, const char *host, struct diag *d)
{
    const struct tls_settings *s = cx->settings;
    X509_VERIFY_PARAM *p = SSL_CTX_get0_param(cx->ctx);
    int rc;

    if (s->name)
        host = s->name;
    (void)snprintf(cx->host, sizeof cx->host, "%s", host ? host : "");
    /* The dot of an absolute name is in no certificate. */
    if (strlen(cx->host) > 1 && cx->host[strlen(cx->host) - 1] == '.')
        cx->host[strlen(cx->host) - 1] = '\0';
    cx->has_name = host && !is_address(cx->host);
    if (s->pin_count > 0) {
        SSL_CTX_set_verify(cx->ctx, SSL_VERIFY_PEER, NULL);
        SSL_CTX_set_cert_verify_callback(cx->ctx, is_pinned, cx);
        return 0;
    }
    if (s->no_verify) {
        SSL_CTX_set_verify(cx->ctx, SSL_VERIFY_NONE, NULL);
        return 0;
    }
    if (!host)
        return diag_set(d, -EINVAL,
                        "this server has no name that a certificate could be for: "
                        "--tls-name, --tls-fingerprint or --tls-no-verify is needed");
    rc = load_issuers(cx->ctx, s->ca, d);
    if (rc < 0)
        return rc;
    X509_VERIFY_PARAM_set_hostflags(p, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if ((cx->has_name ? X509_VERIFY_PARAM_set1_host(p, cx->host, 0)
                      : X509_VERIFY_PARAM_set1_ip_asc(p, cx->host)) != 1)
        return tls_diag(d, -EINVAL, "bad name: %.100s (--tls-name)", cx->host);
    SSL_CTX_set_verify(cx->ctx, SSL_VERIFY_PEER, verified);
    return 0;
}

bool tls_expect(struct tls *t)
{
    return !t->cx->has_name || SSL_set_tlsext_host_name(t->ssl, t->cx->host) == 1;
}

/* Any certificate will do. */
static int take_any(X509_STORE_CTX *store, void *arg)
{
    (void)store;
    (void)arg;
    return 1;
}

int tls_trust_clients(struct tls_context *cx, struct diag *d)
{
    const struct tls_settings *s = cx->settings;
    int mode = SSL_VERIFY_PEER;

    if (s->client_cert == TLS_CLIENT_CERT_NO)
        return 0;
    if (s->client_cert == TLS_CLIENT_CERT_REQUIRE)
        mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    SSL_CTX_set_verify(cx->ctx, mode, verified);
    if (s->ca)
        return load_issuers(cx->ctx, s->ca, d);
    SSL_CTX_set_cert_verify_callback(cx->ctx, take_any, NULL);
    return 0;
}
