/*
 * The one line that tells how a run is going, rewritten every second on a terminal. Plain numbers
 * in, text out.
 */
#ifndef REPORT_REPORT_LIVE_H
#define REPORT_REPORT_LIVE_H

#include <stddef.h>
#include <stdint.h>

#define REPORT_LIVE_SIZE 80

struct live {
    uint64_t done;   /* messages ended */
    uint64_t total;  /* messages requested; 0: no limit */
    uint64_t rate;   /* messages ended in the last second */
    uint64_t p99_ns; /* of the last second; NS_NEVER: none ended */
    uint64_t errors; /* messages ended other than accepted */
    uint64_t elapsed_ns;
    uint64_t left_ns; /* NS_NEVER: not known */
};

/* Time left at the average rate so far; NS_NEVER while there is nothing to judge it by. */
uint64_t report_left(uint64_t done, uint64_t total, uint64_t elapsed_ns);

/* At most 79 characters and a NUL, no newline; size is at least REPORT_LIVE_SIZE. Returns out. */
char *report_live(char *out, size_t size, const struct live *);

#endif
