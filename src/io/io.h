/*
 * Completion-shaped I/O: "send these slices", "bytes arrived", "connected", "closed", "timer". One
 * struct io a worker thread, used by that thread alone (but for io_wake()). A driver is a row of
 * functions behind this header: io_uring, epoll, a simulated network in the tests.
 * Knows nothing of SMTP.
 *
 * Every callback is called from io_turn(), never from inside another io_ function, and may call any
 * io_ function. Points in time are nanoseconds on the driver's monotonic clock.
 */
#ifndef IO_IO_H
#define IO_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "diag.h"
#include "opt.h"
#include "timer.h"

struct io;
struct io_conn;
struct io_filter;
struct io_wait;
struct io_listener;
struct address;

/* A session's callbacks, one constant struct for all sessions of a kind. */
struct io_handler {
    /*
     * The answer to io_connect(): 0, or a positive errno; after an error only closed() may follow.
     * An accepted conn is told connected(0) too, as the first thing, unless this is NULL: the place
     * to greet from.
     */
    void (*connected)(struct io_conn *, int error);
    /* Bytes arrived; valid during the call only. */
    void (*received)(struct io_conn *, const char *bytes, size_t n);
    /* n more octets of the outstanding send were taken by the kernel; several calls add up. */
    void (*sent)(struct io_conn *, size_t n);
    /*
     * The peer has ended its side (error 0), or the connection failed (a positive errno). No more
     * received() follows; after an error no more sent() either. After error 0 sending still works
     * (a half close); should it fail, a second ended() tells the error. The owner still calls
     * io_close().
     */
    void (*ended)(struct io_conn *, int error);
    /* The answer to io_close(): nothing refers to the conn any more, nor to slices it was lent. */
    void (*closed)(struct io_conn *);
};

/*
 * A connection, embedded in its owner's session. The fields but handler are the driver's; owners
 * use the functions only. Zeroed before its first use and reusable after closed().
 */
struct io_conn {
    const struct io_handler *handler;
    struct io_filter *filter; /* NULL: none */
    struct io *io;            /* whose it is while it lives */
    struct io_conn *next;     /* in the driver's work list */
    struct iovec *unsent;     /* what the kernel has not taken yet: allocated by the driver */
    uint16_t unsent_count;    /* entries of it that remain, from unsent_first on */
    uint16_t unsent_first;
    uint32_t sent_now;    /* octets to report by sent() */
    int fd;               /* driver's handle, -1 when there is none */
    int error;            /* to report by connected() or ended() */
    uint32_t flags;       /* driver's state bits; 0 when not live */
    uint32_t drained;     /* receives since a send failed */
    struct io_wait *wait; /* for another try to connect, or for the end: the driver's, see wait.h */
};

enum io_close_how {
    /*
     * Orderly: what was sent is delivered, the rest of an outstanding send included, and what the
     * peer still sends is read and dropped until its end, so that no RST destroys our last words.
     * Takes as long as the peer does, at most 1 s.
     */
    IO_CLOSE_FIN,
    /* At once. Linger 0: a TCP peer sees RST, and no TIME_WAIT stays behind. */
    IO_CLOSE_RESET
};

/*
 * What turns a conn's octets into others, both ways (TLS). It stands between owner and driver: it
 * puts its own handler in the place of the owner's, and gets what the owner sends. It calls the
 * driver's row itself, and the owner only from within the driver's callbacks. Gone at closed().
 */
struct io_filter {
    void (*send)(struct io *, struct io_conn *, const struct iovec *, int count);
    void (*close)(struct io *, struct io_conn *, enum io_close_how);
};

/* Its owner sets the functions and fd, and zeroes the rest. */
struct io_listener {
    /*
     * A connection came in. Returns the conn to use (zeroed, its handler set), or NULL to drop it.
     * The conn is live only after this returns: greet from its connected().
     * peer is valid during the call only. Local sockets have an empty peer (length 0 or AF_UNIX).
     */
    struct io_conn *(*accept)(struct io_listener *, const struct sockaddr *peer, socklen_t length);
    /*
     * accept() itself failed, with a positive errno (out of descriptors); the driver pauses 100 ms.
     * May be NULL.
     */
    void (*failed)(struct io_listener *, int error);
    int fd; /* a bound, listening, non-blocking socket; the owner's to close after io_unlisten() */
    bool paused;        /* by io_accept_pause() */
    bool watched;       /* driver's */
    uint16_t batch;     /* driver's: how many to accept at most next time */
    struct io *io;      /* driver's */
    struct timer timer; /* driver's: the pause after a failure */
};

struct io_driver {
    const char *name; /* "epoll" */
    struct io *(*new)(struct diag *);
    void (*free)(struct io *);
    void (*connect)(struct io *, struct io_conn *, const struct address *target,
                    const struct address *source);
    void (*send)(struct io *, struct io_conn *, const struct iovec *, int count);
    void (*pause)(struct io *, struct io_conn *, bool paused);
    void (*close)(struct io *, struct io_conn *, enum io_close_how);
    int (*listen)(struct io *, struct io_listener *, struct diag *);
    void (*accept_pause)(struct io *, struct io_listener *, bool paused);
    void (*unlisten)(struct io *, struct io_listener *);
    int (*turn)(struct io *, uint64_t until);
    uint64_t (*clock)(struct io *);
    void (*wake)(struct io *);
};

