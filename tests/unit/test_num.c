/*
 * Numbers with units: what is one, what it is worth, and where it stops.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>

#include "num.h"
#include "units.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))
#define UNTOUCHED     UINT64_C(0x5555555555555555)

struct row {
    const char *text;
    int rc;
    uint64_t value;
};

static const struct row counts[] = {
    {"0", 0, 0},
    {"1", 0, 1},
    {"007", 0, 7},
    {"1000", 0, 1000},
    {"10k", 0, 10000},
    {"10K", 0, 10000},
    {"2M", 0, 2000000},
    {"2m", 0, 2000000},
    {"1G", 0, 1000000000},
    {"1.5k", 0, 1500},
    {"0.25M", 0, 250000},
    {"1.0001k", 0, 1000},
    {"18446744073709551615", 0, UINT64_MAX},
    {"18446744073709551k", 0, UINT64_C(18446744073709551000)},
    {"18446744073709551616", -ERANGE, 0},
    {"18446744073709552k", -ERANGE, 0},
    {"99999999999999999999999999", -ERANGE, 0},
    {"18446744073.9G", -ERANGE, 0},
    {"", -EINVAL, 0},
    {" ", -EINVAL, 0},
    {" 1", 0, 1},
    {"+1", 0, 1},
    {" +1k", 0, 1000},
    {"+ 1", -EINVAL, 0},
    {"++1", -EINVAL, 0},
    {"+-1", -EINVAL, 0},
    {"+", -EINVAL, 0},
    {"1 ", -EINVAL, 0},
    {"1 k", -EINVAL, 0},
    {"-1", -EINVAL, 0},
    {"0x10", -EINVAL, 0},
    {"1e3", -EINVAL, 0},
    {"1.5", -EINVAL, 0},
    {"1.", -EINVAL, 0},
    {".5k", -EINVAL, 0},
    {"1.k", -EINVAL, 0},
    {"1.5.5k", -EINVAL, 0},
    {"1,000", -EINVAL, 0},
    {"k", -EINVAL, 0},
    {"1kk", -EINVAL, 0},
    {"1s", -EINVAL, 0},
    {"1KiB", -EINVAL, 0},
    {"1b", -EINVAL, 0},
    {"ten", -EINVAL, 0},
    {"1\n", -EINVAL, 0},
};

static const struct row sizes[] = {
    {"0", 0, 0},
    {"512", 0, 512},
    {"512B", 0, 512},
    {"512b", 0, 512},
    {"10k", 0, 10000},
    {"10kB", 0, 10000},
    {"10KB", 0, 10000},
    {"1M", 0, 1000000},
    {"1MB", 0, 1000000},
    {"2G", 0, UINT64_C(2000000000)},
    {"1Ki", 0, 1024},
    {"64KiB", 0, 65536},
    {"64kib", 0, 65536},
    {"1MiB", 0, 1048576},
    {"2GiB", 0, UINT64_C(2147483648)},
    {"1.5KiB", 0, 1536},
    {"1.25KiB", 0, 1280},
    {"0.125KiB", 0, 128},
    {"1.0625MiB", 0, 1114112},
    {"1.25MiB", 0, 1310720},
    {"0.75GiB", 0, 805306368},
    {"2.5k", 0, 2500},
    {"17179869183GiB", 0, UINT64_C(17179869183) << 30},
    {"17179869184GiB", -ERANGE, 0},
    {"17179869183.9999999999GiB", 0, (UINT64_C(17179869183) << 30) + 1073741823},
    {"18446744073709551616", -ERANGE, 0},
    {"1.5", -EINVAL, 0},
    {"1.5B", -EINVAL, 0},
    {"1i", -EINVAL, 0},
    {"1iB", -EINVAL, 0},
    {"1T", -EINVAL, 0},
    {"1 KiB", -EINVAL, 0},
    {"KiB", -EINVAL, 0},
    {"-1k", -EINVAL, 0},
    {"", -EINVAL, 0},
};

static const struct row durations[] = {
    {"0", 0, 0},
    {"5", 0, 5 * NS_PER_S},
    {"5s", 0, 5 * NS_PER_S},
    {"5S", 0, 5 * NS_PER_S},
    {"250ms", 0, 250 * NS_PER_MS},
    {"10us", 0, 10 * NS_PER_US},
    {"7ns", 0, 7},
    {"2m", 0, 120 * NS_PER_S},
    {"2min", 0, 120 * NS_PER_S},
    {"1h", 0, 3600 * NS_PER_S},
    {"1d", 0, 86400 * NS_PER_S},
    {"1.5", 0, 1500 * NS_PER_MS},
    {"0.5s", 0, 500 * NS_PER_MS},
    {"1.5h", 0, 5400 * NS_PER_S},
    {"1.25m", 0, 75 * NS_PER_S},
    {"0.001s", 0, NS_PER_MS},
    {"0.000000001", 0, 1},
    {"0.0000000019", 0, 1},
    {"1.123456789s", 0, UINT64_C(1123456789)},
    {"0.0000000001h", 0, 360},
    {"0.00000000001m", 0, 0},
    {"0.00000000009m", 0, 5},
    {"0.000000000099m", 0, 5},
    {"0.000000000199999m", 0, 11},
    {"0.1us", 0, 100},
    {"0.0015us", 0, 1},
    {"18446744073.709551615", 0, UINT64_MAX},
    {"18446744073.709551616", -ERANGE, 0},
    {"18446744073709551615ns", 0, UINT64_MAX},
    {"18446744074", -ERANGE, 0},
    {"213504d", -ERANGE, 0},
    {"1.5ns", -EINVAL, 0},
    {"1y", -EINVAL, 0},
    {"1 s", -EINVAL, 0},
    {"s", -EINVAL, 0},
    {"-1s", -EINVAL, 0},
    {"1:30", -EINVAL, 0},
    {"1m30s", -EINVAL, 0},
    {"", -EINVAL, 0},
    {"inf", -EINVAL, 0},
};

static const struct row rates[] = {
    {"0", 0, 0},
    {"1", 0, RATE_PER_S},
    {"5000/s", 0, 5000 * RATE_PER_S},
    {"5k/s", 0, 5000 * RATE_PER_S},
    {"1M", 0, 1000000 * RATE_PER_S},
    {"300/min", 0, 5 * RATE_PER_S},
    {"300/m", 0, 5 * RATE_PER_S},
    {"7200/h", 0, 2 * RATE_PER_S},
    {"0.5/s", 0, RATE_PER_S / 2},
    {"0.001/h", 0, 1},
    {"1.5k/h", 0, 1500000},
    {"/s", -EINVAL, 0},
    {"5/day", -EINVAL, 0},
    {"5/", -EINVAL, 0},
    {"5 /s", -EINVAL, 0},
    {"-5/s", -EINVAL, 0},
    {"", -EINVAL, 0},
    {"9999999999999999/s", -ERANGE, 0},
};

static const struct row shares[] = {
    {"0%", 0, 0},         {"100%", 0, SHARE_WHOLE}, {"0.1%", 0, SHARE_WHOLE / 1000},
    {"0.0000001%", 0, 1}, {"5", -EINVAL, 0},        {"%", -EINVAL, 0},
    {"5%%", -EINVAL, 0},
};

static void run(const struct row *rows, size_t count, int (*parse)(const char *, uint64_t *))
{
    int wrong = 0;

    for (size_t i = 0; i < count; i++) {
        uint64_t out = UNTOUCHED;
        int rc = parse(rows[i].text, &out);

        if (rc == rows[i].rc && out == (rc == 0 ? rows[i].value : UNTOUCHED))
            continue;
        print_error("\"%s\" gives %d and %llu\n", rows[i].text, rc, (unsigned long long)out);
        wrong++;
    }
    assert_int_equal(wrong, 0);
}

static void test_counts(void **state)
{
    (void)state;
    run(counts, LENGTH(counts), num_count);
}

static void test_sizes(void **state)
{
    (void)state;
    run(sizes, LENGTH(sizes), num_size);
}

static void test_durations(void **state)
{
    (void)state;
    run(durations, LENGTH(durations), num_duration);
}

static void test_rates(void **state)
{
    (void)state;
    run(rates, LENGTH(rates), num_rate);
}

static void test_shares(void **state)
{
    (void)state;
    run(shares, LENGTH(shares), num_share);
}

/* Every number of nanoseconds below a limit, written in seconds, is exact. */
static void fractions_are_exact(void **state)
{
    (void)state;
    for (uint64_t ns = 0; ns < 3 * NS_PER_S; ns += 999983) {
        char text[40];
        uint64_t out = UNTOUCHED;

        (void)snprintf(text, sizeof text, "%llu.%09llus", (unsigned long long)(ns / NS_PER_S),
                       (unsigned long long)(ns % NS_PER_S));
        assert_int_equal(num_duration(text, &out), 0);
        assert_int_equal(out, ns);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts),    cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_durations), cmocka_unit_test(test_rates),
        cmocka_unit_test(test_shares),    cmocka_unit_test(fractions_are_exact),
    };

    return cmocka_run_group_tests_name("num", tests, NULL, NULL);
}
