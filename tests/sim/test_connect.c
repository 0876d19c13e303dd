/*
 * Connecting and letting go, to the nanosecond of the fake clock: the rate of attempts, how many
 * are in progress, the ways to close, and a server that never answers QUIT.
 */
#include <stdio.h>
#include <string.h>

#include "sim_run.h"
#include "test_sim.h"

static void show(const char *label, const char *amiss, const struct plan *p, struct result *r)
{
    test_result(label, amiss);
    if (amiss)
        result_print(p, r);
    result_done(r);
}

/* ---- The rate ---- */

/* From the first attempt to the one that is n behind it. */
static uint64_t schedule(const struct plan *p, uint64_t n)
{
    return n * p->load.rate_period / p->load.rate_count;
}

static const char *check_schedule(const struct plan *p, const struct result *r, uint64_t attempts)
{
    uint64_t gap = schedule(p, 1);

    if (r->net.connects != attempts)
        return "another number of attempts";
    if (r->net.last_connect - r->net.first_connect != schedule(p, attempts - 1))
        return "the last attempt is not when it is due";
    if (r->net.gap_min < gap || r->net.gap_max > gap + 1)
        return "the attempts are not evenly spaced";
    return NULL;
}

/* More sessions than are needed to reach it: each attempt goes when it is due, none drifts. */
static void paced(const char *label, uint64_t count, uint64_t period, uint64_t parallel)
{
    struct plan p;
    struct result r;
    const char *amiss;

    case_init(&p, label);
    p.faultless = true;
    p.load.sessions = 200;
    p.load.messages = 1000;
    p.load.rate_count = count;
    p.load.rate_period = period;
    p.load.connect_parallel = parallel;
    amiss = case_play(&p, &r);
    if (!amiss)
        amiss = check_schedule(&p, &r, 1000);
    show(label, amiss, &p, &r);
}

/* Another try is an attempt like any other. */
static void paced_tries(void)
{
    const char *label = "rate: further tries";
    struct plan p;
    struct result r;
    const char *amiss;

    case_init(&p, label);
    p.net.refused = 1000;
    p.load.connect_tries = 5;
    p.load.rate_count = 3;
    p.load.rate_period = NS_PER_S;
    amiss = case_play(&p, &r);
    if (!amiss)
        amiss = check_schedule(&p, &r, 5);
    show(label, amiss, &p, &r);
}

/* A rate that the sessions don't reach holds nobody up, and nothing is made up for later. */
static void unreached(uint64_t wait)
{
    struct plan p;
    struct result r;
    const char *amiss;
    char label[80];

    (void)snprintf(label, sizeof label, "rate: not reached%s", wait ? ", with pauses" : "");
    case_init(&p, label);
    p.faultless = true;
    p.load.sessions = wait ? 3 : 1;
    p.load.messages = 30;
    p.load.wait = wait;
    p.load.rate_count = 6;
    p.load.rate_period = NS_PER_S;
    amiss = case_play(&p, &r);
    if (!amiss && r.net.gap_min < schedule(&p, 1))
        amiss = "attempts follow too closely";
    if (!amiss && !wait && r.net.gap_max != CASE_CONNECT + CASE_GREET + 6 * CASE_ROUND)
        amiss = "an attempt waits for no reason";
    if (!amiss && wait && r.net.gap_max < wait / 2)
        amiss = "the pauses are none";
    show(label, amiss, &p, &r);
}

/* Connects that take longer than their distance: one goes when the other is done. */
static void slow_connects(uint64_t parallel, uint64_t gap)
{
    struct plan p;
    struct result r;
    const char *amiss;
    char label[80];

    (void)snprintf(label, sizeof label, "rate: slow connects, %llu at a time",
                   (unsigned long long)parallel);
    case_init(&p, label);
    p.faultless = true;
    p.net.connect_time = NS_PER_S;
    p.load.sessions = 200;
    p.load.messages = 100;
    p.load.rate_count = 10;
    p.load.rate_period = NS_PER_S;
    p.load.connect_parallel = parallel;
    amiss = case_play(&p, &r);
    if (!amiss && (r.net.gap_min != gap || r.net.gap_max != gap))
        amiss = "the attempts have another distance";
    show(label, amiss, &p, &r);
}

/* Whoever waits for the rate is told when the run ends. */
static void paced_stop(enum run_stop level)
{
    struct plan p;
    struct result r;
    const char *amiss;
    char label[80];

    (void)snprintf(label, sizeof label, "rate: %s", level == RUN_FINISH ? "finish" : "abort");
    case_init(&p, label);
    p.faultless = true;
    p.load.sessions = 20;
    p.load.messages = 20;
    p.load.rate_count = 1;
    p.load.rate_period = NS_PER_S;
    p.stops[p.stop_count++] = (struct stop){.level = level, .at = 4500 * NS_PER_MS};
    amiss = case_play(&p, &r);
    if (!amiss && r.elapsed != 4500 * NS_PER_MS)
        amiss = "it does not end at once";
    if (!amiss && r.total->counter[COUNTER_MESSAGES_MISSED] != 15)
        amiss = "another number of messages was missed";
    show(label, amiss, &p, &r);
}

