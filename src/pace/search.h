/*
 * The search for the highest load that still qualifies: doubling until it fails, bisection between
 * the last that passed and the first that failed, and a run that confirms. A machine: it says what
 * to try, and is told how it went.
 */
#ifndef PACE_SEARCH_H
#define PACE_SEARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How a step ended. */
enum search_verdict {
    SEARCH_PASSED,
    SEARCH_FAILED,   /* the requirement was not met */
    SEARCH_NOT_HELD, /* the generator itself could not hold the load: says nothing of the server */
};

/* So often is a level tried that the generator does not hold: what held it up may be over. */
#define SEARCH_TRIES 3

enum search_phase { SEARCH_BRACKET, SEARCH_BISECT, SEARCH_CONFIRM, SEARCH_DONE };

#define SEARCH_STEPS 64

struct search_step {
    uint64_t level;
    int verdict; /* enum search_verdict */
    int phase;   /* enum search_phase */
};

struct search {
    uint64_t least, most; /* bounds */
    uint64_t passed;      /* highest level that passed; 0: none yet */
    uint64_t failed;      /* lowest that did not; UINT64_MAX: none yet */
    uint64_t level;       /* to be tried now */
    uint64_t found;       /* the answer, when done; 0: no level qualifies */
    int phase;            /* enum search_phase */
    bool failed_by_generator;
    unsigned not_held; /* tries of this level so far that the generator did not hold */
    struct search_step steps[SEARCH_STEPS];
    size_t count;
};

/* Between least and most, 1 <= least <= most. */
void search_init(struct search *, uint64_t least, uint64_t most);

/* The step at search->level has ended so. Until search->phase is SEARCH_DONE. */
void search_told(struct search *, enum search_verdict);

#endif
