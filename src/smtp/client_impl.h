/*
 * The inside of the client machine, shared by its files: client.c (sessions, replies, events),
 * client_send.c (what goes next), client_verbs.c (one row a verb).
 */
#ifndef SMTP_CLIENT_IMPL_H
#define SMTP_CLIENT_IMPL_H

#include "client.h"

enum verb {
    VERB_GREETING, /* no octets; stands in the ring for the reply that opens a session */
    VERB_HELO,
    VERB_EHLO,
    VERB_LHLO,
    VERB_STARTTLS,
    VERB_XCLIENT,
    VERB_AUTH,
    VERB_AUTH_RESPONSE,
    VERB_MAIL,
    VERB_RCPT,
    VERB_DATA,
    VERB_DOT,
    VERB_BDAT,
    VERB_BDAT_LAST,
    VERB_RSET,
    VERB_QUIT,
    VERB_COUNT,
    VERB_NONE = VERB_COUNT
};

enum stage {
    STAGE_TLS,      /* the owner is at the handshake */
    STAGE_GREETING, /* up to the greeting's reply */
    STAGE_HELLO,    /* up to the reply to the last hello, and to what is said behind it */
    STAGE_READY,
    STAGE_CLOSED
};

/* What of a transaction goes next. */
enum step {
    STEP_MAIL,
    STEP_RCPT,
    STEP_DATA, /* or the first BDAT */
    STEP_WAIT, /* for the reply to DATA */
    STEP_CONTENT,
    STEP_DOT,
    STEP_CHUNK, /* the octets of a BDAT */
    STEP_OVER   /* nothing more of it will be sent */
};

struct refusal {
    uint16_t code;
    uint8_t phase;
    bool collateral;
    uint8_t enhanced_length;
    char enhanced[11]; /* "5.123.123" at most */
};

struct transaction {
    struct client_mail *mail;
    uint64_t started_at; /* when MAIL was lent */
    uint64_t left;       /* content octets not lent yet */
    uint64_t chunk_left; /* those of the BDAT under way */
    size_t part_offset;  /* the content cursor */
    uint32_t part;
    uint32_t rcpt_next;      /* next recipient to send */
    uint32_t rcpt_accepted;  /* by the reply to RCPT */
    uint32_t rcpt_refused;   /* by the reply to RCPT */
    uint32_t rcpt_delivered; /* by the reply to the end of data */
    uint32_t rcpt_bounced;   /* likewise, refused */
    struct refusal reason;
    uint16_t pending; /* its commands in flight */
    uint8_t step;
    bool started : 1;       /* MAIL was lent */
    bool final_lent : 1;    /* the final octet of a real content was lent */
    bool refused : 1;       /* decided, for the reason above */
    bool chunk_refused : 1; /* a BDAT of it was refused, RFC 3030 section 2 */
};

#define NO_SLOT UINT16_MAX

struct command {
    uint64_t sent_at;
    uint64_t end;  /* of its last octet, among all octets lent in the session */
    uint32_t due;  /* replies still due; 0 until the command is at the head */
    uint16_t slot; /* of its transaction, among all there is room for; NO_SLOT: it has none */
    uint8_t verb;
};

/* The last complete reply, until the next; line is borrowed as client_event() says. */
struct last_reply {
    const char *line;
    uint64_t sent_at;
    uint16_t line_length;
    uint16_t code;
    uint16_t words_length; /* of client.words, if the reply has texts there */
    uint8_t phase;
    bool refused : 1;
    bool collateral : 1;
    bool unsolicited : 1;
};

/* An authentication: the offer as it came, then what the owner wants to be said. */
struct client_auth {
    struct slice line;
    uint64_t waited; /* for the replies so far, ns */
    uint16_t offer_length;
    bool cancelled;
    char offer[512];
};

/* What the owner is to be asked. */
enum client_auth_wants { AUTH_NOTHING, AUTH_BEGIN, AUTH_RESPONSE, AUTH_CONFIRMATION };

struct client {
    const struct client_config *cf;
    struct client_auth *auth; /* NULL until AUTH is offered, and wanted */
    struct reply_parser parser;
    char *words; /* texts of a refusal of several lines, WORDS_MAX; NULL until there is one */
    struct last_reply last;
    uint64_t progress_at;  /* last reply or octet written: what the timeout counts from */
    uint64_t lent;         /* octets lent in the session so far */
    uint64_t sent;         /* of those: retired */
    uint32_t offered;      /* bit (1 << enum ext_id) */
    uint32_t stepped;      /* likewise, those whose hello step was taken */
    uint32_t rsets;        /* in flight */
    uint16_t window;       /* commands in flight allowed; 1 is lockstep */
    uint16_t reply_lines;  /* of the reply being read */
    uint16_t words_length; /* of words, while a reply is read */

    /* Two rings behind the struct: transactions, then commands; capacities by the config. */
    uint16_t ring_first, ring_count, ring_capacity;
    uint16_t t_first, t_count, t_capacity;
    uint16_t t_limit; /* in flight allowed with what the server offers */

