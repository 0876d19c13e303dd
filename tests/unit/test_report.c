/*
 * What is written about runs: a golden summary, and rules that hold for any run whatsoever.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "human.h"
#include "num.h"
#include "report_live.h"
#include "samples.h"
#include "units.h"

struct sample_run {
    struct stats *total;
    struct run run;
    struct sink_run sink;
};

static void open_sample(struct sample_run *s, enum sample which)
{
    s->total = stats_new();
    assert_non_null(s->total);
    sample_run(which, &s->run, &s->sink, s->total);
}

static char *text_of(const struct run *run, const struct sink_run *sink)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(out);
    if (run)
        report_text(run, out);
    else
        sink_report_text(sink, out);
    assert_int_equal(fclose(out), 0);
    assert_int_equal(strlen(text), size);
    return text;
}

static json_t *json_of(const struct run *run, const struct sink_run *sink)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    json_t *document;

    assert_non_null(out);
    assert_int_equal(run ? report_json(run, out) : sink_report_json(sink, out), 0);
    assert_int_equal(fclose(out), 0);
    assert_int_equal(text[size - 1], '\n');
    document = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(document);
    free(text);
    return document;
}

/* Printable ASCII, at most 80 columns, no blank at the end of a line, one newline at the end. */
static void expect_tidy(const char *text)
{
    size_t column = 0;

    for (const char *p = text; *p; p++) {
        if (*p == '\n') {
            assert_true(p == text || p[-1] != ' ');
            column = 0;
        } else {
            assert_in_range(*p, ' ', '~');
            assert_true(++column <= 80);
        }
    }
    assert_int_equal(column, 0);
    assert_non_null(strstr(text, "\n\n"));
    assert_null(strstr(text, "\n\n\n"));
}

static void expect_line(const char *text, const char *line)
{
    char whole[128];

    (void)snprintf(whole, sizeof whole, "\n%s\n", line);
    if (!strstr(text, whole))
        fail_msg("no line \"%s\" in:\n%s", line, text);
}

static void golden_summary(void **state)
{
    static const char golden[] =
        "smtp-source 1.2.3: smtp to inet:127.0.0.1:2525\n"
        "\n"
        "  work         1,000 messages of 1,024 bytes, 1 recipient each, 2 sessions\n"
        "  run          2025-11-22T23:34:05.123Z, 25.0 ms, id 5f3a9c1e-7\n"
        "\n"
        "                 messages             recipients\n"
        "  offered           1,000                  1,000\n"
        "  accepted          1,000    100%          1,000    100%\n"
        "  refused               0                      0\n"
        "  failed                0                      0\n"
        "  unknown               0                      0\n"
        "  missed                0                      0\n"
        "\n"
        "  rate         40,000 messages/s accepted\n"
        "  traffic      1.23 MB sent (49.4 MB/s), 98.8 kB received (3.95 MB/s)\n"
        "  connections  2 made\n"
        "  generator    20.0 us CPU per message, 5.00 ms user + 15.0 ms system,\n"
        "               80% of a core, 1 worker, epoll, 4.32 MB memory\n"
        "\n"
        "  latency         count      p50      p90      p99    p99.9   p99.99      max\n"
        "  connect             2  20.0 us  20.0 us  20.0 us  20.0 us  20.0 us  20.0 us\n"
        "  mail            1,000  3.51 ms  6.32 ms  6.95 ms  7.00 ms  7.00 ms  7.00 ms\n"
        "  rcpt            1,000  4.01 ms  7.21 ms  7.93 ms  8.00 ms  8.00 ms  8.00 ms\n"
        "  data            1,000  4.69 ms  8.45 ms  9.24 ms  9.33 ms  9.33 ms  9.33 ms\n"
        "  end-of-data     1,000  14.0 ms  25.3 ms  27.8 ms  28.0 ms  28.0 ms  28.0 ms\n"
        "  transaction     1,000  28.0 ms  50.6 ms  55.6 ms  56.0 ms  56.0 ms  56.0 ms\n";
    struct sample_run s;
    char *text;

    (void)state;
    open_sample(&s, SAMPLE_SMALL);
    text = text_of(&s.run, NULL);
    assert_string_equal(text, golden);
    free(text);
    stats_free(s.total);
}

