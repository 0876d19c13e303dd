/*
 * Targets as typed, and the account that is kept by them.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "recorder.h"
#include "target.h"
#include "targets.h"

static struct target_list list;
static struct diag d;

static int parse(int count, ...)
{
    char *operands[TARGETS_MAX + 1];
    va_list args;

    targets_done(&list);
    va_start(args, count);
    for (int i = 0; i < count; i++)
        operands[i] = va_arg(args, char *);
    va_end(args);
    return targets_parse(&list, operands, (uint32_t)count, &d);
}

static void check_one(const char *text, uint32_t weight, const char *endpoint, const char *host)
{
    assert_int_equal(parse(1, text), 0);
    assert_int_equal(list.count, 1);
    assert_int_equal(list.rows[0].weight, weight);
    assert_string_equal(list.rows[0].text, endpoint);
    assert_string_equal(list.rows[0].host, host);
}

static void test_weights(void **state)
{
    (void)state;
    check_one("mx1.example", 1, "mx1.example", "mx1.example");
    check_one("3@mx1.example:25", 3, "mx1.example:25", "mx1.example");
    check_one("1000@[::1]:25", 1000, "[::1]:25", "::1");
    check_one("1k@inet:h:25", 1000, "inet:h:25", "h");
    check_one("2@unix:/run/a@b", 2, "unix:/run/a@b", "");
    check_one("2@sink:", 2, "sink:", "sink");
    /* an @ of the endpoint's own */
    check_one("unix:3@b", 1, "unix:3@b", "");
    check_one("fe80::1%a@b", 1, "fe80::1%a@b", "fe80::1%a@b");
    check_one("[fe80::1%2@b]:25", 1, "[fe80::1%2@b]:25", "fe80::1%2@b");
}

static void test_wrong(void **state)
{
    static const char *const bad[] = {"0@h",    "1001@h", "-1@h",  "x@h",
                                      "1.5@h",  "@h",     " 1@h",  "99999999999999999999@h",
                                      "joe@mx", "3 @h",   "0x3@h", "+3@h"};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(parse(2, "a", bad[i]), -EINVAL);
        assert_non_null(strstr(d.text, bad[i]));
        assert_non_null(strstr(d.text, "1 to 1000"));
    }
    assert_int_equal(parse(3, "a", "b", "2@a"), -EINVAL);
    assert_non_null(strstr(d.text, "a is named twice"));
    assert_int_equal(parse(2, "a", "sink:"), -EINVAL);
    assert_non_null(strstr(d.text, "sink:"));
}

static void test_bounds(void **state)
{
    static char names[TARGETS_MAX + 1][8];
    char *operands[TARGETS_MAX + 1];

    (void)state;
    targets_done(&list);
    for (int i = 0; i <= TARGETS_MAX; i++) {
        (void)snprintf(names[i], sizeof names[i], "h%d", i);
        operands[i] = names[i];
    }
    assert_int_equal(targets_parse(&list, operands, TARGETS_MAX + 1, &d), -EINVAL);
    assert_non_null(strstr(d.text, "65"));
    targets_done(&list);
    assert_int_equal(targets_parse(&list, operands, TARGETS_MAX, &d), 0);
    assert_int_equal(list.count, TARGETS_MAX);
}

static void test_reached(void **state)
{
    (void)state;
    assert_int_equal(parse(3, "5@a", "b", "c"), 0); /* a a b a c a a */
    assert_int_equal(targets_reached(&list, 1), 1);
    assert_int_equal(targets_reached(&list, 2), 1);
    assert_int_equal(targets_reached(&list, 3), 2);
    assert_int_equal(targets_reached(&list, 4), 2);
    assert_int_equal(targets_reached(&list, 5), 3);
    assert_int_equal(targets_reached(&list, UINT64_MAX), 3);
    assert_false(targets_sink(&list));
    assert_null(targets_unix(&list));
    assert_int_equal(parse(2, "a", "3@unix:/b"), 0);
    assert_ptr_equal(targets_unix(&list), &list.rows[1]);
    assert_int_equal(parse(1, "sink:"), 0);
    assert_true(targets_sink(&list));
}

/* ---- The account ---- */

static void accepted(struct stats *s, uint32_t target, uint64_t ns)
{
    stats_message(s, OUTCOME_ACCEPTED, NULL);
    stats_recipients(s, OUTCOME_ACCEPTED, 1);
    stats_latency(s, PHASE_TRANSACTION, ns);
    s->targets[target].counter[COUNTER_MESSAGES_ACCEPTED]++;
    hist_record(&s->targets[target].transaction, ns);
}

static void test_account(void **state)
{
    struct recorder r = {0};
    struct stats *all = stats_new();
    struct stats *plain = stats_new();

    (void)state;
    assert_int_equal(recorder_init(&r), 0);
    assert_int_equal(recorder_by_target(&r, 2), 0);
    assert_int_equal(stats_by_target(all, 2), 0);
    accepted(recorder_now(&r), 0, 100);
    assert_true(recorder_ask(&r));
    recorder_poll(&r);
    stats_merge(all, recorder_take(&r));
    recorder_return(&r, r.sets[0]);
    accepted(recorder_now(&r), 1, 200);
    accepted(recorder_now(&r), 1, 300);
    recorder_drain(&r, all);
    assert_int_equal(all->targets[0].counter[COUNTER_MESSAGES_ACCEPTED], 1);
    assert_int_equal(all->targets[1].counter[COUNTER_MESSAGES_ACCEPTED], 2);
    assert_int_equal(all->targets[1].transaction.max, 300);
    assert_true(stats_check(all));

    /* a whole without rows has the sums alone */
    stats_merge(plain, all);
    assert_null(plain->targets);
    assert_int_equal(plain->counter[COUNTER_MESSAGES_ACCEPTED], 3);

    /* what does not sum is seen, and named */
    all->targets[1].counter[COUNTER_CONNECTIONS_LOST]++;
    assert_string_equal(targets_check(all->targets, 2, all), "lost");
    assert_false(stats_check(all));
    all->targets[1].counter[COUNTER_CONNECTIONS_LOST]--;
    hist_record(&all->targets[0].response, 5);
    assert_string_equal(targets_check(all->targets, 2, all), "response.accepted");

    stats_clear(all);
    assert_int_equal(targets_offered(&all->targets[1]), 0);
    assert_int_equal(all->targets[1].transaction.count, 0);
    assert_true(stats_check(all));
    stats_free(all);
    stats_free(plain);
    recorder_done(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_weights), cmocka_unit_test(test_wrong),
        cmocka_unit_test(test_bounds),  cmocka_unit_test(test_reached),
        cmocka_unit_test(test_account),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    targets_done(&list);
    return failed;
}
