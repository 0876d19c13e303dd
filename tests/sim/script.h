/*
 * A little SMTP and LMTP server for the simulation that misbehaves as told, or at random from a
 * seed. Written apart from src/smtp/server.h on purpose: it shares none of its mistakes.
 */
#ifndef SIM_SCRIPT_H
#define SIM_SCRIPT_H

#include <stdbool.h>
#include <stdint.h>

#include "io.h"
#include "vocabulary.h"

struct ledger;
struct script;

enum script_act {
    SCRIPT_ANSWER,
    SCRIPT_REFUSE, /* by the code, or by one at random */
    SCRIPT_BYE,    /* by the code (421), and close */
    SCRIPT_FIN,    /* close without a word */
    SCRIPT_RESET,  /* the same by RST */
    SCRIPT_STALL,  /* never answer again */
    SCRIPT_DEAF,   /* never answer nor read again */
    SCRIPT_ACT_COUNT
};

/* One certain fault. */
struct script_fault {
    enum script_act act; /* SCRIPT_ANSWER: there is none */
    enum phase phase;    /* where; BDAT but the last counts as DATA */
    uint32_t connection; /* of this one only, from 1; 0: of every */
    const char *reply;   /* what is said: "550 no"; NULL: something, or for some acts nothing */
};

/* Chances are in 1000, for each reply; times are ns. All zero: a good server. */
struct script_config {
    uint64_t seed;
    bool lmtp;
    bool no_esmtp; /* EHLO is unknown */
    bool no_pipelining;
    bool no_chunking;
    uint64_t delay;                 /* from a command's arrival to its reply */
    uint64_t jitter;                /* up to this is added */
    uint64_t stall_every;           /* at the end of each such period of its life ... */
    uint64_t stall_for;             /* ... nothing is answered for so long */
    uint32_t act[SCRIPT_ACT_COUNT]; /* SCRIPT_ANSWER's is not used */
    uint32_t odd;      /* unusual but allowed forms: several lines, bare LF, no blank, ... */
    uint32_t unasked;  /* 421 without being asked, behind a good reply */
    uint32_t abrupt;   /* RST behind the reply to QUIT, which may destroy what came before */
    uint32_t late_354; /* DATA without a recipient is answered 354 */
    /* Lies: after one of these the account can't be held against the ledger. */
    uint32_t surplus; /* a reply too many */
    uint32_t skipped; /* a reply too few */
    uint32_t noise;   /* arbitrary octets instead */
    struct script_fault fault;
};

/* The config is copied; ledger is borrowed. */
struct script *script_new(const struct script_config *, struct ledger *);

/* Listens on a port of the simulation; from sim_config.start(). Once. */
void script_listen(struct script *, struct io *, uint16_t port);

/* When the struct io is gone. */
void script_free(struct script *);

/* When the end of data of the last message came; 0: none did. */
uint64_t script_last_message(const struct script *);

#endif
