/*
 * The series over time: rows as they come, and what merging must keep.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "series.h"
#include "units.h"

/* Interval i: i accepted messages of i us each, one refused, two connections made and one closed.
 */
static void fill(struct stats *s, uint64_t i)
{
    struct refusal_key key = refusal_key(PHASE_MAIL, 450, (struct slice){"", 0}, false);

    stats_clear(s);
    for (uint64_t k = 0; k < i; k++) {
        stats_message(s, OUTCOME_ACCEPTED, NULL);
        stats_latency(s, PHASE_TRANSACTION, i * NS_PER_US);
    }
    stats_message(s, OUTCOME_REFUSED, &key);
    stats_add(s, COUNTER_CONNECTIONS_MADE, 2);
    stats_count(s, COUNTER_CONNECTIONS_CLOSED);
    hist_record(&s->lag, 1000 - i);
}

static void add(struct series *v, struct stats *s, uint64_t i)
{
    fill(s, i);
    series_add(v, (i + 1) * NS_PER_S, 7 * (i + 1), s, &s->latency[PHASE_TRANSACTION]);
}

static void test_rows(void **state)
{
    struct series v;
    struct stats *s = stats_new();

    (void)state;
    assert_int_equal(series_init(&v, 8), 0);
    for (uint64_t i = 0; i < 8; i++)
        add(&v, s, i);
    assert_int_equal(v.count, 8);
    for (uint64_t i = 0; i < 8; i++) {
        const struct series_row *r = &v.rows[i];

        assert_int_equal(r->begin, i * NS_PER_S);
        assert_int_equal(r->end, (i + 1) * NS_PER_S);
        assert_int_equal(r->ended[OUTCOME_ACCEPTED], i);
        assert_int_equal(r->ended[OUTCOME_REFUSED], 1);
        assert_int_equal(r->open, i + 1);
        assert_int_equal(r->lag_max, 1000 - i);
        assert_int_equal(r->latency.count, i);
        assert_int_equal(r->latency.max, i * NS_PER_US);
        assert_int_equal(r->intervals, 1);
    }
    series_done(&v);
    stats_free(s);
}

/* However many intervals: sums, histograms and times are those of one that was never merged. */
static void test_merged(void **state)
{
    struct stats *s = stats_new();
    struct hist *expect = calloc(1, sizeof *expect);

    (void)state;
    for (uint64_t n = 1; n < 300; n += 7) {
        struct series v;
        uint64_t i = 0;

        assert_int_equal(series_init(&v, 16), 0);
        for (uint64_t k = 0; k < n; k++)
            add(&v, s, k);
        assert_true(v.count <= 16 && (n < 16 || v.count >= 8));
        for (size_t row = 0; row < v.count; row++) {
            const struct series_row *r = &v.rows[row];
            uint64_t accepted = 0;

            assert_int_equal(r->begin, i * NS_PER_S);
            assert_true(r->intervals == v.intervals || row + 1 == v.count);
            assert_int_equal(r->lag_max, 1000 - i);
            hist_init(expect);
            memset(expect->slots, 0, sizeof expect->slots);
            for (uint32_t k = 0; k < r->intervals; k++, i++) {
                accepted += i;
                hist_record_n(expect, i * NS_PER_US, i);
            }
            assert_int_equal(r->end, i * NS_PER_S);
            assert_int_equal(r->open, i);
            assert_int_equal(r->ended[OUTCOME_ACCEPTED], accepted);
            assert_int_equal(r->ended[OUTCOME_REFUSED], r->intervals);
            assert_memory_equal(&r->latency, expect, sizeof *expect);
        }
        assert_int_equal(i, n);
        series_done(&v);
    }
    free(expect);
    stats_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows), cmocka_unit_test(test_merged)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
