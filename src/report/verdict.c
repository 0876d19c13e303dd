/*
 * The verdict: a few plain rules, each with its reason in numbers.
 */
#include "verdict.h"

#include <stdarg.h>
#include <stdio.h>

#include "human.h"
#include "units.h"

/* The generator is at fault when its lag is beyond these. */
#define LAG_P50 NS_PER_MS
#define LAG_P99 (20 * NS_PER_MS)

/* A thread is busy, or kept from its CPU, from these percentages on. */
#define BUSY    95
#define STARVED 10

/* Below this percentage of waiting for replies, sessions are held back by being told to wait. */
#define WAITED 50

/* In less time than this the kernel's figures of CPU and waiting say nothing. */
#define SHORTEST (500 * NS_PER_MS)

/* Messages that take so many times as long as the fastest were waiting in the server. */
#define SLOWED 3

static const char *const names[] = {
#define X(id, name) name,
    VERDICT_LIST(X)
#undef X
};

const char *bottleneck_name(enum bottleneck b)
{
    return names[b];
}

static unsigned percent(uint64_t part, uint64_t whole)
{
    return whole ? (unsigned)((double)part * 100 / (double)whole) : 0;
}

struct threads_use {
    unsigned busy;    /* of the busiest, in percent of its time */
    unsigned starved; /* of the one that waited most for a CPU */
};

static struct threads_use use_of(const struct run_model *m)
{
    struct threads_use u = {0};

    for (uint64_t i = 0; i < m->worker_count; i++) {
        const struct run_worker *w = &m->workers[i];
        unsigned busy = percent(w->cpu_ns, w->elapsed_ns);
        unsigned starved = w->wait_ns == NS_NEVER ? 0 : percent(w->wait_ns, w->elapsed_ns);

        u.busy = busy > u.busy ? busy : u.busy;
        u.starved = starved > u.starved ? starved : u.starved;
    }
    return u;
}

