/*
 * The epoll driver from the inside; private to its files. epoll.c turns, epoll_conn.c is a
 * connection's life, epoll_listen.c accepts.
 */
#ifndef IO_EPOLL_IMPL_H
#define IO_EPOLL_IMPL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

#include "io.h"

enum {
    TURN_MAX = 64,          /* completions a turn */
    BUFFER_SIZE = 64 * 1024 /* one receive; shared by all conns */
};

/* What epoll_event.data.u64 holds: a conn, a listener plus 1, or one of these. */
enum { EVENT_NONE = 0, EVENT_LISTENER = 1, EVENT_WAKE = 2 };

struct ep {
    struct io io; /* first: what io.h calls a struct io */
    int fd;
    int wake_fd;
    bool coarse;                   /* no epoll_pwait2() here: waits are whole milliseconds */
    bool worked;                   /* the last turn did not look for events */
    struct io_conn *head;          /* the work list: conns with something to tell */
    struct io_conn *tail;          /* valid while there is a head */
    struct io_listener *accepting; /* NULL as soon as it is unlistened */
    int event_count;               /* of this turn's, 0 when all are dispatched */
    struct epoll_event events[TURN_MAX];
    char buffer[BUFFER_SIZE];
};

static inline struct ep *ep_of(struct io *io)
{
    return (struct ep *)io;
}

uint64_t ep_clock(struct io *);

void ep_connect(struct io *, struct io_conn *, const struct address *, const struct address *);
void ep_send(struct io *, struct io_conn *, const struct iovec *, int count);
void ep_pause(struct io *, struct io_conn *, bool paused);
void ep_close(struct io *, struct io_conn *, enum io_close_how);

/* Makes an accepted socket the conn's. */
void ep_conn_accepted(struct ep *, struct io_conn *, int fd);

/* What epoll_wait() said about a conn. */
void ep_conn_event(struct ep *, struct io_conn *, uint32_t events);

/* Tells the owner of a conn from the work list one thing; if there is more, it is queued again. */
void ep_conn_tell(struct ep *, struct io_conn *);

int ep_listen(struct io *, struct io_listener *, struct diag *);
void ep_accept_pause(struct io *, struct io_listener *, bool paused);
void ep_unlisten(struct io *, struct io_listener *);

/*
 * A listener has connections: accepts one, and if more seem to wait up to spare more.
 * Returns how many of the spare were used.
 */
int ep_accept_event(struct ep *, struct io_listener *, int spare);

#endif
