/*
 * The io_uring driver from the inside; private to its files. uring.c owns the ring and turns,
 * uring_memory.c lends memory to the kernel, uring_conn.c is a connection's life, uring_receive.c
 * and uring_send.c what goes through it, uring_listen.c accepts, uring_probe.c tries whether all of
 * it works here.
 *
 * What makes reuse of memory safe, without a table of generations: closed() is told only when every
 * submission that names the conn has been executed (c->drained, see ur_mark()) and the last
 * completion of every operation that may have one was seen (the OPS flags). So neither a stale
 * completion nor a stale cancellation can meet a conn's successor. A listener's memory goes
 * without such a wait; its operations name a struct door instead, which stays.
 */
#ifndef IO_URING_IMPL_H
#define IO_URING_IMPL_H

#include <liburing.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "io.h"
#include "wait.h"

enum {
    UR_TURN_MAX = 64,         /* completions told a turn */
    UR_DRAIN_SIZE = 16 * 1024 /* one receive after a failed send */
};

/* What a completion is about: the low bits of its user_data, the rest is the conn or door. */
enum ur_kind {
    UR_IGNORED, /* no completion is expected but for a failure, which does not matter */
    UR_RECEIVE,
    UR_SEND,
    UR_CONNECT,
    UR_POLL,
    UR_ACCEPT,
    UR_WAKE,
    UR_KINDS = 8
};

/* io_conn.flags */
enum {
    LIVE = 1 << 0,            /* between io_connect() or accept and closed() */
    QUEUED = 1 << 1,          /* in the work list */
    TCP = 1 << 2,             /* else a UNIX socket */
    WAITING = 1 << 3,         /* to try again to connect */
    PAUSED = 1 << 4,          /* the owner does not want to receive */
    STASHED = 1 << 5,         /* octets came while it was paused: struct rare holds them */
    END_HELD = 1 << 6,        /* and after them the end (error 0) or a failure */
    PEER_DONE = 1 << 7,       /* the peer has ended its side, all it sent was received */
    BLOCKED = 1 << 8,         /* the socket's buffer is full: the poll will tell of room */
    BROKEN = 1 << 9,          /* a send failed; what can still be received is told first */
    FAILED = 1 << 10,         /* the error is known, the descriptor closed */
    CLOSING = 1 << 11,        /* io_close() was called */
    SHUT = 1 << 12,           /* in an orderly close: our end was sent */
    TELL_CONNECTED = 1 << 13, /* what is due from the work list */
    TELL_END = 1 << 14,
    REARM = 1 << 15,
    IN_ARENA = 1 << 16,  /* unsent is the arena's, not from malloc() */
    SENDING = 1 << 17,   /* a send is out, which is over when it was submitted: uring_send.c */
    CANCELLED = 1 << 18, /* the receive was asked to stop */
    /* Operations that will have a last completion. */
    CONNECTING = 1 << 20,
    RECEIVING = 1 << 21,
    POLLING = 1 << 22,
    OPS = CONNECTING | RECEIVING | POLLING
};

/* Measures of a ring; all but size powers of 2. */
struct ur_measures {
    unsigned entries;     /* submissions */
    unsigned completions; /* before the kernel has to allocate */
    unsigned buffers;     /* for receiving, shared by all conns */
    unsigned size;        /* octets of each */
};

struct ur_chunk; /* of the arena */
struct door;

struct ur {
    struct io io; /* first: what io.h calls a struct io */
    struct io_uring ring;
    struct ur_measures measures;
    int enter_fd;         /* of io_uring_enter(): the ring's, or its number among the registered */
    unsigned enter_flags; /* says which */
    bool enabled;         /* by the thread that turns, see ur_enter() */
    pthread_t thread;     /* that one */
    int wake_fd;
    bool ends_get_lost; /* by this kernel, see uring_probe.c: the poll watches for them, too */
    uint32_t concluded; /* submissions whose immediate failures have all been seen */
    unsigned scanned;   /* completions looked at by scan(), a position in the ring */
    unsigned held;      /* receive buffers in completions that were not told yet */
    struct io_uring_buf_ring *free_buffers;
    char *buffers;
    struct ur_chunk *arena; /* the chunk in use, and behind it the unused ones */
    struct ur_chunk *full;
    struct io_conn *head; /* the work list: conns with something to tell */
    struct io_conn *tail; /* valid while there is a head */
    uint32_t work_count;
    struct door *doors;
    char drain[UR_DRAIN_SIZE];
};

/*
 * What few conns ever need: c->wait points to its first member when there are octets that came
 * after a pause and before the receive had ended. No conn that has such waits, in that sense.
 */
struct rare {
    struct io_wait wait;
    size_t n;
    char octets[];
};

static inline struct ur *ur_of(struct io *io)
{
    return (struct ur *)io;
}

/* ---- uring.c ---- */

struct io *ur_new(const struct ur_measures *, struct diag *);
void ur_free(struct io *);
uint64_t ur_clock(struct io *);

/* Hands all submissions to the kernel, and brings what has completed. Returns 0 or -errno. */
enum ur_looking { UR_NO_LOOK, UR_LOOK, UR_WAIT /* for at least one */ };
int ur_enter(struct ur *, enum ur_looking, const uint64_t *timeout);

/* A submission to fill in; when there is no room the kernel is given what there is. */
struct io_uring_sqe *ur_sqe(struct ur *);

