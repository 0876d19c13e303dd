/*
 * Load models: schedules against their integral worked out by hand, walkers that share a schedule,
 * the line of due starts, think times, and the capacity search against servers of known limits.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "arrivals.h"
#include "backoff.h"
#include "num.h"
#include "pacer.h"
#include "rotation.h"
#include "search.h"
#include "think.h"
#include "units.h"

#define PER_S RATE_PER_S

static void parse(struct schedule *s, const char *text)
{
    struct diag d;

    assert_int_equal(schedule_parse(s, SCHEDULE_RATES, text, &d), 0);
}

/* ---- Schedules ---- */

static void test_constant(void **state)
{
    struct schedule s;

    (void)state;
    schedule_constant(&s, 3 * PER_S, NS_PER_S);
    assert_int_equal(schedule_starts(&s), 3);
    assert_int_equal(schedule_when(&s, 0), 0);
    assert_int_equal(schedule_when(&s, SCHEDULE_ONE), 333333334); /* the first ns at or behind */
    assert_int_equal(schedule_when(&s, 2 * (schedule_mass)SCHEDULE_ONE), 666666667);
    assert_true(schedule_when(&s, 3 * (schedule_mass)SCHEDULE_ONE) == NS_NEVER);
}

/* 2^40 starts on: the same ns as arithmetic gives, whatever came before. */
static void test_no_drift(void **state)
{
    const uint64_t n = UINT64_C(1) << 40;
    struct schedule s;
    struct arrivals a;

    (void)state;
    schedule_constant(&s, 7000 * PER_S, NS_NEVER);
    assert_true(schedule_starts(&s) == UINT64_MAX);
    /* n / 7000 = 157073089 s, 682 ms, and 2/7 ms */
    assert_int_equal(schedule_when(&s, (schedule_mass)n * SCHEDULE_ONE),
                     UINT64_C(157073089682285715));
    arrivals_init(&a, &s, ARRIVAL_CONSTANT, 0, UINT64_MAX, 0, 1);
    for (int i = 0; i < 700000; i++)
        arrivals_next(&a);
    assert_int_equal(a.at, 100 * NS_PER_S);
    assert_true(schedule_when(&s, ~(schedule_mass)0 - 1) == NS_NEVER); /* beyond our time */
}

/* 0..10/s in 10 s: start n when 5 t^2 / 10 = n, that is t = sqrt(2 n). 50 of them, and back down.
 */
static void test_ramp(void **state)
{
    struct schedule s;

    (void)state;
    parse(&s, "0..10/s:10s, 10..0:10s");
    assert_int_equal(schedule_starts(&s), 100);
    assert_int_equal(schedule_when(&s, 0), 0);
    assert_int_equal(schedule_when(&s, 2 * (schedule_mass)SCHEDULE_ONE), 2 * NS_PER_S);
    assert_int_equal(schedule_when(&s, 8 * (schedule_mass)SCHEDULE_ONE), 4 * NS_PER_S);
    assert_int_equal(schedule_when(&s, 1 * (schedule_mass)SCHEDULE_ONE), 1414213563);
    assert_int_equal(schedule_when(&s, 50 * (schedule_mass)SCHEDULE_ONE), 10 * NS_PER_S);
    /* mirrored: what is left is u^2 / 2 */
    assert_int_equal(schedule_when(&s, 98 * (schedule_mass)SCHEDULE_ONE), 18 * NS_PER_S);
    assert_int_equal(schedule_level(&s, 5 * NS_PER_S), 5 * PER_S);
    assert_int_equal(schedule_level(&s, 15 * NS_PER_S), 5 * PER_S);
    assert_int_equal(schedule_level(&s, 30 * NS_PER_S), 0);
}

/* Every answer is the first ns that has the mass, over ramps of all steepnesses. */
static void test_inverse(void **state)
{
    struct rng r = {1};

    (void)state;
    for (int i = 0; i < 3000; i++) {
        struct schedule s = {0};
        uint64_t from = rng_below(&r, PER_S << rng_below(&r, 20));
        uint64_t to = 1 + rng_below(&r, PER_S << rng_below(&r, 20));
        struct diag d;
        char text[80];

        (void)snprintf(text, sizeof text, "%llu..%llu/h:%llums", (unsigned long long)from / 1000,
                       (unsigned long long)to / 1000 + 1,
                       (unsigned long long)(1 + rng_below(&r, UINT64_C(1) << rng_below(&r, 30))));
        assert_int_equal(schedule_parse(&s, SCHEDULE_RATES, text, &d), 0);
        for (int k = 0; k < 20; k++) {
            schedule_mass m = s.total / 1000000007 * rng_below(&r, 1000000007);
            uint64_t t = schedule_when(&s, m);

            assert_true(t <= s.length);
            assert_true(schedule_mass_at(&s, t) >= m);
            assert_true(t == 0 || schedule_mass_at(&s, t - 1) < m);
        }
    }
}

