/*
 * The plain fields of the run document and of the sink's; see fields.h.
 */
#ifndef REPORT_RUN_FIELDS_H
#define REPORT_RUN_FIELDS_H

#include "fields.h"

extern const struct field run_fields[]; /* of struct run */
extern const size_t run_field_count;

extern const struct field model_fields[]; /* of struct run_model: the rest of "model" */
extern const size_t model_field_count;

extern const struct field sink_head_fields[]; /* of struct sink_run: a sink's own document */
extern const size_t sink_head_field_count;

extern const struct field sink_fields[]; /* of struct sink_run: its "sink" object */
extern const size_t sink_field_count;

#endif