/* ---- In progress ---- */

static void parallel(uint64_t n)
{
    struct plan p;
    struct result r;
    const char *amiss;
    char label[80];

    (void)snprintf(label, sizeof label, "%llu connects at a time", (unsigned long long)n);
    case_init(&p, label);
    p.faultless = true;
    p.net.connect_time = NS_PER_S;
    p.load.sessions = p.load.messages = 24;
    p.load.connect_parallel = n;
    amiss = case_play(&p, &r);
    if (!amiss && r.net.connecting_max != (n < 24 ? n : 24))
        amiss = "another number of connects is in progress";
    if (!amiss && r.elapsed != (24 + n - 1) / n * NS_PER_S + CASE_GREET + 6 * CASE_ROUND)
        amiss = "the run takes another time than expected";
    show(label, amiss, &p, &r);
}

/* ---- Letting go ---- */

/* Without QUIT the session is over by the reply to the end of data. */
static void no_quit(enum load_close how, bool keep)
{
    const char *const names[] = {[CLOSE_FIN] = "fin", [CLOSE_RESET] = "reset"};
    uint64_t before = CASE_CONNECT + CASE_GREET + CASE_ROUND;
    struct plan p;
    struct result r;
    const char *amiss;
    char label[80];

    (void)snprintf(label, sizeof label, "close: %s%s", names[how], keep ? " -d" : "");
    case_init(&p, label);
    p.faultless = true;
    p.load.messages = 3;
    p.load.keep_connection = keep;
    p.load.close = how;
    p.client.no_quit = true;
    amiss = case_play(&p, &r);
    if (!amiss && r.total->latency[PHASE_QUIT].count)
        amiss = "QUIT was said";
    /* In an orderly end the server's follows ours; a reset is over at once. */
    if (!amiss && r.elapsed != (keep ? before + 12 * CASE_ROUND : 3 * (before + 4 * CASE_ROUND)) +
                                   (how == CLOSE_FIN ? (keep ? 1 : 3) * 2 * CASE_LATENCY : 0))
        amiss = "the run takes another time than expected";
    show(label, amiss, &p, &r);
}

/* All is answered when QUIT goes: nobody is harmed, the next message goes its way. */
static void unanswered_quit(bool keep, bool pipelined)
{
    struct plan p;
    struct result r;
    const char *amiss;
    char label[80];

    (void)snprintf(label, sizeof label, "timeout: QUIT%s%s", keep ? " -d" : "",
                   pipelined ? " --pipelining" : "");
    case_init(&p, label);
    p.load.messages = 3;
    p.load.keep_connection = keep;
    p.client.want[EXT_PIPELINING] = pipelined ? EXT_MUST : EXT_NO;
    client_timeout_scaled(&p.client, 50 * NS_PER_S);
    p.script.fault = (struct script_fault){.act = SCRIPT_STALL, .phase = PHASE_QUIT};
    amiss = case_play(&p, &r);
    if (!amiss && r.failed)
        amiss = "it ends the run";
    if (!amiss && r.total->counter[COUNTER_MESSAGES_ACCEPTED] != 3)
        amiss = "a message was lost";
    if (!amiss && r.total->counter[COUNTER_TIMEOUTS] != (keep ? 1 : 3))
        amiss = "the timeouts are not counted";
    if (!amiss && r.elapsed / (50 * NS_PER_S) != (keep ? 1 : 3))
        amiss = "they come at the wrong time";
    show(label, amiss, &p, &r);
}

void test_connect(void)
{
    paced("rate: 7/s", 7, NS_PER_S, 1);
    paced("rate: 10/min", 10, 60 * NS_PER_S, 1);
    paced("rate: 3600/h", 3600, 3600 * NS_PER_S, 1);
    paced("rate: 1000/s, connects side by side", 1000, NS_PER_S, 128);
    paced_tries();
    unreached(0);
    unreached(20 * NS_PER_S);
    slow_connects(1, NS_PER_S);
    slow_connects(128, 100 * NS_PER_MS);
    paced_stop(RUN_FINISH);
    paced_stop(RUN_ABORT);
    parallel(1);
    parallel(5);
    parallel(128);
    no_quit(CLOSE_FIN, false);
    no_quit(CLOSE_FIN, true);
    no_quit(CLOSE_RESET, false);
    no_quit(CLOSE_RESET, true);
    unanswered_quit(false, false);
    unanswered_quit(true, false);
    unanswered_quit(false, true);
}
