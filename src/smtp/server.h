/*
 * The server side of SMTP or LMTP sessions (RFC 5321, RFC 2033) as a machine, the client's mirror:
 * client octets in, server octets out. No I/O, no clock, and no allocation but for a command line
 * that arrives in pieces.
 *
 * The owner's loop: server_greet() for a new connection, then server_recv() with what arrived, and
 * again with the rest after making room for more replies. Replies are collected for one write in
 * memory that the owner lends for the turn, so that an idle session has none.
 */
#ifndef SMTP_SERVER_H
#define SMTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server_config.h"
#include "slice.h"
#include "strict.h"

struct server;
struct server_act;
struct server_answer;

/*
 * A command with its CRLF may have this many octets; one more ends the session, unless strict. And
 * a line of an authentication (RFC 4954 section 4).
 */
#define SERVER_LINE_MAX 2048
#define SERVER_AUTH_MAX 12288

/* A message that is complete: its end of data, or its last BDAT, was read. */
struct server_message {
    struct server *server;
    uint64_t octets; /* of content, not counting the dots and the line that DATA adds (RFC 1870) */
    uint32_t recipients; /* accepted ones */
    bool bdat;
    bool each;          /* recipient has a verdict of its own: server_verdict() */
    struct slice reply; /* what it is to be answered; empty: nothing */
    bool refused; /* too large, against the rules, or so it was judged: what the hook returns is not
                     used */
};

/* What this one of the accepted recipients, counted from 0, is told: in LMTP maybe its own. */
struct slice server_verdict(const struct server_message *, uint32_t recipient);

/* What an owner may listen to. All NULL-able; none may call a server_ function. */
struct server_hooks {
    /*
     * A command was read; line is without its line end, "." for the end of data. reply is empty
     * when it comes later (those to a BDAT and to an end of data), and when there is none.
     */
    void (*command)(struct server *, enum server_verb, struct slice line, struct slice reply);
    /*
     * Content as it came. By DATA: dot-stuffed, and the line that ends it is part of it; the first
     * slice follows the 354, and slices split anywhere. By BDAT: plain octets.
     */
    void (*content)(struct server *, struct slice octets, bool bdat);
    /*
     * A message is complete and not answered yet. Returns nothing, or another reply for it: a line
     * with CRLF, at most SERVER_REPLY_MAX octets, that stays as long as the config.
     */
    struct slice (*message)(struct server *, const struct server_message *);
    /* A BDAT was refused, with this reply or by the session's end: its transaction is over. */
    void (*chunk_refused)(struct server *, struct slice reply);
    /*
     * XCLIENT tells an attribute of the session's client, its value as xtext. false: a bad value.
     */
    bool (*client)(struct server *, struct slice name, struct slice value);
};

/* What has become of an authentication. */
enum server_auth { SERVER_AUTH_OVER, SERVER_AUTH_MORE, SERVER_AUTH_TAKEN };

/* How far the sessions of a thread may go on. */
enum server_halt {
    SERVER_GOES_ON,
    SERVER_LEAVES, /* a session is told 421 and ended where it has no transaction open */
    SERVER_HALTS   /* consume nothing more; replies that are owed still come */
};

/* What the sessions of one thread share. The owner sets the first four and zeroes the rest. */
struct server_context {
    const struct server_config *config;
    const struct server_hooks *hooks; /* NULL for none */
    /*
     * Asked about the greeting (CONNECT), each known command before it is run, each BDAT behind its
     * octets, and each end of data (".", by BDAT too): fills the zeroed act, see server_plan.h. May
     * not call a server_ function. NULL: nothing is out of the usual.
     */
    void (*judge)(struct server *, enum server_verb, struct slice args, struct server_act *);
    /*
     * In LMTP, about a message that was judged and not refused as a whole: the reply for this one
     * of its accepted recipients, the same each time; empty for the usual. NULL: all get the usual.
     */
    struct slice (*verdict)(const struct server *, uint32_t recipient);
    /*
     * AUTH (RFC 4954): its arguments (begin), or the client's line to the last challenge. Gives the
     * reply, a line with CRLF of at most SERVER_REPLY_MAX octets; a challenge stays until the next
     * call. NULL: AUTH does nothing, and goes well.
     */
    enum server_auth (*auth)(struct server *, bool begin, struct slice line, struct slice *reply);
    enum server_halt halt; /* may be set by a hook */

    uint64_t messages;                   /* complete ones, refused ones included */
    uint64_t recipients;                 /* accepted ones of those */
    uint64_t octets;                     /* of content of those */
    uint64_t refused[SERVER_VERB_COUNT]; /* replies of 4xx and 5xx */
};

