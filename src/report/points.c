/*
 * Runs over time, read and compared.
 */
#include "points.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>

#include "rank_test.h"

/* Of equal runs, at most this share is called changed in any of the figures. */
#define ERROR_RATE 0.01

static bool count_of(const json_t *o, const char *name, uint64_t *out)
{
    const json_t *value = json_object_get(o, name);

    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return false;
    *out = (uint64_t)json_integer_value(value);
    return true;
}

static bool read_row(const json_t *o, struct point *p)
{
    p->has_latency = json_is_integer(json_object_get(o, "p50_ns"));
    return count_of(o, "begin_ns", &p->begin_ns) && count_of(o, "end_ns", &p->end_ns) &&
           p->begin_ns <= p->end_ns && count_of(o, "accepted", &p->accepted) &&
           (!p->has_latency ||
            (count_of(o, "p50_ns", &p->p50_ns) && count_of(o, "p99_ns", &p->p99_ns)));
}

int points_read(const json_t *root, struct points *out, struct diag *d)
{
    const json_t *series = json_object_get(root, "series");
    const json_t *rows = json_object_get(series, "rows");
    const json_t *warmup = json_object_get(json_object_get(root, "model"), "warmup_ns");
    size_t n = json_array_size(rows);
    struct points p = {.count = n};
    uint64_t interval = 0;
    uint64_t merged = 0;

    if (!series)
        return 0;
    if (!json_is_array(rows) || n > POINTS_MAX || !count_of(series, "interval_ns", &interval) ||
        !count_of(series, "merged", &merged) ||
        __builtin_mul_overflow(interval, merged, &p.length_ns))
        return diag_set(d, -EBADMSG, "series is none");
    p.warmup_ns = json_is_integer(warmup) && json_integer_value(warmup) > 0
                      ? (uint64_t)json_integer_value(warmup)
                      : 0;
    p.rows = calloc(n + 1, sizeof *p.rows);
    if (!p.rows)
        return diag_set(d, -ENOMEM, "out of memory");
    for (size_t i = 0; i < n; i++) {
        if (!read_row(json_array_get(rows, i), &p.rows[i]) ||
            (i > 0 && p.rows[i].begin_ns < p.rows[i - 1].end_ns)) {
            free(p.rows);
            return diag_set(d, -EBADMSG, "series has a row that is none");
        }
    }
    *out = p;
    return 0;
}

void points_done(struct points *p)
{
    free(p->rows);
    *p = (struct points){0};
}

enum figure { FIGURE_RATE, FIGURE_P50, FIGURE_P99, FIGURE_COUNT };

/*
 * A figure of the rows that were measured in full: without those of the warm-up, the first after
 * it, in which sessions connect, and the last, which the end cuts. Returns how many.
 */
static size_t figures(const struct points *p, enum figure f, double out[POINTS_MAX])
{
    size_t first = 0;
    size_t n = 0;

    while (first < p->count && p->rows[first].begin_ns < p->warmup_ns)
        first++;
    for (size_t i = first + 1; i + 1 < p->count; i++) {
        const struct point *r = &p->rows[i];

        if (f == FIGURE_RATE && r->end_ns > r->begin_ns)
            out[n++] = (double)r->accepted * 1e9 / (double)(r->end_ns - r->begin_ns);
        else if (f != FIGURE_RATE && r->has_latency)
            out[n++] = (double)(f == FIGURE_P50 ? r->p50_ns : r->p99_ns);
    }
    return n;
}

static bool figure_line(const struct points *base, const struct points *new, enum figure f,
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

void points_compare(const struct points *base, const struct points *new, FILE *out)
{
    bool changed = false;
    double unused[POINTS_MAX];

    fputc('\n', out);
    if (base->count == 0 || new->count == 0) {
        fprintf(out, "  No interval data in %s: whether a change is noise can't be said.\n",
                base->count > 0  ? "the new run"
                : new->count > 0 ? "the base"
                                 : "either run");
        return;
    }
    if (base->length_ns != new->length_ns) {
        fputs("  Intervals of different lengths: whether a change is noise can't be said.\n", out);
        return;
    }
    if (figures(base, FIGURE_RATE, unused) < RANK_TEST_LEAST ||
        figures(new, FIGURE_RATE, unused) < RANK_TEST_LEAST) {
        fprintf(out,
                "  Too few intervals (%zu and %zu; beyond the first and last, %d are needed of\n"
                "  each): whether a change is noise can't be said.\n",
                base->count, new->count, RANK_TEST_LEAST);
        return;
    }
    fputs("  is it noise  (by intervals; of equal runs, 1 in 100 is called changed at most)\n",
          out);
    for (int f = 0; f < FIGURE_COUNT; f++)
        changed |= figure_line(base, new, (enum figure)f, out);
    fprintf(out, "  %-12s %s\n", "in all", changed ? "changed" : "no change");
}