static inline void ur_name(struct io_uring_sqe *sqe, const void *about, enum ur_kind kind)
{
    io_uring_sqe_set_data64(sqe, (uint64_t)(uintptr_t)about | kind);
}

/* Asks an operation to end; what comes of it is seen in that one's own last completion. */
void ur_cancel(struct ur *, const void *about, enum ur_kind);

/* A position among all submissions, behind the last one filled in. */
static inline uint32_t ur_mark(const struct ur *ur)
{
    return ur->ring.sq.sqe_tail;
}

/* Whether the kernel has executed all submissions before the mark. */
static inline bool ur_submitted(const struct ur *ur, uint32_t mark)
{
    return (int32_t)(*ur->ring.sq.khead - mark) >= 0;
}

static inline void ur_enqueue(struct ur *ur, struct io_conn *c)
{
    if (c->flags & QUEUED)
        return;
    c->flags |= QUEUED;
    c->next = NULL;
    if (ur->head)
        ur->tail->next = c;
    else
        ur->head = c;
    ur->tail = c;
    ur->work_count++;
}

/* ---- uring_memory.c ---- */

/* Memory that stays until all that is queued now was submitted and concluded. */
void *ur_lend(struct ur *, size_t);

/* Nothing queued refers to what was lent. */
void ur_lend_reset(struct ur *);
void ur_lend_done(struct ur *);

/* The receive buffers; 0 or -errno. */
int ur_buffers_init(struct ur *);
void ur_buffers_done(struct ur *);

static inline char *ur_buffer(const struct ur *ur, unsigned id)
{
    return ur->buffers + (size_t)id * ur->measures.size;
}

void ur_buffer_return(struct ur *, unsigned id);

/* ---- uring_conn.c ---- */

void ur_connect(struct io *, struct io_conn *, const struct address *, const struct address *);
void ur_close(struct io *, struct io_conn *, enum io_close_how);

/* Makes an accepted socket the conn's. */
void ur_conn_accepted(struct ur *, struct io_conn *, int fd, bool tcp);

/* A completion of any kind but UR_SEND. Returns how many callbacks were called. */
int ur_conn_event(struct ur *, struct io_conn *, enum ur_kind, int res, unsigned flags);

/* A receive has ended so, which is told later: an orderly close needs no more manners. */
void ur_conn_end_ahead(struct io_conn *, int res);

/*
 * Tells the owner of a conn from the work list one thing; if there is more, it is queued again.
 * Returns how many callbacks were called. The conn may be gone.
 */
int ur_conn_tell(struct ur *, struct io_conn *);

/* Sending is over with an error; what the peer sent before is still to be told. */
void ur_break_off(struct ur *, struct io_conn *, int error);

/* Its descriptor is given back; an error is told, or the close as soon as nothing refers to it. */
void ur_fail(struct ur *, struct io_conn *, int error, uint32_t tell);
void ur_finish(struct ur *, struct io_conn *, enum io_close_how);

/* These tell at once, from an event; they return how many callbacks were called. */
int ur_tell_soon(struct ur *, struct io_conn *);
int ur_tell_sent(struct ur *, struct io_conn *);

/* ---- uring_receive.c ---- */

void ur_arm_receive(struct ur *, struct io_conn *);
void ur_cancel_receive(struct ur *, struct io_conn *);
void ur_rearm(struct ur *, struct io_conn *);
void ur_pause(struct io *, struct io_conn *, bool paused);

/* These return how many callbacks were called; after the last of a conn's, it may be gone. */
int ur_receive_event(struct ur *, struct io_conn *, int res, unsigned flags);
int ur_end_arrived(struct ur *, struct io_conn *, int error);
int ur_drain(struct ur *, struct io_conn *);
void ur_tell_stash(struct ur *, struct io_conn *);

/* ---- uring_send.c ---- */

void ur_send(struct io *, struct io_conn *, const struct iovec *, int count);

/* Sends what is unsent, a portion of it. */
void ur_send_more(struct ur *, struct io_conn *);

/* The completion of a send that did not go out in whole: only takes note of it. */
void ur_send_result(struct ur *, struct io_conn *, int res);

/* Whether no send is out. One that is known to have gone out in whole is noted as such. */
bool ur_send_concluded(struct ur *, struct io_conn *);
void ur_forget_unsent(struct io_conn *);

/* Sends that are over when they are submitted, and silent when all octets went. */
#define UR_SEND_FLAGS (MSG_NOSIGNAL | MSG_DONTWAIT | MSG_WAITALL)

/* ---- uring_probe.c ---- */

/* Whether a multishot receive may fail to tell of an end that came together with octets. */
bool ur_ends_get_lost(void);

/* ---- uring_listen.c ---- */

int ur_listen(struct io *, struct io_listener *, struct diag *);
void ur_accept_pause(struct io *, struct io_listener *, bool paused);
void ur_unlisten(struct io *, struct io_listener *);
int ur_accept_event(struct ur *, struct door *, int res, unsigned flags);

/* Connections that came in while accepting was paused: whether there are any to be told now. */
bool ur_accept_due(const struct ur *);

/* Tells at most max of them and returns how many; forgets listeners that are gone. */
int ur_accept_held(struct ur *, int max);

/* When the driver ends. */
void ur_doors_done(struct ur *);

#endif
