/*
 * What the writers of the run document share.
 */
#include "run.h"

#include "units.h"

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

uint64_t run_wall(const char *text)
{
    struct tm tm = {0};
    unsigned ms = 0;
    char z = 0;
    time_t t;

    if (!text ||
        sscanf(text, "%d-%d-%dT%d:%d:%d.%3u%c", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour,
               &tm.tm_min, &tm.tm_sec, &ms, &z) != 8 ||
        z != 'Z' || tm.tm_year < 1970 || tm.tm_year > 2200)
        return NS_NEVER;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    t = timegm(&tm);
    return t < 0 ? NS_NEVER : (uint64_t)t * NS_PER_S + ms * NS_PER_MS;
}

uint64_t run_rate_time(const struct run *r)
{
    return require_rate_time(r->total, r->elapsed_ns, r->warmup_ns,
                             r->model ? r->model->target : 0);
}

struct require_facts run_facts(const struct run *r)
{
    return (struct require_facts){
        .stats = r->total,
        .elapsed = run_rate_time(r),
        .target = r->model ? r->model->target : 0,
        .open = r->model && r->model->arrival,
        .cpu = run_cpu_per_message(r),
    };
}

bool run_meets(const struct run *r)
{
    const struct require_facts facts = run_facts(r);

    return require_all(r->model->require, &facts);
}

uint64_t run_warmup_messages(const struct run_model *m)
{
    uint64_t sum = 0;

    for (int o = 0; o < OUTCOME_COUNT; o++)
        sum += m->warmup[o];
    return sum;
}

uint64_t run_cpu_per_message(const struct run *r)
{
    uint64_t ended = stats_offered(r->total) - r->total->counter[COUNTER_MESSAGES_MISSED];

    return ended > 0 ? (r->cpu_user_ns + r->cpu_system_ns) / ended : 0;
}
