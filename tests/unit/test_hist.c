/*
 * The histogram against a model that keeps every value, sorted.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "hist.h"
#include "rng.h"

#define VALUES 40000

static const double percents[] = {0,  0.001, 1,  10,   25,    50,     75,
                                  90, 95,    99, 99.9, 99.99, 99.999, 100};

static struct hist *new_hist(void)
{
    struct hist *h = calloc(1, sizeof *h);

    assert_non_null(h);
    hist_init(h);
    return h;
}

/* All magnitudes up to one hour alike: a random number of random bits. */
static uint64_t any_value(struct rng *r)
{
    uint64_t v = rng_next(r) >> (22 + rng_below(r, 42));

    return v < HIST_HIGHEST ? v : HIST_HIGHEST;
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

static void expect_equal(const struct hist *a, const struct hist *b)
{
    assert_true(a->sum == b->sum);
    assert_int_equal(a->count, b->count);
    assert_int_equal(a->above, b->above);
    assert_int_equal(a->min, b->min);
    assert_int_equal(a->max, b->max);
    assert_memory_equal(a->slots, b->slots, sizeof a->slots);
}

/* An independent definition of the rank: the smallest r with r / n >= p / 100, in long double. */
static size_t model_rank(size_t n, double p)
{
    size_t r = 1;

    while ((long double)r * 100 < (long double)n * p * (1 - 1e-15L))
        r++;
    return r;
}

static void percentiles_match_sorted_values(void **state)
{
    uint64_t *values = malloc(VALUES * sizeof *values);
    struct rng rng = {20240229};

    (void)state;
    for (size_t n = 1; n <= VALUES; n = n * 3 + 1) {
        struct hist *h = new_hist();
        hist_sum sum = 0;

        for (size_t i = 0; i < n; i++) {
            values[i] = any_value(&rng);
            hist_record(h, values[i]);
            sum += values[i];
        }
        qsort(values, n, sizeof *values, by_value);
        assert_int_equal(h->count, n);
        assert_int_equal(h->min, values[0]);
        assert_int_equal(h->max, values[n - 1]);
        assert_true(h->sum == sum);
        assert_int_equal(hist_mean(h), (uint64_t)((sum + n / 2) / n));
        assert_int_equal(hist_percentile(h, 100), values[n - 1]);
        for (size_t i = 0; i < sizeof percents / sizeof *percents; i++) {
            uint64_t truth = values[model_rank(n, percents[i]) - 1];
            uint64_t got = hist_percentile(h, percents[i]);

            /* Never too low, and too high by less than 1/128. */
            assert_true(got >= truth);
            assert_true((got - truth) * 128 <= truth);
        }
        free(h);
    }
    free(values);
}

/* Every slot: its lowest and highest value are its own, and their neighbours are not. */
static void slots_tile_the_range(void **state)
{
    uint64_t next = 0;

    (void)state;
    for (uint32_t i = 0; i < HIST_SLOTS; i++) {
        assert_int_equal(hist_low(i), next);
        assert_int_equal(hist_index(hist_low(i)), i);
        assert_int_equal(hist_index(hist_high(i)), i);
        assert_true((hist_high(i) - hist_low(i)) * 128 <= hist_low(i));
        next = hist_high(i) + 1;
    }
    assert_true(next > HIST_HIGHEST);
}

/* HdrHistogram's own layout, from its published definition, for the same range and digits. */
static uint32_t hdr_index(uint64_t v)
{
    const int half_magnitude = 7;
    int bucket = 64 - __builtin_clzll(v | 255) - (half_magnitude + 1);
    int sub = (int)(v >> bucket);

    return (uint32_t)(((bucket + 1) << half_magnitude) + (sub - 128));
}

static void layout_is_hdr(void **state)
{
    struct rng rng = {4};

    (void)state;
    for (int i = 0; i < 100000; i++) {
        uint64_t v = any_value(&rng);

        assert_int_equal(hist_index(v), hdr_index(v));
    }
    /* Sub-buckets 256, doubled until one hour fits: 35 buckets, of which each adds a half. */
    assert_int_equal(HIST_SLOTS, (35 + 1) * 128);
}

static void one_value(uint64_t v)
{
    struct hist *h = new_hist();
    uint64_t in_range = v < HIST_HIGHEST ? v : HIST_HIGHEST;
    struct hist_slot slot;
    uint32_t at = 0;

    hist_record(h, v);
    assert_int_equal(h->count, 1);
    assert_int_equal(h->above, v > HIST_HIGHEST);
    assert_int_equal(h->min, v);
    assert_int_equal(h->max, v);
    assert_true(h->sum == v);
    assert_int_equal(hist_mean(h), v);
    for (size_t i = 0; i < sizeof percents / sizeof *percents; i++)
        assert_int_equal(hist_percentile(h, percents[i]), v);
    assert_true(hist_next(h, &at, &slot));
    assert_int_equal(slot.count, 1);
    assert_true(slot.low <= in_range && in_range <= slot.high);
    assert_false(hist_next(h, &at, &slot));
    hist_clear(h);
    for (uint32_t i = 0; i < HIST_SLOTS; i++)
        assert_int_equal(h->slots[i], 0);
    free(h);
}

static void boundaries(void **state)
{
    (void)state;
    one_value(0);
    one_value(1);
    one_value(255);
    one_value(256);
    one_value(257);
    for (int k = 1; k < 64; k++) {
        one_value((UINT64_C(1) << k) - 1);
        one_value(UINT64_C(1) << k);
        one_value((UINT64_C(1) << k) + 1);
    }
    one_value(HIST_HIGHEST - 1);
    one_value(HIST_HIGHEST);
    one_value(HIST_HIGHEST + 1);
    one_value(UINT64_MAX);
}

static void merges_equal_the_whole(void **state)
{
    struct hist *whole = new_hist();
    struct hist *sum = new_hist();
    struct hist *part[4];
    struct rng rng = {99};

    (void)state;
    for (int i = 0; i < 4; i++)
        part[i] = new_hist();
    for (int i = 0; i < VALUES; i++) {
        uint64_t v = i % 1000 == 7 ? rng_next(&rng) : any_value(&rng);

        hist_record(whole, v);
        hist_record(part[rng_below(&rng, 3)], v); /* the last one stays empty */
    }
    assert_true(whole->above > 0);
    for (int i = 3; i >= 0; i--)
        hist_merge(sum, part[i]);
    expect_equal(sum, whole);
    for (int i = 0; i < 4; i++)
        free(part[i]);
    free(sum);
    free(whole);
}

static void n_at_once_equals_n_times(void **state)
{
    struct hist *a = new_hist();
    struct hist *b = new_hist();
    struct rng rng = {5};

    (void)state;
    for (int i = 0; i < 200; i++) {
        uint64_t v = i % 10 == 0 ? rng_next(&rng) : any_value(&rng);
        uint64_t n = rng_below(&rng, 50);

        hist_record_n(a, v, n);
        for (uint64_t k = 0; k < n; k++)
            hist_record(b, v);
    }
    expect_equal(a, b);
    free(a);
    free(b);
}

static void extremes_do_not_overflow(void **state)
{
    struct hist *h = new_hist();

    (void)state;
    hist_record_n(h, UINT64_MAX, UINT64_MAX);
    assert_int_equal(hist_mean(h), UINT64_MAX);
    assert_int_equal(hist_percentile(h, 99.9), UINT64_MAX);
    assert_int_equal(h->above, UINT64_MAX);
    hist_clear(h);
    hist_record_n(h, 1000, UINT64_MAX - 1);
    hist_record(h, 2000);
    assert_int_equal(hist_percentile(h, 99.999999), 1003);
    assert_int_equal(hist_percentile(h, 100), 2000);
    assert_int_equal(hist_mean(h), 1000);
    free(h);
}

static void empty(void **state)
{
    struct hist *h = new_hist();
    struct hist *other = new_hist();
    struct hist_slot slot;
    uint32_t at = 0;

    (void)state;
    assert_int_equal(hist_percentile(h, 99), 0);
    assert_int_equal(hist_mean(h), 0);
    assert_false(hist_next(h, &at, &slot));
    hist_merge(h, other);
    hist_clear(h);
    expect_equal(h, other);
    hist_record(h, 7);
    assert_int_equal(hist_percentile(h, -1), 7);
    assert_int_equal(hist_percentile(h, 1e300), 7);
    assert_int_equal(hist_percentile(h, __builtin_nan("")), 7);
    free(h);
    free(other);
}

static void iteration_gives_all(void **state)
{
    struct hist *h = new_hist();
    struct hist *copy = new_hist();
    struct rng rng = {31};
    struct hist_slot slot;
    uint32_t at = 0;
    uint64_t last = 0;

    (void)state;
    for (int i = 0; i < 3000; i++)
        hist_record(h, any_value(&rng));
    while (hist_next(h, &at, &slot)) {
        assert_true(copy->count == 0 || slot.low > last);
        assert_int_equal(slot.low, hist_low(slot.index));
        hist_record_n(copy, slot.low, slot.count);
        last = slot.high;
    }
    assert_int_equal(copy->count, h->count);
    assert_memory_equal(copy->slots, h->slots, sizeof h->slots);
    free(h);
    free(copy);
}

/* 99.9 is no double: the rank must be that of the decimal number. */
static void ranks_are_decimal(void **state)
{
    struct hist *h = new_hist();

    (void)state;
    for (uint64_t v = 1; v <= 100; v++)
        hist_record_n(h, v, 10);
    assert_int_equal(hist_percentile(h, 7), 7);
    assert_int_equal(hist_percentile(h, 29), 29);
    assert_int_equal(hist_percentile(h, 57), 57);
    assert_int_equal(hist_percentile(h, 99), 99);
    assert_int_equal(hist_percentile(h, 99.1), 100);
    assert_int_equal(hist_percentile(h, 99.0001), 100);
    free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(percentiles_match_sorted_values),
        cmocka_unit_test(slots_tile_the_range),
        cmocka_unit_test(layout_is_hdr),
        cmocka_unit_test(boundaries),
        cmocka_unit_test(merges_equal_the_whole),
        cmocka_unit_test(n_at_once_equals_n_times),
        cmocka_unit_test(extremes_do_not_overflow),
        cmocka_unit_test(empty),
        cmocka_unit_test(iteration_gives_all),
        cmocka_unit_test(ranks_are_decimal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
