/*
 * A connection's life in the epoll driver: connecting, sending, receiving, closing, and what of it
 * its owner is told. See epoll.c for the rules that make this cheap and safe.
 */
#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "endpoint.h"
#include "epoll_impl.h"
#include "sock.h"
#include "units.h"
#include "wait.h"

enum {
    DRAIN_MAX = 64,        /* receives after a failed send */
    SEND_MAX = 256 * 1024, /* octets a system call, about; what a socket buffer may have room for */
};

#define CONNECT_PAUSE (5 * NS_PER_MS) /* between tries at a full UNIX listen queue */
#define FIN_MAX       NS_PER_S        /* for an orderly close */

/* io_conn.flags */
enum {
    LIVE = 1 << 0,           /* between io_connect() or accept and closed() */
    QUEUED = 1 << 1,         /* in the work list */
    WAITING = 1 << 2,        /* to try again to connect */
    CONNECTING = 1 << 3,     /* until it is writable */
    PAUSED = 1 << 4,         /* the owner does not want to receive */
    PEER_DONE = 1 << 5,      /* the peer has ended its side, all it sent was received */
    BROKEN = 1 << 6,         /* a send failed; what can still be received is told first */
    FAILED = 1 << 7,         /* the error is known, the descriptor closed */
    CLOSING = 1 << 8,        /* io_close() was called */
    TELL_CONNECTED = 1 << 9, /* what is due from the work list */
    TELL_END = 1 << 10,
    TELL_CLOSED = 1 << 11,
    REGISTERED = 1 << 12, /* in the epoll set, and for what: */
    WATCH_IN = 1 << 13,
    WATCH_OUT = 1 << 14,
};

static void enqueue(struct ep *ep, struct io_conn *c)
{
    if (c->flags & QUEUED)
        return;
    c->flags |= QUEUED;
    c->next = NULL;
    if (ep->head)
        ep->tail->next = c;
    else
        ep->head = c;
    ep->tail = c;
}

/* ---- Its registration, and the ways it comes to an end ---- */

static uint32_t wanted(const struct io_conn *c)
{
    uint32_t want = 0;

    if (c->flags & CONNECTING)
        return WATCH_OUT;
    if (!(c->flags & PEER_DONE) && (c->flags & CLOSING || !(c->flags & PAUSED)))
        want |= WATCH_IN;
    if (c->unsent_count)
        want |= WATCH_OUT;
    return want;
}

/* Makes the epoll set agree with what the conn wants. Returns 0 or a positive errno. */
static int watch(struct ep *ep, struct io_conn *c)
{
    uint32_t want = wanted(c);
    struct epoll_event e = {.data.ptr = c};
    int op = c->flags & REGISTERED ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

    if (c->flags & REGISTERED && (c->flags & (WATCH_IN | WATCH_OUT)) == want)
        return 0;
    e.events = (want & WATCH_IN ? EPOLLIN : 0) | (want & WATCH_OUT ? EPOLLOUT : 0);
    if (epoll_ctl(ep->fd, op, c->fd, &e) < 0)
        return errno;
    c->flags &= ~(uint32_t)(WATCH_IN | WATCH_OUT);
    c->flags |= REGISTERED | want;
    return 0;
}

/*
 * Takes the conn out of the epoll set: a hang-up is reported for as long as it stands, whatever was
 * asked for, and would keep the turns spinning.
 */
static void unwatch(struct ep *ep, struct io_conn *c)
{
    struct epoll_event none = {0};

    if (c->flags & REGISTERED)
        (void)epoll_ctl(ep->fd, EPOLL_CTL_DEL, c->fd, &none);
    c->flags &= ~(uint32_t)(REGISTERED | WATCH_IN | WATCH_OUT);
}

static void forget_unsent(struct io_conn *c)
{
    free(c->unsent);
    c->unsent = NULL;
    c->unsent_count = 0;
}

