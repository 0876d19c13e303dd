/*
 * Numbers as people read them. Integers only: what is shown is what was counted.
 */
#include "human.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "hist.h"
#include "units.h"

/* A unit is size of the base; the last row of a table has a NULL name. */
struct unit {
    const char *name;
    uint64_t size;
};

struct human human_count(uint64_t n)
{
    struct human out;
    char digits[24];
    size_t length = (size_t)snprintf(digits, sizeof digits, "%" PRIu64, n);
    char *to = out.text;

    for (size_t i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            *to++ = ',';
        *to++ = digits[i];
    }
    *to = '\0';
    return out;
}

/* n / size with `decimals` of them, rounded, as one integer: rest * 100 < 3600e9 * 100 < 2^64. */
static uint64_t scaled(uint64_t n, uint64_t size, uint64_t power)
{
    return n / size * power + (n % size * power + size / 2) / size;
}

/* Three digits of n in the unit; false if rounding would need a fourth. */
static bool three_digits(char *out, size_t room, uint64_t n, const struct unit *unit)
{
    uint64_t v;

    if (n / unit->size >= 1000)
        return false;
    if (unit->size == 1)
        return snprintf(out, room, "%" PRIu64 " %s", n, unit->name) > 0;
    v = scaled(n, unit->size, 100);
    if (v < 1000)
        return snprintf(out, room, "%" PRIu64 ".%02" PRIu64 " %s", v / 100, v % 100, unit->name) >
               0;
    v = scaled(n, unit->size, 10);
    if (v < 1000)
        return snprintf(out, room, "%" PRIu64 ".%" PRIu64 " %s", v / 10, v % 10, unit->name) > 0;
    v = scaled(n, unit->size, 1);
    if (v < 1000)
        return snprintf(out, room, "%" PRIu64 " %s", v, unit->name) > 0;
    return false;
}

static struct human in_units(uint64_t n, const struct unit *units)
{
    struct human out;

    for (const struct unit *u = units; u->name; u++) {
        if (three_digits(out.text, sizeof out.text, n, u))
            return out;
        if (!u[1].name)
            snprintf(out.text, sizeof out.text, ">999 %s", u->name);
    }
    return out;
}

struct human human_short(uint64_t n, size_t width)
{
    static const struct unit units[] = {{"", 1},
                                        {"k", 1000},
                                        {"M", 1000000},
                                        {"G", 1000000000},
                                        {"T", UINT64_C(1000000000000)},
                                        {"P", UINT64_C(1000000000000000)},
                                        {"E", UINT64_C(1000000000000000000)},
                                        {NULL, 0}};
    struct human all = human_count(n);

    return strlen(all.text) <= width ? all : in_units(n, units);
}

struct human human_time(uint64_t ns)
{
    static const struct unit units[] = {
        {"ns", 1},       {"us", NS_PER_US},      {"ms", NS_PER_MS},
        {"s", NS_PER_S}, {"min", 60 * NS_PER_S}, {"h", 3600 * NS_PER_S},
        {NULL, 0}};

    return in_units(ns, units);
}

struct human human_bytes(uint64_t n)
{
    static const struct unit units[] = {{"B", 1},
                                        {"kB", 1000},
                                        {"MB", 1000000},
                                        {"GB", 1000000000},
                                        {"TB", UINT64_C(1000000000000)},
                                        {"PB", UINT64_C(1000000000000000)},
                                        {"EB", UINT64_C(1000000000000000000)},
                                        {NULL, 0}};

    return in_units(n, units);
}

struct human human_percent(uint64_t part, uint64_t whole)
{
    struct human out = {""};
    uint64_t hundredths;

    if (part == 0 || whole == 0)
        return out;
    hundredths = (uint64_t)((hist_sum)part * 10000 / whole);
    if (part == whole)
        snprintf(out.text, sizeof out.text, "100%%");
    else if (hundredths == 0)
        snprintf(out.text, sizeof out.text, "<0.01%%");
    else
        snprintf(out.text, sizeof out.text, "%" PRIu64 ".%02" PRIu64 "%%", hundredths / 100,
                 hundredths % 100);
    return out;
}

uint64_t per_second(uint64_t n, uint64_t ns)
{
    hist_sum rate;

    if (ns == 0)
        return 0;
    rate = ((hist_sum)n * NS_PER_S + ns / 2) / ns;
    return rate < UINT64_MAX ? (uint64_t)rate : UINT64_MAX;
}
