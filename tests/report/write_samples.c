/*
 * Writes a document of every kind into a directory, for test_validate.py.
 */
#include <limits.h>
#include <stdlib.h>

#include "metrics.h"
#include "report_live.h"
#include "samples.h"

/* Both writers, as one kind of function. */
static int write_sink(const void *run, FILE *out)
{
    return sink_report_json(run, out);
}

static int write_source(const void *run, FILE *out)
{
    return report_json(run, out);
}

static const struct live now = {.rate = 123,
                                .target = 456789,
                                .elapsed_ns = 1234567890,
                                .sessions = 20,
                                .open = 19,
                                .lag_p99_ns = 1000};

static int write_metrics(const void *run, FILE *out)
{
    metrics_source(run, &now, false, out);
    return 0;
}

static int write_openmetrics(const void *run, FILE *out)
{
    metrics_source(run, &now, true, out);
    return 0;
}

static int write_sink_metrics(const void *run, FILE *out)
{
    metrics_sink(run, &now, false, out);
    return 0;
}

static int write_sink_openmetrics(const void *run, FILE *out)
{
    metrics_sink(run, &now, true, out);
    return 0;
}

static int write_log(const void *run, FILE *out)
{
    return report_hdr(run, out);
}

static int write_file(const char *directory, const char *role, enum sample which, const char *kind,
                      int (*write)(const void *, FILE *), const void *run)
{
    char path[PATH_MAX];
    FILE *out;
    int code;

    (void)snprintf(path, sizeof path, "%s/%s-%s.%s", directory, role, sample_name(which), kind);
    out = fopen(path, "w");
    if (!out)
        return -1;
    code = write(run, out);
    return fclose(out) != 0 || code != 0 ? -1 : 0;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fputs("usage: write_samples DIRECTORY\n", stderr);
        return 1;
    }
    for (int i = 0; i < SAMPLE_COUNT; i++) {
        struct stats *total = stats_new();
        struct run run;
        struct sink_run sink;
        int code;

        if (!total)
            return 1;
        sample_run((enum sample)i, &run, &sink, total);
        code =
            write_file(argv[1], "source", (enum sample)i, "json", write_source, &run) |
            write_file(argv[1], "source", (enum sample)i, "hlog", write_log, &run) |
            write_file(argv[1], "sink", (enum sample)i, "json", write_sink, &sink) |
            write_file(argv[1], "source", (enum sample)i, "metrics", write_metrics, &run) |
            write_file(argv[1], "source", (enum sample)i, "openmetrics", write_openmetrics, &run) |
            write_file(argv[1], "sink", (enum sample)i, "metrics", write_sink_metrics, &sink) |
            write_file(argv[1], "sink", (enum sample)i, "openmetrics", write_sink_openmetrics,
                       &sink);
        stats_free(total);
        if (code != 0)
            return 1;
    }
    return 0;
}