/* Nothing starts while the rate is 0; what begins a stage belongs to it. */
static void test_gap(void **state)
{
    struct schedule s;

    (void)state;
    parse(&s, "0/s:3s,2/s:1s, 0:10s ,2/s:1s,0/s:5s");
    assert_int_equal(schedule_starts(&s), 4);
    assert_int_equal(schedule_when(&s, 0), 3 * NS_PER_S);
    assert_int_equal(schedule_when(&s, SCHEDULE_ONE), 3500 * NS_PER_MS);
    assert_int_equal(schedule_when(&s, 2 * (schedule_mass)SCHEDULE_ONE), 14 * NS_PER_S);
    assert_true(schedule_when(&s, 4 * (schedule_mass)SCHEDULE_ONE) == NS_NEVER);
    assert_int_equal(s.length, 20 * NS_PER_S);
}

static void test_parse(void **state)
{
    static const struct {
        const char *text;
        const char *part;
    } bad[] = {
        {"", "empty"},
        {"2000/s", "2000/s"},
        {"2000/s:", "RATE:TIME"},
        {"2000/s:0s", "more than 0"},
        {"x:5s", "bad stage: x:5s"},
        {"1/s:5s,", "empty"},
        {"1/s:5s,,2/s:5s", "empty"},
        {"1..2..3:5s", "1..2..3"},
        {"..5:5s", "..5:5s"},
        {"1/s:5y", "1/s:5y"},
        {"1000000000/s:1s", "100M/s at most"},
        {"0:1s,0..0/s:5s", "nothing is ever started"},
        {"1/s:200000d", "ten years"},
        {"1/s:99999999999999999999s", "longer than ten years in all (--stages)"},
        {"1/day:5s", "1/day"},
        {"-5/s:5s", "-5/s"},
    };
    struct schedule s;
    struct diag d;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(schedule_parse(&s, SCHEDULE_RATES, bad[i].text, &d), -22);
        if (!strstr(d.text, bad[i].part))
            fail_msg("%s: %s", bad[i].text, d.text);
    }
    parse(&s, "0..120/min:1m, 2.5/s:4s");
    assert_int_equal(s.stages[0].to, 2 * PER_S);
    assert_int_equal(s.stages[1].from, PER_S * 5 / 2);
    assert_int_equal(schedule_starts(&s), 70);
    assert_int_equal(schedule_parse(&s, SCHEDULE_SESSIONS, "0..100/s:5s", &d), -22);
}

static void test_sessions(void **state)
{
    struct schedule s;
    struct diag d;

    (void)state;
    assert_int_equal(schedule_parse(&s, SCHEDULE_SESSIONS, "0..4:8s, 4:2s, 1:5s, 1..0:2s", &d), 0);
    assert_int_equal(schedule_level(&s, 0), 0);
    assert_int_equal(schedule_change(&s, 0), 2 * NS_PER_S);
    assert_int_equal(schedule_level(&s, 2 * NS_PER_S), 1);
    assert_int_equal(schedule_change(&s, 2 * NS_PER_S), 4 * NS_PER_S);
    assert_int_equal(schedule_change(&s, 8 * NS_PER_S), 10 * NS_PER_S);
    assert_int_equal(schedule_level(&s, 10 * NS_PER_S), 1);
    assert_int_equal(schedule_change(&s, 10 * NS_PER_S), 15 * NS_PER_S + 1);
    assert_true(schedule_change(&s, 17 * NS_PER_S) == NS_NEVER);
}

/* ---- Walkers ---- */

/* Whatever the number of walkers, together they see the same starts at the same times. */
static void test_split(void **state)
{
    static uint64_t at[2][1000];
    struct schedule s;

    (void)state;
    parse(&s, "0..200/s:5s, 100/s:5s");
    for (int kind = 0; kind < 2; kind++)
        for (uint32_t walkers = 1; walkers <= 7; walkers++) {
            for (uint32_t w = 0; w < walkers; w++) {
                struct arrivals a;

                arrivals_init(&a, &s, (enum arrival_kind)kind, 42, 900, w, walkers);
                for (uint64_t n = w; a.at != NS_NEVER; n += walkers, arrivals_next(&a)) {
                    assert_int_equal(a.number, n);
                    assert_true(n < 900);
                    if (walkers == 1)
                        at[kind][n] = a.at;
                    assert_true(at[kind][n] == a.at);
                    assert_true(n == 0 || a.at >= at[kind][n - 1]);
                }
            }
        }
    assert_int_equal(at[0][899], 8990 * NS_PER_MS);
    assert_true(at[0][500] != at[1][500]);
}

