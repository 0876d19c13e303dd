/*
 * Replies of an SMTP or LMTP server (RFC 5321 section 4.2), one line at a time. Lenient as the
 * drop-in contract says: exactly three digits are a code, whatever follows; a '-' behind them
 * continues; a bare LF and CR CR LF end a line; anything else has code 0, which is a refusal.
 */
#ifndef SMTP_REPLY_H
#define SMTP_REPLY_H

#include <stdbool.h>
#include <stdint.h>

#include "slice.h"

/* Of a longer line the rest is skipped; after so much of that no end is waited for. */
#define REPLY_LINE_MAX    10240
#define REPLY_SKIPPED_MAX (16u << 20)

struct reply_line {
    int code;          /* 0 .. 999; 0 when the line begins with no code */
    bool more;         /* another line of the same reply follows */
    struct slice line; /* without its line end; valid until the next call and while the input is */
};

struct reply_part;

struct reply_parser {
    struct reply_part *part; /* of a line that came in pieces; NULL: none */
};

/*
 * Looks for one line in the input. Returns how many octets were consumed; *complete tells whether
 * that ended a line, which is then in *out. An incomplete line is kept (at most REPLY_LINE_MAX
 * octets) and all input consumed.
 */
size_t reply_feed(struct reply_parser *, struct slice in, struct reply_line *out, bool *complete);

/* The beginning of the incomplete line if it is so long that it is not waited for; else empty. */
struct slice reply_endless(const struct reply_parser *);

/* Frees what is kept. */
void reply_done(struct reply_parser *);

/*
 * The enhanced status code (RFC 3463) that begins a reply's text, such as "5.1.1"; empty when there
 * is none or when its class is not that of the code (RFC 2034 section 4). Borrowed from line.
 */
struct slice reply_enhanced(const struct reply_line *);

/* The same of a text whose code is known; of one of several lines, of the first. */
struct slice reply_text_enhanced(struct slice text, int code);

/* The text behind the code, without leading blanks. Borrowed from line. */
struct slice reply_text(const struct reply_line *);

#endif
