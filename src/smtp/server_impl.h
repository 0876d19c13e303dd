/*
 * The inside of the server machine, shared by its files: server.c (octets, replies, the account),
 * server_verbs.c (one row a verb), strict.c (what RFC 5321 forbids), server_answer.c (acts that
 * take their time), server_config.c (the texts).
 */
#ifndef SMTP_SERVER_IMPL_H
#define SMTP_SERVER_IMPL_H

#include "server.h"
#include "server_plan.h"

enum server_state {
    SERVER_STATE_COMMAND,
    SERVER_STATE_CONTENT, /* by DATA */
    SERVER_STATE_CHUNK,   /* by BDAT */
    SERVER_STATE_LONG,    /* the rest of a command that is too long, when strict */
    SERVER_STATE_AUTH,    /* lines of an authentication */
    SERVER_STATE_TLS,     /* none of ours: the owner is to begin TLS */
    SERVER_STATE_OVER,
    SERVER_STATE_COUNT
};

/* One row a verb; those that are no commands, at the end of the list, have none. */
struct server_verb_row {
    /* Is it a command under this config? */
    bool (*known)(const struct server_config *);
    /* Does it; returns the reply, empty when that comes later. args is without leading blanks. */
    struct slice (*run)(struct server *, struct slice args);
    bool late; /* its octets follow the line, and its reply those */
};

extern const struct server_verb_row server_verbs[SERVER_VERB_COUNT];

/* The command that a line's first word names, SERVER_UNKNOWN when there is none. */
enum server_verb server_find_verb(const struct server_config *, struct slice word);

/* Every reply that is the same under all configs. */
#define SERVER_REPLY_LIST(X)                                                                       \
    X(ok, "250 2.0.0 Ok")                                                                          \
    X(ok_mail, "250 2.1.0 Ok")                                                                     \
    X(ok_rcpt, "250 2.1.5 Ok")                                                                     \
    X(ok_lmtp, "250 2.2.0 Ok")                                                                     \
    X(bye, "221 Bye")                                                                              \
    X(go_ahead, "354 End data with <CR><LF>.<CR><LF>")                                             \
    X(unknown, "500 5.5.1 Error: unknown command")                                                 \
    X(blank, "500 5.5.2 Error: unknown command")                                                   \
    X(tls_ready, "220 2.0.0 Ready to start TLS")                                                   \
    X(tls_twice, "503 5.5.1 Error: TLS is there already")                                          \
    X(tls_argument, "501 5.5.4 Error: STARTTLS takes no argument")                                 \
    X(tls_pipelined, "554 5.5.0 Error: there is input behind STARTTLS")                            \
    X(xclient_mail, "503 5.5.1 Error: XCLIENT within a transaction")                               \
    X(xclient_bad, "501 5.5.4 Error: bad XCLIENT attribute")                                       \
    X(auth_twice, "503 5.5.1 Error: authenticated already")                                        \
    X(auth_in_mail, "503 5.5.1 Error: AUTH within a mail transaction")                             \
    X(auth_argument, "501 5.5.4 Error: AUTH needs a mechanism")                                    \
    X(auth_needed, "530 5.7.0 Error: authentication required")                                     \
    X(bad_chunk, "501 5.5.4 Error: bad BDAT argument")                                             \
    X(not_here, "555 5.5.4 Error: parameter is for TLS only")                                      \
    X(nested_mail, "503 5.5.1 Error: nested MAIL command")                                         \
    X(need_mail, "503 5.5.1 Error: need MAIL command")                                             \
    X(need_rcpt, "503 5.5.1 Error: need RCPT command")                                             \
    X(rcpt_after_bdat, "503 5.5.1 Error: RCPT after BDAT")                                         \
    X(data_after_bdat, "503 5.5.1 Error: DATA after BDAT")                                         \
    X(too_large, "552 5.3.4 Error: message too large")                                             \
    X(long_line, "500 5.5.2 Error: line too long")                                                 \
    X(bad_octet, "500 5.5.2 Error: NUL, bare CR or bare LF in a command")                          \
    X(long_path, "501 5.1.0 Error: path too long")                                                 \
    X(too_many, "452 4.5.3 Error: too many recipients")                                            \
    X(nul, "550 5.6.0 Error: NUL in the message")                                                  \
    X(bare, "550 5.6.0 Error: bare CR or bare LF in the message")                                  \
    X(leaving, "421 4.3.2 Error: server is shutting down")

struct server_reply_texts {
#define X(id, text) struct slice id;
    SERVER_REPLY_LIST(X)
#undef X
};

extern const struct server_reply_texts server_texts;

static inline bool server_refuses(struct slice reply)
{
    return reply.n > 0 && reply.p[0] >= '4';
}

/* Is it one that XCLIENT may tell? */
bool server_knows_attribute(struct slice name);

/* Adds a reply to those that are due. The caller knows that there is room. */
void server_put(struct server_out *, struct slice reply);

/* Likewise one of this session, which may not stay as long as it has to. */
void server_say(const struct server *, struct server_out *, struct slice reply);

/* Asks the owner about AUTH, or about a line of it. */
struct slice server_authenticate(struct server *, bool begin, struct slice line);

/* Does what an act says, from its delay on; its reply is that of the command if that was run. */
void server_answer(struct server *, const struct server_act *, struct server_out *);

/* While holds is set: octets of content that may still be read, and what comes then. */
uint64_t server_until_hold(const struct server *);
void server_hold(struct server *);

/* The command was run: its reply is said, unless it went well and the act has other words. */
static inline void server_was_run(struct server_act *act, struct slice reply)
{
    if (act->reply.n == 0 || reply.n == 0 || server_refuses(reply))
        act->reply = reply;
}

/* Ends the transaction, whatever became of it. */
void server_reset(struct server *);

/* The session is over: nothing more is read. */
void server_finish(struct server *, enum server_end);

/* A BDAT was read, up to its octets. refusal is what it will be answered, or empty. */
void server_begin_chunk(struct server *, uint64_t octets, bool last, struct slice refusal);

#endif
