/*
 * The account of a run, or of a part of it: counters, latencies, refusals. Every worker has its
 * own; merging them loses nothing. Knows no socket, clock, file or thread.
 */
#ifndef STATS_STATS_H
#define STATS_STATS_H

#include <stdbool.h>
#include <stdint.h>

#include "hist.h"
#include "kinds.h"
#include "refusals.h"
#include "vocabulary.h"

/*
 * X(ID, group in reports, name in its group, what it counts)
 * The ends of messages and recipients stand in the order of OUTCOME_LIST.
 */
#define COUNTER_LIST(X)                                                                            \
    X(MESSAGES_ACCEPTED, "messages", "accepted", "accepted for at least one recipient")            \
    X(MESSAGES_REFUSED, "messages", "refused", "refused by a reply of the server")                 \
    X(MESSAGES_FAILED, "messages", "failed", "never handed over completely")                       \
    X(MESSAGES_UNKNOWN, "messages", "unknown", "handed over, but no reply came")                   \
    X(MESSAGES_MISSED, "messages", "missed", "due, but never started")                             \
    X(MESSAGES_PARTIAL, "messages", "partial", "of the accepted: not for all recipients")          \
    X(RECIPIENTS_ACCEPTED, "recipients", "accepted", "accepted, and so was their message")         \
    X(RECIPIENTS_REFUSED, "recipients", "refused", "refused by a reply of the server")             \
    X(RECIPIENTS_FAILED, "recipients", "failed", "of messages never handed over completely")       \
    X(RECIPIENTS_UNKNOWN, "recipients", "unknown", "of messages handed over without a reply")      \
    X(RECIPIENTS_MISSED, "recipients", "missed", "of messages due, but never started")             \
    X(CONNECTIONS_STARTED, "connections", "started", "attempts to connect")                        \
    X(CONNECTIONS_MADE, "connections", "made", "attempts that succeeded")                          \
    X(CONNECTIONS_FAILED, "connections", "failed", "attempts that failed")                         \
    X(CONNECTIONS_LOST, "connections", "lost", "ended without our wish")                           \
    X(CONNECTIONS_CLOSED, "connections", "closed", "of the made: over, by whichever side")         \
    X(TIMEOUTS, "connections", "timeouts", "given up because an answer took too long")             \
    X(PROTOCOL_ERRORS, "connections", "protocol_errors",                                           \
      "given up because the server broke rules")                                                   \
    X(TLS_FULL, "tls", "full", "full handshakes")                                                  \
    X(TLS_RESUMED, "tls", "resumed", "handshakes that resumed a session")                          \
    X(TLS_FAILED, "tls", "failed", "sessions that ended because TLS failed")                       \
    X(TLS_PLAINTEXT, "tls", "plaintext", "sessions without TLS, since it was not offered")         \
    X(AUTH_ACCEPTED, "auth", "accepted", "sessions that authenticated")                            \
    X(AUTH_REFUSED, "auth", "refused", "authentications that the server refused")                  \
    X(AUTH_FAILED, "auth", "failed", "authentications given up by the client")                     \
    X(SENT_BYTES, "traffic", "sent_bytes", "octets handed to the system for sending")              \
    X(RECEIVED_BYTES, "traffic", "received_bytes", "octets received")                              \
    X(REPLIES_REFUSED, "replies", "refused", "replies that were not what was wanted")              \
    X(REPLIES_COLLATERAL, "replies", "collateral", "of the refused: follow from an earlier one")   \
    X(STARTS_WAITED, "starts", "waited", "fell due when no session was free")

enum counter {
#define X(id, group, name, help) COUNTER_##id,
    COUNTER_LIST(X)
#undef X
        COUNTER_COUNT
};

/*
 * X(ID, name in reports, the counter that these are part of)
 * What breaks off, by the phase that it breaks off in: connections, and messages with them.
 */
#define BREAK_LIST(X)                                                                              \
    X(LOST, "lost", CONNECTIONS_LOST)                                                              \
    X(TIMEOUT, "timeouts", TIMEOUTS)                                                               \
    X(FAILED, "failed", MESSAGES_FAILED)                                                           \
    X(UNKNOWN, "unknown", MESSAGES_UNKNOWN)

enum break_kind {
#define X(id, name, counter) BREAK_##id,
    BREAK_LIST(X)
#undef X
        BREAK_COUNT
};

