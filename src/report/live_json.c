/*
 * The run document of a run that goes on.
 */
#include "document.h"
#include "model_report.h"
#include "num.h"
#include "report_live.h"
#include "run.h"
#include "units.h"

static void put_live(struct document *d, const struct live *l)
{
    static const char *const states[] = {[LIVE_RUNNING] = "running",
                                         [LIVE_WARMING] = "warming up",
                                         [LIVE_PAUSED] = "paused",
                                         [LIVE_FINISHING] = "finishing",
                                         [LIVE_OVER] = "over"};
    json_t *o = put_object(d, d->root, "live");

    put_text(d, o, "state", states[l->state]);
    put_number(d, o, "elapsed_ns", l->elapsed_ns);
    put_known(d, o, "left_ns", l->left_ns != NS_NEVER, l->left_ns);
    put_number(d, o, "rate_per_s", l->rate);
    put(d, o, "target_per_s", l->target ? json_real((double)l->target / RATE_PER_S) : json_null());
    put_known(d, o, "p50_ns", l->p50_ns != NS_NEVER, l->p50_ns);
    put_known(d, o, "p99_ns", l->p99_ns != NS_NEVER, l->p99_ns);
    put_known(d, o, "lag_p99_ns", l->lag_p99_ns != NS_NEVER, l->lag_p99_ns);
    put_number(d, o, "open", l->open);
}

char *report_live_json(const struct run *r, const struct live *l, size_t *size)
{
    struct document d;
    char *text;

    document_init(&d);
    d.for_page = true;
    put_run(&d, r);
    put_live(&d, l);
    text = document_text(&d, size);
    document_done(&d);
    return text;
}

char *sink_live_json(const struct sink_run *r, const struct live *l, const struct points *series,
                     size_t *size)
{
    struct document d;
    char *text;

    document_init(&d);
    d.for_page = true;
    put_sink_document(&d, r);
    put_points(&d, put_object(&d, d.root, "series"), series);
    put_live(&d, l);
    text = document_text(&d, size);
    document_done(&d);
    return text;
}
