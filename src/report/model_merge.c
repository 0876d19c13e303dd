/*
 * Load models merged: what all had in common stays, what the numbers of the whole tell is told
 * anew, and what is left out is noted.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "run_fields.h"
#include "run_file.h"
#include "units.h"

static bool same_terms(const struct require *a, const struct require *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (strcmp(a->terms[i].text, b->terms[i].text) != 0)
            return false;
    return true;
}

static int merge_workers(struct run_file *into, const struct run_file *from, struct diag *d)
{
    uint64_t n = into->model.worker_count;
    uint64_t m = from->model.worker_count;
    struct run_worker *all = realloc(into->workers, (n + m + 1) * sizeof *all);

    if (!all)
        return diag_set(d, -ENOMEM, "out of memory");
    if (m > 0)
        memcpy(all + n, from->workers, m * sizeof *all);
    into->model.workers = into->workers = all;
    into->model.worker_count = n + m;
    return 0;
}

/* One more beside the others; all of it is copied, since the other file has its own. */
static int add_series(struct run_file *into, const struct points *p)
{
    struct points *all = realloc(into->series, (into->series_count + 1) * sizeof *all);
    struct points *last;
    int rc;

    if (!all)
        return -ENOMEM;
    into->series = all;
    last = &all[into->series_count];
    *last = (struct points){.interval_ns = p->interval_ns,
                            .merged = p->merged,
                            .started_at = p->started_at,
                            .response = p->response};
    rc = points_merge(last, p);
    if (rc == 0)
        into->series_count++;
    return rc;
}

static int merge_series(struct run_file *into, const struct run_file *from, struct diag *d)
{
    int rc = 0;

    for (size_t i = 0; i < from->series_count && rc == 0; i++) {
        size_t k = 0;

        while (k < into->series_count && !points_align(&into->series[k], &from->series[i]))
            k++;
        rc = k < into->series_count ? points_merge(&into->series[k], &from->series[i])
                                    : add_series(into, &from->series[i]);
    }
    if (into->series_count > 1)
        run_file_note(into, "the series over time stand side by side: the runs did not begin "
                            "together, or their intervals differ");
    into->model.series = into->series;
    into->model.series_count = into->series_count;
    return rc < 0 ? diag_set(d, rc, "out of memory") : 0;
}

static void drop_requirements(struct run_file *f, const char *why)
{
    run_file_note(f, why);
    f->require.count = 0;
}

/* What was due in both; the rate of the whole follows when its time is known. */
static void merge_target(struct run_file *into, const struct run_file *from)
{
    struct run_model *m = &into->model;

    if (!into->due)
        into->due = (hist_sum)m->target * into->run.elapsed_ns;
    into->due += (hist_sum)from->model.target * from->run.elapsed_ns;
    if (!m->arrival != !from->model.arrival) {
        run_file_note(into, "there is no target rate: not all of the runs had one");
        m->arrival = NULL;
        m->target = 0;
    } else if (m->arrival && strcmp(m->arrival, from->model.arrival) != 0) {
        m->arrival = "mixed";
    }
}

int model_merge(struct run_file *into, const struct run_file *from, struct diag *d)
{
    static const char unlike[] = "requirements are left out: the runs did not have the same";
    struct run_model *m = &into->model;
    int rc;

    for (size_t i = 0; i < from->run.note_count; i++)
        run_file_note(into, from->notes[i]);
    if (!into->run.model || !from->run.model) {
        if (into->run.model || from->run.model)
            run_file_note(into, "the load model and the series are left out: not all of the "
                                "reports have them");
        into->run.model = NULL;
        return 0;
    }
    rc = fields_merge(model_fields, model_field_count, m, &from->model, d);
    for (int o = 0; o < OUTCOME_COUNT && rc == 0; o++)
        rc = fields_add(&m->warmup[o], from->model.warmup[o], "warmup", d);
    if (rc < 0 || (rc = merge_workers(into, from, d)) < 0 || (rc = merge_series(into, from, d)) < 0)
        return rc;
    merge_target(into, from);
    if (m->search || from->model.search)
        run_file_note(into, "the search is left out: its steps are of one run each");
    m->search = NULL;
    if (!same_terms(&into->require, &from->require))
        drop_requirements(into, unlike);
    return 0;
}

void model_conclude(struct run_file *f)
{
    struct run *r = &f->run;

    if (!r->model)
        return;
    if (f->model.arrival)
        f->model.target = r->elapsed_ns > 0 ? (uint64_t)(f->due / r->elapsed_ns) : 0;
    if (!f->model.target && require_wants_target(&f->require))
        drop_requirements(f, "requirements are left out: they are about the target rate");
    f->verdict = verdict_of(r);
    r->bottleneck = bottleneck_name(f->verdict.bottleneck);
    r->why = f->verdict.why;
}
