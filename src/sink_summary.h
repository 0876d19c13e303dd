/*
 * A sink's numbers as its summary shows them; for both programs, since neither layer knows the
 * other.
 */
#ifndef SINK_SUMMARY_H
#define SINK_SUMMARY_H

#include "sink.h"
#include "sink_report.h"

/* Fills out from numbers; rows has room for SERVER_VERB_COUNT and is borrowed by out. */
void sink_summary(struct sink_run *out, struct sink_refusal *rows, const struct sink_numbers *,
                  const struct sink_config *);

#endif
