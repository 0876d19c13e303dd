/*
 * The argument of MAIL and RCPT (RFC 5321 section 4.1.2), read leniently: a path and parameters.
 */
#ifndef SMTP_PATH_H
#define SMTP_PATH_H

#include <stdbool.h>

#include "slice.h"

/*
 * The path in "FROM:<path> parameters", as sent, brackets and all; what is behind it goes to
 * parameters, if that is not NULL. Quotes may hide a '>'. Both lie in args.
 */
struct slice path_find(struct slice args, struct slice *parameters);

/* A path without its brackets, and without a source route (RFC 5321 appendix C). */
struct slice path_mailbox(struct slice path);

/* What is behind the last '@' of a mailbox; empty when there is none. */
struct slice path_domain(struct slice mailbox);

/* Takes the next "KEY=value" off the front; without a '=' value is empty. False: no more. */
bool path_parameter(struct slice *parameters, struct slice *key, struct slice *value);

#endif
