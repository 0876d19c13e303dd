/*
 * A connection's life in the io_uring driver: connecting, closing, and what of it its owner is
 * told. See uring_impl.h for what makes reuse of its memory safe, uring_send.c and uring_receive.c
 * for what goes through it.
 */
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sock.h"
#include "units.h"
#include "uring_impl.h"

#define CONNECT_PAUSE (5 * NS_PER_MS) /* between tries at a full UNIX listen queue */
#define FIN_MAX       NS_PER_S        /* for an orderly close */

/* ---- The ways it comes to an end ---- */

/*
 * Linger 0 without waiting for the last reference to the socket to go: what close() would do then,
 * a disconnect, is asked for itself. It ends all other operations, too, but for a connect.
 */
static void disconnect(struct ur *ur, struct io_conn *c)
{
    static const struct sockaddr nowhere = {.sa_family = AF_UNSPEC};
    struct io_uring_sqe *sqe = ur_sqe(ur);

    io_uring_prep_connect(sqe, c->fd, &nowhere, sizeof nowhere);
    sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
    ur_name(sqe, NULL, UR_IGNORED);
}

/* But for the poll. */
static void cancel_all(struct ur *ur, struct io_conn *c)
{
    if (c->flags & RECEIVING && !(c->flags & CANCELLED))
        ur_cancel(ur, c, UR_RECEIVE);
    if (c->flags & CONNECTING)
        ur_cancel(ur, c, UR_CONNECT);
}

static void forget_rare(struct io_conn *c)
{
    io_wait_end(c);
    c->flags &= ~(uint32_t)STASHED;
}

/* Gives back all that the conn holds, but for what operations that are still to end refer to. */
static void release(struct ur *ur, struct io_conn *c, enum io_close_how how)
{
    struct io_uring_sqe *sqe;

    forget_rare(c);
    if (c->fd < 0)
        return;
    if (c->flags & POLLING)
        ur_cancel(ur, c, UR_POLL);
    if (how == IO_CLOSE_FIN || !(c->flags & TCP) || c->flags & CONNECTING)
        cancel_all(ur, c);
    if (how == IO_CLOSE_RESET && c->flags & TCP)
        disconnect(ur, c);
    sqe = ur_sqe(ur);
    io_uring_prep_close(sqe, c->fd);
    sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
    ur_name(sqe, NULL, UR_IGNORED);
    c->drained = ur_mark(ur);
    c->fd = -1;
    c->flags &= ~(uint32_t)(WAITING | BROKEN | REARM | END_HELD);
}

/* Whether nothing refers to a conn that is being closed. */
static bool is_over(const struct ur *ur, const struct io_conn *c)
{
    return c->fd < 0 && !(c->flags & (OPS | SENDING)) && ur_submitted(ur, c->drained);
}

/* The close is complete, as soon as is_over() says so. */
void ur_finish(struct ur *ur, struct io_conn *c, enum io_close_how how)
{
    release(ur, c, how);
    c->flags |= CLOSING;
    ur_enqueue(ur, c);
}

void ur_fail(struct ur *ur, struct io_conn *c, int error, uint32_t tell)
{
    release(ur, c, IO_CLOSE_FIN);
    c->error = error;
    c->flags |= FAILED | tell;
    ur_enqueue(ur, c);
}

/* What is being received is told before the error is, see ur_drain(). */
void ur_break_off(struct ur *ur, struct io_conn *c, int error)
{
    if (!(c->flags & SENDING))
        ur_forget_unsent(c);
    c->error = error;
    if (!(c->flags & SENDING))
        c->drained = 0;
    c->flags &= ~(uint32_t)END_HELD;
    c->flags |= BROKEN;
    ur_enqueue(ur, c);
}

static void start(struct ur *ur, struct io_conn *c, int fd, uint32_t flags)
{
    assert(!(c->flags & LIVE) && c->handler);
    c->io = &ur->io;
    c->fd = fd;
    c->flags = LIVE | flags;
    c->error = 0;
    c->drained = ur_mark(ur);
    c->sent_now = 0;
    ur->io.live++;
}

/* ---- Small steps ---- */

