/*
 * Groups of eight places: a key has its group, and the least recently touched place of it makes
 * room for a new key.
 */
#include "memory.h"

#include <errno.h>
#include <stdlib.h>

#include "rng.h"

#define GROUP 8

int memory_init(struct memory *m, uint64_t entries)
{
    size_t groups = 1;

    while (groups * GROUP < entries)
        groups *= 2;
    m->entries = calloc(groups * GROUP, sizeof *m->entries);
    m->mask = groups - 1;
    return m->entries ? 0 : -ENOMEM;
}

void memory_done(struct memory *m)
{
    free(m->entries);
    m->entries = NULL;
}

static struct memory_entry *group_of(const struct memory *m, uint64_t key)
{
    return m->entries + (key & m->mask) * GROUP;
}

struct memory_entry *memory_look(const struct memory *m, uint64_t key)
{
    struct memory_entry *group = group_of(m, key);

    for (int i = 0; i < GROUP; i++)
        if (group[i].key == key)
            return &group[i];
    return NULL;
}

struct memory_entry *memory_find(struct memory *m, uint64_t key, uint64_t now)
{
    struct memory_entry *e = memory_look(m, key);
    struct memory_entry *group = group_of(m, key);

    if (!e) {
        e = group;
        for (int i = 1; i < GROUP; i++)
            if (group[i].key == 0 ? e->key != 0 : e->key != 0 && group[i].touched < e->touched)
                e = &group[i];
        *e = (struct memory_entry){.key = key};
    }
    e->touched = now;
    return e;
}

uint64_t memory_key(uint64_t key, const char *octets, size_t n)
{
    struct rng rng = {key + n};

    for (size_t i = 0; i < n; i++)
        rng.state = rng_next(&rng) ^ (unsigned char)octets[i];
    key = rng_next(&rng);
    return key ? key : 1;
}
