/*
 * The inside of contexts, for both sides.
 */
#ifndef AUTH_AUTH_IMPL_H
#define AUTH_AUTH_IMPL_H

#include <gsasl.h>

#include "auth.h"

/* Of SCRAM, what takes long to make from a password: kept with what it was made for. */
struct auth_keys {
    const struct auth_mechanism *mechanism; /* NULL: none yet */
    char salt[128];
    char iterations[12];
    char salted[68];            /* client */
    char stored[100], own[100]; /* server */
};

struct auth_context {
    Gsasl *gsasl;
    const struct auth_users *users;
    struct auth_keys **keys; /* by user; NULL until there is one */
};

/* The place for a user's keys; NULL: no memory, which does no harm. */
struct auth_keys *auth_keys_of(struct auth_context *, const struct auth_user *);

/* Copies a property that fits; false: there is none. */
bool auth_keep(Gsasl_session *, Gsasl_property, char *out, size_t size);

/* The first member of auth_client and auth_server, which are the hooks of their sessions. */
struct auth_side {
    int (*asked)(void *side, Gsasl_session *, Gsasl_property);
};

#endif
