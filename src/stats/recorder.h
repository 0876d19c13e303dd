/*
 * Two sets of statistics, so that one thread can read the last interval while another goes on
 * recording. No lock; the writer looks at one word a loop turn.
 * Source: the interval recorder of Gil Tene's HdrHistogram, simplified to one writer, one reader.
 *
 * writer, every turn:      recorder_poll(r), then record into recorder_now(r)
 * reader, every interval:  recorder_ask(r); later, until it gives a set: s = recorder_take(r);
 *                          use it; recorder_return(r, s)
 * at the end:              the writer's thread is joined; recorder_drain(r, total)
 *
 * The word belongs to the writer while it is ASKED and to the reader otherwise, and every hand-over
 * is a release answered by an acquire. So whatever one side wrote before it, sets and `active`
 * included, the other side sees after it.
 */
#ifndef STATS_RECORDER_H
#define STATS_RECORDER_H

#include <stdatomic.h>
#include <stdbool.h>

#include "stats.h"

enum recorder_word {
    RECORDER_IDLE, /* the other set is empty */
    RECORDER_ASKED,
    RECORDER_READY /* the other set holds an interval */
};

struct recorder {
    struct stats *sets[2]; /* constant */
    struct stats *active;  /* written by the writer only, and only while ASKED */
    atomic_uint word;
    char gap[64]; /* a cache line, so that no alignment is asked of whoever embeds this */
    bool taken;   /* the reader's */
};

/* 0 or -ENOMEM. done takes a zeroed or half-built one. */
int recorder_init(struct recorder *);

/* Before its first use: its sets keep the account by target, stats_by_target(). */
int recorder_by_target(struct recorder *, uint32_t count);

void recorder_done(struct recorder *);

/* Writer: the set to record into, until the next recorder_poll(). */
static inline struct stats *recorder_now(struct recorder *r)
{
    return r->active;
}

/* Writer, once a loop turn: hands over the interval if it was asked for. */
static inline void recorder_poll(struct recorder *r)
{
    if (__builtin_expect(atomic_load_explicit(&r->word, memory_order_acquire) == RECORDER_ASKED,
                         0)) {
        r->active = r->sets[r->active == r->sets[0]];
        atomic_store_explicit(&r->word, RECORDER_READY, memory_order_release);
    }
}

/*
 * Reader: asks for what was recorded since the last interval. true when that is under way; false
 * when an earlier interval has not been taken and returned yet, and then nothing happens.
 */
bool recorder_ask(struct recorder *);

/* Reader: the interval asked for, the reader's until recorder_return(). NULL: not yet, or not
 * asked. */
struct stats *recorder_take(struct recorder *);

/* Reader: gives the set back, and clears it. */
void recorder_return(struct recorder *, struct stats *);

/* When the writer's thread is gone: merges all that was not taken, and clears it. */
void recorder_drain(struct recorder *, struct stats *into);

#endif
