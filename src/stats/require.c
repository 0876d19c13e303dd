/*
 * Requirements checked.
 */
#include "require.h"

#include "num.h"
#include "require_impl.h"
#include "units.h"

/* Signed, since changes are. Counts and times are below 2^64, factors below 2^62. */
__extension__ typedef __int128 wide;

static bool compare(int op, wide a, wide b)
{
    switch (op) {
    case REQUIRE_LESS:
        return a < b;
    case REQUIRE_AT_MOST:
        return a <= b;
    case REQUIRE_MORE:
        return a > b;
    case REQUIRE_AT_LEAST:
        return a >= b;
    case REQUIRE_EQUAL:
        return a == b;
    default:
        return a != b;
    }
}

static const struct hist *hist_of(const struct require_term *t, const struct require_facts *f)
{
    switch (t->hist) {
    case REQUIRE_PLAIN:
        return f->open ? &f->stats->response[OUTCOME_ACCEPTED]
                       : &f->stats->latency[PHASE_TRANSACTION];
    case REQUIRE_RESPONSE:
        return &f->stats->response[OUTCOME_ACCEPTED];
    case REQUIRE_LAG:
        return &f->stats->lag;
    default:
        return &f->stats->latency[t->hist];
    }
}

static uint64_t count_of(int counter, const struct stats *s)
{
    if (counter == REQUIRE_ERRORS)
        return stats_errors(s);
    return counter == REQUIRE_OFFERED ? stats_offered(s) : s->counter[counter];
}

static struct require_result check_latency(const struct require_term *t,
                                           const struct require_facts *f)
{
    const struct hist *h;
    struct require_result r = {.known = f->cpu > 0, .value = f->cpu};

    if (t->hist != REQUIRE_CPU) {
        h = hist_of(t, f);
        r.known = h->count > 0;
        r.value = t->percentile > 100 ? hist_mean(h)
                  : t->percentile > 0 ? hist_percentile(h, t->percentile)
                                      : h->min;
    }
    if (!r.known)
        return r;
    r.met = compare(t->op, r.value, t->value);
    return r;
}

/* n of whole, against value / SHARE_WHOLE. */
static struct require_result check_share(const struct require_term *t,
                                         const struct require_facts *f)
{
    uint64_t n = count_of(require_counts[t->measure].counter, f->stats);
    uint64_t whole = count_of(require_counts[t->measure].whole, f->stats);
    struct require_result r = {.known = whole > 0};

    if (!r.known)
        return r;
    r.value = (uint64_t)((wide)n * SHARE_WHOLE / whole);
    r.met = compare(t->op, (wide)n * SHARE_WHOLE, (wide)t->value * whole);
    return r;
}

uint64_t require_rate_time(const struct stats *s, uint64_t elapsed, uint64_t warmup,
                           uint64_t target)
{
    const struct hist *h = &s->response[OUTCOME_ACCEPTED];
    uint64_t late;
    wide due;

    if (!target || warmup || !h->count || h->min > elapsed)
        return elapsed;
    due = (wide)stats_offered(s) * (3600000 * NS_PER_S) / target;
    late = elapsed - h->min;
    return due > late ? (uint64_t)due : late;
}

/* n in elapsed ns, against a rate: n * 3600 s * 1000 = rate * elapsed. */
struct require_result require_check_rate(const struct require_term *t,
                                         const struct require_facts *f, uint64_t accepted)
{
    wide n = (wide)accepted * (3600000 * NS_PER_S);
    wide rate = t->of_target ? (wide)t->value * f->target / SHARE_WHOLE : t->value;
    struct require_result r = {.known = f->elapsed > 0 && (!t->of_target || f->target > 0)};

    if (!r.known)
        return r;
    r.value = (uint64_t)(n / f->elapsed);
    r.met = compare(t->op, n, rate * f->elapsed);
    return r;
}

struct require_result require_check(const struct require_term *t, const struct require_facts *f)
{
    struct require_result r = {.known = true};

    switch (t->kind) {
    case REQUIRE_LATENCY:
        return check_latency(t, f);
    case REQUIRE_SHARE:
        return check_share(t, f);
    case REQUIRE_RATE:
        return require_check_rate(t, f, f->stats->counter[COUNTER_MESSAGES_ACCEPTED]);
    default:
        r.value = count_of(require_counts[t->measure].counter, f->stats);
        r.met = compare(t->op, r.value, t->value);
        return r;
    }
}

bool require_all(const struct require *r, const struct require_facts *f)
{
    for (size_t i = 0; i < r->count; i++)
        if (!require_check(&r->terms[i], f).met)
            return false;
    return true;
}

bool require_wants_target(const struct require *r)
{
    for (size_t i = 0; i < r->count; i++)
        if (r->terms[i].of_target || r->terms[i].hist == REQUIRE_RESPONSE ||
            r->terms[i].hist == REQUIRE_LAG)
            return true;
    return false;
}

bool require_wants_cpu(const struct require *r)
{
    for (size_t i = 0; i < r->count; i++)
        if (r->terms[i].kind == REQUIRE_LATENCY && r->terms[i].hist == REQUIRE_CPU)
            return true;
    return false;
}

struct require_result require_compare(const struct require_term *t,
                                      const struct require_facts *base,
                                      const struct require_facts *f, struct require_result *was)
{
    struct require_result r = require_check(t, f);
    wide bound;

    *was = (struct require_result){.known = true};
    if (!t->change)
        return r;
    *was = require_check(t, base);
    r.known = r.known && was->known;
    /* Signed: a bound below 0 is one that nothing is below. */
    bound = (wide)was->value * (t->of_base ? SHARE_WHOLE : 1);
    bound += (wide)t->change * t->value * (t->of_base ? was->value : 1);
    r.met = r.known && compare(t->op, (wide)r.value * (t->of_base ? SHARE_WHOLE : 1), bound);
    return r;
}
