/*
 * The inside of the sink, shared by its files: sink.c (listening, threads), worker.c (one thread's
 * loop, account and end), session.c (one connection), session_client.c (whose it is),
 * session_hooks.c, session_tls.c and session_auth.c (what its machine asks), pool.c (memory).
 */
#ifndef SINK_SINK_IMPL_H
#define SINK_SINK_IMPL_H

#include <pthread.h>
#include <stdatomic.h>

#include "auth.h"
#include "behaviour.h"
#include "capture.h"
#include "io.h"
#include "pool.h"
#include "sink.h"
#include "tls_identity.h"

/* Replies of one session that are collected for one write. */
#define BLOCK_SIZE 16384

/* Input that has to wait: until the client reads its replies, or on purpose. */
struct held {
    size_t n;
    char octets[];
};

/* About 210 octets, the machine's and the driver's part included. Those of a worker are its pool's.
 */
struct session {
    struct io_conn conn;
    struct server server;
    struct timer timer;   /* of an idle client, or of what is done on purpose */
    struct rng rng;       /* for what is done to it by chance */
    struct session *next; /* the worker's list of those with something to do */
    const char *replies;  /* collected: a block, or a constant */
    char *sending;        /* the block being sent; NULL for a constant */
    struct held *held;
    struct arrival *arrival;             /* until its PROXY header is there; NULL: none is due */
    struct behaviour_session *behaviour; /* NULL: no profile */
    struct capture_session *capture;     /* NULL: nothing is recorded */
    struct auth_server *auth;            /* under way; NULL: none */
    uint32_t replies_length;
    uint32_t unsent; /* octets of the outstanding send */
    bool open;       /* in use: the pool hands out zeroed memory */
    bool in_block;   /* replies is a block */
    bool queued;     /* on the worker's list */
    bool ended;      /* the client has ended its side */
    bool closing;    /* io_close() was called */
    bool counted;    /* its end was */
    bool placed;     /* counts among the sessions at a time */
};

struct tls_context;

struct door {
    struct io_listener listener; /* first */
    struct worker *worker;
};

/* An account, of one worker or of several. */
struct account {
    struct sink_numbers numbers; /* but for elapsed_ns and what is of the process */
    uint64_t first_begin;        /* ns; 0: no session yet */
    uint64_t last_end;
};

/* What one thread owns. */
struct worker {
    _Alignas(64) struct server_context context; /* no cache line is shared with another worker */
    struct sink *sink;
    uint64_t index;
    struct capture *capture;   /* NULL: nothing is recorded */
    struct tls_context *tls;   /* NULL: none is spoken */
    struct auth_context *auth; /* NULL: AUTH does nothing */
    const struct sink_config *config;
    struct io *io;
    struct door *doors;
    size_t door_count;
    struct pool pool;
    struct session *first; /* with something to do at the end of the turn */
    struct session **last;
    struct session *waiting; /* accepted when all places were taken: not greeted yet */
    uint64_t open;
    uint64_t accepted; /* sessions so far */
    bool doors_paused;
    bool accept_failed;          /* and it was said */
    struct behaviour *behaviour; /* the sink's; NULL: no profile */
    struct tally *tally;         /* the sink's; NULL: nothing needs it */
    struct timer progress;       /* for config->progress */
    struct account account;
    pthread_t thread;
    int rc; /* of its loop, with diag when it is not 0 */
    struct diag diag;
    _Atomic(struct io *) waker; /* for sink_stop(); NULL while not serving */
    pthread_mutex_t lock;       /* of shown */
    struct account shown;       /* as of a second ago, for progress; at the end all of it */
};

/* What is counted over all threads, when an option asks for it: -c, stop_messages, stop_sessions.
 */
struct tally {
    _Alignas(64) atomic_uint_fast64_t messages;
    atomic_uint_fast64_t sessions; /* ended ones */
    atomic_uint_fast64_t quits;
    pthread_mutex_t screen; /* held while they are shown */
};

