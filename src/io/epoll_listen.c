/*
 * Accepting in the epoll driver.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "endpoint.h"
#include "epoll_impl.h"
#include "sock.h"
#include "units.h"

enum { ACCEPT_MAX = 16 }; /* accepts of one listener a turn */

#define ACCEPT_PAUSE (100 * NS_PER_MS) /* after running out of descriptors */

static struct io_listener *listener_of(struct timer *t)
{
    return (struct io_listener *)(void *)((char *)t - offsetof(struct io_listener, timer));
}

/*
 * In or out of the epoll set, as it is paused or not. Exclusive, so that a connection wakes one of
 * the workers that share the socket; which can't be modified, only taken out.
 * Returns 0 or a positive errno.
 */
static int listener_watch(struct ep *ep, struct io_listener *l, bool on)
{
    struct epoll_event e = {.events = EPOLLIN | EPOLLEXCLUSIVE};

    e.data.u64 = (uint64_t)(uintptr_t)l | EVENT_LISTENER;
    if (on == l->watched)
        return 0;
    if (epoll_ctl(ep->fd, on ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, l->fd, &e) < 0)
        return errno;
    l->watched = on;
    return 0;
}

static void listener_again(struct timer *t);

static void listener_rest(struct ep *ep, struct io_listener *l, int error)
{
    (void)listener_watch(ep, l, false);
    l->timer.fire = listener_again;
    timer_set(&ep->io.timers, &l->timer, ep_clock(&ep->io) + ACCEPT_PAUSE);
    if (l->failed)
        l->failed(l, error);
}

static void listener_again(struct timer *t)
{
    struct io_listener *l = listener_of(t);
    struct ep *ep = ep_of(l->io);
    int error = l->paused ? 0 : listener_watch(ep, l, true);

    if (error)
        listener_rest(ep, l, error);
}

int ep_listen(struct io *io, struct io_listener *l, struct diag *d)
{
    int error;

    l->io = io;
    l->paused = l->watched = false;
    l->batch = 1;
    l->timer = (struct timer){0};
    sock_inherit(l->fd, &io->options);
    error = listener_watch(ep_of(io), l, true);
    if (error)
        return diag_set(d, -error, "cannot wait for connections: %s", strerror(error));
    return 0;
}

void ep_accept_pause(struct io *io, struct io_listener *l, bool paused)
{
    struct ep *ep = ep_of(io);
    int error;

    l->paused = paused;
    if (l->timer.armed)
        return;
    error = listener_watch(ep, l, !paused);
    if (error) { /* out of memory: tried again like a failing accept(), told from the turn */
        l->timer.fire = listener_again;
        timer_set(&io->timers, &l->timer, ep_clock(io));
    }
}

/* The listener's memory may go when this returns, so its events of this batch must not stay. */
void ep_unlisten(struct io *io, struct io_listener *l)
{
    struct ep *ep = ep_of(io);

    timer_cancel(&io->timers, &l->timer);
    (void)listener_watch(ep, l, false);
    for (int i = 0; i < ep->event_count; i++) {
        if (ep->events[i].data.u64 == ((uint64_t)(uintptr_t)l | EVENT_LISTENER))
            ep->events[i].data.u64 = EVENT_NONE;
    }
    if (ep->accepting == l)
        ep->accepting = NULL;
}

/* Accepts one. Returns 0 or a positive errno. */
static int accept_one(struct ep *ep, struct io_listener *l)
{
    struct address peer = {.length = sizeof peer.storage};
    int fd = accept4(l->fd, &peer.sa, &peer.length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    struct io_conn *c;

    if (fd < 0)
        return errno;
    (void)io_clock(&ep->io);
    c = l->accept(l, &peer.sa, peer.length);
    if (c)
        ep_conn_accepted(ep, c, fd);
    else
        (void)close(fd);
    return 0;
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

/*
 * The batch grows while connections queue up and falls back to one, so that a lone connection costs
 * no accept() that finds nothing.
 */
int ep_accept_event(struct ep *ep, struct io_listener *l, int spare)
{
    int batch = l->batch < spare + 1 ? l->batch : spare + 1;
    int done = 0;
    int error = 0;

    ep->accepting = l;
    while (done < batch && ep->accepting == l && !l->paused) {
        error = accept_one(ep, l);
        if (error && !is_passing(error))
            break;
        done++;
    }
    if (ep->accepting == l) {
        ep->accepting = NULL;
        if (!error && done == l->batch && l->batch < ACCEPT_MAX)
            l->batch = (uint16_t)(2 * l->batch);
        else if (error)
            l->batch = 1;
        if (error && error != EAGAIN && !is_passing(error))
            listener_rest(ep, l, error);
    }
    return done > 1 ? done - 1 : 0;
}
