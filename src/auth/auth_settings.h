/*
 * What is asked of authentication, for both ends: filled from the command line, then frozen.
 */
#ifndef AUTH_AUTH_SETTINGS_H
#define AUTH_AUTH_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auth_users.h"
#include "diag.h"
#include "opt.h"

/* Where a single user's password is looked for, if no file is named. */
#define AUTH_PASSWORD_VARIABLE "SMTP_SOURCE_PASSWORD"

/* Which user a session is: --auth-order */
enum auth_order { AUTH_ROUND_ROBIN, AUTH_RANDOM };

struct auth_settings {
    const char *user;
    const char *password_file;
    const char *users_file;
    int mechanism; /* of auth_mechanism_choices; 0: the best that is offered */
    int order;     /* enum auth_order */
    bool insecure; /* clear text without TLS, to anywhere */
    bool anybody;  /* server: --auth */
    bool required;
    const char *refused; /* server: users, separated by commas */
    uint32_t mechanisms; /* server: bits of the rows; 0: all */
};

extern const struct opt auth_client_options[];
extern const size_t auth_client_option_count;
extern const struct opt auth_server_options[];
extern const size_t auth_server_option_count;

bool auth_client_wanted(const struct auth_settings *);
bool auth_server_wanted(const struct auth_settings *);

/* What excludes each other. 0 or -EINVAL, diag set. */
int auth_client_check(const struct auth_settings *, struct diag *);
int auth_server_check(const struct auth_settings *, struct diag *);

/* The users, of a client with their passwords, which may be asked for. 0 or -errno, diag set. */
int auth_client_load(struct auth_users *, const struct auth_settings *, struct diag *);

/*
 * The mechanisms of a server with or without a list of users: those that it can verify, and that
 * were not left out. Names, separated by blanks, into out.
 */
uint32_t auth_server_mechanisms(const struct auth_settings *, bool users, char *out, size_t size);

#endif
