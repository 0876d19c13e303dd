/*
 * A run in the form that monitoring reads: OpenMetrics 1.0, and the Prometheus text format 0.0.4,
 * which differ in how counters are announced and in the end mark. Plain numbers in, text out.
 * Names are in doc/report.md. How many there can be is bounded, whatever a server says.
 */
#ifndef REPORT_METRICS_H
#define REPORT_METRICS_H

#include <stdbool.h>
#include <stdio.h>

struct live;
struct run;
struct sink_run;

/* What goes in the Content-Type of each. */
#define METRICS_OPEN_TYPE "application/openmetrics-text; version=1.0.0; charset=utf-8"
#define METRICS_TEXT_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* smtp_source_*: all that was counted so far, and how it goes. Errors show in ferror(out). */
void metrics_source(const struct run *, const struct live *, bool open, FILE *out);

/* smtp_sink_*: likewise; of the live numbers, what a sink has. */
void metrics_sink(const struct sink_run *, const struct live *, bool open, FILE *out);

#endif
