/*
 * What a load needs of the system, held against what there is: told before the run where that can
 * be, and where it can't, in words that name the limit and how to mend it.
 */
#ifndef LOAD_LIMITS_H
#define LOAD_LIMITS_H

#include <stdint.h>

#include "diag.h"

struct address;
struct load;

/*
 * Are there descriptors and ports for so many sessions at once, the addresses of --bind, TCP Fast
 * Open if it is asked for? Raises the soft limit of descriptors. 0, or -errno with diag set.
 */
int limits_check(const struct load *, uint64_t sessions, struct diag *);

/*
 * What the errno of a failed connect has to do with a limit: "", or words that begin with ": ".
 * source is where it was to come from, NULL for anywhere; target where it was to go.
 */
const char *limits_words(int error, const struct address *source, const struct address *target);

#endif
