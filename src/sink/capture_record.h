/*
 * A transaction as the writers see it, and what a writer is.
 */
#ifndef SINK_CAPTURE_RECORD_H
#define SINK_CAPTURE_RECORD_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "capture_decode.h"
#include "capture_spool.h"

struct capture_config;
struct io;
struct server_message;
struct writer;

/* Room for an address: an IPv6 one with a prefix. */
#define CAPTURE_ADDRESS_SIZE 64

/* Who the client is: the session's. Does not change while a transaction is open. */
struct capture_client {
    char address[CAPTURE_ADDRESS_SIZE]; /* "127.0.0.1", "ipv6:::1", "local" */
    const char *protocol;               /* as RFC 3848 has it: "SMTP", "LMTPSA" */
    struct slice helo;                  /* arguments of the last greeting; p NULL: there was none */
};

enum record_outcome {
    RECORD_ABORTED, /* by RSET, a new greeting, or the session's end */
    RECORD_ACCEPTED,
    RECORD_REFUSED
};

struct record {
    struct record *next; /* in the capture's list of those to be used again */
    const struct capture_client *client;
    const char *hostname; /* ours */
    struct timespec began;
    struct spool envelope; /* see envelope_next() */
    struct spool content;  /* plain octets */
    struct unstuff unstuff;
    uint32_t id;                          /* no other message of this process has it */
    uint32_t commands;                    /* in the envelope */
    uint32_t recipients;                  /* accepted ones */
    uint64_t octets;                      /* of content */
    const struct server_message *message; /* while it is stored; NULL: it was not complete */
    enum record_outcome outcome;
    unsigned code; /* of the last reply; 0: none */
    int error;     /* it can't be recorded: -errno */
    bool no_content;
};

/* A MAIL or RCPT command with its outcome. */
struct envelope_command {
    struct slice args; /* as sent, leading blanks removed */
    unsigned code;     /* of the reply; 0: there was none */
    unsigned verdict;  /* of a recipient on the message, if that differs by recipient, else code */
    bool mail;
};

/* Zeroed to begin with. About 2 KiB. */
struct envelope_cursor {
    uint64_t at;
    uint32_t recipient; /* accepted ones so far */
    char scratch[2100];
};

/* The number that a reply of the server machine begins with; 0: it is empty. */
unsigned reply_code(struct slice reply);

/* The next command: the MAIL first, then the RCPTs in order. 1; 0: no more; -errno, diag set. */
int envelope_next(const struct record *, struct envelope_cursor *, struct envelope_command *,
                  struct diag *);

/* The next accepted recipient, likewise. */
int envelope_recipient(const struct record *, struct envelope_cursor *, struct envelope_command *,
                       struct diag *);

/* "<a@b> SIZE=3" behind "FROM:": what follows the colons and blanks; empty without a colon. */
struct slice envelope_argument(struct slice args);

/* The path of such an argument, without brackets, and the parameters behind it. */
struct slice envelope_path(struct slice argument, struct slice *parameters);

/* All content, through an outlet. 0, or -errno with diag set. */
int record_content(const struct record *, const struct outlet *, struct diag *);

/* Writers are called for one transaction at a time. */
struct writer_kind {
    bool content; /* it wants that, too */
    /* Does it record this transaction? */
    bool (*takes)(const struct record *);
    /*
     * Writes all of it, in such a way that it can be undone. 0, or -errno with diag set, and then
     * everything is as before. It may change the id.
     */
    int (*store)(struct writer *, struct record *, struct diag *);
    /* Ends what store did: it stands, or is undone. */
    void (*settle)(struct writer *, bool keep);
    void (*free)(struct writer *); /* NULL is fine */
};

/* What every writer begins with. */
struct writer {
    const struct writer_kind *kind;
};

/* Numbers of messages: each once in 2^32, in no order that shows. */
struct record_ids {
    uint32_t next;
    uint32_t step; /* so many captures share the numbers */
};

uint32_t record_ids_take(struct record_ids *);

/* Faults are told on stderr, once a second at most. */
struct record_faults {
    time_t told;
    uint64_t untold;
};

void record_faults_tell(struct record_faults *, const struct diag *);

/* What writers are made from; all borrowed, for as long as they live. */
struct writer_needs {
    const struct capture_config *config;
    char *buffer; /* scratch of WRITER_BUFFER octets, one for all writers of a capture */
    struct record_ids *ids;
    struct record_faults *faults;
    struct io *io;
};

#define WRITER_BUFFER 65536

#endif
