/*
 * Rows by target: made, emptied, merged, checked.
 */
#include "targets.h"

#include <stdlib.h>
#include <string.h>

const enum counter target_counters[] = {
    COUNTER_MESSAGES_ACCEPTED, COUNTER_MESSAGES_REFUSED,   COUNTER_MESSAGES_FAILED,
    COUNTER_MESSAGES_UNKNOWN,  COUNTER_MESSAGES_PARTIAL,   COUNTER_CONNECTIONS_STARTED,
    COUNTER_CONNECTIONS_MADE,  COUNTER_CONNECTIONS_FAILED, COUNTER_CONNECTIONS_LOST,
};

const size_t target_counter_count = sizeof target_counters / sizeof *target_counters;

struct target_stats *targets_new(uint32_t count)
{
    /* As with all statistics: pages that nothing was recorded in cost nothing. */
    struct target_stats *rows = calloc(count, sizeof *rows);

    for (uint32_t i = 0; rows && i < count; i++) {
        hist_init(&rows[i].transaction);
        hist_init(&rows[i].response);
    }
    return rows;
}

void targets_clear(struct target_stats *rows, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        memset(rows[i].counter, 0, sizeof rows[i].counter);
        hist_clear(&rows[i].transaction);
        hist_clear(&rows[i].response);
    }
}

void targets_merge(struct target_stats *into, const struct target_stats *from, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        for (int c = 0; c < COUNTER_COUNT; c++)
            into[i].counter[c] += from[i].counter[c];
        hist_merge(&into[i].transaction, &from[i].transaction);
        hist_merge(&into[i].response, &from[i].response);
    }
}

uint64_t targets_offered(const struct target_stats *t)
{
    uint64_t sum = 0;

    for (int o = 0; o < OUTCOME_COUNT; o++)
        sum += t->counter[COUNTER_MESSAGES_ACCEPTED + o];
    return sum;
}

const char *targets_check(const struct target_stats *rows, uint32_t count,
                          const struct stats *whole)
{
    uint64_t transactions = 0;
    uint64_t responses = 0;

    for (size_t k = 0; k < target_counter_count; k++) {
        enum counter c = target_counters[k];
        uint64_t sum = 0;

        for (uint32_t i = 0; i < count; i++)
            if (__builtin_add_overflow(sum, rows[i].counter[c], &sum))
                return counter_name(c);
        if (sum != whole->counter[c])
            return counter_name(c);
    }
    for (uint32_t i = 0; i < count; i++)
        if (__builtin_add_overflow(transactions, rows[i].transaction.count, &transactions) ||
            __builtin_add_overflow(responses, rows[i].response.count, &responses))
            return "latency";
    if (transactions != whole->latency[PHASE_TRANSACTION].count)
        return "latency.transaction";
    return responses == whole->response[OUTCOME_ACCEPTED].count ? NULL : "response.accepted";
}
