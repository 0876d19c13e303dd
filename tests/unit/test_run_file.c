/*
 * Documents read back: what was written comes back bit by bit, halves merge to the whole, and what
 * is damaged gives one clear line.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "rng.h"
#include "run_file.h"
#include "samples.h"
#include "series.h"
#include "units.h"

static char *json_text(const struct run *run, const struct sink_run *sink, size_t *size)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, size);

    assert_non_null(out);
    assert_int_equal(run ? report_json(run, out) : sink_report_json(sink, out), 0);
    assert_int_equal(fclose(out), 0);
    return text;
}

static void expect_parsed(struct run_file *f, const char *name, const char *text, size_t size)
{
    struct diag d;

    if (run_file_parse(f, name, text, size, &d) < 0)
        fail_msg("%s", d.text);
}

static char *file_text(const struct run_file *f, bool json, size_t *size)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, size);

    assert_non_null(out);
    if (json)
        assert_int_equal(run_file_json(f, out), 0);
    else
        run_file_text(f, out);
    assert_int_equal(fclose(out), 0);
    return text;
}

static void comes_back_as_written(void **state)
{
    (void)state;
    for (int which = 0; which < SAMPLE_COUNT; which++) {
        struct stats *total = stats_new();
        struct sink_run sink;
        struct run run;

        sample_run((enum sample)which, &run, &sink, total);
        for (int role = 0; role < 2; role++) {
            struct run_file f;
            size_t size = 0;
            size_t again = 0;
            char *text = json_text(role ? NULL : &run, &sink, &size);
            char *back;

            expect_parsed(&f, sample_name((enum sample)which), text, size);
            assert_int_equal(f.is_sink, role);
            back = file_text(&f, true, &again);
            assert_string_equal(back, text);
            free(back);
            free(text);
            run_file_done(&f);
        }
        stats_free(total);
    }
}

static void shows_what_the_program_showed(void **state)
{
    struct stats *total = stats_new();
    struct sink_run sink;
    struct run run;
    struct run_file f;
    size_t size = 0;
    size_t unused;
    char *text;
    char *shown;
    char *original = NULL;
    FILE *out = open_memstream(&original, &unused);

    (void)state;
    sample_run(SAMPLE_TROUBLED, &run, &sink, total);
    text = json_text(&run, NULL, &size);
    expect_parsed(&f, "run.json", text, size);
    shown = file_text(&f, false, &unused);
    report_text(&run, out);
    assert_int_equal(fclose(out), 0);
    assert_string_equal(shown, original);
    free(shown);
    free(original);
    free(text);
    run_file_done(&f);
    stats_free(total);
}

/* One thing that happens to a run, by a random number. */
static void happen(struct stats *s, struct rng *rng, unsigned kinds)
{
    enum phase phase = (enum phase)rng_below(rng, PHASE_COUNT);
    /* All sizes: shifted by a random number of bits, so that some are above an hour. */
    uint64_t ns = rng_next(rng) >> (15 + rng_below(rng, 45));

    if (rng_below(rng, 4) == 0) {
        struct refusal_key key =
            refusal_key(phase, 400 + (int)rng_below(rng, kinds), SLICE("4.7.1"), false);

        stats_refusal(s, &key, SLICE("no"), ns);
        if (rng_below(rng, 2) == 0) {
            stats_message(s, OUTCOME_REFUSED, &key);
            stats_recipients(s, OUTCOME_REFUSED, 2);
        }
    } else {
        stats_latency(s, phase, ns);
        stats_message(s, OUTCOME_ACCEPTED, NULL);
        stats_recipients(s, OUTCOME_ACCEPTED, 1 + rng_below(rng, 3));
        stats_add(s, COUNTER_SENT_BYTES, rng_below(rng, 10000));
    }
}

static struct run run_of(const struct stats *total, const char *id, const char *started_at)
{
    return (struct run){.program = "smtp-source",
                        .role = "source",
                        .id = id,
                        .started_at = started_at,
                        .sessions = 3,
                        .messages = 100,
                        .elapsed_ns = 2 * NS_PER_S,
                        .total = total};
}