    uint8_t stage;
    uint8_t end;       /* enum client_end, in STAGE_CLOSED */
    uint8_t end_phase; /* enum phase: what was going on then */
    uint8_t hello;     /* verb to greet with, or greeted with last; VERB_NONE: no hello */
    uint8_t missing;   /* enum ext_id of CLIENT_END_NO_OFFER */
    uint8_t step;      /* an extension's verb to say behind the hello; VERB_NONE: none */
    uint8_t asks;      /* enum client_auth_wants */
    bool judged;       /* extensions may forbid a mail */
    bool tls_wanted;   /* the owner is to be told */
    bool quit_wanted;
    bool need_rset;
    bool bdat;      /* content goes by BDAT */
    bool has_reply; /* last is an event not yet pulled */
    bool stalled;   /* the send under way was not taken at once */
    bool barrier;   /* nothing goes behind the newest command in flight */
    /* Bits, where nothing is looked at for every reply: there is a client for each session. */
    bool parameters : 1;  /* MAIL and RCPT have some */
    bool keeps_offer : 1; /* client_offer() is there */
    bool hello_lent : 1;
    bool secure : 1; /* TLS is there */
    bool was_ready : 1;
    bool quit_lent : 1;
    bool end_told : 1;
    bool farewell : 1; /* the greeting was a 421 or 521 not taken for the end: the first's reason */
};

/* One row a verb. */
struct client_verb {
    const char *name; /* of a command without argument, as sent; else for the reader */
    uint8_t phase;
    bool barrier;   /* nothing goes behind it before its reply (RFC 2920 section 3.1) */
    bool keeps_421; /* a 421 or 521 is an ordinary reply: the greeting, QUIT */
    uint16_t want;  /* exactly this code; 0: any 2xx */
    /* Writes the command with CRLF into out, which has room for the longest path and
     * CLIENT_COMMAND_MAX. NULL: name.
     */
    size_t (*render)(struct client *, struct transaction *, char *out, size_t size);
    void (*on_reply)(struct client *, struct command *, bool refused);
};

extern const struct client_verb client_verbs[VERB_COUNT];

static inline struct transaction *client_transaction(struct client *c, uint32_t i)
{
    struct transaction *all = (struct transaction *)(c + 1);
    uint32_t at = c->t_first + i;

    return &all[at < c->t_capacity ? at : at - c->t_capacity];
}

/* The transaction that a command belongs to; NULL: none. */
static inline struct transaction *client_transaction_of(struct client *c, const struct command *cmd)
{
    return cmd->slot == NO_SLOT ? NULL : (struct transaction *)(c + 1) + cmd->slot;
}

/* The newest transaction if any of it is still to be sent; NULL else. */
static inline struct transaction *client_unsent(struct client *c)
{
    struct transaction *t = c->t_count ? client_transaction(c, c->t_count - 1) : NULL;

    return t && t->step != STEP_OVER ? t : NULL;
}

/*
 * The end of data in LMTP, which has a reply for each accepted recipient. Nothing goes behind it:
 * should the server give fewer, what it says to the next command would be taken for one of them.
 */
static inline bool client_is_each(const struct client *c, enum verb verb)
{
    return c->cf->lmtp && (verb == VERB_DOT || verb == VERB_BDAT_LAST);
}

static inline struct command *client_command(struct client *c, uint32_t i)
{
    struct command *ring = (struct command *)((struct transaction *)(c + 1) + c->t_capacity);
    uint32_t at = c->ring_first + i;

    return &ring[at < c->ring_capacity ? at : at - c->ring_capacity];
}

/* What is kept of the server's offers, if anything is. */
static inline struct ext_offer *client_offer(struct client *c)
{
    struct command *ring = (struct command *)((struct transaction *)(c + 1) + c->t_capacity);

    return (struct ext_offer *)(ring + c->ring_capacity);
}

/* A text of the client's own, at most WORDS_MAX; NULL when out of memory. */
char *client_words(struct client *);
#define WORDS_MAX 512

/* The session is over. */
void client_close(struct client *, enum client_end);

/* The session is over if nothing is left to be said or answered, and there is to be no QUIT. */
void client_end_if_done(struct client *);

/* What is going on: the phase of the reply waited for, else that of what goes next. */
enum phase client_phase(struct client *);

/* The server may hold half a transaction: RSET goes before the next MAIL not yet sent. */
void client_need_rset(struct client *);

/* The refusal that a reply is. */
struct refusal client_refusal(const struct last_reply *);

/* Decides a transaction as refused by the last reply; the first reason stands. */
void client_refuse(struct client *, struct transaction *);

/* The hello is over (or not wanted): what was offered decides how to send. */
void client_ready(struct client *);

/* The owner is to begin TLS now. */
void client_want_tls(struct client *);

/* What an extension that is wanted and offered has to say before the first transaction. */
void client_next_step(struct client *);

/* client_auth.c: keeps the offer; the event there may be; the rows' functions. */
void client_auth_learn(struct client *, struct slice mechanisms);
bool client_auth_event(struct client *, struct client_event *);
size_t client_auth_render(struct client *, struct transaction *, char *out, size_t size);
void client_auth_reply(struct client *, struct command *, bool refused);

#endif
