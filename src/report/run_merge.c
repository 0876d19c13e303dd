/*
 * Documents merged: shards of one load, or parts of one run.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "document.h"
#include "run_fields.h"
#include "run_file.h"
#include "units.h"

struct span {
    uint64_t from;
    uint64_t to;
};

static int by_begin(const void *a, const void *b)
{
    const struct span *x = a;
    const struct span *y = b;

    return x->from < y->from ? -1 : x->from > y->from;
}

/*
 * The time that at least one part covers: shards that ran at once count once, and what lies between
 * halves does not count. The longest part when it is not known of one when it began.
 */
static int covered(const struct run_part *parts, size_t n, const char **first, uint64_t *elapsed)
{
    struct span *spans = calloc(n, sizeof *spans);
    uint64_t longest = 0;
    uint64_t sum = 0;
    uint64_t end = 0;
    bool known = true;

    if (!spans)
        return -ENOMEM;
    *first = parts[0].started_at;
    for (size_t i = 0; i < n; i++) {
        spans[i].from = run_wall(parts[i].started_at);
        known = known && spans[i].from != NS_NEVER &&
                !__builtin_add_overflow(spans[i].from, parts[i].elapsed_ns, &spans[i].to);
        longest = parts[i].elapsed_ns > longest ? parts[i].elapsed_ns : longest;
        if (known && spans[i].from < run_wall(*first))
            *first = parts[i].started_at;
    }
    if (known) {
        qsort(spans, n, sizeof *spans, by_begin);
        for (size_t i = 0; i < n; i++) {
            uint64_t from = spans[i].from > end ? spans[i].from : end;

            sum += spans[i].to > from ? spans[i].to - from : 0;
            end = spans[i].to > end ? spans[i].to : end;
        }
    }
    free(spans);
    *first = known ? *first : NULL;
    *elapsed = known ? sum : longest;
    return 0;
}

static int add_parts(struct run_file *into, const struct run_file *from, struct diag *d)
{
    size_t n = into->part_count + from->part_count;
    struct run_part *all;

    for (size_t i = 0; i < into->part_count; i++)
        for (size_t k = 0; k < from->part_count; k++)
            if (into->parts[i].id && from->parts[k].id &&
                strcmp(into->parts[i].id, from->parts[k].id) == 0)
                return diag_set(d, -EINVAL, "holds run %.60s, which is among the others already",
                                from->parts[k].id);
    all = realloc(into->parts, n * sizeof *all);
    if (!all)
        return diag_set(d, -ENOMEM, "out of memory");
    memcpy(all + into->part_count, from->parts, from->part_count * sizeof *all);
    into->parts = all;
    into->part_count = n;
    into->run.parts = into->sink.parts = all;
    into->run.part_count = into->sink.part_count = n;
    return 0;
}

/* The first that is not complete tells how the whole ended. */
static const char *ended_of(const char *a, const char *b)
{
    return a && strcmp(a, "complete") != 0 ? a : b;
}

static int merge_sink(struct run_file *into, const struct run_file *from, struct diag *d)
{
    struct sink_run *sink = &into->sink;
    int rc = fields_merge(sink_fields, sink_field_count, sink, &from->sink, d);

    kinds_merge(&sink->tls, &from->sink.tls);
    kinds_merge(&sink->auth, &from->sink.auth);
    kinds_merge(&sink->auth_refusals, &from->sink.auth_refusals);
    for (size_t i = 0; i < from->sink.refusal_count && rc == 0; i++) {
        size_t k = 0;

        while (k < sink->refusal_count &&
               strcmp(into->refusals[k].verb, from->refusals[i].verb) != 0)
            k++;
        if (k == RUN_FILE_VERBS)
            return diag_set(d, -EOVERFLOW, "has too many kinds of refused commands");
        if (k == sink->refusal_count)
            into->refusals[sink->refusal_count++] =
                (struct sink_refusal){from->refusals[i].verb, 0};
        rc = fields_add(&into->refusals[k].count, from->refusals[i].count, "refused_by_verb", d);
    }
    sink->refusals = into->refusals;
    return rc;
}

