/*
 * The table of refusals, the account, and the recorder with a real writer's thread.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recorder.h"
#include "rng.h"
#include "stats.h"
#include "units.h"

static struct refusal_key kind(int i)
{
    char enhanced[16];

    (void)snprintf(enhanced, sizeof enhanced, "5.%d.%d", i % 10, i / 10);
    return refusal_key((enum phase)(i % PHASE_COUNT), 500 + i % 7, slice_of(enhanced), i % 2 == 1);
}

static void keys_are_bounded(void **state)
{
    struct refusal_key k = refusal_key(PHASE_RCPT, 999, SLICE("5.123.1234567890"), true);
    struct refusal_key bad = refusal_key(PHASE_RCPT, 0, SLICE("5.\0\x1b\xff"), true);
    struct refusal_key none = refusal_key(PHASE_QUIT, 421, (struct slice){NULL, 0}, false);

    (void)state;
    assert_string_equal(k.enhanced, "5.123.12345");
    assert_int_equal(k.code, 999);
    assert_string_equal(bad.enhanced, "5.???");
    assert_string_equal(none.enhanced, "");
    assert_int_equal(none.phase, PHASE_QUIT);
}

static void rows_are_told_apart(void **state)
{
    struct refusals *r = calloc(1, sizeof *r);
    const struct refusal_key keys[] = {
        refusal_key(PHASE_RCPT, 550, SLICE("5.1.1"), false),
        refusal_key(PHASE_MAIL, 550, SLICE("5.1.1"), false),
        refusal_key(PHASE_RCPT, 551, SLICE("5.1.1"), false),
        refusal_key(PHASE_RCPT, 550, SLICE("5.1.2"), false),
        refusal_key(PHASE_RCPT, 550, SLICE(""), false),
        refusal_key(PHASE_RCPT, 550, SLICE("5.1.1"), true),
    };
    const uint32_t n = sizeof keys / sizeof *keys;

    (void)state;
    for (uint32_t round = 0; round < 3; round++)
        for (uint32_t i = 0; i < n; i++)
            refusals_reply(r, &keys[i], SLICE("first"));
    refusals_message(r, &keys[2]);
    assert_int_equal(r->count, n);
    for (uint32_t i = 0; i < n; i++) {
        assert_int_equal(r->rows[i].replies, 3);
        assert_int_equal(r->rows[i].messages, i == 2);
    }
    assert_int_equal(refusals_replies(r), 3 * n);
    assert_int_equal(refusals_messages(r), 1);
    free(r);
}

static void samples_are_the_first_and_printable(void **state)
{
    struct refusals *r = calloc(1, sizeof *r);
    struct refusal_key a = kind(1);
    struct refusal_key b = kind(2);
    char longest[400];

    (void)state;
    memset(longest, 'x', sizeof longest);
    refusals_reply(r, &a, SLICE(""));
    refusals_reply(r, &a, SLICE("bell \a esc \x1b[31m \xc3\xa9"));
    refusals_reply(r, &a, SLICE("second"));
    refusals_reply(r, &b, (struct slice){longest, sizeof longest});
    assert_string_equal(r->rows[0].sample, "bell ? esc ?[31m ??");
    assert_int_equal(strlen(r->rows[1].sample), REFUSAL_SAMPLE_MAX);
    free(r);
}

static void the_table_is_bounded(void **state)
{
    struct refusals *r = calloc(1, sizeof *r);

    (void)state;
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < REFUSAL_ROWS + 10; i++) {
            struct refusal_key k = kind(i);

            refusals_reply(r, &k, SLICE("no"));
            refusals_reply(r, &k, SLICE("no"));
            refusals_message(r, &k);
        }
        assert_int_equal(r->count, REFUSAL_ROWS);
        assert_int_equal(r->other.replies, 20);
        assert_int_equal(r->other.messages, 10);
        assert_string_equal(r->other.sample, "");
        assert_int_equal(refusals_replies(r), 2 * (REFUSAL_ROWS + 10));
        assert_int_equal(refusals_messages(r), REFUSAL_ROWS + 10);
        refusals_clear(r);
        for (size_t i = 0; i < sizeof *r; i++)
            assert_int_equal(((const char *)r)[i], 0);
    }
    free(r);
}

static void tables_merge(void **state)
{
    struct refusals *a = calloc(1, sizeof *a);
    struct refusals *b = calloc(1, sizeof *b);
    struct refusal_key shared = kind(0);

    (void)state;
    for (int i = 0; i < 40; i++) {
        struct refusal_key x = kind(i);
        struct refusal_key y = kind(39 + i); /* one in common */

        refusals_reply(a, &x, SLICE("from a"));
        refusals_reply(b, &y, SLICE("from b"));
        refusals_message(b, &y);
    }
    refusals_message(b, &shared); /* a row without a reply, as after a swap of intervals */
    refusals_merge(a, b);
    assert_int_equal(a->count, REFUSAL_ROWS);
    assert_int_equal(a->rows[39].replies, 2);
    assert_string_equal(a->rows[39].sample, "from a");
    assert_string_equal(a->rows[40].sample, "from b");
    assert_int_equal(a->rows[0].messages, 1);
    assert_int_equal(refusals_replies(a), 80);
    assert_int_equal(refusals_messages(a), 41);
    assert_int_equal(a->other.replies, 79 - REFUSAL_ROWS);
    free(a);
    free(b);
}