static void troubles_are_told(void **state)
{
    struct sample_run s;
    char *text;

    (void)state;
    open_sample(&s, SAMPLE_TROUBLED);
    text = text_of(&s.run, NULL);
    expect_line(text, "  ended        fatal: lost connection while sending message");
    expect_line(text, "  offered           1,103                  1,104");
    expect_line(text, "  accepted          1,000  90.66%          1,000  90.57%");
    expect_line(text, "   partial              1   0.09%");
    expect_line(text, "  refused             100   9.06%            101   9.14%");
    expect_line(text, "  failed                1   0.09%              1   0.09%");
    expect_line(text, "  refused at   code        messages  replies  text");
    expect_line(text, "  rcpt         503* 5.5.1         0       40  Error: need MAIL command");
    expect_line(text, "  * follows from an earlier refusal");
    expect_line(text,
                "  connections  2 made, 11 tried, 8 failed, 1 lost, 1 timeout, 1 protocol error");
    expect_line(text, "    1 of them above an hour: their percentiles are the max");
    expect_line(text, "  other                           0       55");
    assert_non_null(strstr(text, "\n  sink "));
    free(text);
    text = text_of(NULL, &s.sink);
    expect_line(text, "  refused      1,012 replies, 700 at RCPT, 312 at .");
    expect_line(text, "  unrecorded   3 transactions");
    expect_line(text,
                "  auth         5 accepted, PLAIN (4), SCRAM-SHA-256 (1), 3 refused, PLAIN (2),");
    free(text);
    stats_free(s.total);
}

static void summaries_are_tidy(void **state)
{
    (void)state;
    for (int i = 0; i < SAMPLE_COUNT; i++) {
        struct sample_run s;
        char *text;

        open_sample(&s, (enum sample)i);
        assert_true(stats_check(s.total));
        text = text_of(&s.run, NULL);
        expect_tidy(text);
        free(text);
        text = text_of(NULL, &s.sink);
        expect_tidy(text);
        free(text);
        memset(s.total->counter, 0xff, sizeof s.total->counter);
        text = text_of(&s.run, NULL);
        expect_tidy(text);
        free(text);
        stats_free(s.total);
    }
}

static json_int_t number(json_t *document, const char *group, const char *name)
{
    json_t *n = json_object_get(json_object_get(document, group), name);

    assert_true(json_is_integer(n));
    return json_integer_value(n);
}

static void json_has_the_account(void **state)
{
    struct sample_run s;
    json_t *j;

    (void)state;
    open_sample(&s, SAMPLE_TROUBLED);
    j = json_of(&s.run, NULL);
    assert_string_equal(json_string_value(json_object_get(j, "schema")), "smtp-source-report/1");
    assert_int_equal(number(j, "messages", "offered"), 1103);
    assert_int_equal(number(j, "recipients", "offered"), 1104);
    assert_int_equal(number(j, "config", "messages"), 1000);
    assert_int_equal(number(j, "cpu", "per_message_ns"), 20 * NS_PER_MS / 1102);
    for (int c = 0; c < COUNTER_COUNT; c++)
        assert_int_equal(number(j, counter_group((enum counter)c), counter_name((enum counter)c)),
                         s.total->counter[c]);
    assert_int_equal(json_array_size(json_object_get(j, "refusals")), s.total->refusals.count);
    json_decref(j);
    stats_free(s.total);
}

/* A histogram can be rebuilt from its document exactly. */
static void json_has_the_histograms(void **state)
{
    struct sample_run s;
    json_t *j;

    (void)state;
    open_sample(&s, SAMPLE_TROUBLED);
    j = json_of(&s.run, NULL);
    for (int p = 0; p < PHASE_COUNT; p++) {
        const struct hist *h = &s.total->latency[p];
        json_t *o = json_object_get(json_object_get(j, "latency"), phase_name((enum phase)p));
        json_t *bucket;
        struct hist *copy = calloc(1, sizeof *copy);
        size_t i;

        assert_non_null(copy);
        hist_init(copy);
        assert_int_equal(o != NULL, h->count > 0);
        json_array_foreach(json_object_get(o, "buckets"), i, bucket)
        {
            hist_record_n(copy, (uint64_t)json_integer_value(json_array_get(bucket, 0)),
                          (uint64_t)json_integer_value(json_array_get(bucket, 1)));
        }
        assert_int_equal(copy->count, h->count);
        assert_memory_equal(copy->slots, h->slots, sizeof h->slots);
        if (o) {
            const char *sum = json_string_value(json_object_get(o, "sum_ns"));

            assert_true(strtoull(sum, NULL, 10) == h->sum);
            assert_int_equal(json_integer_value(json_object_get(o, "max_ns")), h->max);
        }
        free(copy);
    }
    json_decref(j);
    stats_free(s.total);
}

