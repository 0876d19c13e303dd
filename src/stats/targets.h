/*
 * The account by target, where a load has several: a row each. Whatever a row counts is counted for
 * the whole in the same call, so rows sum to the whole.
 */
#ifndef STATS_TARGETS_H
#define STATS_TARGETS_H

#include <stddef.h>
#include <stdint.h>

#include "stats.h"

struct target_stats {
    uint64_t counter[COUNTER_COUNT]; /* those of target_counters; the others are 0 */
    struct hist transaction;         /* as the whole's latency of the transaction */
    struct hist response;            /* as the whole's response time of accepted messages */
};

/* What is counted by target. Of the ends of messages, missed ones had no target. */
extern const enum counter target_counters[];
extern const size_t target_counter_count;

/* count rows, all empty. NULL when out of memory. free() frees. */
struct target_stats *targets_new(uint32_t count);

void targets_clear(struct target_stats *, uint32_t count);
void targets_merge(struct target_stats *into, const struct target_stats *from, uint32_t count);

/* Messages that went to it: the sum of the outcomes. */
uint64_t targets_offered(const struct target_stats *);

/* Do the rows sum to the whole? NULL, or the name of a counter or latency that they don't. */
const char *targets_check(const struct target_stats *, uint32_t count, const struct stats *whole);

#endif
