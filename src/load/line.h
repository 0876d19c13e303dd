/*
 * The line of a worker's sessions that wait for their turn to connect: how many may be at it at a
 * time (--connect-parallel), and how far apart they begin (--connect-rate). To each target so many:
 * one that does not answer keeps nobody from the others.
 */
#ifndef LOAD_LINE_H
#define LOAD_LINE_H

#include <stdbool.h>
#include <stdint.h>

#include "io.h"

struct load;
struct session;

/* Those of one target, in order. */
struct line_queue {
    struct session *first, *last;
    uint64_t connecting; /* turns taken and not given back */
};

struct line {
    struct io *io;
    const struct load *load;
    struct line_queue *queues; /* by target */
    uint64_t parallel;         /* this line's share of --connect-parallel */
    uint64_t period;           /* with a rate: rate_count of this line begin in so many ns */
    uint64_t due;              /* with a rate: the next may begin, ns */
    uint64_t rest;             /* of due: this many parts of rate_count of a nanosecond */
    bool paced;                /* it is for the rate alone that the next one waits */
    struct timer timer;        /* for due */
};

/*
 * The line of worker number index, from 0: each gets an equal share, of turns at least one. 0 or
 * -ENOMEM. done takes a zeroed one.
 */
int line_init(struct line *, struct io *, const struct load *, uint64_t index);
void line_done(struct line *);

/*
 * Puts a session at the end of its target's queue, or at its head; line_next() calls
 * session_connect().
 */
void line_join(struct line *, struct session *);
void line_join_first(struct line *, struct session *);

/* Empties the line; its sessions are told by its caller. */
void line_clear(struct line *);

/* Empties a target's queue, and returns who was in it, one behind the other by `next`. */
struct session *line_take(struct line *, uint32_t target);

/* A session gives its turn back. */
void line_leave(struct line *, const struct session *);

/* Gives turns to those in line, as many as may go now, by their connections' numbers; the later
 * ones by itself. */
void line_next(struct line *);

#endif
