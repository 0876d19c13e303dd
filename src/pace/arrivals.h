/*
 * A walk over a schedule's starts, in order: at equal distances of mass, or as a Poisson process,
 * whose distances are exponential in mass (so that its rate follows the schedule's exactly).
 *
 * All walkers with one seed see one schedule. Walker i of n takes the starts i, i + n, i + 2n, ...:
 * so n workers together start at the times at which one would, in turn, without bursts.
 */
#ifndef PACE_ARRIVALS_H
#define PACE_ARRIVALS_H

#include <stdbool.h>

#include "rng.h"
#include "schedule.h"

enum arrival_kind { ARRIVAL_CONSTANT, ARRIVAL_POISSON };

struct arrivals {
    const struct schedule *schedule; /* borrowed */
    schedule_mass mass;              /* of this start */
    struct rng rng;
    uint64_t number; /* of this start in the schedule, from 0 */
    uint64_t at;     /* its intended time, ns since the schedule's begin; NS_NEVER: no more */
    uint64_t end;    /* starts from this number on do not exist */
    uint32_t step;
    int kind; /* enum arrival_kind */
};

/* Stands at the walker's first start. end: number of starts at most, UINT64_MAX for no bound. */
void arrivals_init(struct arrivals *, const struct schedule *, enum arrival_kind, uint64_t seed,
                   uint64_t end, uint32_t walker, uint32_t walkers);

/* On to the walker's next start; at the end nothing happens. */
void arrivals_next(struct arrivals *);

/* Exponentially distributed with mean 1; the same on every machine (IEEE 754, no libm). */
double arrivals_exponential(struct rng *);

#endif
