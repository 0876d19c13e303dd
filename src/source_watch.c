/*
 * Watching a run.
 */
#include "source_watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "diag.h"
#include "human.h"
#include "metrics.h"
#include "outage.h"
#include "terminal.h"
#include "units.h"

/* What is told of "the last second" is of no less than this. */
#define WINDOW_MIN (NS_PER_S * 9 / 10)

/* Pictures are made when such a window is complete, or else after so long. */
#define PICTURE_EVERY (NS_PER_S * 11 / 10)

/* That nobody serves us is told after so long, or a tenth of what ends the run. */
#define TELL_OUTAGE (30 * NS_PER_S)

static uint64_t monotonic(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

static bool is_watched(const struct watch *w)
{
    return w->view || w->http;
}

int watch_init(struct watch *w, struct diag *d)
{
    w->live.history = w->history;
    w->live.left_ns = w->live.p50_ns = w->live.p99_ns = w->live.lag_p99_ns = NS_NEVER;
    if (!is_watched(w))
        return 0;
    w->window = stats_new();
    w->earlier = stats_new();
    w->all = stats_new();
    return w->window && w->earlier && w->all ? 0 : diag_set(d, -ENOMEM, "out of memory");
}

void watch_done(struct watch *w)
{
    stats_free(w->window);
    stats_free(w->earlier);
    stats_free(w->all);
    http_end(w->http, false);
    w->window = w->earlier = w->all = NULL;
    w->http = NULL;
}

/* ---- What is told ---- */

static uint64_t started(const struct stats *s)
{
    return stats_offered(s) - s->counter[COUNTER_MESSAGES_MISSED];
}

/* The window is complete: figures of the last second. */
static void conclude(struct watch *w)
{
    const struct measure *m = w->measure;
    const struct hist *latency = measure_latency(m->settings, w->window);
    const struct hist *lag = &w->window->lag;
    struct live *l = &w->live;

    l->rate = per_second(started(w->window), w->window_ns);
    l->target = load_target_rate(m->settings, m->last - w->window_ns, m->last);
    l->p50_ns = latency->count ? hist_percentile(latency, 50) : NS_NEVER;
    l->p99_ns = latency->count ? hist_percentile(latency, 99) : NS_NEVER;
    l->max_ns = latency->max;
    l->lag_p99_ns = lag->count ? hist_percentile(lag, 99) : NS_NEVER;
    if (l->history_count == WATCH_HISTORY)
        memmove(w->history, w->history + 1, sizeof w->history - sizeof *w->history);
    else
        l->history_count++;
    w->history[l->history_count - 1] = l->rate;
    stats_clear(w->window);
    w->window_ns = 0;
}

static enum live_state state_of(const struct watch *w)
{
    if (run_held(&w->load->control))
        return LIVE_PAUSED;
    if (run_stop(&w->load->control) != RUN_ON)
        return LIVE_FINISHING;
    return w->measure->warming ? LIVE_WARMING : LIVE_RUNNING;
}

/* Figures since the begin. */
static void count(struct watch *w, uint64_t now)
{
    const struct measure *m = w->measure;
    const struct load_settings *s = m->settings;
    uint64_t begin = load_began(w->load);
    struct live *l = &w->live;

    l->state = state_of(w);
    if (l->state == LIVE_PAUSED) {
        now = w->load->held_at;
        l->rate = 0;
    }
    l->elapsed_ns = now > begin ? now - begin : 0; /* NS_NEVER: not begun */
    l->total = s->messages == LOAD_UNLIMITED ? 0 : s->messages;
    l->length_ns = s->length;
    l->sessions = (s->sessions < s->messages ? s->sessions : s->messages) + s->idle_sessions;
    l->open = m->series.open;
    l->done = stats_offered(m->total) + stats_offered(m->warmup);
    l->errors = stats_errors(m->total) + stats_errors(m->warmup);
    for (int o = 0; o < OUTCOME_COUNT; o++)
        l->ended[o] = m->total->counter[COUNTER_MESSAGES_ACCEPTED + o] +
                      m->warmup->counter[COUNTER_MESSAGES_ACCEPTED + o];
    l->left_ns = report_left(l->done, l->total, l->elapsed_ns);
    if (s->length != NS_NEVER)
        l->left_ns = l->elapsed_ns < s->length ? s->length - l->elapsed_ns : 0;
    if (l->history_count == 0) /* before the first second is over */
        l->target = load_target_rate(s, 0, NS_PER_S);
    l->keys = terminal_fd() >= 0;
}

static void draw(const struct watch *w)
{
    struct view_style style = terminal_style();
    char text[REPORT_VIEW_SIZE];

    if (w->view && terminal_is_ours())
        diag_live(report_view(text, sizeof text, &w->live, &style));
}

static void put_metrics(struct watch *w, const struct run *r, bool open)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    if (!out)
        return;
    metrics_source(r, &w->live, open, out);
    if (fclose(out) == 0)
        http_publish(w->http, open ? HTTP_METRICS_OPEN : HTTP_METRICS, text, size);
    else
        free(text);
}

static void put_page(struct watch *w, const struct run *r)
{
    size_t size = 0;
    char *text = report_live_json(r, &w->live, &size);
    struct run whole = *r;

    http_publish(w->http, HTTP_RUN, text, size);
    stats_clear(w->all);
    stats_merge(w->all, w->earlier);
    stats_merge(w->all, w->measure->warmup);
    stats_merge(w->all, w->measure->total);
    whole.total = w->all;
    put_metrics(w, &whole, false);
    put_metrics(w, &whole, true);
}

