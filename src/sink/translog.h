/*
 * The transaction log (--log): one JSON line for each transaction, the aborted ones included.
 */
#ifndef SINK_TRANSLOG_H
#define SINK_TRANSLOG_H

#include "capture_record.h"

/* 0, or -errno with diag set. Lines are buffered for a second at most. */
int translog_new(struct writer **, const struct writer_needs *, struct diag *);

/* Writes what is buffered; returns how many lines were lost, now or before. */
uint64_t translog_finish(struct writer *);

#endif
