/*
 * How often each of a few names came up: versions of TLS, say. Bounded: what comes when all rows
 * are taken is counted together.
 */
#ifndef STATS_KINDS_H
#define STATS_KINDS_H

#include <stdint.h>

#define KINDS_ROWS 12
#define KINDS_NAME 64

struct kinds {
    uint32_t count; /* rows in use */
    uint64_t other; /* of names that found no row */
    struct kind {
        char name[KINDS_NAME];
        uint64_t count;
    } rows[KINDS_ROWS];
};

/* Counts a name n times; a longer one is cut. */
void kinds_add(struct kinds *, const char *name, uint64_t n);
void kinds_merge(struct kinds *into, const struct kinds *from);
void kinds_clear(struct kinds *);

#endif
