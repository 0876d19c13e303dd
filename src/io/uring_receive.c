/*
 * Receiving in the io_uring driver: one multishot receive a conn, into buffers shared by all. It
 * goes on by itself, so that octets come also between a pause and its effect: these are kept.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "uring_impl.h"

enum { DRAIN_MAX = 64 }; /* receives after a failed send */

/*
 * Without IORING_RECVSEND_POLL_FIRST, even where nothing can have arrived yet: with it, an end that
 * came together with octets is lost.
 */
void ur_arm_receive(struct ur *ur, struct io_conn *c)
{
    struct io_uring_sqe *sqe = ur_sqe(ur);

    io_uring_prep_recv_multishot(sqe, c->fd, NULL, 0, 0);
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = 0;
    ur_name(sqe, c, UR_RECEIVE);
    c->flags |= RECEIVING;
    c->flags &= ~(uint32_t)REARM;
}

void ur_cancel_receive(struct ur *ur, struct io_conn *c)
{
    if (!(c->flags & RECEIVING) || c->flags & CANCELLED)
        return;
    c->flags |= CANCELLED;
    ur_cancel(ur, c, UR_RECEIVE);
}

static struct rare *rare_of(const struct io_conn *c)
{
    return (struct rare *)(void *)c->wait;
}

static void stash(struct ur *ur, struct io_conn *c, const char *octets, size_t n)
{
    struct rare *old = rare_of(c);
    size_t before = old ? old->n : 0;
    struct rare *r = realloc(old, sizeof *r + before + n);

    if (!r) {
        ur_break_off(ur, c, ENOMEM);
        return;
    }
    if (!old)
        r->wait = (struct io_wait){.conn = c};
    memcpy(r->octets + before, octets, n);
    r->n = before + n;
    c->wait = &r->wait;
    c->flags |= STASHED;
}

/* Returns how many callbacks were called. */
static int octets_arrived(struct ur *ur, struct io_conn *c, const char *octets, size_t n, bool more)
{
    int told = 0;

    if (c->flags & (CLOSING | FAILED))
        return 0;
    if (c->flags & (PAUSED | STASHED)) {
        stash(ur, c, octets, n);
        if (more && c->flags & PAUSED)
            ur_cancel_receive(ur, c);
        return 0;
    }
    /* An answer does not come before the news that what it answers was sent. */
    if (ur_send_concluded(ur, c) && c->sent_now)
        told = ur_tell_sent(ur, c);
    if (c->flags & CLOSING)
        return told;
    if (c->flags & PAUSED) {
        stash(ur, c, octets, n);
        return told;
    }
    c->handler->received(c, octets, n);
    return told + 1;
}

/* The end of what the peer sent (error 0), or a failure. */
int ur_end_arrived(struct ur *ur, struct io_conn *c, int error)
{
    if (c->flags & (PAUSED | STASHED)) {
        c->error = error;
        c->flags |= END_HELD;
        ur_enqueue(ur, c);
        return 0;
    }
    if (error) {
        ur_fail(ur, c, error, TELL_END);
        return 0;
    }
    c->flags |= PEER_DONE | TELL_END;
    return ur_tell_soon(ur, c);
}

/* A receive has ended while the conn is being closed in order. */
static void linger_receive_over(struct ur *ur, struct io_conn *c, int res)
{
    if (res > 0 || res == -ENOBUFS || res == -ECANCELED) {
        c->flags |= REARM;
        ur_enqueue(ur, c);
        return;
    }
    c->flags |= PEER_DONE;
    if (res < 0 || !c->unsent_count)
        ur_finish(ur, c, IO_CLOSE_FIN);
}

/*
 * The receive has ended, with res as its last result. Returns how many callbacks were called; the
 * conn may be gone.
 */
