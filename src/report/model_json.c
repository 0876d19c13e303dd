/*
 * The load model in the JSON document; fields in doc/report.md.
 */
#include "document.h"
#include "model_report.h"
#include "num.h"
#include "units.h"

static json_t *per_s(uint64_t rate)
{
    return json_real((double)rate / RATE_PER_S);
}

static void model(struct document *d, json_t *root, const struct run_model *m)
{
    json_t *o = json_object_get(root, "model"); /* where the plain fields are already */

    put(d, o, "target_per_s", m->target ? per_s(m->target) : json_null());
    put_text(d, o, "arrival", m->arrival);
    put_known(d, o, "length_ns", m->length_ns != NS_NEVER, m->length_ns);
    put_known(d, o, "seed", m->seed > 0, m->seed);
    put_number(d, o, "idle_sessions", m->idle_sessions);
    put(d, o, "keep_going", json_boolean(m->keep_going));
    put(d, o, "spin", json_boolean(m->spin));
}

static void workers(struct document *d, json_t *root, const struct run_model *m)
{
    json_t *rows = put_array(d, root, "workers");

    for (uint64_t i = 0; i < m->worker_count; i++) {
        const struct run_worker *w = &m->workers[i];
        json_t *row = json_object();

        put_number(d, row, "elapsed_ns", w->elapsed_ns);
        put_number(d, row, "cpu_ns", w->cpu_ns);
        put_known(d, row, "wait_ns", w->wait_ns != NS_NEVER, w->wait_ns);
        append(d, rows, row);
    }
}

static void outcomes(struct document *d, json_t *o, const uint64_t *counts)
{
    uint64_t sum = 0;

    for (int i = 0; i < OUTCOME_COUNT; i++)
        sum += counts[i];
    put_number(d, o, "offered", sum);
    for (int i = 0; i < OUTCOME_COUNT; i++)
        put_number(d, o, outcome_name((enum outcome)i), counts[i]);
}

void put_series(struct document *d, json_t *root, const struct series *s, uint64_t interval_ns)
{
    json_t *o = put_object(d, root, "series");
    json_t *rows;

    put_number(d, o, "interval_ns", interval_ns);
    put_number(d, o, "merged", s->intervals);
    rows = put_array(d, o, "rows");
    for (size_t i = 0; i < s->count; i++) {
        const struct series_row *r = &s->rows[i];
        json_t *row = json_object();
        bool any = r->latency.count > 0;

        put_number(d, row, "begin_ns", r->begin);
        put_number(d, row, "end_ns", r->end);
        outcomes(d, row, r->ended);
        put_number(d, row, "open", r->open);
        put_known(d, row, "p50_ns", any, hist_percentile(&r->latency, 50));
        put_known(d, row, "p99_ns", any, hist_percentile(&r->latency, 99));
        put_known(d, row, "max_ns", any, r->latency.max);
        put_number(d, row, "lag_max_ns", r->lag_max);
        append(d, rows, row);
    }
}

static void warmup(struct document *d, json_t *root, const struct run *r)
{
    json_t *o = put_object(d, root, "warmup");

    put_number(d, o, "elapsed_ns", r->warmup_ns);
    outcomes(d, put_object(d, o, "messages"),
             r->model->warmup->counter + COUNTER_MESSAGES_ACCEPTED);
}

static json_t *value(const struct require_term *t, const struct require_result *r)
{
    if (!r->known)
        return json_null();
    if (t->kind == REQUIRE_SHARE)
        return json_real((double)r->value / SHARE_WHOLE);
    return t->kind == REQUIRE_RATE ? per_s(r->value) : json_integer((json_int_t)r->value);
}

static void requirements(struct document *d, json_t *root, const struct run_model *m)
{
    static const char *const units[] = {
        [REQUIRE_LATENCY] = "ns",
        [REQUIRE_COUNT] = "count",
        [REQUIRE_SHARE] = "share",
        [REQUIRE_RATE] = "per_s",
    };
    json_t *rows = put_array(d, root, "requirements");

    for (size_t i = 0; i < m->require->count; i++) {
        const struct require_term *t = &m->require->terms[i];
        struct require_result r = require_check(t, &m->facts);
        json_t *row = json_object();

        put_text(d, row, "text", t->text);
        put(d, row, "met", json_boolean(r.met));
        put_text(d, row, "unit", units[t->kind]);
        put(d, row, "measured", value(t, &r));
        append(d, rows, row);
    }
}

void put_model(struct document *d, json_t *root, const struct run *r)
{
    const struct run_model *m = r->model;
    model(d, root, m);
    workers(d, root, m);
    if (m->require->count)
        requirements(d, root, m);
    if (m->search)
        put_search(d, root, m->search);
    if (r->warmup_ns)
        warmup(d, root, r);
    put_series(d, root, m->series, m->interval_ns);
}
