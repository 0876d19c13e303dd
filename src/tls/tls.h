/*
 * TLS as a filter: ciphertext that arrived in, plaintext out, and the other way round, all in
 * memory. No socket, no clock. A context belongs to one thread, and so do its filters.
 */
#ifndef TLS_TLS_H
#define TLS_TLS_H

#include <openssl/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "diag.h"
#include "slice.h"
#include "tls_identity.h"
#include "tls_settings.h"

/* Octets of plaintext that one tls_read() gives at most. */
#define TLS_READ_MAX 16384

/* Octets of plaintext that are encrypted at a time: what a slow peer can make us hold. */
#define TLS_WRITE_MAX 32768

/* What a peer can make us say without reading it, octets. More is a failure. */
#define TLS_OUTPUT_MAX (256 * 1024)

/* Sessions that a client keeps to resume. */
#define TLS_SESSIONS_MAX 1024

struct tls_buffer {
    struct tls_buffer *next;
    size_t used, size;
    char *octets;
};

/* What the filters of a thread share. */
struct tls_context;

enum tls_state {
    TLS_HANDSHAKE,
    TLS_OPEN,
    TLS_CLOSED, /* the peer has ended its side by an alert (close_notify) */
    TLS_FAILED  /* tls_why() */
};

struct tls {
    struct tls_context *cx;
    SSL *ssl;
    struct slice in;        /* ciphertext not read yet: the caller's */
    struct tls_buffer *out; /* ciphertext to send; NULL: none */
    uint8_t state;          /* enum tls_state */
};

/*
 * A client's context for one server. host is the name or IP address to check, unless the settings
 * have another or don't want a check; NULL: there is none. settings and identity are borrowed, the
 * identity for the call only. NULL with diag set when something in them is bad.
 */
struct tls_context *tls_context_client(const struct tls_settings *, const struct tls_identity *,
                                       const char *host, uint64_t seed, struct diag *);

/* A server's. */
struct tls_context *tls_context_server(const struct tls_settings *, const struct tls_identity *,
                                       struct diag *);

/* NULL is fine. All filters are done. */
void tls_context_free(struct tls_context *);

/* 0 or -ENOMEM. A client that is asked for it may resume a session. */
int tls_init(struct tls *, struct tls_context *);
void tls_done(struct tls *);

/*
 * Lends ciphertext that arrived. Then tls_handshake() or tls_read(), by the state, until all of it
 * is consumed, which is when they have nothing to tell.
 */
void tls_input(struct tls *, struct slice);

/* Goes on with the handshake: also to begin it. The state tells what came of it. */
void tls_handshake(struct tls *);

/* Plaintext into out; 0 when there is none (see the state). */
size_t tls_read(struct tls *, char *out, size_t size);

/* Encrypts at most TLS_WRITE_MAX octets of the slices and returns how many; 0 after a failure. */
size_t tls_write(struct tls *, const struct iovec *, size_t count);

/* Says close_notify, if the state allows it. */
void tls_close(struct tls *);

/* Why the state is TLS_FAILED; valid until the next call for any filter of the context. */
const struct diag *tls_why(const struct tls *);

/* Takes what is to be sent, or NULL; tls_buffer_return() when it was. */
struct tls_buffer *tls_output(struct tls *);
void tls_buffer_return(struct tls_context *, struct tls_buffer *);

/* After the handshake. "TLSv1.3 TLS_AES_256_GCM_SHA384 x25519" into out; returns out. */
char *tls_describe(const struct tls *, char *out, size_t size);
bool tls_resumed(const struct tls *);

#endif
