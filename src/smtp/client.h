/*
 * The client side of an SMTP or LMTP session (RFC 5321, RFC 2033) as a machine: server octets in,
 * client octets out, events to pull. No I/O, no clock, no allocation in the steady state.
 *
 * The owner's loop: give it what arrived (client_recv, again with the rest until all is consumed,
 * pulling events in between), then ask for what to write (client_send, after which there may be
 * events again), and tell it what was written (client_sent). All times are nanoseconds on one
 * monotonic clock that the owner reads.
 */
#ifndef SMTP_CLIENT_H
#define SMTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "arena.h"
#include "ext.h"
#include "reply.h"
#include "slice.h"
#include "vocabulary.h"

struct client;

/* The longest attributes for XCLIENT, octets: a command has 512. */
#define CLIENT_XCLIENT_MAX 500

enum client_hello { CLIENT_HELLO_AUTO, CLIENT_HELLO_HELO, CLIENT_HELLO_EHLO };

/* How sessions behave; shared by all, frozen before the first. */
struct client_config {
    const char *helo_name; /* argument of HELO, EHLO, LHLO */
    bool lmtp;             /* LHLO, and a reply per accepted recipient (RFC 2033) */
    bool no_hello;         /* start with MAIL (-o) */
    int hello;             /* enum client_hello: how to greet when no extension is wanted */
    bool tolerant;         /* go on after a refused greeting or hello (-A) */
    bool implicit_tls;     /* TLS before the greeting (RFC 8314 section 3.3) */
    int want[EXT_COUNT];   /* enum ext_want */
    struct ext_own own[EXT_COUNT];
    uint64_t window;         /* PIPELINING: commands in flight, 1 .. 65535 */
    uint64_t chunk_size;     /* CHUNKING: octets a BDAT; 0: the whole message in one */
    uint64_t in_flight;      /* PIPELINING: transactions begun and not answered; 0: by itself */
    const char *mail_params; /* for each MAIL, words as they are; NULL: none */
    /*
     * XCLIENT: writes the attributes of a session, "ADDR=192.0.2.1 NAME=x"; returns the length.
     * Asked once a session, of which XCLIENT is wanted.
     */
    size_t (*xclient)(const struct client *, char out[CLIENT_XCLIENT_MAX]);
    const char *rcpt_params;       /* likewise, RCPT */
    uint64_t timeout[PHASE_COUNT]; /* for each reply of the phase (connect: the owner's); ns */
    uint64_t block_timeout;        /* for each progress in writing content; ns */
    bool no_quit;                  /* the session is over with its last reply, without QUIT */
    /* Protocol trace: a command (sent) or a reply line, without CRLF. NULL for none. */
    void (*trace)(void *arg, bool sent, struct slice line);
    void *trace_arg;
};

/* What is no extension's: how to greet, and parameters as typed. Their settings are the config. */
extern const struct opt client_options[];
extern const size_t client_option_count;

/* Do the settings go together? 0, or -EINVAL with diag set. */
int client_config_check(const struct client_config *, struct diag *);

/* Sets all timeouts to ns. */
void client_timeout_same(struct client_config *, uint64_t ns);

/*
 * Sets them to those of RFC 5321 section 4.5.3.2 in proportion: what is 5 minutes there, for most
 * commands, is ns.
 */
void client_timeout_scaled(struct client_config *, uint64_t ns);

struct client_mail;

/* Content as a list of parts, to be sent in order. One without octets (p is NULL) is the mail's
 * own. */
struct client_content {
    const struct slice *parts;
    uint32_t count;
    uint64_t size; /* octets of all parts but the own ones */
};

/* The longest path of a form that does not tell it, and the longest own part, octets. */
#define CLIENT_PATH_MAX 2048
#define CLIENT_OWN_MAX  64

/* The longest words for MAIL and RCPT that a config may have, octets. */
#define CLIENT_PARAMS_MAX 500

/*
 * What mails have in common; frozen while any of them is under way. Content comes twice:
 * dot-stuffed for DATA (without the final dot) and plain for BDAT; both end in CRLF or are empty,
 * and may be the same.
 */
