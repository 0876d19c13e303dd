/*
 * The run document as JSON: fields in doc/report.md, schema in doc/report.schema.json.
 */
#include "run.h"

#include <string.h>

#include "document.h"
#include "model_report.h"
#include "run_fields.h"
#include "sink_report.h"
#include "targets_report.h"
#include "units.h"

static void head(struct document *d, const struct run *r)
{
    struct run named = *r;

    named.role = r->role ? r->role : "source";
    named.ended = r->ended ? r->ended : "complete";
    put_text(d, d->root, "schema", RUN_SCHEMA);
    fields_write(d, d->root, run_fields, run_field_count, &named);
}

/* What runs were merged, so that a reader can tell. */
void put_parts(struct document *d, const struct run_part *parts, size_t n)
{
    json_t *rows;

    if (n == 0)
        return;
    rows = put_array(d, d->root, "merged");
    for (size_t i = 0; i < n; i++) {
        json_t *row = json_object();

        put_text(d, row, "run_id", parts[i].id);
        put_text(d, row, "started_at", parts[i].started_at);
        put_number(d, row, "elapsed_ns", parts[i].elapsed_ns);
        append(d, rows, row);
    }
}

static void notes(struct document *d, const struct run *r)
{
    json_t *rows = r->note_count > 0 ? put_array(d, d->root, "notes") : NULL;

    for (size_t i = 0; i < r->note_count; i++)
        append(d, rows, json_string(r->notes[i]));
}

/* What follows from the plain fields. */
static void rates(struct document *d, const struct run *r)
{
    uint64_t accepted = r->total->counter[COUNTER_MESSAGES_ACCEPTED];
    uint64_t time = run_rate_time(r);
    uint64_t started = stats_offered(r->total) - r->total->counter[COUNTER_MESSAGES_MISSED];

    put(d, d->root, "accepted_per_s",
        time > 0 ? json_real((double)accepted / ((double)time / NS_PER_S)) : json_null());
    put_known(d, json_object_get(d->root, "cpu"), "per_message_ns", started > 0,
              run_cpu_per_message(r));
}

/* Groups in the order of the list, and in front of each what its outcomes sum to. */
static void counters(struct document *d, const struct stats *s)
{
    json_t *group = NULL;
    const char *name = "";

    for (int c = 0; c < COUNTER_COUNT; c++) {
        if (strcmp(counter_group((enum counter)c), name) != 0) {
            name = counter_group((enum counter)c);
            group = put_object(d, d->root, name);
            if (c == COUNTER_MESSAGES_ACCEPTED)
                put_number(d, group, "offered", stats_offered(s));
            else if (c == COUNTER_RECIPIENTS_ACCEPTED)
                put_number(d, group, "offered", stats_rcpt_offered(s));
        }
        put_number(d, group, counter_name((enum counter)c), s->counter[c]);
    }
}

static void refusals(struct document *d, const struct refusals *r)
{
    json_t *rows = put_array(d, d->root, "refusals");
    json_t *other;

    for (uint32_t i = 0; i < r->count; i++) {
        json_t *row = json_object();

        put_text(d, row, "phase", phase_name((enum phase)r->keys[i].phase));
        put_number(d, row, "code", r->keys[i].code);
        put_text(d, row, "enhanced", r->keys[i].enhanced[0] ? r->keys[i].enhanced : NULL);
        put(d, row, "collateral", json_boolean(r->keys[i].collateral));
        put_number(d, row, "messages", r->rows[i].messages);
        put_number(d, row, "replies", r->rows[i].replies);
        put_text(d, row, "sample", r->rows[i].sample);
        append(d, rows, row);
    }
    other = put_object(d, d->root, "refusals_other");
    put_number(d, other, "messages", r->other.messages);
    put_number(d, other, "replies", r->other.replies);
}

static void breaks(struct document *d, const struct stats *s)
{
    json_t *o = put_object(d, d->root, "breaks");

    for (int p = 0; p < PHASE_COUNT; p++) {
        json_t *row;

        if (!stats_breaks(s, (enum phase)p))
            continue;
        row = put_object(d, o, phase_name((enum phase)p));
        for (int k = 0; k < BREAK_COUNT; k++)
            put_number(d, row, break_name((enum break_kind)k), s->breaks[p][k]);
    }
}

