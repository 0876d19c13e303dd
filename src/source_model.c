/*
 * From the load's structs to the report's, which know nothing of each other.
 */
#include "source_model.h"

#include <stdio.h>

#include "arrivals.h"

static void describe_search(struct source_model *out, const struct find *f)
{
    static const char *const phases[] = {
        [SEARCH_BRACKET] = "bracket", [SEARCH_BISECT] = "bisect", [SEARCH_CONFIRM] = "confirm"};
    static const char *const verdicts[] = {
        [SEARCH_PASSED] = "met", [SEARCH_FAILED] = "not met", [SEARCH_NOT_HELD] = "not held"};
    const struct search *s = &f->search;

    for (size_t i = 0; i < s->count; i++)
        out->steps[i] = (struct run_step){
            .level = f->steps[i].level,
            .accepted = f->steps[i].accepted,
            .p50 = f->steps[i].p50,
            .p99 = f->steps[i].p99,
            .max = f->steps[i].max,
            .phase = phases[f->steps[i].phase],
            .verdict = verdicts[f->steps[i].verdict],
        };
    out->search = (struct run_search){
        .when = &f->settings->find_when,
        .rates = f->settings->find == FIND_RATE,
        .found = s->found,
        .limited_by = s->phase != SEARCH_DONE   ? "interrupted"
                      : s->failed == UINT64_MAX ? "bound"
                      : s->failed_by_generator  ? "generator"
                                                : "condition",
        .steps = out->steps,
        .count = s->count,
    };
    out->model.search = &out->search;
}

void source_model(struct source_model *out, const struct load *load, const struct measure *m,
                  const struct find *f, const char *started_at)
{
    const struct load_settings *l = load->settings;

    out->model = (struct run_model){
        .length_ns = l->length,
        .seed = l->seed,
        .idle_sessions = l->idle_sessions,
        .keep_going = l->keep_going,
        .told_to_wait = l->wait || l->random_wait || l->think.kind != THINK_NONE || l->rate_count,
        .spin = l->spin,
        .target = measure_facts(m).target,
        .series = &out->series,
        .series_count = 1,
        .require = &l->require,
        .workers = out->workers,
        .worker_count = load->worker_count,
    };
    out->series.interval_ns = l->interval;
    out->series.started_at = started_at;
    out->series.response = l->schedule.count > 0;
    out->series.in_summary = l->interval_given;
    points_of(&out->series, &m->series);
    for (int o = 0; o < OUTCOME_COUNT; o++)
        out->model.warmup[o] = m->warmup->counter[COUNTER_MESSAGES_ACCEPTED + o];
    if (l->schedule.count)
        out->model.arrival = l->arrival == ARRIVAL_POISSON ? "poisson" : "constant";
    for (uint64_t i = 0; i < load->worker_count; i++)
        out->workers[i] = (struct run_worker){load->usage[i].elapsed_ns, load->usage[i].cpu_ns,
                                              load->usage[i].wait_ns};
    if (f)
        describe_search(out, f);
}

void source_stopped(const struct require *when, char *ended, size_t size)
{
    size_t n = (size_t)snprintf(ended, size, "stopped: ");

    for (size_t i = 0; i < when->count && n < size; i++)
        n += (size_t)snprintf(ended + n, size - n, "%s%s", i ? " and " : "", when->terms[i].text);
}