/* Why a session is over. X(NAME, words) */
#define SERVER_END_LIST(X)                                                                         \
    X(NOT, "not over")                                                                             \
    X(QUIT, "ended by QUIT")                                                                       \
    X(LINE, "command line too long")                                                               \
    X(CHUNK, "malformed BDAT command")                                                             \
    X(INJECTION, "octets behind STARTTLS")                                                         \
    X(MEMORY, "out of memory")                                                                     \
    X(FAULT, "ended on purpose")                                                                   \
    X(RESET, "reset on purpose") /* the connection is to be reset at once */                       \
    X(LEAVE, "shutting down")

enum server_end {
#define X(id, words) SERVER_END_##id,
    SERVER_END_LIST(X)
#undef X
        SERVER_END_COUNT
};

const char *server_end_words(enum server_end);

/* A session. Embedded in its owner's; the fields are the machine's. */
struct server {
    struct server_context *context;
    const char *verdict; /* the reply owed, or to be owed when the chunk is over, or NULL */
    char *part;          /* the beginning of a command line that came in pieces, or NULL */
    struct server_answer *answer; /* what goes on when the waiting is over; NULL: never waited */
    uint64_t octets;              /* content so far */
    uint64_t chunk_left;          /* of the BDAT under way */
    uint32_t recipients;          /* accepted ones of the transaction */
    uint32_t mails;               /* MAIL commands of the session, if extensions look at them */
    uint32_t owed;                /* replies to give before anything else: the verdict, or … */
    uint32_t told;                /* … if each: how many recipients have got theirs */
    uint16_t part_length;
    uint16_t verdict_length;
    uint16_t declared;    /* bit (1 << enum ext_id): the MAIL had a parameter of it */
    struct strict strict; /* of content, and of a command that is too long */
    uint8_t state;        /* what the next octet belongs to */
    uint8_t scan;         /* see dotscan.h */
    uint8_t end;          /* enum server_end */
    bool mail;            /* a transaction is open */
    bool chunked;         /* its content comes by BDAT */
    bool last;            /* the BDAT under way is its last */
    bool holds;           /* content, when so much of it was read: see server_act */
    bool waiting;         /* for server_resume() */
    bool final;           /* what is answered is a complete message */
    bool each;            /* recipient has a verdict of its own */
    bool behind;          /* there is input behind the command being run */
    bool secure;          /* TLS is there */
    bool authentic;       /* AUTH went well */
    bool passing;         /* the reply being given does not stay: it is copied */
};

/*
 * The replies of a turn. The owner lends the buffer; a single reply needs none, being constant.
 * Afterwards server_replies() are due to be written, once, unchanged.
 */
struct server_out {
    char *buffer;
    uint32_t size;     /* of the buffer, at least SERVER_OUT_MIN */
    uint32_t used;     /* octets in the buffer */
    struct slice lone; /* else the only reply there is; it stays as long as the config */
};

#define SERVER_OUT_MIN 1024

static inline struct slice server_replies(const struct server_out *out)
{
    return out->used ? (struct slice){out->buffer, out->used} : out->lone;
}

void server_init(struct server *, struct server_context *);
void server_done(struct server *);

/* The greeting, before any octet of the client. Ask server_waits() and server_over() after. */
void server_greet(struct server *, struct server_out *);

/*
 * Takes octets from the client and returns how many; the rest is to be given again, when
 * server_replies() have been handed on (or the halt is over, or the waiting). When the session is
 * over all input is swallowed: the owner writes the replies, then closes the connection.
 */
size_t server_recv(struct server *, struct slice in, struct server_out *);

/*
 * Does the session wait, on purpose? Then nothing is consumed until server_resume(), which is due
 * server_wait() nanoseconds after the call that began the waiting, has ended it.
 */
static inline bool server_waits(const struct server *sv)
{
    return sv->waiting;
}

uint64_t server_wait(const struct server *);

/* Goes on, maybe to the next wait. Needs room for a reply, as an empty buffer has. */
void server_resume(struct server *, struct server_out *);

/*
 * Is the owner to begin TLS, as soon as the replies are on their way? All further input is to go
 * there; what comes here in the clear ends the session. server_secure() tells that TLS is there.
 * A session that begins with TLS awaits it at once, and is greeted behind it.
 */
bool server_wants_tls(const struct server *);
void server_await_tls(struct server *);
void server_secure(struct server *);

/* Is the reply to a complete message being waited for? */
bool server_owes_verdict(const struct server *);

/* Is a transaction open, or a chunk under way? */
bool server_is_busy(const struct server *);

/* Are replies due that had no room? Then server_recv() wants a call even without new input. */
static inline bool server_owes(const struct server *sv)
{
    return sv->owed > 0 && !sv->waiting;
}

static inline enum server_end server_over(const struct server *sv)
{
    return sv->waiting ? SERVER_END_NOT : (enum server_end)sv->end;
}

#endif
