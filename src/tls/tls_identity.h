/*
 * Who an end of TLS is: certificate and private key, in memory, so that every thread's context is
 * made from the same octets, also after the files are out of reach.
 */
#ifndef TLS_TLS_IDENTITY_H
#define TLS_TLS_IDENTITY_H

#include <openssl/types.h>
#include <stddef.h>
#include <stdint.h>

#include "diag.h"
#include "tls_settings.h"

struct tls_identity {
    char *cert;              /* PEM: certificate, then its chain; NULL: none */
    char *key;               /* PEM */
    uint8_t ticket_keys[80]; /* a server's, so that each thread resumes what another began */
    uint8_t digest[TLS_DIGEST_SIZE]; /* SHA-256 of a self-signed certificate */
};

/* Reads the settings' files, if any. 0, or -errno with diag set and nothing to free. */
int tls_identity_load(struct tls_identity *, const struct tls_settings *, struct diag *);

/* Makes a key (P-256) and a certificate for this name, localhost and the loopback addresses. */
int tls_identity_make(struct tls_identity *, const char *name, struct diag *);

/* Takes a zeroed one. */
void tls_identity_done(struct tls_identity *);

/* Puts it into a context. 0 or -EINVAL with diag set. settings name the files, for the words. */
int tls_identity_use(const struct tls_identity *, SSL_CTX *, const struct tls_settings *,
                     struct diag *);

#endif
