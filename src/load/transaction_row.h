/*
 * What is known of a message that has ended, on its way from the worker to the thread that writes
 * it (transactions.h). Plain memory; pointers are to what the load has for as long as it lasts.
 */
#ifndef LOAD_TRANSACTION_ROW_H
#define LOAD_TRANSACTION_ROW_H

#include "client.h"
#include "content.h"
#include "endpoint.h"

/* Of each reply's text no more than this is told, octets. */
#define ROW_TEXT_MAX    512
#define ROW_VERDICT_MAX 200

/* Recipients with a verdict of their own: those with a higher index have none that is told. */
#define ROW_VERDICT_RCPTS 1024

/* What all verdicts of a message may take. */
#define ROW_VERDICTS_ROOM 8192

/* The phases of a transaction whose waiting is told. */
enum row_wait { WAIT_MAIL, WAIT_RCPT, WAIT_DATA, WAIT_END_OF_DATA, WAIT_COUNT };

/* A reply to one recipient: of RCPT when it was refused, and in LMTP that to the end of data. */
struct row_verdict {
    uint32_t index; /* of the recipient */
    uint16_t code;
    uint16_t text_length; /* octets behind it; the next verdict is aligned to 4 */
    uint8_t phase;
    uint8_t enhanced_length; /* the text begins with it */
};

/* The reply that decided the message. */
struct row_reply {
    uint16_t code; /* 0: none, or one without */
    uint16_t text_length;
    uint8_t enhanced_length; /* the text begins with it */
    bool known;
};

/* An address and port in little room. */
struct row_address {
    sa_family_t family; /* AF_UNSPEC: none */
    uint16_t port;
    unsigned char host[16]; /* in network order */
};

struct transaction_row {
    /* Points on the monotonic clock, ns; NS_NEVER: there is none. */
    uint64_t intended; /* with a target rate: when it was to start */
    uint64_t started;  /* MAIL was handed to the system */
    uint64_t ended;
    uint64_t wait[WAIT_COUNT];    /* the longest that a reply of the phase took; ns, or NS_NEVER */
    struct mail_message message;  /* connection 0: it has never had one */
    uint64_t session;             /* its number in the run, from 1; 0: none had it */
    const struct address *remote; /* NULL: none was tried */
    struct row_address local;
    struct row_reply reply;
    uint32_t rcpt[OUTCOME_COUNT];
    uint32_t verdict_octets; /* of verdicts, behind the reply's text */
    uint32_t verdicts_cut;   /* that found no room */
    uint8_t outcome;
    uint8_t phase; /* where it was decided; PHASE_COUNT: nowhere */
    uint8_t end;   /* enum client_end, of failed and unknown ones that had a connection */
    bool warmup;
};

/* Behind a row: the reply's text, then from the next multiple of 4 on the verdicts. */
#define ROW_ALIGNED(n) (((size_t)(n) + 3) & ~(size_t)3)

static inline size_t row_size(const struct transaction_row *r)
{
    return sizeof *r + ROW_ALIGNED(r->reply.text_length) + r->verdict_octets;
}

#endif
