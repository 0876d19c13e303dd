/*
 * Numbers with units, as users type them, checked. Every function takes the whole text or fails:
 * -EINVAL for what is no such number, -ERANGE for one that does not fit; *out stays untouched.
 */
#ifndef BASE_NUM_H
#define BASE_NUM_H

#include <stdint.h>

/* "1000", "10k", "2M", "1G": decimal multiples (k = 1000). */
int num_count(const char *text, uint64_t *out);

/* "512", "10k" (1000), "64KiB", "1MiB", "2GiB" (1024-based), an optional trailing B. Bytes. */
int num_size(const char *text, uint64_t *out);

/* "5" and "5s", "250ms", "10us", "2m", "1.5h": a bare number is seconds. Nanoseconds. */
int num_duration(const char *text, uint64_t *out);

#endif
