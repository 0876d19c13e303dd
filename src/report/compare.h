/*
 * Two runs side by side: what changed, whether that is more than noise, and whether a limit that
 * was set is broken.
 */
#ifndef REPORT_COMPARE_H
#define REPORT_COMPARE_H

#include "measures.h"

/* "p99>+10%": fails when the measure changed by more; "errors>0": when the new run's own value is.
 */
struct limit {
    const char *text; /* borrowed */
    struct measured measured;
    bool below;    /* '<' */
    bool relative; /* to the base: a signed number, percent or in the measure's unit */
    bool percent;
    double bound;
};

/* 0, or -EINVAL with diag set. */
int limit_parse(struct limit *out, const char *text, struct diag *);

/*
 * Is it broken? 0 no, 1 yes, -ENODATA with diag set when a run has no such number: what can't be
 * judged has not passed.
 */
int limit_broken(const struct limit *, const struct run *base, const struct run *new,
                 struct diag *);

/* Where a broken limit stands, in words: "p99 is 12.1 ms, 21.0% above 10.0 ms". */
void limit_explain(const struct limit *, const struct run *base, const struct run *new, char *out,
                   size_t size);

/* The table of changes. Plain ASCII, at most 80 columns. Errors show in ferror(out). */
void compare_text(const struct run *base, const struct run *new, FILE *out);

#endif
