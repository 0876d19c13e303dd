/*
 * The filter on a connection. Ciphertext is sent one buffer at a time, and plaintext is only
 * encrypted when the buffer before it has gone: so a slow peer holds one buffer, not a message.
 */
#include "secure.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tls_impl.h"

struct secure {
    struct io_filter filter; /* the conn refers to it */
    struct io *io;
    struct io_conn *conn;
    const struct io_handler *owner;
    const struct secure_handler *handler;
    struct tls tls;
    struct tls_buffer *sending; /* in the driver's hands */
    size_t sending_left;
    size_t sending_plain; /* the owner's octets in it */
    size_t before;        /* of a send that was outstanding at the start */
    struct iovec *iov;    /* the rest of the owner's send: a copy of its slices */
    size_t iov_first, iov_count, iov_size;
    struct timer timer; /* for a failure that is to be told, but not now */
    bool closing;
    bool failed; /* told, as the next one */
    bool ended;
};

static struct secure *of_conn(const struct io_conn *c)
{
    return (struct secure *)(void *)((char *)c->filter - offsetof(struct secure, filter));
}

/* Sends what there is, if nothing is on its way. */
static void flush(struct secure *sc)
{
    struct iovec v;

    if (sc->sending || sc->before > 0 || !sc->tls.out)
        return;
    sc->sending = tls_output(&sc->tls);
    sc->sending_left = sc->sending->used;
    v = (struct iovec){sc->sending->octets, sc->sending_left};
    sc->io->driver->send(sc->io, sc->conn, &v, 1);
}

/* Encrypts the next part of the owner's send. */
static void encrypt(struct secure *sc)
{
    size_t n;

    if (sc->sending || sc->before > 0 || sc->iov_first == sc->iov_count ||
        sc->tls.state == TLS_HANDSHAKE)
        return;
    n = tls_write(&sc->tls, sc->iov + sc->iov_first, sc->iov_count - sc->iov_first);
    sc->sending_plain = n;
    while (n > 0) {
        struct iovec *v = &sc->iov[sc->iov_first];
        size_t part = n < v->iov_len ? n : v->iov_len;

        v->iov_base = (char *)v->iov_base + part;
        v->iov_len -= part;
        n -= part;
        sc->iov_first += v->iov_len == 0;
    }
    while (sc->iov_first < sc->iov_count && sc->iov[sc->iov_first].iov_len == 0)
        sc->iov_first++;
    flush(sc);
    if (sc->tls.state == TLS_FAILED)
        io_timer_set(sc->io, &sc->timer, io_now(sc->io));
}

static void tell_failure(struct secure *sc)
{
    if (sc->failed || sc->closing)
        return;
    sc->failed = true;
    sc->handler->failed(sc->conn, tls_why(&sc->tls));
}

static void tell_late(struct timer *t)
{
    tell_failure((struct secure *)(void *)((char *)t - offsetof(struct secure, timer)));
}

static void filter_send(struct io *io, struct io_conn *c, const struct iovec *iov, int count)
{
    struct secure *sc = of_conn(c);
    size_t n = (size_t)count;

    if (sc->closing || sc->failed)
        return;
    if (n > sc->iov_size) {
        struct iovec *grown = realloc(sc->iov, n * sizeof *grown);

        if (!grown) {
            sc->tls.state = TLS_FAILED;
            (void)diag_set(&sc->tls.cx->why, 0, "out of memory");
            io_timer_set(io, &sc->timer, io_now(io));
            return;
        }
        sc->iov = grown;
        sc->iov_size = n;
    }
    memcpy(sc->iov, iov, n * sizeof *iov);
    sc->iov_first = 0;
    sc->iov_count = n;
    encrypt(sc);
}

/*
 * An orderly close ends TLS too, where that can still be said: behind a send that is not done it
 * can't. A failure's alert, which is on its way, makes any close orderly: the peer is to know why.
 */
static void filter_close(struct io *io, struct io_conn *c, enum io_close_how how)
{
    struct secure *sc = of_conn(c);

    if (!sc->closing && how == IO_CLOSE_FIN) {
        tls_close(&sc->tls);
        flush(sc);
    } else if (!sc->closing && sc->tls.state == TLS_FAILED && sc->sending) {
        how = IO_CLOSE_FIN;
    }
    sc->closing = true;
    io_timer_cancel(io, &sc->timer);
    io->driver->close(io, c, how);
}

