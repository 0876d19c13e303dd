/*
 * The capacity search as a sequence of runs: --find-rate, --find-sessions. Each step is a run of
 * its own, with its own connections; between two nothing is under way. pace/search.h says what to
 * try.
 */
#ifndef LOAD_FIND_H
#define LOAD_FIND_H

#include "load.h"
#include "measure.h"
#include "search.h"

/* What a step showed. */
struct find_step {
    uint64_t level;         /* a rate as of num_rate(), or a number of sessions */
    uint64_t accepted;      /* rate, as of num_rate() */
    uint64_t p50, p99, max; /* ns; 0: nothing was accepted */
    int verdict;            /* enum search_verdict */
    int phase;              /* enum search_phase */
};

struct find {
    struct load_settings *settings; /* of the step under way */
    struct search search;
    struct find_step steps[SEARCH_STEPS];
};

/* Settles the settings of the first step; they have been completed, and ask for a search. */
void find_init(struct find *, struct load_settings *);

/*
 * A step has ended, and was held back by the generator or not. true when there is a next one, whose
 * settings are settled. The first false leaves the last step's.
 */
bool find_next(struct find *, const struct measure *, bool by_generator);

#endif
