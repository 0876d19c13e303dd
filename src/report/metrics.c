/*
 * Metrics of a run. Sources: OpenMetrics 1.0 (RFC draft), Prometheus' naming conventions.
 */
#include "metrics.h"

#include <inttypes.h>
#include <string.h>

#include "num.h"
#include "report_live.h"
#include "run.h"
#include "sink_report.h"
#include "units.h"

struct metrics {
    FILE *out;
    const char *prefix;
    bool open;
};

enum metric { COUNTER, GAUGE, HISTOGRAM };

/* Announces a family. A counter's samples have _total behind its name; OpenMetrics' name has not.
 */
static void family(const struct metrics *m, enum metric kind, const char *name, const char *help)
{
    static const char *const types[] = {"counter", "gauge", "histogram"};
    const char *end = kind == COUNTER && !m->open ? "_total" : "";

    fprintf(m->out, "# HELP %s_%s%s %s\n", m->prefix, name, end, help);
    fprintf(m->out, "# TYPE %s_%s%s %s\n", m->prefix, name, end, types[kind]);
}

static void label(const struct metrics *m, const char *before, const char *name, const char *value)
{
    fprintf(m->out, "%s%s=\"", before, name);
    for (; *value; value++) {
        if (*value == '"' || *value == '\\')
            fputc('\\', m->out);
        fputc(*value == '\n' ? ' ' : *value, m->out);
    }
    fputc('"', m->out);
}

/* A counter's sample with at most one label. */
static void counted(const struct metrics *m, const char *name, const char *key, const char *value,
                    uint64_t n)
{
    fprintf(m->out, "%s_%s_total", m->prefix, name);
    if (key) {
        label(m, "{", key, value);
        fputc('}', m->out);
    }
    fprintf(m->out, " %" PRIu64 "\n", n);
}

static void counter(const struct metrics *m, const char *name, const char *help, uint64_t n)
{
    family(m, COUNTER, name, help);
    counted(m, name, NULL, NULL, n);
}

static void gauge(const struct metrics *m, const char *name, const char *help, double value)
{
    family(m, GAUGE, name, help);
    fprintf(m->out, "%s_%s %.15g\n", m->prefix, name, value);
}

static double seconds(uint64_t ns)
{
    return (double)ns / (double)NS_PER_S;
}

static void cpu(const struct metrics *m, uint64_t user_ns, uint64_t system_ns, uint64_t memory)
{
    family(m, COUNTER, "cpu_seconds", "CPU time of this process.");
    fprintf(m->out, "%s_cpu_seconds_total{mode=\"user\"} %.15g\n", m->prefix, seconds(user_ns));
    fprintf(m->out, "%s_cpu_seconds_total{mode=\"system\"} %.15g\n", m->prefix, seconds(system_ns));
    gauge(m, "resident_memory_peak_bytes", "Largest resident set.", (double)memory);
}

/* How it goes now, which both programs have. */
static void now(const struct metrics *m, const struct live *l)
{
    gauge(m, "elapsed_seconds", "How long the run has been going on, pauses left out.",
          seconds(l->elapsed_ns));
    gauge(m, "rate", "Messages a second, over the last second.", (double)l->rate);
    gauge(m, "connections_open", "Connections that are open.", (double)l->open);
}

static void finish(const struct metrics *m)
{
    if (m->open)
        fputs("# EOF\n", m->out);
}

/*
 * Cumulative buckets: 1, 2.5 and 5 of each power of ten from 100 us to 500 s. A value whose slot
 * straddles a bound counts as above it, so a bucket holds no value that it should not, and lacks
 * only such as are within 0.8% of its bound.
 */
static void histogram(const struct metrics *m, const char *name, const char *key, const char *value,
                      const struct hist *h)
{
    static const uint64_t steps[] = {100, 250, 500};
    struct hist_slot slot = {0};
    uint32_t at = 0;
    uint64_t below = 0;
    bool more = hist_next(h, &at, &slot);

    for (uint64_t unit = NS_PER_US; unit <= NS_PER_S; unit *= 10) {
        for (int i = 0; i < 3; i++) {
            uint64_t bound = steps[i] * unit;

            for (; more && slot.high <= bound; more = hist_next(h, &at, &slot))
                below += slot.count;
            fprintf(m->out, "%s_%s_bucket", m->prefix, name);
            label(m, "{", key, value);
            fprintf(m->out, ",le=\"%.15g%s\"} %" PRIu64 "\n", seconds(bound),
                    bound % NS_PER_S ? "" : ".0", below);
        }
    }
    fprintf(m->out, "%s_%s_bucket", m->prefix, name);
    label(m, "{", key, value);
    fprintf(m->out, ",le=\"+Inf\"} %" PRIu64 "\n%s_%s_sum", h->count, m->prefix, name);
    label(m, "{", key, value);
    fprintf(m->out, "} %.15g\n%s_%s_count", (double)h->sum / (double)NS_PER_S, m->prefix, name);
    label(m, "{", key, value);
    fprintf(m->out, "} %" PRIu64 "\n", h->count);
}

static void phases(const struct metrics *m, const char *name, const char *help,
                   const struct hist *all)
{
    family(m, HISTOGRAM, name, help);
    for (int p = 0; p < PHASE_COUNT; p++)
        if (all[p].count > 0)
            histogram(m, name, "phase", phase_name((enum phase)p), &all[p]);
}

static void outcomes(const struct metrics *m, const char *name, const char *help,
                     const uint64_t *counters)
{
    family(m, COUNTER, name, help);
    for (int o = 0; o < OUTCOME_COUNT; o++)
        counted(m, name, "outcome", outcome_name((enum outcome)o), counters[o]);
}

