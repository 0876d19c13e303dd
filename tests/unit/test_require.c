/*
 * Requirements: what is one, what is wrong with others, and exact verdicts on known numbers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "num.h"
#include "require.h"
#include "units.h"

/* 1000 offered: 990 accepted at 1 .. 990 ms, 5 refused, 2 failed, 2 unknown, 1 missed; in 2 s. */
static struct stats *sample(void)
{
    struct stats *s = stats_new();
    struct refusal_key key = refusal_key(PHASE_RCPT, 550, (struct slice){"", 0}, false);

    for (uint64_t i = 1; i <= 990; i++) {
        stats_message(s, OUTCOME_ACCEPTED, NULL);
        stats_latency(s, PHASE_TRANSACTION, i * NS_PER_MS);
        stats_latency(s, PHASE_RCPT, 7 * NS_PER_MS);
        hist_record(&s->response[OUTCOME_ACCEPTED], 2 * NS_PER_S);
    }
    for (int i = 0; i < 5; i++)
        stats_message(s, OUTCOME_REFUSED, &key);
    for (int i = 0; i < 2; i++)
        stats_message(s, OUTCOME_FAILED, NULL);
    for (int i = 0; i < 2; i++)
        stats_message(s, OUTCOME_UNKNOWN, NULL);
    stats_message(s, OUTCOME_MISSED, NULL);
    stats_add(s, COUNTER_CONNECTIONS_STARTED, 20);
    stats_add(s, COUNTER_CONNECTIONS_MADE, 15);
    stats_add(s, COUNTER_CONNECTIONS_FAILED, 5);
    return s;
}

static const struct {
    const char *text;
    bool met;
} verdicts[] = {
    {"errors==10", true},
    {"errors<10", false},
    {"errors<=10", true},
    {"errors<1%", false},
    {"errors<=1%", true},
    {"errors < 1.0000001%", true},
    {"errors>0.9999999%", true},
    {"unknown==0", false},
    {"unknown=2", true},
    {"missed!=1", false},
    {"refused == 5 and failed == 2", true},
    {"refused == 5 AND failed == 3", false},
    {"accepted>=99%", true},
    {"offered==1000", true},
    {"offered==1k", true},
    {"connect-failures<=25%", true},
    {"connect-failures<25%", false},
    {"timeouts==0", true},
    {"protocol-errors==0%", true},
    {"rate==495/s", true},
    {"rate>495/s", false},
    {"rate>=494.999/s", true},
    {"rate>=29700/min", true},
    {"rate>=0.99*target", true},
    {"rate>=0.9901*target", false},
    {"rate<target", true},
    {"p99(rcpt)<7.1ms", true},
    {"p50(rcpt)<=7ms", true},
    {"p50(rcpt)<7ms", false},
    {"p99<2s", true}, /* the transaction's */
    {"max<=990ms", true},
    {"max<990ms", false},
    {"min==1ms", true},
    {"max(response)==2s", true},
    {"p99.99(response)<1s", false},
    {"max(service)==990ms", true},
    {"p50(lag)<1s", false}, /* never measured: not met, whatever is asked */
    {"p50(quit)>0", false},
};

static void test_verdicts(void **state)
{
    struct stats *s = sample();
    struct require_facts f = {.stats = s, .elapsed = 2 * NS_PER_S, .target = 500 * RATE_PER_S};
    int wrong = 0;

    (void)state;
    for (size_t i = 0; i < sizeof verdicts / sizeof *verdicts; i++) {
        struct require r;
        struct diag d = {{0}};

        if (require_parse(&r, verdicts[i].text, "require", &d) == 0 &&
            require_all(&r, &f) == verdicts[i].met)
            continue;
        print_error("%s: %s\n", verdicts[i].text, d.text);
        wrong++;
    }
    assert_int_equal(wrong, 0);
    stats_free(s);
}

