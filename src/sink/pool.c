/*
 * Free lists. What was used last is used first: it is still in the cache.
 */
#include "pool.h"

#include <assert.h>
#include <stdlib.h>

#include "sink_impl.h"

/* More free blocks than this go back to the system: a burst is no reason to keep its memory. */
#define FREE_BLOCKS_MAX 64

struct free_piece {
    struct free_piece *next;
};

static void push(struct free_piece **list, void *memory)
{
    struct free_piece *p = memory;

    p->next = *list;
    *list = p;
}

static void *pop(struct free_piece **list)
{
    struct free_piece *p = *list;

    if (p)
        *list = p->next;
    return p;
}

static void grow(struct pool *p)
{
    struct session *slab = calloc(POOL_SLAB, sizeof *slab);
    struct session **slabs = realloc(p->slabs, (p->slab_count + 1) * sizeof(struct session *));

    if (slabs)
        p->slabs = slabs;
    if (!slab || !slabs) {
        free(slab);
        return;
    }
    slabs[p->slab_count++] = slab;
    for (size_t i = POOL_SLAB; i > 0; i--)
        push(&p->sessions, &slab[i - 1]);
}

struct session *pool_session(struct pool *p)
{
    struct session *s;

    if (!p->sessions)
        grow(p);
    s = pop(&p->sessions);
    if (s)
        memset(s, 0, sizeof *s);
    return s;
}

void pool_return_session(struct pool *p, struct session *s)
{
    s->open = false; /* not among the first octets, which the list uses: see the assertion */
    static_assert(offsetof(struct session, open) >= sizeof(struct free_piece), "overlap");
    push(&p->sessions, s);
}

char *pool_block(struct pool *p)
{
    if (!p->blocks)
        return malloc(BLOCK_SIZE);
    p->block_count--;
    return pop(&p->blocks);
}

void pool_return_block(struct pool *p, char *block)
{
    if (p->block_count >= FREE_BLOCKS_MAX) {
        free(block);
        return;
    }
    p->block_count++;
    push(&p->blocks, block);
}

void pool_done(struct pool *p)
{
    while (p->blocks)
        free(pop(&p->blocks));
    for (size_t i = 0; i < p->slab_count; i++)
        free(p->slabs[i]);
    free(p->slabs);
    *p = (struct pool){0};
}
