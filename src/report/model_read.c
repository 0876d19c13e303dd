/*
 * The load model read back: what it was, what it showed, what was asked of it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "num.h"
#include "reading.h"
#include "run_fields.h"
#include "run_file.h"
#include "verdict.h"

/* Threads of merged runs add up; so many nobody has. */
#define WORKERS_MAX 1000000

/* Steps of a search, doc/report.schema.json. */
#define STEPS_MAX 64

/* A text that is one of those given. */
static bool is_one_of(const char *text, const char *const *words)
{
    while (text && *words)
        if (strcmp(text, *words++) == 0)
            return true;
    return false;
}

static int read_workers(struct run_file *f, struct diag *d)
{
    const json_t *rows = json_object_get(f->root, "workers");
    size_t n = json_array_size(rows);

    if (!json_is_array(rows) || n > WORKERS_MAX)
        return read_bad(d, "workers", "is no list of threads");
    f->workers = calloc(n + 1, sizeof *f->workers);
    if (!f->workers)
        return diag_set(d, -ENOMEM, "out of memory");
    for (size_t i = 0; i < n; i++) {
        const json_t *row = json_array_get(rows, i);
        struct run_worker *w = &f->workers[i];
        int rc;

        if ((rc = read_count(row, "workers", "elapsed_ns", false, &w->elapsed_ns, d)) < 0 ||
            (rc = read_count(row, "workers", "cpu_ns", false, &w->cpu_ns, d)) < 0 ||
            (rc = read_known(row, "workers", "wait_ns", &w->wait_ns, d)) < 0)
            return rc;
    }
    f->model.workers = f->workers;
    f->model.worker_count = n;
    return 0;
}

/* Comparisons from a list of texts, or of objects that have one. */
static int read_terms(const json_t *rows, const char *where, struct require *out, struct diag *d)
{
    struct diag inner;

    if (rows && !json_is_array(rows))
        return read_bad(d, where, "is no list");
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        const char *text =
            json_string_value(json_is_object(row) ? json_object_get(row, "text") : row);

        if (!text || require_add(out, text, where, &inner) < 0)
            return read_bad(d, where, "has one that this version doesn't know");
    }
    return 0;
}

/* They are judged anew, which must give what the file says. */
static int read_requirements(struct run_file *f, struct diag *d)
{
    const json_t *rows = json_object_get(f->root, "requirements");
    struct require_facts facts;
    int rc;

    f->model.require = &f->require;
    rc = read_terms(rows, "requirements", &f->require, d);
    if (rc < 0)
        return rc;
    facts = run_facts(&f->run);
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *met = json_object_get(json_array_get(rows, i), "met");

        if (!json_is_boolean(met) || i >= f->require.count ||
            json_is_true(met) != require_check(&f->require.terms[i], &facts).met)
            return read_bad(d, "requirements", "has one that is not as the numbers say");
    }
    return 0;
}

static int read_level(const json_t *o, const char *name, bool rates, uint64_t *out, struct diag *d)
{
    double level = json_number_value(json_object_get(o, name));

    if (rates)
        return read_rate(o, "search", name, out, d);
    if (!(level >= 0 && level < 1e15))
        return read_bad(d, "search", "has a level that is none");
    *out = (uint64_t)(level + 0.5);
    return 0;
}

static int read_step(const json_t *o, bool rates, struct run_step *step, struct diag *d)
{
    static const char *const phases[] = {"bracket", "bisect", "confirm", NULL};
    static const char *const verdicts[] = {"met", "not met", "not held", NULL};
    uint64_t *const times[] = {&step->p50, &step->p99, &step->max};
    static const char *const names[] = {"p50_ns", "p99_ns", "max_ns"};
    int rc;

    step->phase = json_string_value(json_object_get(o, "phase"));
    step->verdict = json_string_value(json_object_get(o, "verdict"));
    if (!is_one_of(step->phase, phases) || !is_one_of(step->verdict, verdicts))
        return read_bad(d, "search", "has a step that is none");
    if ((rc = read_level(o, "level", rates, &step->level, d)) < 0 ||
        (rc = read_rate(o, "search", "accepted_per_s", &step->accepted, d)) < 0)
        return rc;
    for (int i = 0; i < 3; i++) {
        rc = read_known(o, "search", names[i], times[i], d);
        if (rc < 0)
            return rc;
        *times[i] = *times[i] == UINT64_MAX ? 0 : *times[i];
    }
    return 0;
}

