/*
 * A run over time, as its document tells it ("series"): what comparisons are judged by.
 */
#ifndef REPORT_POINTS_H
#define REPORT_POINTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "diag.h"

struct json_t;

/* The most that a document has, doc/report.md. */
#define POINTS_MAX 512

struct point {
    uint64_t begin_ns; /* since the run's begin */
    uint64_t end_ns;
    uint64_t accepted; /* messages */
    bool has_latency;
    uint64_t p50_ns;
    uint64_t p99_ns;
};

/* Zeroed: the document has none. */
struct points {
    struct point *rows; /* in order of time; owned */
    size_t count;
    uint64_t length_ns; /* of a row */
    uint64_t warmup_ns; /* what begins before this was not measured */
};

/* From a document's outermost object. 0, or -EBADMSG or -ENOMEM with diag set, without a file. */
int points_read(const struct json_t *root, struct points *, struct diag *);
void points_done(struct points *);

/*
 * Says in a few lines whether rate and latencies changed by more than noise, or why that can't be
 * said. Plain ASCII, at most 80 columns.
 */
void points_compare(const struct points *base, const struct points *new, FILE *out);

#endif
