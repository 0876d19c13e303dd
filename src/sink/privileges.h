/*
 * Giving up the super-user's privileges, once the sockets are there.
 */
#ifndef SINK_PRIVILEGES_H
#define SINK_PRIVILEGES_H

#include <stdbool.h>

#include "diag.h"

struct privileges {
    const char *user; /* to become; NULL: not said */
    const char *root; /* directory to make the root and working directory; NULL: none */
};

/*
 * Changes root and user. A super-user who said no user becomes nobody, with a note on stderr, when
 * only this machine can connect (local), and is refused otherwise. 0, or -errno with diag set.
 */
int privileges_drop(const struct privileges *, bool local, struct diag *);

#endif
