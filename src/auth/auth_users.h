/*
 * Users and their secrets: one from the command line, or many from a file.
 */
#ifndef AUTH_AUTH_USERS_H
#define AUTH_AUTH_USERS_H

#include <stddef.h>
#include <stdint.h>

#include "diag.h"
#include "slice.h"

/* A user name and a password may have so many octets: they have to fit a line of the protocol. */
#define AUTH_NAME_MAX   255
#define AUTH_SECRET_MAX 8000

struct auth_user {
    const char *name;
    const char *secret; /* password, or token; "" for none */
    unsigned line;      /* of the file, from 1; 0: of none */
};

/* In the order of the file. */
struct auth_users {
    struct auth_user *rows;
    size_t count;
    const struct auth_user **sorted; /* by name */
    char *text;                      /* what the rows point into */
};

/*
 * Reads "USER:PASSWORD" or "USER<TAB>PASSWORD" lines; blank ones and those that begin with '#' are
 * left out. 0, or -errno with diag set to a line that names the file and the line, never the
 * secret; then nothing is to be freed. done() takes a zeroed one, and wipes the secrets.
 */
int auth_users_load(struct auth_users *, const char *path, struct diag *);
void auth_users_done(struct auth_users *);

/* 0, or -EINVAL with diag set to the line of this file that names a user again. */
int auth_users_unique(const struct auth_users *, const char *path, struct diag *);

/* One user, both texts copied. 0 or -errno, diag set. */
int auth_users_one(struct auth_users *, const char *name, const char *secret, struct diag *);

/* The user of this name, the first of several; NULL: none. */
const struct auth_user *auth_users_find(const struct auth_users *, struct slice name);

/*
 * A password: the first line of the file, or if path is NULL what the environment variable has, or
 * if there is none what is typed at the terminal, unseen. Allocated; NULL with diag set.
 */
char *auth_password(const char *path, const char *variable, const char *user, struct diag *);

/* Overwrites what free() would leave in memory. NULL is fine. */
void auth_wipe(char *secret);

#endif
