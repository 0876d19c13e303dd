/*
 * TLS on a connection: joins the filter with the I/O interface. The owner of the conn goes on as
 * before, its io_send() and its received() being plaintext from now on.
 */
#ifndef TLS_SECURE_H
#define TLS_SECURE_H

#include "io.h"
#include "tls.h"

/* One constant struct for all sessions of a kind. All come from io_turn(), as io.h's do. */
struct secure_handler {
    /* The handshake is over: from now on the owner may send, and gets what arrives. */
    void (*done)(struct io_conn *, const struct tls *);
    /* TLS has failed, why is the diag of its context. Only closed() follows, after io_close(). */
    void (*failed)(struct io_conn *, const struct diag *why);
    /* Octets of ciphertext went over the wire. */
    void (*wire)(struct io_conn *, size_t received, size_t sent);
};

/*
 * Begins the handshake on a conn that stands. unsent is what is left of an outstanding send: it
 * still goes out plain. 0, or -ENOMEM and nothing has changed. Ends with the conn. An orderly
 * io_close() delivers what sent() has told of; what is not encrypted by then is dropped.
 */
int secure_start(struct io *, struct io_conn *, struct tls_context *, const struct secure_handler *,
                 size_t unsent);

/* Do octets that the owner sends and receives differ from those on the wire? */
static inline bool secure_is(const struct io_conn *c)
{
    return c->filter != NULL;
}

#endif
