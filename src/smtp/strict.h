/*
 * What RFC 5321 does not let a client do, for servers that insist: its size limits (section
 * 4.5.3.1), and octets that have no place in commands and content (sections 2.3.8 and 4.1.1.4).
 */
#ifndef SMTP_STRICT_H
#define SMTP_STRICT_H

#include <stdbool.h>
#include <stdint.h>

#include "server_config.h"
#include "slice.h"

/* How content has done so far. Zeroed at its beginning. */
struct strict {
    uint16_t column;  /* octets of the line so far, a stuffed dot not counted */
    uint8_t breaches; /* enum breach, added up; 0: none */
    bool in_line;     /* one has begun */
    bool after_cr;    /* the last octet was a CR */
};

/*
 * Looks at the next octets of content. stuffed: by DATA, where a dot in front of a line does not
 * count; lenient_lf: an LF alone ends a line.
 */
void strict_content(struct strict *, struct slice, bool stuffed, bool lenient_lf);

/* The refusal that the content, a command line without its end, or a path deserves; else empty. */
struct slice strict_verdict(const struct strict *);
struct slice strict_command(enum server_verb, struct slice line);
struct slice strict_path(struct slice path);

/* A message may have this many recipients (section 4.5.3.1.8). */
#define STRICT_RECIPIENTS 100

#endif
