/*
 * What parsing and checking of requirements share: what can be measured.
 */
#ifndef STATS_REQUIRE_IMPL_H
#define STATS_REQUIRE_IMPL_H

#include "stats.h"

/* Messages that are no counter but a sum. */
enum { REQUIRE_ERRORS = -1, REQUIRE_OFFERED = -2 };

struct require_count {
    const char *name;
    int counter; /* enum counter, or such a sum */
    int whole;   /* what it is a share of, likewise */
};

extern const struct require_count require_counts[];
extern const size_t require_count_count;

/* What latencies are of: the phases, what only a target rate gives, and the CPU time a message. */
enum { REQUIRE_PLAIN = PHASE_COUNT, REQUIRE_RESPONSE, REQUIRE_LAG, REQUIRE_CPU };

/* A percentile that is none. */
#define REQUIRE_MEAN 200

#endif