static void json_bears_extremes(void **state)
{
    struct sample_run s;
    json_t *j;
    json_t *o;

    (void)state;
    open_sample(&s, SAMPLE_EXTREME);
    j = json_of(&s.run, NULL);
    assert_int_equal(number(j, "connections", "timeouts"), INT64_MAX);
    o = json_object_get(json_object_get(j, "latency"), "mail");
    /* (2^63 - 1) * (2^62 - 1), too much for 64 bits */
    assert_string_equal(json_string_value(json_object_get(o, "sum_ns")),
                        "42535295865117307919086767873688862721");
    assert_non_null(strstr(json_string_value(json_object_get(j, "command_line")), "a ???[31m?"));
    json_decref(j);
    stats_free(s.total);

    open_sample(&s, SAMPLE_EMPTY);
    j = json_of(&s.run, NULL);
    assert_true(json_is_null(json_object_get(j, "accepted_per_s")));
    assert_true(json_is_null(json_object_get(json_object_get(j, "cpu"), "per_message_ns")));
    assert_true(json_is_null(json_object_get(j, "target")));
    assert_int_equal(json_object_size(json_object_get(j, "latency")), 0);
    json_decref(j);
    stats_free(s.total);
}

static void write_errors_are_told(void **state)
{
    struct sample_run s;
    FILE *full = fopen("/dev/full", "w");

    (void)state;
    assert_non_null(full);
    open_sample(&s, SAMPLE_SMALL);
    assert_int_equal(report_json(&s.run, full), -ENOSPC);
    assert_int_equal(sink_report_json(&s.sink, full), -ENOSPC);
    stats_free(s.total);
    (void)fclose(full);
}

static size_t allocations_left;

static void *scarce_malloc(size_t size)
{
    if (allocations_left == 0)
        return NULL;
    allocations_left--;
    return malloc(size);
}

/* Wherever memory ends, that is told, and nothing leaks or crashes. */
static void memory_may_be_short(void **state)
{
    struct sample_run s;
    FILE *null = fopen("/dev/null", "w");
    size_t n = 0;
    int code;

    (void)state;
    assert_non_null(null);
    open_sample(&s, SAMPLE_TROUBLED);
    json_set_alloc_funcs(scarce_malloc, free);
    do {
        allocations_left = n;
        code = report_json(&s.run, null);
        assert_true(code == 0 || code == -ENOMEM || code == -EIO);
        assert_true(n > 0 || code == -ENOMEM);
        n += n < 300 ? 1 : 53;
    } while (code != 0 && n < 1000000);
    json_set_alloc_funcs(malloc, free);
    assert_int_equal(code, 0);
    assert_true(n > 300);
    stats_free(s.total);
    (void)fclose(null);
}

