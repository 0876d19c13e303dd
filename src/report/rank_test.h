/*
 * Do two samples of interval figures differ by more than noise? Ranks only, so no distribution is
 * assumed.
 * Source: H. B. Mann, D. R. Whitney, 1947, with ties; widened for samples whose neighbours resemble
 * each other (first-order autocorrelation of the ranks), as intervals of one run do.
 */
#ifndef REPORT_RANK_TEST_H
#define REPORT_RANK_TEST_H

#include <stddef.h>

/* Fewer intervals than this in either sample can't be judged. */
#define RANK_TEST_LEAST 10

struct rank_test {
    double p;     /* how often equal servers would differ by as much: 0 .. 1 */
    double shift; /* median of `b` against that of `a`, percent; infinite from 0 to something */
};

/* 0, -ENODATA when there are too few, -ENOMEM. Order of time matters; values are not changed. */
int rank_test(const double *a, size_t n, const double *b, size_t m, struct rank_test *out);

#endif
