/*
 * What the messages of a run look like: envelope and content, made once, and the little of it that
 * differs from message to message. Knows nothing of sessions, sockets or replies.
 */
#ifndef MAIL_CONTENT_H
#define MAIL_CONTENT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "diag.h"
#include "opt.h"
#include "slice.h"

enum mail_numbering { MAIL_NUMBER_FIRST, MAIL_NUMBER_LAST };

/* Filled from the command line. Texts are borrowed for the whole run. */
struct mail_settings {
    const char *hostname; /* -M; NULL: the machine's, as it is */
    const char *from;     /* -f; NULL: foo@hostname */
    const char *to;       /* -t; likewise */
    const char *subject;  /* -S; NULL: none */
    const char *file;     /* -F; NULL: generated content */
    uint64_t length;      /* -l, octets; 0: the default body */
    uint64_t rcpt_count;  /* -r */
    bool number_all;      /* -N */
    bool no_headers;      /* -o */
    bool idna;            /* domains of the addresses and the hostname go as A-labels (RFC 5891) */
    bool utf8;            /* addresses have to be UTF-8 */
    int numbering;        /* enum mail_numbering */
};

extern const struct opt mail_options[];
extern const size_t mail_option_count;

/* What number and brackets add to a recipient's address at most, octets. */
#define MAIL_NUMBER_MAX 24

/* The longest part of its own that a message has, octets. */
#define MAIL_OWN_MAX 64

/* A run's envelope and content. Read-only once made, but for the count of recipient numbers. */
struct mail_content {
    const struct mail_settings *settings;
    char hostname[256];
    char *sender; /* reverse-path in brackets */
    char *rcpt;   /* forward-path without brackets */
    bool utf8;    /* one of them is not ASCII */
    size_t rcpt_length;
    size_t number_at; /* offset in rcpt where a number goes */
    /*
     * Content in parts, to be sent in order: plain, and with leading dots doubled. One whose p is
     * NULL is the message's own, see mail_message_own(). The two may be the same.
     */
    struct slice *plain_parts;
    struct slice *stuffed_parts;
    uint32_t plain_count;
    uint32_t stuffed_count;
    char *plain; /* what the parts point into */
    char *stuffed;
    uint64_t run; /* identifies it */
    bool has_id;  /* messages have a part of their own: the end of the Message-Id */
    _Alignas(64) atomic_uint_fast64_t rcpt_numbers; /* -N: how many are used up */
};

/* One message; embedded by its sender, valid until the message is over. */
struct mail_message {
    uint64_t connection; /* its number, from 1, unique in the run */
    uint64_t number;     /* likewise */
    uint64_t first_rcpt; /* -N: number of its first recipient; 0 until that is asked for */
};

/*
 * Makes it all: checks hostname and addresses, reads the file. run identifies the run; date is the
 * time for the Date: header, seconds since the epoch. Returns 0 or -errno with diag set to one
 * line. mail_content_done() frees, also after a failure of a zeroed one.
 */
int mail_content_init(struct mail_content *, const struct mail_settings *, uint64_t run,
                      int64_t date, struct diag *);
void mail_content_done(struct mail_content *);

/* Octets of one message as BDAT would carry it (up to 2^32 messages and connections a run). */
uint64_t mail_content_size(const struct mail_content *);

/*
 * Writes the message's own part and returns its length, 0 for none. The numbers of connection and
 * message make with the run's identity the Message-Id, <run.connection.message@host> in
 * hexadecimal.
 */
size_t mail_message_own(const struct mail_message *, const struct mail_content *,
                        char out[MAIL_OWN_MAX]);

/* Writes forward-path number index (0 .. rcpt_count-1, in order) in brackets; returns its length.
 */
size_t mail_message_rcpt(struct mail_message *, struct mail_content *, uint32_t index, char *out,
                         size_t size);

/* The same again, when that has been asked for all it wanted; 0: it has no number yet. */
size_t mail_message_rcpt_again(const struct mail_message *, const struct mail_content *,
                               uint32_t index, char *out, size_t size);

/* Writes the Message-Id with its brackets, at most MAIL_ID_MAX; 0: it has none of its own. */
#define MAIL_ID_MAX 384
size_t mail_message_id(const struct mail_message *, const struct mail_content *,
                       char out[MAIL_ID_MAX]);

/*
 * Makes the domain of an address (what is behind its last '@'; all of it, if there is none) ASCII,
 * by IDNA2008, within size octets. A literal in brackets stays. 0, or -EINVAL with diag set to
 * "bad WHAT: ...".
 */
int mail_idna(const char *what, char *address, size_t size, struct diag *);

/* Is it UTF-8 (RFC 3629)? */
bool mail_is_utf8(const char *text);

/*
 * Is name a host name (labels of at most 63 of letters, digits, '-', '_', 255 octets in all, not
 * all numeric) or an address literal ([192.0.2.1], [IPv6:2001:db8::1])? 0 or -EINVAL with diag set.
 */
int mail_check_hostname(const char *name, struct diag *);

#endif