/* Gives back all that the conn holds. */
static void release(struct io_conn *c, enum io_close_how how)
{
    io_wait_end(c);
    forget_unsent(c);
    if (c->fd >= 0 && how == IO_CLOSE_RESET)
        sock_reset(c->fd);
    else if (c->fd >= 0)
        (void)close(c->fd);
    c->fd = -1;
    c->flags &= ~(uint32_t)(REGISTERED | WATCH_IN | WATCH_OUT | WAITING | CONNECTING | BROKEN);
}

/* The close is complete. */
static void finish(struct ep *ep, struct io_conn *c, enum io_close_how how)
{
    release(c, how);
    c->flags |= CLOSING | TELL_CLOSED;
    enqueue(ep, c);
}

static void fail(struct ep *ep, struct io_conn *c, int error, uint32_t tell)
{
    release(c, IO_CLOSE_FIN);
    c->error = error;
    c->flags |= FAILED | tell;
    enqueue(ep, c);
}

/* Sending is over with an error; what the peer sent before is still to be told, see drain(). */
static void break_off(struct ep *ep, struct io_conn *c, int error)
{
    forget_unsent(c);
    c->error = error;
    c->flags |= BROKEN;
    enqueue(ep, c);
}

static void start(struct ep *ep, struct io_conn *c, int fd)
{
    assert(!(c->flags & LIVE) && c->handler);
    c->io = &ep->io;
    c->fd = fd;
    c->flags = LIVE;
    c->error = 0;
    c->drained = 0;
    c->sent_now = 0;
    ep->io.live++;
}

/* ---- Connecting ---- */

static void connect_try(struct ep *ep, struct io_conn *c, const struct address *a);

static void connect_again(struct timer *t)
{
    struct io_conn *c = io_wait_conn(t);

    c->flags &= ~(uint32_t)WAITING;
    connect_try(ep_of(c->io), c, &c->wait->target);
}

static void connect_later(struct ep *ep, struct io_conn *c, const struct address *a)
{
    if (io_wait_until(c, ep_clock(&ep->io) + CONNECT_PAUSE, connect_again) < 0) {
        fail(ep, c, ENOMEM, TELL_CONNECTED);
        return;
    }
    if (a != &c->wait->target)
        c->wait->target = *a;
    c->flags |= WAITING;
}

static void connect_done(struct ep *ep, struct io_conn *c, int error)
{
    c->flags &= ~(uint32_t)CONNECTING;
    if (!error)
        error = watch(ep, c);
    if (error) {
        fail(ep, c, error, TELL_CONNECTED);
        return;
    }
    io_wait_end(c);
    c->flags |= TELL_CONNECTED;
    enqueue(ep, c);
}

static void connect_try(struct ep *ep, struct io_conn *c, const struct address *a)
{
    int error = sock_connect(c->fd, a, &ep->io.options);

    /*
     * On the loopback the handshake is complete by the time the first call has returned; asking
     * again costs one system call instead of three for waiting.
     */
    if (error == EINPROGRESS)
        error = connect(c->fd, &a->sa, a->length) < 0 ? errno : 0;
    if (error == EISCONN)
        error = 0;
    if (error == EAGAIN && a->sa.sa_family == AF_UNIX) {
        connect_later(ep, c, a);
        return;
    }
    if (error == EALREADY || error == EINPROGRESS || error == EINTR) {
        c->flags |= CONNECTING;
        error = watch(ep, c);
        if (!error)
            return;
    }
    connect_done(ep, c, error);
}

void ep_connect(struct io *io, struct io_conn *c, const struct address *a,
                const struct address *source)
{
    struct ep *ep = ep_of(io);
    int fd = sock_new(a, source, &io->options);

    start(ep, c, fd < 0 ? -1 : fd);
    if (fd < 0)
        fail(ep, c, -fd, TELL_CONNECTED);
    else
        connect_try(ep, c, a);
}

void ep_conn_accepted(struct ep *ep, struct io_conn *c, int fd)
{
    int error;

    start(ep, c, fd);
    if (c->handler->connected) {
        c->flags |= TELL_CONNECTED;
        enqueue(ep, c);
    }
    error = watch(ep, c);
    if (error)
        break_off(ep, c, error);
}

/* ---- Sending ---- */

