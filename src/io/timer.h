/*
 * Timers of one thread: a binary heap that is lazy about postponing. A session moves its deadline
 * at every reply; that only stores a number, and the heap is put right when the old time comes.
 * Knows no clock: time is an argument.
 */
#ifndef IO_TIMER_H
#define IO_TIMER_H

#include <stddef.h>
#include <stdint.h>

struct timer {
    uint64_t due;                 /* when to fire, nanoseconds */
    void (*fire)(struct timer *); /* set by the owner before the first timer_set() */
    uint32_t place; /* index in the heap, or among the ready ones, + 1; 0: in neither */
    uint32_t armed; /* 0: no; else where place points to, see timer.c */
};

struct timers {
    struct timer_entry *heap;
    uint32_t count;
    uint32_t capacity;    /* for the heap, and for what one timers_fire() is to call back */
    uint32_t ready_count; /* the latter */
};

void timers_init(struct timers *);
void timers_done(struct timers *);

/* Room for n that are armed at the same time, so that the heap need not grow. 0 or -ENOMEM. */
int timers_reserve(struct timers *, uint32_t n);

/*
 * Arms t, or moves it. Memory is taken when the heap grows, never when a timer only moves; out of
 * memory ends the process. Due NS_NEVER never fires.
 */
void timer_set(struct timers *, struct timer *t, uint64_t due);

/* Disarms t and takes it out of the heap: afterwards t's memory may go. Not armed is fine. */
void timer_cancel(struct timers *, struct timer *t);

/* When the next timer may be due (never later than it really is); NS_NEVER when none is armed. */
uint64_t timers_next(const struct timers *);

/*
 * Fires what is due at now, earliest first; a callback may set and cancel any timer, its own
 * included (t is disarmed when its callback starts). What a callback sets fires in the next call at
 * the earliest, even when it is due already, so that no callback can keep this one from returning.
 */
void timers_fire(struct timers *, uint64_t now);

#endif
