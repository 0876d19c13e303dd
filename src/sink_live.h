/*
 * How smtp-sink's run goes, once a second: the live line on the terminal, and the live page.
 */
#ifndef SINK_LIVE_H
#define SINK_LIVE_H

#include "http.h"
#include "points.h"
#include "report_live.h"
#include "series.h"
#include "sink.h"
#include "sink_report.h"

struct sink_live {
    bool view;         /* the line */
    struct http *http; /* NULL: no page */
    const struct sink_config *config;
    struct sink_run about; /* what is known of the run before it: identity, texts */

    struct live live; /* the rest is ours */
    struct series series;
    struct points points; /* the same for the page */
    struct stats *interval;
    struct sink_numbers before;
    uint64_t begin, last; /* monotonic, ns */
};

/* When serving is about to begin. 0, or -ENOMEM with diag set. */
int sink_live_init(struct sink_live *, struct diag *);

/* For sink_config.progress: a struct sink_live. */
void sink_live_progress(void *, const struct sink_numbers *);

/* The identity of the run goes where numbers are. */
void sink_live_identify(const struct sink_live *, struct sink_run *);

/* The page has the last numbers, and ends. */
void sink_live_over(struct sink_live *, const struct sink_numbers *, const struct sink_run *);

/* Takes a zeroed one. */
void sink_live_done(struct sink_live *);

#endif
