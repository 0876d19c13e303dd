/*
 * Two runs side by side, and limits on what may change.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compare.h"
#include "conditions.h"
#include "run.h"
#include "samples.h"
#include "units.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

struct pair {
    struct stats *total[2];
    struct run run[2];
};

/* base: 100 messages of 1 ms in 1 s; new: 80 of 1.5 ms in 1 s, 20 lost. */
static void open_pair(struct pair *p)
{
    for (int i = 0; i < 2; i++) {
        p->total[i] = stats_new();
        for (int k = 0; k < (i ? 80 : 100); k++) {
            stats_latency(p->total[i], PHASE_TRANSACTION, i ? 1500 * NS_PER_US : NS_PER_MS);
            stats_message(p->total[i], OUTCOME_ACCEPTED, NULL);
        }
        for (int k = 0; k < (i ? 20 : 0); k++)
            stats_message(p->total[i], OUTCOME_FAILED, NULL);
        p->run[i] =
            (struct run){.elapsed_ns = NS_PER_S, .sessions = 1, .total = p->total[i], .rcpts = 1};
    }
    stats_latency(p->total[1], PHASE_RCPT, 5 * NS_PER_US);
    p->run[0].cpu_user_ns = 100 * 50 * NS_PER_US;
    p->run[1].cpu_user_ns = 100 * 70 * NS_PER_US;
}

static void close_pair(struct pair *p)
{
    stats_free(p->total[0]);
    stats_free(p->total[1]);
}

static void limits_hold_or_break(void **state)
{
    static const struct {
        const char *text;
        int broken;
    } cases[] = {
        {"p99>+10%", 1},
        {"p99>+49%", 1},
        {"p99>+51%", 0},
        {"p99<-1%", 0},
        {"max>+400us", 1},
        {"max>+600us", 0},
        {"max>1ms", 1},
        {"max>2ms", 0},
        {"rate<-10%", 1},
        {"rate<-20%", 0},
        {"rate<=-20%", 1},
        {"rate<-21%", 0},
        {"rate<81/s", 1},
        {"rate<80/s", 0},
        {"rate<-19/s", 1},
        {"rate<-21/s", 0},
        {"errors>0", 1},
        {"errors>19%", 1},
        {"errors>20", 0},
        {"errors>+19", 1},
        {"errors>+1000%", 1},
        {"refused>0", 0},
        {"refused>+0%", 0},
        {"accepted<-10", 1},
        {"accepted<-30", 0},
        {"accepted<-200%", 0},
        {"p50(rcpt)>4us", 1},
        {"p50(transaction)>+10%", 1},
        {"p50(service) > +10%", 1},
        {"mean>+49.9%", 1},
        {"mean>+50.1%", 0},
        {"p99>+10% and rate<-10%", 1},
        {"p99>+10% and rate<-50%", 0},
        {"cpu>+10%", 1},
        {"cpu<=-30%", 0},
        {"cpu==+20us", 1},
    };
    struct pair p;

    (void)state;
    open_pair(&p);
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct require l;
        struct diag d = {""};

        if (require_parse_limit(&l, cases[i].text, "fail-if", &d) < 0)
            fail_msg("%s", d.text);
        if (limit_broken(&l, &p.run[0], &p.run[1], &d) != cases[i].broken)
            fail_msg("%s is not %d", cases[i].text, cases[i].broken);
    }
    close_pair(&p);
}

