/*
 * Plays a profile: asked about every step of a session, it says by the rules what becomes of it.
 * No I/O; the time and the random numbers are the owner's. What rules remember (rates, greylists,
 * mailboxes, connections) is shared by all sessions and threads, in bounded memory.
 */
#ifndef SINK_BEHAVIOUR_H
#define SINK_BEHAVIOUR_H

#include <stdbool.h>
#include <stdint.h>

#include "profile.h"
#include "rng.h"
#include "server_plan.h"

struct behaviour;

/* In LMTP, so many recipients of a message are told apart at its end; all others are accepted. */
#define BEHAVIOUR_RECIPIENTS 1000

/* A session's part. Zeroed before behaviour_connect(). */
struct behaviour_session {
    const struct profile_rules *client; /* NULL: no section of its own */
    const struct profile_rules *domain; /* of the transaction's first recipient */
    uint64_t client_key;
    uint64_t domain_key;  /* likewise */
    uint64_t mailbox_key; /* likewise */
    uint64_t sender_key;
    uint64_t declared;                      /* SIZE= of the transaction's MAIL, octets */
    struct behaviour_recipient *recipients; /* LMTP: the transaction's; NULL: never had any */
    uint32_t room;                          /* of these */
    uint32_t judged;                        /* have a verdict */
    bool counted;                           /* among the connections of its client */
};

/* One step, as the owner sees it. */
struct behaviour_step {
    enum server_verb verb;
    struct slice args;
    uint64_t octets;     /* of the message, at its end */
    uint64_t now;        /* ns */
    uint32_t recipients; /* accepted so far */
    bool mail;           /* a transaction is open */
    bool lmtp;
};

/* The profile is borrowed. NULL when out of memory. */
struct behaviour *behaviour_new(const struct profile *);
void behaviour_free(struct behaviour *);

/* A client came, address as in profile_for_client(). */
void behaviour_connect(struct behaviour *, struct behaviour_session *, const uint8_t *address,
                       uint64_t now);

/* It went. Without behaviour_connect() does nothing. */
void behaviour_disconnect(struct behaviour *, struct behaviour_session *);

/* Adds to the act what the rules say of the step; args and recipients are those it has before the
 * step is done. Replies stay as long as the profile. */
void behaviour_judge(struct behaviour *, struct behaviour_session *, const struct behaviour_step *,
                     struct rng *, struct server_act *);

/*
 * LMTP, when the end of data was judged: the reply for one recipient, empty for the usual. What
 * takes time, or ends the session, was told by the first one's act.
 */
struct slice behaviour_verdict(const struct behaviour *, const struct behaviour_session *,
                               uint32_t recipient);

/* A time drawn from a distribution, ns. */
uint64_t behaviour_draw(const struct profile_time *, struct rng *);

#endif
