/*
 * The load models beyond "every session in a loop until -m": a target rate, whose starts fall due
 * whether or not a session is free; an end in time; a number of sessions that changes. One struct a
 * worker; nothing is shared. pace/pacer.h has the reasons.
 */
#ifndef LOAD_MODEL_H
#define LOAD_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "pacer.h"

struct session;
struct worker;

struct model {
    struct pacer pacer;
    struct session *free_first, *free_last; /* sessions that wait for a start, longest first */
    uint64_t begin;                         /* of the run, ns */
    uint64_t end;                           /* no message is taken from here on; NS_NEVER */
    uint64_t over_at;                       /* when the last one could have been; NS_NEVER: yet */
    uint64_t level_at;                      /* when the number of sessions changes next */
    uint64_t level;                         /* of this worker's sessions, those in the load */
    uint64_t held_ns;                       /* of pauses, by which all of these were moved */
    bool held;                              /* there is a pause: sessions that are free wait */
    bool on;                                /* there is anything of this to do at all */
    bool paced;                             /* there is a target rate */
};

/* Before the first session begins. begin is the same for all workers. */
void model_init(struct worker *, uint64_t begin);

/* When they have begun. */
void model_begun(struct worker *);

/*
 * Once a loop turn: gives due starts to free sessions, and ends what is at its end. Returns when it
 * wants to be called again at the latest.
 */
uint64_t model_turn(struct worker *);

/* No message is to be taken any more: the run was stopped, or its time is over. */
void model_over(struct worker *, uint64_t now);

/* When the loop has ended: what was due and never started is missed. */
void model_finish(struct worker *);

/* With a target rate: the start that this session shall take now, if there is one. */
bool model_take(struct session *, uint64_t now, struct start *);

/* The session waits for a start to fall due; it has, or is, something else. Both idempotent. */
void model_park(struct session *, uint64_t now);
void model_unpark(struct session *);

/* The session fails or ends: its claim, if it has one, is given back. */
void model_unclaim(struct session *);

/* Does this session take part, by the number of sessions there are to be now? */
bool model_wanted(const struct session *);

#endif