/* Mean and variance of the gaps of a Poisson process of 1000/s; counts in a second are 1000 +- 5 s.
 */
static void test_poisson(void **state)
{
    struct schedule s;
    struct arrivals a;
    uint64_t last = 0, second = 0, in_second = 0;
    double sum = 0, squares = 0;
    const int n = 200000;

    (void)state;
    schedule_constant(&s, 1000 * PER_S, NS_NEVER);
    arrivals_init(&a, &s, ARRIVAL_POISSON, 7, UINT64_MAX, 0, 1);
    for (int i = 0; i < n; i++, arrivals_next(&a)) {
        double gap = (double)(a.at - last) / 1e6; /* in means */

        sum += gap;
        squares += gap * gap;
        last = a.at;
        if (a.at / NS_PER_S != second) {
            assert_in_range(in_second, 840, 1160);
            second = a.at / NS_PER_S;
            in_second = 0;
        }
        in_second++;
    }
    assert_true(sum / n > 0.99 && sum / n < 1.01);
    assert_true(squares / n > 1.95 && squares / n < 2.05); /* E[x^2] = 2 */
}

/* The same draws everywhere: -ln of known fractions, to the last bits. */
static void test_exponential(void **state)
{
    struct rng r = {12345};
    struct rng copy = r;
    double x = arrivals_exponential(&r);
    double u = ((double)(rng_next(&copy) >> 11) + 0.5) * 0x1p-53;
    double back = 1, term = 1;

    (void)state;
    /* e^-x by its series is u again */
    for (int k = 1; k < 200; k++) {
        term *= -x / k;
        back += term;
    }
    assert_true(back / u > 1 - 1e-12 && back / u < 1 + 1e-12);
}

/* ---- The line ---- */

static void pacer_of(struct pacer *p, struct schedule *s, const char *text)
{
    struct arrivals a;

    parse(s, text);
    arrivals_init(&a, s, ARRIVAL_CONSTANT, 0, UINT64_MAX, 0, 1);
    pacer_init(p, &a, 1000 * NS_PER_S);
}

#define T(ms) (1000 * NS_PER_S + (ms)*NS_PER_MS)

static void test_pacer_warm(void **state)
{
    struct schedule s;
    struct pacer p;
    struct start at;

    (void)state;
    pacer_of(&p, &s, "10/s:1s");
    assert_int_equal(pacer_next(&p), T(0));
    pacer_free(&p, T(0) - 5);
    assert_true(pacer_take(&p, T(0) + 7, &at)); /* free in time: 7 ns of lag */
    assert_int_equal(at.intended, T(0));
    assert_int_equal(at.lag, 7);
    assert_false(at.waited);
    pacer_none_free(&p);
    assert_false(pacer_take(&p, T(99), &at));
    assert_true(pacer_take(&p, T(350), &at)); /* by a session that was busy until now */
    assert_int_equal(at.intended, T(100));
    assert_true(at.waited);
    assert_true(at.lag == NS_NEVER);
    assert_int_equal(pacer_next(&p), T(200));
    assert_true(pacer_take(&p, T(350), &at));
    assert_int_equal(at.number, 2);
    pacer_free(&p, T(350));
    assert_true(pacer_take(&p, T(400), &at)); /* due at 300, before it was free */
    assert_true(at.waited);
    assert_true(pacer_take(&p, T(400), &at));
    assert_false(at.waited);
    assert_int_equal(at.lag, 0);
}

