/*
 * Load models under the fake clock: schedules, response times and the series are known exactly; a
 * stall shows in the open model and hides in the closed one; the capacity search finds a limit that
 * is known.
 */
#include <stdio.h>
#include <string.h>

#include "arrivals.h"
#include "num.h"
#include "require.h"
#include "search.h"
#include "series.h"
#include "sim_run.h"
#include "targets.h"
#include "test_sim.h"
#include "think.h"
#include "worker.h"

#define R      CASE_ROUND
#define BEFORE (CASE_CONNECT + CASE_GREET + R) /* connect, greeting, hello */
#define TALK   (4 * R)                         /* a transaction of one recipient in lockstep */

static void show(const char *label, const char *amiss, const struct plan *p, struct result *r)
{
    test_result(label, amiss);
    if (amiss)
        result_print(p, r);
    result_done(r);
}

/* All values of a histogram, in order, as pairs of value and count; value 0 ends. */
struct expected {
    uint64_t value;
    uint64_t count;
};

static const char *check_hist(const struct hist *h, const struct expected *e)
{
    struct hist_slot slot;
    uint32_t at = 0;
    hist_sum sum = 0;
    uint64_t max = 0;

    for (; e->value; e++) {
        uint64_t n = e->count;

        sum += (hist_sum)e->value * e->count;
        max = e->value;
        /* Neighbours may share a slot. */
        while (n > 0) {
            if (!hist_next(h, &at, &slot) || slot.index != hist_index(e->value) || slot.count < n)
                return "a response time is not as expected";
            while (slot.count > n && e[1].value && hist_index(e[1].value) == slot.index) {
                e++;
                n += e->count;
                sum += (hist_sum)e->value * e->count;
                max = e->value;
            }
            if (slot.count != n)
                return "there are more of a response time than expected";
            n = 0;
        }
    }
    if (hist_next(h, &at, &slot))
        return "there are more response times than expected";
    return h->sum == sum && h->max == max ? NULL : "the sum of response times is not exact";
}

static void open_init(struct plan *p, const char *label, uint64_t rate, uint64_t duration)
{
    case_init(p, label);
    p->faultless = true;
    p->load.rate = rate;
    p->load.duration = duration;
    p->load.messages = 100000;
    p->load.keep_connection = true;
}

/* ---- Response times ---- */

/* Two sessions, ten starts a second apart: the first waits for its connection, no other does. */
static void constant(void)
{
    const char *label = "models: a constant rate, connections kept";
    const struct expected e[] = {{TALK, 9}, {BEFORE + TALK, 1}, {0, 0}};
    struct plan p;
    struct result r;
    const char *amiss;

    open_init(&p, label, RATE_PER_S, 10 * NS_PER_S);
    p.load.sessions = 2;
    amiss = case_play(&p, &r);
    if (!amiss)
        amiss = check_hist(&r.total->response[OUTCOME_ACCEPTED], e);
    if (!amiss && require_rate_time(r.total, r.elapsed, 0, RATE_PER_S) != 10 * NS_PER_S)
        amiss = "its rate is not the target's";
    if (!amiss && (r.total->counter[COUNTER_STARTS_WAITED] != 1 || r.total->lag.max != 0 ||
                   r.total->lag.count != 9))
        amiss = "the generator lags, or others waited";
    if (!amiss && r.elapsed != 9 * NS_PER_S + TALK + R)
        amiss = "it ends at another time";
    show(label, amiss, &p, &r);
}

/* A connection for each message: connecting is part of every response time. */
static void reconnecting(void)
{
    const char *label = "models: a constant rate, a connection a message";
    const struct expected e[] = {{BEFORE + TALK, 10}, {0, 0}};
    struct plan p;
    struct result r;
    const char *amiss;

    open_init(&p, label, RATE_PER_S, 10 * NS_PER_S);
    p.load.keep_connection = false;
    p.load.sessions = 2;
    amiss = case_play(&p, &r);
    if (!amiss)
        amiss = check_hist(&r.total->response[OUTCOME_ACCEPTED], e);
    if (!amiss && (r.total->lag.count != 10 || r.total->lag.max != 0))
        amiss = "the generator lags";
    show(label, amiss, &p, &r);
}

/* One session and too many starts: start i is done at BEFORE + (i + 1) TALK, and was due at i/20.
 */