/* Could any sum leave what a document can tell? Then nothing is merged. */
static int check_sums(const struct stats *a, const struct stats *b, struct diag *d)
{
    int rc = 0;

    for (int c = 0; c < COUNTER_COUNT && rc == 0; c++) {
        uint64_t n = a->counter[c];

        rc = fields_add(&n, b->counter[c], counter_name((enum counter)c), d);
    }
    for (int p = 0; p < PHASE_COUNT && rc == 0; p++) {
        uint64_t n = a->latency[p].count;
        uint64_t refused = a->refused_latency[p].count;

        rc = fields_add(&n, b->latency[p].count, phase_name((enum phase)p), d);
        if (rc == 0)
            rc = fields_add(&refused, b->refused_latency[p].count, phase_name((enum phase)p), d);
    }
    return rc;
}

static int merge_source(struct run_file *into, const struct run_file *from, struct diag *d)
{
    int rc = check_sums(into->total, from->total, d);

    if (rc < 0 ||
        (rc = target_rows_merge(&into->targets, &into->run, &from->targets, &from->run, d)) < 0 ||
        (rc = fields_merge(run_fields, run_field_count, &into->run, &from->run, d)) < 0)
        return rc;
    into->run.targets = into->targets.rows;
    into->run.target_count = into->targets.count;
    rc = model_merge(into, from, d);
    if (rc < 0)
        return rc;
    stats_merge(into->total, from->total);
    into->run.ended = ended_of(into->run.ended, from->run.ended);
    if (into->total->refusals.other.replies + into->total->refusals.other.messages > 0)
        run_file_note(into,
                      "kinds of refusals that a run had no room for are counted as other: the "
                      "rows of the table are lower bounds");
    if (!from->run.sink)
        return 0;
    into->run.sink = &into->sink;
    into->sink.elapsed_ns = into->sink.elapsed_ns > from->sink.elapsed_ns ? into->sink.elapsed_ns
                                                                          : from->sink.elapsed_ns;
    return merge_sink(into, from, d);
}

void run_file_note(struct run_file *f, const char *text)
{
    for (size_t i = 0; i < f->run.note_count; i++)
        if (strcmp(f->notes[i], text) == 0)
            return;
    if (f->run.note_count < RUN_FILE_NOTES)
        f->notes[f->run.note_count++] = text;
    f->run.notes = f->notes;
}

static int merge(struct run_file *into, const struct run_file *from, struct diag *d)
{
    const char *first;
    uint64_t elapsed;
    int rc;

    if (into->is_sink != from->is_sink)
        return diag_set(d, -EINVAL, "a source and a sink have no sum: merge each kind by itself");
    if ((rc = add_parts(into, from, d)) < 0)
        return rc;
    if (into->is_sink) {
        rc = fields_merge(sink_head_fields, sink_head_field_count, &into->sink, &from->sink, d);
        into->sink.ended = ended_of(into->sink.ended, from->sink.ended);
        rc = rc < 0 ? rc : merge_sink(into, from, d);
    } else {
        rc = merge_source(into, from, d);
    }
    if (rc < 0)
        return rc;
    if (covered(into->parts, into->part_count, &first, &elapsed) < 0)
        return diag_set(d, -ENOMEM, "out of memory");
    if (into->is_sink) {
        into->sink.started_at = first;
        into->sink.elapsed_ns = elapsed;
    } else {
        into->run.started_at = first;
        into->run.elapsed_ns = elapsed;
        model_conclude(into);
    }
    return 0;
}

int run_file_merge(struct run_file *into, const struct run_file *from, struct diag *d)
{
    struct diag inner;
    int rc = merge(into, from, &inner);

    return rc < 0 ? diag_set(d, rc, "%s: %s", from->name, inner.text) : 0;
}

void run_file_text(const struct run_file *f, FILE *out)
{
    if (f->is_sink)
        sink_report_text(&f->sink, out);
    else
        report_text(&f->run, out);
}

int run_file_json(const struct run_file *f, FILE *out)
{
    return f->is_sink ? sink_report_json(&f->sink, out) : report_json(&f->run, out);
}
