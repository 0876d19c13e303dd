/*
 * Records from one thread to another, in bounded memory, without a lock: the writer never waits,
 * and is told when there is no room.
 */
#ifndef RUN_RING_H
#define RUN_RING_H

#include <stdatomic.h>
#include <stddef.h>

/* Positions only grow; each belongs to one side, which also remembers the other's as last seen. */
struct ring {
    char *base;
    size_t size;                     /* a power of 2 */
    _Alignas(64) atomic_size_t head; /* the writer's: where the next record goes */
    size_t tail_seen;
    size_t claimed;                  /* what ring_commit() moves head by */
    _Alignas(64) atomic_size_t tail; /* the reader's: the oldest record */
    size_t head_seen;
};

/* size: a power of 2, at least 64 octets. 0 or -ENOMEM; done takes a zeroed one. */
int ring_init(struct ring *, size_t size);
void ring_done(struct ring *);

/*
 * Writer: room for a record of n octets, aligned to 8, which ring_commit() hands over. NULL when
 * there is none now; never for more than half the ring.
 */
void *ring_claim(struct ring *, size_t n);
void ring_commit(struct ring *);

/* Reader: the oldest record and its octets, until ring_pop(). NULL: there is none. */
const void *ring_front(struct ring *, size_t *n);
void ring_pop(struct ring *);

#endif
