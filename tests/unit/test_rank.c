/*
 * The statement about significance keeps its word: simulated intervals with known noise.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <math.h>

#include "rank_test.h"
#include "rng.h"

#define MOST 60

/* Between 0 and 1, both left out. */
static double uniform(struct rng *rng)
{
    return ((double)(rng_next(rng) >> 11) + 0.5) / 9007199254740992.0;
}

static double normal(struct rng *rng)
{
    return sqrt(-2 * log(uniform(rng))) * cos(6.283185307179586 * uniform(rng));
}

/* Intervals of a server: a level, relative noise, and how much each interval takes from the last.
 */
static void simulate(struct rng *rng, double level, double noise, double memory, double *out,
                     size_t n)
{
    double state = normal(rng);

    for (size_t i = 0; i < n; i++) {
        state = memory * state + sqrt(1 - memory * memory) * normal(rng);
        out[i] = level * exp(noise * state);
    }
}

/* In how many of 2000 pairs a difference is seen at that error rate, per thousand. */
static double seen(double change, double noise, double memory, size_t n, double error)
{
    struct rng rng = {(uint64_t)(n * 1000 + (size_t)(memory * 100))};
    unsigned found = 0;

    for (int i = 0; i < 2000; i++) {
        double a[MOST];
        double b[MOST];
        struct rank_test t;

        simulate(&rng, 1000, noise, memory, a, n);
        simulate(&rng, 1000 * change, noise, memory, b, n);
        assert_int_equal(rank_test(a, n, b, n, &t), 0);
        found += t.p < error;
    }
    return found / 2.0;
}

static void equal_servers_seem_equal(void **state)
{
    (void)state;
    print_message("per thousand at 1%%: %.1f %.1f %.1f; neighbours alike: %.1f %.1f %.1f\n",
                  seen(1, 0.05, 0, 10, 0.01), seen(1, 0.05, 0, 30, 0.01), seen(1, 0.3, 0, 60, 0.01),
                  seen(1, 0.05, 0.3, 20, 0.01), seen(1, 0.05, 0.3, 60, 0.01),
                  seen(1, 0.05, 0.6, 60, 0.01));
    /* 2000 tries of 1% have a standard deviation of 2.2 per thousand. */
    assert_true(seen(1, 0.05, 0, 10, 0.01) <= 17);
    assert_true(seen(1, 0.05, 0, 30, 0.01) <= 17);
    assert_true(seen(1, 0.3, 0, 60, 0.01) <= 17);
    assert_true(seen(1, 0.05, 0.3, 60, 0.01) <= 17);
    assert_true(seen(1, 0.05, 0.6, 60, 0.01) <= 17);
}

static void slower_by_a_tenth_is_found(void **state)
{
    (void)state;
    print_message("per thousand found: %.1f %.1f %.1f\n", seen(0.9, 0.05, 0, 20, 0.01 / 3),
                  seen(0.9, 0.1, 0, 60, 0.01 / 3), seen(1.1, 0.05, 0.3, 50, 0.01 / 3));
    assert_true(seen(0.9, 0.05, 0, 20, 0.01 / 3) >= 950);
    assert_true(seen(0.9, 0.1, 0, 60, 0.01 / 3) >= 950);
    assert_true(seen(1.1, 0.05, 0.3, 50, 0.01 / 3) >= 950);
}

static void corner_cases(void **state)
{
    double a[12] = {5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5};
    double b[12] = {7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7};
    double zero[12] = {0};
    struct rank_test t;

    (void)state;
    assert_int_equal(rank_test(a, 9, b, 12, &t), -ENODATA);
    assert_int_equal(rank_test(a, 12, b, 9, &t), -ENODATA);
    assert_int_equal(rank_test(a, 12, a, 12, &t), 0);
    assert_true(t.p == 1 && t.shift == 0);
    assert_int_equal(rank_test(a, 12, b, 12, &t), 0);
    assert_true(t.p < 0.001 && fabs(t.shift - 40) < 1e-9);
    assert_int_equal(rank_test(zero, 12, a, 12, &t), 0);
    assert_true(isinf(t.shift));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_servers_seem_equal),
        cmocka_unit_test(slower_by_a_tenth_is_found),
        cmocka_unit_test(corner_cases),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