/* The counter of an outcome is the first of its group plus the outcome. */
#define X(id, name)                                                                                \
    _Static_assert(COUNTER_MESSAGES_##id == COUNTER_MESSAGES_ACCEPTED + (int)OUTCOME_##id,         \
                   "counters of messages must stand in the order of OUTCOME_LIST");                \
    _Static_assert(COUNTER_RECIPIENTS_##id == COUNTER_RECIPIENTS_ACCEPTED + (int)OUTCOME_##id,     \
                   "counters of recipients must stand in the order of OUTCOME_LIST");
OUTCOME_LIST(X)
#undef X

struct target_stats;

/*
 * About 950 KiB, nearly all of it slots that a run never touches. Hot fields stand in the middle:
 * two sets that lie side by side share no cache line that two threads would write in every turn.
 */
struct stats {
    struct hist refused_latency[PHASE_COUNT]; /* of replies that were not what was wanted */
    struct hist latency[PHASE_COUNT];         /* of the wanted replies: service or response time */
    uint64_t counter[COUNTER_COUNT];
    struct refusals refusals;
    uint64_t breaks[PHASE_COUNT][BREAK_COUNT];
    /*
     * With a target rate only. Response time of messages, from the intended start on, by how they
     * ended (missed: how late they were when given up); and how late the generator itself was with
     * those that a session was free for.
     */
    struct hist response[OUTCOME_COUNT];
    struct hist lag;
    struct kinds tls;        /* versions, ciphers and groups of the handshakes */
    struct kinds auth;       /* mechanisms of accepted authentications */
    struct kinds auth_users; /* users of refused ones */
    /* By target, see targets.h; none of it where there is one target. */
    struct target_stats *targets;
    uint32_t target_count;
};

/* All empty. NULL when out of memory. free takes NULL. */
struct stats *stats_new(void);

/* It shall keep the account by target too, of so many. 0 or -ENOMEM. */
int stats_by_target(struct stats *, uint32_t count);
void stats_free(struct stats *);

/* Empties it; cheap when little was recorded. */
void stats_clear(struct stats *);

/* Adds all of `from`. What either has by target is added where both have it, of the same ones. */
void stats_merge(struct stats *into, const struct stats *from);

/* The sums of the five outcomes. */
uint64_t stats_offered(const struct stats *);
uint64_t stats_rcpt_offered(const struct stats *);

/*
 * Do the sums agree? Refused messages and replies are those of the table, parts are no more than
 * their wholes, and there are no more ends of connections than beginnings. Meant for the set of a
 * whole run: what began in one interval may end in the next.
 */
bool stats_check(const struct stats *);

/* The same for a part of a run, without what may have begun before it. */
bool stats_check_part(const struct stats *);

/* Messages that ended other than accepted. */
uint64_t stats_errors(const struct stats *);

/* "lost", and what it is counted by in all */
const char *break_name(enum break_kind);
enum counter break_counter(enum break_kind);

/* "messages", "accepted", "accepted for at least one recipient" */
const char *counter_group(enum counter);
const char *counter_name(enum counter);
const char *counter_help(enum counter);

static inline void stats_count(struct stats *s, enum counter c)
{
    s->counter[c]++;
}

static inline void stats_add(struct stats *s, enum counter c, uint64_t n)
{
    s->counter[c] += n;
}

/* In which phase something broke off; that it did is counted apart. */
static inline void stats_break(struct stats *s, enum phase p, enum break_kind k)
{
    s->breaks[p][k]++;
}

/* Did anything? */
static inline bool stats_breaks(const struct stats *s, enum phase p)
{
    for (int k = 0; k < BREAK_COUNT; k++)
        if (s->breaks[p][k] > 0)
            return true;
    return false;
}

/* A reply of the wanted class came after ns; also: a connection stood, a message was accepted. */
static inline void stats_latency(struct stats *s, enum phase p, uint64_t ns)
{
    hist_record(&s->latency[p], ns);
}

/*
 * A refused reply came after ns; NS_NEVER for one that no command had asked for (a 421 at any
 * time), which has no latency. Keep the key: it may turn out to decide a message.
 */
void stats_refusal(struct stats *, const struct refusal_key *, struct slice text, uint64_t ns);

/*
 * A message has ended. by is the refusal that decided it, with OUTCOME_REFUSED only. Its latency
 * and its recipients are counted apart.
 */
void stats_message(struct stats *, enum outcome, const struct refusal_key *by);

static inline void stats_recipients(struct stats *s, enum outcome o, uint64_t n)
{
    s->counter[COUNTER_RECIPIENTS_ACCEPTED + (int)o] += n;
}

#endif