/* The merged document of two sets of statistics. */
static json_t *merge_of(const struct stats *first, const struct stats *second)
{
    struct run runs[2] = {run_of(first, "a", "2026-01-01T00:00:00.000Z"),
                          run_of(second, "b", "2026-01-01T00:00:01.500Z")};
    struct run_file files[2];
    struct diag d;
    size_t size = 0;
    char *text;
    json_t *merged;

    for (int i = 0; i < 2; i++) {
        text = json_text(&runs[i], NULL, &size);
        expect_parsed(&files[i], i ? "b.json" : "a.json", text, size);
        free(text);
    }
    if (run_file_merge(&files[0], &files[1], &d) < 0)
        fail_msg("%s", d.text);
    text = file_text(&files[0], true, &size);
    merged = json_loads(text, 0, NULL);
    free(text);
    run_file_done(&files[0]);
    run_file_done(&files[1]);
    return merged;
}

static json_t *whole_of(const struct stats *s)
{
    struct run run = run_of(s, "whole", NULL);
    size_t size = 0;
    char *text = json_text(&run, NULL, &size);
    json_t *whole = json_loads(text, 0, NULL);

    free(text);
    return whole;
}

static void expect_same(const json_t *a, const json_t *b, const char *const *names)
{
    for (; *names; names++)
        if (!json_equal(json_object_get(a, *names), json_object_get(b, *names)))
            fail_msg("%s differs", *names);
}

static void halves_merge_to_the_whole(void **state)
{
    static const char *const all[] = {"messages", "recipients",      "connections",    "traffic",
                                      "replies",  "refusals",        "refusals_other", "histogram",
                                      "latency",  "refused_latency", "breaks",         NULL};
    /* Interleaved, rows of refusals are met in another order; and beyond the bound other ones. */
    static const char *const sums[] = {"messages",        "recipients", "connections",
                                       "traffic",         "replies",    "latency",
                                       "refused_latency", "breaks",     NULL};

    (void)state;
    for (unsigned round = 0; round < 40; round++) {
        bool interleaved = round % 2;
        struct stats *whole = stats_new();
        struct stats *half[2] = {stats_new(), stats_new()};
        struct rng rng = {round};
        json_t *a;
        json_t *b;

        for (int i = 0; i < 4000; i++)
            happen(whole, &rng, interleaved ? 100 : REFUSAL_ROWS / PHASE_COUNT);
        rng = (struct rng){round};
        for (int i = 0; i < 4000; i++)
            happen(half[interleaved ? i % 2 : i >= 1700], &rng,
                   interleaved ? 100 : REFUSAL_ROWS / PHASE_COUNT);
        assert_true(stats_check(whole));
        a = merge_of(half[0], half[1]);
        b = whole_of(whole);
        expect_same(a, b, interleaved ? sums : all);
        assert_true(!interleaved || json_integer_value(json_object_get(
                                        json_object_get(a, "refusals_other"), "replies")) > 0);
        assert_int_equal(json_array_size(json_object_get(a, "merged")), 2);
        json_decref(a);
        json_decref(b);
        stats_free(whole);
        stats_free(half[0]);
        stats_free(half[1]);
    }
}

static void merged_plain_fields(void **state)
{
    struct stats *total = stats_new();
    json_t *m;

    (void)state;
    stats_message(total, OUTCOME_MISSED, NULL);
    m = merge_of(total, total);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(m, "config"), "sessions")),
                     6);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(m, "config"), "messages")),
                     200);
    /* 2 s each, begun 1.5 s apart. */
    assert_int_equal(json_integer_value(json_object_get(m, "elapsed_ns")), 3500 * NS_PER_MS);
    assert_string_equal(json_string_value(json_object_get(m, "started_at")),
                        "2026-01-01T00:00:00.000Z");
    assert_true(json_is_null(json_object_get(m, "run_id")));
    assert_string_equal(json_string_value(json_object_get(m, "program")), "smtp-source");
    json_decref(m);
    stats_free(total);
}

static void expect_no_merge(const struct run *a, const struct run *b, const char *why)
{
    struct run_file files[2];
    struct diag d = {""};
    size_t size = 0;
    char *text = json_text(a, NULL, &size);

    expect_parsed(&files[0], "a.json", text, size);
    free(text);
    text = json_text(b, NULL, &size);
    expect_parsed(&files[1], "b.json", text, size);
    free(text);
    assert_true(run_file_merge(&files[0], &files[1], &d) < 0);
    if (!strstr(d.text, why) || strncmp(d.text, "b.json: ", 8) != 0)
        fail_msg("%s", d.text);
    run_file_done(&files[0]);
    run_file_done(&files[1]);
}