/* 2^128 has 39 digits. */
static void put_sum(struct document *d, json_t *object, const char *name, hist_sum sum)
{
    char text[48];
    char *p = text + sizeof text - 1;

    *p = '\0';
    do {
        *--p = (char)('0' + (int)(sum % 10));
        sum /= 10;
    } while (sum > 0);
    put_text(d, object, name, p);
}

void put_buckets(struct document *d, json_t *object, const struct hist *h)
{
    json_t *buckets = put_array(d, object, "buckets");
    struct hist_slot slot;
    uint32_t at = 0;

    while (hist_next(h, &at, &slot))
        append(d, buckets, json_pack("[I,I]", (json_int_t)slot.low, (json_int_t)slot.count));
}

void put_hist(struct document *d, json_t *object, const char *name, const struct hist *h)
{
    static const struct {
        const char *name;
        double p;
    } percentiles[] = {{"p50_ns", 50}, {"p90_ns", 90},     {"p95_ns", 95},
                       {"p99_ns", 99}, {"p99_9_ns", 99.9}, {"p99_99_ns", 99.99}};
    json_t *o = put_object(d, object, name);

    put_number(d, o, "count", h->count);
    put_number(d, o, "above", h->above);
    put_number(d, o, "min_ns", h->min);
    put_number(d, o, "mean_ns", hist_mean(h));
    for (size_t i = 0; i < sizeof percentiles / sizeof *percentiles; i++)
        put_number(d, o, percentiles[i].name, hist_percentile(h, percentiles[i].p));
    put_number(d, o, "max_ns", h->max);
    put_sum(d, o, "sum_ns", h->sum);
    put_buckets(d, o, h);
}

static void latency(struct document *d, const char *name, const struct hist *phases)
{
    json_t *o = put_object(d, d->root, name);

    for (int p = 0; p < PHASE_COUNT; p++)
        if (phases[p].count > 0)
            put_hist(d, o, phase_name((enum phase)p), &phases[p]);
}

/* With a target rate only: response times by outcome, and the generator's lag. */
static void starts(struct document *d, const struct stats *s)
{
    bool any = s->lag.count > 0;
    json_t *o;

    for (int i = 0; i < OUTCOME_COUNT; i++)
        any = any || s->response[i].count > 0;
    if (!any)
        return;
    o = put_object(d, d->root, "response");
    for (int i = 0; i < OUTCOME_COUNT; i++)
        if (s->response[i].count > 0)
            put_hist(d, o, outcome_name((enum outcome)i), &s->response[i]);
    o = put_object(d, d->root, "lag");
    if (s->lag.count > 0)
        put_hist(d, o, "start", &s->lag);
}

static void layout(struct document *d)
{
    json_t *o = put_object(d, d->root, "histogram");

    put_text(d, o, "layout", "HdrHistogram");
    put_number(d, o, "unit_ns", 1);
    put_number(d, o, "significant_digits", 2);
    put_number(d, o, "sub_buckets", HIST_SUB_BUCKETS);
    put_number(d, o, "highest_ns", HIST_HIGHEST);
}

void put_run(struct document *d, const struct run *r)
{
    head(d, r);
    rates(d, r);
    put_parts(d, r->parts, r->part_count);
    notes(d, r);
    counters(d, r->total);
    put_kinds(d, json_object_get(d->root, "tls"), "kinds", &r->total->tls);
    put_kinds(d, json_object_get(d->root, "auth"), "mechanisms", &r->total->auth);
    put_kinds(d, json_object_get(d->root, "auth"), "refused_users", &r->total->auth_users);
    refusals(d, &r->total->refusals);
    breaks(d, r->total);
    layout(d);
    latency(d, "latency", r->total->latency);
    latency(d, "refused_latency", r->total->refused_latency);
    starts(d, r->total);
    put_targets(d, d->root, r);
    if (r->model)
        put_model(d, d->root, r);
    if (r->sink)
        put_sink(d, d->root, r->sink);
}

int report_json(const struct run *r, FILE *out)
{
    struct document d;
    int code;

    document_init(&d);
    put_run(&d, r);
    code = document_write(&d, out);
    document_done(&d);
    return code;
}
