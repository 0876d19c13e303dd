/*
 * The load model in the summary.
 */
#include <string.h>

#include "conditions.h"
#include "human.h"
#include "model_report.h"
#include "num.h"
#include "rows.h"
#include "units.h"
#include "verdict.h"

struct human human_rate(uint64_t rate)
{
    struct human h;

    if (rate >= 100 * RATE_PER_S)
        (void)snprintf(h.text, sizeof h.text, "%.29s/s",
                       human_short((rate + RATE_PER_S / 2) / RATE_PER_S, 13).text);
    else
        (void)snprintf(h.text, sizeof h.text, "%.4g/s", (double)rate / RATE_PER_S);
    return h;
}

static void target(struct rows *o, const struct run *r)
{
    const struct run_model *m = r->model;
    const struct stats *s = r->total;
    uint64_t started = stats_offered(s) - s->counter[COUNTER_MESSAGES_MISSED];
    uint64_t time = run_rate_time(r);
    double reached = 0;

    if (time)
        reached = (double)started * 1e9 / (double)time * RATE_PER_S / (double)m->target;
    rows_label(o, "target");
    rows_piece(o, "%s %s", human_rate(m->target).text, m->arrival);
    rows_piece(o, "%.2f%% of it started", reached * 100);
    rows_end(o);
    rows_label(o, "starts");
    rows_piece(o, "%s waited for a session", human_count(s->counter[COUNTER_STARTS_WAITED]).text);
    rows_piece(o, "%s missed", human_count(s->counter[COUNTER_MESSAGES_MISSED]).text);
    if (s->lag.count)
        rows_piece(o, "lag of the generator p50 %s, p99 %s, max %s",
                   human_time(hist_percentile(&s->lag, 50)).text,
                   human_time(hist_percentile(&s->lag, 99)).text, human_time(s->lag.max).text);
    rows_end(o);
}

static void requirements(struct rows *o, const struct run *run)
{
    const struct run_model *m = run->model;
    const struct require_facts facts = run_facts(run);

    for (size_t i = 0; i < m->require->count; i++) {
        const struct require_term *t = &m->require->terms[i];
        struct require_result r = require_check(t, &facts);
        rows_label(o, i ? "" : "required");
        rows_piece(o, "%s: %s, %s", t->text,
                   r.known ? condition_value(t, r.value).text : "not measured",
                   r.met ? "met" : "NOT MET");
        rows_end(o);
    }
}

static void verdict(struct rows *o, const struct run *r)
{
    char first[ROWS_WIDTH];

    if (!r->bottleneck || !r->why)
        return;
    /* Who asked for no rate gets an answer only when there is one. */
    if (strcmp(r->bottleneck, bottleneck_name(BOTTLENECK_UNKNOWN)) == 0 &&
        !(r->model && r->model->target))
        return;
    rows_label(o, "bottleneck");
    (void)snprintf(first, sizeof first, "%.60s:", r->bottleneck);
    rows_word(o, first);
    rows_words(o, r->why);
    rows_end(o);
}

void model_rows(struct rows *o, const struct run *r)
{
    const struct run_model *m = r->model;

    if (m && m->target)
        target(o, r);
    if (m && r->warmup_ns) {
        rows_label(o, "warm-up");
        rows_piece(o, "%s with %s messages left out", human_time(r->warmup_ns).text,
                   human_count(run_warmup_messages(m)).text);
        rows_end(o);
    }
    verdict(o, r);
    if (m)
        requirements(o, r);
    if (m && m->search)
        search_row(o, m->search);
}

static void series_row(const struct point *p, FILE *out)
{
    fprintf(out, "  %8s %8s %8s %8s %8s %6s", human_time(p->end_ns).text,
            human_short(p->ended[OUTCOME_ACCEPTED], 8).text,
            human_short(p->ended[OUTCOME_REFUSED], 8).text,
            human_short(p->ended[OUTCOME_FAILED] + p->ended[OUTCOME_UNKNOWN], 8).text,
            human_short(p->ended[OUTCOME_MISSED], 8).text, human_short(p->open, 6).text);
    if (p->max_ns != NS_NEVER)
        fprintf(out, " %8s %8s %8s", p->p50_ns == NS_NEVER ? "-" : human_time(p->p50_ns).text,
                p->p99_ns == NS_NEVER ? "-" : human_time(p->p99_ns).text,
                human_time(p->max_ns).text);
    fputc('\n', out);
}

static void series(const struct points *s, FILE *out)
{
    fprintf(out, "\n  %8s %8s %8s %8s %8s %6s %8s %8s %8s\n", "until", "accepted", "refused",
            "failed", "missed", "open", "p50", "p99", "max");
    for (size_t i = 0; i < s->count; i++)
        series_row(&s->rows[i], out);
    if (s->merged > 1)
        fprintf(out, "  each row is %u intervals of %s\n", (unsigned)s->merged,
                human_time(s->interval_ns).text);
}

void model_series(const struct run *r, FILE *out)
{
    const struct run_model *m = r->model;

    if (m->search)
        search_table(m->search, out);
    for (size_t i = 0; i < m->series_count; i++) {
        if (!m->series[i].in_summary)
            continue;
        if (m->series_count > 1)
            fprintf(out, "\n  from %s on\n",
                    m->series[i].started_at ? m->series[i].started_at : "an unknown time");
        series(&m->series[i], out);
    }
}
