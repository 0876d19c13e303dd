/*
 * A file of results: it appears under its name complete or not at all, and that it can be written
 * is known before the run.
 */
#ifndef REPORT_OUT_FILE_H
#define REPORT_OUT_FILE_H

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

/* Closes it and gives it its name. code is how the writing went, 0 or -errno. 0 or -errno. */
int out_file_commit(struct out_file *, int code, struct diag *);

/* Leaves no trace of what was not committed. */
void out_file_drop(struct out_file *);

#endif