/* From an event, what is due is told at once if nothing else is due before. */
int ur_tell_soon(struct ur *ur, struct io_conn *c)
{
    if (c->flags & (QUEUED | SENDING)) {
        ur_enqueue(ur, c);
        return 0;
    }
    return ur_conn_tell(ur, c);
}

/*
 * For room to send, and for the reset of a conn from which nothing is received. Not a single shot,
 * which would tell of the peer's half close, that can't be left out, and be over.
 */
static void arm_poll(struct ur *ur, struct io_conn *c)
{
    struct io_uring_sqe *sqe;

    if (c->flags & POLLING)
        return;
    sqe = ur_sqe(ur);
    io_uring_prep_poll_multishot(sqe, c->fd, POLLOUT | POLLERR | POLLHUP);
    ur_name(sqe, c, UR_POLL);
    c->flags |= POLLING;
}

/* Sends the rest of what was to be sent, now or when there is room. */
static void send_on(struct ur *ur, struct io_conn *c)
{
    if (!c->unsent_count || c->flags & (SENDING | BROKEN | FAILED))
        return;
    if (c->flags & BLOCKED)
        arm_poll(ur, c);
    else
        ur_send_more(ur, c);
}

static void tell_end(struct ur *ur, struct io_conn *c)
{
    c->flags &= ~(uint32_t)TELL_END;
    c->handler->ended(c, c->flags & FAILED ? c->error : 0);
    if (!(c->flags & (CLOSING | FAILED | BROKEN)))
        arm_poll(ur, c); /* it may be reset while its owner has nothing to send */
}

/* ---- Connecting ---- */

/* Returns how many callbacks were called. */
static int tell_connected(struct ur *ur, struct io_conn *c)
{
    c->flags &= ~(uint32_t)TELL_CONNECTED;
    if (!(c->flags & FAILED))
        ur_arm_receive(ur, c);
    if (!(c->flags & FAILED) && ur->ends_get_lost)
        arm_poll(ur, c);
    if (!c->handler->connected)
        return 0;
    c->handler->connected(c, c->flags & FAILED ? c->error : 0);
    return 1;
}

static void connect_unix(struct ur *ur, struct io_conn *c, const struct address *a);

static void connect_again(struct timer *t)
{
    struct io_conn *c = io_wait_conn(t);

    c->flags &= ~(uint32_t)WAITING;
    connect_unix(ur_of(c->io), c, &c->wait->target);
}

static void connect_later(struct ur *ur, struct io_conn *c, const struct address *a)
{
    if (io_wait_until(c, ur_clock(&ur->io) + CONNECT_PAUSE, connect_again) < 0) {
        ur_fail(ur, c, ENOMEM, TELL_CONNECTED);
        return;
    }
    if (a != &c->wait->target)
        c->wait->target = *a;
    c->flags |= WAITING;
}

/* Never waits, and io_uring would: by trying again and again. */
static void connect_unix(struct ur *ur, struct io_conn *c, const struct address *a)
{
    int error = connect(c->fd, &a->sa, a->length) < 0 ? errno : 0;

    if (error == EAGAIN || error == EINTR) {
        connect_later(ur, c, a);
    } else if (error) {
        ur_fail(ur, c, error, TELL_CONNECTED);
    } else {
        forget_rare(c);
        c->flags |= TELL_CONNECTED;
        ur_enqueue(ur, c);
    }
}

static void connect_tcp(struct ur *ur, struct io_conn *c, const struct address *a)
{
    void *copy = ur_lend(ur, a->length);
    struct io_uring_sqe *sqe = ur_sqe(ur);

    memcpy(copy, &a->storage, a->length);
    io_uring_prep_connect(sqe, c->fd, copy, a->length);
    ur_name(sqe, c, UR_CONNECT);
    c->flags |= CONNECTING;
}

/* The one call that io_uring has nothing for; what it begins is over when one can write. */
static void connect_fast(struct ur *ur, struct io_conn *c, const struct address *a)
{
    int error = sock_connect(c->fd, a, &ur->io.options);
    struct io_uring_sqe *sqe;

    if (error && error != EINPROGRESS) {
        ur_fail(ur, c, error, TELL_CONNECTED);
        return;
    }
    sqe = ur_sqe(ur);
    io_uring_prep_poll_add(sqe, c->fd, POLLOUT);
    ur_name(sqe, c, UR_CONNECT);
    c->flags |= CONNECTING;
}

