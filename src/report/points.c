/*
 * Runs over time: made, written, read, merged.
 */
#include "points.h"

#include <errno.h>
#include <stdlib.h>

#include "document.h"
#include "reading.h"
#include "run.h"
#include "series.h"
#include "units.h"

/* The percentiles by the histogram. */
static void conclude(struct point *p)
{
    const struct hist *h = p->latency;
    bool any = h && h->count > 0;

    p->p50_ns = any ? hist_percentile(h, 50) : NS_NEVER;
    p->p99_ns = any ? hist_percentile(h, 99) : NS_NEVER;
    p->max_ns = any ? h->max : NS_NEVER;
}

void points_of(struct points *out, const struct series *s)
{
    out->count = s->count;
    out->merged = s->intervals;
    for (size_t i = 0; i < s->count; i++) {
        const struct series_row *r = &s->rows[i];
        struct point *p = &out->rows[i];

        *p = (struct point){.begin_ns = r->begin,
                            .end_ns = r->end,
                            .paused_ns = r->paused,
                            .open = r->open,
                            .lag_max_ns = r->lag_max,
                            .latency = &r->latency};
        for (int o = 0; o < OUTCOME_COUNT; o++)
            p->ended[o] = r->ended[o];
        conclude(p);
    }
}

/* ---- Written ---- */

static void put_row(struct document *d, json_t *rows, const struct point *p)
{
    json_t *row = json_object();

    put_number(d, row, "begin_ns", p->begin_ns);
    put_number(d, row, "end_ns", p->end_ns);
    put_number(d, row, "paused_ns", p->paused_ns);
    put_outcomes(d, row, p->ended);
    put_number(d, row, "open", p->open);
    put_known(d, row, "p50_ns", p->p50_ns != NS_NEVER, p->p50_ns);
    put_known(d, row, "p99_ns", p->p99_ns != NS_NEVER, p->p99_ns);
    put_known(d, row, "max_ns", p->max_ns != NS_NEVER, p->max_ns);
    put_number(d, row, "lag_max_ns", p->lag_max_ns);
    if (!d->for_page && p->latency && p->latency->count > 0)
        put_buckets(d, row, p->latency);
    append(d, rows, row);
}

void put_points(struct document *d, json_t *object, const struct points *p)
{
    json_t *rows;

    put_text(d, object, "started_at", p->started_at);
    put_number(d, object, "interval_ns", p->interval_ns);
    put_number(d, object, "merged", p->merged);
    put_text(d, object, "latency_of", p->response ? "response" : "transaction");
    put(d, object, "in_summary", json_boolean(p->in_summary));
    rows = put_array(d, object, "rows");
    for (size_t i = 0; i < p->count; i++)
        put_row(d, rows, &p->rows[i]);
}

/* ---- Read ---- */

static int bad_row(struct diag *d)
{
    return read_bad(d, "series", "has a row that is none");
}

static int read_latency(const json_t *o, struct point *p, struct hist *h, struct diag *d)
{
    const json_t *buckets = json_object_get(o, "buckets");
    struct point told = *p;

    if (!buckets)
        return 0;
    if (p->max_ns == NS_NEVER || read_buckets_alone(buckets, p->max_ns, h) < 0)
        return bad_row(d);
    p->latency = h;
    conclude(p);
    if (p->p50_ns != told.p50_ns || p->p99_ns != told.p99_ns)
        return read_bad(d, "series", "has percentiles that its buckets don't have");
    return 0;
}

static int read_row(const json_t *o, struct point *p, struct hist *h, struct diag *d)
{
    int rc;

    if ((rc = read_count(o, "series", "begin_ns", false, &p->begin_ns, d)) < 0 ||
        (rc = read_count(o, "series", "end_ns", false, &p->end_ns, d)) < 0 ||
        (rc = read_count(o, "series", "paused_ns", true, &p->paused_ns, d)) < 0 ||
        (rc = read_count(o, "series", "open", true, &p->open, d)) < 0 ||
        (rc = read_count(o, "series", "lag_max_ns", true, &p->lag_max_ns, d)) < 0 ||
        (rc = read_known(o, "series", "p50_ns", &p->p50_ns, d)) < 0 ||
        (rc = read_known(o, "series", "p99_ns", &p->p99_ns, d)) < 0 ||
        (rc = read_known(o, "series", "max_ns", &p->max_ns, d)) < 0)
        return rc;
    for (int i = 0; i < OUTCOME_COUNT; i++) {
        rc = read_count(o, "series", outcome_name((enum outcome)i), false, &p->ended[i], d);
        if (rc < 0)
            return rc;
    }
    return p->begin_ns > p->end_ns ? bad_row(d) : read_latency(o, p, h, d);
}