static void picture(struct watch *w, uint64_t now)
{
    if (w->window_ns >= WINDOW_MIN)
        conclude(w);
    count(w, now);
    draw(w);
    if (w->http) {
        struct run r = {0};

        w->describe(w->arg, &r);
        put_page(w, &r);
    }
    w->due = now + PICTURE_EVERY;
}

void watch_over(struct watch *w, const struct run *r)
{
    if (!w->http)
        return;
    count(w, monotonic());
    w->live.elapsed_ns = r->warmup_ns + r->elapsed_ns;
    w->live.state = LIVE_OVER;
    put_page(w, r);
    http_end(w->http, true);
    w->http = NULL;
}

void watch_again(struct watch *w)
{
    if (!is_watched(w))
        return;
    stats_merge(w->earlier, w->measure->warmup);
    stats_merge(w->earlier, w->measure->total);
    stats_clear(w->window);
    w->window_ns = 0;
}

/* ---- What is acted upon ---- */

static void go_on(struct watch *w, uint64_t now)
{
    if (!run_held(&w->load->control))
        return;
    if (now > w->load->held_at) {
        w->pauses.count++;
        w->pauses.total_ns += now - w->load->held_at;
        w->resumed_at = now;
    }
    load_go_on(w->load, now);
}

/* The first finishes what is under way, the next drops it. */
static void stop(struct watch *w)
{
    bool first = run_stop(&w->load->control) == RUN_ON;

    if (first && !w->quiet)
        diag_note("finishing what is under way; again to stop at once");
    run_control_stop(&w->load->control, first ? RUN_FINISH : RUN_ABORT);
    go_on(w, monotonic());
    load_wake(w->load);
}

static void press(struct watch *w, int key)
{
    uint64_t now = monotonic();

    if (run_stop(&w->load->control) != RUN_ON)
        return;
    if (key == 'q')
        stop(w);
    else if (key == 'p' && run_held(&w->load->control))
        go_on(w, now);
    else if (key == 'p' && load_began(w->load) != NS_NEVER)
        load_hold(w->load, now);
    else
        return;
    picture(w, now);
}

/* An interval was taken. */
static void took(struct watch *w)
{
    const struct measure *m = w->measure;

    if (m->stopped && run_stop(&w->load->control) == RUN_ON) {
        run_control_stop(&w->load->control, RUN_FINISH);
        load_wake(w->load);
    }
    if (!is_watched(w))
        return;
    stats_merge(w->window, m->interval);
    w->window_ns += m->took;
}

static uint64_t tell_after(const struct load_settings *s)
{
    return s->give_up / 10 < TELL_OUTAGE ? s->give_up / 10 : TELL_OUTAGE;
}

/* A server that serves nobody is told of, and ends the run when its time is over. */
static void look_for_outage(struct watch *w, uint64_t now)
{
    const struct load_settings *s = w->measure->settings;
    struct diag why;
    struct diag d;
    uint64_t ns;

    if (!s->keep_going || run_held(&w->load->control) || run_stop(&w->load->control) != RUN_ON)
        return;
    ns = load_outage(w->load, now, &why);
    if (now - w->resumed_at < ns)
        ns = now - w->resumed_at;
    if (ns < tell_after(s)) {
        w->told_outage = false;
    } else if (ns >= s->give_up) {
        (void)diag_set(&d, 0, "no connection got ready for a message in %s (--give-up): %s",
                       human_time(s->give_up).text, why.text);
        run_control_fail(&w->load->control, &d);
        load_wake(w->load);
    } else if (!w->told_outage) {
        w->told_outage = true;
        diag_warn("no connection got ready for a message in %s, still trying: %s",
                  human_time(ns).text, why.text);
    }
}

static uint64_t left(const struct watch *w, uint64_t now)
{
    uint64_t interval = measure_left(w->measure, w->load, now);
    uint64_t own = w->due > now ? w->due - now : 0;
    uint64_t look = tell_after(w->measure->settings) / 2;

    if (w->measure->settings->keep_going && look < interval)
        interval = look;
    return is_watched(w) && own < interval ? own : interval;
}

void watch_run(struct watch *w)
{
    uint64_t one;
    int key;

    if (w->http)
        picture(w, monotonic());
    w->due = monotonic() + PICTURE_EVERY;
    if (w->view)
        (void)terminal_open();
    while (read(w->load->done_fd, &one, sizeof one) < 0) {
        bool warming = w->measure->warming;
        uint64_t now = monotonic();

        if (process_wait(left(w, now), w->load->done_fd, terminal_fd()))
            stop(w);
        while ((key = terminal_key()) != 0)
            press(w, key);
        now = monotonic();
        if (measure_take(w->measure, w->load, now)) {
            if (warming && !w->measure->warming)
                process_usage(w->before);
            took(w);
        }
        look_for_outage(w, now);
        if (is_watched(w) && (now >= w->due || w->window_ns >= WINDOW_MIN))
            picture(w, now);
    }
    /* A run that came to its end by itself was not held up. */
    go_on(w, run_stop(&w->load->control) == RUN_ON ? w->load->held_at : monotonic());
    diag_live(NULL);
    terminal_close();
}
