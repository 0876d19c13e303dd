/*
 * The timer heap. An entry's `when` is never later than its timer's `due`, so that moving a timer
 * back leaves the heap alone; entries that come to the top too early are put right there.
 */
#include "timer.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "diag.h"
#include "units.h"

struct timer_entry {
    uint64_t when; /* at most timer->due */
    struct timer *timer;
};

/* Values of timer.armed: what timer.place is the index of. */
enum { IDLE, WAITING, READY };

void timers_init(struct timers *ts)
{
    *ts = (struct timers){0};
}

void timers_done(struct timers *ts)
{
    free(ts->heap);
    timers_init(ts);
}

/* The i-th of those that are ready: they stand behind the heap, at the end of its memory. */
static struct timer **ready(const struct timers *ts, uint32_t i)
{
    return &ts->heap[ts->capacity - 1 - i].timer;
}

int timers_reserve(struct timers *ts, uint32_t n)
{
    size_t rest = ts->ready_count * sizeof *ts->heap;
    struct timer_entry *heap;

    if (n <= ts->capacity)
        return 0;
    heap = realloc(ts->heap, n * sizeof *heap);
    if (!heap)
        return -ENOMEM;
    memmove(heap + n - ts->ready_count, heap + ts->capacity - ts->ready_count, rest);
    ts->heap = heap;
    ts->capacity = n;
    return 0;
}

static void grow(struct timers *ts)
{
    uint32_t capacity = ts->capacity ? 2 * ts->capacity : 64;

    if (timers_reserve(ts, capacity) < 0) {
        diag_fatal("out of memory for %u timers", capacity);
        _exit(EXIT_FAILURE);
    }
}

static void put(struct timers *ts, uint32_t at, struct timer_entry e)
{
    ts->heap[at] = e;
    e.timer->place = at + 1;
}

static void sift_up(struct timers *ts, uint32_t at, struct timer_entry e)
{
    while (at > 0) {
        uint32_t parent = (at - 1) / 2;

        if (ts->heap[parent].when <= e.when)
            break;
        put(ts, at, ts->heap[parent]);
        at = parent;
    }
    put(ts, at, e);
}

static void sift_down(struct timers *ts, uint32_t at, struct timer_entry e)
{
    for (;;) {
        uint32_t child = 2 * at + 1;

        if (child >= ts->count)
            break;
        if (child + 1 < ts->count && ts->heap[child + 1].when < ts->heap[child].when)
            child++;
        if (ts->heap[child].when >= e.when)
            break;
        put(ts, at, ts->heap[child]);
        at = child;
    }
    put(ts, at, e);
}

/* Fills the hole at `at` with the last entry, which may belong above or below it. */
static void take_out(struct timers *ts, uint32_t at)
{
    struct timer_entry last = ts->heap[--ts->count];

    if (at == ts->count)
        return;
    if (at > 0 && last.when < ts->heap[(at - 1) / 2].when)
        sift_up(ts, at, last);
    else
        sift_down(ts, at, last);
}

void timer_set(struct timers *ts, struct timer *t, uint64_t due)
{
    t->due = due;
    if (t->armed == WAITING) {
        if (due < ts->heap[t->place - 1].when)
            sift_up(ts, t->place - 1, (struct timer_entry){due, t});
        return;
    }
    if (t->armed == READY)
        *ready(ts, t->place - 1) = NULL;
    if (ts->count + ts->ready_count == ts->capacity)
        grow(ts);
    t->armed = WAITING;
    sift_up(ts, ts->count++, (struct timer_entry){due, t});
}

void timer_cancel(struct timers *ts, struct timer *t)
{
    if (t->armed == WAITING)
        take_out(ts, t->place - 1);
    else if (t->armed == READY)
        *ready(ts, t->place - 1) = NULL;
    t->armed = IDLE;
    t->place = 0;
}

uint64_t timers_next(const struct timers *ts)
{
    return ts->count ? ts->heap[0].when : NS_NEVER;
}

/* Moves what is due from the heap to the ready ones behind it, the earliest last. */
static void collect(struct timers *ts, uint64_t now)
{
    while (ts->count && ts->heap[0].when <= now) {
        struct timer *t = ts->heap[0].timer;

        if (t->due > ts->heap[0].when) {
            sift_down(ts, 0, (struct timer_entry){t->due, t});
            continue;
        }
        if (t->due == NS_NEVER)
            break;
        take_out(ts, 0);
        *ready(ts, ts->ready_count++) = t;
    }
    for (uint32_t i = 0; i < ts->ready_count / 2; i++) {
        struct timer *early = *ready(ts, i);

        *ready(ts, i) = *ready(ts, ts->ready_count - 1 - i);
        *ready(ts, ts->ready_count - 1 - i) = early;
    }
    for (uint32_t i = 0; i < ts->ready_count; i++) {
        (*ready(ts, i))->place = i + 1;
        (*ready(ts, i))->armed = READY;
    }
}

void timers_fire(struct timers *ts, uint64_t now)
{
    assert(ts->ready_count == 0); /* not from inside a timer's callback */
    collect(ts, now);
    while (ts->ready_count) {
        struct timer *t = *ready(ts, --ts->ready_count); /* its place is free for being set again */

        if (!t) /* cancelled or moved by an earlier callback */
            continue;
        t->armed = IDLE;
        t->place = 0;
        t->fire(t);
    }
}