/* The bounded table; kinds beyond it are phase "other". */
static void refusals(const struct metrics *m, const struct refusals *r)
{
    family(m, COUNTER, "refused_replies", "Replies that were not what was wanted.");
    for (uint32_t i = 0; i < r->count; i++) {
        const struct refusal_key *k = &r->keys[i];
        char code[8];

        (void)snprintf(code, sizeof code, "%u", k->code);
        fprintf(m->out, "%s_refused_replies_total", m->prefix);
        label(m, "{", "phase", phase_name((enum phase)k->phase));
        label(m, ",", "code", code);
        label(m, ",", "enhanced", k->enhanced);
        label(m, ",", "collateral", k->collateral ? "true" : "false");
        fprintf(m->out, "} %" PRIu64 "\n", r->rows[i].replies);
    }
    fprintf(m->out,
            "%s_refused_replies_total{phase=\"other\",code=\"\",enhanced=\"\","
            "collateral=\"false\"} %" PRIu64 "\n",
            m->prefix, r->other.replies);
}

static void connections(const struct metrics *m, const struct stats *s)
{
    family(m, COUNTER, "connections", "What became of connections.");
    for (int c = 0; c < COUNTER_COUNT; c++)
        if (strcmp(counter_group((enum counter)c), "connections") == 0)
            counted(m, "connections", "event", counter_name((enum counter)c), s->counter[c]);
    family(m, COUNTER, "tls_sessions", "Sessions that were to use TLS.");
    for (int c = 0; c < COUNTER_COUNT; c++)
        if (strcmp(counter_group((enum counter)c), "tls") == 0)
            counted(m, "tls_sessions", "how", counter_name((enum counter)c), s->counter[c]);
    counter(m, "sent_bytes", "Octets handed to the system for sending.",
            s->counter[COUNTER_SENT_BYTES]);
    counter(m, "received_bytes", "Octets received.", s->counter[COUNTER_RECEIVED_BYTES]);
}

void metrics_source(const struct run *r, const struct live *l, bool open, FILE *out)
{
    const struct metrics m = {.out = out, .prefix = "smtp_source", .open = open};
    const struct stats *s = r->total;

    outcomes(&m, "messages", "Messages by how they ended.", &s->counter[COUNTER_MESSAGES_ACCEPTED]);
    counter(&m, "partial_messages", "Accepted messages that some recipient was refused for.",
            s->counter[COUNTER_MESSAGES_PARTIAL]);
    outcomes(&m, "recipients", "Recipients by how they ended.",
             &s->counter[COUNTER_RECIPIENTS_ACCEPTED]);
    refusals(&m, &s->refusals);
    connections(&m, s);
    phases(&m, "latency_seconds", "Latency of wanted replies.", s->latency);
    family(&m, HISTOGRAM, "response_seconds", "From a message's intended start to its end.");
    for (int o = 0; o < OUTCOME_COUNT; o++)
        if (s->response[o].count > 0)
            histogram(&m, "response_seconds", "outcome", outcome_name((enum outcome)o),
                      &s->response[o]);
    phases(&m, "refused_latency_seconds", "Latency of refused replies.", s->refused_latency);
    now(&m, l);
    gauge(&m, "sessions", "Sessions that there are to be.", (double)l->sessions);
    gauge(&m, "paused", "1 while the run is paused.", l->state == LIVE_PAUSED);
    if (l->target > 0)
        gauge(&m, "target_rate", "Messages a second that are to be started.",
              (double)l->target / RATE_PER_S);
    if (l->lag_p99_ns != NS_NEVER)
        gauge(&m, "lag_p99_seconds", "How late the generator started messages, the last second.",
              seconds(l->lag_p99_ns));
    cpu(&m, r->cpu_user_ns, r->cpu_system_ns, r->peak_rss_bytes);
    finish(&m);
}

void metrics_sink(const struct sink_run *r, const struct live *l, bool open, FILE *out)
{
    const struct metrics m = {.out = out, .prefix = "smtp_sink", .open = open};

    family(&m, COUNTER, "sessions_ended", "Sessions by how they ended.");
    counted(&m, "sessions_ended", "how", "quit", r->quits);
    counted(&m, "sessions_ended", "how", "lost", r->lost);
    counted(&m, "sessions_ended", "how", "aborted", r->aborted);
    counter(&m, "sessions", "Sessions that began.", r->sessions);
    counter(&m, "messages", "Messages that were complete.", r->messages);
    counter(&m, "recipients", "Accepted recipients of those messages.", r->recipients);
    counter(&m, "content_bytes", "Octets of content of those messages.", r->content_bytes);
    counter(&m, "unrecorded", "Transactions that could not be recorded.", r->unrecorded);
    counter(&m, "auth_attempts", "AUTH commands.", r->auth_attempts);
    family(&m, COUNTER, "authentications", "Authentications by outcome.");
    counted(&m, "authentications", "outcome", "accepted", r->auth_accepted);
    counted(&m, "authentications", "outcome", "refused", r->auth_refused);
    family(&m, COUNTER, "refused_replies", "Replies of 4xx and 5xx, by the command.");
    for (size_t i = 0; i < r->refusal_count; i++)
        counted(&m, "refused_replies", "verb", r->refusals[i].verb, r->refusals[i].count);
    counter(&m, "sent_bytes", "Octets handed to the system for sending.", r->sent_bytes);
    counter(&m, "received_bytes", "Octets received.", r->received_bytes);
    now(&m, l);
    cpu(&m, r->cpu_user_ns, r->cpu_system_ns, r->peak_rss_bytes);
    finish(&m);
}