/*
 * How many slices are worth giving to one call, and their octets: the kernel reads them all,
 * however few it has room for.
 */
static size_t portion(const struct iovec *iov, size_t count, size_t *octets)
{
    size_t n = 0;

    for (*octets = 0; n < count && n < IOV_MAX && *octets < SEND_MAX; n++)
        *octets += iov[n].iov_len;
    return n;
}

/* One system call. Returns the octets taken or -errno; 0 when it is full. */
static ssize_t push(int fd, struct iovec *iov, size_t count)
{
    struct msghdr m = {.msg_iov = iov, .msg_iovlen = count};
    ssize_t n = count == 1 ? send(fd, iov->iov_base, iov->iov_len, MSG_NOSIGNAL)
                           : sendmsg(fd, &m, MSG_NOSIGNAL);

    if (n >= 0)
        return n;
    return errno == EAGAIN || errno == EINTR ? 0 : -errno;
}

/* Moves past n octets. */
static void advance(struct io_conn *c, size_t n)
{
    while (c->unsent_count) {
        struct iovec *v = &c->unsent[c->unsent_first];

        if (n < v->iov_len) {
            v->iov_base = (char *)v->iov_base + n;
            v->iov_len -= n;
            return;
        }
        n -= v->iov_len;
        c->unsent_first++;
        c->unsent_count--;
    }
    forget_unsent(c);
}

/* Keeps all but the first n octets, for when there is room. Returns 0 or a positive errno. */
static int keep_unsent(struct io_conn *c, const struct iovec *iov, size_t count, size_t n)
{
    while (n >= iov->iov_len) {
        n -= iov->iov_len;
        iov++;
        count--;
    }
    c->unsent = malloc(count * sizeof *iov);
    if (!c->unsent)
        return ENOMEM;
    memcpy(c->unsent, iov, count * sizeof *iov);
    c->unsent_first = 0;
    c->unsent_count = (uint16_t)count;
    advance(c, n);
    return 0;
}

/*
 * Sends what the kernel takes: a call that takes all it was given may be followed by another, one
 * that does not has filled the buffer. Adds the octets taken to done; sets all_sent if that was
 * all. Returns 0 or a positive errno.
 */
static int push_all(int fd, const struct iovec *iov, size_t count, size_t *done, bool *all_sent)
{
    while (count) {
        size_t octets;
        size_t part = portion(iov, count, &octets);
        /* sendmsg() reads the slices only; an empty portion needs no call. */
        ssize_t n = octets ? push(fd, (struct iovec *)(uintptr_t)iov, part) : 0;

        if (n < 0)
            return (int)-n;
        *done += (size_t)n;
        if ((size_t)n < octets)
            break;
        iov += part;
        count -= part;
    }
    *all_sent = count == 0;
    return 0;
}

void ep_send(struct io *io, struct io_conn *c, const struct iovec *iov, int count)
{
    struct ep *ep = ep_of(io);
    size_t done = 0;
    bool all_sent = false;
    int error;

    assert(c->flags & LIVE && !(c->flags & (CONNECTING | WAITING)));
    if (c->flags & (CLOSING | FAILED | BROKEN))
        return;
    assert(!c->unsent_count && !c->sent_now); /* one outstanding */
    error = push_all(c->fd, iov, (size_t)count, &done, &all_sent);
    if (!error && !all_sent) {
        error = keep_unsent(c, iov, (size_t)count, done);
        if (!error)
            error = watch(ep, c);
    }
    c->sent_now = (uint32_t)done;
    if (done)
        enqueue(ep, c);
    if (error)
        break_off(ep, c, error);
}

/* There may be room for the rest of a send. Returns 0 or a positive errno. */
static int send_more(struct ep *ep, struct io_conn *c)
{
    struct iovec *iov = c->unsent + c->unsent_first;
    size_t octets;
    ssize_t n = push(c->fd, iov, portion(iov, c->unsent_count, &octets));

    if (n < 0)
        return (int)-n;
    if (n > 0) {
        advance(c, (size_t)n);
        c->sent_now += (uint32_t)n;
        enqueue(ep, c);
    }
    return 0;
}