static struct verdict say(enum bottleneck b, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static struct verdict say(enum bottleneck b, const char *format, ...)
{
    struct verdict v = {.bottleneck = b};
    va_list args;

    va_start(args, format);
    (void)vsnprintf(v.why, sizeof v.why, format, args);
    va_end(args);
    return v;
}

static uint64_t broken_connections(const struct stats *s)
{
    return s->counter[COUNTER_CONNECTIONS_LOST] + s->counter[COUNTER_CONNECTIONS_FAILED] +
           s->counter[COUNTER_TIMEOUTS] + s->refused_latency[PHASE_GREETING].count;
}

/* Starts that found no session free. One that a session connected for may be missed all the same,
 * and is in both counters. */
static uint64_t late_starts(const struct stats *s)
{
    uint64_t late = s->counter[COUNTER_STARTS_WAITED] + s->counter[COUNTER_MESSAGES_MISSED];

    return late < stats_offered(s) ? late : stats_offered(s);
}

/* For how much of their time the sessions waited for replies, in percent; beyond 100 with several
 * in flight. */
static unsigned waited_for_replies(const struct run *r)
{
    const struct run_model *m = r->model;
    double time = 0, waited = 0;

    for (uint64_t i = 0; i < m->worker_count; i++)
        time += (double)m->workers[i].elapsed_ns - (double)r->warmup_ns;
    if (m->worker_count)
        time *= (double)r->sessions / (double)m->worker_count;
    for (int p = 0; p < PHASE_COUNT; p++)
        if (p != PHASE_TRANSACTION)
            waited += (double)r->total->latency[p].sum + (double)r->total->refused_latency[p].sum;
    return waited < time ? (unsigned)(waited * 100 / time) : 100;
}

/* Connections were made, and all ended before a message: refused, by TLS, lost. */
static bool none_got_ready(const struct stats *s)
{
    uint64_t ended = s->counter[COUNTER_REPLIES_REFUSED] + s->counter[COUNTER_TLS_FAILED] +
                     s->counter[COUNTER_AUTH_FAILED] + broken_connections(s);

    return ended > 0 && s->latency[PHASE_MAIL].count == 0 &&
           s->counter[COUNTER_MESSAGES_MISSED] == stats_offered(s);
}

/* Starts found no session free: were there too few, or did the server hold them up? */
static struct verdict no_session(const struct run *r)
{
    const struct stats *s = r->total;
    const struct hist *h = &s->latency[PHASE_TRANSACTION];
    uint64_t late = late_starts(s);
    uint64_t broken = broken_connections(s);
    struct human share = human_percent(late, stats_offered(s));
    struct human mean = human_time(hist_mean(h));
    struct human least = human_time(h->count ? h->min : 0);

    if (broken * 100 > s->counter[COUNTER_CONNECTIONS_STARTED])
        return say(BOTTLENECK_SERVER,
                   "%s of the starts found no session free, and %s connections failed, were "
                   "refused, lost or timed out",
                   share.text, human_count(broken).text);
    if (h->count == 0)
        return say(BOTTLENECK_SERVER,
                   "%s of the starts found no session free, and nothing was "
                   "accepted",
                   share.text);
    if (r->model->told_to_wait && waited_for_replies(r) < WAITED && late * 2 > stats_offered(s))
        return say(BOTTLENECK_SESSIONS,
                   "%s of the starts found none free: they waited for replies %u%% of their time, "
                   "and for --connect-rate in the rest",
                   share.text, waited_for_replies(r));
    if (hist_mean(h) > SLOWED * h->min)
        return say(BOTTLENECK_SERVER,
                   "%s of the starts found no session free, and transactions took %s on average "
                   "where the fastest took %s",
                   share.text, mean.text, least.text);
    return say(BOTTLENECK_SESSIONS,
               "%s of the starts found no session free, though transactions took no longer (%s) "
               "than the fastest (%s): more sessions (-s) can do more",
               share.text, mean.text, least.text);
}

static struct verdict paced(const struct run *r, struct threads_use u)
{
    const struct stats *s = r->total;
    uint64_t offered = stats_offered(s);
    uint64_t p50 = hist_percentile(&s->lag, 50);
    uint64_t p99 = hist_percentile(&s->lag, 99);
    uint64_t late = late_starts(s);

    if (offered == 0)
        return say(BOTTLENECK_UNKNOWN, "nothing was due");
    if (p50 > LAG_P50 || p99 > LAG_P99)
        return say(BOTTLENECK_GENERATOR,
                   "it was late itself, though sessions were free: lag p50 %s, p99 %s; a thread "
                   "was busy %u%% of the time and waited for a CPU %u%%",
                   human_time(p50).text, human_time(p99).text, u.busy, u.starved);
    if (late * 100 <= offered || late <= 1) /* the first one finds none connected yet */
        return say(BOTTLENECK_NONE,
                   "sessions were free for all but %s of the starts, and the generator's lag was "
                   "%s at p99",
                   human_count(late).text, human_time(p99).text);
    if (!r->model->spin && u.busy >= BUSY)
        return say(BOTTLENECK_GENERATOR, "a thread was busy %u%% of the time: more --threads",
                   u.busy);
    if (u.starved >= STARVED)
        return say(BOTTLENECK_GENERATOR,
                   "a thread waited for a CPU %u%% of the time: something else used it", u.starved);
    return no_session(r);
}

static struct verdict in_a_loop(const struct run *r, struct threads_use u)
{
    unsigned waited;

    if (stats_offered(r->total) == 0)
        return say(BOTTLENECK_UNKNOWN, "no message ended");
    if (u.busy >= BUSY)
        return say(BOTTLENECK_GENERATOR, "a thread was busy %u%% of the time: more --threads",
                   u.busy);
    if (u.starved >= STARVED)
        return say(BOTTLENECK_GENERATOR,
                   "a thread waited for a CPU %u%% of the time: something else used it", u.starved);
    waited = waited_for_replies(r);
    if (r->model->told_to_wait && waited < WAITED &&
        broken_connections(r->total) * 100 <= r->total->counter[COUNTER_CONNECTIONS_STARTED])
        return say(BOTTLENECK_SESSIONS,
                   "they waited for replies %u%% of their time, and in the rest as they were told "
                   "to (-w, -R, --think, --connect-rate)",
                   waited);
    return say(BOTTLENECK_SERVER,
               "the generator was busy %u%% of the time and waited for replies in the rest; more "
               "sessions (-s) may get more out of the server",
               u.busy);
}

struct verdict verdict_of(const struct run *r)
{
    struct threads_use u = use_of(r->model);

    if (r->elapsed_ns < SHORTEST)
        return say(BOTTLENECK_UNKNOWN, "%s is too short a run to tell",
                   human_time(r->elapsed_ns).text);
    if (r->total->counter[COUNTER_CONNECTIONS_STARTED] > 0 &&
        r->total->counter[COUNTER_CONNECTIONS_MADE] == 0)
        return say(BOTTLENECK_SERVER, "no connection could be made");
    if (none_got_ready(r->total))
        return say(BOTTLENECK_SERVER, "no session got as far as a message");
    return r->model->target ? paced(r, u) : in_a_loop(r, u);
}