/* What new connections are given, made and accepted ones; set before the first. */
struct io_options {
    uint32_t buffer; /* SO_SNDBUF and SO_RCVBUF, octets; 0: the system's */
    bool delay;      /* Nagle's algorithm: no TCP_NODELAY */
    /*
     * TCP Fast Open (RFC 7413) of those that are made: the cookie of an earlier connection goes
     * with the SYN, and no octets, since the peer speaks first, which it may from there on.
     */
    bool fastopen;
};

/* What every driver's own struct begins with. */
struct io {
    const struct io_driver *driver;
    struct timers timers;
    uint64_t now;  /* time of the completion being handled, see io_now() */
    uint64_t live; /* conns between io_connect() or accept and closed() */
    struct io_options options;
};

extern const struct io_driver io_epoll;

/* --io: which driver. auto is io_uring where it works, else epoll. */
enum io_choice { IO_AUTO, IO_URING, IO_EPOLL };

extern const struct opt_choice io_choices[];

/* A choice, and what has become of it. */
struct io_kind {
    enum io_choice choice;
    const struct io_driver *driver;
};

/* 0, or -errno with diag set when io_uring was asked for and does not work here. */
int io_choose(enum io_choice, struct io_kind *, struct diag *);

/* Starts a driver. NULL, with diag set, when it can't. */
struct io *io_new(const struct io_driver *, struct diag *);

/*
 * Starts the driver for each of count workers. Where the choice was auto and the system has room
 * for some rings of io_uring, but not for all of these (locked memory), all are of epoll, and the
 * kind says so. The pointers to them stand stride octets apart, such as a worker's size. 0, or
 * -errno with diag set when there are none.
 */
int io_new_all(struct io_kind *, struct io **first, size_t stride, uint64_t count, struct diag *);

/*
 * Ends it; all conns must have been told closed() (turn until io->live is 0) and all listeners
 * unlistened. NULL is fine.
 */
void io_free(struct io *);

/*
 * Starts a connection; connected() answers. The addresses are copied if need be. source is what to
 * connect from, of the same family, with port 0: the system chooses the port by the whole
 * connection (IP_BIND_ADDRESS_NO_PORT), so each source has all ports towards each target. NULL: the
 * system chooses the address as well. SO_KEEPALIVE and the io's options are set. A full UNIX listen
 * queue (EAGAIN) is waited for and tried again, no longer than the owner lets it (io_close() ends
 * the wait).
 */
void io_connect(struct io *, struct io_conn *, const struct address *target,
                const struct address *source);

/*
 * Sends at most UINT16_MAX slices of at most UINT32_MAX octets in all; one send outstanding a conn:
 * the sum of sent() must reach the total before the next.
 * The array is copied if need be; what the slices point to must stay untouched until sent().
 * A failure is reported by ended(), never here; after it, and after io_close(), this does nothing.
 * Not before connected(). Nothing to send (no octets) is told by no sent().
 */
void io_send(struct io *, struct io_conn *, const struct iovec *, int count);

/*
 * Stops and restarts received(). While paused the end of the connection is noticed at resume or by
 * a failing send; in the latter case what had arrived unread is lost.
 */
void io_recv_pause(struct io *, struct io_conn *);
void io_recv_resume(struct io *, struct io_conn *);

/*
 * Ends a conn in whatever state it is; no callback but closed() follows. Idempotent until closed(),
 * but that IO_CLOSE_RESET cuts an orderly close short. Nothing happens to a conn that is not live
 * (never connected, or closed), and no closed() comes.
 */
void io_close(struct io *, struct io_conn *, enum io_close_how);

/*
 * Accepts from a listening socket; 0 or -errno with diag set. Several workers may share one socket.
 * The accepted have keepalive and the io's options set.
 */
int io_listen(struct io *, struct io_listener *, struct diag *);
void io_accept_pause(struct io *, struct io_listener *, bool paused);

/* The listener's memory may go when this returns. */
void io_unlisten(struct io *, struct io_listener *);

/*
 * One turn: waits for completions or a due timer, no longer than until (NS_NEVER: as long as it
 * takes), and calls back at most 64 completions. Returns 0, or -errno when the driver itself
 * failed.
 */
int io_turn(struct io *, uint64_t until);

/* The time of the completion being handled; cheap, and right for stamping what was received. */
static inline uint64_t io_now(const struct io *io)
{
    return io->now;
}

/* Reads the clock anew (and moves io_now()): before a submission whose time is measured. */
uint64_t io_clock(struct io *);

/* Makes the current or the next io_turn() return; from any thread, and from signal handlers. */
void io_wake(struct io *);

/* Arms (or moves) a timer on this driver's clock, see timer.h. */
static inline void io_timer_set(struct io *io, struct timer *t, uint64_t due)
{
    timer_set(&io->timers, t, due);
}

static inline void io_timer_cancel(struct io *io, struct timer *t)
{
    timer_cancel(&io->timers, t);
}

#endif
