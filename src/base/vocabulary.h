/*
 * The words that every layer shares: the phases of a session and the ends of a message. Each enum
 * and its printable names come from one list.
 */
#ifndef BASE_VOCABULARY_H
#define BASE_VOCABULARY_H

/*
 * What a latency is measured for, and where a refusal happens.
 * X(NAME, name in reports, the peer's words for a refusal there, its words for what was being done,
 *   seconds that a client waits for the reply: RFC 5321 section 4.5.3.2, which names none for
 *   connecting, the hello, RSET and QUIT: as for other commands)
 */
#define PHASE_LIST(X)                                                                              \
    X(CONNECT, "connect", "connect rejected", "connecting", 300)                                   \
    X(GREETING, "greeting", "rejected at server banner", "reading server greeting", 300)           \
    X(STARTTLS, "starttls", "STARTTLS rejected", "sending STARTTLS", 300)                          \
    X(TLS, "tls", "TLS rejected", "negotiating TLS", 300)                                          \
    X(XCLIENT, "xclient", "XCLIENT rejected", "sending XCLIENT", 300)                              \
    X(HELLO, "hello", "HELO rejected", "sending HELO", 300)                                        \
    X(AUTH, "auth", "AUTH rejected", "authenticating", 300)                                        \
    X(MAIL, "mail", "sender rejected", "sending sender", 300)                                      \
    X(RCPT, "rcpt", "recipient rejected", "sending recipient", 300)                                \
    X(DATA, "data", "data rejected", "sending DATA command", 120)                                  \
    X(END_OF_DATA, "end-of-data", "end of data rejected", "sending message", 600)                  \
    X(RSET, "rset", "rset rejected", "sending message", 300)                                       \
    X(QUIT, "quit", "quit rejected", "sending message", 300)                                       \
    X(TRANSACTION, "transaction", "transaction rejected", "sending message", 0)

enum phase {
#define X(id, name, refused, doing, seconds) PHASE_##id,
    PHASE_LIST(X)
#undef X
        PHASE_COUNT
};

/*
 * Every message taken ends as exactly one of these, and so does every recipient.
 * accepted: by a positive reply to the end of data (of at least one recipient, for a message)
 * refused:  by a reply of the server
 * failed:   never handed over completely: lost connection, timeout, aborted
 * unknown:  the final octet was submitted to the driver, and no reply came
 * missed:   was due, never started
 */
#define OUTCOME_LIST(X)                                                                            \
    X(ACCEPTED, "accepted")                                                                        \
    X(REFUSED, "refused")                                                                          \
    X(FAILED, "failed")                                                                            \
    X(UNKNOWN, "unknown")                                                                          \
    X(MISSED, "missed")

enum outcome {
#define X(id, name) OUTCOME_##id,
    OUTCOME_LIST(X)
#undef X
        OUTCOME_COUNT
};

const char *phase_name(enum phase p);
const char *phase_refused(enum phase p); /* "sender rejected"; HELO stands for LHLO and EHLO too */
const char *phase_doing(enum phase p);   /* "sending sender" */
unsigned phase_seconds(enum phase p);    /* to wait for the reply, by RFC 5321; 0 for none */
const char *outcome_name(enum outcome o);

#endif
