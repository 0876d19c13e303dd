/*
 * The mechanisms (SASL, RFC 4422), one row each, best first. What libgsasl does not know is a
 * message made and read by hand.
 */
#ifndef AUTH_AUTH_MECHANISM_H
#define AUTH_AUTH_MECHANISM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auth_users.h"
#include "diag.h"
#include "opt.h"
#include "slice.h"

struct auth_mechanism {
    const char *name;
    const char *source;
    bool clear;     /* who listens learns the secret */
    bool first;     /* the client begins: there may be an initial response */
    bool by_name;   /* only where it is asked for by name, never as the best that is offered */
    bool secretive; /* the server has to know the secret: it can't take just anybody */
    bool gs2;       /* SCRAM: bounded by auth_client, keys are kept */
    /* By hand. Writes the only message of the client, not in base64; the length, 0: no room. */
    size_t (*make)(const struct auth_user *, char *out, size_t size);
    /* Finds user and secret in such a message; false: it is none. */
    bool (*read)(char *message, size_t n, struct slice *user, struct slice *secret);
    const char *after_error; /* the client's answer to a last challenge, in base64 */
};

/* All, ending with one without name. */
extern const struct auth_mechanism auth_mechanisms[];
extern const struct opt_choice auth_mechanism_choices[]; /* their index, plus one */

/* NULL: there is none of this name. */
const struct auth_mechanism *auth_mechanism_find(struct slice name);

#endif