/* The peer has ended its side, by TLS or without; sending goes on, and may still fail. */
static void tell_end(struct secure *sc, int error)
{
    if (sc->failed || sc->closing || (sc->ended && error == 0))
        return;
    sc->ended = true;
    sc->owner->ended(sc->conn, error);
}

static void shake_hands(struct secure *sc)
{
    tls_handshake(&sc->tls);
    flush(sc);
    if (sc->tls.state == TLS_OPEN)
        sc->handler->done(sc->conn, &sc->tls);
}

static void received(struct io_conn *c, const char *octets, size_t n)
{
    struct secure *sc = of_conn(c);
    struct tls *t = &sc->tls;

    sc->handler->wire(c, n, 0);
    if (sc->failed)
        return;
    tls_input(t, (struct slice){octets, n});
    if (t->state == TLS_HANDSHAKE)
        shake_hands(sc);
    while (!sc->closing && t->state == TLS_OPEN) {
        size_t got = tls_read(t, t->cx->plain, sizeof t->cx->plain);

        if (got == 0)
            break;
        sc->owner->received(c, t->cx->plain, got);
    }
    if (sc->closing)
        return;
    flush(sc);
    if (t->state == TLS_FAILED)
        tell_failure(sc);
    else if (t->state == TLS_CLOSED)
        tell_end(sc, 0);
}

static void sent(struct io_conn *c, size_t n)
{
    struct secure *sc = of_conn(c);
    size_t plain = sc->before < n ? sc->before : n;

    /* What was sent in the clear is the owner's own. */
    sc->before -= plain;
    n -= plain;
    if (plain > 0)
        sc->owner->sent(c, plain);
    if (n > 0) {
        sc->handler->wire(c, 0, n);
        sc->sending_left -= n;
    }
    if (sc->sending && sc->sending_left == 0) {
        plain = sc->sending_plain;
        tls_buffer_return(sc->tls.cx, sc->sending);
        sc->sending = NULL;
        sc->sending_plain = 0;
        if (plain > 0 && !sc->closing)
            sc->owner->sent(c, plain);
    }
    if (sc->closing || sc->failed)
        return;
    flush(sc);
    encrypt(sc);
}

static void ended(struct io_conn *c, int error)
{
    struct secure *sc = of_conn(c);
    struct tls_context *cx = sc->tls.cx;

    if (sc->tls.state != TLS_HANDSHAKE) {
        tell_end(sc, error);
        return;
    }
    sc->tls.state = TLS_FAILED;
    (void)diag_set(&cx->why, 0, "TLS: the %s closed the connection in the middle of the handshake",
                   cx->server ? "client" : "server");
    tell_failure(sc);
}

static void closed(struct io_conn *c)
{
    struct secure *sc = of_conn(c);
    const struct io_handler *owner = sc->owner;

    c->filter = NULL;
    c->handler = owner;
    io_timer_cancel(sc->io, &sc->timer);
    if (sc->sending)
        tls_buffer_return(sc->tls.cx, sc->sending);
    tls_done(&sc->tls);
    free(sc->iov);
    free(sc);
    owner->closed(c);
}

static const struct io_handler handler = {
    .received = received,
    .sent = sent,
    .ended = ended,
    .closed = closed,
};

int secure_start(struct io *io, struct io_conn *c, struct tls_context *cx,
                 const struct secure_handler *h, size_t unsent)
{
    struct secure *sc = calloc(1, sizeof *sc);

    if (!sc || tls_init(&sc->tls, cx) < 0) {
        free(sc);
        return -ENOMEM;
    }
    sc->filter = (struct io_filter){.send = filter_send, .close = filter_close};
    sc->io = io;
    sc->conn = c;
    sc->owner = c->handler;
    sc->handler = h;
    sc->before = unsent;
    sc->timer.fire = tell_late;
    c->handler = &handler;
    c->filter = &sc->filter;
    if (cx->server)
        return 0;
    tls_handshake(&sc->tls);
    flush(sc);
    if (sc->tls.state == TLS_FAILED)
        io_timer_set(io, &sc->timer, io_now(io));
    return 0;
}