static int receive_over(struct ur *ur, struct io_conn *c, int res)
{
    bool cancelled = c->flags & CANCELLED;

    c->flags &= ~(uint32_t)(RECEIVING | CANCELLED);
    if (c->fd < 0)
        return ur_tell_soon(ur, c); /* it is over, or a step nearer to it */
    if (c->flags & CLOSING) {
        linger_receive_over(ur, c, res);
    } else if (c->flags & BROKEN) {
        if (res <= 0 && res != -ENOBUFS && res != -ECANCELED)
            c->drained = DRAIN_MAX; /* there is no more */
        ur_enqueue(ur, c);
    } else if (res > 0 || res == -ENOBUFS || (res == -ECANCELED && cancelled)) {
        c->flags |= REARM;
        ur_enqueue(ur, c);
    } else {
        return ur_end_arrived(ur, c, -res);
    }
    return 0;
}

int ur_receive_event(struct ur *ur, struct io_conn *c, int res, unsigned flags)
{
    bool more = flags & IORING_CQE_F_MORE;
    int told = 0;

    if (res > 0)
        told = octets_arrived(ur, c, ur_buffer(ur, flags >> IORING_CQE_BUFFER_SHIFT), (size_t)res,
                              more);
    return more ? told : told + receive_over(ur, c, res);
}

/* Not before there are buffers again, lest it ends at once for the same reason. */
void ur_rearm(struct ur *ur, struct io_conn *c)
{
    if (c->flags & (PAUSED | STASHED) && !(c->flags & CLOSING))
        c->flags &= ~(uint32_t)REARM; /* resuming does it */
    else if (c->flags & (PEER_DONE | RECEIVING) || c->fd < 0)
        c->flags &= ~(uint32_t)REARM;
    else if (ur->held < ur->measures.buffers)
        ur_arm_receive(ur, c);
    else
        ur_enqueue(ur, c);
}

/*
 * A send has failed. Replies that came before the reset are still in the kernel: the receive is
 * stopped, so that nothing can keep it from ending, and they are fetched one by one. Returns how
 * many callbacks were called.
 */
int ur_drain(struct ur *ur, struct io_conn *c)
{
    if (c->flags & RECEIVING && !(c->flags & PAUSED)) {
        ur_cancel_receive(ur, c);
        return 0; /* its end brings us back */
    }
    if (!(c->flags & (PEER_DONE | PAUSED)) && c->drained++ < DRAIN_MAX) {
        ssize_t n = recv(c->fd, ur->drain, sizeof ur->drain, MSG_DONTWAIT);

        if (n > 0) {
            ur_enqueue(ur, c);
            c->handler->received(c, ur->drain, (size_t)n);
            return 1;
        }
    }
    ur_fail(ur, c, c->error, TELL_END);
    return 0;
}

void ur_pause(struct io *io, struct io_conn *c, bool paused)
{
    struct ur *ur = ur_of(io);

    if (!(c->flags & LIVE))
        return;
    if (paused) {
        c->flags |= PAUSED; /* the receive is stopped when something arrives: maybe never */
        return;
    }
    c->flags &= ~(uint32_t)PAUSED;
    if (c->fd < 0 || c->flags & (CONNECTING | WAITING | BROKEN | CLOSING | TELL_CONNECTED))
        return;
    if (c->flags & (STASHED | END_HELD))
        ur_enqueue(ur, c);
    else if (!(c->flags & (RECEIVING | PEER_DONE)))
        c->flags |= REARM;
    if (c->flags & REARM)
        ur_rearm(ur, c);
}

void ur_tell_stash(struct ur *ur, struct io_conn *c)
{
    struct rare *r = rare_of(c);

    c->wait = NULL;
    c->flags &= ~(uint32_t)STASHED;
    if (!(c->flags & (RECEIVING | PEER_DONE | END_HELD)))
        c->flags |= REARM;
    if (c->flags & (REARM | END_HELD | BROKEN))
        ur_enqueue(ur, c);
    c->handler->received(c, r->octets, r->n);
    free(r);
}
