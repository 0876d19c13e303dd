/*
 * Sending in the io_uring driver.
 *
 * A send (MSG_DONTWAIT, MSG_WAITALL, IOSQE_CQE_SKIP_SUCCESS) is tried by the kernel while it takes
 * the submission, and either all octets fit into the socket's buffer, which is told by no
 * completion, or there is one in the ring when io_uring_enter() returns: without MSG_WAITALL a
 * short send would count as a success and be skipped; without MSG_DONTWAIT it would be continued
 * later, from slices that are the owner's again. So once enter() has consumed the submission and
 * scan() has looked at all completions since, no news is good news, and the kernel has no more use
 * for the slices. Only an overflow of the completion ring could hide some news; then scan() does
 * not move ur->concluded.
 *
 * What did not fit waits for a poll to tell of room, and is sent the same way. A send that waits by
 * itself would be simpler, but on a conn whose peer has half closed it ends at once with EAGAIN.
 */
#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "uring_impl.h"

/* Octets a submission, about: what a socket buffer may have room for. */
enum { SEND_MAX = 256 * 1024 };

void ur_forget_unsent(struct io_conn *c)
{
    if (!(c->flags & IN_ARENA))
        free(c->unsent);
    c->flags &= ~(uint32_t)IN_ARENA;
    c->unsent = NULL;
    c->unsent_count = 0;
}

/* How many slices are worth giving to one submission, and their octets. */
static uint32_t portion(const struct iovec *iov, size_t count, size_t *octets)
{
    uint32_t n = 0;

    for (*octets = 0; n < count && n < IOV_MAX && *octets < SEND_MAX; n++)
        *octets += iov[n].iov_len;
    return n;
}

void ur_send_more(struct ur *ur, struct io_conn *c)
{
    struct iovec *iov = c->unsent + c->unsent_first;
    struct io_uring_sqe *sqe;
    struct msghdr *m;
    size_t octets;
    uint32_t count = portion(iov, c->unsent_count, &octets);

    c->sent_now = (uint32_t)octets;
    if (count == 1) {
        sqe = ur_sqe(ur);
        io_uring_prep_send(sqe, c->fd, iov->iov_base, iov->iov_len, UR_SEND_FLAGS);
    } else {
        m = ur_lend(ur, sizeof *m);
        *m = (struct msghdr){.msg_iov = iov, .msg_iovlen = count};
        sqe = ur_sqe(ur);
        io_uring_prep_sendmsg(sqe, c->fd, m, UR_SEND_FLAGS);
    }
    sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
    ur_name(sqe, c, UR_SEND);
    c->flags |= SENDING;
    c->drained = ur_mark(ur); /* nothing is drained while a send is out */
    ur_enqueue(ur, c);
}

/* Moves past n octets, and past what is empty behind them. */
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
    ur_forget_unsent(c);
}

void ur_send(struct io *io, struct io_conn *c, const struct iovec *iov, int count)
{
    struct ur *ur = ur_of(io);
    size_t size = (size_t)count * sizeof *iov;
    size_t octets;

    assert(c->flags & LIVE && !(c->flags & (CONNECTING | WAITING)));
    if (c->flags & (CLOSING | FAILED | BROKEN))
        return;
    assert(!c->unsent_count && !c->sent_now); /* one outstanding */
    if (portion(iov, (size_t)count, &octets) == (uint32_t)count) {
        c->unsent = ur_lend(ur, size);
        c->flags |= IN_ARENA;
    } else {
        c->unsent = malloc(size);
        if (!c->unsent) {
            ur_break_off(ur, c, ENOMEM);
            return;
        }
    }
    memcpy(c->unsent, iov, size);
    c->unsent_first = 0;
    c->unsent_count = (uint16_t)count;
    advance(c, 0);
    if (c->unsent_count)
        ur_send_more(ur, c);
}

/* The rest of a send outlives the arena. Returns 0 or a positive errno. */
static int keep_unsent(struct io_conn *c)
{
    size_t size = c->unsent_count * sizeof *c->unsent;
    struct iovec *copy;

    if (!(c->flags & IN_ARENA) || !c->unsent_count)
        return 0;
    copy = malloc(size);
    if (!copy)
        return ENOMEM;
    memcpy(copy, c->unsent + c->unsent_first, size);
    c->flags &= ~(uint32_t)IN_ARENA;
    c->unsent = copy;
    c->unsent_first = 0;
    return 0;
}

void ur_send_result(struct ur *ur, struct io_conn *c, int res)
{
    int error = res < 0 && res != -EAGAIN && res != -EINTR ? -res : 0;

    c->flags &= ~(uint32_t)SENDING;
    c->sent_now = res > 0 ? (uint32_t)res : 0;
    ur_enqueue(ur, c);
    if (c->fd < 0)
        return; /* released meanwhile */
    c->drained = 0;
    advance(c, c->sent_now);
    if (!error)
        error = keep_unsent(c);
    if (error)
        ur_break_off(ur, c, error);
    else if (c->unsent_count)
        c->flags |= BLOCKED;
}

bool ur_send_concluded(struct ur *ur, struct io_conn *c)
{
    if (!(c->flags & SENDING))
        return true;
    if ((int32_t)(ur->concluded - c->drained) < 0)
        return false;
    c->flags &= ~(uint32_t)SENDING;
    if (c->fd >= 0)
        c->drained = 0;
    if (c->flags & IN_ARENA)
        ur_forget_unsent(c); /* which may be gone already: it is not looked at */
    else
        advance(c, c->sent_now);
    return true;
}