static void overload(void)
{
    const char *label = "models: more than the server can do";
    const uint64_t gap = NS_PER_S / 20;
    struct expected e[21] = {{0, 0}};
    struct plan p;
    struct result r;
    const char *amiss;

    for (uint64_t i = 0; i < 20; i++)
        e[i] = (struct expected){BEFORE + (i + 1) * TALK - i * gap, 1};
    open_init(&p, label, 20 * RATE_PER_S, 2 * NS_PER_S);
    p.load.messages = 20; /* all before the end */
    amiss = case_play(&p, &r);
    if (!amiss)
        amiss = check_hist(&r.total->response[OUTCOME_ACCEPTED], e);
    if (!amiss && r.total->counter[COUNTER_STARTS_WAITED] != 20)
        amiss = "not all waited";
    show(label, amiss, &p, &r);
}

/* The same with a limit to lateness, and an end: what is dropped is missed, and all is counted. */
static void dropped(void)
{
    const char *label = "models: late starts are dropped";
    struct plan p;
    struct result r;
    const struct hist *h;
    const char *amiss;

    open_init(&p, label, 20 * RATE_PER_S, 10 * NS_PER_S);
    p.load.late_drop = 300 * NS_PER_MS;
    amiss = case_play(&p, &r);
    h = &r.total->response[OUTCOME_MISSED];
    if (!amiss && stats_offered(r.total) != 200)
        amiss = "not all starts are accounted for";
    if (!amiss && r.total->response[OUTCOME_ACCEPTED].max > 300 * NS_PER_MS + TALK)
        amiss = "one was not dropped in time";
    if (!amiss && (h->min != 300 * NS_PER_MS + 1 || h->max != 300 * NS_PER_MS + 1))
        amiss = "one was not dropped when its time came";
    /* One begins at BEFORE and then every TALK, until the last one (due at 9.95 s) is dropped. */
    if (!amiss && r.total->counter[COUNTER_MESSAGES_ACCEPTED] !=
                      1 + (9950 * NS_PER_MS + 300 * NS_PER_MS - BEFORE) / TALK)
        amiss = "another number was accepted";
    show(label, amiss, &p, &r);
}

/* A second of grace for what is in line when time is up; the rest is missed. */
static void grace(void)
{
    const char *label = "models: what is in line at the end";
    struct plan p;
    struct result r;
    const char *amiss;
    uint64_t begun = 1 + (3 * NS_PER_S - BEFORE) / TALK; /* 2 s and the grace */

    open_init(&p, label, 20 * RATE_PER_S, 2 * NS_PER_S);
    amiss = case_play(&p, &r);
    if (!amiss && r.total->counter[COUNTER_MESSAGES_ACCEPTED] != begun)
        amiss = "another number was accepted";
    if (!amiss && r.total->counter[COUNTER_MESSAGES_MISSED] != 40 - begun)
        amiss = "another number was missed";
    /* From when the first could have ended to when the last one did. */
    if (!amiss && require_rate_time(r.total, r.elapsed, 0, 20 * RATE_PER_S) > begun * TALK + R)
        amiss = "its rate is not the server's";
    show(label, amiss, &p, &r);
}

/* Sessions in a loop for a time: each is at it until the end, and finishes what it is at. */
static void in_a_loop(void)
{
    const char *label = "models: a duration";
    struct plan p;
    struct result r;
    const char *amiss;
    uint64_t each = 1 + (5 * NS_PER_S - BEFORE) / TALK;

    case_init(&p, label);
    p.faultless = true;
    p.load.messages = 100000;
    p.load.duration = 5 * NS_PER_S;
    p.load.keep_connection = true;
    amiss = case_play(&p, &r);
    if (!amiss && stats_offered(r.total) != each)
        amiss = "another number of messages";
    if (!amiss && r.elapsed != BEFORE + each * TALK + R)
        amiss = "it ends at another time";
    show(label, amiss, &p, &r);
}

/* ---- The series ---- */

struct recording {
    struct load *load;
    struct sim_world *world;
    struct series series;
    struct stats *total;
    uint64_t *taken_out;
    uint64_t begin;
};

