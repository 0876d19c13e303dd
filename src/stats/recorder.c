/*
 * The reader's side of the recorder; the protocol and why it needs no lock stand in recorder.h.
 */
#include "recorder.h"

#include <errno.h>
#include <stddef.h>

int recorder_init(struct recorder *r)
{
    struct stats *first = stats_new();
    struct stats *second = stats_new();

    if (!first || !second) {
        stats_free(first);
        stats_free(second);
        return -ENOMEM;
    }
    r->sets[0] = first;
    r->sets[1] = second;
    r->active = first;
    r->taken = false;
    atomic_init(&r->word, RECORDER_IDLE);
    return 0;
}

int recorder_by_target(struct recorder *r, uint32_t count)
{
    int rc = stats_by_target(r->sets[0], count);

    return rc < 0 ? rc : stats_by_target(r->sets[1], count);
}

void recorder_done(struct recorder *r)
{
    stats_free(r->sets[0]);
    stats_free(r->sets[1]);
    r->sets[0] = NULL;
    r->sets[1] = NULL;
    r->active = NULL;
}

bool recorder_ask(struct recorder *r)
{
    if (atomic_load_explicit(&r->word, memory_order_relaxed) != RECORDER_IDLE)
        return false;
    atomic_store_explicit(&r->word, RECORDER_ASKED, memory_order_release);
    return true;
}

/* Stable for the reader unless it has asked. */
static struct stats *inactive(struct recorder *r)
{
    return r->sets[r->active == r->sets[0]];
}

struct stats *recorder_take(struct recorder *r)
{
    if (r->taken || atomic_load_explicit(&r->word, memory_order_acquire) != RECORDER_READY)
        return NULL;
    r->taken = true;
    return inactive(r);
}

/* IDLE means nothing to the writer; what was cleared is published by the next ask. */
void recorder_return(struct recorder *r, struct stats *s)
{
    stats_clear(s);
    r->taken = false;
    atomic_store_explicit(&r->word, RECORDER_IDLE, memory_order_relaxed);
}

void recorder_drain(struct recorder *r, struct stats *into)
{
    for (int i = 0; i < 2; i++) {
        stats_merge(into, r->sets[i]);
        stats_clear(r->sets[i]);
    }
    r->taken = false;
    atomic_store_explicit(&r->word, RECORDER_IDLE, memory_order_relaxed);
}
