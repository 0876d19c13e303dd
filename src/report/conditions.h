/*
 * Conditions on runs in words, and limits on what may change from one run to another, as --fail-if
 * takes them: they are stats/require.h's.
 */
#ifndef REPORT_CONDITIONS_H
#define REPORT_CONDITIONS_H

#include "human.h"
#include "require.h"

struct run;

/* A value of the term's kind: "1.23 ms", "0.5%", "5,000/s", "17" */
struct human condition_value(const struct require_term *, uint64_t value);

/* The change from base to new in percent; infinite from 0 to something, 0 from 0 to 0. */
double change_percent(double base, double new);

/*
 * Is the limit broken, do all its conditions hold? 0 no, 1 yes, -ENODATA with diag set when a run
 * has no such number: what can't be judged has not passed.
 */
int limit_broken(const struct require *, const struct run *base, const struct run *new,
                 struct diag *);

/* The measure's name as typed: "p99(rcpt)" */
struct human condition_name(const struct require_term *);

/* Where the new run stands, in words: "p99 is 12.1 ms, +21.0% from 10.0 ms". */
void condition_explain(const struct require_term *, const struct run *base, const struct run *new,
                       char *out, size_t size);

#endif
