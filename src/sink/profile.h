/*
 * A profile: how a mail provider behaves, as rules a step, by recipient domain, client address, or
 * default. This reads the file format that doc/profile.md tells; behaviour.h plays the rules.
 */
#ifndef SINK_PROFILE_H
#define SINK_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server_config.h"

/* What a rule does. X(NAME, word in the file) */
#define PROFILE_ACTION_LIST(X)                                                                     \
    X(ACCEPT, "accept")                                                                            \
    X(REPLY, "reply")                                                                              \
    X(DELAY, "delay")                                                                              \
    X(DISCONNECT, "disconnect")                                                                    \
    X(RESET, "reset")                                                                              \
    X(HALF, "half")                                                                                \
    X(DRIP, "drip")                                                                                \
    X(STALL, "stall")                                                                              \
    X(RATE, "rate")                                                                                \
    X(CONNECTIONS, "connections")                                                                  \
    X(GREYLIST, "greylist")                                                                        \
    X(MAILBOX, "mailbox")                                                                          \
    X(SIZE, "size")

enum profile_action {
#define X(id, word) PROFILE_##id,
    PROFILE_ACTION_LIST(X)
#undef X
        PROFILE_ACTION_COUNT
};

enum profile_shape { PROFILE_CONSTANT, PROFILE_UNIFORM, PROFILE_EXPONENTIAL, PROFILE_LOGNORMAL };

/* A time of this distribution, ns: a is the constant, least, mean or median, b the most. */
struct profile_time {
    uint8_t shape; /* enum profile_shape */
    uint64_t a;
    uint64_t b;
    double sigma;
};

#define PROFILE_CHANCES 1000000u /* certain */

struct profile_rule {
    uint32_t next;   /* rule of the same section and step, in the file's order; 0: none */
    uint32_t chance; /* of PROFILE_CHANCES */
    uint8_t action;  /* enum profile_action */
    uint8_t verb;    /* enum server_verb */
    bool by_domain;  /* RATE: counted per recipient domain, not per client */
    uint64_t limit;  /* RATE: ns a message; SIZE, STALL: octets; CONNECTIONS, MAILBOX: how many */
    uint64_t burst;  /* RATE: at once, after a silence */
    struct profile_time time;
    struct slice reply; /* with CRLF, constant or in the profile's texts; empty: none */
};

enum profile_kind { PROFILE_DEFAULT, PROFILE_CLIENT, PROFILE_DOMAIN };

struct profile_section {
    uint8_t kind;        /* enum profile_kind */
    uint8_t prefix;      /* CLIENT: bits of the address */
    uint8_t address[16]; /* CLIENT: IPv6, or IPv4 mapped to it; all zero with prefix 128: local */
    struct slice name;   /* DOMAIN: in the texts; "*.x" is what ends in ".x" */
    uint32_t rules;      /* which set of rules: names in one header share one */
};

/* The first rule of each step, 0 for none. */
struct profile_rules {
    uint32_t first[SERVER_VERB_COUNT];
    uint32_t last[SERVER_VERB_COUNT];
};

struct profile {
    struct profile_section *sections;
    size_t section_count;
    struct profile_rules *sets; /* set 0 is the default's */
    size_t set_count;
    struct profile_rule *rules; /* from 1 on */
    size_t rule_count;
    char *texts;
    size_t texts_length;
    uint64_t memory; /* entries of what is remembered of clients */
};

/* Reads a file. 0, or -errno with diag set to FILE:LINE and what is wrong there. */
int profile_load(struct profile *, const char *path, struct diag *);

/* Likewise from memory; name is what errors call it. */
int profile_parse(struct profile *, struct slice text, const char *name, struct diag *);

/* Zeroed is fine. */
void profile_done(struct profile *);

/*
 * The set of rules for a recipient's domain, or for a client's address (16 octets, IPv4 mapped, all
 * zero for a local socket); NULL when no section fits. Of several the first in the file.
 */
const struct profile_rules *profile_for_domain(const struct profile *, struct slice domain);
const struct profile_rules *profile_for_client(const struct profile *, const uint8_t *address);

#endif
