/*
 * What a thread needs to speak TLS: an SSL_CTX of its own, made of the settings.
 */
#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#include "tls_impl.h"
#include "tls_words.h"

/* The most that a list of ciphers may be long. */
#define LIST_MAX 2000

struct cipher_lists {
    char old[LIST_MAX];    /* up to TLS 1.2 */
    char modern[LIST_MAX]; /* TLS 1.3 */
};

static void append(char *list, const char *word, size_t n)
{
    size_t at = strlen(list);

    if (at > 0)
        list[at++] = ':';
    memcpy(list + at, word, n);
    list[at + n] = '\0';
}

/* OpenSSL leaves out names that it does not know; here they are faults. */
static int check_cipher(SSL_CTX *ctx, const char *word, size_t n, struct diag *d)
{
    char name[LIST_MAX];
    bool modern = n > 4 && strncmp(word, "TLS_", 4) == 0;

    memcpy(name, word, n);
    name[n] = '\0';
    if (strchr("!+-@", *word))
        return 0;
    if ((modern ? SSL_CTX_set_ciphersuites : SSL_CTX_set_cipher_list)(ctx, name) == 1)
        return 0;
    ERR_clear_error();
    return diag_set(d, -EINVAL,
                    "bad cipher: %.60s (--tls-ciphers takes names that \"openssl "
                    "ciphers -s\" shows, separated by colons)",
                    name);
}

static int split_ciphers(SSL_CTX *ctx, const char *list, struct cipher_lists *l, struct diag *d)
{
    *l = (struct cipher_lists){"", ""};
    if (strlen(list) >= LIST_MAX)
        return diag_set(d, -EINVAL, "bad cipher list: too long (--tls-ciphers)");
    while (*list) {
        size_t n = strcspn(list, ":, ");
        int rc = n > 0 ? check_cipher(ctx, list, n, d) : 0;

        if (rc < 0)
            return rc;
        if (n > 0)
            append(strncmp(list, "TLS_", 4) == 0 ? l->modern : l->old, list, n);
        list += n;
        list += *list != '\0';
    }
    if (!*l->old && !*l->modern)
        return diag_set(d, -EINVAL, "bad cipher list: empty (--tls-ciphers)");
    return 0;
}

/* "DEFAULT@SECLEVEL=0" and the like say nothing of versions. */
static bool names_ciphers(const char *list)
{
    return *list && strncmp(list, "DEFAULT", 7) != 0 && strncmp(list, "ALL", 3) != 0 &&
           *list != '@';
}

/*
 * A version none of whose ciphers was named is not spoken: nobody gets another cipher than those
 * that were asked for.
 */
static int set_ciphers(SSL_CTX *ctx, const struct tls_settings *s, int *min, int *max,
                       struct diag *d)
{
    struct cipher_lists l;
    int rc;

    if (!s->ciphers)
        return 0;
    rc = split_ciphers(ctx, s->ciphers, &l, d);
    if (rc < 0)
        return rc;
    if (SSL_CTX_set_cipher_list(ctx, *l.old ? l.old : "DEFAULT") != 1 ||
        (*l.modern && SSL_CTX_set_ciphersuites(ctx, l.modern) != 1))
        return tls_diag(d, -EINVAL, "bad cipher list: %.200s (--tls-ciphers)", s->ciphers);
    if (!*l.old) {
        if (*max && *max < TLS1_3_VERSION)
            return diag_set(d, -EINVAL,
                            "--tls-ciphers names only ciphers of TLS 1.3, and "
                            "--tls-max leaves that out");
        *min = TLS1_3_VERSION;
    } else if (!*l.modern && names_ciphers(l.old)) {
        if (*min == TLS1_3_VERSION)
            return diag_set(d, -EINVAL,
                            "--tls-ciphers names no cipher of TLS 1.3, and --tls-min "
                            "wants that version");
        *max = *max && *max < TLS1_2_VERSION ? *max : TLS1_2_VERSION;
    }
    return 0;
}

