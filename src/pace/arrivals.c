/*
 * Walking a schedule.
 */
#include "arrivals.h"

#define LN2 0.69314718055994530942

/*
 * -ln(u) for u = (draw + 1) / 2^64. The draw's leading zeros are the whole powers of two; what is
 * left is m in 1 .. 2, whose logarithm is 2 artanh x with x = (m - 1) / (m + 1), at most 1/3: the
 * terms behind x^31 / 31 are below 2^-53 of the sum.
 */
double arrivals_exponential(struct rng *r)
{
    static const double odd[] = {1.0 / 1,  1.0 / 3,  1.0 / 5,  1.0 / 7,  1.0 / 9,  1.0 / 11,
                                 1.0 / 13, 1.0 / 15, 1.0 / 17, 1.0 / 19, 1.0 / 21, 1.0 / 23,
                                 1.0 / 25, 1.0 / 27, 1.0 / 29, 1.0 / 31};
    uint64_t draw = rng_next(r);
    int zeros;
    double m, x, square, sum = 0;

    if (draw == 0)
        return 64 * LN2;
    zeros = __builtin_clzll(draw);
    m = (double)((draw << zeros) >> 11) * 0x1p-52;
    x = (m - 1) / (m + 1);
    square = x * x;
    for (int k = 15; k >= 0; k--)
        sum = sum * square + odd[k];
    return (zeros + 1) * LN2 - 2 * x * sum;
}

static void gap(struct arrivals *a)
{
    a->mass += (schedule_mass)(arrivals_exponential(&a->rng) * (double)SCHEDULE_ONE);
}

static void locate(struct arrivals *a)
{
    a->at = a->number < a->end ? schedule_when(a->schedule, a->mass) : NS_NEVER;
}

void arrivals_init(struct arrivals *a, const struct schedule *s, enum arrival_kind kind,
                   uint64_t seed, uint64_t end, uint32_t walker, uint32_t walkers)
{
    *a = (struct arrivals){
        .schedule = s,
        .rng = {seed},
        .number = walker,
        .end = end,
        .step = walkers,
        .kind = (int)kind,
    };
    if (kind == ARRIVAL_CONSTANT)
        a->mass = (schedule_mass)walker * SCHEDULE_ONE;
    else
        for (uint32_t i = 0; i <= walker; i++)
            gap(a);
    locate(a);
}

void arrivals_next(struct arrivals *a)
{
    if (a->at == NS_NEVER)
        return;
    a->number += a->step;
    if (a->kind == ARRIVAL_CONSTANT)
        a->mass += (schedule_mass)a->step * SCHEDULE_ONE;
    else
        for (uint32_t i = 0; i < a->step; i++)
            gap(a);
    locate(a);
}