int points_read(const json_t *o, struct points *p, struct diag *d)
{
    const json_t *rows = json_object_get(o, "rows");
    const char *latency_of = json_string_value(json_object_get(o, "latency_of"));
    uint64_t length;
    int rc;

    if (!json_is_array(rows) || json_array_size(rows) > POINTS_MAX ||
        read_count(o, "series", "interval_ns", false, &p->interval_ns, d) < 0 ||
        read_count(o, "series", "merged", false, &p->merged, d) < 0 ||
        __builtin_mul_overflow(p->interval_ns, p->merged, &length))
        return read_bad(d, "series", "is none");
    p->started_at = json_string_value(json_object_get(o, "started_at"));
    p->in_summary = json_is_true(json_object_get(o, "in_summary"));
    p->response = latency_of && latency_of[0] == 'r';
    p->owned = calloc(json_array_size(rows) + 1, sizeof *p->owned);
    if (!p->owned)
        return diag_set(d, -ENOMEM, "out of memory");
    for (; p->count < json_array_size(rows); p->count++) {
        struct point *row = &p->rows[p->count];

        rc = read_row(json_array_get(rows, p->count), row, &p->owned[p->count], d);
        if (rc == 0 && p->count > 0 && row->begin_ns < row[-1].end_ns)
            rc = bad_row(d);
        if (rc < 0)
            return rc;
    }
    return 0;
}

void points_done(struct points *p)
{
    free(p->owned);
    *p = (struct points){0};
}

/* ---- Merged ---- */

bool points_align(const struct points *a, const struct points *b)
{
    uint64_t at = run_wall(a->started_at);
    uint64_t bt = run_wall(b->started_at);

    return a->interval_ns == b->interval_ns && a->merged == b->merged &&
           a->response == b->response && at != NS_NEVER && bt != NS_NEVER &&
           (at > bt ? at - bt : bt - at) < a->interval_ns * a->merged / 2;
}

static uint64_t later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static bool is_untold(const struct point *p)
{
    return !p->latency && p->max_ns != NS_NEVER;
}

/* The latency of both, in h; not known where it is told of one by percentiles only. */
static void add_latency(struct point *sum, const struct point *a, const struct point *b,
                        struct hist *h)
{
    const struct point *untold = is_untold(a) ? a : is_untold(b) ? b : NULL;
    const struct point *other = untold == a ? b : a;

    if (!untold) {
        if (a->latency)
            hist_merge(h, a->latency);
        if (b->latency)
            hist_merge(h, b->latency);
        sum->latency = h;
        conclude(sum);
        return;
    }
    sum->max_ns = untold->max_ns;
    sum->p50_ns = untold->p50_ns;
    sum->p99_ns = untold->p99_ns;
    if (other->max_ns != NS_NEVER) {
        sum->max_ns = later(untold->max_ns, other->max_ns);
        sum->p50_ns = sum->p99_ns = NS_NEVER;
    }
}

static struct point sum_of(const struct point *a, const struct point *b, struct hist *h)
{
    struct point sum = {
        .end_ns = later(a->end_ns, b->end_ns),
        .paused_ns = later(a->paused_ns, b->paused_ns),
        .open = a->open + b->open,
        .lag_max_ns = later(a->lag_max_ns, b->lag_max_ns),
    };

    for (int o = 0; o < OUTCOME_COUNT; o++)
        sum.ended[o] = a->ended[o] + b->ended[o];
    add_latency(&sum, a, b, h);
    return sum;
}

int points_merge(struct points *into, const struct points *from)
{
    static const struct point none = {.p50_ns = NS_NEVER, .p99_ns = NS_NEVER, .max_ns = NS_NEVER};
    size_t n = into->count > from->count ? into->count : from->count;
    struct hist *owned = calloc(n + 1, sizeof *owned);

    if (!owned)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        const struct point *a = i < into->count ? &into->rows[i] : &none;
        const struct point *b = i < from->count ? &from->rows[i] : &none;

        hist_init(&owned[i]);
        into->rows[i] = sum_of(a, b, &owned[i]);
        into->rows[i].begin_ns = i > 0 ? into->rows[i - 1].end_ns : 0;
    }
    free(into->owned);
    into->owned = owned;
    into->count = n;
    if (run_wall(from->started_at) < run_wall(into->started_at))
        into->started_at = from->started_at;
    into->in_summary |= from->in_summary;
    return 0;
}