struct sink {
    struct sink_config *config;
    struct profile profile;
    struct behaviour *behaviour;
    struct tls_identity identity;
    struct auth_users users;
    struct auth_policy policy;
    struct worker *workers;
    uint64_t worker_count;
    bool new_port;
    atomic_uint stop;     /* how often it was told to */
    atomic_bool complete; /* stop_messages or stop_sessions was reached */
    struct tally tally;
    /* One write a connection, or two: what max_sessions and the peak are of. */
    _Alignas(64) atomic_uint_fast64_t open;
    atomic_uint_fast64_t paused; /* workers that have stopped accepting: max_sessions are open */
};

/* From what is embedded to its owner. */
static inline struct session *session_of_conn(struct io_conn *c)
{
    return (struct session *)(void *)((char *)c - offsetof(struct session, conn));
}

static inline struct session *session_of_server(struct server *sv)
{
    return (struct session *)(void *)((char *)sv - offsetof(struct session, server));
}

static inline struct worker *worker_of_server(const struct server *sv)
{
    return (struct worker *)(void *)((char *)sv->context - offsetof(struct worker, context));
}

static inline struct worker *worker_of(const struct session *s)
{
    return worker_of_server(&s->server);
}

/* Makes all workers look around: at stop, complete, and places that became free. */
void sink_wake(struct sink *);

/* The thread of a worker: serves until the sink is to stop or complete; leaves rc and diag. */
void sink_work(struct worker *);

/* Makes its account known to the others. */
void sink_publish(struct worker *);

/* With a tally, one of its counters went up: shows them (-c), and stops when it has reached the
 * limit (0: none). */
void sink_tally(struct worker *, uint64_t count, uint64_t limit);

/* The sum of what was made known. */
void sink_sum(struct sink *, struct sink_numbers *);

/* With doors paused, at the end of a turn: greets who waits, and accepts again, when there is
 * room. */
void sink_session_admit(struct worker *);

struct io_conn *sink_session_accept(struct io_listener *, const struct sockaddr *peer,
                                    socklen_t length);

/* What the server machine is given (session_hooks.c), only that which this config needs: mostly
 * none that is called at every command. */
const struct server_hooks *sink_session_hooks(const struct sink_config *);

/* The judge of a worker whose config plans something. */
void sink_session_judge(struct server *, enum server_verb, struct slice args, struct server_act *);

/* Likewise, of one that has a profile. */
struct slice sink_session_verdict(const struct server *, uint32_t recipient);

/*
 * Whose session it is (session_client.c): known when it was accepted, or by a header of the PROXY
 * protocol; false when out of memory. XCLIENT makes it another's: false for what is no address.
 */
bool sink_client_begin(struct session *, const struct sockaddr *peer, socklen_t length);
void sink_client_end(struct session *);
bool sink_xclient(struct server *, struct slice name, struct slice value);

/*
 * A session that begins with a header: keeps what is known of its peer, false when out of memory;
 * takes octets until the header is complete; and goes on with what is behind it (session.c).
 */
bool sink_client_await(struct session *, const struct sockaddr *peer, socklen_t length);
void sink_client_header(struct io_conn *, const char *octets, size_t n);
void sink_session_arrived(struct session *, const struct sockaddr *peer, socklen_t length,
                          struct slice rest);

/* Begins TLS, now or behind what is on its way in the clear. */
void sink_session_secure(struct session *);

/* TLS is there (session.c), or has failed. */
void sink_session_secured(struct session *);
void sink_session_insecure(struct session *);

/* For server_context.auth. */
enum server_auth sink_session_auth(struct server *, bool begin, struct slice line,
                                   struct slice *reply);

/* At the end of a turn: writes what was collected, closes what is over. */
void sink_flush(struct worker *);

/* Closes a session in whatever state it is; cut is at once, without waiting for the client. */
void sink_session_abort(struct session *);
void sink_session_cut(struct session *);

/* Tells it, between transactions, that the server shuts down: when SERVER_LEAVES is set. */
void sink_session_leave(struct session *);

/* Has it something that is still to reach the client? */
bool sink_session_busy(const struct session *);

/* Or a transaction that is open? */
bool sink_session_unfinished(const struct session *);

#endif
