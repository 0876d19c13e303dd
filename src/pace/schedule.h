/*
 * How much load is wanted when: stages that hold a level or ramp between two, one behind the other.
 * The level is a rate of starts, or a number of sessions. Arithmetic only: knows no clock.
 *
 * Exactness. A rate is in thousandths of an event an hour and a time in ns, so their product, the
 * mass, is an integer, of which SCHEDULE_ONE makes one event. The mass that has come by a point in
 * time is the integral of the rate, computed from the stage's begin each time and never summed up:
 * start n stands at the same nanosecond whether it is asked for first or after 2^40 others.
 */
#ifndef PACE_SCHEDULE_H
#define PACE_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "diag.h"
#include "units.h"

__extension__ typedef unsigned __int128 schedule_mass;

/* 3600 s of a rate of 1000 thousandths an hour */
#define SCHEDULE_ONE UINT64_C(3600000000000000)

/* Highest rate, an hour's thousandths: 10^8 a second. Longest schedule, ns: ten years. */
#define SCHEDULE_RATE_MAX (UINT64_C(100000000) * 3600000)
#define SCHEDULE_TIME_MAX (UINT64_C(10) * 31536000 * NS_PER_S)

#define SCHEDULE_STAGES 64

struct stage {
    uint64_t from, to; /* level at its begin and end: a rate as of num_rate(), or a number */
    uint64_t length;   /* ns; NS_NEVER for the last one: without end, from == to */
};

struct schedule {
    struct stage stages[SCHEDULE_STAGES];
    uint64_t begin[SCHEDULE_STAGES];     /* ns since the schedule's begin */
    schedule_mass mass[SCHEDULE_STAGES]; /* by then */
    schedule_mass total;                 /* by the end; all ones: no end */
    uint64_t length;                     /* ns; NS_NEVER: no end */
    size_t count;
};

enum schedule_kind {
    SCHEDULE_RATES,   /* "0..2000/s:30s, 2000/s:5m" */
    SCHEDULE_SESSIONS /* "0..100:30s, 100:5m" */
};

/*
 * What the user typed: LEVEL:TIME or FROM..TO:TIME, with commas between; FROM takes TO's unit when
 * it has none of its own. 0, or -EINVAL with diag set to the part at fault and what is wanted.
 */
int schedule_parse(struct schedule *, enum schedule_kind, const char *text, struct diag *);

/* One level for a time, NS_NEVER for good. */
void schedule_constant(struct schedule *, uint64_t level, uint64_t length);

/* What has come by t (ns since the begin), in units of 1 / SCHEDULE_ONE event. */
schedule_mass schedule_mass_at(const struct schedule *, uint64_t t);

/*
 * When mass m has come: the first whole ns at or after it. What begins a stage of its own belongs
 * to that stage, so nothing starts while the rate is 0. NS_NEVER: the schedule ends before.
 */
uint64_t schedule_when(const struct schedule *, schedule_mass m);

/* How many starts there are at 0, 1, 2... times SCHEDULE_ONE; UINT64_MAX: no end. */
uint64_t schedule_starts(const struct schedule *);

/* The level at t, rounded down; behind the end the last one. For rates: in their unit. */
uint64_t schedule_level(const struct schedule *, uint64_t t);

/* When the level next differs from what it is at t; NS_NEVER: not any more. For sessions. */
uint64_t schedule_change(const struct schedule *, uint64_t t);

#endif
