/*
 * Numbers as people read them. Each function returns its text by value, so that it can stand as an
 * argument of printf: printf("%s", human_time(ns).text). Knows no locale: digits are grouped by
 * ','.
 */
#ifndef REPORT_HUMAN_H
#define REPORT_HUMAN_H

#include <stddef.h>
#include <stdint.h>

struct human {
    char text[32]; /* room for UINT64_MAX with its separators, 26 characters */
};

/* "1,234,567", all digits. */
struct human human_count(uint64_t n);

/* The same if it fits in width characters (at least 6), else three digits and a unit: "12.3 M". */
struct human human_short(uint64_t n, size_t width);

/* "850 ns", "12.3 us", "1.20 s", "16.7 min", "5.00 h", ">999 h": three digits, at most 8
 * characters. */
struct human human_time(uint64_t ns);

/* "512 B", "1.02 kB", "12.3 MB": three digits, decimal units. */
struct human human_bytes(uint64_t n);

/*
 * "12.34%" of the whole. Cut, never rounded up, so that 100% is all of them; and "<0.01%" is not
 * none. "" for none.
 */
struct human human_percent(uint64_t part, uint64_t whole);

/* n in a duration, a second, to the nearest; 0 when no time has passed. Capped at UINT64_MAX. */
uint64_t per_second(uint64_t n, uint64_t ns);

#endif
