/*
 * Authentication exchanges (SASL in SMTP, RFC 4954) of either side, by libgsasl and by hand. Lines
 * in, lines out, in base64 and without CRLF; no I/O. A context is one thread's.
 */
#ifndef AUTH_AUTH_H
#define AUTH_AUTH_H

#include <stdbool.h>
#include <stdint.h>

#include "auth_mechanism.h"
#include "auth_users.h"
#include "diag.h"
#include "slice.h"

struct auth_context;
struct auth_client;
struct auth_server;

/* users: borrowed; NULL: a server takes anybody. NULL when out of memory. free takes NULL. */
struct auth_context *auth_context_new(const struct auth_users *users);
void auth_context_free(struct auth_context *);

/* --- client --- */

/*
 * An AUTH command with this line and its CRLF may be so long; a longer initial response goes behind
 * the 334 (RFC 4954 section 4, RFC 5321 section 4.5.3.1.4).
 */
#define AUTH_COMMAND_MAX 512

/* A challenge may be so long, a password be hashed so often, an exchange have so many rounds. */
#define AUTH_CHALLENGE_MAX  8192
#define AUTH_ITERATIONS_MAX 1000000
#define AUTH_ROUNDS_MAX     8

/*
 * Begins one as a user of the context, with the mechanism wanted, or if that is NULL the best of
 * those offered, which are separated by blanks. Without clear none that tells the secret to who
 * listens. line is the whole AUTH command; it stays until the next call. 0, or -errno with diag
 * set, and nothing to free.
 */
int auth_client_begin(struct auth_client **, struct auth_context *, const struct auth_user *,
                      const struct auth_mechanism *wanted, struct slice offer, bool clear,
                      struct slice *line, struct diag *);

/* The response to a challenge. 0, or -errno with diag set: the exchange is to be cancelled. */
int auth_client_step(struct auth_client *, struct slice challenge, struct slice *line,
                     struct diag *);

/* The server has taken it: may it, or has it not shown that it knows the secret itself? */
int auth_client_finish(struct auth_client *, struct diag *);

const struct auth_mechanism *auth_client_mechanism(const struct auth_client *);
const struct auth_user *auth_client_user(const struct auth_client *);
void auth_client_free(struct auth_client *);

/* --- server --- */

enum auth_verdict { AUTH_OVER, AUTH_MORE, AUTH_TAKEN };

/* A challenge is no longer, with code and CRLF: that of a reply, RFC 5321 section 4.5.3.1.5. */
#define AUTH_REPLY_MAX 512

struct auth_policy {
    uint32_t mechanisms; /* bit (1 << index of the row): may be used */
    const char *refused; /* users, separated by commas, that are always refused; or NULL */
};

/*
 * The arguments of AUTH begin an exchange, further lines go on with it (*x is not NULL). reply is a
 * whole line with CRLF: with AUTH_MORE it stays until the next call, else it is constant, and *x is
 * NULL again.
 */
enum auth_verdict auth_server_begin(struct auth_server **x, struct auth_context *,
                                    const struct auth_policy *, bool clear, struct slice args,
                                    struct slice *reply);
enum auth_verdict auth_server_step(struct auth_server **x, struct slice line, struct slice *reply);
const struct auth_mechanism *auth_server_mechanism(const struct auth_server *);
void auth_server_free(struct auth_server *);

#endif
