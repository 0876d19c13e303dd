/*
 * A session and the targets: whose turn it is, what is counted by target, and with --keep-going
 * which of several are left alone for a while.
 */
#ifndef LOAD_SESSION_TARGET_H
#define LOAD_SESSION_TARGET_H

#include "session.h"
#include "target.h"
#include "targets.h"
#include "worker.h"

/* Where it connects or is connected to. */
static inline const struct target *session_target(const struct session *s)
{
    return &s->worker->load->targets->rows[s->target];
}

/* Its target's own account; NULL where there is one target. */
static inline struct target_stats *session_row(const struct session *s)
{
    struct stats *st = s->worker->stats;

    return st->targets ? &st->targets[s->target] : NULL;
}

/* Counts one of target_counters, for the whole and for its target. */
static inline void session_count(const struct session *s, enum counter c)
{
    struct target_stats *row = session_row(s);

    stats_count(s->worker->stats, c);
    if (row)
        row->counter[c]++;
}

/*
 * This connection's number among those of its target, from 0. Whatever is taken in turn (addresses,
 * users) is taken by it, so that each target sees all of it.
 */
uint64_t session_turn(const struct session *);

/*
 * Gives the session the number and the target of its next connection. false when all targets rest:
 * then pause_until says when to ask again.
 */
bool session_choose(struct session *, uint64_t now);

/* Its connection is ready for mail; or has ended, and never was. */
void session_target_well(struct session *);
void session_target_failed(struct session *);

/* " (mx1.example:25)" where there are several targets, else "". Returns out. */
#define SESSION_WHERE_SIZE 240
const char *session_where(const struct session *, char out[SESSION_WHERE_SIZE]);

#endif
