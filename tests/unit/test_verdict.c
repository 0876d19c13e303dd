/*
 * The verdict on runs whose truth is known: each bottleneck, and what must not be blamed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "num.h"
#include "units.h"
#include "verdict.h"

#define SECOND NS_PER_S

/* A run of 10 s in 10 sessions and one thread. */
struct made {
    struct run run;
    struct run_model model;
    struct run_worker worker;
    struct stats *stats;
};

static void make(struct made *m, bool open)
{
    *m = (struct made){.stats = stats_new()};
    assert_non_null(m->stats);
    m->worker = (struct run_worker){.elapsed_ns = 10 * SECOND, .cpu_ns = SECOND / 10};
    m->model = (struct run_model){.target = open ? 100 * RATE_PER_S : 0,
                                  .arrival = open ? "constant" : NULL,
                                  .workers = &m->worker,
                                  .worker_count = 1};
    m->run = (struct run){
        .sessions = 10, .elapsed_ns = 10 * SECOND, .total = m->stats, .model = &m->model};
    stats_add(m->stats, COUNTER_CONNECTIONS_STARTED, 10);
    stats_add(m->stats, COUNTER_CONNECTIONS_MADE, 10);
}

/* Messages accepted, each after so long; all of it was waiting for the reply to the end of data. */
static void accepted(struct made *m, uint64_t n, uint64_t ns)
{
    for (uint64_t i = 0; i < n; i++)
        stats_message(m->stats, OUTCOME_ACCEPTED, NULL);
    hist_record_n(&m->stats->latency[PHASE_TRANSACTION], ns, n);
    hist_record_n(&m->stats->latency[PHASE_END_OF_DATA], ns, n);
}

static void expect(struct made *m, enum bottleneck b, const char *part)
{
    struct verdict v = verdict_of(&m->run);

    if (v.bottleneck != b || !strstr(v.why, part))
        fail_msg("%s: %s", bottleneck_name(v.bottleneck), v.why);
    stats_free(m->stats);
}

static void test_at_a_rate(void **state)
{
    struct made m;

    (void)state;
    make(&m, true);
    accepted(&m, 1000, SECOND / 100);
    hist_record_n(&m.stats->lag, 20000, 990);
    stats_add(m.stats, COUNTER_STARTS_WAITED, 10);
    expect(&m, BOTTLENECK_NONE, "all but 10 of the starts");

    make(&m, true); /* one of few, the first, waits for its connection */
    accepted(&m, 50, SECOND / 100);
    stats_add(m.stats, COUNTER_STARTS_WAITED, 1);
    expect(&m, BOTTLENECK_NONE, "all but 1 of the starts");

    make(&m, true);
    accepted(&m, 1000, SECOND / 100);
    hist_record_n(&m.stats->lag, 21 * NS_PER_MS, 1000);
    expect(&m, BOTTLENECK_GENERATOR, "though sessions were free");

    make(&m, true); /* all alike slow: ten sessions are too few */
    accepted(&m, 400, SECOND / 4);
    stats_add(m.stats, COUNTER_STARTS_WAITED, 390);
    for (int i = 0; i < 600; i++)
        stats_message(m.stats, OUTCOME_MISSED, NULL);
    expect(&m, BOTTLENECK_SESSIONS, "99.00% of the starts found no session free");

    make(&m, true); /* a connection a message, and too few of them */
    m.model.told_to_wait = true;
    accepted(&m, 400, SECOND / 100);
    stats_add(m.stats, COUNTER_CONNECTIONS_STARTED, 390);
    stats_add(m.stats, COUNTER_STARTS_WAITED, 390);
    expect(&m, BOTTLENECK_SESSIONS, "and for --connect-rate in the rest");

    make(&m, true); /* some slow, and in the way of others */
    accepted(&m, 900, SECOND / 1000);
    accepted(&m, 100, SECOND / 2);
    stats_add(m.stats, COUNTER_STARTS_WAITED, 300);
    expect(&m, BOTTLENECK_SERVER, "where the fastest took");

    make(&m, true);
    stats_add(m.stats, COUNTER_CONNECTIONS_LOST, 5);
    accepted(&m, 1000, SECOND / 100);
    stats_add(m.stats, COUNTER_STARTS_WAITED, 300);
    expect(&m, BOTTLENECK_SERVER, "5 connections failed, were refused, lost or timed out");

    make(&m, true); /* most are greeted with 421, and what they connected for is missed */
    accepted(&m, 24, SECOND / 100);
    for (int i = 0; i < 376; i++)
        stats_message(m.stats, OUTCOME_MISSED, NULL);
    stats_add(m.stats, COUNTER_STARTS_WAITED, 55);
    hist_record_n(&m.stats->refused_latency[PHASE_GREETING], SECOND / 100, 8);
    expect(&m, BOTTLENECK_SERVER, "100% of the starts found no session free, and 8 connections");
}