void ur_connect(struct io *io, struct io_conn *c, const struct address *a,
                const struct address *source)
{
    struct ur *ur = ur_of(io);
    bool tcp = a->sa.sa_family != AF_UNIX;
    int fd = sock_new(a, source, &io->options);

    start(ur, c, fd < 0 ? -1 : fd, tcp ? TCP : 0);
    if (fd < 0)
        ur_fail(ur, c, -fd, TELL_CONNECTED);
    else if (tcp && io->options.fastopen)
        connect_fast(ur, c, a);
    else if (tcp)
        connect_tcp(ur, c, a);
    else
        connect_unix(ur, c, a);
}

static int connect_event(struct ur *ur, struct io_conn *c, int res)
{
    c->flags &= ~(uint32_t)CONNECTING;
    if (c->flags & CLOSING) {
        ur_enqueue(ur, c);
        return 0;
    }
    if (res > 0) /* a poll's mask, see connect_fast() */
        res = -sock_error(c->fd);
    if (res < 0) {
        ur_fail(ur, c, -res, TELL_CONNECTED);
        return 0;
    }
    return tell_connected(ur, c);
}

void ur_conn_accepted(struct ur *ur, struct io_conn *c, int fd, bool tcp)
{
    start(ur, c, fd, tcp ? TCP : 0);
    (void)tell_connected(ur, c);
}

/* ---- Closing ---- */

static void linger_over(struct timer *t)
{
    struct io_conn *c = io_wait_conn(t);

    ur_finish(ur_of(c->io), c, IO_CLOSE_FIN);
}

/*
 * close() with octets unread makes the kernel send RST, which destroys what the peer has not read
 * yet; so does closing before its next octets arrive. Therefore, when all is sent, we say so and
 * read on until it ends. shutdown() is called here since io_uring does it by another thread.
 */
static void linger(struct ur *ur, struct io_conn *c)
{
    if (c->flags & BROKEN) {
        ur_finish(ur, c, IO_CLOSE_FIN);
        return;
    }
    if (c->unsent_count) {
        send_on(ur, c);
    } else if (!(c->flags & SHUT)) {
        c->flags |= SHUT;
        if (c->flags & PEER_DONE || shutdown(c->fd, SHUT_WR) < 0) {
            ur_finish(ur, c, IO_CLOSE_FIN);
            return;
        }
    }
    if (c->flags & REARM)
        ur_rearm(ur, c);
}

void ur_conn_end_ahead(struct io_conn *c, int res)
{
    if (c->flags & CLOSING && res != -ENOBUFS && res != -ECANCELED)
        c->flags |= PEER_DONE;
}

static void linger_start(struct ur *ur, struct io_conn *c)
{
    bool failed = c->flags & END_HELD && c->error;

    if (c->flags & END_HELD)
        c->flags |= PEER_DONE;
    c->flags |= CLOSING;
    c->flags &= ~(uint32_t)(TELL_CONNECTED | TELL_END | END_HELD);
    forget_rare(c);
    if (failed || (c->flags & PEER_DONE && !c->unsent_count) ||
        io_wait_until(c, ur_clock(&ur->io) + FIN_MAX, linger_over) < 0) {
        ur_finish(ur, c, IO_CLOSE_FIN);
        return;
    }
    if (!(c->flags & (RECEIVING | PEER_DONE)))
        c->flags |= REARM;
    ur_enqueue(ur, c); /* the peer may have gone already: a call less */
}

void ur_close(struct io *io, struct io_conn *c, enum io_close_how how)
{
    struct ur *ur = ur_of(io);
    bool up = c->fd >= 0 && !(c->flags & (CONNECTING | WAITING | BROKEN | FAILED));

    if (!(c->flags & LIVE))
        return;
    if (c->flags & CLOSING && (how == IO_CLOSE_FIN || c->fd < 0))
        return;
    if (how == IO_CLOSE_RESET || !up)
        ur_finish(ur, c, how);
    else
        linger_start(ur, c);
}

