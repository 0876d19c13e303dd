/*
 * The run document: what was run, how it went, and the account of it, as text for people and as
 * JSON for programs. doc/report.md explains every field, doc/report.schema.json is the schema.
 * Knows no session and no clock: all is given.
 */
#ifndef REPORT_RUN_H
#define REPORT_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include "points.h"
#include "require.h"
#include "stats.h"
#include "targets.h"

struct sink_run;

#define RUN_SCHEMA_NAME "smtp-source-report/"
#define RUN_SCHEMA      RUN_SCHEMA_NAME "1"

/* What one worker's thread used. */
struct run_worker {
    uint64_t elapsed_ns;
    uint64_t cpu_ns;
    uint64_t wait_ns; /* runnable without a CPU; NS_NEVER: not known */
};

/* A step of a capacity search. Rates as of num_rate(), times in ns (0: nothing was accepted). */
struct run_step {
    uint64_t level;
    uint64_t accepted;
    uint64_t p50, p99, max;
    const char *phase;   /* "bracket", "bisect", "confirm" */
    const char *verdict; /* "met", "not met", "not held" */
};

/* A capacity search, of which this run is the last step. */
struct run_search {
    const struct require *when; /* the condition */
    bool rates;                 /* levels are rates, else numbers of sessions */
    uint64_t found;             /* 0: none qualifies */
    const char *limited_by;     /* "condition", "generator", "bound"; "interrupted": not done */
    const struct run_step *steps;
    size_t count;
};

/* How the load was driven, and what that showed. All borrowed; rates as of num_rate(). */
struct run_model {
    uint64_t target;        /* mean rate after the warm-up; 0: none, sessions in a loop */
    const char *arrival;    /* "constant", "poisson", "mixed"; NULL without a target */
    uint64_t length_ns;     /* of the run as asked for, warm-up included; NS_NEVER: by messages */
    uint64_t seed;          /* 0: not given */
    uint64_t idle_sessions; /* beyond the others */
    bool keep_going;        /* whatever the server did */
    bool told_to_wait;      /* sessions in a loop: -w, -R, --think, --connect-rate */
    bool spin;              /* without sleep before a start: CPU use tells nothing */
    uint64_t warmup[OUTCOME_COUNT]; /* messages that ended in it */
    const struct points *series;
    size_t series_count; /* of merged runs that do not align: several, side by side */
    const struct require *require;
    const struct run_worker *workers;
    uint64_t worker_count;
    const struct run_search *search; /* NULL: there was none */
};

/* The user's pauses: their time is in none of a run's other times. */
struct run_pauses {
    uint64_t count;
    uint64_t total_ns;
};

/* --transactions; warm-up and all steps of a search included. */
struct run_transactions {
    const char *file; /* NULL: none was asked for */
    uint64_t written; /* lines */
    uint64_t dropped; /* messages without one */
};

/* One of several servers that a load went to, and its part of the account. */
struct run_target {
    const char *endpoint; /* as typed; NULL: not known */
    uint64_t weight;      /* FIELD_MIXED: merged runs differ in it */
    struct target_stats *stats;
};

/* All borrowed. Texts may be NULL for unknown, numbers 0. */
struct run {
    const char *program; /* "smtp-source" */
    const char *version;
    const char *role;         /* "source" */
    const char *command_line; /* quoted for a shell, without secrets: opt_command_line() */
    const char *started_at;   /* wall clock, see run_time() */
    const char *id;           /* unique over runs and machines */
    const char *target;       /* as typed */
    const char *protocol;     /* "smtp" or "lmtp" */
    const char *io_driver;    /* "epoll" */
    const char *ended;        /* "complete", "interrupted", "stopped: WHY", "fatal: WHY" */

    uint64_t sessions;
    uint64_t messages;      /* that were requested; 0: no limit */
    uint64_t rcpts;         /* a message; FIELD_MIXED: merged runs differ in it */
    uint64_t message_bytes; /* FIELD_MIXED likewise */
    uint64_t workers;

    const char *kernel; /* of the machine it ran on: "Linux 6.1.0 x86_64" */
    const char *cpu_model;
    uint64_t cpus; /* that it was allowed to use */

    uint64_t warmup_ns; /* left out of all that follows; 0: there was none */
    uint64_t elapsed_ns;
    struct run_pauses pauses;
    struct run_transactions transactions;
    uint64_t cpu_user_ns; /* of this process, all threads */
    uint64_t cpu_system_ns;
    uint64_t peak_rss_bytes;

    const char *bottleneck; /* the verdict, see verdict.h; NULL: none */
    const char *why;

    const struct stats *total;
    const struct run_target *targets; /* none where there was one server */
    size_t target_count;
    const struct sink_run *sink;   /* the embedded sink's; NULL for none */
    const struct run_model *model; /* NULL: not known */

    const struct run_part *parts; /* what was merged into this; none for a run as it was */
    size_t part_count;
    const char *const *notes; /* what merging could not keep: sentences without a full stop */
    size_t note_count;
};

/* One of the runs that were merged. */
struct run_part {
    const char *id;
    const char *started_at;
    uint64_t elapsed_ns;
};

/* "2025-11-22T23:34:05.123Z", with its NUL */
#define RUN_TIME_SIZE 32

/* ISO 8601, UTC, milliseconds. Returns out. */
char *run_time(char out[RUN_TIME_SIZE], const struct timespec *wall);

/* The time that such a text tells, ns since 1970; NS_NEVER for NULL and for any other text. */
uint64_t run_wall(const char *text);

/* What requirements are checked against. */
struct require_facts run_facts(const struct run *);

/* The time, ns, that rates of messages are over: require_rate_time(). */
uint64_t run_rate_time(const struct run *);

/* Messages that ended in the warm-up. */
uint64_t run_warmup_messages(const struct run_model *);

/* Does all hold that is required? */
bool run_meets(const struct run *);

/* CPU time, user and system, over the messages that were started, ns; 0 when there were none. */
uint64_t run_cpu_per_message(const struct run *);

/* The summary: plain ASCII, at most 80 columns. Errors show in ferror(out). */
void report_text(const struct run *, FILE *out);

/* The document, one line a field, ends in a newline. 0, -ENOMEM, or the -errno of writing. */
int report_json(const struct run *, FILE *out);

/*
 * One HTML file that needs nothing else, of one run or of two laid over each other. 0, -ENOMEM, or
 * the -errno of writing.
 */
int report_html(const struct run *const *, size_t n, FILE *out);

/* The same page without a run: it follows the one that run.json beside it tells of. */
int report_html_live(FILE *out);

/*
 * The series over time as CSV (RFC 4180): a header, and a row an interval; of a run without one the
 * header alone. 0, or the -errno of writing.
 */
int report_csv(const struct run *, FILE *out);

/*
 * The latencies as an HdrHistogram interval log: a line a phase, tagged with its name but for the
 * transaction's, and NAME-refused. 0, -ENOMEM, or the -errno of writing.
 */
int report_hdr(const struct run *, FILE *out);

#endif
