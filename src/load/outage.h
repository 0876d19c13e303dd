/*
 * With --keep-going nothing that the server does ends the run; so a server that is gone for good,
 * or turns everybody away, is to be noticed here: for how long connections have been tried and none
 * was ready for a message. Each worker keeps its part, which another thread may look at.
 */
#ifndef LOAD_OUTAGE_H
#define LOAD_OUTAGE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "diag.h"

struct load;

/* A worker's part; times in ns. */
struct outage {
    atomic_uint_fast64_t ready; /* sessions whose connection is ready for a message, or has one */
    _Atomic uint64_t ready_at;  /* when there was one last; 0: never */
    _Atomic uint64_t trying; /* since when connections are tried in vain; NS_NEVER: they aren't */
    pthread_mutex_t lock;    /* of the rest */
    struct diag why;         /* what went wrong last; "": nothing yet */
    bool known;              /* its worker's: why says something */
};

void outage_init(struct outage *);
void outage_done(struct outage *);

/* For its worker: a connect begins, one is ready for a message, such a one has ended, none is tried
 * any more. */
void outage_try(struct outage *, uint64_t now);
void outage_ready(struct outage *);
void outage_unready(struct outage *, uint64_t now);
void outage_rest(struct outage *);

/* No connection is ready: what goes wrong now is of interest, and is kept while that is so. */
bool outage_is(const struct outage *);
void outage_why(struct outage *, const struct diag *);

/* For how long no connection has been ready, and why (see above); 0: there is no outage. */
uint64_t load_outage(struct load *, uint64_t now, struct diag *why);

#endif