/* ---- Receiving ---- */

static ssize_t receive(struct ep *ep, struct io_conn *c)
{
    ssize_t n = recv(c->fd, ep->buffer, sizeof ep->buffer, 0);

    if (n < 0)
        n = errno == EINTR ? -EAGAIN : -errno;
    (void)io_clock(&ep->io);
    return n;
}

static void receive_event(struct ep *ep, struct io_conn *c)
{
    ssize_t n = receive(ep, c);

    if (n > 0) {
        c->handler->received(c, ep->buffer, (size_t)n);
    } else if (n == 0) {
        c->flags |= PEER_DONE | TELL_END;
        enqueue(ep, c);
    } else if (n != -EAGAIN) {
        fail(ep, c, (int)-n, TELL_END);
    }
}

/*
 * A send has failed. Replies that came before the reset are still in the kernel: they are told
 * before the error is, one receive at a time.
 */
static void drain(struct ep *ep, struct io_conn *c)
{
    if (!(c->flags & (PEER_DONE | PAUSED)) && c->drained++ < DRAIN_MAX) {
        ssize_t n = receive(ep, c);

        if (n > 0) {
            enqueue(ep, c);
            c->handler->received(c, ep->buffer, (size_t)n);
            return;
        }
    }
    fail(ep, c, c->error, TELL_END);
}

void ep_pause(struct io *io, struct io_conn *c, bool paused)
{
    struct ep *ep = ep_of(io);
    int error;

    if (!(c->flags & LIVE))
        return;
    if (paused) {
        c->flags |= PAUSED; /* the registration follows when something arrives: maybe never */
        return;
    }
    c->flags &= ~(uint32_t)PAUSED;
    if (c->fd < 0 || c->flags & (CONNECTING | WAITING | BROKEN | CLOSING))
        return;
    error = watch(ep, c);
    if (error)
        break_off(ep, c, error);
}

/* ---- Closing ---- */

static void linger_over(struct timer *t)
{
    struct io_conn *c = io_wait_conn(t);

    finish(ep_of(c->io), c, IO_CLOSE_FIN);
}

/* All is sent: says so, and waits for the peer's end. */
static void linger_shut(struct ep *ep, struct io_conn *c)
{
    if (c->flags & PEER_DONE || shutdown(c->fd, SHUT_WR) < 0 || watch(ep, c) != 0)
        finish(ep, c, IO_CLOSE_FIN);
}

/*
 * close() with octets unread makes the kernel send RST, which destroys what the peer has not read
 * yet; so does closing before its next octets arrive. Therefore we read on until it ends.
 */
static void linger(struct ep *ep, struct io_conn *c)
{
    c->flags |= CLOSING;
    c->flags &= ~(uint32_t)(TELL_CONNECTED | TELL_END);
    if (io_wait_until(c, ep_clock(&ep->io) + FIN_MAX, linger_over) < 0)
        finish(ep, c, IO_CLOSE_FIN);
    else if (!c->unsent_count)
        linger_shut(ep, c);
    else if (watch(ep, c) != 0)
        finish(ep, c, IO_CLOSE_FIN);
}

