/*
 * Smooth weighted round robin: in every turn each gains its weight, the one with the most takes the
 * turn and gives up the sum of all weights. After as many turns as that sum all are back at 0, so
 * one cycle tells everything.
 */
#include "rotation.h"

#include <errno.h>
#include <stdlib.h>

struct rotation_turn {
    uint32_t who;
    uint32_t before; /* turns that it had in this cycle */
};

static uint32_t common_divisor(uint32_t a, uint32_t b)
{
    while (b) {
        uint32_t rest = a % b;

        a = b;
        b = rest;
    }
    return a;
}

static void fill(struct rotation *r, uint32_t count, int64_t *gained, uint32_t *had)
{
    for (uint32_t n = 0; n < r->length; n++) {
        uint32_t most = 0;

        for (uint32_t i = 0; i < count; i++) {
            gained[i] += r->weights[i];
            if (gained[i] > gained[most])
                most = i;
        }
        gained[most] -= r->length;
        r->cycle[n] = (struct rotation_turn){most, had[most]++};
    }
}

int rotation_init(struct rotation *r, const uint32_t *weights, uint32_t count)
{
    struct rotation made = {0};
    int64_t *gained = calloc(count, sizeof *gained);
    uint32_t *had = calloc(count, sizeof *had);
    uint32_t divisor = 0;
    int rc = -ENOMEM;

    made.weights = calloc(count, sizeof *made.weights);
    for (uint32_t i = 0; i < count; i++)
        divisor = common_divisor(weights[i], divisor);
    for (uint32_t i = 0; i < count && made.weights; i++)
        made.length += made.weights[i] = weights[i] / divisor;
    if (made.length)
        made.cycle = calloc(made.length, sizeof *made.cycle);
    if (gained && had && made.cycle) {
        fill(&made, count, gained, had);
        *r = made;
        rc = 0;
    } else {
        rotation_done(&made);
    }
    free(gained);
    free(had);
    return rc;
}

void rotation_done(struct rotation *r)
{
    free(r->cycle);
    free(r->weights);
    *r = (struct rotation){0};
}

uint32_t rotation_at(const struct rotation *r, uint64_t n)
{
    return r->cycle[n % r->length].who;
}

uint64_t rotation_before(const struct rotation *r, uint64_t n)
{
    const struct rotation_turn *t = &r->cycle[n % r->length];

    return n / r->length * r->weights[t->who] + t->before;
}
