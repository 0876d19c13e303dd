/*
 * SMTP service extensions (RFC 5321 section 2.2), one row and one file each: what a client does
 * with an offer, what a server announces. The list below is the only other place to touch.
 */
#ifndef SMTP_EXT_H
#define SMTP_EXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "opt.h"
#include "slice.h"

#define EXT_LIST(X)                                                                                \
    X(PIPELINING, ext_pipelining)                                                                  \
    X(CHUNKING, ext_chunking)                                                                      \
    X(SIZE, ext_size)                                                                              \
    X(STARTTLS, ext_starttls)

enum ext_id {
#define X(id, row) EXT_##id,
    EXT_LIST(X)
#undef X
        EXT_COUNT
};

/* What the client's user asked for. */
enum ext_want { EXT_NO, EXT_MUST, EXT_IF_OFFERED };

/* The words for it on a command line: "must", "if-offered", "no". */
extern const struct opt_choice ext_want_choices[];

struct client_config;
struct server_config;

struct ext {
    const char *keyword; /* in the EHLO reply */
    const char *source;  /* RFC */

    /* Client: fits the session's sending to an offer that is wanted. All NULL-able. */
    uint32_t (*window)(const struct client_config *); /* commands in flight; the largest wins */
    bool bdat;                                        /* content goes by BDAT instead of DATA */
    /* A verb (client_impl.h) to say behind the hello, in the order of the list; 0: none. */
    int hello_step;

    /*
     * Server. announce_argument tells what --announce takes behind "KEYWORD=": learn() checks it
     * and stores it in the config (0 or -errno, diag set). announce() writes the arguments behind
     * the keyword, "" for none; returns the length.
     */
    int (*learn)(struct server_config *, const char *argument, struct diag *);
    size_t (*announce)(const struct server_config *, char *out, size_t size);
    /*
     * A MAIL parameter of this extension: NULL if fine, else a whole reply line with CRLF
     * (constant).
     */
    const char *mail_keyword;
    const char *(*mail_parameter)(const struct server_config *, struct slice value);

    /* Option rows for the source; their settings are a struct client_config. */
    const struct opt *options;
    size_t option_count;
};

extern const struct ext *const ext_rows[EXT_COUNT];

#endif
