/*
 * What a run is measured by, from the thread that watches it: intervals taken from the workers, of
 * which the series over time is made; the warm-up, measured apart; and the condition that ends a
 * run early. Time is an argument.
 */
#ifndef LOAD_MEASURE_H
#define LOAD_MEASURE_H

#include "load.h"
#include "series.h"

struct measure {
    const struct load_settings *settings;
    struct stats *total;    /* what ended after the warm-up */
    struct stats *warmup;   /* what ended in it; empty without --warmup */
    struct stats *interval; /* the last one taken */
    struct series series;   /* of both, from the run's begin */
    uint64_t begin;         /* of the run, on the monotonic clock, ns; NS_NEVER: yet to come */
    uint64_t took;          /* how long that interval was, ns */
    uint64_t last;          /* when it was taken, since the begin */
    uint64_t due;           /* when the next one is, since the begin */
    uint64_t warm_at;       /* when the warm-up ended, since the begin */
    bool warming;           /* it has not ended */
    bool stopped;           /* --stop-when holds */
};

/*
 * For a load of so many targets: of several, total and what it is made of are kept by target too.
 * 0 or -ENOMEM with diag set; done takes a zeroed one.
 */
int measure_init(struct measure *, const struct load_settings *, uint32_t targets, struct diag *);
void measure_done(struct measure *);

/* Empty again, for another run with the settings as they are now. */
void measure_again(struct measure *);

/* How long from now until there is something to do, ns. */
uint64_t measure_left(struct measure *, const struct load *, uint64_t now);

/* Takes an interval if it is due. true when it was. */
bool measure_take(struct measure *, struct load *, uint64_t now);

/* Ends the load (load_finish()) and completes the account. */
void measure_finish(struct measure *, struct load *);

/* What latency is: response time with a target rate, else the transaction's. */
const struct hist *measure_latency(const struct load_settings *, const struct stats *);

/* What requirements on the whole run are checked against. */
struct require_facts measure_facts(const struct measure *);

#endif
