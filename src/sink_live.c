/*
 * The sink's live line and page. In the serving thread, so all is short: a sink's document is.
 */
#include "sink_live.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "diag.h"
#include "human.h"
#include "metrics.h"
#include "sink_summary.h"
#include "units.h"

static uint64_t monotonic(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

int sink_live_init(struct sink_live *l, struct diag *d)
{
    l->begin = l->last = monotonic();
    l->live.left_ns = l->live.p50_ns = l->live.p99_ns = l->live.lag_p99_ns = NS_NEVER;
    if (!l->http)
        return 0;
    l->interval = stats_new();
    if (!l->interval || series_init(&l->series, SERIES_ROWS) < 0)
        return diag_set(d, -ENOMEM, "out of memory");
    sink_live_progress(l, &(struct sink_numbers){0});
    return 0;
}

void sink_live_done(struct sink_live *l)
{
    http_end(l->http, false);
    stats_free(l->interval);
    series_done(&l->series);
    *l = (struct sink_live){0};
}

static uint64_t ended(const struct sink_numbers *n)
{
    return n->quits + n->lost + n->aborted;
}

/* What came since the last time, as a row of the series. */
static void add_row(struct sink_live *l, const struct sink_numbers *n, uint64_t now)
{
    const struct sink_numbers *b = &l->before;

    stats_clear(l->interval);
    stats_add(l->interval, COUNTER_MESSAGES_ACCEPTED, n->messages - b->messages);
    stats_add(l->interval, COUNTER_CONNECTIONS_MADE, n->sessions - b->sessions);
    stats_add(l->interval, COUNTER_CONNECTIONS_CLOSED, ended(n) - ended(b));
    series_add(&l->series, now - l->begin, 0, l->interval,
               &l->interval->latency[PHASE_TRANSACTION]);
}

static void publish(struct sink_live *l, const struct sink_run *r)
{
    size_t size = 0;
    char *text;

    l->points.interval_ns = NS_PER_S;
    l->points.started_at = r->started_at;
    points_of(&l->points, &l->series);
    text = sink_live_json(r, &l->live, &l->points, &size);

    http_publish(l->http, HTTP_RUN, text, size);
    for (int open = 0; open < 2; open++) {
        FILE *out = open_memstream(&text, &size);

        if (!out)
            return;
        metrics_sink(r, &l->live, open, out);
        if (fclose(out) == 0)
            http_publish(l->http, open ? HTTP_METRICS_OPEN : HTTP_METRICS, text, size);
        else
            free(text);
    }
}

void sink_live_identify(const struct sink_live *l, struct sink_run *r)
{
    r->id = l->about.id;
    r->command_line = l->about.command_line;
    r->listening = l->about.listening;
    r->started_at = l->about.started_at;
}

static void figures(struct sink_live *l, const struct sink_numbers *n, uint64_t now)
{
    l->live.done = n->messages;
    l->live.rate = per_second(n->messages - l->before.messages, now - l->last);
    l->live.elapsed_ns = now - l->begin;
    l->live.open = n->sessions - ended(n);
    if (l->http && n->workers > 0) /* not of the picture before the first second */
        add_row(l, n, now);
    l->before = *n;
    l->last = now;
}

void sink_live_progress(void *arg, const struct sink_numbers *n)
{
    struct sink_live *l = arg;
    struct sink_refusal refusals[SERVER_VERB_COUNT];
    char line[REPORT_LIVE_SIZE];
    struct sink_run r;

    figures(l, n, monotonic());
    if (l->view)
        diag_live(report_live(line, sizeof line, &l->live));
    if (!l->http)
        return;
    sink_summary(&r, refusals, n, l->config);
    sink_live_identify(l, &r);
    r.ended = "running";
    publish(l, &r);
}

void sink_live_over(struct sink_live *l, const struct sink_numbers *n, const struct sink_run *r)
{
    if (!l->http)
        return;
    figures(l, n, monotonic());
    l->live.state = LIVE_OVER;
    publish(l, r);
    http_end(l->http, true);
    l->http = NULL;
}