static void limits_that_are_none(void **state)
{
    static const char *const bad[] = {
        "",
        "p99",
        ">5",
        "p99>",
        "p99>+",
        "p99>10%",
        "p99>+x%",
        "p99>+0x1p%",
        "p99>+nan%",
        "p99>+inf%",
        "p99>+10%%",
        "p99>+-10%",

        "p99(rcpt>+10%",
        "p50(rset)>5",
        "rset>5ms",
        "rcpt:p99>5ms",
        "p99(pray)>5ms",
        "errors>5ms",
        "p99>+5",
        "p99=>5ms",
        "p99>+%",
        "p99>+1e999%",
        "p99>--5%",
        "rate>+0.5*target",
        "errors>+5s",
        "p99>+10% and",
        "cpu>5",
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(bad); i++) {
        struct require l;
        struct diag d = {""};

        if (require_parse_limit(&l, bad[i], "fail-if", &d) != -EINVAL ||
            !strstr(d.text, "--fail-if"))
            fail_msg("%s was taken: %s", bad[i], d.text);
    }
}

static void what_cannot_be_judged(void **state)
{
    struct pair p;
    struct require l;
    struct diag d;

    (void)state;
    open_pair(&p);
    assert_int_equal(require_parse_limit(&l, "p99(quit)>1ms", "fail-if", &d), 0);
    assert_int_equal(limit_broken(&l, &p.run[0], &p.run[1], &d), -ENODATA);
    assert_non_null(strstr(d.text, "the new run has no such number"));
    assert_int_equal(require_parse_limit(&l, "p99(rcpt)>+10%", "fail-if", &d), 0);
    assert_int_equal(limit_broken(&l, &p.run[0], &p.run[1], &d), -ENODATA);
    assert_non_null(strstr(d.text, "the base has no such number"));
    close_pair(&p);
}

static char *compared(const struct run *base, const struct run *new)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(out);
    compare_text(base, new, out);
    assert_int_equal(fclose(out), 0);
    return text;
}

static void expect_line(const char *text, const char *line)
{
    char whole[128];

    (void)snprintf(whole, sizeof whole, "\n%s\n", line);
    if (!strstr(text, whole))
        fail_msg("no line \"%s\" in:\n%s", line, text);
}

static void table_of_changes(void **state)
{
    struct pair p;
    char *text;

    (void)state;
    open_pair(&p);
    p.run[1].sessions = 2;
    text = compared(&p.run[0], &p.run[1]);
    expect_line(text, "  differ in    sessions");
    expect_line(text, "  rate                 100/s          80/s    -20.0%");
    expect_line(text, "  accepted               100            80       -20");
    expect_line(text, "  failed                   0            20       +20");
    expect_line(text, "  refused                  0             0         0");
    expect_line(text, "  rcpt                 -   5.00 us         -         -   5.00 us         -");
    expect_line(text, "  transaction    1.00 ms   1.50 ms    +50.0%   1.00 ms   1.50 ms    +50.0%");
    free(text);
    text = compared(&p.run[0], &p.run[0]);
    expect_line(text, "  rate                 100/s         100/s     +0.0%");
    assert_null(strstr(text, "differ in"));
    free(text);
    close_pair(&p);
}

/* Of any two runs: printable ASCII, at most 80 columns. */
static void tables_are_tidy(void **state)
{
    (void)state;
    for (int a = 0; a < SAMPLE_COUNT; a++) {
        for (int b = 0; b < SAMPLE_COUNT; b++) {
            struct stats *totals[2] = {stats_new(), stats_new()};
            struct run runs[2];
            struct sink_run unused;
            size_t column = 0;
            char *text;

            sample_run((enum sample)a, &runs[0], &unused, totals[0]);
            sample_run((enum sample)b, &runs[1], &unused, totals[1]);
            text = compared(&runs[0], &runs[1]);
            for (const char *at = text; *at; at++) {
                column = *at == '\n' ? 0 : column + 1;
                assert_true(*at == '\n' || (*at >= ' ' && *at <= '~'));
                if (column > 80)
                    fail_msg("too wide:\n%s", text);
            }
            free(text);
            stats_free(totals[0]);
            stats_free(totals[1]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits_hold_or_break),  cmocka_unit_test(limits_that_are_none),
        cmocka_unit_test(what_cannot_be_judged), cmocka_unit_test(table_of_changes),
        cmocka_unit_test(tables_are_tidy),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
