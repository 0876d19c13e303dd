/*
 * The account as a whole: made, emptied, merged, checked.
 */
#include "stats.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "targets.h"
#include "units.h"

struct stats *stats_new(void)
{
    /* calloc, because the system's zero pages cost nothing until a slot in them is counted up. */
    struct stats *s = calloc(1, sizeof *s);

    if (!s)
        return NULL;
    for (int p = 0; p < PHASE_COUNT; p++) {
        hist_init(&s->latency[p]);
        hist_init(&s->refused_latency[p]);
    }
    for (int o = 0; o < OUTCOME_COUNT; o++)
        hist_init(&s->response[o]);
    hist_init(&s->lag);
    return s;
}

void stats_free(struct stats *s)
{
    if (s)
        free(s->targets);
    free(s);
}

int stats_by_target(struct stats *s, uint32_t count)
{
    struct target_stats *rows = targets_new(count);

    if (!rows)
        return -ENOMEM;
    free(s->targets);
    s->targets = rows;
    s->target_count = count;
    return 0;
}

void stats_clear(struct stats *s)
{
    for (int p = 0; p < PHASE_COUNT; p++) {
        hist_clear(&s->latency[p]);
        hist_clear(&s->refused_latency[p]);
    }
    for (int o = 0; o < OUTCOME_COUNT; o++)
        hist_clear(&s->response[o]);
    hist_clear(&s->lag);
    memset(s->counter, 0, sizeof s->counter);
    memset(s->breaks, 0, sizeof s->breaks);
    refusals_clear(&s->refusals);
    kinds_clear(&s->tls);
    kinds_clear(&s->auth);
    kinds_clear(&s->auth_users);
    targets_clear(s->targets, s->target_count);
}

void stats_merge(struct stats *into, const struct stats *from)
{
    for (int p = 0; p < PHASE_COUNT; p++) {
        hist_merge(&into->latency[p], &from->latency[p]);
        hist_merge(&into->refused_latency[p], &from->refused_latency[p]);
    }
    for (int c = 0; c < COUNTER_COUNT; c++)
        into->counter[c] += from->counter[c];
    for (int p = 0; p < PHASE_COUNT; p++)
        for (int k = 0; k < BREAK_COUNT; k++)
            into->breaks[p][k] += from->breaks[p][k];
    refusals_merge(&into->refusals, &from->refusals);
    for (int o = 0; o < OUTCOME_COUNT; o++)
        hist_merge(&into->response[o], &from->response[o]);
    hist_merge(&into->lag, &from->lag);
    kinds_merge(&into->tls, &from->tls);
    kinds_merge(&into->auth, &from->auth);
    kinds_merge(&into->auth_users, &from->auth_users);
    assert(!into->targets || !from->targets || into->target_count == from->target_count);
    if (into->targets && from->targets)
        targets_merge(into->targets, from->targets, into->target_count);
}

static uint64_t sum_outcomes(const struct stats *s, enum counter first)
{
    uint64_t sum = 0;

    for (int o = 0; o < OUTCOME_COUNT; o++)
        sum += s->counter[(int)first + o];
    return sum;
}

uint64_t stats_offered(const struct stats *s)
{
    return sum_outcomes(s, COUNTER_MESSAGES_ACCEPTED);
}

uint64_t stats_rcpt_offered(const struct stats *s)
{
    return sum_outcomes(s, COUNTER_RECIPIENTS_ACCEPTED);
}

uint64_t stats_errors(const struct stats *s)
{
    return stats_offered(s) - s->counter[COUNTER_MESSAGES_ACCEPTED];
}

static bool check_breaks(const struct stats *s)
{
    for (int k = 0; k < BREAK_COUNT; k++) {
        uint64_t left = s->counter[break_counter((enum break_kind)k)];

        for (int p = 0; p < PHASE_COUNT; p++)
            if (__builtin_sub_overflow(left, s->breaks[p][k], &left))
                return false;
    }
    return true;
}

bool stats_check_part(const struct stats *s)
{
    const uint64_t *c = s->counter;

    return check_breaks(s) && refusals_messages(&s->refusals) == c[COUNTER_MESSAGES_REFUSED] &&
           refusals_replies(&s->refusals) == c[COUNTER_REPLIES_REFUSED] &&
           c[COUNTER_REPLIES_COLLATERAL] <= c[COUNTER_REPLIES_REFUSED] &&
           c[COUNTER_MESSAGES_PARTIAL] <= c[COUNTER_MESSAGES_ACCEPTED] &&
           c[COUNTER_MESSAGES_ACCEPTED] <= c[COUNTER_RECIPIENTS_ACCEPTED];
}

bool stats_check(const struct stats *s)
{
    const uint64_t *c = s->counter;

    return stats_check_part(s) && (!s->targets || !targets_check(s->targets, s->target_count, s)) &&
           c[COUNTER_CONNECTIONS_MADE] + c[COUNTER_CONNECTIONS_FAILED] <=
               c[COUNTER_CONNECTIONS_STARTED] &&
           c[COUNTER_CONNECTIONS_CLOSED] <= c[COUNTER_CONNECTIONS_MADE] &&
           c[COUNTER_CONNECTIONS_LOST] <= c[COUNTER_CONNECTIONS_MADE];
}

void stats_refusal(struct stats *s, const struct refusal_key *key, struct slice text, uint64_t ns)
{
    if (ns != NS_NEVER)
        hist_record(&s->refused_latency[key->phase], ns);
    s->counter[COUNTER_REPLIES_REFUSED]++;
    s->counter[COUNTER_REPLIES_COLLATERAL] += key->collateral;
    refusals_reply(&s->refusals, key, text);
}

void stats_message(struct stats *s, enum outcome o, const struct refusal_key *by)
{
    assert((o == OUTCOME_REFUSED) == (by != NULL));
    s->counter[COUNTER_MESSAGES_ACCEPTED + (int)o]++;
    if (by)
        refusals_message(&s->refusals, by);
}

const char *break_name(enum break_kind k)
{
    static const char *const names[] = {
#define X(id, name, counter) name,
        BREAK_LIST(X)
#undef X
    };

    return names[k];
}

enum counter break_counter(enum break_kind k)
{
    static const enum counter counters[] = {
#define X(id, name, counter) COUNTER_##counter,
        BREAK_LIST(X)
#undef X
    };

    return counters[k];
}

const char *counter_group(enum counter c)
{
    static const char *const groups[] = {
#define X(id, group, name, help) group,
        COUNTER_LIST(X)
#undef X
    };

    return groups[c];
}

const char *counter_name(enum counter c)
{
    static const char *const names[] = {
#define X(id, group, name, help) name,
        COUNTER_LIST(X)
#undef X
    };

    return names[c];
}

const char *counter_help(enum counter c)
{
    static const char *const helps[] = {
#define X(id, group, name, help) help,
        COUNTER_LIST(X)
#undef X
    };

    return helps[c];
}
