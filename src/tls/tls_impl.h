/*
 * The inside of the filter, shared by its files: tls.c (octets), tls_context.c (what a thread
 * needs), tls_verify.c (whom to trust), tls_sessions.c (what can be resumed).
 */
#ifndef TLS_TLS_IMPL_H
#define TLS_TLS_IMPL_H

#include <openssl/ssl.h>

#include "rng.h"
#include "tls.h"

/* What the filters of a thread share. */
struct tls_context {
    SSL_CTX *ctx;
    BIO_METHOD *method;
    const struct tls_settings *settings;
    struct tls_buffer *spare;
    struct rng rng;
    SSL_SESSION **sessions; /* a client's, the newest last */
    size_t session_count;
    struct diag why; /* of the last failure */
    bool server;
    bool has_name;               /* SNI is to be sent, and is host */
    char host[256];              /* the name checked */
    char plain[TLS_READ_MAX];    /* for the owner: what was decrypted */
    char gathered[TLS_READ_MAX]; /* slices that make a record */
};

/* The filter that an SSL belongs to. */
static inline struct tls *tls_of(const SSL *ssl)
{
    return SSL_get_app_data(ssl);
}

/* The BIO between an SSL and its filter. NULL when out of memory. */
BIO_METHOD *tls_bio_method(void);

/* Makes a client's context trust what its settings say. 0 or -errno with diag set. */
int tls_trust(struct tls_context *, const char *host, struct diag *);

/* And a server's, its clients. */
int tls_trust_clients(struct tls_context *, struct diag *);

/* A filter's part of it: the name. */
bool tls_expect(struct tls *);

/* Sessions: kept from now on; one put into a filter, if it is its turn; all dropped. */
int tls_sessions_keep(struct tls_context *, struct diag *);
void tls_sessions_offer(struct tls *);
void tls_sessions_drop(struct tls_context *);

#endif
