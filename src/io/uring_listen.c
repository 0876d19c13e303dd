/*
 * Accepting in the io_uring driver: one multishot accept a listener. It goes on by itself, so that
 * connections come in also between a pause and its effect: these are held until the listener wants
 * them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "endpoint.h"
#include "sock.h"
#include "units.h"
#include "uring_impl.h"

#define ACCEPT_PAUSE (100 * NS_PER_MS) /* after running out of descriptors */

/* What the kernel knows a listener by; outlives it until the accept has ended. */
struct door {
    struct door *next;
    struct io_listener *listener; /* NULL as soon as it is unlistened */
    int family;
    bool armed;
    bool cancelled;
    int *held; /* descriptors that came while it was paused */
    uint32_t held_count;
    uint32_t held_first;
    uint32_t held_room;
};

static struct door *find_door(struct ur *ur, const struct io_listener *l)
{
    struct door *d = ur->doors;

    while (d && d->listener != l)
        d = d->next;
    return d;
}

static void free_door(struct ur *ur, struct door *d)
{
    struct door **at = &ur->doors;

    while (*at != d)
        at = &(*at)->next;
    *at = d->next;
    while (d->held_first < d->held_count)
        (void)close(d->held[d->held_first++]);
    free(d->held);
    free(d);
}

static void arm(struct ur *ur, struct door *d)
{
    struct io_uring_sqe *sqe;

    if (d->armed)
        return; /* if it is being cancelled, its end brings us here again */
    sqe = ur_sqe(ur);
    io_uring_prep_multishot_accept(sqe, d->listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    ur_name(sqe, d, UR_ACCEPT);
    d->armed = true;
}

static void disarm(struct ur *ur, struct door *d)
{
    if (!d->armed || d->cancelled)
        return;
    ur_cancel(ur, d, UR_ACCEPT);
    d->cancelled = true;
}

int ur_listen(struct io *io, struct io_listener *l, struct diag *diag)
{
    struct ur *ur = ur_of(io);
    struct door *d = calloc(1, sizeof *d);
    socklen_t length = sizeof d->family;

    if (!d)
        return diag_set(diag, -ENOMEM, "out of memory");
    if (getsockopt(l->fd, SOL_SOCKET, SO_DOMAIN, &d->family, &length) < 0) {
        int error = errno;

        free(d);
        return diag_set(diag, -error, "cannot wait for connections: %s", strerror(error));
    }
    sock_inherit(l->fd, &io->options);
    l->io = io;
    l->paused = l->watched = false;
    l->batch = 1;
    l->timer = (struct timer){0};
    d->listener = l;
    d->next = ur->doors;
    ur->doors = d;
    arm(ur, d);
    return 0;
}

/* Those that are held already are told from the turn, see ur_accept_held(). */
void ur_accept_pause(struct io *io, struct io_listener *l, bool paused)
{
    struct ur *ur = ur_of(io);
    struct door *d = find_door(ur, l);

    l->paused = paused;
    if (!d || l->timer.armed)
        return;
    if (paused)
        disarm(ur, d);
    else
        arm(ur, d);
}

/*
 * The owner is about to close its descriptor, by which it expects the port to become free: so the
 * kernel has to let go of it at once.
 */
void ur_unlisten(struct io *io, struct io_listener *l)
{
    struct ur *ur = ur_of(io);
    struct door *d = find_door(ur, l);

    timer_cancel(&io->timers, &l->timer);
    if (!d)
        return;
    d->listener = NULL; /* ur_accept_held() frees: a callback may be under way */
    if (!d->armed)
        return;
    disarm(ur, d);
    (void)ur_enter(ur, UR_LOOK, NULL);
}

/* ---- Connections ---- */

static void hold(struct door *d, int fd)
{
    if (d->held_count == d->held_room) {
        uint32_t room = d->held_room ? 2 * d->held_room : 16;
        int *more = realloc(d->held, room * sizeof *more);

        if (!more) {
            (void)close(fd);
            return;
        }
        d->held = more;
        d->held_room = room;
    }
    d->held[d->held_count++] = fd;
}

/*
 * A multishot accept can't tell addresses. Of a connection that was reset meanwhile none is known
 * any more: it is told as the wildcard.
 */
static void tell(struct ur *ur, struct door *d, int fd)
{
    struct address peer = {.length = sizeof peer.storage};
    struct io_conn *c;

    peer.storage.ss_family = (sa_family_t)d->family;
    if (d->family == AF_UNIX)
        peer.length = 0;
    else if (getpeername(fd, &peer.sa, &peer.length) < 0)
        peer.length = sizeof peer.storage;
    c = d->listener->accept(d->listener, &peer.sa, peer.length);
    if (c)
        ur_conn_accepted(ur, c, fd, d->family != AF_UNIX);
    else
        (void)close(fd);
}

static struct io_listener *listener_of(struct timer *t)
{
    return (struct io_listener *)(void *)((char *)t - offsetof(struct io_listener, timer));
}

static void again(struct timer *t)
{
    struct io_listener *l = listener_of(t);
    struct door *d = find_door(ur_of(l->io), l);

    if (d && !l->paused)
        arm(ur_of(l->io), d);
}

static void rest(struct ur *ur, struct io_listener *l, int error)
{
    l->timer.fire = again;
    timer_set(&ur->io.timers, &l->timer, ur_clock(&ur->io) + ACCEPT_PAUSE);
    if (l->failed)
        l->failed(l, error);
}

/* Errors that are of the one connection, not of accept(): accept(2), "Error handling". */
static bool is_passing(int error)
{
    static const int passing[] = {ECONNABORTED, EINTR,       EPROTO, ENETDOWN,
                                  ENOPROTOOPT,  EHOSTDOWN,   ENONET, EHOSTUNREACH,
                                  EOPNOTSUPP,   ENETUNREACH, EPERM,  ETIMEDOUT};

    for (size_t i = 0; i < sizeof passing / sizeof *passing; i++) {
        if (error == passing[i])
            return true;
    }
    return false;
}

/* The accept has ended: by an error, by request, or because the completion ring had overflowed. */
static void accept_over(struct ur *ur, struct door *d, int error)
{
    struct io_listener *l = d->listener;
    bool cancelled = d->cancelled;

    d->armed = d->cancelled = false;
    if (!l || l->paused)
        return;
    if (!error || error == EAGAIN || is_passing(error) || (error == ECANCELED && cancelled))
        arm(ur, d);
    else
        rest(ur, l, error);
}

int ur_accept_event(struct ur *ur, struct door *d, int res, unsigned flags)
{
    int told = 0;

    if (res >= 0) {
        if (!d->listener) {
            (void)close(res);
        } else if (d->listener->paused || d->held_first < d->held_count) {
            hold(d, res);
        } else {
            tell(ur, d, res);
            told = 1;
        }
    }
    if (!(flags & IORING_CQE_F_MORE))
        accept_over(ur, d, res < 0 ? -res : 0);
    return told;
}

static bool is_due(const struct door *d)
{
    return d->listener && !d->listener->paused && d->held_first < d->held_count;
}

bool ur_accept_due(const struct ur *ur)
{
    const struct door *d = ur->doors;

    while (d && !is_due(d))
        d = d->next;
    return d;
}

int ur_accept_held(struct ur *ur, int max)
{
    struct door *next;
    int told = 0;

    for (struct door *d = ur->doors; d; d = next) {
        while (told < max && is_due(d)) {
            int fd = d->held[d->held_first++];

            if (d->held_first == d->held_count)
                d->held_first = d->held_count = 0;
            told++;
            tell(ur, d, fd);
        }
        next = d->next;
        if (!d->listener && !d->armed)
            free_door(ur, d);
    }
    return told;
}

void ur_doors_done(struct ur *ur)
{
    struct io_uring_cqe *cqe;
    unsigned head;

    /* Connections that came in for one who is gone. */
    io_uring_for_each_cqe(&ur->ring, head, cqe)
    {
        if (cqe->user_data % UR_KINDS == UR_ACCEPT && cqe->res >= 0)
            (void)close(cqe->res);
    }
    while (ur->doors)
        free_door(ur, ur->doors);
}
