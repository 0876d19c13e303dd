/*
 * Numbers with units. Fractions are kept exact to the nanosecond: no floating point.
 */
#include "num.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "units.h"

struct unit {
    const char *name; /* matched without regard to case; "" for none given */
    uint64_t scale;
};

static const struct unit count_units[] = {
    {"", 1},
    {"k", 1000},
    {"m", 1000000},
    {"g", 1000000000},
};

static const struct unit size_units[] = {
    {"", 1},
    {"b", 1},
    {"k", 1000},
    {"kb", 1000},
    {"m", 1000000},
    {"mb", 1000000},
    {"g", 1000000000},
    {"gb", 1000000000},
    {"ki", UINT64_C(1) << 10},
    {"kib", UINT64_C(1) << 10},
    {"mi", UINT64_C(1) << 20},
    {"mib", UINT64_C(1) << 20},
    {"gi", UINT64_C(1) << 30},
    {"gib", UINT64_C(1) << 30},
};

static const struct unit duration_units[] = {
    {"", NS_PER_S},         {"s", NS_PER_S},        {"ns", 1},
    {"us", NS_PER_US},      {"ms", NS_PER_MS},      {"m", 60 * NS_PER_S},
    {"min", 60 * NS_PER_S}, {"h", 3600 * NS_PER_S}, {"d", 86400 * NS_PER_S},
};

static const struct unit rate_units[] = {
    {"", RATE_PER_S},
    {"/s", RATE_PER_S},
    {"/m", RATE_PER_S / 60},
    {"/min", RATE_PER_S / 60},
    {"/h", RATE_PER_S / 3600},
    {"k", 1000 * RATE_PER_S},
    {"k/s", 1000 * RATE_PER_S},
    {"k/m", 1000 * RATE_PER_S / 60},
    {"k/min", 1000 * RATE_PER_S / 60},
    {"k/h", 1000 * RATE_PER_S / 3600},
    {"m", 1000000 * RATE_PER_S},
    {"m/s", 1000000 * RATE_PER_S},
    {"m/m", 1000000 * RATE_PER_S / 60},
    {"m/min", 1000000 * RATE_PER_S / 60},
    {"m/h", 1000000 * RATE_PER_S / 3600},
};

static const struct unit share_units[] = {{"%", SHARE_WHOLE / 100}};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Digits behind the point that count; with them a fraction times any scale fits 128 bits. */
#define FRACTION_DIGITS 18

/* The share of scale that the digits behind a point stand for, rounded down. */
static uint64_t share(const char *digits, uint64_t scale)
{
    __extension__ typedef unsigned __int128 wide;
    uint64_t numerator = 0;
    uint64_t denominator = 1;

    for (int i = 0; is_digit(digits[i]) && i < FRACTION_DIGITS; i++) {
        numerator = numerator * 10 + (uint64_t)(digits[i] - '0');
        denominator *= 10;
    }
    return (uint64_t)((wide)numerator * scale / denominator);
}

static int parse(const char *text, const struct unit *units, size_t count, uint64_t *out)
{
    const char *s = text;
    uint64_t whole = 0;
    const char *fraction = NULL;

    s += strspn(s, " \t\n\v\f\r"); /* this and the sign as strtol() has it */
    s += *s == '+';
    if (!is_digit(*s))
        return -EINVAL;
    for (; is_digit(*s); s++)
        if (__builtin_mul_overflow(whole, UINT64_C(10), &whole) ||
            __builtin_add_overflow(whole, (uint64_t)(*s - '0'), &whole))
            return -ERANGE;
    if (*s == '.') {
        fraction = ++s;
        if (!is_digit(*s))
            return -EINVAL;
        while (is_digit(*s))
            s++;
    }
    for (size_t i = 0; i < count; i++) {
        uint64_t value;

        if (strcasecmp(s, units[i].name) != 0)
            continue;
        if (fraction && units[i].scale == 1)
            return -EINVAL;
        if (__builtin_mul_overflow(whole, units[i].scale, &value))
            return -ERANGE;
        if (fraction && __builtin_add_overflow(value, share(fraction, units[i].scale), &value))
            return -ERANGE;
        *out = value;
        return 0;
    }
    return -EINVAL;
}

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

int num_count(const char *text, uint64_t *out)
{
    return parse(text, count_units, LENGTH(count_units), out);
}

int num_size(const char *text, uint64_t *out)
{
    return parse(text, size_units, LENGTH(size_units), out);
}

int num_duration(const char *text, uint64_t *out)
{
    return parse(text, duration_units, LENGTH(duration_units), out);
}

int num_rate(const char *text, uint64_t *out)
{
    return parse(text, rate_units, LENGTH(rate_units), out);
}

int num_share(const char *text, uint64_t *out)
{
    return parse(text, share_units, LENGTH(share_units), out);
}
