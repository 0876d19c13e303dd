/*
 * What only a conn that waits needs: before it tries again to connect, or in an orderly close until
 * the peer has ended its side. Drivers allocate it then, so that the many others go without.
 */
#ifndef IO_WAIT_H
#define IO_WAIT_H

#include <errno.h>
#include <stdlib.h>

#include "endpoint.h"
#include "io.h"

struct io_wait {
    struct timer timer;
    struct io_conn *conn;
    struct address target; /* where to try again to connect to */
};

/* The conn whose wait is over. */
static inline struct io_conn *io_wait_conn(struct timer *t)
{
    return ((struct io_wait *)(void *)((char *)t - offsetof(struct io_wait, timer)))->conn;
}

/* Ends the wait, if there is one; its memory goes. */
static inline void io_wait_end(struct io_conn *c)
{
    if (!c->wait)
        return;
    timer_cancel(&c->io->timers, &c->wait->timer);
    free(c->wait);
    c->wait = NULL;
}

/* Calls fire at due; 0, or -ENOMEM and nothing is waited for. */
static inline int io_wait_until(struct io_conn *c, uint64_t due, void (*fire)(struct timer *))
{
    if (!c->wait) {
        c->wait = calloc(1, sizeof *c->wait);
        if (!c->wait)
            return -ENOMEM;
        c->wait->conn = c;
    }
    c->wait->timer.fire = fire;
    timer_set(&c->io->timers, &c->wait->timer, due);
    return 0;
}

#endif
