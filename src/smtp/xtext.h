/*
 * xtext (RFC 3461 section 4): how a parameter's value holds octets that it may not hold as they
 * are.
 */
#ifndef SMTP_XTEXT_H
#define SMTP_XTEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "slice.h"

/* Octets that s takes as xtext; and writes them, without a NUL. */
size_t xtext_length(struct slice s);
size_t xtext_write(struct slice s, char *out);

/* What xtext stands for; no longer than it. Returns the length. s is xtext. */
size_t xtext_read(struct slice s, char *out);

/* Is it xtext? */
bool xtext_is(struct slice s);

#endif
