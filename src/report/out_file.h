/*
 * A file of results: it appears under its name complete or not at all, and that it can be written
 * is known before the run.
 */
#ifndef REPORT_OUT_FILE_H
#define REPORT_OUT_FILE_H

#include <stdbool.h>
#include <stdio.h>

#include "diag.h"

/* Zeroed: none is asked for, which all functions take. */
struct out_file {
    const char *name;   /* borrowed */
    const char *option; /* what an error names: "--output" */
    FILE *stream;
    char *temporary; /* its name until it is complete; NULL for what is never replaced */
};

/*
 * Opens a new file beside the name; what is there under the name and no plain file (a device, a
 * pipe, a link) is written to as it is. 0 or -errno with diag set.
 */
int out_file_open(struct out_file *, const char *name, const char *option, struct diag *);

/*
 * Flushes what was written to a stream: 0, or -errno; code if that is one already. Why an earlier
 * write failed is in errno, if that was 0 before the first.
 */
int out_flush(FILE *, int code);

/*
 * The same of standard output, with diag set. A summary that nobody asked for does not change how a
 * run ends: that is warned of, and 0.
 */
int out_standard(int code, bool asked, struct diag *);

/* Closes it and gives it its name. code is how the writing went, 0 or -errno. 0 or -errno. */
int out_file_commit(struct out_file *, int code, struct diag *);

/* Leaves no trace of what was not committed. */
void out_file_drop(struct out_file *);

#endif
