/*
 * A histogram of latencies in the HdrHistogram layout: unit 1 ns, two significant digits, 0 to one
 * hour. Constant memory, constant time, exact merges. Pure arithmetic: knows no clock.
 * Source: Gil Tene, HdrHistogram (hdrhistogram.org), the layout only.
 *
 * The layout. Two significant digits need a resolution of 1/100 of the value; the next power of two
 * that gives it for values in both halves of an octave is 256 sub-buckets, of which every octave
 * above the first uses the upper 128. With
 *     octave(v) = max(0, floor(log2 v) - 7),  sub(v) = v >> octave(v)
 * a value below 256 has octave 0 and is its own sub-bucket, exact; any other has 128 <= sub < 256,
 * in a slot 2^octave wide that begins at sub * 2^octave >= 128 * 2^octave. So slots are never wider
 * than 1/128 of what they hold. Numbering them all in order of value,
 *     index(v) = octave(v) * 128 + sub(v)
 * leaves no gap: octave k ends at 128 k + 255, and octave k + 1 begins at 128 (k + 1) + 128.
 */
#ifndef STATS_HIST_H
#define STATS_HIST_H

#include <stdbool.h>
#include <stdint.h>

/* One hour. What is above counts in the slot of one hour, and in `above`. */
#define HIST_HIGHEST UINT64_C(3600000000000)

/*
 * 2^41 <= one hour < 2^42, so octaves go from 0 to 41 - 7 = 34, and the last slot is 34 * 128 +
 * 255. (A little more than needed: as many as HdrHistogram has for this range.)
 */
#define HIST_SLOTS 4608

#define HIST_SUB_BUCKETS 256

/* Below 2^128 whatever was recorded: at most 2^64 - 1 values of at most 2^64 - 1. */
__extension__ typedef unsigned __int128 hist_sum;

struct hist {
    hist_sum sum; /* exact, of the values as given, those above the range included */
    uint64_t count;
    uint64_t min;   /* exact; UINT64_MAX when empty */
    uint64_t max;   /* exact, also above the range; 0 when empty */
    uint64_t above; /* of count: above the range */
    uint64_t slots[HIST_SLOTS];
};

/* One slot with something in it. */
struct hist_slot {
    uint32_t index;
    uint64_t low; /* lowest and highest value that this slot stands for, ns */
    uint64_t high;
    uint64_t count;
};

/* The slot of a value of at most HIST_HIGHEST. */
static inline uint32_t hist_index(uint64_t ns)
{
    /* floor(log2 v) is 63 - clz(v); or-ing 255 in makes it at least 7, and clz defined for 0. */
    uint32_t octave = 56 - (uint32_t)__builtin_clzll(ns | (HIST_SUB_BUCKETS - 1));

    return (octave << 7) + (uint32_t)(ns >> octave);
}

/* Lowest value of a slot, the inverse of hist_index(): slots 0 to 255 are octave 0. */
static inline uint64_t hist_low(uint32_t index)
{
    if (index < HIST_SUB_BUCKETS)
        return index;
    return (uint64_t)((index & 127) + 128) << ((index >> 7) - 1);
}

/* Highest value of a slot ("highest equivalent value"). */
static inline uint64_t hist_high(uint32_t index)
{
    return hist_low(index + 1) - 1;
}

/* One value. No branch: the limits compile to conditional moves. */
static inline void hist_record(struct hist *h, uint64_t ns)
{
    h->slots[hist_index(ns < HIST_HIGHEST ? ns : HIST_HIGHEST)]++;
    h->count++;
    h->above += ns > HIST_HIGHEST;
    h->sum += ns;
    h->min = ns < h->min ? ns : h->min;
    h->max = ns > h->max ? ns : h->max;
}

/* The same value n times. */
static inline void hist_record_n(struct hist *h, uint64_t ns, uint64_t n)
{
    if (n == 0)
        return;
    h->slots[hist_index(ns < HIST_HIGHEST ? ns : HIST_HIGHEST)] += n;
    h->count += n;
    h->above += ns > HIST_HIGHEST ? n : 0;
    h->sum += (hist_sum)ns * n;
    h->min = ns < h->min ? ns : h->min;
    h->max = ns > h->max ? ns : h->max;
}

/* For memory that is zero already (calloc); leaves the slots' pages untouched. */
void hist_init(struct hist *);

/* Empties it. Costs as much as the range between min and max is wide. */
void hist_clear(struct hist *);

/* Adds what `from` holds: the same as if all had been recorded in one. */
void hist_merge(struct hist *into, const struct hist *from);

/*
 * The value that p percent of the recorded ones do not exceed, ns: the highest equivalent value of
 * the slot that holds the value of rank ceil(count * p / 100), at least 1 (HdrHistogram's
 * definition), but never above the exact max. p is taken to six decimals; below 0 counts as 0,
 * above 100 as 100. 0 for an empty histogram. When that slot is the one that holds the values above
 * the range, the answer is max.
 */
uint64_t hist_percentile(const struct hist *, double p);

/* The exact mean, rounded to the nearest ns, halves up; 0 for an empty histogram. */
uint64_t hist_mean(const struct hist *);

/*
 * The next non-empty slot, in order of value. *at is 0 before the first call and moves by itself.
 * false when there is none left.
 */
bool hist_next(const struct hist *, uint32_t *at, struct hist_slot *out);

#endif
