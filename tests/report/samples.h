/*
 * Runs that never happened, for tests of what is written about runs.
 */
#ifndef TESTS_REPORT_SAMPLES_H
#define TESTS_REPORT_SAMPLES_H

#include "run.h"
#include "sink_report.h"

enum sample {
    SAMPLE_EMPTY,    /* nothing known, nothing done */
    SAMPLE_SMALL,    /* all well, few numbers: the golden text */
    SAMPLE_TROUBLED, /* every outcome, many refusals, an embedded sink */
    SAMPLE_EXTREME,  /* the largest numbers, the longest texts */
    SAMPLE_COUNT
};

const char *sample_name(enum sample);

/* Fills run and sink; total is the caller's, empty, and referred to by run. */
void sample_run(enum sample, struct run *, struct sink_run *, struct stats *total);

/* The largest number that fits a JSON document without saturating. */
#define SAMPLE_LARGE INT64_MAX

#endif
