/*
 * A run over time as reports have it: a row an interval, with the percentiles of each, and where
 * they are known the histograms that those are of. From the recorder's series, or from a document.
 */
#ifndef REPORT_POINTS_H
#define REPORT_POINTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "diag.h"
#include "vocabulary.h"

struct document;
struct hist;
struct json_t;
struct series;

/* The most rows that there are, doc/report.md. */
#define POINTS_MAX 512

/* Times since the run's begin, pauses left out. NS_NEVER: not known, or nothing was accepted. */
struct point {
    uint64_t begin_ns;
    uint64_t end_ns;
    uint64_t paused_ns;            /* pauses from the run's begin to the row's end */
    uint64_t ended[OUTCOME_COUNT]; /* messages */
    uint64_t open;                 /* connections at its end */
    uint64_t lag_max_ns;
    uint64_t p50_ns, p99_ns, max_ns; /* of the accepted */
    const struct hist *latency;      /* what those are of; NULL: not known */
};

struct points {
    struct point rows[POINTS_MAX];
    size_t count;
    uint64_t interval_ns;   /* as asked for */
    uint64_t merged;        /* intervals that a row is made of */
    const char *started_at; /* when all its times are 0, see run_time(); NULL: not known */
    bool response;          /* latency is response time, else the transaction's */
    bool in_summary;        /* it was asked for by the user */
    struct hist *owned;     /* of the rows */
};

/* The rows of a series, which must outlive them; the other fields are left alone. */
void points_of(struct points *, const struct series *);

/* "series", of a page without the histograms. */
void put_points(struct document *, struct json_t *object, const struct points *);

/* From such an object. 0, or -EBADMSG or -ENOMEM with diag set, without a file. */
int points_read(const struct json_t *series, struct points *, struct diag *);
void points_done(struct points *);

/*
 * Do rows of one stand for the same time as those of the other? Intervals are the same, and the
 * begins less than half a row apart.
 */
bool points_align(const struct points *, const struct points *);

/*
 * Row by row: counts and histograms add. Percentiles are not known where those of both have no
 * histogram. 0 or -ENOMEM.
 */
int points_merge(struct points *into, const struct points *from);

/*
 * Says in a few lines whether rate and latencies changed by more than noise, or why that can't be
 * said. NULL: there is none. What begins before the warm-up's end is left out. Plain ASCII, at most
 * 80 columns. points_compare.c
 */
struct points_of_run {
    const struct points *points;
    uint64_t warmup_ns;
};
void points_compare(struct points_of_run base, struct points_of_run new, FILE *out);

#endif
