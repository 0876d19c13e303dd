/*
 * Quantities drawn at random: a time to think between messages, a number of messages a connection.
 */
#ifndef PACE_THINK_H
#define PACE_THINK_H

#include <stdint.h>

#include "diag.h"
#include "rng.h"

enum think_kind { THINK_NONE, THINK_UNIFORM, THINK_EXPONENTIAL, THINK_NORMAL };

struct think {
    int kind;      /* enum think_kind */
    uint64_t a, b; /* ns: bounds, both inclusive; mean; mean and standard deviation */
};

/*
 * "2s", "1s..3s", "exp:2s" (mean), "normal:2s,500ms" (mean, standard deviation). 0, or -EINVAL with
 * diag set.
 */
int think_parse(struct think *, const char *text, struct diag *);

/* ns; never negative; an exponential one is at most 45 times its mean. */
uint64_t think_draw(const struct think *, struct rng *);

struct span {
    uint64_t low, high; /* both inclusive */
};

/*
 * "10" or "5..20", at least 1. 0, or -EINVAL with diag set, which names the thing and its long
 * option, without dashes.
 */
int span_parse(struct span *, const char *text, const char *option, const char *what,
               struct diag *);
uint64_t span_draw(const struct span *, struct rng *);

#endif