struct client_form {
    struct slice sender; /* reverse-path with its brackets */
    uint32_t rcpt_count; /* at least 1 */
    uint32_t path_max;   /* the longest of sender and of what rcpt() gives; 0: CLIENT_PATH_MAX */
    bool utf8;           /* some path is not ASCII */
    struct client_content stuffed;
    struct client_content plain;
    /* Writes forward-path number index (from 0, each asked for once, in order) with brackets. */
    size_t (*rcpt)(struct client_mail *, uint32_t index, char *out, size_t size);
    /* Writes the mail's own part, the same at each call, and returns its length. NULL: none. */
    size_t (*own)(const struct client_mail *, char out[CLIENT_OWN_MAX]);
};

/*
 * One transaction to send: embedded by its owner in what it knows of the message. Lent from
 * client_submit() until its CLIENT_TRANSACTION event, unchanged.
 */
struct client_mail {
    const struct client_form *form;
};

/* Octets of the content as BDAT carries it, which is how RFC 1870 counts. */
uint64_t client_mail_size(const struct client_mail *);

/*
 * An arena for client_send() must have room for this much; where sessions authenticate, for
 * CLIENT_ARENA_AUTH; once the session is ready, only for a command or a mail's own part: the
 * path_max of its mails, CLIENT_COMMAND_MAX, and CLIENT_PARAMETERS_MAX if they have parameters.
 */
#define CLIENT_ARENA_MIN   4096
#define CLIENT_ARENA_AUTH  (CLIENT_AUTH_MAX + CLIENT_ARENA_MIN)
#define CLIENT_COMMAND_MAX 64

/* Room that the parameters of a MAIL or RCPT may take, octets. */
#define CLIENT_PARAMETERS_MAX 1200

/*
 * Why a session is over: by QUIT; without, as the config has it; the server closes (421, 521); lost
 * connection; no reply or no progress in time; a reply that no command asked for; a reply of too
 * many lines, or of a line without end; greeting or hello refused; an extension that must be used
 * is not offered; octets in the clear behind the reply to STARTTLS; TLS has failed; the owner could
 * not authenticate; a mail must not be sent to this server, by what it offers; client_abort().
 */
#define CLIENT_END_LIST(X)                                                                         \
    X(QUIT)                                                                                        \
    X(DONE)                                                                                        \
    X(CLOSING)                                                                                     \
    X(LOST)                                                                                        \
    X(TIMEOUT)                                                                                     \
    X(UNSOLICITED)                                                                                 \
    X(ENDLESS)                                                                                     \
    X(REFUSED)                                                                                     \
    X(NO_OFFER)                                                                                    \
    X(INJECTION)                                                                                   \
    X(TLS)                                                                                         \
    X(AUTH)                                                                                        \
    X(FORBIDDEN)                                                                                   \
    X(ABORTED)

enum client_end {
#define X(id) CLIENT_END_##id,
    CLIENT_END_LIST(X)
#undef X
        CLIENT_END_COUNT
};

enum client_event_kind {
    CLIENT_REPLY,       /* a complete reply to a command, or the greeting */
    CLIENT_TLS,         /* the owner is to begin TLS, at once; client_tls_done() tells of its end */
    CLIENT_AUTH,        /* the owner is to say how AUTH goes on, at once: see client_auth_say() */
    CLIENT_TRANSACTION, /* a submitted transaction is over; its client_mail is the owner's again */
    CLIENT_END          /* the session is over: close the connection. The last event. */
};

/* Only the fields of its kind are set: an event is made for every reply. */
struct client_event {
    enum client_event_kind kind;
    enum phase phase; /* of the reply; of the refusal; of what was going on at the end */

    /* CLIENT_REPLY. Texts are borrowed until the next call of any client_ function. */
    bool refused;      /* not the class of code that was wanted */
    bool unsolicited;  /* no command asked for it: a 421 at any time */
    struct slice line; /* the last line; CLIENT_END_UNSOLICITED, _ENDLESS, _INJECTION: at fault */
    /*
     * If refused: the text of all its lines without codes, LF between them. CLIENT_AUTH, by its
     * code: the mechanisms offered (0), the challenge in base64 (334), or nothing (235).
     */
    struct slice text;
    uint64_t sent_at;     /* when the command's last octet was lent; ns */
    uint64_t received_at; /* ns */

    /* CLIENT_REPLY; CLIENT_TRANSACTION if refused: of the first reply that decided it. CLIENT_AUTH:
     * the reply's, or 0. */
    int code;
    bool collateral; /* a refusal that only follows from an earlier one, RFC 2920 section 3.1 */
    struct slice enhanced; /* if refused */

