/*
 * Noticing that nobody serves us.
 */
#include "outage.h"

#include "load.h"
#include "units.h"
#include "worker.h"

void outage_init(struct outage *o)
{
    atomic_init(&o->trying, NS_NEVER);
    (void)pthread_mutex_init(&o->lock, NULL);
}

void outage_done(struct outage *o)
{
    (void)pthread_mutex_destroy(&o->lock);
}

static uint64_t ready(const struct outage *o)
{
    return atomic_load_explicit(&o->ready, memory_order_relaxed);
}

void outage_try(struct outage *o, uint64_t now)
{
    if (ready(o) == 0 && atomic_load_explicit(&o->trying, memory_order_relaxed) == NS_NEVER)
        atomic_store_explicit(&o->trying, now, memory_order_relaxed);
}

static void forget(struct outage *o)
{
    (void)pthread_mutex_lock(&o->lock);
    o->why.text[0] = '\0';
    (void)pthread_mutex_unlock(&o->lock);
    o->known = false;
}

/* Its worker alone writes: no need for a read-modify-write. */
void outage_ready(struct outage *o)
{
    atomic_store_explicit(&o->ready, ready(o) + 1, memory_order_relaxed);
    outage_rest(o);
    if (o->known)
        forget(o);
}

void outage_unready(struct outage *o, uint64_t now)
{
    atomic_store_explicit(&o->ready_at, now, memory_order_relaxed);
    atomic_store_explicit(&o->ready, ready(o) - 1, memory_order_relaxed);
}

void outage_rest(struct outage *o)
{
    atomic_store_explicit(&o->trying, NS_NEVER, memory_order_relaxed);
}

bool outage_is(const struct outage *o)
{
    return ready(o) == 0;
}

void outage_why(struct outage *o, const struct diag *why)
{
    (void)pthread_mutex_lock(&o->lock);
    o->why = *why;
    (void)pthread_mutex_unlock(&o->lock);
    o->known = true;
}

/* The first worker that knows. */
static void tell_why(struct load *l, struct diag *why)
{
    (void)diag_set(why, 0, "the server does not answer");
    for (uint64_t i = 0; i < l->worker_count; i++) {
        struct outage *o = &l->workers[i].outage;
        bool known;

        (void)pthread_mutex_lock(&o->lock);
        known = o->why.text[0] != '\0';
        if (known)
            *why = o->why;
        (void)pthread_mutex_unlock(&o->lock);
        if (known)
            return;
    }
}

uint64_t load_outage(struct load *l, uint64_t now, struct diag *why)
{
    uint64_t trying = NS_NEVER;
    uint64_t last = 0;

    for (uint64_t i = 0; i < l->worker_count; i++) {
        struct outage *o = &l->workers[i].outage;
        uint64_t since = atomic_load_explicit(&o->trying, memory_order_relaxed);
        uint64_t ready_at = atomic_load_explicit(&o->ready_at, memory_order_relaxed);

        if (ready(o) > 0)
            return 0;
        trying = since < trying ? since : trying;
        last = ready_at > last ? ready_at : last;
    }
    if (last > trying)
        trying = last;
    if (trying >= now)
        return 0;
    tell_why(l, why);
    return now - trying;
}
