/*
 * A simulated network behind io.h, for tests: a fake clock that jumps to the next event,
 * connections in memory, and faults drawn from a seed. The same seed gives the same run, completion
 * by completion. It also holds its owners to io.h: misuse ends the process with the run's label.
 *
 * Both ends of a connection live in one driver: io_connect() to a port that some listener of the
 * same struct io has makes the server's end, and the server is driven from the same io_turn(). Only
 * the connecting ends count in io->live, so that a load may end while servers still have
 * connections.
 */
#ifndef SIM_SIM_H
#define SIM_SIM_H

#include <stdbool.h>
#include <stdint.h>

#include "io.h"

/* How the network behaves. Chances are in 1000; times are ns. All zero: instant and faultless. */
struct sim_config {
    uint64_t seed;
    const char *label;     /* what to print when something is wrong: how to repeat the run */
    uint64_t latency;      /* one way */
    uint64_t jitter;       /* up to this is added, in order within a direction */
    uint64_t connect_time; /* from io_connect() to connected() */
    uint32_t refused;      /* connects that are refused */
    uint32_t unanswered;   /* connects that nothing ever answers */
    uint32_t cut;        /* connections that end at a random moment: RST at one or both ends, ... */
    uint32_t lost;       /* ... or that carry nothing any more from then on, untold */
    uint64_t cut_within; /* the moment is up to this after the connect */
    uint32_t pieces;     /* sends that are taken piece by piece */
    uint32_t split;      /* deliveries that are told in parts */
    uint32_t merged;     /* deliveries that wait for what comes behind */
    uint32_t late;       /* turns that begin up to late_by after something is due */
    uint64_t late_by;
    uint32_t spurious;  /* turns that return with nothing done */
    uint32_t capacity;  /* octets on the way in one direction; 0: any number */
    uint64_t turns_max; /* a run that takes more turns has failed; 0: no limit */

    /* Called once from the first turn, before anything else: servers begin to listen here. */
    void (*start)(void *arg, struct io *);
    void *arg;
};

struct sim_world;

/* What happened in a world, seen from below. Of the connecting ends only. */
struct sim_numbers {
    uint64_t connects;  /* io_connect() calls */
    uint64_t connected; /* connected(0) told */
    uint64_t errors;    /* connected() with an error told */
    uint64_t sent;      /* octets told by sent() */
    uint64_t received;  /* octets told by received() */
    uint64_t turns;
    uint64_t completions;
    uint64_t open_max;       /* connecting and connected at the same time, the most there were */
    uint64_t connecting_max; /* connecting at the same time */
    uint64_t first_connect;  /* when the first io_connect() was called, and the last */
    uint64_t last_connect;
    uint64_t gap_min; /* between one and the next; 0 with fewer than two */
    uint64_t gap_max;
};

/*
 * A world outlives the struct io that is made in it, so that it can be asked afterwards. The config
 * is copied.
 */
struct sim_world *sim_new(const struct sim_config *);
void sim_free(struct sim_world *);

/* The next io_new(&io_sim) of this thread is made in that world; each world takes one. */
void sim_use(struct sim_world *);

extern const struct io_driver io_sim;

uint64_t sim_now(const struct sim_world *);
void sim_numbers(const struct sim_world *, struct sim_numbers *);

/* Calls fn from a turn: at a time, or when so many completions have been told. */
void sim_at(struct sim_world *, uint64_t when, void (*fn)(void *), void *arg);
void sim_after(struct sim_world *, uint64_t completions, void (*fn)(void *), void *arg);

/*
 * The number of an accepted conn's connection, while it is live; and how many of the octets that
 * the accepted end has sent were told to the other by received(), at any time.
 */
uint32_t sim_number(const struct io_conn *);
uint64_t sim_delivered(const struct sim_world *, uint32_t number);

/* A loopback address with this port; a listener of the simulation has its port as its fd. */
struct address;
void sim_address(struct address *, uint16_t port);

/* Prints the label and why, and ends the process. */
_Noreturn void sim_die(const struct sim_world *, const char *why);

#endif