/* Ten messages that were due within a second, each accepted after 200 ms but for the slowest. */
static void test_rate_time(void **state)
{
    const uint64_t response = 200 * NS_PER_MS;
    struct stats *s = stats_new();

    (void)state;
    assert_non_null(s);
    assert_int_equal(require_rate_time(s, NS_PER_S, 0, 10 * RATE_PER_S), NS_PER_S);
    for (int i = 0; i < 10; i++) {
        stats_message(s, OUTCOME_ACCEPTED, NULL);
        hist_record(&s->response[OUTCOME_ACCEPTED], response + (i == 9 ? response : 0));
    }
    /* All in their time: whether the last begins at 0.9 s or at the end, the rate is the target's.
     */
    assert_int_equal(require_rate_time(s, NS_PER_S + response, 0, 10 * RATE_PER_S), NS_PER_S);
    assert_int_equal(require_rate_time(s, 9 * NS_PER_S / 10 + response, 0, 10 * RATE_PER_S),
                     NS_PER_S);
    /* The server took two seconds for them. */
    assert_int_equal(require_rate_time(s, 2 * NS_PER_S + response, 0, 10 * RATE_PER_S),
                     2 * NS_PER_S);
    /* In a loop, and behind a warm-up, it is what passed. */
    assert_int_equal(require_rate_time(s, 2 * NS_PER_S, 0, 0), 2 * NS_PER_S);
    assert_int_equal(require_rate_time(s, 2 * NS_PER_S, 1, 10 * RATE_PER_S), 2 * NS_PER_S);
    stats_free(s);
}

/* With a target rate latency is response time. */
static void test_measured(void **state)
{
    struct stats *s = sample();
    struct require_facts f = {.stats = s, .elapsed = 2 * NS_PER_S, .open = true};
    struct require r = {0};
    struct require_result result;
    struct diag d;

    (void)state;
    assert_int_equal(require_add(&r, "p50 < 1s and errors<5%", "require", &d), 0);
    assert_int_equal(require_add(&r, "rate>=0.5*target", "require", &d), 0);
    assert_int_equal(r.count, 3);
    assert_string_equal(r.terms[0].text, "p50<1s");
    assert_true(require_wants_target(&r));
    result = require_check(&r.terms[0], &f);
    assert_true(result.known);
    assert_false(result.met);
    assert_int_equal(result.value, 2 * NS_PER_S);
    result = require_check(&r.terms[1], &f);
    assert_true(result.met);
    assert_int_equal(result.value, SHARE_WHOLE / 100);
    result = require_check(&r.terms[2], &f); /* no target: not known, not met */
    assert_false(result.known);
    assert_false(result.met);
    f.target = 600 * RATE_PER_S;
    result = require_check(&r.terms[2], &f);
    assert_true(result.met);
    assert_int_equal(result.value, 495 * RATE_PER_S);
    stats_free(s);
}

static const struct {
    const char *text;
    const char *part;
} bad[] = {
    {"", "bad condition: empty"},
    {"p99", "bad condition: p99 (--require"},
    {"p99<", "with its unit"},
    {"p99<250", "with its unit"},
    {"p99<250%", "with its unit"},
    {"p0<1s", "a percentile is"},
    {"p101<1s", "a percentile is"},
    {"p99x<1s", "a percentile is"},
    {"p99(nowhere)<1s", "end-of-data"},
    {"p99(rcpt<1s", "nothing of that name"},
    {"p99()<1s", "a percentile is"},
    {"latency<1s", "nothing of that name"},
    {"<5", "nothing of that name"},
    {"errors<x", "a number or a share"},
    {"errors<5ms", "a number or a share"},
    {"errors<-1", "a change is against"},
    {"errors=<5", "a number or a share"},
    {"rate>5ms", "5000/s or 0.99*target"},
    {"rate>5*rate", "5000/s or 0.99*target"},
    {"rate>*target", "5000/s or 0.99*target"},
    {"rate>5s*target", "5000/s or 0.99*target"},
    {"p99>+10%", "a change is against another run"},
    {"errors==0 and", "bad condition: empty"},
    {"errors==0 and ", "bad condition: empty"},
    {"errors==0 or missed==0", "a number or a share"},
    {"and", "bad condition: and"},
    {"errors==0 and errors==0 and errors==0 and errors==0 and errors==0 and errors==0 and "
     "errors==0 "
     "and errors==0 and errors==0",
     "at most 8"},
    {"errors==00000000000000000000000000000000000000000000000000000000000000000000", "too long"},
};

static void test_bad(void **state)
{
    int wrong = 0;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct require r = {.count = 3};
        struct diag d = {{0}};

        if (require_parse(&r, bad[i].text, "require", &d) == -22 && strstr(d.text, bad[i].part) &&
            r.count == 3)
            continue;
        print_error("%s: %s\n", bad[i].text, d.text);
        wrong++;
    }
    assert_int_equal(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verdicts),
        cmocka_unit_test(test_rate_time),
        cmocka_unit_test(test_measured),
        cmocka_unit_test(test_bad),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
