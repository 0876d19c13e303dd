/*
 * What is asked of TLS, for both ends: filled from the command line, then frozen.
 */
#ifndef TLS_TLS_SETTINGS_H
#define TLS_TLS_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "diag.h"
#include "opt.h"

#define TLS_DIGEST_SIZE 32 /* SHA-256 */
#define TLS_PINS_MAX    8

/* --tls-client-cert */
enum tls_client_cert { TLS_CLIENT_CERT_NO, TLS_CLIENT_CERT_ASK, TLS_CLIENT_CERT_REQUIRE };

struct tls_settings {
    const char *cert; /* PEM file: certificate, and the chain behind it; NULL: none */
    const char *key;  /* PEM file; NULL: it stands in cert too */
    const char *ca;   /* PEM file, or directory as made by openssl rehash; NULL: the system's */
    const char *name; /* for SNI, and the name checked; NULL: the host's */
    const char *ciphers;
    const char *groups;
    const char *alpn; /* protocols, separated by commas */
    int min;          /* TLS1_VERSION …; 0: the library's */
    int max;
    int client_cert;    /* enum tls_client_cert */
    bool no_verify;     /* take any certificate */
    uint32_t resume;    /* of 100 handshakes so many are to resume a session */
    bool resume_set;    /* resume was asked for */
    uint32_t pin_count; /* above 0: exactly these certificates or keys are trusted */
    uint8_t pins[TLS_PINS_MAX][TLS_DIGEST_SIZE];
};

/* Their settings are a struct tls_settings. */
extern const struct opt tls_client_options[];
extern const size_t tls_client_option_count;
extern const struct opt tls_server_options[];
extern const size_t tls_server_option_count;

/* The option that was given though there is no TLS ("tls-ca"); NULL: none. */
const char *tls_settings_used(const struct tls_settings *);

/* Options that exclude each other. 0 or -EINVAL, diag set. */
int tls_settings_check(const struct tls_settings *, struct diag *);

#endif
