/*
 * A worker's side of --transactions: follows its messages, and when one ends puts a row of it into
 * the worker's lane. Without the option a worker has no lane, and none of this is called.
 */
#ifndef LOAD_TRANSACTION_TRACK_H
#define LOAD_TRANSACTION_TRACK_H

#include <stdatomic.h>

#include "ring.h"
#include "session.h"
#include "transaction_row.h"

struct note;
struct worker;

/* What belongs to one worker. */
struct lane {
    struct ring ring;
    atomic_uint_fast64_t dropped; /* rows that found no room; the worker's to write */
    struct note *free_notes;
    size_t verdicts_room;    /* of a note */
    const struct stats *set; /* that the worker records into */
    bool warm;               /* what ends now is counted to the warm-up */
    bool lmtp;
};

/* What it takes behind each delivery, and behind each session. */
extern const size_t track_delivery_size;
extern const size_t track_session_size;

/* Frees what was taken in the course of the load. */
void track_done(struct lane *);

/* Once a loop turn, when the worker knows the set to record into. */
void track_turn(struct worker *);

/* A message was taken. */
void track_begin(struct worker *, struct delivery *);

/* The session's connection stands. */
void track_connected(struct session *);

/* A reply came. */
void track_reply(struct session *, const struct client_event *);

/*
 * The session's oldest message has ended. e is its CLIENT_TRANSACTION, or NULL for one that no
 * client machine has had; o is what it is counted as.
 */
void track_end(struct session *, const struct client_event *e, enum outcome o, uint64_t now);

/* No session has taken the message of that number, and none will. */
void track_missed(struct worker *, uint64_t number, uint64_t intended, uint64_t now);

#endif
