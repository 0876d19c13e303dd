/*
 * Certificates and keys: read, made, used.
 */
#include "tls_identity.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tls_words.h"

/* A file of certificates that is larger is something else. */
#define FILE_MAX (1 << 20)

/* A certificate made here is valid for so long, from a day ago on: clocks differ. */
#define DAY        (24 * 3600L)
#define VALID_DAYS 365

static int read_file(char **out, const char *path, const char *what, struct diag *d)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;
    char *text = NULL;
    size_t n = 0;
    ssize_t got = 0;

    if (fd < 0)
        return diag_set(d, -errno, "cannot read the %s: %s: %s", what, path, strerror(errno));
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= FILE_MAX)
        text = malloc(FILE_MAX + 1);
    while (text && n < FILE_MAX && (got = read(fd, text + n, FILE_MAX - n)) > 0)
        n += (size_t)got;
    (void)close(fd);
    if (!text || got < 0) {
        free(text);
        return diag_set(d, -EINVAL, "cannot read the %s: %s: not a PEM file", what, path);
    }
    text[n] = '\0';
    *out = text;
    return 0;
}

int tls_identity_load(struct tls_identity *id, const struct tls_settings *s, struct diag *d)
{
    int rc;

    *id = (struct tls_identity){0};
    if (RAND_bytes(id->ticket_keys, sizeof id->ticket_keys) != 1)
        return diag_set(d, -EIO, "TLS: no random numbers");
    if (!s->cert)
        return 0;
    rc = read_file(&id->cert, s->cert, "certificate", d);
    if (rc == 0)
        rc = read_file(&id->key, s->key ? s->key : s->cert, "private key", d);
    if (rc < 0)
        tls_identity_done(id);
    return rc;
}

void tls_identity_done(struct tls_identity *id)
{
    free(id->cert);
    if (id->key)
        OPENSSL_cleanse(id->key, strlen(id->key));
    free(id->key);
    *id = (struct tls_identity){0};
}

static bool add_extension(X509 *x, int nid, const char *value)
{
    X509V3_CTX cx;
    X509_EXTENSION *e;
    bool done;

    X509V3_set_ctx_nodb(&cx);
    X509V3_set_ctx(&cx, x, x, NULL, NULL, 0);
    e = X509V3_EXT_conf_nid(NULL, &cx, nid, value);
    done = e && X509_add_ext(x, e, -1) == 1;
    X509_EXTENSION_free(e);
    return done;
}

/* Letters that mean something to OpenSSL's extension syntax are no host name's. */
static bool is_host_name(const char *name)
{
    return *name && strlen(name) <= 64 &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_") ==
               strlen(name);
}

static bool fill_certificate(X509 *x, EVP_PKEY *key, const char *name)
{
    char names[200];
    uint64_t serial;
    X509_NAME *subject = X509_get_subject_name(x);
    const char *cn = is_host_name(name) ? name : "localhost";

    if (RAND_bytes((unsigned char *)&serial, sizeof serial) != 1)
        return false;
    (void)snprintf(names, sizeof names, "DNS:%s,DNS:localhost,IP:127.0.0.1,IP:::1", cn);
    return X509_set_version(x, X509_VERSION_3) == 1 &&
           ASN1_INTEGER_set_uint64(X509_get_serialNumber(x), serial >> 1 | 1) == 1 &&
           X509_gmtime_adj(X509_getm_notBefore(x), -DAY) &&
           X509_gmtime_adj(X509_getm_notAfter(x), VALID_DAYS * DAY) &&
           X509_set_pubkey(x, key) == 1 &&
           X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)cn, -1,
                                      -1, 0) == 1 &&
           X509_set_issuer_name(x, subject) == 1 &&
           add_extension(x, NID_basic_constraints, "critical,CA:TRUE") &&
           add_extension(x, NID_subject_key_identifier, "hash") &&
           add_extension(x, NID_subject_alt_name, names) && X509_sign(x, key, EVP_sha256()) > 0;
}

/* The text in a memory BIO, which is freed; NULL when out of memory. */
static char *text_of(BIO *b, bool written)
{
    char *from;
    long n = b ? BIO_get_mem_data(b, &from) : 0;
    char *text = written && n > 0 ? strndup(from, (size_t)n) : NULL;

    BIO_free(b);
    return text;
}

int tls_identity_make(struct tls_identity *id, const char *name, struct diag *d)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x = X509_new();
    unsigned n = 0;
    BIO *b;

    *id = (struct tls_identity){0};
    if (key && x && fill_certificate(x, key, name) &&
        X509_digest(x, EVP_sha256(), id->digest, &n) == 1 &&
        RAND_bytes(id->ticket_keys, sizeof id->ticket_keys) == 1) {
        b = BIO_new(BIO_s_mem());
        id->cert = text_of(b, b && PEM_write_bio_X509(b, x) == 1);
        b = BIO_new(BIO_s_mem());
        id->key = text_of(b, b && PEM_write_bio_PrivateKey(b, key, NULL, NULL, 0, NULL, NULL) == 1);
    }
    EVP_PKEY_free(key);
    X509_free(x);
    if (id->cert && id->key)
        return 0;
    tls_identity_done(id);
    return tls_diag(d, -EIO, "cannot make a certificate");
}

static int no_passphrase(char *buffer, int size, int writing, void *arg)
{
    (void)buffer;
    (void)size;
    (void)writing;
    (void)arg;
    return -1;
}

/* The certificate, then those behind it. */
static bool use_certificates(SSL_CTX *ctx, const char *pem)
{
    BIO *b = BIO_new_mem_buf(pem, -1);
    X509 *x = b ? PEM_read_bio_X509_AUX(b, NULL, no_passphrase, NULL) : NULL;
    bool good = x && SSL_CTX_use_certificate(ctx, x) == 1;

    X509_free(x);
    while (good && (x = PEM_read_bio_X509(b, NULL, no_passphrase, NULL)) != NULL) {
        good = SSL_CTX_add0_chain_cert(ctx, x) == 1;
        if (!good)
            X509_free(x);
    }
    BIO_free(b);
    /* The end of the file shows as a missing first line. */
    if (good)
        ERR_clear_error();
    return good;
}

int tls_identity_use(const struct tls_identity *id, SSL_CTX *ctx, const struct tls_settings *s,
                     struct diag *d)
{
    const char *cert_file = s->cert ? s->cert : "self-signed";
    const char *key_file = s->key ? s->key : cert_file;
    EVP_PKEY *key = NULL;
    BIO *b;
    bool good;

    if (!id->cert)
        return 0;
    if (!use_certificates(ctx, id->cert))
        return tls_diag(d, -EINVAL, "bad certificate: %s (--tls-cert takes a PEM file)", cert_file);
    b = BIO_new_mem_buf(id->key, -1);
    if (b)
        key = PEM_read_bio_PrivateKey(b, NULL, no_passphrase, NULL);
    BIO_free(b);
    if (!key)
        return tls_diag(d, -EINVAL,
                        "bad private key: %s (--tls-key takes a PEM file, without passphrase)",
                        key_file);
    good = SSL_CTX_use_PrivateKey(ctx, key) == 1 && SSL_CTX_check_private_key(ctx) == 1;
    EVP_PKEY_free(key);
    if (good)
        return 0;
    ERR_clear_error();
    return diag_set(d, -EINVAL, "the private key %s does not fit the certificate %s (--tls-key)",
                    key_file, cert_file);
}
