/*
 * The part of a run's report that is about its load model: target and lag, the verdict, the series
 * over time, the warm-up, requirements.
 */
#ifndef REPORT_MODEL_REPORT_H
#define REPORT_MODEL_REPORT_H

#include <jansson.h>

#include "run.h"

struct document;
struct rows;

/* Into a document's outermost object. model_json.c */
void put_model(struct document *, json_t *root, const struct run *);

/* Rows of the summary: target, lag, verdict, warm-up, requirements. model_text.c */
void model_rows(struct rows *, const struct run *);

/* The series as a table, if it is to be shown. */
void model_series(const struct run *, FILE *out);

/* The search: its part of the document, its row and its table. find_report.c */
void put_search(struct document *, json_t *root, const struct run_search *);
void search_row(struct rows *, const struct run_search *);
void search_table(const struct run_search *, FILE *out);

/* "5,000/s", "0.5/s" */
struct human human_rate(uint64_t rate);

#endif