/* ---- Events ---- */

static void poll_event(struct ur *ur, struct io_conn *c, int mask, bool more)
{
    int error;

    if (!more)
        c->flags &= ~(uint32_t)POLLING;
    if (c->fd < 0) {
        ur_enqueue(ur, c);
        return;
    }
    if (!more)
        arm_poll(ur, c); /* the completion ring had overflowed */
    if (mask < 0 || c->flags & BROKEN)
        return;
    if (ur->ends_get_lost && mask & (POLLRDHUP | POLLERR | POLLHUP))
        ur_cancel_receive(ur, c); /* a new one looks anew */
    if (!(mask & (POLLOUT | POLLERR | POLLHUP)))
        return;
    if (c->flags & BLOCKED) {
        c->flags &= ~(uint32_t)BLOCKED;
        if (c->sent_now)
            ur_enqueue(ur, c); /* to be told first */
        else
            send_on(ur, c);
    } else if (mask & (POLLERR | POLLHUP) && c->flags & PEER_DONE && !(c->flags & CLOSING)) {
        error = sock_error(c->fd);
        if (error)
            ur_fail(ur, c, error, TELL_END);
    }
}

static void tell_closed(struct ur *ur, struct io_conn *c)
{
    ur_forget_unsent(c);
    c->flags = 0;
    c->io = NULL;
    ur->io.live--;
    c->handler->closed(c);
}

int ur_conn_event(struct ur *ur, struct io_conn *c, enum ur_kind kind, int res, unsigned flags)
{
    switch (kind) {
    case UR_RECEIVE:
        return ur_receive_event(ur, c, res, flags);
    case UR_CONNECT:
        return connect_event(ur, c, res);
    case UR_POLL:
        poll_event(ur, c, res, flags & IORING_CQE_F_MORE);
        return 0;
    default:
        return 0;
    }
}

/* ---- Telling ---- */

/* Tells of octets sent, after seeing to the rest; returns how many callbacks were called. */
int ur_tell_sent(struct ur *ur, struct io_conn *c)
{
    size_t n = c->sent_now;

    c->sent_now = 0;
    send_on(ur, c);
    if (n == 0)
        return 0;
    c->handler->sent(c, n);
    return 1;
}

static int tell_closing(struct ur *ur, struct io_conn *c)
{
    c->sent_now = 0;
    if (c->fd >= 0) {
        linger(ur, c);
    } else if (is_over(ur, c)) {
        tell_closed(ur, c);
        return 1;
    } else if (!(c->flags & OPS)) {
        ur_enqueue(ur, c); /* until its last submission was taken */
    }
    return 0;
}

static bool has_sent(const struct io_conn *c)
{
    return c->sent_now || (c->unsent_count && !(c->flags & (POLLING | FAILED | BROKEN)));
}

static int tell_held_end(struct ur *ur, struct io_conn *c)
{
    c->flags &= ~(uint32_t)END_HELD;
    return ur_end_arrived(ur, c, c->error);
}

/* If there is more than one thing, the other conns come first. */
int ur_conn_tell(struct ur *ur, struct io_conn *c)
{
    bool resting = c->flags & PAUSED;

    c->flags &= ~(uint32_t)QUEUED;
    if (!ur_send_concluded(ur, c)) {
        ur_enqueue(ur, c);
        return 0;
    }
    if (c->flags & CLOSING)
        return tell_closing(ur, c);
    if (c->flags & TELL_CONNECTED)
        return tell_connected(ur, c);
    if (has_sent(c)) {
        if (c->flags & (BROKEN | TELL_END | REARM | STASHED | END_HELD))
            ur_enqueue(ur, c);
        return ur_tell_sent(ur, c);
    }
    if (c->flags & STASHED && !resting) {
        ur_tell_stash(ur, c);
        return 1;
    }
    if (c->flags & BROKEN)
        return ur_drain(ur, c);
    if (c->flags & END_HELD && !resting)
        return tell_held_end(ur, c);
    if (c->flags & TELL_END) {
        tell_end(ur, c);
        return 1;
    }
    if (c->flags & REARM)
        ur_rearm(ur, c);
    return 0;
}
