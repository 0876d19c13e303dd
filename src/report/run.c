/*
 * What the writers of the run document share.
 */
#include "run.h"

char *run_time(char out[RUN_TIME_SIZE], const struct timespec *wall)
{
    struct tm tm;
    size_t n = 0;

    out[0] = '\0';
    if (gmtime_r(&wall->tv_sec, &tm))
        n = strftime(out, RUN_TIME_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
    if (n > 0)
        (void)snprintf(out + n, RUN_TIME_SIZE - n, ".%03uZ",
                       (unsigned)(wall->tv_nsec / 1000000) % 1000);
    return out;
}

uint64_t run_cpu_per_message(const struct run *r)
{
    uint64_t ended = stats_offered(r->total) - r->total->counter[COUNTER_MESSAGES_MISSED];

    return ended > 0 ? (r->cpu_user_ns + r->cpu_system_ns) / ended : 0;
}