/* Claims: a failed one gives its start back, and no lag is told twice. */
static void test_pacer_claims(void **state)
{
    struct schedule s;
    struct pacer p;
    struct start at;
    uint64_t lag;
    bool waited;

    (void)state;
    pacer_of(&p, &s, "10/s:1s");
    pacer_free(&p, T(0));
    assert_true(pacer_claim(&p, T(3), &lag, &waited));
    assert_int_equal(lag, 3 * NS_PER_MS);
    assert_int_equal(pacer_next(&p), T(100));
    assert_true(pacer_claim(&p, T(101), &lag, &waited));
    pacer_unclaim(&p); /* the first one fails */
    assert_int_equal(pacer_next(&p), T(0));
    assert_false(pacer_claim(&p, T(150), &lag, &waited)); /* and another goes for it */
    assert_int_equal(pacer_next(&p), T(200));
    pacer_unclaim(&p); /* the second is ready: first in, first out */
    assert_true(pacer_take(&p, T(160), &at));
    assert_int_equal(at.intended, T(0));
    assert_true(at.lag == NS_NEVER);
    pacer_unclaim(&p);
    assert_true(pacer_take(&p, T(161), &at));
    assert_int_equal(at.intended, T(100));
    assert_false(pacer_take(&p, T(161), &at)); /* nothing due; no claim, no harm */
    assert_int_equal(pacer_next(&p), T(200));
}

static void test_pacer_drop(void **state)
{
    struct schedule s;
    struct pacer p;
    struct start at;
    uint64_t intended;
    int dropped = 0;

    (void)state;
    pacer_of(&p, &s, "10/s:1s");
    while (pacer_drop(&p, T(250), &intended))
        dropped++;
    assert_int_equal(dropped, 3);
    assert_int_equal(intended, T(300));
    assert_true(pacer_take(&p, T(300), &at));
    assert_int_equal(at.number, 3);
    while (pacer_drop(&p, NS_NEVER, &intended))
        dropped++;
    assert_int_equal(dropped, 9);
    assert_true(pacer_over(&p));
    assert_true(pacer_next(&p) == NS_NEVER);
}

/*
 * A server that stalls from 1 s to 2 s, one session, 1 ms of service, 100/s: worked out by hand. In
 * the stall 100 starts fall due, which wait up to 1 s; afterwards the line is worked off at 1 ms.
 */
static void test_pacer_stall(void **state)
{
    struct schedule s;
    struct pacer p;
    struct start at;
    uint64_t now = T(0), longest = 0, slow = 0, taken = 0, waited = 0;

    (void)state;
    pacer_of(&p, &s, "100/s:10s");
    pacer_free(&p, now);
    while (!pacer_over(&p)) {
        uint64_t end;

        if (!pacer_take(&p, now, &at)) {
            pacer_free(&p, now);
            now = pacer_next(&p);
            continue;
        }
        pacer_none_free(&p);
        end = now + NS_PER_MS;
        if (now >= T(1000) && now < T(2000))
            end = T(2000) + NS_PER_MS;
        taken++;
        waited += at.waited;
        if (end - at.intended > longest)
            longest = end - at.intended;
        slow += end - at.intended > 100 * NS_PER_MS;
        now = end;
    }
    assert_int_equal(taken, 1000);
    assert_int_equal(longest, 1001 * NS_PER_MS);
    /* start i of the stall (at 10 i ms) ends at 1001 + i ms: later than 100 ms while 9 i < 901 */
    assert_int_equal(slow, 101);
    /* it still waits while 10 i < 1000 + i: i = 1 .. 111 */
    assert_int_equal(waited, 111);
}

/* ---- Think times, spans, backoff ---- */

static void test_think(void **state)
{
    static const char *const bad[] = {
        "",     "x",          "3s..1s", "1s..", "exp:",   "exp:x",     "normal:1s", "normal:1s,x",
        "..1s", "uniform:1s", "-1s",    "400d", "1s..2x", "normal:,1s"};
    struct think t;
    struct rng r = {3};
    struct diag d;
    double sum = 0, squares = 0;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        d.text[0] = '\0';
        assert_int_equal(think_parse(&t, bad[i], &d), -22);
        assert_non_null(strstr(d.text, "bad think time: "));
    }
    assert_int_equal(think_parse(&t, "0.25s", &d), 0);
    assert_int_equal(think_draw(&t, &r), 250 * NS_PER_MS);
    assert_int_equal(think_parse(&t, "1ns..3ns", &d), 0);
    for (int i = 0, seen = 0; i < 100 || seen != 14; i++) {
        uint64_t n = think_draw(&t, &r);

        assert_in_range(n, 1, 3);
        seen |= 1 << n;
        assert_true(i < 1000);
    }
    assert_int_equal(think_parse(&t, "normal:10s,2s", &d), 0);
    for (int i = 0; i < 100000; i++) {
        double x = (double)think_draw(&t, &r) / 1e9;

        sum += x;
        squares += x * x;
    }
    assert_true(sum / 1e5 > 9.95 && sum / 1e5 < 10.05);
    assert_true(squares / 1e5 - 100 > 3.6 && squares / 1e5 - 100 < 4.4);
    sum = 0;
    assert_int_equal(think_parse(&t, "exp:2s", &d), 0);
    for (int i = 0; i < 100000; i++)
        sum += (double)think_draw(&t, &r) / 1e9;
    assert_true(sum / 1e5 > 1.97 && sum / 1e5 < 2.03);
}

