/*
 * What an SMTP or LMTP server is: its name, its protocol, what it announces; and the names of what
 * it answers. Shared by all sessions.
 */
#ifndef SMTP_SERVER_CONFIG_H
#define SMTP_SERVER_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "diag.h"
#include "ext.h"
#include "slice.h"

/* Replies other than the greeting and the hellos are no longer, RFC 5321 section 4.5.3.1.5. */
#define SERVER_REPLY_MAX 512

/*
 * What replies are given to, under the names that options and reports use. CONNECT is the greeting,
 * "." the end of data, UNKNOWN all that is no command.
 */
#define SERVER_VERB_LIST(X)                                                                        \
    X(MAIL, "MAIL")                                                                                \
    X(RCPT, "RCPT")                                                                                \
    X(DATA, "DATA")                                                                                \
    X(BDAT, "BDAT")                                                                                \
    X(RSET, "RSET")                                                                                \
    X(NOOP, "NOOP")                                                                                \
    X(QUIT, "QUIT")                                                                                \
    X(HELO, "HELO")                                                                                \
    X(EHLO, "EHLO")                                                                                \
    X(LHLO, "LHLO")                                                                                \
    X(VRFY, "VRFY")                                                                                \
    X(AUTH, "AUTH")                                                                                \
    X(XCLIENT, "XCLIENT")                                                                          \
    X(XFORWARD, "XFORWARD")                                                                        \
    X(STARTTLS, "STARTTLS")                                                                        \
    X(CONNECT, "CONNECT")                                                                          \
    X(DOT, ".")                                                                                    \
    X(UNKNOWN, "unknown")

enum server_verb {
#define X(id, name) SERVER_##id,
    SERVER_VERB_LIST(X)
#undef X
        SERVER_VERB_COUNT
};

const char *server_verb_name(enum server_verb);

/* How sessions behave; shared by all, frozen before the first. */
struct server_config {
    const char *hostname;      /* in the greeting and the replies to hello */
    bool lmtp;                 /* LHLO, and a reply per accepted recipient (RFC 2033) */
    bool no_esmtp;             /* -e */
    bool pix;                  /* -P: a masked greeting; implies no_esmtp */
    bool no_pipelining;        /* -p; like the next ones it only shortens the list */
    bool no_8bitmime;          /* -8 */
    bool no_auth;              /* -a */
    bool no_xclient;           /* -C; makes the command unknown too */
    bool no_xforward;          /* -F; likewise */
    bool no_enhanced;          /* -E */
    bool no_dsn;               /* -N */
    bool lenient_lf;           /* a bare LF ends a line, in commands and in content */
    bool strict;               /* refuse what strict.h says */
    bool announced[EXT_COUNT]; /* what server_announce() put behind that list */
    char auth_mechanisms[160]; /* AUTH: what is announced, separated by blanks */
    bool auth_clear;           /* … without TLS too */
    bool auth_required;        /* no MAIL without it */
    uint64_t size_limit;       /* SIZE: largest message, octets (RFC 1870); 0: none */
    struct ext_offer limits;   /* LIMITS (RFC 9422) */

    /* Made by server_config_freeze(). */
    char *texts; /* the next four stand there */
    struct slice greeting;
    struct slice helo;
    struct slice ehlo;
    struct slice ehlo_secure; /* behind TLS, where STARTTLS is not announced */
    uint32_t verbs;           /* bit (1 << enum server_verb): known */
    uint32_t reply_room;      /* no reply is longer */
    bool looks;               /* some announced extension looks at MAIL or RCPT */
};

/*
 * Announces "KEYWORD[=ARGUMENT],..." to clients that say EHLO or LHLO, behind the plain list, in
 * the order of EXT_LIST. 0 or -EINVAL with diag set. Before freezing.
 */
int server_announce(struct server_config *, const char *list, struct diag *);

/* Announces every extension there is, without arguments. */
void server_announce_all(struct server_config *);

/* Renders the texts. 0, or -ENOMEM with diag set. done frees them and takes a zeroed config. */
int server_config_freeze(struct server_config *, struct diag *);
void server_config_done(struct server_config *);

#endif
