/*
 * A small seeded random generator: SplitMix64. Its state is one word, any seed is good, and the
 * n-th value for a seed is the same on every machine.
 * Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators" (OOPSLA 2014).
 */
#ifndef BASE_RNG_H
#define BASE_RNG_H

#include <stdint.h>

struct rng {
    uint64_t state;
};

static inline uint64_t rng_next(struct rng *r)
{
    uint64_t z = r->state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/*
 * Uniform in 0 .. limit-1, limit > 0. The high word of a 64 x 64 bit product scales the draw to
 * the range; its bias is below limit / 2^64.
 */
static inline uint64_t rng_below(struct rng *r, uint64_t limit)
{
    __extension__ typedef unsigned __int128 wide;

    return (uint64_t)(((wide)rng_next(r) * limit) >> 64);
}

#endif