static void test_span(void **state)
{
    static const char *const bad[] = {"", "0", "5..3", "x", "5..", "..5", "0..3", "1.5"};
    struct span s;
    struct rng r = {9};
    struct diag d;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(span_parse(&s, bad[i], "option", "number", &d), -22);
        assert_non_null(strstr(d.text, "bad number: "));
    }
    assert_int_equal(span_parse(&s, "7", "option", "number", &d), 0);
    assert_int_equal(span_draw(&s, &r), 7);
    assert_int_equal(span_parse(&s, "5..6", "option", "number", &d), 0);
    for (int i = 0; i < 50; i++)
        assert_in_range(span_draw(&s, &r), 5, 6);
}

static void test_backoff(void **state)
{
    struct rng r = {5};

    (void)state;
    assert_int_equal(backoff_delay(0, &r), 0);
    for (int i = 0; i < 1000; i++) {
        assert_in_range(backoff_delay(1, &r), 50 * NS_PER_MS, 100 * NS_PER_MS);
        assert_in_range(backoff_delay(3, &r), 200 * NS_PER_MS, 400 * NS_PER_MS);
        assert_in_range(backoff_delay(7, &r), BACKOFF_MAX / 2, BACKOFF_MAX);
        assert_in_range(backoff_delay(UINT32_MAX, &r), BACKOFF_MAX / 2, BACKOFF_MAX);
    }
}

/* ---- The search ---- */

/* A server whose limit is known; from `weak` on the generator gives out. */
static uint64_t find(uint64_t least, uint64_t most, uint64_t limit, uint64_t weak, struct search *s)
{
    search_init(s, least, most);
    while (s->phase != SEARCH_DONE) {
        assert_true(s->count < SEARCH_STEPS);
        assert_in_range(s->level, least, most);
        search_told(s, s->level >= weak    ? SEARCH_NOT_HELD
                       : s->level <= limit ? SEARCH_PASSED
                                           : SEARCH_FAILED);
    }
    return s->found;
}

static void test_search(void **state)
{
    struct search s;
    struct rng r = {11};

    (void)state;
    for (int i = 0; i < 5000; i++) {
        uint64_t limit = 100 + rng_below(&r, UINT64_C(1) << (8 + rng_below(&r, 50)));
        uint64_t found = find(1 + rng_below(&r, 100), UINT64_MAX / 2, limit, UINT64_MAX, &s);

        assert_true(found <= limit);
        assert_true(found >= limit - limit / 20); /* within 5% */
        assert_int_equal(s.steps[s.count - 1].phase, SEARCH_CONFIRM);
    }
    assert_int_equal(find(100, 1000, 50, UINT64_MAX, &s), 0); /* not even the least */
    assert_int_equal(s.count, 1);
    assert_int_equal(find(100, 1000, 5000, UINT64_MAX, &s), 1000); /* the most passes */
    assert_int_equal(find(500, 500, 5000, UINT64_MAX, &s), 500);
    assert_true(s.failed == UINT64_MAX);
    /* what the generator can't hold is never the answer, and is told */
    assert_in_range(find(100, 100000, 50000, 2000, &s), 1900, 1999);
    assert_true(s.failed_by_generator);
    assert_in_range(find(100, 100000, 1500, 2000, &s), 1425, 1500);
    assert_false(s.failed_by_generator);
}

/* What passes once only is no answer: a rate is looked for below it. */
static void test_search_unconfirmed(void **state)
{
    struct search s;
    int confirms = 0;

    (void)state;
    search_init(&s, 100, 100000);
    while (s.phase != SEARCH_DONE) {
        bool confirm = s.phase == SEARCH_CONFIRM;

        if (confirm && ++confirms <= 2)
            search_told(&s, SEARCH_FAILED);
        else
            search_told(&s, s.level <= 1000 ? SEARCH_PASSED : SEARCH_FAILED);
    }
    assert_true(confirms >= 3);
    assert_in_range(s.found, 800, 1000);

    /* passes never twice: no answer, and an end */
    search_init(&s, 100, 100000);
    while (s.phase != SEARCH_DONE)
        search_told(&s,
                    s.phase == SEARCH_CONFIRM || s.level > 5000 ? SEARCH_FAILED : SEARCH_PASSED);
    assert_int_equal(s.found, 0);
}