/* What the main thread does by load_interval(), within the fake time. */
static void snapshot(void *arg)
{
    struct recording *g = arg;
    struct stats *s = recorder_now(&g->load->workers[0].recorder);
    uint64_t at = sim_now(g->world) - g->begin;

    series_add(&g->series, at, 0, s, &s->response[OUTCOME_ACCEPTED]);
    stats_merge(g->total, s);
    *g->taken_out += stats_offered(s);
    stats_clear(s);
    if (at < 9 * NS_PER_S)
        sim_at(g->world, sim_now(g->world) + NS_PER_S, snapshot, g);
}

static void record(void *arg, struct load *l, struct sim_world *world)
{
    struct recording *g = arg;

    g->load = l;
    g->world = world;
    g->begin = sim_now(world);
    sim_at(world, g->begin + NS_PER_S, snapshot, g);
}

/* 0..10/s in 5 s and back: 5 t^2 / 5 starts by t; each done TALK later, but the first. */
static void series(void)
{
    static const uint64_t ended[] = {1, 3, 5, 7, 8, 10, 7, 5, 3};
    const char *label = "models: the series of a ramp";
    struct recording g = {.total = stats_new()};
    struct plan p;
    struct result r;
    struct diag d;
    const char *amiss = NULL;

    open_init(&p, label, 0, 0);
    p.load.sessions = 3;
    p.begun = record;
    p.arg = &g;
    g.taken_out = &p.taken_out;
    (void)schedule_parse(&p.load.schedule, SCHEDULE_RATES, "0..10/s:5s, 10..0:5s", &d);
    (void)series_init(&g.series, 16);
    run_plan(&p, &r);
    stats_merge(r.total, g.total);
    for (size_t i = 0; i < 9 && !amiss; i++) {
        const struct series_row *row = &g.series.rows[i];

        if (row->begin != i * NS_PER_S || row->end != (i + 1) * NS_PER_S)
            amiss = "a row has another time";
        else if (row->ended[OUTCOME_ACCEPTED] != ended[i])
            amiss = "a row has another number of messages";
        else if (row->open != 3 || row->lag_max != 0)
            amiss = "a row has another number of connections, or lag";
        else if (row->latency.max != (i == 0 ? BEFORE + TALK : TALK))
            amiss = "a row has another latency";
    }
    if (!amiss && (g.series.count != 9 || stats_offered(r.total) != 50))
        amiss = "the rows don't add up";
    series_done(&g.series);
    stats_free(g.total);
    show(label, amiss, &p, &r);
}

/* Plays it with snapshots: so many messages in each second, in the last of them what was left. */
static const char *play_rows(struct plan *p, struct result *r, const uint64_t *ended, size_t rows)
{
    struct recording g = {.total = stats_new(), .taken_out = &p->taken_out};
    const char *amiss = NULL;
    uint64_t sum = 0;

    p->begun = record;
    p->arg = &g;
    (void)series_init(&g.series, 16);
    run_plan(p, r);
    stats_merge(r->total, g.total);
    for (size_t i = 0; i < g.series.count && i + 1 < rows && !amiss; i++) {
        sum += g.series.rows[i].ended[OUTCOME_ACCEPTED];
        if (g.series.rows[i].ended[OUTCOME_ACCEPTED] != ended[i])
            amiss = "a row has another number of messages";
    }
    if (!amiss && (g.series.count + 1 != rows || sum + ended[rows - 1] != stats_offered(r->total)))
        amiss = "the rows don't add up";
    series_done(&g.series);
    stats_free(g.total);
    return amiss;
}

/* Free sessions enough, a connection for each message: all take as long. */
static void free_init(struct plan *p, const char *label)
{
    open_init(p, label, 0, 0);
    p->load.keep_connection = false;
    p->load.sessions = p->load.connect_parallel = 40;
}

/* Starts of 5/s end 166 ms later, within their second; 17 of 20/s do, and 9 of 10/s. */
static void stages(void)
{
    static const uint64_t ended[] = {5, 5, 17, 3, 9, 10, 1};
    const struct expected e[] = {{BEFORE + TALK, 50}, {0, 0}};
    struct plan p;
    struct result r;
    struct diag d;
    const char *amiss;

    free_init(&p, "models: stages, with a spike and a gap");
    (void)schedule_parse(&p.load.schedule, SCHEDULE_RATES, "5/s:2s, 20/s:1s, 0:1s, 10/s:2s", &d);
    amiss = play_rows(&p, &r, ended, sizeof ended / sizeof *ended);
    if (!amiss)
        amiss = check_hist(&r.total->response[OUTCOME_ACCEPTED], e);
    if (!amiss && (r.total->lag.count != 50 || r.total->lag.max != 0))
        amiss = "the generator lags";
    show("models: stages, with a spike and a gap", amiss, &p, &r);
}

