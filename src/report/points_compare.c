/*
 * Is a change noise? Told by the intervals of two runs.
 */
#include <math.h>

#include "points.h"
#include "rank_test.h"
#include "units.h"

/* Of equal runs, at most this share is called changed in any of the figures. */
#define ERROR_RATE 0.01

enum figure { FIGURE_RATE, FIGURE_P50, FIGURE_P99, FIGURE_COUNT };

/*
 * A figure of the rows that were measured in full: without those of the warm-up, the first after
 * it, in which sessions connect, and the last, which the end cuts. Returns how many.
 */
static size_t figures(struct points_of_run run, enum figure f, double out[POINTS_MAX])
{
    const struct points *p = run.points;
    size_t first = 0;
    size_t n = 0;

    while (first < p->count && p->rows[first].begin_ns < run.warmup_ns)
        first++;
    for (size_t i = first + 1; i + 1 < p->count; i++) {
        const struct point *r = &p->rows[i];
        uint64_t ns = f == FIGURE_P50 ? r->p50_ns : r->p99_ns;

        if (f == FIGURE_RATE && r->end_ns > r->begin_ns)
            out[n++] = (double)r->ended[OUTCOME_ACCEPTED] * 1e9 / (double)(r->end_ns - r->begin_ns);
        else if (f != FIGURE_RATE && ns != NS_NEVER)
            out[n++] = (double)ns;
    }
    return n;
}

static bool figure_line(struct points_of_run base, struct points_of_run new, enum figure f,
                        FILE *out)
{
    static const char *const names[] = {"rate", "p50", "p99"};
    double a[POINTS_MAX];
    double b[POINTS_MAX];
    size_t n = figures(base, f, a);
    size_t m = figures(new, f, b);
    struct rank_test t;
    bool changed;

    if (rank_test(a, n, b, m, &t) < 0) {
        fprintf(out, "  %-12s too few intervals: %zu and %zu, %d are needed of each\n", names[f], n,
                m, RANK_TEST_LEAST);
        return false;
    }
    /* Three figures are tested: each may err a third as often. */
    changed = t.p < ERROR_RATE / FIGURE_COUNT;
    if (isinf(t.shift))
        fprintf(out, "  %-12s %-9s  from 0", names[f], changed ? "changed" : "no change");
    else
        fprintf(out, "  %-12s %-9s  median %+.1f%%", names[f], changed ? "changed" : "no change",
                t.shift);
    if (t.p < 0.0001)
        fputs(", p < 0.0001\n", out);
    else
        fprintf(out, ", p = %.4f\n", t.p);
    return changed;
}

void points_compare(struct points_of_run base, struct points_of_run new, FILE *out)
{
    bool changed = false;
    double unused[POINTS_MAX];

    fputc('\n', out);
    if (!base.points || !new.points) {
        fprintf(out, "  No interval data in %s: whether a change is noise can't be said.\n",
                base.points  ? "the new run"
                : new.points ? "the base"
                             : "either run");
        return;
    }
    if (base.points->interval_ns * base.points->merged !=
        new.points->interval_ns *new.points->merged) {
        fputs("  Intervals of different lengths: whether a change is noise can't be said.\n", out);
        return;
    }
    if (figures(base, FIGURE_RATE, unused) < RANK_TEST_LEAST ||
        figures(new, FIGURE_RATE, unused) < RANK_TEST_LEAST) {
        fprintf(out,
                "  Too few intervals (%zu and %zu; beyond the first and last, %d are needed of\n"
                "  each): whether a change is noise can't be said.\n",
                base.points->count, new.points->count, RANK_TEST_LEAST);
        return;
    }
    fputs("  is it noise  (by intervals; of equal runs, 1 in 100 is called changed at most)\n",
          out);
    for (int f = 0; f < FIGURE_COUNT; f++)
        changed |= figure_line(base, new, (enum figure)f, out);
    fprintf(out, "  %-12s %s\n", "in all", changed ? "changed" : "no change");
}
