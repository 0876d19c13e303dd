/*
 * The histogram's slower half: clearing, merging and asking. Arithmetic only; see hist.h.
 */
#include "hist.h"

#include <string.h>

/*
 * The slots in use lie between those of min and max, so nothing else is kept about them. For an
 * empty histogram, whose min is above its max, that is from the slot of one hour down to slot 0.
 */
static uint32_t slot_of(uint64_t ns)
{
    return hist_index(ns < HIST_HIGHEST ? ns : HIST_HIGHEST);
}

void hist_init(struct hist *h)
{
    h->sum = 0;
    h->count = 0;
    h->above = 0;
    h->min = UINT64_MAX;
    h->max = 0;
}

void hist_clear(struct hist *h)
{
    if (h->count > 0) {
        uint32_t first = slot_of(h->min);

        memset(h->slots + first, 0, (slot_of(h->max) - first + 1) * sizeof *h->slots);
    }
    hist_init(h);
}

void hist_merge(struct hist *into, const struct hist *from)
{
    if (from->count == 0)
        return;
    for (uint32_t i = slot_of(from->min), last = slot_of(from->max); i <= last; i++)
        into->slots[i] += from->slots[i];
    into->sum += from->sum;
    into->count += from->count;
    into->above += from->above;
    into->min = from->min < into->min ? from->min : into->min;
    into->max = from->max > into->max ? from->max : into->max;
}

/*
 * ceil(count * p / 100), in integers: a double product could be off by one for large counts, and
 * whoever recomputes a percentile from the slots must find the same rank. p becomes a count of
 * millionths of a percent; the nearest one, so that 99.9, which no double is, means 99900000. The
 * product stays below 2^64 * 10^8 < 2^91.
 */
static uint64_t rank_of(uint64_t count, double p)
{
    const uint64_t whole = 100000000;
    uint64_t parts = 0;
    uint64_t rank;

    if (p >= 100)
        parts = whole;
    else if (p > 0) /* false for NaN */
        parts = (uint64_t)(p * 1e6 + 0.5);
    rank = (uint64_t)(((hist_sum)count * parts + whole - 1) / whole);
    return rank > 0 ? rank : 1;
}

uint64_t hist_percentile(const struct hist *h, double p)
{
    uint64_t rank = rank_of(h->count, p);
    uint64_t seen = 0;

    if (h->count == 0)
        return 0;
    for (uint32_t i = slot_of(h->min);; i++) {
        seen += h->slots[i];
        if (seen >= rank) {
            uint64_t high = hist_high(i);

            /* The slot of one hour has no upper end once it holds what is above the range. */
            if (h->above > 0 && i == hist_index(HIST_HIGHEST))
                return h->max;
            return high < h->max ? high : h->max;
        }
    }
}

uint64_t hist_mean(const struct hist *h)
{
    if (h->count == 0)
        return 0;
    return (uint64_t)((h->sum + h->count / 2) / h->count);
}

bool hist_next(const struct hist *h, uint32_t *at, struct hist_slot *out)
{
    uint32_t i = *at;

    if (h->count == 0)
        return false;
    if (i < slot_of(h->min))
        i = slot_of(h->min);
    for (uint32_t last = slot_of(h->max); i <= last; i++) {
        if (h->slots[i] == 0)
            continue;
        *out = (struct hist_slot){i, hist_low(i), hist_high(i), h->slots[i]};
        *at = i + 1;
        return true;
    }
    return false;
}
