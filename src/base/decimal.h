/*
 * Decimal numbers as protocols have them: digits and nothing else.
 */
#ifndef BASE_DECIMAL_H
#define BASE_DECIMAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "slice.h"

/* Larger is taken for a mistake, so that sums of two stay exact. */
#define DECIMAL_MAX (UINT64_MAX / 2)

/* false, *out untouched, when s is empty, not all digits, or above DECIMAL_MAX. */
static inline bool decimal_parse(struct slice s, uint64_t *out)
{
    uint64_t value = 0;

    for (size_t i = 0; i < s.n; i++) {
        unsigned digit = (unsigned)(unsigned char)s.p[i] - '0';

        if (digit > 9 || value > (DECIMAL_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    if (s.n > 0)
        *out = value;
    return s.n > 0;
}

/* Writes at most 20 digits, without a NUL; returns how many. */
static inline size_t decimal_write(uint64_t value, char *out)
{
    char digits[20];
    size_t n = 0;

    do
        digits[n++] = (char)('0' + value % 10);
    while (value /= 10);
    for (size_t i = 0; i < n; i++)
        out[i] = digits[n - 1 - i];
    return n;
}

#endif