static void numbers_for_people(void **state)
{
    static const struct {
        uint64_t ns;
        const char *text;
    } times[] = {
        {0, "0 ns"},
        {999, "999 ns"},
        {1000, "1.00 us"},
        {9994, "9.99 us"},
        {9995, "10.0 us"},
        {99949, "99.9 us"},
        {99950, "100 us"},
        {999499, "999 us"},
        {999500, "1.00 ms"},
        {1234567890, "1.23 s"},
        {999 * NS_PER_S, "999 s"},
        {1000 * NS_PER_S, "16.7 min"},
        {HIST_HIGHEST, "60.0 min"},
        {100 * HIST_HIGHEST, "100 h"},
        {UINT64_MAX, ">999 h"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof times / sizeof *times; i++)
        assert_string_equal(human_time(times[i].ns).text, times[i].text);
    assert_string_equal(human_count(0).text, "0");
    assert_string_equal(human_count(999).text, "999");
    assert_string_equal(human_count(1000).text, "1,000");
    assert_string_equal(human_count(123456).text, "123,456");
    assert_string_equal(human_count(UINT64_MAX).text, "18,446,744,073,709,551,615");
    assert_string_equal(human_short(9999999, 9).text, "9,999,999");
    assert_string_equal(human_short(12345678, 9).text, "12.3 M");
    assert_string_equal(human_short(UINT64_MAX, 9).text, "18.4 E");
    assert_string_equal(human_bytes(999).text, "999 B");
    assert_string_equal(human_bytes(10240).text, "10.2 kB");
    assert_string_equal(human_percent(0, 10).text, "");
    assert_string_equal(human_percent(0, 0).text, "");
    assert_string_equal(human_percent(10, 10).text, "100%");
    assert_string_equal(human_percent(999999, 1000000).text, "99.99%");
    assert_string_equal(human_percent(1, 1000000).text, "<0.01%");
    assert_int_equal(per_second(5, 0), 0);
    assert_int_equal(per_second(3, 2 * NS_PER_S), 2);
    assert_int_equal(per_second(UINT64_MAX, 1), UINT64_MAX);
}

static void times_of_day(void **state)
{
    char out[RUN_TIME_SIZE];

    (void)state;
    assert_string_equal(run_time(out, &(struct timespec){0, 999999999}),
                        "1970-01-01T00:00:00.999Z");
    assert_string_equal(run_time(out, &(struct timespec){951868799, 1000000}),
                        "2000-02-29T23:59:59.001Z");
}

static const uint64_t history[] = {0, 1000, 2000, 3000, 4000, 5000, 6000, 7000};

static struct live live_sample(void)
{
    return (struct live){.title = "smtp-source: smtp to 127.0.0.1:2525",
                         .done = 45012,
                         .total = 100000,
                         .rate = 7000,
                         .target = 8000 * RATE_PER_S,
                         .errors = 12,
                         .elapsed_ns = 65 * NS_PER_S,
                         .left_ns = 70 * NS_PER_S,
                         .length_ns = NS_NEVER,
                         .ended = {45000, 9, 2, 0, 1},
                         .p50_ns = 850000,
                         .p99_ns = 1230000,
                         .max_ns = 12300000,
                         .sessions = 20,
                         .open = 19,
                         .lag_p99_ns = 15000,
                         .history = history,
                         .history_count = 8,
                         .keys = true};
}

/* Columns of the widest line; escapes have none. */
static size_t widest(const char *text)
{
    size_t most = 0;
    size_t n = 0;

    for (; *text; text++) {
        if (*text == '\033')
            while (*text != 'm')
                text++;
        else if (*text == '\n')
            n = 0;
        else if (((unsigned char)*text & 0xc0) != 0x80)
            n++;
        most = n > most ? n : most;
    }
    return most;
}

static void live_view(void **state)
{
    struct live v = live_sample();
    struct view_style s = {.width = 80, .height = 24};
    char out[REPORT_VIEW_SIZE];

    (void)state;
    assert_string_equal(
        report_view(out, sizeof out, &v, &s),
        "smtp-source: smtp to 127.0.0.1:2525                             running  65.0 s\n"
        "  progress ###########---------------  45%  45,012 of 100,000  70.0 s left\n"
        "  rate         7,000/s of 8,000/s  _.-~=+*#\n"
        "  latency  p50   850 us   p99  1.23 ms   max  12.3 ms\n"
        "  sessions 19 open of 20   the generator lags by p99 15.0 us\n"
        "  ended    accepted 45,000   refused 9   failed 2   unknown 0   missed 1\n"
        "  keys     p pauses, q ends and reports");
    s.utf8 = s.colour = true;
    v.state = LIVE_PAUSED;
    (void)report_view(out, sizeof out, &v, &s);
    assert_non_null(strstr(out, "\033[33mpaused\033[0m"));
    assert_non_null(strstr(out, "\033[31m   refused 9\033[0m"));
    assert_non_null(strstr(out, "▁▂▃▄▅▆▇█"));
    assert_non_null(strstr(out, "p goes on"));
    assert_int_equal(widest(out), 79);
    /* A run that ends by time, without a target or anything accepted, told to finish. */
    v = (struct live){.done = 12,
                      .length_ns = 100 * NS_PER_S,
                      .elapsed_ns = 25 * NS_PER_S,
                      .left_ns = NS_NEVER,
                      .p99_ns = NS_NEVER,
                      .lag_p99_ns = NS_NEVER,
                      .state = LIVE_FINISHING};
    s.utf8 = s.colour = false;
    (void)report_view(out, sizeof out, &v, &s);
    assert_non_null(strstr(out, "######--------------------  25%  12\n"));
    assert_non_null(strstr(out, "finishing  25.0 s\n"));
    assert_null(strstr(out, "lags"));
    assert_null(strstr(out, "keys"));
}

static void live_view_fits(void **state)
{
    struct live v = live_sample();
    char title[300];
    char out[REPORT_VIEW_SIZE];
    uint64_t many[500];

    (void)state;
    for (size_t i = 0; i < 500; i++)
        many[i] = UINT64_MAX - i;
    memset(title, 'x', sizeof title - 1);
    title[sizeof title - 1] = '\0';
    memcpy(title, "\033[2J", 4);
    for (int extreme = 0; extreme < 2; extreme++) {
        for (size_t width = 1; width <= 300; width++) {
            struct view_style s = {width, 24, true, extreme};

            (void)report_view(out, sizeof out, &v, &s);
            assert_true(strchr(out, '\n') ? widest(out) < width : width < VIEW_WIDTH_MIN);
            assert_true(strlen(out) < sizeof out - 200);
            s.height = VIEW_HEIGHT_MIN - 1;
            assert_null(strchr(report_view(out, sizeof out, &v, &s), '\n'));
        }
        v.title = title;
        v.done = v.total = v.rate = v.target = v.sessions = v.open = UINT64_MAX;
        v.left_ns = v.p50_ns = v.max_ns = v.lag_p99_ns = NS_NEVER - 1;
        v.p99_ns = v.elapsed_ns = v.left_ns;
        memset(v.ended, 0xff, sizeof v.ended);
        v.history = many;
        v.history_count = 500;
    }
    assert_null(strstr(out, "\033[2J"));
}

static void live_line(void **state)
{
    struct live v = {.done = 450123,
                     .total = 1000000,
                     .rate = 81300,
                     .p99_ns = 1230000,
                     .errors = 12,
                     .elapsed_ns = 5 * NS_PER_S,
                     .left_ns = 7 * NS_PER_S};
    char out[REPORT_LIVE_SIZE];

    (void)state;
    assert_string_equal(
        report_live(out, sizeof out, &v),
        " 45%  450,123 of 1,000,000   81,300/s  p99 1.23 ms  12 errors  7.00 s left");
    v = (struct live){
        .done = 12, .rate = 3, .p99_ns = NS_NEVER, .elapsed_ns = 1, .left_ns = NS_NEVER};
    assert_string_equal(report_live(out, sizeof out, &v), "1 ns  12 done        3/s");
    v.done = v.total = v.rate = v.errors = v.elapsed_ns = UINT64_MAX;
    v.p99_ns = v.left_ns = 123456 * NS_PER_MS;
    assert_true(strlen(report_live(out, sizeof out, &v)) < REPORT_LIVE_SIZE);
    assert_int_equal(strncmp(out, "100%  18.4 E of 18.4 E", 22), 0);

    assert_int_equal(report_left(0, 10, 5), NS_NEVER);
    assert_int_equal(report_left(5, 0, 5), NS_NEVER);
    assert_int_equal(report_left(5, 20, 10 * NS_PER_S), 30 * NS_PER_S);
    assert_int_equal(report_left(20, 20, 1), 0);
    assert_int_equal(report_left(1, UINT64_MAX, UINT64_MAX), NS_NEVER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_summary),
        cmocka_unit_test(troubles_are_told),
        cmocka_unit_test(summaries_are_tidy),
        cmocka_unit_test(json_has_the_account),
        cmocka_unit_test(json_has_the_histograms),
        cmocka_unit_test(json_bears_extremes),
        cmocka_unit_test(write_errors_are_told),
        cmocka_unit_test(memory_may_be_short),
        cmocka_unit_test(numbers_for_people),
        cmocka_unit_test(times_of_day),
        cmocka_unit_test(live_line),
        cmocka_unit_test(live_view),
        cmocka_unit_test(live_view_fits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
