/*
 * The texts that the dump options take: file names with a date in them, and a start string with
 * escapes.
 */
#ifndef SINK_DUMP_TEMPLATE_H
#define SINK_DUMP_TEMPLATE_H

#include <stddef.h>
#include <time.h>

/*
 * Expands a template by strftime(3), local time. Returns the length in out, or -ENAMETOOLONG when
 * it and spare octets more have no room.
 */
long dump_expand(const char *template, time_t at, char *out, size_t size, size_t spare);

/*
 * Replaces the escapes of C: \a \b \f \n \r \t \v, \ddd (up to three octal digits), \\; any other
 * \x is an x, and a last lone \ nothing. out has room for strlen(text) octets; returns how many.
 */
size_t dump_unescape(const char *text, char *out);

/* "Mon, 23 Nov 2026 00:51:30 +0000 (UTC)", local time (RFC 5322 section 3.3). Returns out. */
char *dump_date(time_t at, char *out, size_t size);

#endif
