/*
 * What all parts of a document that is read back have in common. Errors are -EBADMSG, with diag set
 * to where and what, without the file's name.
 */
#ifndef REPORT_READING_H
#define REPORT_READING_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "diag.h"
#include "hist.h"

/* Says what is wrong, and returns -EBADMSG. */
int read_bad(struct diag *, const char *where, const char *what);

/* A count in an object; a missing one is an error unless it may be (and is then 0). */
int read_count(const json_t *object, const char *where, const char *name, bool may_miss,
               uint64_t *out, struct diag *);

/* The same, NS_NEVER for null and for what is missing. */
int read_known(const json_t *object, const char *where, const char *name, uint64_t *out,
               struct diag *);

/* A rate as of num_rate(), 0 for null and for what is missing. */
int read_rate(const json_t *object, const char *where, const char *name, uint64_t *out,
              struct diag *);

/* A histogram with all that follows from it; into zeroed memory. */
int read_hist(const json_t *object, const char *where, struct hist *, struct diag *);

/* Its buckets alone, of which it knows the greatest value; into zeroed memory. -EBADMSG only. */
int read_buckets_alone(const json_t *rows, uint64_t max_ns, struct hist *);

#endif
