/*
 * Memory taken piece by piece and given back all at once: what a session renders for one send.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

struct arena {
    char *base;
    size_t used;
    size_t size;
};

static inline size_t arena_left(const struct arena *a)
{
    return a->size - a->used;
}

/* n unaligned bytes, valid until the arena is reset; NULL when fewer are left. */
static inline char *arena_take(struct arena *a, size_t n)
{
    char *p = a->base + a->used;

    if (arena_left(a) < n)
        return NULL;
    a->used += n;
    return p;
}

static inline void arena_reset(struct arena *a)
{
    a->used = 0;
}

#endif