/* At the times that the walker of the schedule gives for the seed, whatever those are. */
static void poisson(void)
{
    const char *label = "models: random arrivals";
    uint64_t ended[9] = {0};
    struct expected e[] = {{BEFORE + TALK, 0}, {0, 0}};
    struct schedule s;
    struct arrivals a;
    struct plan p;
    struct result r;
    const char *amiss;

    free_init(&p, label);
    p.load.rate = 20 * RATE_PER_S;
    p.load.duration = 8 * NS_PER_S;
    p.load.arrival = ARRIVAL_POISSON;
    schedule_constant(&s, p.load.rate, p.load.duration);
    arrivals_init(&a, &s, ARRIVAL_POISSON, p.seed, p.load.messages, 0, 1);
    for (; a.at != NS_NEVER; arrivals_next(&a), e[0].count++)
        ended[(a.at + BEFORE + TALK) / NS_PER_S]++;
    amiss = play_rows(&p, &r, ended, sizeof ended / sizeof *ended);
    if (!amiss)
        amiss = check_hist(&r.total->response[OUTCOME_ACCEPTED], e);
    if (!amiss && (r.total->lag.max != 0 || e[0].count < 100))
        amiss = "the generator lags, or there was little to do";
    show(label, amiss, &p, &r);
}

/*
 * Two sessions, none, one. The first talks from BEFORE on and the second connects behind it; both
 * begin their ninth message within the second, and so does the one that is back later.
 */
static void session_stages(void)
{
    static const uint64_t ended[] = {16, 2, 8, 1};
    const char *label = "models: numbers of sessions";
    const struct expected e[] = {{TALK, 27}, {0, 0}};
    struct plan p;
    struct result r;
    struct diag d;
    const char *amiss;

    case_init(&p, label);
    p.faultless = true;
    p.load.messages = 100000;
    p.load.sessions = 0; /* follow from the stages */
    p.load.keep_connection = true;
    (void)schedule_parse(&p.load.session_stages, SCHEDULE_SESSIONS, "2:1s, 0:1s, 1:1s", &d);
    amiss = play_rows(&p, &r, ended, sizeof ended / sizeof *ended);
    if (!amiss)
        amiss = check_hist(&r.total->latency[PHASE_TRANSACTION], e);
    if (!amiss && r.total->counter[COUNTER_CONNECTIONS_MADE] != 3)
        amiss = "another number of connections";
    show(label, amiss, &p, &r);
}

/* ---- Sessions in a loop ---- */

static void loop_init(struct plan *p, const char *label, uint64_t messages)
{
    case_init(p, label);
    p->faultless = true;
    p->load.messages = messages;
    p->load.keep_connection = true;
}

/* Ten messages, three a connection: each connection costs its beginning and its QUIT. */
static void per_connection(void)
{
    const char *label = "models: messages a connection";
    struct plan p;
    struct result r;
    const char *amiss;

    loop_init(&p, label, 10);
    p.load.per_connection = (struct span){3, 3};
    amiss = case_play(&p, &r);
    if (!amiss && r.total->counter[COUNTER_CONNECTIONS_MADE] != 4)
        amiss = "another number of connections";
    if (!amiss && r.elapsed != 4 * (BEFORE + R) + 10 * TALK)
        amiss = "it ends at another time";
    show(label, amiss, &p, &r);
}

/* A pause behind each message but the last, as drawn from the worker's generator. */
static void thinking(const char *label, const char *text)
{
    const uint64_t messages = 6;
    uint64_t pauses = 0;
    struct rng rng;
    struct plan p;
    struct result r;
    struct diag d;
    const char *amiss;

    loop_init(&p, label, messages);
    (void)think_parse(&p.load.think, text, &d);
    rng.state = p.seed;
    for (uint64_t i = 1; i < messages; i++)
        pauses += think_draw(&p.load.think, &rng);
    amiss = case_play(&p, &r);
    if (!amiss && r.elapsed != BEFORE + messages * TALK + pauses + R)
        amiss = "it ends at another time";
    if (!amiss && r.total->latency[PHASE_TRANSACTION].max != TALK)
        amiss = "a pause is in a latency";
    show(label, amiss, &p, &r);
}