/* What held the generator up is tried again twice; what it never holds is a bound. */
static void test_search_held_up(void **state)
{
    struct search s;
    unsigned tries = 0;

    (void)state;
    search_init(&s, 100, 100000);
    while (s.phase != SEARCH_DONE) {
        assert_true(s.count < SEARCH_STEPS);
        if (++tries % SEARCH_TRIES)
            search_told(&s, SEARCH_NOT_HELD);
        else
            search_told(&s, s.level <= 1000 ? SEARCH_PASSED : SEARCH_FAILED);
    }
    assert_in_range(s.found, 950, 1000);
    assert_false(s.failed_by_generator);
    /* Also where it is looked for first: nothing is known after so many tries. */
    assert_int_equal(find(100, 1000, 5000, 50, &s), 0);
    assert_int_equal(s.count, SEARCH_TRIES);
    assert_true(s.failed_by_generator);
}

/* ---- Turns by weight ---- */

/* After a whole cycle each has had its weight; at any time nobody is more than a turn off. */
static void check_rotation(const uint32_t *weights, uint32_t count)
{
    struct rotation r = {0};
    uint64_t had[64] = {0};
    uint64_t all = 0;
    uint64_t sum = 0;

    for (uint32_t i = 0; i < count; i++)
        all += weights[i];
    assert_int_equal(rotation_init(&r, weights, count), 0);
    for (uint64_t n = 0; n < 3 * all; n++) {
        uint32_t who = rotation_at(&r, n);

        assert_true(who < count);
        assert_int_equal(rotation_before(&r, n), had[who]);
        had[who]++;
        sum++;
        for (uint32_t i = 0; i < count; i++) {
            double due = (double)sum * weights[i] / (double)all;

            assert_true(fabs((double)had[i] - due) < (count < 3 ? 1.0 : count));
        }
    }
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(had[i], 3 * weights[i]);
    rotation_done(&r);
}

static void test_rotation(void **state)
{
    static const uint32_t order[] = {0, 0, 1, 0, 2, 0, 0};
    const uint32_t smooth[] = {5, 1, 1};
    struct rotation r = {0};
    uint32_t weights[64];

    (void)state;
    /* the example that nginx gives for it */
    assert_int_equal(rotation_init(&r, smooth, 3), 0);
    for (uint64_t n = 0; n < 70; n++)
        assert_int_equal(rotation_at(&r, n), order[n % 7]);
    assert_int_equal(rotation_before(&r, UINT64_C(7) << 50), UINT64_C(5) << 50);
    rotation_done(&r);
    check_rotation((const uint32_t[]){1}, 1);
    check_rotation((const uint32_t[]){7}, 1);
    check_rotation((const uint32_t[]){3, 1}, 2);
    check_rotation((const uint32_t[]){1, 1, 1}, 3);
    check_rotation((const uint32_t[]){300, 100, 200}, 3);
    check_rotation((const uint32_t[]){1000, 999}, 2);
    for (uint32_t i = 0; i < 64; i++)
        weights[i] = 1 + i % 5;
    check_rotation(weights, 64);
}

/* Weights that share a divisor make a short cycle. */
static void test_rotation_divides(void **state)
{
    struct rotation r = {0};

    (void)state;
    assert_int_equal(rotation_init(&r, (const uint32_t[]){900, 300, 600}, 3), 0);
    assert_int_equal(r.length, 6);
    rotation_done(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_constant),
        cmocka_unit_test(test_no_drift),
        cmocka_unit_test(test_ramp),
        cmocka_unit_test(test_inverse),
        cmocka_unit_test(test_gap),
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_sessions),
        cmocka_unit_test(test_split),
        cmocka_unit_test(test_poisson),
        cmocka_unit_test(test_exponential),
        cmocka_unit_test(test_pacer_warm),
        cmocka_unit_test(test_pacer_claims),
        cmocka_unit_test(test_pacer_drop),
        cmocka_unit_test(test_pacer_stall),
        cmocka_unit_test(test_think),
        cmocka_unit_test(test_span),
        cmocka_unit_test(test_backoff),
        cmocka_unit_test(test_search),
        cmocka_unit_test(test_search_unconfirmed),
        cmocka_unit_test(test_search_held_up),
        cmocka_unit_test(test_rotation),
        cmocka_unit_test(test_rotation_divides),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
