/*
 * The account by target in a run's report: written, read back, merged, shown. There is one where a
 * load went to several servers.
 */
#ifndef REPORT_TARGETS_REPORT_H
#define REPORT_TARGETS_REPORT_H

#include <jansson.h>

#include "diag.h"
#include "run.h"

struct document;

/* Rows of a document that was read, and of what was merged into it. Owned, stats too. */
struct target_rows {
    struct run_target *rows; /* endpoints are the document's, or borrowed as it is */
    size_t count;
};

/* "targets" into a document's outermost object, if there are any. */
void put_targets(struct document *, json_t *root, const struct run *);

/* A table of the summary, if there are any. */
void targets_text(const struct run *, FILE *out);

/*
 * Reads "targets"; a document without has none. -EBADMSG with diag set when it is no such list, or
 * does not sum to `whole`. done takes what failed, and a zeroed one.
 */
int target_rows_read(struct target_rows *, const json_t *root, const struct stats *whole,
                     struct diag *);
void target_rows_done(struct target_rows *);

/*
 * Adds those of another run by their endpoints, before the runs' own numbers are added. Where only
 * one has rows, all of the other is that of its target. -EOVERFLOW, -ENOMEM with diag set.
 */
int target_rows_merge(struct target_rows *, const struct run *into, const struct target_rows *from,
                      const struct run *from_run, struct diag *);

#endif
