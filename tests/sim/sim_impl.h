/*
 * The simulated network from the inside; private to its files. sim.c is the driver that owners
 * call, sim_wire.c moves octets and tells completions, sim_event.c keeps the queue of what is to
 * come.
 */
#ifndef SIM_SIM_IMPL_H
#define SIM_SIM_IMPL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>

#include "rng.h"
#include "sim.h"

struct end;
struct link;

enum event_kind {
    EVENT_SYN,       /* a connect reaches the server's machine */
    EVENT_ACCEPT,    /* its listener is to take it */
    EVENT_CONNECTED, /* n: positive errno, or 0 */
    EVENT_TAKE,      /* the next piece of a send is taken */
    EVENT_SENT,      /* n octets of a send are told */
    EVENT_ARRIVE,    /* n octets reach an end */
    EVENT_FIN,       /* the other end's last octet was before this */
    EVENT_RST,       /* n: positive errno */
    EVENT_DELIVER,   /* what has arrived is told */
    EVENT_CUT,       /* n: enum cut */
    EVENT_LINGER,    /* an orderly close has lasted long enough */
    EVENT_CLOSED,
    EVENT_CALL, /* of sim_at() */
    EVENT_COUNT
};

enum cut { CUT_BOTH, CUT_CLIENT, CUT_LOST };

struct event {
    uint64_t time;
    uint64_t order; /* of equal times the earlier made goes first */
    enum event_kind kind;
    struct end *end;
    uint64_t n;
    void (*fn)(void *);
    void *arg;
};

/* Octets on their way to one end, and those that wait there to be told. */
struct pipe {
    char *octets;
    size_t n;        /* from the beginning on */
    size_t capacity; /* of the memory */
    size_t arrived;  /* of n */
    uint64_t last;   /* when the youngest of them arrives: nothing overtakes it */
    uint64_t told;   /* octets told so far */
};

/* end.flags */
enum {
    LIVE = 1 << 0,       /* between io_connect() or accept and closed() */
    CLIENT = 1 << 1,     /* the connecting end */
    UP = 1 << 2,         /* connected(0) was told */
    PAUSED = 1 << 3,     /* by io_recv_pause() */
    TAKING = 1 << 4,     /* an EVENT_TAKE is on its way */
    DELIVERING = 1 << 5, /* an EVENT_DELIVER is */
    FIN_IN = 1 << 6,     /* the other end has ended its side */
    FIN_TOLD = 1 << 7,
    RST_IN = 1 << 8, /* it is dead: nothing goes out any more */
    FAILED = 1 << 9, /* and the owner was told */
    CLOSING = 1 << 10,
    SHUT = 1 << 11,       /* orderly closing: our end was sent */
    CLOSED_DUE = 1 << 12, /* an EVENT_CLOSED is on its way */
    GONE = 1 << 13,       /* closed() was told */
};

struct end {
    struct io_conn *conn;
    struct link *link;
    struct end *peer;
    uint32_t flags;
    int error;
    struct pipe in;
    /* The send under way: what the owner lent, and what it held then. */
    struct iovec *lent;
    int lent_count;
    char *copy;
    size_t total;
    size_t taken;
    size_t told;
};

struct link {
    struct end client;
    struct end server;
    struct io_listener *listener; /* once a connect has reached it */
    uint32_t number;
    uint16_t port;
    bool waiting; /* for a paused listener */
    bool lost;    /* carries nothing */
};

struct call {
    uint64_t completions;
    void (*fn)(void *);
    void *arg;
};

#define CALLS_MAX     8
#define LISTENERS_MAX 8

struct sim;

struct sim_world {
    struct sim_config config;
    struct rng rng;
    uint64_t now;
    uint64_t stuck_since; /* turns since time moved */
    struct event *events; /* a heap */
    size_t event_count;
    size_t event_capacity;
    uint64_t order;
    struct link **links;
    uint32_t link_count;
    uint32_t link_capacity;
    struct io_listener *listeners[LISTENERS_MAX];
    struct call calls[CALLS_MAX];
    int call_count;
    struct sim_numbers numbers;
    uint64_t connecting; /* connecting ends not told connected() */
    struct sim *sim;
    bool used;
    bool turning;
    bool have_thread;
    pthread_t thread; /* the one that turns */
    atomic_bool woken;
};

struct sim {
    struct io io; /* first: what io.h calls a struct io */
    struct sim_world *world;
};

static inline struct sim_world *world_of(struct io *io)
{
    return ((struct sim *)io)->world;
}

static inline struct sim_world *world_of_end(const struct end *e)
{
    return world_of(e->conn->io);
}

static inline void sim_check(const struct sim_world *w, bool ok, const char *why)
{
    if (!ok)
        sim_die(w, why);
}

void *sim_alloc(size_t);

static inline bool sim_chance(struct sim_world *w, uint32_t in_1000)
{
    return in_1000 && rng_below(&w->rng, 1000) < in_1000;
}

/* 0 to most. */
static inline uint64_t sim_draw(struct sim_world *w, uint64_t most)
{
    return most ? rng_below(&w->rng, most + 1) : 0;
}

/* The queue. */
void sim_queue(struct sim_world *, uint64_t time, enum event_kind, struct end *, uint64_t n);
void sim_queue_call(struct sim_world *, uint64_t time, void (*fn)(void *), void *arg);
uint64_t sim_next(const struct sim_world *);
struct event sim_pop(struct sim_world *);

/* Before every call of an owner: counts it, and makes the calls of sim_after() that are due. */
void sim_completion(struct sim_world *);

/* The wire. All but the last are called by the driver's functions. */
struct link *wire_new(struct sim_world *, uint16_t port);
void wire_free(struct link *);
void wire_take_soon(struct sim_world *, struct end *);
void wire_deliver_soon(struct sim_world *, struct end *);
void wire_reset_peer(struct sim_world *, struct end *);
void wire_shut(struct sim_world *, struct end *);
void wire_finish(struct sim_world *, struct end *);
void wire_drop_send(struct sim_world *, struct end *);
void wire_event(struct sim_world *, const struct event *);

#endif
