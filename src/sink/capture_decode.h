/*
 * Content between its forms: dot-stuffed on the wire, plain, with the line ends of files, quoted
 * for an mbox. Octets go in split anywhere, and come out in runs, mostly of what was put in.
 */
#ifndef SINK_CAPTURE_DECODE_H
#define SINK_CAPTURE_DECODE_H

#include <stdbool.h>
#include <stdint.h>

#include "slice.h"

/* Where decoded octets go; valid during the call only. */
struct outlet {
    void (*put)(void *to, struct slice);
    void *to;
};

static inline void outlet_put(const struct outlet *o, struct slice s)
{
    if (s.n > 0)
        o->put(o->to, s);
}

/*
 * Content sent by DATA, without the dots that stuffing added and without the line that ends it (RFC
 * 5321 section 4.5.2). Lines end with CRLF alone, or with a bare LF too when that is lenient. The
 * rest zeroed to begin with.
 */
struct unstuff {
    bool lenient;
    uint8_t state;
};

void unstuff_put(struct unstuff *, struct slice in, const struct outlet *);

/* Every CR left out, as the dump files have it. No state. */
void without_cr_put(struct slice in, const struct outlet *);

/* CRLF as LF; a CR elsewhere stays. Zeroed to begin with; end tells that nothing follows. */
struct line_ends {
    bool cr;      /* held back: an LF may follow */
    bool in_line; /* the last octet was no LF */
};

void line_ends_put(struct line_ends *, struct slice in, const struct outlet *);
void line_ends_end(struct line_ends *, const struct outlet *);

/*
 * Quoting for an mbox (the kind called mboxrd): a line that is ">" any number of times and "From "
 * gets one more ">". Begins at the start of a line. Zeroed to begin with.
 */
struct from_quote {
    bool in_line;    /* past what could be quoted */
    uint8_t matched; /* octets of "From ", held back */
};

void from_quote_put(struct from_quote *, struct slice in, const struct outlet *);
void from_quote_end(struct from_quote *, const struct outlet *);

#endif
