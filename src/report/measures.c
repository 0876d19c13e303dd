/*
 * What runs are compared by.
 */
#include "measures.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct measure {
    const char *name;
    enum measure_unit unit;
    bool of_phase;
    double percentile; /* of a phase; above 100: the mean */
    bool (*get)(const struct run *, double *);
};

static bool get_rate(const struct run *r, double *out)
{
    *out = (double)r->total->counter[COUNTER_MESSAGES_ACCEPTED] * 1e9 / (double)r->elapsed_ns;
    return r->elapsed_ns > 0;
}

static bool get_cpu(const struct run *r, double *out)
{
    *out = (double)run_cpu_per_message(r);
    return *out > 0;
}

static bool get_errors(const struct run *r, double *out)
{
    *out = (double)(stats_offered(r->total) - r->total->counter[COUNTER_MESSAGES_ACCEPTED]);
    return true;
}

#define COUNTER(function, id)                                                                      \
    static bool function(const struct run *r, double *out)                                         \
    {                                                                                              \
        *out = (double)r->total->counter[COUNTER_##id];                                            \
        return true;                                                                               \
    }
COUNTER(get_accepted, MESSAGES_ACCEPTED)
COUNTER(get_refused, MESSAGES_REFUSED)
COUNTER(get_failed, MESSAGES_FAILED)
COUNTER(get_unknown, MESSAGES_UNKNOWN)
COUNTER(get_missed, MESSAGES_MISSED)
COUNTER(get_lost, CONNECTIONS_LOST)
COUNTER(get_timeouts, TIMEOUTS)
#undef COUNTER

static const struct measure measures[] = {
    {"rate", MEASURE_RATE, .get = get_rate},
    {"cpu", MEASURE_TIME, .get = get_cpu},
    {"errors", MEASURE_COUNT, .get = get_errors},
    {"accepted", MEASURE_COUNT, .get = get_accepted},
    {"refused", MEASURE_COUNT, .get = get_refused},
    {"failed", MEASURE_COUNT, .get = get_failed},
    {"unknown", MEASURE_COUNT, .get = get_unknown},
    {"missed", MEASURE_COUNT, .get = get_missed},
    {"lost", MEASURE_COUNT, .get = get_lost},
    {"timeouts", MEASURE_COUNT, .get = get_timeouts},
    {"mean", MEASURE_TIME, .of_phase = true, .percentile = 101},
    {"p50", MEASURE_TIME, .of_phase = true, .percentile = 50},
    {"p90", MEASURE_TIME, .of_phase = true, .percentile = 90},
    {"p95", MEASURE_TIME, .of_phase = true, .percentile = 95},
    {"p99", MEASURE_TIME, .of_phase = true, .percentile = 99},
    {"p99.9", MEASURE_TIME, .of_phase = true, .percentile = 99.9},
    {"p99.99", MEASURE_TIME, .of_phase = true, .percentile = 99.99},
    {"max", MEASURE_TIME, .of_phase = true, .percentile = 100},
};

#define COUNT (sizeof measures / sizeof *measures)

static int unknown_measure(struct slice name, struct diag *d)
{
    char list[200] = "";
    char text[40];

    for (size_t i = 0; i < COUNT; i++) {
        size_t used = strlen(list);

        (void)snprintf(list + used, sizeof list - used, "%s%s", used ? ", " : "", measures[i].name);
    }
    return diag_set(d, -EINVAL, "no measure %s: there are %s; a latency may have a phase, rcpt:p99",
                    name.n ? diag_printable(text, sizeof text, name) : "given", list);
}

int measure_find(struct slice name, struct measured *out, struct diag *d)
{
    const char *colon = memchr(name.p, ':', name.n);
    struct slice last = name;
    int phase = PHASE_TRANSACTION;

    if (colon) {
        struct slice first = {name.p, (size_t)(colon - name.p)};

        last = slice_from(name, first.n + 1);
        for (phase = 0; phase < PHASE_COUNT; phase++)
            if (slice_is(first, phase_name((enum phase)phase)))
                break;
        if (phase == PHASE_COUNT)
            return unknown_measure(name, d);
    }
    for (size_t i = 0; i < COUNT; i++) {
        if (!slice_is(last, measures[i].name) || (colon && !measures[i].of_phase))
            continue;
        *out = (struct measured){&measures[i], (enum phase)phase};
        return 0;
    }
    return unknown_measure(name, d);
}

bool measure_value(const struct measured *m, const struct run *r, double *out)
{
    const struct hist *h = &r->total->latency[m->phase];

    if (!m->measure->of_phase)
        return m->measure->get(r, out);
    *out = (double)(m->measure->percentile > 100 ? hist_mean(h)
                                                 : hist_percentile(h, m->measure->percentile));
    return h->count > 0;
}

enum measure_unit measure_unit(const struct measured *m)
{
    return m->measure->unit;
}

struct human measure_name(const struct measured *m)
{
    struct human out;

    if (m->measure->of_phase && m->phase != PHASE_TRANSACTION)
        (void)snprintf(out.text, sizeof out.text, "%s:%s", phase_name(m->phase), m->measure->name);
    else
        (void)snprintf(out.text, sizeof out.text, "%s", m->measure->name);
    return out;
}

struct human measure_text(const struct measured *m, double value)
{
    struct human out;

    if (m->measure->unit == MEASURE_TIME)
        return human_time((uint64_t)value);
    out = human_short((uint64_t)(value + 0.5), 11);
    if (m->measure->unit == MEASURE_RATE)
        (void)strncat(out.text, "/s", sizeof out.text - strlen(out.text) - 1);
    return out;
}

double measure_change(double base, double new)
{
    if (base > 0)
        return (new - base) / base * 100;
    return new > 0 ? INFINITY : 0;
}
