/*
 * Turns by weight: of a sequence of turns each of several takes its share, spread as evenly as it
 * can be (smooth weighted round robin, as in nginx). Who has turn n is a function of n alone, so
 * that threads which take turns from one counter keep the weights between them.
 */
#ifndef PACE_ROTATION_H
#define PACE_ROTATION_H

#include <stdint.h>

struct rotation {
    struct rotation_turn *cycle; /* after which it begins anew */
    uint32_t length;
    uint32_t *weights; /* turns of each in a cycle: as given, over their greatest common divisor */
};

/*
 * count of them, 1 or more, each of a weight of 1 or more; the weights' sum fits in 32 bits. 0 or
 * -ENOMEM. done takes a zeroed one.
 */
int rotation_init(struct rotation *, const uint32_t *weights, uint32_t count);
void rotation_done(struct rotation *);

/* Who has turn n, both from 0. */
uint32_t rotation_at(const struct rotation *, uint64_t n);

/* How many turns before n were of the one who has turn n. */
uint64_t rotation_before(const struct rotation *, uint64_t n);

#endif