/* One random event, into both. */
static void event(struct rng *rng, struct stats *a, struct stats *b)
{
    struct stats *both[2] = {a, b};
    struct refusal_key key = kind((int)rng_below(rng, 50));
    enum outcome o = (enum outcome)rng_below(rng, OUTCOME_COUNT);
    uint64_t ns = rng_next(rng) >> (20 + rng_below(rng, 40));
    enum phase p = (enum phase)rng_below(rng, PHASE_COUNT);

    for (int i = 0; i < 2; i++) {
        stats_latency(both[i], p, ns);
        stats_count(both[i], COUNTER_CONNECTIONS_STARTED);
        stats_add(both[i], COUNTER_SENT_BYTES, ns);
        if (o == OUTCOME_REFUSED)
            stats_refusal(both[i], &key, SLICE("no"), ns);
        else if (ns % 5 == 0)
            stats_refusal(both[i], &key, SLICE("no"), NS_NEVER);
        stats_message(both[i], o, o == OUTCOME_REFUSED ? &key : NULL);
        stats_recipients(both[i], o, 3);
    }
}

static void expect_equal(const struct stats *a, const struct stats *b)
{
    assert_memory_equal(a->counter, b->counter, sizeof a->counter);
    for (int p = 0; p < PHASE_COUNT; p++) {
        assert_memory_equal(&a->latency[p], &b->latency[p], sizeof a->latency[p]);
        assert_memory_equal(&a->refused_latency[p], &b->refused_latency[p],
                            sizeof a->refused_latency[p]);
    }
    assert_int_equal(refusals_replies(&a->refusals), refusals_replies(&b->refusals));
    assert_int_equal(refusals_messages(&a->refusals), refusals_messages(&b->refusals));
}

static void accounts_merge(void **state)
{
    struct stats *whole = stats_new();
    struct stats *part[3] = {stats_new(), stats_new(), stats_new()};
    struct stats *sum = stats_new();
    struct stats *none = stats_new();
    struct rng rng = {12};

    (void)state;
    for (int i = 0; i < 5000; i++)
        event(&rng, whole, part[rng_below(&rng, 3)]);
    for (int i = 0; i < 3; i++) {
        assert_true(stats_check(part[i]));
        stats_merge(sum, part[i]);
    }
    expect_equal(sum, whole);
    assert_true(stats_check(sum));
    assert_int_equal(stats_offered(sum), 5000);
    assert_int_equal(stats_rcpt_offered(sum), 15000);
    stats_clear(sum);
    assert_memory_equal(sum, none, sizeof *none);
    for (int i = 0; i < 3; i++)
        stats_free(part[i]);
    stats_free(whole);
    stats_free(sum);
    stats_free(none);
    stats_free(NULL);
}

static void wrong_sums_are_found(void **state)
{
    static const enum counter broken[] = {
        COUNTER_MESSAGES_REFUSED, COUNTER_REPLIES_REFUSED,    COUNTER_REPLIES_COLLATERAL,
        COUNTER_MESSAGES_PARTIAL, COUNTER_MESSAGES_ACCEPTED,  COUNTER_CONNECTIONS_MADE,
        COUNTER_CONNECTIONS_LOST, COUNTER_CONNECTIONS_FAILED,
    };
    struct stats *s = stats_new();
    struct refusal_key k = kind(0);

    (void)state;
    stats_refusal(s, &k, SLICE("no"), 1);
    stats_refusal(s, &k, SLICE("421 unasked"), NS_NEVER);
    stats_message(s, OUTCOME_REFUSED, &k);
    assert_int_equal(s->refused_latency[k.phase].count, 1);
    assert_int_equal(s->counter[COUNTER_REPLIES_REFUSED], 2);
    assert_true(stats_check(s));
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        s->counter[broken[i]] += 3;
        assert_false(stats_check(s));
        s->counter[broken[i]] -= 3;
        assert_true(stats_check(s));
    }
    refusals_message(&s->refusals, &k);
    assert_false(stats_check(s));
    stats_free(s);
}

