/*
 * A record is its size and its octets, in one piece: where the ring's end is too near, a size of
 * SKIP says that it stands at the begin.
 */
#include "ring.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#define HEAD 8
#define SKIP UINT64_MAX

int ring_init(struct ring *r, size_t size)
{
    *r = (struct ring){.base = malloc(size), .size = size};
    return r->base ? 0 : -ENOMEM;
}

void ring_done(struct ring *r)
{
    free(r->base);
    r->base = NULL;
}

static uint64_t *at(struct ring *r, size_t position)
{
    return (uint64_t *)(void *)(r->base + (position & (r->size - 1)));
}

static size_t with_head(size_t n)
{
    return HEAD + ((n + 7) & ~(size_t)7);
}

void *ring_claim(struct ring *r, size_t n)
{
    size_t head = atomic_load_explicit(&r->head, memory_order_relaxed);
    size_t rest = r->size - (head & (r->size - 1)); /* up to the end: at least HEAD */
    size_t skip = rest < with_head(n) ? rest : 0;
    size_t need = skip + with_head(n);

    if (n > r->size / 2 - HEAD)
        return NULL;
    if (r->size - (head - r->tail_seen) < need) {
        r->tail_seen = atomic_load_explicit(&r->tail, memory_order_acquire);
        if (r->size - (head - r->tail_seen) < need)
            return NULL;
    }
    if (skip)
        *at(r, head) = SKIP;
    *at(r, head + skip) = n;
    r->claimed = need;
    return at(r, head + skip) + 1;
}

void ring_commit(struct ring *r)
{
    size_t head = atomic_load_explicit(&r->head, memory_order_relaxed);

    atomic_store_explicit(&r->head, head + r->claimed, memory_order_release);
}

const void *ring_front(struct ring *r, size_t *n)
{
    size_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);

    if (tail == r->head_seen) {
        r->head_seen = atomic_load_explicit(&r->head, memory_order_acquire);
        if (tail == r->head_seen)
            return NULL;
    }
    if (*at(r, tail) == SKIP) {
        tail += r->size - (tail & (r->size - 1));
        atomic_store_explicit(&r->tail, tail, memory_order_release);
    }
    *n = *at(r, tail);
    return at(r, tail) + 1;
}

void ring_pop(struct ring *r)
{
    size_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);

    atomic_store_explicit(&r->tail, tail + with_head(*at(r, tail)), memory_order_release);
}
