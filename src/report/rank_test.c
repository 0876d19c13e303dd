/*
 * The rank-sum test.
 */
#include "rank_test.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "conditions.h"

struct ranked {
    double value;
    size_t at; /* in a, or n + in b */
};

static int by_value(const void *x, const void *y)
{
    double a = ((const struct ranked *)x)->value;
    double b = ((const struct ranked *)y)->value;

    return a < b ? -1 : a > b;
}

/* Ranks from 1, equal values sharing the mean of theirs. Returns the sum of t^3 - t over ties. */
static double rank(struct ranked *all, size_t n, double *ranks)
{
    double ties = 0;

    qsort(all, n, sizeof *all, by_value);
    for (size_t i = 0; i < n;) {
        size_t end = i;

        while (end < n && all[end].value == all[i].value)
            end++;
        for (size_t k = i; k < end; k++)
            ranks[all[k].at] = ((double)i + 1 + (double)end) / 2;
        ties += pow((double)(end - i), 3) - (double)(end - i);
        i = end;
    }
    return ties;
}

/* Covariance of neighbours over the variance, both about the sample's own mean. */
static double autocorrelation(const double *r, size_t n)
{
    double mean = 0;
    double variance = 0;
    double neighbours = 0;

    for (size_t i = 0; i < n; i++)
        mean += r[i] / (double)n;
    for (size_t i = 0; i < n; i++) {
        variance += (r[i] - mean) * (r[i] - mean);
        if (i > 0)
            neighbours += (r[i] - mean) * (r[i - 1] - mean);
    }
    return variance > 1e-6 ? neighbours / variance : 0; /* ranks are halves: that is none */
}

/*
 * By how much the variance of a sum of n values grows when each resembles the last by r: for long
 * samples (1 + r) / (1 - r). The estimate of r is too low by about (1 + 4 r) / n in short samples;
 * that is put right first, and what is left is never taken to narrow the test.
 */
static double inflation(const double *ranks, size_t n)
{
    double r = autocorrelation(ranks, n);

    r += (1 + 4 * r) / (double)n;
    r = r < 0 ? 0 : r > 0.95 ? 0.95 : r;
    return (1 + r) / (1 - r);
}

static double median_of(const struct ranked *all, size_t n, size_t first, size_t count)
{
    double below = 0;
    size_t seen = 0;

    /* `all` is in order of value; pick those of one sample. */
    for (size_t i = 0; i < n; i++) {
        if (all[i].at < first || all[i].at >= first + count)
            continue;
        if (seen == (count - 1) / 2)
            below = all[i].value;
        if (seen == count / 2)
            return (below + all[i].value) / 2;
        seen++;
    }
    return below;
}

int rank_test(const double *a, size_t n, const double *b, size_t m, struct rank_test *out)
{
    size_t all_count = n + m;
    struct ranked *all;
    double *ranks;
    double sum = 0;
    double ties;
    double variance;
    double off;

    if (n < RANK_TEST_LEAST || m < RANK_TEST_LEAST)
        return -ENODATA;
    all = calloc(all_count, sizeof *all);
    ranks = calloc(all_count, sizeof *ranks);
    if (!all || !ranks) {
        free(all);
        free(ranks);
        return -ENOMEM;
    }
    for (size_t i = 0; i < all_count; i++)
        all[i] = (struct ranked){i < n ? a[i] : b[i - n], i};
    ties = rank(all, all_count, ranks);
    for (size_t i = 0; i < n; i++)
        sum += ranks[i];
    /* Mean and variance of the sum of n ranks out of 1 .. N: n (N + 1) / 2 and, but for ties,
     * n m (N + 1) / 12. */
    off = fabs(sum - (double)n * (double)(all_count + 1) / 2) - 0.5;
    variance = (double)n * (double)m / 12 *
               ((double)all_count + 1 - ties / ((double)all_count * (double)(all_count - 1)));
    variance *=
        ((double)m * inflation(ranks, n) + (double)n * inflation(ranks + n, m)) / (double)all_count;
    out->p = variance > 0 && off > 0 ? erfc(off / sqrt(2 * variance)) : 1;
    out->shift = change_percent(median_of(all, all_count, 0, n), median_of(all, all_count, n, m));
    free(all);
    free(ranks);
    return 0;
}