static void counters_have_names(void **state)
{
    (void)state;
    assert_string_equal(counter_group(COUNTER_TIMEOUTS), "connections");
    assert_string_equal(counter_name(COUNTER_TIMEOUTS), "timeouts");
    for (int c = 0; c < COUNTER_COUNT; c++) {
        assert_true(strlen(counter_help((enum counter)c)) > 0);
        for (int d = 0; d < c; d++)
            assert_false(strcmp(counter_group((enum counter)c), counter_group((enum counter)d)) ==
                             0 &&
                         strcmp(counter_name((enum counter)c), counter_name((enum counter)d)) == 0);
    }
    for (int o = 0; o < OUTCOME_COUNT; o++) {
        const char *name = outcome_name((enum outcome)o);

        assert_string_equal(counter_name((enum counter)(COUNTER_MESSAGES_ACCEPTED + o)), name);
        assert_string_equal(counter_name((enum counter)(COUNTER_RECIPIENTS_ACCEPTED + o)), name);
    }
}

static void recorder_alone(void **state)
{
    struct recorder r;
    struct stats *total = stats_new();
    struct stats *s;

    (void)state;
    assert_int_equal(recorder_init(&r), 0);
    assert_null(recorder_take(&r));
    stats_count(recorder_now(&r), COUNTER_TIMEOUTS);
    recorder_poll(&r); /* nobody asked */
    assert_true(recorder_ask(&r));
    assert_false(recorder_ask(&r));
    assert_null(recorder_take(&r));
    recorder_poll(&r);
    assert_false(recorder_ask(&r));
    stats_add(recorder_now(&r), COUNTER_TIMEOUTS, 10);
    s = recorder_take(&r);
    assert_non_null(s);
    assert_null(recorder_take(&r));
    assert_int_equal(s->counter[COUNTER_TIMEOUTS], 1);
    recorder_poll(&r); /* must not flip under the reader */
    assert_true(recorder_now(&r) != s);
    recorder_return(&r, s);
    assert_true(recorder_ask(&r));
    recorder_poll(&r);
    stats_add(recorder_now(&r), COUNTER_TIMEOUTS, 100);
    recorder_drain(&r, total); /* one set ready and not taken, one active */
    assert_int_equal(total->counter[COUNTER_TIMEOUTS], 110);
    recorder_drain(&r, total);
    assert_int_equal(total->counter[COUNTER_TIMEOUTS], 110);
    recorder_done(&r);
    recorder_done(&r);
    stats_free(total);
}

struct writer {
    struct recorder recorder;
    struct stats *all; /* the writer's own account of what it recorded */
    atomic_bool stop;
    uint64_t turns;
};

static void *write_thread(void *arg)
{
    struct writer *w = arg;
    struct rng rng = {77};

    while (!atomic_load_explicit(&w->stop, memory_order_relaxed)) {
        struct stats *s;

        recorder_poll(&w->recorder);
        s = recorder_now(&w->recorder);
        for (int i = 0; i < 64; i++)
            event(&rng, s, w->all);
        w->turns++;
    }
    return NULL;
}

/* The intervals are cut between turns, and sum to what was recorded. */
static void recorder_with_a_thread(void **state)
{
    struct writer w = {.all = stats_new()};
    struct stats *total = stats_new();
    uint64_t intervals = 0;
    pthread_t thread;

    (void)state;
    assert_int_equal(recorder_init(&w.recorder), 0);
    assert_int_equal(pthread_create(&thread, NULL, write_thread, &w), 0);
    while (intervals < 300) {
        struct stats *s;

        assert_true(recorder_ask(&w.recorder));
        while (!(s = recorder_take(&w.recorder)))
            sched_yield();
        assert_int_equal(stats_offered(s) % 64, 0);
        stats_merge(total, s);
        recorder_return(&w.recorder, s);
        intervals++;
    }
    assert_true(recorder_ask(&w.recorder)); /* left unanswered, or untaken */
    atomic_store(&w.stop, true);
    pthread_join(thread, NULL);
    recorder_drain(&w.recorder, total);
    assert_int_equal(stats_offered(total), w.turns * 64);
    expect_equal(total, w.all);
    assert_true(stats_check(total));
    recorder_done(&w.recorder);
    stats_free(w.all);
    stats_free(total);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_bounded),
        cmocka_unit_test(rows_are_told_apart),
        cmocka_unit_test(samples_are_the_first_and_printable),
        cmocka_unit_test(the_table_is_bounded),
        cmocka_unit_test(tables_merge),
        cmocka_unit_test(accounts_merge),
        cmocka_unit_test(wrong_sums_are_found),
        cmocka_unit_test(counters_have_names),
        cmocka_unit_test(recorder_alone),
        cmocka_unit_test(recorder_with_a_thread),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