/* What both ends have in common. */
static int shape(struct tls_context *cx, const struct tls_identity *id, struct diag *d)
{
    const struct tls_settings *s = cx->settings;
    int min = s->min;
    int max = s->max;
    int rc;

    SSL_CTX_set_mode(cx->ctx, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_options(cx->ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    /* TLS 1.0 and 1.1 sign with SHA-1, which the usual levels forbid. */
    if ((min && min < TLS1_2_VERSION) || (max && max < TLS1_2_VERSION)) {
        SSL_CTX_set_security_level(cx->ctx, 0);
        min = min ? min : max;
    }
    rc = set_ciphers(cx->ctx, s, &min, &max, d);
    if (rc < 0)
        return rc;
    if ((min && SSL_CTX_set_min_proto_version(cx->ctx, min) != 1) ||
        (max && SSL_CTX_set_max_proto_version(cx->ctx, max) != 1))
        return tls_diag(d, -EINVAL, "this version of TLS can't be had (--tls-min, --tls-max)");
    if (s->groups && SSL_CTX_set1_groups_list(cx->ctx, (void *)(uintptr_t)s->groups) != 1) {
        ERR_clear_error();
        return diag_set(d, -EINVAL,
                        "bad groups: %.100s (--tls-groups takes names such as "
                        "X25519:P-256:P-384)",
                        *s->groups ? s->groups : "empty");
    }
    return tls_identity_use(id, cx->ctx, s, d);
}

/* RFC 7301: each name with its length in front. */
static int set_alpn(SSL_CTX *ctx, const char *list, struct diag *d)
{
    unsigned char wire[256];
    size_t at = 0;

    for (const char *p = list;; p++) {
        size_t n = strcspn(p, ",");

        if (n == 0 || at + 1 + n > sizeof wire)
            return diag_set(d, -EINVAL,
                            "bad protocols: %.100s (--tls-alpn takes names separated by commas, "
                            "%d characters in all)",
                            *list ? list : "empty", (int)sizeof wire - 1);
        wire[at++] = (unsigned char)n;
        memcpy(wire + at, p, n);
        at += n;
        p += n;
        if (!*p)
            break;
    }
    return SSL_CTX_set_alpn_protos(ctx, wire, (unsigned)at) == 0 ? 0
                                                                 : tls_diag(d, -ENOMEM, "no ALPN");
}

static struct tls_context *context_new(const SSL_METHOD *method, const struct tls_settings *s,
                                       struct diag *d)
{
    struct tls_context *cx = calloc(1, sizeof *cx);

    if (cx) {
        cx->settings = s;
        cx->ctx = SSL_CTX_new(method);
        cx->method = tls_bio_method();
    }
    if (cx && cx->ctx && cx->method)
        return cx;
    tls_context_free(cx);
    (void)tls_diag(d, -ENOMEM, "cannot begin with TLS");
    return NULL;
}

struct tls_context *tls_context_client(const struct tls_settings *s, const struct tls_identity *id,
                                       const char *host, uint64_t seed, struct diag *d)
{
    struct tls_context *cx = context_new(TLS_client_method(), s, d);

    if (!cx)
        return NULL;
    cx->rng.state = seed;
    if (shape(cx, id, d) == 0 && (!s->alpn || set_alpn(cx->ctx, s->alpn, d) == 0) &&
        tls_trust(cx, host, d) == 0 && (s->resume == 0 || tls_sessions_keep(cx, d) == 0))
        return cx;
    tls_context_free(cx);
    return NULL;
}

struct tls_context *tls_context_server(const struct tls_settings *s, const struct tls_identity *id,
                                       struct diag *d)
{
    static const unsigned char name[] = "smtp-sink";
    struct tls_context *cx = context_new(TLS_server_method(), s, d);
    unsigned char keys[sizeof id->ticket_keys];

    if (!cx)
        return NULL;
    cx->server = true;
    memcpy(keys, id->ticket_keys, sizeof keys);
    (void)SSL_CTX_set_dh_auto(cx->ctx, 1);
    /* Tickets only, which take no memory here. */
    SSL_CTX_set_session_cache_mode(cx->ctx, SSL_SESS_CACHE_OFF);
    if (shape(cx, id, d) == 0 && tls_trust_clients(cx, d) == 0 &&
        SSL_CTX_set_session_id_context(cx->ctx, name, sizeof name - 1) == 1 &&
        SSL_CTX_set_tlsext_ticket_keys(cx->ctx, keys, sizeof keys) == 1)
        return cx;
    tls_context_free(cx);
    return NULL;
}

void tls_context_free(struct tls_context *cx)
{
    if (!cx)
        return;
    tls_sessions_drop(cx);
    while (cx->spare) {
        struct tls_buffer *b = cx->spare;

        cx->spare = b->next;
        free(b->octets);
        free(b);
    }
    SSL_CTX_free(cx->ctx);
    BIO_meth_free(cx->method);
    free(cx);
}
