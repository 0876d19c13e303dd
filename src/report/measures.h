/*
 * The numbers by which runs are compared: each has a name, a way to get it out of a run, and a
 * direction that is for the better.
 */
#ifndef REPORT_MEASURES_H
#define REPORT_MEASURES_H

#include <stdbool.h>

#include "diag.h"
#include "human.h"
#include "run.h"
#include "slice.h"

enum measure_unit { MEASURE_COUNT, MEASURE_RATE, MEASURE_TIME };

struct measure;

/* One of them, of one phase if it is a latency's. */
struct measured {
    const struct measure *measure;
    enum phase phase;
};

/*
 * Finds "rate", "refused", "p99" (of the transaction), "rcpt:p99". 0, or -EINVAL with diag set to
 * what there is.
 */
int measure_find(struct slice name, struct measured *out, struct diag *);

/* Its value in a run; false when there is none, such as a latency that was never measured. */
bool measure_value(const struct measured *, const struct run *, double *out);

enum measure_unit measure_unit(const struct measured *);

/* As it is typed: "p99", "rcpt:p99" */
struct human measure_name(const struct measured *);

/* "40,000/s", "1.23 ms", "17" */
struct human measure_text(const struct measured *, double value);

/* The change from base to new in percent; infinite from 0 to something, 0 from 0 to 0. */
double measure_change(double base, double new);

#endif