static int read_search(struct run_file *f, struct diag *d)
{
    static const char *const limits[] = {"condition", "generator", "bound", "interrupted", NULL};
    static const char *const kinds[] = {"rate_per_s", "sessions", NULL};
    const json_t *o = json_object_get(f->root, "search");
    const json_t *rows = json_object_get(o, "steps");
    const char *of = json_string_value(json_object_get(o, "of"));
    struct run_search *s = &f->search;
    int rc;

    if (!o)
        return 0;
    s->limited_by = json_string_value(json_object_get(o, "limited_by"));
    if (!json_is_array(rows) || json_array_size(rows) > STEPS_MAX || !is_one_of(of, kinds) ||
        !is_one_of(s->limited_by, limits))
        return read_bad(d, "search", "is none");
    s->rates = strcmp(of, kinds[0]) == 0;
    s->when = &f->search_when;
    if ((rc = read_terms(json_object_get(o, "condition"), "search", &f->search_when, d)) < 0 ||
        (rc = read_level(o, "found", s->rates, &s->found, d)) < 0)
        return rc;
    f->steps = calloc(json_array_size(rows) + 1, sizeof *f->steps);
    if (!f->steps)
        return diag_set(d, -ENOMEM, "out of memory");
    for (; s->count < json_array_size(rows); s->count++) {
        rc = read_step(json_array_get(rows, s->count), s->rates, &f->steps[s->count], d);
        if (rc < 0)
            return rc;
    }
    s->steps = f->steps;
    f->model.search = s;
    return 0;
}

static int read_warmup(struct run_file *f, struct diag *d)
{
    const json_t *messages = json_object_get(json_object_get(f->root, "warmup"), "messages");

    for (int o = 0; o < OUTCOME_COUNT; o++) {
        int rc = read_count(messages, "warmup", outcome_name((enum outcome)o), true,
                            &f->model.warmup[o], d);

        if (rc < 0)
            return rc;
    }
    return 0;
}

static int read_series(struct run_file *f, struct diag *d)
{
    const json_t *one = json_object_get(f->root, "series");
    const json_t *apart = json_object_get(f->root, "series_apart");
    size_t n = one ? 1 : json_array_size(apart);

    if (n == 0)
        return 0;
    f->series = calloc(n, sizeof *f->series);
    if (!f->series)
        return diag_set(d, -ENOMEM, "out of memory");
    for (; f->series_count < n; f->series_count++) {
        struct points *p = &f->series[f->series_count];
        int rc = points_read(one ? one : json_array_get(apart, f->series_count), p, d);

        if (rc < 0) {
            points_done(p);
            return rc;
        }
    }
    /* Older documents tell both elsewhere only. */
    if (one && !json_object_get(one, "started_at"))
        f->series->started_at = f->run.started_at;
    if (one && !json_object_get(one, "latency_of"))
        f->series->response = f->model.arrival != NULL;
    f->model.series = f->series;
    f->model.series_count = n;
    return 0;
}

int model_read(struct run_file *f, struct diag *d)
{
    static const char *const arrivals[] = {"constant", "poisson", "mixed", NULL};
    const json_t *o = json_object_get(f->root, "model");
    struct run_model *m = &f->model;
    int rc = read_series(f, d);

    /* Who knows no threads knows no model: older documents, and merged ones of those. */
    if (rc < 0 || !json_object_get(f->root, "workers"))
        return rc;
    m->length_ns = FIELD_MIXED;
    f->run.model = m;
    if (json_object_get(o, "arrival") &&
        (rc = fields_read(o, model_fields, model_field_count, m, d)) < 0)
        return rc;
    if ((m->target > 0 && !m->arrival) || (m->arrival && !is_one_of(m->arrival, arrivals)))
        return read_bad(d, "model.arrival", "is none that this version knows");
    if ((rc = read_warmup(f, d)) < 0 || (rc = read_workers(f, d)) < 0 ||
        (rc = read_search(f, d)) < 0)
        return rc;
    return read_requirements(f, d);
}
