/*
 * Stopping a run.
 */
#include "control.h"

void run_control_stop(struct run_control *c, enum run_stop level)
{
    int old = atomic_load(&c->stop);

    while (old < (int)level && !atomic_compare_exchange_weak(&c->stop, &old, (int)level))
        ;
}

void run_control_fail(struct run_control *c, const struct diag *d)
{
    if (!atomic_exchange(&c->failed, true))
        c->failure = *d;
    run_control_stop(c, RUN_ABORT);
}
