/*
 * The series over time as a table for spreadsheets and scripts: RFC 4180, so lines end in CRLF.
 */
#include <errno.h>
#include <inttypes.h>

#include "run.h"
#include "units.h"

/* In seconds, exactly; nothing for what is not known. */
static void put_seconds(uint64_t ns, FILE *out)
{
    fputc(',', out);
    if (ns != NS_NEVER)
        fprintf(out, "%" PRIu64 ".%09" PRIu64, ns / NS_PER_S, ns % NS_PER_S);
}

static void put_time(const struct points *p, uint64_t ns, FILE *out)
{
    uint64_t start = run_wall(p->started_at);
    char text[RUN_TIME_SIZE];
    struct timespec wall;

    if (start == NS_NEVER || __builtin_add_overflow(start, ns, &ns))
        return;
    wall = (struct timespec){(time_t)(ns / NS_PER_S), (long)(ns % NS_PER_S)};
    fputs(run_time(text, &wall), out);
}

static void put_row(const struct points *p, size_t i, size_t number, FILE *out)
{
    const struct point *r = &p->rows[i];
    uint64_t paused = i > 0 ? r[-1].paused_ns : 0;
    uint64_t offered = 0;

    for (int o = 0; o < OUTCOME_COUNT; o++)
        offered += r->ended[o];
    put_time(p, r->begin_ns + paused, out);
    put_seconds(r->begin_ns, out);
    put_seconds(r->end_ns - r->begin_ns, out);
    fprintf(out, ",%" PRIu64, offered);
    for (int o = 0; o < OUTCOME_COUNT; o++)
        fprintf(out, ",%" PRIu64, r->ended[o]);
    fprintf(out, ",%" PRIu64, r->open);
    put_seconds(r->p50_ns, out);
    put_seconds(r->p99_ns, out);
    put_seconds(r->max_ns, out);
    put_seconds(p->response ? r->lag_max_ns : NS_NEVER, out);
    fprintf(out, ",%zu\r\n", number);
}

int report_csv(const struct run *r, FILE *out)
{
    size_t count = r->model ? r->model->series_count : 0;

    errno = 0;
    fputs("time,begin_s,interval_s,offered", out);
    for (int o = 0; o < OUTCOME_COUNT; o++)
        fprintf(out, ",%s", outcome_name((enum outcome)o));
    fputs(",open_connections,p50_s,p99_s,max_s,lag_max_s,series\r\n", out);
    for (size_t k = 0; k < count; k++)
        for (size_t i = 0; i < r->model->series[k].count; i++)
            put_row(&r->model->series[k], i, k + 1, out);
    if (fflush(out) != 0 || ferror(out))
        return errno ? -errno : -EIO;
    return 0;
}
