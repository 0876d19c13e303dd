/*
 * Octets of anybody's as a text in JSON.
 */
#ifndef BASE_JSON_ESCAPE_H
#define BASE_JSON_ESCAPE_H

#include "slice.h"

/*
 * Octets as the inside of a JSON string (RFC 8259 section 7), given to put() piece by piece: valid
 * UTF-8 as it is, control characters, the quote and the backslash escaped, each octet that is no
 * part of valid UTF-8 as U+FFFD.
 */
void json_escape(struct slice octets, void (*put)(void *to, struct slice piece), void *to);

#endif
