/*
 * How long to wait before connecting again: exponential, bounded, with jitter, so that sessions
 * that failed together do not come back together.
 */
#ifndef PACE_BACKOFF_H
#define PACE_BACKOFF_H

#include <stdint.h>

#include "rng.h"
#include "units.h"

#define BACKOFF_FIRST (100 * NS_PER_MS)
#define BACKOFF_MAX   (5 * NS_PER_S)

/* After so many failures in a row, ns: none after 0, else from half of 100 ms, 200 ms, ... 5 s on.
 */
static inline uint64_t backoff_delay(uint32_t failures, struct rng *r)
{
    uint64_t d = BACKOFF_MAX;

    if (failures == 0)
        return 0;
    if (failures < 7 && BACKOFF_FIRST << (failures - 1) < BACKOFF_MAX)
        d = BACKOFF_FIRST << (failures - 1);
    return d / 2 + rng_below(r, d / 2 + 1);
}

#endif