static void what_has_no_sum(void **state)
{
    struct stats *total = stats_new();
    struct run a = run_of(total, "one", NULL);
    struct run b = run_of(total, "one", NULL);

    (void)state;
    expect_no_merge(&a, &b, "among the others already");
    b.id = "two";
    total->counter[COUNTER_SENT_BYTES] = (uint64_t)INT64_MAX / 2 + 1;
    expect_no_merge(&a, &b, "can't be exact");
    stats_free(total);
}

/* The text with one field's value replaced, which must not be read. */
static void expect_damaged(const char *text, const char *from, const char *to, const char *why)
{
    const char *at = strstr(text, from);
    struct run_file f;
    struct diag d = {""};
    char *changed = NULL;
    int size;

    if (!at)
        fail_msg("no %s in the sample", from);
    size = asprintf(&changed, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    assert_true(size > 0);
    assert_int_equal(run_file_parse(&f, "x.json", changed, (size_t)size, &d), -EBADMSG);
    if (strncmp(d.text, "x.json: ", 8) != 0 || !strstr(d.text, why))
        fail_msg("%s to %s: %s", from, to, d.text);
    free(changed);
}

static void damage_is_told(void **state)
{
    struct stats *total = stats_new();
    struct sink_run sink;
    struct run run;
    size_t size = 0;
    char *text;

    (void)state;
    sample_run(SAMPLE_TROUBLED, &run, &sink, total);
    text = json_text(&run, NULL, &size);
    expect_damaged(text, "smtp-source-report/1", "other/1", "not a report");
    expect_damaged(text, "smtp-source-report/1", "smtp-source-report/7", "another version");
    expect_damaged(text, "\"source\"", "\"sauce\"", "role");
    expect_damaged(text, "\"unit_ns\": 1", "\"unit_ns\": 2", "layout");
    expect_damaged(text, "\"accepted\": 1000", "\"accepted\": 1001", "does not add up");
    expect_damaged(text, "\"accepted\": 1000", "\"accepted\": -1", "messages.accepted is no count");
    expect_damaged(text, "\"accepted\": 1000", "\"accepted\": 1e3",
                   "messages.accepted is no count");
    expect_damaged(text, "\"phase\":\"rcpt\"", "\"phase\":\"pray\"", "doesn't know");
    expect_damaged(text, "\"p50_ns\":", "\"p50_ns\":1", "percentiles");
    expect_damaged(text, "\"sum_ns\":\"", "\"sum_ns\":\"9", "a sum that its buckets can't have");
    expect_damaged(text, "\"buckets\":[[", "\"buckets\":[[1", "");
    expect_damaged(text, "\"elapsed_ns\": 25000000", "\"elapsed_ns\": \"x\"",
                   "elapsed_ns is no count");
    expect_damaged(text, "\"target\": \"", "\"target\": 1, \"unheard\": \"", "target is no text");
    expect_damaged(text, "\"RCPT\":700", "\"RCPT\":701", "sum of refused_by_verb");
    free(text);
    stats_free(total);
}

/* Cut anywhere, and with any octet changed: read or refused, and then in one line with the name. */
static void any_damage_is_survived(void **state)
{
    struct stats *total = stats_new();
    struct rng rng = {11};
    struct sink_run sink;
    struct run run;
    size_t size = 0;
    char *text;
    unsigned refused = 0;

    (void)state;
    sample_run(SAMPLE_SMALL, &run, &sink, total);
    /* Small, so that every octet can be tried. */
    stats_clear(total);
    for (int i = 0; i < 12; i++)
        happen(total, &rng, 3);
    text = json_text(&run, NULL, &size);
    for (size_t i = 0; i < 2 * size; i++) {
        size_t n = i < size ? i : size;
        char *copy = malloc(n ? n : 1);
        struct run_file f;
        struct diag d = {""};

        assert_non_null(copy);
        memcpy(copy, text, n);
        if (i >= size)
            copy[i - size] ^= (char)(1 << rng_below(&rng, 8));
        if (run_file_parse(&f, "x.json", copy, n, &d) == 0) {
            assert_true(i >= size - 1); /* without the last newline it is whole */
            run_file_done(&f);
        } else {
            refused++;
            assert_memory_equal(d.text, "x.json: ", 8);
            assert_null(strchr(d.text, '\n'));
        }
        free(copy);
    }
    /* All cuts but the last two, and most flips: names of fields and digits of plain ones pass. */
    assert_true(refused > size + size / 2);
    free(text);
    stats_free(total);
}

/* ---- Over time ---- */

#define HALVES 2

/* A run with its series, in the making. */
struct timed {
    struct stats *total;
    struct stats *interval;
    struct series series;
    struct points points;
    struct run_model model;
    struct run run;
};

static void timed_open(struct timed *t, const char *id)
{
    static const struct require none;

    *t = (struct timed){.total = stats_new(), .interval = stats_new()};
    assert_int_equal(series_init(&t->series, 16), 0);
    t->points.interval_ns = NS_PER_S;
    t->points.started_at = "2026-01-01T00:00:00.000Z";
    t->run = run_of(t->total, id, t->points.started_at);
    t->model = (struct run_model){
        .length_ns = NS_NEVER, .series = &t->points, .series_count = 1, .require = &none};
    t->run.model = &t->model;
}

static void timed_close(struct timed *t)
{
    stats_free(t->total);
    stats_free(t->interval);
    series_done(&t->series);
}

/* Something that happened is in the interval's account. */
static void timed_happen(struct timed *t, struct rng *rng)
{
    uint64_t ns = rng_next(rng) >> (22 + rng_below(rng, 30));

    enum outcome o = rng_below(rng, 5) ? OUTCOME_ACCEPTED : OUTCOME_FAILED;

    stats_message(t->interval, o, NULL);
    stats_recipients(t->interval, o, 1);
    if (rng_below(rng, 2)) {
        stats_latency(t->interval, PHASE_TRANSACTION, ns);
        hist_record(&t->interval->lag, ns / 9);
    }
    stats_count(t->interval, COUNTER_CONNECTIONS_STARTED);
    stats_count(t->interval, COUNTER_CONNECTIONS_MADE);
    stats_add(t->interval, COUNTER_CONNECTIONS_CLOSED, rng_below(rng, 2));
}

static void timed_row(struct timed *t, uint64_t end)
{
    series_add(&t->series, end, 3, t->interval, &t->interval->latency[PHASE_TRANSACTION]);
    stats_merge(t->total, t->interval);
    stats_clear(t->interval);
}

static char *timed_text(struct timed *t, size_t *size)
{
    points_of(&t->points, &t->series);
    return json_text(&t->run, NULL, size);
}

/* Every event is in the whole, and in one of its parts; their series merge to that of the whole. */
static void series_of_halves_merge_to_the_whole(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 20; round++) {
        static struct timed whole;
        static struct timed half[HALVES];
        struct run_file files[HALVES];
        struct rng rng = {round};
        struct diag d;
        size_t size = 0;
        char *text;
        json_t *a;
        json_t *b;

        timed_open(&whole, "whole");
        for (int i = 0; i < HALVES; i++)
            timed_open(&half[i], i ? "b" : "a");
        for (uint64_t row = 1; row <= 10 + round; row++) {
            for (uint64_t n = rng_below(&rng, 60); n > 0; n--) {
                struct rng same = rng;

                timed_happen(&whole, &rng);
                timed_happen(&half[n % HALVES], &same);
            }
            timed_row(&whole, row * NS_PER_S);
            for (int i = 0; i < HALVES; i++)
                timed_row(&half[i], row * NS_PER_S);
        }
        for (int i = 0; i < HALVES; i++) {
            text = timed_text(&half[i], &size);
            expect_parsed(&files[i], i ? "b" : "a", text, size);
            free(text);
        }
        if (run_file_merge(&files[0], &files[1], &d) < 0)
            fail_msg("%s", d.text);
        text = file_text(&files[0], true, &size);
        a = json_loads(text, 0, NULL);
        free(text);
        text = timed_text(&whole, &size);
        b = json_loads(text, 0, NULL);
        free(text);
        expect_same(a, b, (const char *const[]){"series", "messages", "latency", NULL});
        json_decref(a);
        json_decref(b);
        for (int i = 0; i < HALVES; i++) {
            run_file_done(&files[i]);
            timed_close(&half[i]);
        }
        timed_close(&whole);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comes_back_as_written),
        cmocka_unit_test(shows_what_the_program_showed),
        cmocka_unit_test(halves_merge_to_the_whole),
        cmocka_unit_test(merged_plain_fields),
        cmocka_unit_test(what_has_no_sum),
        cmocka_unit_test(damage_is_told),
        cmocka_unit_test(any_damage_is_survived),
        cmocka_unit_test(series_of_halves_merge_to_the_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
