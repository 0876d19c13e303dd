/*
 * The inside of the sink, shared by its files: sink.c (listening, serving, stopping), session.c
 * (one connection), pool.c (memory).
 */
#ifndef SINK_SINK_IMPL_H
#define SINK_SINK_IMPL_H

#include <stdatomic.h>

#include "behaviour.h"
#include "capture.h"
#include "io.h"
#include "pool.h"
#include "sink.h"

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
    struct behaviour_session *behaviour; /* NULL: no profile */
    struct capture_session *capture;     /* NULL: nothing is recorded */
    uint32_t replies_length;
    uint32_t unsent; /* octets of the outstanding send */
    bool open;       /* in use: the pool hands out zeroed memory */
    bool in_block;   /* replies is a block */
    bool queued;     /* on the worker's list */
    bool ended;      /* the client has ended its side */
    bool closing;    /* io_close() was called */
    bool counted;    /* its end was */
};

struct door {
    struct io_listener listener; /* first */
    struct worker *worker;
};

/* What one thread owns. */
struct worker {
    struct server_context context;
    struct capture *capture; /* NULL: nothing is recorded */
    const struct sink_config *config;
    struct io *io;
    struct door *doors;
    size_t door_count;
    struct pool pool;
    struct session *first; /* with something to do at the end of the turn */
    struct session **last;
    uint64_t open;
    uint64_t first_begin; /* ns; 0: no session yet */
    uint64_t last_end;
    bool doors_paused;
    bool accept_failed;          /* and it was said */
    struct behaviour *behaviour; /* the sink's; NULL: no profile */
    struct timer progress;       /* for config->progress */
    bool complete;               /* stop_messages or stop_sessions was reached */
    struct sink_numbers numbers;
    uint64_t ended_sessions;
};

struct sink {
    struct sink_config *config;
    struct profile profile;
    struct behaviour *behaviour;
    struct worker worker;
    struct door *doors;
    size_t door_count;
    bool new_port;
    atomic_uint stop;        /* how often it was told to */
    _Atomic(struct io *) io; /* for sink_stop(); NULL while not serving */
};

/* The hooks that sessions need under this config: mostly none that is called at every command. */
const struct server_hooks *sink_session_hooks(const struct sink_config *);

/* The judge of a worker whose config plans something. */
void sink_session_judge(struct server *, enum server_verb, struct slice args, struct server_act *);

struct io_conn *sink_session_accept(struct io_listener *, const struct sockaddr *peer,
                                    socklen_t length);

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
