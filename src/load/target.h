/*
 * The servers that a load goes to: what they are called, where they are, and whose turn it is.
 * Connection n of a run goes to the one that the rotation gives turn n, so the weights are kept by
 * all threads together.
 */
#ifndef LOAD_TARGET_H
#define LOAD_TARGET_H

#include <stdbool.h>
#include <stdint.h>

#include "diag.h"
#include "endpoint.h"
#include "rotation.h"

#define TARGETS_MAX       64
#define TARGET_WEIGHT_MAX 1000

struct target {
    const char *text; /* the endpoint as typed, without the weight; borrowed */
    uint32_t weight;
    struct endpoint endpoint; /* when resolved */
    char host[256];           /* its name, "" when it has none */
};

struct target_list {
    struct target rows[TARGETS_MAX];
    uint32_t count;
    struct rotation rotation;
};

/*
 * From operands such as "mx1.example", "3@mx2.example:25", "2@unix:/path": the endpoint, and in
 * front of it, if its weight is not 1, that and an @. No endpoint has an @ so far in front. "sink:"
 * stands alone. 0; or -errno with diag set: a bad weight, a target twice, too many. Endpoints are
 * not looked at otherwise. done takes what failed, and a zeroed one.
 */
int targets_parse(struct target_list *, char *const *operands, uint32_t count, struct diag *);
void targets_done(struct target_list *);

/* Looks all of them up, endpoint_resolve_port(). 0 or -errno with diag set. */
int targets_resolve(struct target_list *, int family, uint16_t port, struct diag *);

/* The first that is a UNIX-domain socket; NULL: none. By what was typed. */
const struct target *targets_unix(const struct target_list *);

/* Is it the program's own sink? */
bool targets_sink(const struct target_list *);

/* How many of them the first so many connections reach. */
uint32_t targets_reached(const struct target_list *, uint64_t connections);

#endif
