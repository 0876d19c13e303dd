/*
 * What the server refused, and in what words: a small bounded table. When it is full, further kinds
 * count in `other`, so that the sums hold whatever a server says. Knows no connection and no clock.
 */
#ifndef STATS_REFUSALS_H
#define STATS_REFUSALS_H

#include <stdbool.h>
#include <stdint.h>

#include "slice.h"
#include "vocabulary.h"

#define REFUSAL_ROWS 64

/*
 * The longest enhanced status code kept. RFC 3463 section 2: a digit, and twice a dot and up to
 * three digits, is 9.
 */
#define REFUSAL_ENHANCED_MAX 11

#define REFUSAL_SAMPLE_MAX 160

/*
 * One kind of refusal. 16 octets without padding, so that it is compared as two words, and small
 * enough for a session to keep with a transaction until that ends.
 */
struct refusal_key {
    char enhanced[REFUSAL_ENHANCED_MAX + 1]; /* "5.1.1", padded with NUL; "" for none */
    uint16_t code;                           /* 0 for what was no reply line at all */
    uint8_t phase;                           /* enum phase */
    bool collateral;                         /* only follows from an earlier refusal */
};

struct refusal_row {
    uint64_t replies;
    uint64_t messages;                   /* whose refusal such a reply decided */
    char sample[REFUSAL_SAMPLE_MAX + 1]; /* text of the first reply seen, printable ASCII */
};

struct refusals {
    uint32_t count; /* rows in use */
    uint32_t last;  /* the row hit last, tried first: servers repeat themselves */
    struct refusal_key keys[REFUSAL_ROWS];
    struct refusal_row rows[REFUSAL_ROWS];
    struct refusal_row other; /* what found no row; without a sample */
};

/* A longer enhanced code is cut; unprintable octets become '?'. code is 0 .. 999. */
struct refusal_key refusal_key(enum phase, int code, struct slice enhanced, bool collateral);

/* Counts one refused reply; text is its sample if it is the first of its kind. */
void refusals_reply(struct refusals *, const struct refusal_key *, struct slice text);

/* Counts one message that such a reply has decided. */
void refusals_message(struct refusals *, const struct refusal_key *);

/*
 * Adds what `from` holds. Exact, but for the bound: kinds that find no row go to `other`. The
 * sample already there wins.
 */
void refusals_merge(struct refusals *into, const struct refusals *from);

/* Zeroed memory is a cleared table. Costs as much as rows were in use. */
void refusals_clear(struct refusals *);

/* Sums over all rows and `other`. */
uint64_t refusals_replies(const struct refusals *);
uint64_t refusals_messages(const struct refusals *);

#endif