/* ---- The user's pause ---- */

static void hold(void *arg)
{
    struct recording *g = arg;

    load_hold(g->load, sim_now(g->world));
}

static void go_on(void *arg)
{
    struct recording *g = arg;

    load_go_on(g->load, sim_now(g->world));
}

static void plan_hold(void *arg, struct load *l, struct sim_world *world)
{
    struct recording *g = arg;

    *g = (struct recording){.load = l, .world = world, .begin = sim_now(world)};
    sim_at(world, g->begin + 2500 * NS_PER_MS, hold, g);
    sim_at(world, g->begin + 4700 * NS_PER_MS, go_on, g);
}

/* 2.2 s between two starts: all else is as without it, and comes so much later. */
static void pause(void)
{
    const char *label = "models: a pause is in no figure";
    const struct expected e[] = {{TALK, 9}, {BEFORE + TALK, 1}, {0, 0}};
    struct recording g;
    struct plan p;
    struct result r;
    const char *amiss;

    open_init(&p, label, RATE_PER_S, 10 * NS_PER_S);
    p.load.sessions = 2;
    p.begun = plan_hold;
    p.arg = &g;
    amiss = case_play(&p, &r);
    if (!amiss)
        amiss = check_hist(&r.total->response[OUTCOME_ACCEPTED], e);
    if (!amiss && (r.total->counter[COUNTER_STARTS_WAITED] != 1 || r.total->lag.max != 0))
        amiss = "the generator lags, or others waited";
    if (!amiss && r.elapsed != 9 * NS_PER_S + 2200 * NS_PER_MS + TALK + R)
        amiss = "it ends at another time";
    show(label, amiss, &p, &r);
}

/* ---- Coordinated omission ---- */

static const struct hist *stalled(bool open, struct result *r, const char **amiss)
{
    struct plan p;

    case_init(&p, open ? "models: a stall, target rate" : "models: a stall, in a loop");
    p.faultless = true;
    p.load.sessions = 5;
    p.load.messages = 100000;
    p.load.keep_connection = true;
    p.load.duration = 100 * NS_PER_S;
    p.load.rate = open ? 20 * RATE_PER_S : 0;
    p.net.latency = 2 * NS_PER_MS;
    p.script.delay = NS_PER_MS; /* 20 ms a message */
    p.script.stall_every = 10 * NS_PER_S;
    p.script.stall_for = NS_PER_S;
    *amiss = case_play(&p, r);
    return open ? &r->total->response[OUTCOME_ACCEPTED] : &r->total->latency[PHASE_TRANSACTION];
}

/*
 * A server that stalls for 1 s in every 10 s. At a rate every message due in the stall is late, one
 * in ten: p99 tells it, and p95 does. Sessions in a loop are held up once each per stall, and send
 * nothing meanwhile: one message in 450.
 */
static void stall(void)
{
    struct result open, closed;
    const char *amiss, *amiss2;
    const struct hist *a = stalled(true, &open, &amiss);
    const struct hist *b = stalled(false, &closed, &amiss2);

    if (!amiss)
        amiss = amiss2;
    if (!amiss && hist_percentile(a, 99) < 900 * NS_PER_MS)
        amiss = "the open model's p99 hides the stall";
    if (!amiss && hist_percentile(a, 95) < 400 * NS_PER_MS)
        amiss = "the open model's p95 hides the stall";
    if (!amiss && hist_percentile(b, 99) > 25 * NS_PER_MS)
        amiss = "the closed model shows the stall";
    if (!amiss && b->max < 900 * NS_PER_MS)
        amiss = "there was no stall in the closed model";
    test_result("models: a stall shows at a target rate, and hides in a loop", amiss);
    result_done(&open);
    result_done(&closed);
}

/* ---- Going on ---- */

