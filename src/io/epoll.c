/*
 * The epoll driver: level-triggered readiness made to look like completions.
 *
 * A lockstep round trip costs three system calls: epoll_wait, recv, send. So a conn is registered
 * once, for reading; a send is tried at once, and writability is asked for only while one could not
 * be finished; after a receive nothing looks for EAGAIN, the next wait tells.
 *
 * What an io_ function has to tell its owner goes to the work list and is told from io_turn(). A
 * conn is given back (closed()) from there only, that is after the whole batch of events has been
 * dispatched, so no event can reach a conn whose memory was used anew.
 *
 * Closing a descriptor takes it out of the epoll set only if no other process holds it: nothing may
 * fork and keep descriptors while conns are live.
 */
#include "epoll_impl.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "units.h"

uint64_t ep_clock(struct io *io)
{
    struct timespec t;

    (void)io;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

static void wake_event(struct ep *ep)
{
    uint64_t count;

    if (read(ep->wake_fd, &count, sizeof count) < 0)
        return; /* woken before */
}

/* Returns how many completions of the turn are left. */
static int dispatch(struct ep *ep)
{
    int spare = TURN_MAX - ep->event_count;

    for (int i = 0; i < ep->event_count; i++) {
        uint64_t what = ep->events[i].data.u64;

        if (what == EVENT_WAKE)
            wake_event(ep);
        else if (what & EVENT_LISTENER)
            spare -= ep_accept_event(ep, (struct io_listener *)(uintptr_t)(what ^ EVENT_LISTENER),
                                     spare);
        else if (what != EVENT_NONE)
            ep_conn_event(ep, ep->events[i].data.ptr, ep->events[i].events);
    }
    ep->event_count = 0;
    return spare;
}

static void work(struct ep *ep, int budget)
{
    while (ep->head && budget-- > 0) {
        struct io_conn *c = ep->head;

        ep->head = c->next;
        ep_conn_tell(ep, c);
    }
}

/* epoll_pwait2() where there is one, else whole milliseconds, rounded up. */
static int wait_for(struct ep *ep, const uint64_t *timeout)
{
    int ms = -1;

    if (!ep->coarse) {
        struct timespec t = {0};
        int n;

        if (timeout) {
            t.tv_sec = (time_t)(*timeout / NS_PER_S);
            t.tv_nsec = (long)(*timeout % NS_PER_S);
        }
        n = epoll_pwait2(ep->fd, ep->events, TURN_MAX, timeout ? &t : NULL, NULL);
        if (n >= 0 || (errno != ENOSYS && errno != EPERM)) /* EPERM: an old container's filter */
            return n;
        ep->coarse = true;
    }
    if (timeout) {
        uint64_t up = *timeout / NS_PER_MS + (*timeout % NS_PER_MS != 0);

        ms = up < INT_MAX ? (int)up : INT_MAX;
    }
    return epoll_wait(ep->fd, ep->events, TURN_MAX, ms);
}

static int wait_until(struct ep *ep, uint64_t until)
{
    uint64_t next = timers_next(&ep->io.timers);
    uint64_t timeout = 0;
    int n;

    if (next < until)
        until = next;
    if (!ep->head && until != NS_NEVER) {
        uint64_t now = ep_clock(&ep->io);

        timeout = until > now ? until - now : 0;
    }
    n = wait_for(ep, ep->head || until != NS_NEVER ? &timeout : NULL);
    if (n < 0 && errno != EINTR)
        return -errno;
    ep->event_count = n < 0 ? 0 : n;
    return 0;
}

static int ep_turn(struct io *io, uint64_t until)
{
    struct ep *ep = ep_of(io);
    int error;
    int left;

    /* What is queued already is told without a look at the kernel, but not twice in a row. */
    ep->worked = ep->head && !ep->worked;
    if (!ep->worked) {
        error = wait_until(ep, until);
        if (error)
            return error;
    }
    (void)io_clock(io);
    left = dispatch(ep);
    timers_fire(&io->timers, io->now);
    work(ep, left);
    return 0;
}

/* ---- The driver itself ---- */

static void ep_wake(struct io *io)
{
    uint64_t one = 1;
    int saved = errno; /* this may be a signal handler */

    if (write(ep_of(io)->wake_fd, &one, sizeof one) < 0)
        errno = saved; /* full: it is awake */
    errno = saved;
}

static void ep_free(struct io *io)
{
    struct ep *ep = ep_of(io);

    if (ep->fd >= 0)
        (void)close(ep->fd);
    if (ep->wake_fd >= 0)
        (void)close(ep->wake_fd);
    free(ep);
}

static struct io *ep_new(struct diag *d)
{
    struct ep *ep = calloc(1, sizeof *ep);
    struct epoll_event e = {.events = EPOLLIN, .data.u64 = EVENT_WAKE};

    if (!ep) {
        (void)diag_set(d, -ENOMEM, "out of memory for the epoll driver");
        return NULL;
    }
    ep->fd = epoll_create1(EPOLL_CLOEXEC);
    ep->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (ep->fd >= 0 && ep->wake_fd >= 0 && epoll_ctl(ep->fd, EPOLL_CTL_ADD, ep->wake_fd, &e) == 0)
        return &ep->io;
    (void)diag_set(d, -errno, "cannot start the epoll driver: %s", strerror(errno));
    ep_free(&ep->io);
    return NULL;
}

const struct io_driver io_epoll = {
    .name = "epoll",
    .new = ep_new,
    .free = ep_free,
    .connect = ep_connect,
    .send = ep_send,
    .pause = ep_pause,
    .close = ep_close,
    .listen = ep_listen,
    .accept_pause = ep_accept_pause,
    .unlisten = ep_unlisten,
    .turn = ep_turn,
    .clock = ep_clock,
    .wake = ep_wake,
};
