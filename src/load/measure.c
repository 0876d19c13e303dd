/*
 * Taking intervals.
 */
#include "measure.h"

#include <assert.h>
#include <errno.h>

#include "units.h"

/* How long the workers have to hand over the warm-up, ms: one of them may have to wait for a CPU.
 */
#define WARM_PATIENCE 1000

static void begin(struct measure *m)
{
    const struct load_settings *s = m->settings;

    m->warming = s->warmup > 0;
    m->stopped = false;
    m->begin = NS_NEVER;
    m->took = m->last = m->warm_at = 0;
    m->due = m->warming && s->warmup < s->interval ? s->warmup : s->interval;
}

/* 0 or -ENOMEM */
static int keep_by_target(struct measure *m, uint32_t targets)
{
    if (targets < 2)
        return 0;
    return stats_by_target(m->total, targets) < 0 || stats_by_target(m->warmup, targets) < 0 ||
                   stats_by_target(m->interval, targets) < 0
               ? -ENOMEM
               : 0;
}

int measure_init(struct measure *m, const struct load_settings *s, uint32_t targets, struct diag *d)
{
    *m = (struct measure){.settings = s};
    m->total = stats_new();
    m->warmup = stats_new();
    m->interval = stats_new();
    if (!m->total || !m->warmup || !m->interval || keep_by_target(m, targets) < 0 ||
        series_init(&m->series, SERIES_ROWS) < 0)
        return diag_set(d, -ENOMEM, "out of memory");
    begin(m);
    return 0;
}

void measure_again(struct measure *m)
{
    stats_clear(m->total);
    stats_clear(m->warmup);
    stats_clear(m->interval);
    series_clear(&m->series);
    begin(m);
}

void measure_done(struct measure *m)
{
    stats_free(m->total);
    stats_free(m->warmup);
    stats_free(m->interval);
    series_done(&m->series);
    *m = (struct measure){0};
}

const struct hist *measure_latency(const struct load_settings *s, const struct stats *st)
{
    return s->schedule.count ? &st->response[OUTCOME_ACCEPTED] : &st->latency[PHASE_TRANSACTION];
}

uint64_t measure_left(struct measure *m, const struct load *l, uint64_t now)
{
    m->begin = load_began(l);
    if (m->begin == NS_NEVER)
        return NS_PER_MS;
    if (run_held(&l->control))
        return NS_NEVER;
    return now - m->begin < m->due ? m->due - (now - m->begin) : 0;
}

/* The interval just taken goes where it belongs. */
static void account(struct measure *m, const struct load *l, uint64_t at)
{
    stats_merge(m->warming ? m->warmup : m->total, m->interval);
    series_add(&m->series, at, atomic_load(&l->control.held_ns), m->interval,
               measure_latency(m->settings, m->interval));
    m->took = at - m->last;
    m->last = at;
}

static void plan(struct measure *m, uint64_t at)
{
    const struct load_settings *s = m->settings;

    if (m->warming && at >= s->warmup) {
        m->warming = false;
        m->warm_at = at;
    }
    m->due = (at / s->interval + 1) * s->interval;
    if (m->warming && s->warmup < m->due)
        m->due = s->warmup;
}

static bool stops(const struct measure *m, uint64_t at)
{
    struct require_facts f = {
        .stats = m->interval,
        .elapsed = m->took,
        .target = load_target_rate(m->settings, at - m->took, at),
        .open = m->settings->schedule.count > 0,
    };

    return m->settings->stop_when.count && require_all(&m->settings->stop_when, &f);
}

bool measure_take(struct measure *m, struct load *l, uint64_t now)
{
    uint64_t at;

    if (measure_left(m, l, now) > 0)
        return false;
    at = now - m->begin;
    stats_clear(m->interval);
    /* What belongs to the warm-up is in this interval, and nothing else: that is waited for. */
    if (m->warming && at >= m->settings->warmup)
        atomic_store_explicit(&l->warming, false, memory_order_relaxed);
    load_interval(l, m->interval, NULL,
                  m->warming && at >= m->settings->warmup ? WARM_PATIENCE : LOAD_PATIENCE);
    account(m, l, at);
    m->stopped = m->stopped || (!m->warming && stops(m, at));
    plan(m, at);
    return true;
}

void measure_finish(struct measure *m, struct load *l)
{
    stats_clear(m->interval);
    load_finish(l, m->interval, stats_offered(m->total) + stats_offered(m->warmup));
    m->begin = load_began(l);
    account(m, l, l->ended_at > m->begin + m->last ? l->ended_at - m->begin : m->last);
    if (m->warming)
        m->warm_at = m->last;
    stats_clear(m->interval);
    stats_merge(m->interval, m->warmup);
    stats_merge(m->interval, m->total);
    assert(stats_check(m->interval));
}

struct require_facts measure_facts(const struct measure *m)
{
    uint64_t end = m->settings->length < m->last ? m->settings->length : m->last;
    uint64_t target = load_target_rate(m->settings, m->warm_at, end);

    return (struct require_facts){
        .stats = m->total,
        .elapsed = require_rate_time(m->total, m->last - m->warm_at, m->warm_at, target),
        .target = target,
        .open = m->settings->schedule.count > 0,
    };
}