/* A server that is away for a time: no message is lost by it, and the sums agree. */
static void outage(void)
{
    const char *label = "models: refused connections cost no message";
    struct plan p;
    struct result r;
    const char *amiss;

    case_init(&p, label);
    p.load.sessions = 4;
    p.load.messages = 200;
    p.load.keep_going = true;
    p.net.refused = 700;
    p.net.seed = 3;
    amiss = case_play(&p, &r);
    if (!amiss && r.total->counter[COUNTER_MESSAGES_ACCEPTED] != 200)
        amiss = "not all was accepted";
    if (!amiss && r.total->counter[COUNTER_CONNECTIONS_FAILED] < 200)
        amiss = "there was no outage";
    /* Each session makes 50 connections at 0.7 / 0.3 failures each, which pause up to 5 s. */
    if (!amiss && (r.elapsed < 5 * NS_PER_S || r.elapsed > 1000 * NS_PER_S))
        amiss = "the pauses are not as they should be";
    show(label, amiss, &p, &r);
}

static void two_thirds(struct plan *p, const char *label, uint32_t targets, bool open)
{
    case_init(p, label);
    p->targets = targets;
    p->load.sessions = 8;
    p->load.keep_going = true;
    p->load.messages = 1000;
    if (open) {
        p->load.rate = 10 * RATE_PER_S;
        p->load.duration = 100 * NS_PER_S;
    }
}

/* Of two servers the one that has two thirds of the turns is away: the other has all the mail, no
 * later than if it were alone, but for an attempt to connect now and then. */
static void dead_target(bool open)
{
    const char *label = open ? "models: a dead target costs the other nothing, at a rate"
                             : "models: a dead target costs the other nothing, in a loop";
    struct plan p, q;
    struct result r, alone;
    const struct target_stats *rows;
    const char *amiss;

    two_thirds(&q, label, 1, open);
    amiss = case_play(&q, &alone);
    two_thirds(&p, label, 2, open);
    if (amiss) {
        show(label, amiss, &q, &alone);
        return;
    }
    amiss = case_play(&p, &r);
    rows = r.total->targets;
    if (!amiss && rows[0].counter[COUNTER_MESSAGES_ACCEPTED] != 1000)
        amiss = "the other did not get all";
    if (!amiss && rows[1].counter[COUNTER_CONNECTIONS_FAILED] < 5)
        amiss = "it was not tried again";
    /* Seven rests that grow, then 2.5 s each at least; and all sessions at once at first. */
    if (!amiss && rows[1].counter[COUNTER_CONNECTIONS_FAILED] >
                      p.load.sessions + 7 + r.elapsed / (5 * NS_PER_S / 2))
        amiss = "it did not rest";
    if (!amiss && r.elapsed > alone.elapsed + NS_PER_S)
        amiss = "sessions waited for it";
    if (!amiss && r.total->response[OUTCOME_ACCEPTED].max >
                      alone.total->response[OUTCOME_ACCEPTED].max + NS_PER_S / 2)
        amiss = "messages waited for it";
    result_done(&alone);
    show(label, amiss, &p, &r);
}

/* ---- The capacity search ---- */

static enum search_verdict try_rate(uint64_t rate, const struct require *require)
{
    struct plan p;
    struct result r;
    struct require_facts f = {.open = true, .target = rate};
    enum search_verdict v;

    open_init(&p, "models: a step of the search", rate, 60 * NS_PER_S);
    p.load.sessions = 3;
    run_plan(&p, &r);
    f.stats = r.total;
    f.elapsed = r.elapsed;
    v = require_all(require, &f) ? SEARCH_PASSED : SEARCH_FAILED;
    result_done(&r);
    return v;
}

/* Three sessions in lockstep can do 3 / TALK; more than that piles up. */
static void search(void)
{
    const double limit = 3e9 / (double)TALK;
    struct require require;
    struct search s;
    struct diag d;
    double found;

    (void)require_parse(&require, "p99<250ms and errors==0", "find-rate", &d);
    search_init(&s, RATE_PER_S, 1000 * RATE_PER_S);
    while (s.phase != SEARCH_DONE)
        search_told(&s, try_rate(s.level, &require));
    found = (double)s.found / RATE_PER_S;
    test_result("models: the search finds a known limit within 5%",
                found <= limit * 1.01 && found >= limit * 0.95 ? NULL : "it does not");
}

void test_models(void)
{
    constant();
    reconnecting();
    overload();
    dropped();
    grace();
    in_a_loop();
    series();
    stages();
    poisson();
    session_stages();
    per_connection();
    thinking("models: think time", "1s");
    thinking("models: think time, exponential", "exp:2s");
    thinking("models: think time, a range", "100ms..3s");
    pause();
    stall();
    outage();
    dead_target(false);
    dead_target(true);
    search();
}
