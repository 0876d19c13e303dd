/*
 * One thread's memory for sessions and their replies: taken once, used again, so that no message or
 * connection allocates.
 */
#ifndef SINK_POOL_H
#define SINK_POOL_H

#include <stddef.h>

struct session;
struct free_piece;

struct pool {
    struct session **slabs; /* every session there is, in use or not */
    size_t slab_count;
    struct free_piece *sessions;
    struct free_piece *blocks;
    size_t block_count; /* free ones */
};

/* Sessions in a slab. */
#define POOL_SLAB 64

/* Zeroed; NULL when out of memory. */
struct session *pool_session(struct pool *);
void pool_return_session(struct pool *, struct session *);

/* BLOCK_SIZE octets; NULL when out of memory. */
char *pool_block(struct pool *);
void pool_return_block(struct pool *, char *);

void pool_done(struct pool *);

#endif
