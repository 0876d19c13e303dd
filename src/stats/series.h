/*
 * How a run went over time: a row an interval, in bounded memory however long the run. When there
 * is no room for another row, neighbours are merged pairwise, and from then on a row stands for
 * twice the time. Merging is exact, also of percentiles.
 */
#ifndef STATS_SERIES_H
#define STATS_SERIES_H

#include "stats.h"

#define SERIES_ROWS 512

/* Times are since the run's begin, ns. */
struct series_row {
    uint64_t begin, end;
    uint64_t paused;               /* what of the time until its end is in no row */
    uint64_t ended[OUTCOME_COUNT]; /* messages */
    uint64_t open;                 /* connections, when the row ended */
    uint64_t lag_max;              /* ns */
    uint32_t intervals;            /* that it is made of */
    struct hist latency;           /* of the accepted: response time, if there is a target rate */
};

struct series {
    struct series_row *rows; /* in order of time, without gaps */
    size_t count;
    size_t capacity;    /* even */
    size_t used;        /* the most there were */
    uint32_t intervals; /* that a row is made of: 1, 2, 4, ... */
    uint64_t open;
};

/* capacity: how many rows at most, even. 0 or -ENOMEM; done takes a zeroed one. */
int series_init(struct series *, size_t capacity);
void series_done(struct series *);

/* Empties it. */
void series_clear(struct series *);

/*
 * The interval that ended at `end`, before which the run was paused for so long in all; its
 * statistics, and which histogram of them is the latency.
 */
void series_add(struct series *, uint64_t end, uint64_t paused, const struct stats *,
                const struct hist *latency);

#endif
