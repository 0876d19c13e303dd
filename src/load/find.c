/*
 * Steps of a search.
 */
#include "find.h"

#include "num.h"
#include "units.h"

/* A step begins with a warm-up of this part of it. */
#define WARMUP_PART 5

/* A rate is sustained when so much of it is accepted. */
#define SUSTAINED (SHARE_WHOLE / 100 * 98)

static void settle(struct find *f)
{
    struct load_settings *s = f->settings;

    if (s->find == FIND_RATE)
        schedule_constant(&s->schedule, f->search.level, s->length);
    else
        s->sessions = f->search.level;
}

void find_init(struct find *f, struct load_settings *s)
{
    *f = (struct find){.settings = s};
    if (!s->warmup)
        s->warmup = s->step / WARMUP_PART;
    s->length = s->warmup + s->step;
    search_init(&f->search, s->find_low, s->find_high);
    settle(f);
}

/*
 * Whatever the condition says, a rate that the server does not keep up with is none. One message
 * may have ended on the other side of the warm-up.
 */
static bool sustained(const struct find *f, const struct require_facts *facts)
{
    struct require_term t = {
        .kind = REQUIRE_RATE, .op = REQUIRE_AT_LEAST, .of_target = true, .value = SUSTAINED};
    uint64_t accepted = facts->stats->counter[COUNTER_MESSAGES_ACCEPTED];

    return f->settings->find != FIND_RATE ||
           require_check_rate(&t, facts, accepted + (accepted > 0)).met;
}

/* Connections that did not come as far as to take a message. */
static uint64_t turned_away(const struct stats *s)
{
    uint64_t n = s->counter[COUNTER_CONNECTIONS_FAILED];

    for (uint32_t i = 0; i < s->refusals.count; i++)
        if (s->refusals.keys[i].phase == PHASE_GREETING || s->refusals.keys[i].phase == PHASE_AUTH)
            n += s->refusals.rows[i].replies;
    for (int p = PHASE_CONNECT; p < PHASE_MAIL; p++)
        n += s->breaks[p][BREAK_LOST] + s->breaks[p][BREAK_TIMEOUT];
    return n;
}

/* Likewise, a number of sessions of which some are turned away is none. */
static bool served(const struct find *f, const struct measure *m)
{
    return f->settings->find != FIND_SESSIONS ||
           turned_away(m->warmup) + turned_away(m->total) == 0;
}

bool find_next(struct find *f, const struct measure *m, bool by_generator)
{
    struct require_facts facts = measure_facts(m);
    const struct hist *latency = measure_latency(f->settings, m->total);
    const struct require_term accepted = {.kind = REQUIRE_RATE};
    struct find_step *step = &f->steps[f->search.count];
    bool all = served(f, m);
    bool met = require_all(&f->settings->find_when, &facts) && sustained(f, &facts) && all;
    enum search_verdict v = met ? SEARCH_PASSED : SEARCH_FAILED;

    /*
     * A rate is held by the generator or it is not; sessions in a loop are, as they are. Nor is it
     * the generator that turns them away.
     */
    if (by_generator && (f->settings->find == FIND_RATE || (!met && all)))
        v = SEARCH_NOT_HELD;
    *step = (struct find_step){
        .level = f->search.level,
        .accepted = require_check(&accepted, &facts).value,
        .p50 = hist_percentile(latency, 50),
        .p99 = hist_percentile(latency, 99),
        .max = latency->max,
        .verdict = (int)v,
        .phase = f->search.phase,
    };
    search_told(&f->search, v);
    if (f->search.phase == SEARCH_DONE)
        return false;
    settle(f);
    return true;
}