static void test_in_a_loop(void **state)
{
    struct made m;

    (void)state;
    make(&m, false);
    accepted(&m, 1000, SECOND / 10);
    expect(&m, BOTTLENECK_SERVER, "waited for replies");

    make(&m, false);
    accepted(&m, 100000, SECOND / 1000);
    m.worker.cpu_ns = 97 * SECOND / 10;
    expect(&m, BOTTLENECK_GENERATOR, "busy 97%");

    make(&m, false);
    accepted(&m, 100000, SECOND / 1000);
    m.worker.wait_ns = 5 * SECOND;
    expect(&m, BOTTLENECK_GENERATOR, "waited for a CPU 50%");

    make(&m, false); /* ten sessions with pauses of 0.9 s, and a server that takes 0.1 s */
    m.model.told_to_wait = true;
    accepted(&m, 100, SECOND / 10);
    expect(&m, BOTTLENECK_SESSIONS, "waited for replies 10% of their time");

    make(&m, false); /* likewise, but it is the server that takes the time */
    m.model.told_to_wait = true;
    accepted(&m, 100, 9 * SECOND / 10);
    expect(&m, BOTTLENECK_SERVER, "waited for replies");

    make(&m, false); /* what is lost is in no latency */
    m.model.told_to_wait = true;
    accepted(&m, 100, SECOND / 10);
    stats_add(m.stats, COUNTER_TIMEOUTS, 1);
    expect(&m, BOTTLENECK_SERVER, "");
}

static void test_too_little(void **state)
{
    struct made m;

    (void)state;
    make(&m, false);
    m.run.elapsed_ns = SECOND / 10;
    expect(&m, BOTTLENECK_UNKNOWN, "too short");

    make(&m, true);
    expect(&m, BOTTLENECK_UNKNOWN, "nothing was due");

    make(&m, true);
    m.stats->counter[COUNTER_CONNECTIONS_MADE] = 0;
    expect(&m, BOTTLENECK_SERVER, "no connection could be made");

    make(&m, true); /* whose certificate is refused: late or starved, nothing could begin */
    stats_add(m.stats, COUNTER_TLS_FAILED, 10);
    stats_message(m.stats, OUTCOME_MISSED, NULL);
    hist_record_n(&m.stats->lag, 21 * NS_PER_MS, 10);
    m.worker.wait_ns = 5 * SECOND;
    expect(&m, BOTTLENECK_SERVER, "no session got as far as a message");

    make(&m, true); /* due, and dropped as too late, with sessions at hand */
    stats_message(m.stats, OUTCOME_MISSED, NULL);
    hist_record_n(&m.stats->lag, 21 * NS_PER_MS, 10);
    expect(&m, BOTTLENECK_GENERATOR, "it was late itself");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_at_a_rate),
        cmocka_unit_test(test_in_a_loop),
        cmocka_unit_test(test_too_little),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