static void linger_event(struct ep *ep, struct io_conn *c, uint32_t events)
{
    ssize_t n;

    if (c->unsent_count && events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) {
        if (send_more(ep, c) != 0) {
            finish(ep, c, IO_CLOSE_FIN);
            return;
        }
        if (!c->unsent_count)
            linger_shut(ep, c);
    }
    if (c->flags & (TELL_CLOSED | PEER_DONE) || !(events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
        return;
    n = receive(ep, c);
    if (n > 0 || n == -EAGAIN)
        return;
    c->flags |= PEER_DONE;
    if (n < 0 || !c->unsent_count || watch(ep, c) != 0)
        finish(ep, c, IO_CLOSE_FIN);
}

void ep_close(struct io *io, struct io_conn *c, enum io_close_how how)
{
    struct ep *ep = ep_of(io);
    bool up = c->fd >= 0 && !(c->flags & (CONNECTING | WAITING | BROKEN | FAILED));

    if (!(c->flags & LIVE) || c->flags & TELL_CLOSED)
        return;
    if (how == IO_CLOSE_FIN && c->flags & CLOSING)
        return;
    if (how == IO_CLOSE_RESET || !up)
        finish(ep, c, how);
    else if (c->flags & PEER_DONE && !c->unsent_count)
        finish(ep, c, IO_CLOSE_FIN);
    else
        linger(ep, c);
}

/* ---- Events ---- */

static void connect_event(struct ep *ep, struct io_conn *c)
{
    connect_done(ep, c, sock_error(c->fd));
}

/* A hang-up or error, while nothing is to be received: told only if there is an error to tell. */
static void hung_up(struct ep *ep, struct io_conn *c)
{
    int error = c->flags & PEER_DONE ? sock_error(c->fd) : 0;

    if (error)
        fail(ep, c, error, TELL_END);
    else
        unwatch(ep, c);
}

void ep_conn_event(struct ep *ep, struct io_conn *c, uint32_t events)
{
    bool down = events & (EPOLLHUP | EPOLLERR);
    int error = 0;

    /* What is due from the work list comes first; level triggering will repeat the rest. */
    if (c->flags & (TELL_CLOSED | TELL_CONNECTED | TELL_END | BROKEN | FAILED))
        return;
    if (c->flags & CLOSING) {
        linger_event(ep, c, events);
        return;
    }
    if (c->flags & CONNECTING) {
        connect_event(ep, c);
        return;
    }
    if (c->unsent_count && (down || events & EPOLLOUT))
        error = send_more(ep, c);
    else if (events & EPOLLOUT)
        error = watch(ep, c);
    if (error) {
        break_off(ep, c, error);
    } else if (c->flags & (PEER_DONE | PAUSED)) {
        if (down && !c->unsent_count)
            hung_up(ep, c);
        else if (events & EPOLLIN && (error = watch(ep, c)) != 0)
            break_off(ep, c, error);
    } else if (down || events & EPOLLIN) {
        receive_event(ep, c);
    }
}

/* ---- Telling ---- */

static void tell_sent(struct ep *ep, struct io_conn *c)
{
    size_t n = c->sent_now;
    int error;

    c->sent_now = 0;
    if (c->flags & (TELL_END | BROKEN))
        enqueue(ep, c);
    c->handler->sent(c, n);
    /* Only now, since the owner may have gone on sending without a change of the registration. */
    if (c->flags & (CLOSING | FAILED | BROKEN) || !(c->flags & WATCH_OUT))
        return;
    error = watch(ep, c);
    if (error)
        break_off(ep, c, error);
}

static void tell_end(struct ep *ep, struct io_conn *c)
{
    int error;

    c->flags &= ~(uint32_t)TELL_END;
    (void)io_clock(&ep->io);
    c->handler->ended(c, c->flags & FAILED ? c->error : 0);
    /* Only now, since the owner has usually closed. */
    if (c->flags & (CLOSING | FAILED | BROKEN))
        return;
    error = watch(ep, c);
    if (error)
        break_off(ep, c, error);
}

/* If there is more than one thing, the other conns come first. */
void ep_conn_tell(struct ep *ep, struct io_conn *c)
{
    c->flags &= ~(uint32_t)QUEUED;
    if (c->flags & TELL_CLOSED) {
        c->flags = 0;
        c->io = NULL;
        ep->io.live--;
        c->handler->closed(c);
    } else if (c->flags & CLOSING) {
        return; /* not yet */
    } else if (c->flags & TELL_CONNECTED) {
        c->flags &= ~(uint32_t)TELL_CONNECTED;
        if (c->sent_now || c->flags & (TELL_END | BROKEN))
            enqueue(ep, c);
        (void)io_clock(&ep->io);
        c->handler->connected(c, c->flags & FAILED ? c->error : 0);
    } else if (c->sent_now) {
        tell_sent(ep, c);
    } else if (c->flags & BROKEN) {
        drain(ep, c);
    } else if (c->flags & TELL_END) {
        tell_end(ep, c);
    }
}
