/*
 * A capacity search in the document and in the summary.
 */
#include <string.h>

#include "document.h"
#include "human.h"
#include "model_report.h"
#include "num.h"
#include "rows.h"

static double level_of(const struct run_search *s, uint64_t level)
{
    return s->rates ? (double)level / RATE_PER_S : (double)level;
}

static struct human level_text(const struct run_search *s, uint64_t level)
{
    return s->rates ? human_rate(level) : human_count(level);
}

void put_search(struct document *d, json_t *root, const struct run_search *s)
{
    json_t *o = put_object(d, root, "search");
    json_t *rows = put_array(d, o, "condition");

    for (size_t i = 0; i < s->when->count; i++)
        append(d, rows, json_string(s->when->terms[i].text));
    put_text(d, o, "of", s->rates ? "rate_per_s" : "sessions");
    put(d, o, "found", s->found ? json_real(level_of(s, s->found)) : json_null());
    put_text(d, o, "limited_by", s->limited_by);
    rows = put_array(d, o, "steps");
    for (size_t i = 0; i < s->count; i++) {
        const struct run_step *step = &s->steps[i];
        json_t *row = json_object();

        put(d, row, "level", json_real(level_of(s, step->level)));
        put_text(d, row, "phase", step->phase);
        put_text(d, row, "verdict", step->verdict);
        put(d, row, "accepted_per_s", json_real((double)step->accepted / RATE_PER_S));
        put_known(d, row, "p50_ns", step->max > 0, step->p50);
        put_known(d, row, "p99_ns", step->max > 0, step->p99);
        put_known(d, row, "max_ns", step->max > 0, step->max);
        append(d, rows, row);
    }
}

void search_row(struct rows *o, const struct run_search *s)
{
    bool interrupted = strcmp(s->limited_by, "interrupted") == 0;

    rows_label(o, "found");
    if (s->found)
        rows_piece(o, "%s%s, confirmed", level_text(s, s->found).text, s->rates ? "" : " sessions");
    else
        rows_piece(o, interrupted ? "nothing yet" : "nothing that qualifies");
    for (size_t i = 0; i < s->when->count; i++)
        rows_piece(o, "%s", s->when->terms[i].text);
    rows_piece(o, interrupted ? "%s" : "limited by the %s", s->limited_by);
    rows_end(o);
}

void search_table(const struct run_search *s, FILE *out)
{
    fprintf(out, "\n  %-8s %13s %13s %8s %8s %8s  %s\n", "step", s->rates ? "rate" : "sessions",
            "accepted", "p50", "p99", "max", "verdict");
    for (size_t i = 0; i < s->count; i++) {
        const struct run_step *step = &s->steps[i];

        fprintf(out, "  %-8s %13s %13s", step->phase, level_text(s, step->level).text,
                human_rate(step->accepted).text);
        if (step->max > 0)
            fprintf(out, " %8s %8s %8s", human_time(step->p50).text, human_time(step->p99).text,
                    human_time(step->max).text);
        else
            fprintf(out, " %8s %8s %8s", "", "", "");
        fprintf(out, "  %s\n", step->verdict);
    }
}
