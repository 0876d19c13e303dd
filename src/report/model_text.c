/*
 * The load model in the summary.
 */
#include <string.h>

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
    double reached = 0;

    if (r->elapsed_ns)
        reached = (double)started * 1e9 / (double)r->elapsed_ns * RATE_PER_S / (double)m->target;
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

static void measured(const struct require_term *t, const struct require_result *r, char *out,
                     size_t size)
{
    if (!r->known) {
        (void)snprintf(out, size, "not measured");
        return;
    }
    switch (t->kind) {
    case REQUIRE_LATENCY:
        (void)snprintf(out, size, "%s", human_time(r->value).text);
        break;
    case REQUIRE_SHARE:
        (void)snprintf(out, size, "%.4g%%", (double)r->value * 100 / SHARE_WHOLE);
        break;
    case REQUIRE_RATE:
        (void)snprintf(out, size, "%s", human_rate(r->value).text);
        break;
    default:
        (void)snprintf(out, size, "%s", human_count(r->value).text);
    }
}

static void requirements(struct rows *o, const struct run_model *m)
{
    for (size_t i = 0; i < m->require->count; i++) {
        const struct require_term *t = &m->require->terms[i];
        struct require_result r = require_check(t, &m->facts);
        char value[40];

        measured(t, &r, value, sizeof value);
        rows_label(o, i ? "" : "required");
        rows_piece(o, "%s: %s, %s", t->text, value, r.met ? "met" : "NOT MET");
        rows_end(o);
    }
}

/* A sentence of any length, wrapped. */
static void words(struct rows *o, const char *first, const char *text)
{
    char word[ROWS_WIDTH];
    size_t n;

    rows_word(o, first);
    for (; *text; text += n + (text[n] == ' ')) {
        n = strcspn(text, " ");
        (void)snprintf(word, sizeof word, "%.*s", (int)n, text);
        rows_word(o, word);
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
    words(o, first, r->why);
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
                   human_count(stats_offered(m->warmup)).text);
        rows_end(o);
    }
    verdict(o, r);
    if (m)
        requirements(o, m);
    if (m && m->search)
        search_row(o, m->search);
}

void model_series(const struct run *r, FILE *out)
{
    const struct run_model *m = r->model;

    if (m->search)
        search_table(m->search, out);
    if (!m->show_series)
        return;
    fprintf(out, "\n  %8s %8s %8s %8s %8s %6s %8s %8s %8s\n", "until", "accepted", "refused",
            "failed", "missed", "open", "p50", "p99", "max");
    for (size_t i = 0; i < m->series->count; i++) {
        const struct series_row *w = &m->series->rows[i];

        fprintf(out, "  %8s %8s %8s %8s %8s %6s", human_time(w->end).text,
                human_short(w->ended[OUTCOME_ACCEPTED], 8).text,
                human_short(w->ended[OUTCOME_REFUSED], 8).text,
                human_short(w->ended[OUTCOME_FAILED] + w->ended[OUTCOME_UNKNOWN], 8).text,
                human_short(w->ended[OUTCOME_MISSED], 8).text, human_short(w->open, 6).text);
        if (w->latency.count)
            fprintf(out, " %8s %8s %8s", human_time(hist_percentile(&w->latency, 50)).text,
                    human_time(hist_percentile(&w->latency, 99)).text,
                    human_time(w->latency.max).text);
        fputc('\n', out);
    }
    if (m->series->intervals > 1)
        fprintf(out, "  each row is %u intervals of %s\n", (unsigned)m->series->intervals,
                human_time(m->interval_ns).text);
}
