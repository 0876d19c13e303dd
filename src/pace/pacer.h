/*
 * The open load model of one worker: starts fall due whether or not a session is free; what finds
 * none waits in line, and its response time counts from the intended start (coordinated omission:
 * Gil Tene, "How NOT to Measure Latency"). Knows no session and no clock.
 *
 * A free session with a connection takes the head of the line. One without is sent to connect on
 * the line's behalf (a claim) and takes what is at the head when it is ready; should it fail, the
 * claim is dropped, and the start is another session's. So an outage costs no message, and none
 * waits behind a session that can't connect.
 *
 * The line takes no memory: it is what lies between two walkers of the same schedule.
 */
#ifndef PACE_PACER_H
#define PACE_PACER_H

#include "arrivals.h"

struct pacer {
    struct arrivals due;  /* the first start that has not been given to a session nor claimed */
    struct arrivals line; /* the first one not taken: at or behind `due` */
    uint64_t begin;       /* of the schedule, on the clock of all times below, ns */
    uint64_t ahead;       /* starts between line and due */
    uint64_t claims;      /* sessions on the way */
    uint64_t free_since;  /* when the last session-less moment ended; NS_NEVER: none is free */
};

/* One start, as a session takes it. */
struct start {
    uint64_t number;   /* in the schedule, from 0 */
    uint64_t intended; /* ns */
    bool waited;       /* no session was free when it fell due */
    uint64_t lag; /* else: how late the generator was, ns; NS_NEVER: told when it was claimed */
};

/* first: a walker at its first start. No session is free yet. */
void pacer_init(struct pacer *, const struct arrivals *first, uint64_t begin);

/* Sessions became free at now, or none is any more. */
static inline void pacer_free(struct pacer *p, uint64_t now)
{
    if (p->free_since == NS_NEVER)
        p->free_since = now;
}

static inline void pacer_none_free(struct pacer *p)
{
    p->free_since = NS_NEVER;
}

/*
 * The schedule stood still for so long, until now: what is to come and what is in line move by it.
 * Sessions that became free meanwhile are free from now on.
 */
void pacer_shift(struct pacer *, uint64_t by, uint64_t now);

/*
 * When the next start wants a session: a time that may have passed. NS_NEVER: none is left that no
 * session is on the way for.
 */
uint64_t pacer_next(const struct pacer *);

/*
 * A free session goes to connect for the start that pacer_next() told, which is due. true with
 * *lag and *waited as in struct start, false when they were told for an earlier claim to it.
 */
bool pacer_claim(struct pacer *, uint64_t now, uint64_t *lag, bool *waited);

/* That session is ready, or has failed; it takes a start by pacer_take() like any other. */
void pacer_unclaim(struct pacer *);

/* The head of the line, if it is due at now. */
bool pacer_take(struct pacer *, uint64_t now, struct start *);

/* Takes the head out of the line if it was intended before limit: it is missed. Else false. */
bool pacer_drop(struct pacer *, uint64_t limit, uint64_t *intended);

/* Is nothing left, in line or to come? */
static inline bool pacer_over(const struct pacer *p)
{
    return p->line.at == NS_NEVER;
}

#endif
