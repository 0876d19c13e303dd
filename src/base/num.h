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

/*
 * "5000/s" and "5000", "300/min", "2.5/s", "10k/h": a bare number is a second's. In thousandths of
 * an event an hour, which is exact for all that people type.
 */
#define RATE_PER_S UINT64_C(3600000)
int num_rate(const char *text, uint64_t *out);

/* "0.1%", in billionths of the whole. */
#define SHARE_WHOLE UINT64_C(1000000000)
int num_share(const char *text, uint64_t *out);

#endif
