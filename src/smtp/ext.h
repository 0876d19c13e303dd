/*
 * SMTP service extensions (RFC 5321 section 2.2), one row and one file each: what a client does
 * with an offer and adds to its commands, what a server announces and holds clients to. The list
 * below is the only other place to touch.
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
    X(STARTTLS, ext_starttls)                                                                      \
    X(8BITMIME, ext_8bitmime)                                                                      \
    X(SMTPUTF8, ext_smtputf8)                                                                      \
    X(DSN, ext_dsn)                                                                                \
    X(ENHANCEDSTATUSCODES, ext_enhanced)                                                           \
    X(LIMITS, ext_limits)                                                                          \
    X(XCLIENT, ext_xclient)                                                                        \
    X(REQUIRETLS, ext_requiretls)                                                                  \
    X(MT_PRIORITY, ext_mt_priority)                                                                \
    X(AUTH, ext_auth)

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

/* What the options of an extension's row say beyond that; no other file reads it. */
struct ext_own {
    int choice;
    bool flag;
    const char *text[2]; /* NULL: not said */
};

struct client_config;
struct client_mail;
struct server_config;

/*
 * What a session keeps of the offers of its server; only sessions that want an extension whose row
 * has a keep() have one. Zeroed before each hello.
 */
struct ext_offer {
    uint64_t size;        /* SIZE: octets of a message; 0: nothing is said */
    uint32_t mails;       /* LIMITS: MAIL commands of a session; 0: nothing is said */
    uint32_t rcpts;       /* RCPT commands of a transaction; likewise */
    uint32_t domains;     /* different recipient domains of a session; likewise */
    uint32_t mails_begun; /* MAIL commands sent in the session */
};

enum ext_where { EXT_EVERYWHERE, EXT_IN_CLEAR, EXT_IN_TLS };

/* A parameter of MAIL or RCPT that a server of the extension knows. */
struct ext_parameter {
    const char *keyword;
    bool rcpt; /* else of MAIL */
    /* NULL if fine, else a whole reply line with CRLF (constant). */
    const char *(*check)(const struct server_config *, struct slice value);
};

struct ext {
    const char *keyword; /* in the EHLO reply */
    const char *source;  /* RFC */
    int where;           /* enum ext_where: in which sessions a server announces it */

    /* Client: fits the session's sending to an offer that is wanted. All NULL-able. */
    uint32_t (*window)(const struct client_config *); /* commands in flight; the largest wins */
    bool bdat;                                        /* content goes by BDAT instead of DATA */
    /* A verb (client_impl.h) to say behind the hello, in the order of the list; 0: none. */
    int hello_step;
    /* Reads what stands behind the keyword of an offer. What it does not understand it leaves. */
    void (*keep)(struct ext_offer *, struct slice arguments);
    /*
     * May this mail be sent to a server that offers the extension so, or (offered is false) does
     * not? If not, writes why, one line of at most size octets, and returns its length; else 0.
     * kept is NULL for rows without keep().
     */
    size_t (*forbid)(const struct ext_offer *kept, bool offered, const struct client_mail *,
                     char *why, size_t size);
    /*
     * Parameters for MAIL, and for the RCPT of a path with its brackets: each with a blank in
     * front. At most EXT_PARAMETERS_MAX octets; returns the length.
     */
    size_t (*mail)(const struct client_config *, const struct client_mail *, char *out);
    size_t (*rcpt)(const struct client_config *, struct slice path, char *out);
    /* Do the options of this extension go together? 0, or -EINVAL with diag set. */
    int (*check)(const struct client_config *, struct diag *);

    /*
     * Server. announce_argument tells what --announce takes behind "KEYWORD=": learn() checks it
     * and stores it in the config (0 or -errno, diag set). announce() writes the arguments behind
     * the keyword, "" for none; returns the length.
     */
    int (*learn)(struct server_config *, const char *argument, struct diag *);
    size_t (*announce)(const struct server_config *, char *out, size_t size);
    const struct ext_parameter *parameters;
    size_t parameter_count;
    /*
     * Looks at MAIL, or RCPT, before it is run. number: with this one, the MAILs of the session, or
     * the accepted recipients of the transaction. declared: the transaction's MAIL has a parameter
     * of this extension. NULL if fine, else a reply as above.
     */
    const char *(*admit)(const struct server_config *, bool rcpt, struct slice path,
                         uint32_t number, bool declared);

    /* Option rows for the source; their settings are a struct client_config. */
    const struct opt *options;
    size_t option_count;
};

extern const struct ext *const ext_rows[EXT_COUNT];

/* What the parameters of one extension may take in a command, octets. */
#define EXT_PARAMETERS_MAX 560

/* learn() and announce() of rows that have no arguments to announce. */
int ext_learn_bare(struct server_config *, const char *argument, struct diag *);
size_t ext_announce_bare(const struct server_config *, char *out, size_t size);

bool ext_is_ascii(struct slice);

#endif
