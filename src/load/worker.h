/*
 * One worker thread of a load: its driver, sessions, statistics, and the line for connecting.
 */
#ifndef LOAD_WORKER_H
#define LOAD_WORKER_H

#include <pthread.h>

#include "arena.h"
#include "line.h"
#include "load.h"
#include "recorder.h"
#include "rng.h"

struct session;

/* Memory for what a session has in the driver's hands; kept for the next one. */
struct send_buffer {
    struct send_buffer *next;
    struct arena arena;
};

struct worker {
    struct load *load;
    struct io *io;
    struct recorder recorder;
    struct stats *stats; /* the set to record into in this turn */
    struct rng rng;
    char *sessions; /* session_count of them, session_size octets each */
    size_t session_size;
    size_t client_size;  /* of that, its client's part */
    uint32_t deliveries; /* of that, how many it has room for */
    uint64_t session_count;
    uint64_t active;     /* sessions that are not over */
    uint64_t started_at; /* the loop's begin and end, ns */
    uint64_t ended_at;
    uint64_t taken; /* messages taken by this worker */
    struct line line;
    struct send_buffer *buffers;
    size_t buffer_size;
    uint32_t address;   /* index of the address that worked last */
    enum run_stop stop; /* as acted upon */
    bool exhausted;     /* no message is left to take: waiting sessions are to end */
    bool exhausted_told;
    pthread_t thread;
};

int worker_start(struct worker *, struct load *, uint64_t session_count, struct diag *);

/* Joins the thread; worker_done() frees. */
void worker_join(struct worker *);
void worker_done(struct worker *);

/* The next message's number, from 1; 0 when there is none left or the run is being stopped. */
uint64_t worker_take(struct worker *);

/* Is there a message left to take? */
bool worker_has_more(const struct worker *);

/* A buffer with an empty arena, or NULL when out of memory. */
struct send_buffer *worker_buffer(struct worker *);
void worker_buffer_return(struct worker *, struct send_buffer *);

/* A fatal error: the whole run ends. */
void worker_fatal(struct worker *, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
