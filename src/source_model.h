/*
 * What smtp-source's report says of its load model, taken from the load.
 */
#ifndef SOURCE_MODEL_H
#define SOURCE_MODEL_H

#include "find.h"
#include "run.h"
#include "verdict.h"

/* Where it is all kept while the report is written. Large. */
struct source_model {
    struct run_model model;
    struct points series;
    struct run_worker workers[THREADS_MAX];
    struct run_search search;
    struct run_step steps[SEARCH_STEPS];
    struct verdict verdict;
};

/*
 * After the run, which began at that wall clock; find is NULL without a search. What it says is
 * borrowed from all the others.
 */
void source_model(struct source_model *, const struct load *, const struct measure *,
                  const struct find *, const char *started_at);

/* How a run ended that --stop-when did: the condition that held, all of it. */
void source_stopped(const struct require *when, char *ended, size_t size);

#endif
