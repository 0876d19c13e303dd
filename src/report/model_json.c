/*
 * The load model in the JSON document; fields in doc/report.md.
 */
#include "document.h"
#include "model_report.h"
#include "num.h"
#include "run_fields.h"
#include "units.h"

static json_t *per_s(uint64_t rate)
{
    return json_real((double)rate / RATE_PER_S);
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

void put_outcomes(struct document *d, json_t *o, const uint64_t *ended)
{
    uint64_t sum = 0;

    for (int i = 0; i < OUTCOME_COUNT; i++)
        sum += ended[i];
    put_number(d, o, "offered", sum);
    for (int i = 0; i < OUTCOME_COUNT; i++)
        put_number(d, o, outcome_name((enum outcome)i), ended[i]);
}

static void warmup(struct document *d, json_t *root, const struct run *r)
{
    json_t *o = put_object(d, root, "warmup");

    put_number(d, o, "elapsed_ns", r->warmup_ns);
    put_outcomes(d, put_object(d, o, "messages"), r->model->warmup);
}

static json_t *value(const struct require_term *t, const struct require_result *r)
{
    if (!r->known)
        return json_null();
    if (t->kind == REQUIRE_SHARE)
        return json_real((double)r->value / SHARE_WHOLE);
    return t->kind == REQUIRE_RATE ? per_s(r->value) : json_integer((json_int_t)r->value);
}

static void requirements(struct document *d, json_t *root, const struct run *run)
{
    const struct run_model *m = run->model;
    const struct require_facts facts = run_facts(run);
    static const char *const units[] = {
        [REQUIRE_LATENCY] = "ns",
        [REQUIRE_COUNT] = "count",
        [REQUIRE_SHARE] = "share",
        [REQUIRE_RATE] = "per_s",
    };
    json_t *rows = put_array(d, root, "requirements");

    for (size_t i = 0; i < m->require->count; i++) {
        const struct require_term *t = &m->require->terms[i];
        struct require_result r = require_check(t, &facts);
        json_t *row = json_object();

        put_text(d, row, "text", t->text);
        put(d, row, "met", json_boolean(r.met));
        put_text(d, row, "unit", units[t->kind]);
        put(d, row, "measured", value(t, &r));
        append(d, rows, row);
    }
}

/* Of runs that were merged and do not align. */
static void series_apart(struct document *d, json_t *root, const struct run_model *m)
{
    json_t *all = put_array(d, root, "series_apart");

    for (size_t i = 0; i < m->series_count; i++) {
        json_t *o = json_object();

        put_points(d, o, &m->series[i]);
        append(d, all, o);
    }
}

void put_model(struct document *d, json_t *root, const struct run *r)
{
    const struct run_model *m = r->model;

    /* Where the plain fields are already. */
    fields_write(d, json_object_get(root, "model"), model_fields, model_field_count, m);
    workers(d, root, m);
    if (m->require->count)
        requirements(d, root, r);
    if (m->search)
        put_search(d, root, m->search);
    if (r->warmup_ns)
        warmup(d, root, r);
    if (m->series_count == 1)
        put_points(d, put_object(d, root, "series"), m->series);
    else if (m->series_count > 1)
        series_apart(d, root, m);
}
