/*
 * One worker thread of a load: its driver, sessions, statistics, and the line for connecting.
 */
#ifndef LOAD_WORKER_H
#define LOAD_WORKER_H

#include <pthread.h>

#include "arena.h"
#include "line.h"
#include "load.h"
#include "model.h"
#include "outage.h"
#include "process.h"
#include "recorder.h"
#include "rng.h"

struct auth_context;
struct lane;
struct session;
struct tls_context;

/* Memory for what a session has in the driver's hands; kept for the next one. */
struct send_buffer {
    struct send_buffer *next;
    struct arena arena;
};

/*
 * What a worker knows of a target. With --keep-going and several of them, one that can't be
 * reached, or does not get as far as taking mail, rests: its turns are passed over, and then one
 * session at a time tries it, until it is well again.
 */
struct worker_target {
    struct tls_context *tls; /* NULL: none */
    uint64_t rests_until;
    uint32_t address;  /* index of the address that worked last */
    uint16_t failures; /* in a row; 0: it is well */
    bool tried;        /* by a session, after a rest */
};

struct worker {
    _Alignas(64) struct load *load; /* no cache line is shared with another worker */
    struct io *io;
    struct recorder recorder;
    struct stats *stats; /* the set to record into in this turn */
    struct lane *lane;   /* of --transactions; NULL: none is wanted */
    struct rng rng;
    struct model model;
    char *sessions; /* session_count of them, session_size octets each */
    size_t session_size;
    size_t client_size;  /* of that, its client's part */
    uint32_t deliveries; /* of that, how many it has room for */
    uint32_t delivery_size;
    uint64_t session_count;
    uint64_t active;     /* sessions that are not over */
    uint64_t started_at; /* the loop's begin and end, ns */
    uint64_t ended_at;
    uint64_t taken;              /* messages taken by this worker's sessions */
    uint64_t ticket, ticket_end; /* its block of messages: those it may still take */
    uint64_t block_max;          /* as many as its sessions can have under way */
    struct line line;
    struct outage outage;
    struct send_buffer *buffers;
    struct send_buffer *large_buffers; /* for the beginning of a session */
    size_t buffer_size, large_size;
    struct worker_target *targets; /* as many as the load has */
    struct auth_context *auth;     /* NULL: none */
    enum run_stop stop;            /* as acted upon */
    struct process_thread used;    /* by its thread, in the loop */
    bool asked;                    /* the reader's: for an interval */
    bool exhausted_told;           /* waiting sessions, that no message is left to take; */
    uint64_t told;                 /* so many of them, or of a stop; all: nothing is to be told */
    pthread_t thread;
};

/* Zeroed before. idle: of --idle-sessions, beyond the others. 0 or -errno with diag set;
 * worker_done() frees in any case. */
int worker_init(struct worker *, struct load *, uint64_t sessions, uint64_t idle, struct diag *);
void worker_done(struct worker *);

/* Starts its thread, which the owner joins. When all workers are initialised. */
int worker_start(struct worker *, struct diag *);

/* Its session number i, from 0. */
struct session *worker_session(const struct worker *, uint64_t i);

/* The next message's number, from 1; 0 when there is none left or the run is being stopped. */
uint64_t worker_take(struct worker *);

/* With a target rate: start n of the schedule (from 0) is taken; its message's number. */
uint64_t worker_start_number(struct worker *, uint64_t n);

/* Is there a message left to take? */
bool worker_has_more(const struct worker *);

/*
 * A buffer with an empty arena, or NULL when out of memory: for transactions, or a large one for
 * what goes before them.
 */
struct send_buffer *worker_buffer(struct worker *, bool large);
void worker_buffer_return(struct worker *, struct send_buffer *);

/* A fatal error: the whole run ends. */
void worker_fatal(struct worker *, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* What the server did or does not do: fatal, unless the run is to go on whatever that is. */
void worker_trouble(struct worker *, const char *format, ...) __attribute__((format(printf, 2, 3)));

enum failure {
    FAILURE_CONNECT,
    FAILURE_TLS,
    FAILURE_AUTH,
    FAILURE_LOST,
    FAILURE_TIMEOUT,
    FAILURE_PROTOCOL
};

/* Likewise, of a connection; where the run goes on the first of each kind is told at once. */
void worker_failure(struct worker *, enum failure, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