    /* CLIENT_TRANSACTION. */
    struct client_mail *mail;

    /* CLIENT_TRANSACTION. The recipients' outcomes add up to the form's rcpt_count. */
    enum outcome outcome;
    bool started;        /* MAIL was lent, at started_at */
    uint64_t started_at; /* ns */
    uint32_t rcpt[OUTCOME_COUNT];

    /* CLIENT_END; CLIENT_TRANSACTION that failed or is unknown: what it ended with. */
    enum client_end end;
    const struct ext *missing; /* CLIENT_END_NO_OFFER */
    bool plaintext;            /* TLS was wanted if offered, and the session went without */
    struct slice why;          /* CLIENT_END_FORBIDDEN: one line; borrowed as the texts above */
};

/* How many transactions a session of this config can have under way: room for their mails. */
uint32_t client_transactions_max(const struct client_config *);

/*
 * A client for many sessions, one after the other, in memory of client_size() zeroed octets,
 * aligned as any object, that stays the owner's.
 */
size_t client_size(const struct client_config *);
struct client *client_init(void *memory, const struct client_config *);

/* A new session begins: the connection stands, the greeting is waited for. */
void client_start(struct client *, uint64_t now);

/* n octets are on their way ahead of the session: behind client_start(), before client_send(). */
void client_preface(struct client *, size_t n);

/* The end of a client, in any state. Lent mails are the owner's again, uncounted. */
void client_done(struct client *);

/* Takes one transaction; only when client_hungry(), or before the greeting for the first. */
void client_submit(struct client *, struct client_mail *);

/* Would the client send another transaction's MAIL right now, if it had one? */
bool client_hungry(struct client *);

/* No more transactions will be submitted: QUIT goes behind the last, if the config has it so. */
void client_quit(struct client *);

/* The verb that the session greets with: "HELO", "EHLO" or "LHLO"; after a fallback the last. */
const char *client_hello_verb(const struct client *);

/* Is the beginning over, greetings and all: will there be nothing but transactions, and QUIT? */
bool client_is_ready(const struct client *);

/* Is a transaction under way: begun by MAIL, and not over? */
bool client_busy(struct client *);

/*
 * Takes octets from the server, at most one complete reply a call, and returns how many: call again
 * with the rest after pulling the events. After CLIENT_END all input is swallowed.
 */
size_t client_recv(struct client *, struct slice in, uint64_t now);

/* The next event, or false when there is none. Pull them all before any other call. */
bool client_event(struct client *, struct client_event *);

/* Of a CLIENT_REPLY just pulled, what `text` is of a refusal; borrowed likewise. */
struct slice client_reply_text(const struct client *);

/*
 * Lends slices to write, to be written in order; returns how many of max (at least 1) were filled,
 * 0 for nothing to do. They point into the arena, the submitted mail, or constant memory, and must
 * stay untouched until client_sent() has retired them, also past the end of the session.
 * A command counts as sent from here on.
 */
int client_send(struct client *, struct iovec *iov, int max, struct arena *, uint64_t now);

/* n of the lent octets went out: moves the deadline. */
void client_sent(struct client *, size_t n, uint64_t now);

/*
 * The handshake that CLIENT_TLS asked for is over; behind STARTTLS, what the server has said before
 * is forgotten (RFC 3207 section 4.2). Or TLS has failed, then or later: the session is over.
 */
void client_tls_done(struct client *, uint64_t now);
void client_tls_failed(struct client *);

/*
 * What CLIENT_AUTH asks for, as soon as it was pulled, before the next event. To the offer a whole
 * AUTH command, to a challenge the response in base64 (RFC 4954 section 4), without CRLF, at most
 * CLIENT_AUTH_MAX octets; line stays until the next CLIENT_AUTH or the session's end, and is never
 * traced whole. Or the exchange is cancelled, which the server is told if it waits for a response,
 * and the session is over. To a success: that it is taken for one (true), or else is over.
 */
#define CLIENT_AUTH_MAX 12288
void client_auth_say(struct client *, struct slice line);
void client_auth_cancel(struct client *);
void client_auth_done(struct client *, bool taken);

/* The time after which client_tick() gives up; NS_NEVER while nothing is waited for. */
uint64_t client_deadline(struct client *);
void client_tick(struct client *, uint64_t now);

/* The connection has ended, or the owner ends it: events tell what became of the transactions. */
void client_eof(struct client *);
void client_abort(struct client *);

#endif
