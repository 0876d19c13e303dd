/*
 * Finds the end of message content sent by DATA: CRLF.CRLF and nothing else (RFC 5321 section
 * 4.1.1.4; bare LF and CR are content). Content may be split anywhere.
 */
#ifndef SMTP_DOTSCAN_H
#define SMTP_DOTSCAN_H

#include <stdint.h>

#include "slice.h"

/* How much of CRLF.CRLF the octets so far end with. */
enum dotscan {
    DOTSCAN_NONE,
    DOTSCAN_CR,
    DOTSCAN_CRLF, /* where content begins: the 354 stands for a line end */
    DOTSCAN_DOT,
    DOTSCAN_DOT_CR,
    DOTSCAN_END
};

/*
 * Reads content from *state on. Returns the octets up to and including CRLF.CRLF, or all of them;
 * *state tells which. Adds to *dots the dots that followed a CRLF: those that stuffing added, and
 * the final one.
 */
size_t dotscan(struct slice in, enum dotscan *state, uint64_t *dots);

/*
 * The same for a server that takes a bare LF for a line end, as some do: LF.LF ends content too.
 * Slow and simple. The line end behind the final dot counts among the dots.
 */
size_t dotscan_lenient(struct slice in, enum dotscan *state, uint64_t *dots);

#endif
