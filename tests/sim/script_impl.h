/*
 * The scripted server from the inside: script.c is its connections and the queue of replies,
 * script_smtp.c what it says.
 */
#ifndef SIM_SCRIPT_IMPL_H
#define SIM_SCRIPT_IMPL_H

#include "rng.h"
#include "script.h"
#include "slice.h"

enum script_state { STATE_COMMAND, STATE_CONTENT, STATE_CHUNK };

/* A growing run of octets. */
struct octets {
    char *p;
    size_t n;
    size_t capacity;
};

struct queued {
    uint64_t due;
    size_t n; /* octets */
    enum script_act then;
};

struct script_session {
    struct io_conn conn;
    struct timer timer;
    struct script *script;
    struct script_session *next; /* of all there were */
    uint32_t number;             /* of the connection in the world */
    uint32_t ordinal;            /* among this script's, from 1 */
    bool closed;
    bool closing;

    /* Replies. */
    struct octets out;
    struct octets queue; /* of struct queued */
    char *sending;
    size_t unsent;
    enum script_act then; /* when it is sent */
    uint64_t said;        /* octets ever put into out */
    uint64_t answered;    /* of these, up to the end of the last good answer */
    uint64_t last_due;
    bool doomed; /* nothing is read or said any more */

    /* The conversation. */
    enum script_state state;
    struct octets in;
    struct octets content;
    uint64_t chunk_left;
    bool last_chunk;
    bool mail;
    bool bdat;      /* content comes in chunks */
    bool failed;    /* a BDAT was refused: 503 until RSET */
    uint32_t rcpts; /* accepted */
};

struct script {
    struct script_config config;
    struct ledger *ledger;
    struct rng rng;
    struct io_listener listener;
    struct script_session *sessions;
    uint64_t count;
    uint64_t begin;        /* of its life */
    uint64_t last_message; /* when its end of data came */
};

static inline bool script_chance(struct script *sc, uint32_t in_1000)
{
    return in_1000 && rng_below(&sc->rng, 1000) < in_1000;
}

void octets_add(struct octets *, const char *, size_t);
void octets_drop(struct octets *, size_t);

/* Queues a reply, whole lines, and what is done when it is sent. */
void script_say(struct script_session *, struct slice, enum script_act then);

/* The greeting, and what arrived. */
void script_greet(struct script_session *);
void script_hear(struct script_session *, const char *, size_t);

#endif
