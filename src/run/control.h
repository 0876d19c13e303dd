/*
 * What may change in a run, and how a run comes to its end: one block of atomics that every worker
 * reads once a loop turn. Signals and the first fatal error meet here.
 */
#ifndef RUN_CONTROL_H
#define RUN_CONTROL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "diag.h"

enum run_stop {
    RUN_ON,
    RUN_FINISH, /* begin nothing new, finish what is in flight */
    RUN_ABORT   /* drop everything now */
};

struct run_control {
    atomic_int stop;          /* enum run_stop; only ever rises */
    atomic_bool held;         /* a pause: no new message is begun */
    _Atomic uint64_t held_ns; /* in pauses that are over */
    atomic_bool failed;       /* failure is being, or has been, written */
    struct diag failure;      /* the first fatal error; read after the workers have ended */
};

static inline enum run_stop run_stop(const struct run_control *c)
{
    return (enum run_stop)atomic_load_explicit(&c->stop, memory_order_relaxed);
}

static inline bool run_held(const struct run_control *c)
{
    return atomic_load_explicit(&c->held, memory_order_acquire);
}

/* Raises the stop level; lowering is ignored. */
void run_control_stop(struct run_control *, enum run_stop);

/* A fatal error: the first one is kept for the program to print, and the run aborts. */
void run_control_fail(struct run_control *, const struct diag *);

#endif
