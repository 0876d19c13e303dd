/*
 * A document read back: the same structs that it was written from, so that whatever shows a run can
 * show one from a file, and merges lose nothing. A file is somebody else's input: what is damaged,
 * foreign or contradicts itself is refused with one line that says where.
 */
#ifndef REPORT_RUN_FILE_H
#define REPORT_RUN_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "diag.h"
#include "points.h"
#include "run.h"
#include "sink_report.h"
#include "targets_report.h"
#include "verdict.h"

struct json_t;

/* The largest document read, octets: room for a day of one-second intervals. */
#define RUN_FILE_MAX ((size_t)64 << 20)

#define RUN_FILE_NOTES 8

#define RUN_FILE_VERBS 64 /* kinds of commands that a sink can have refused */

struct run_file {
    const char *name; /* borrowed */
    struct json_t *root;
    bool is_sink;   /* a document of smtp-sink: only `sink` is filled */
    struct run run; /* texts are root's; total is owned by this */
    struct sink_run sink;
    struct stats *total;
    struct sink_refusal refusals[RUN_FILE_VERBS];
    struct target_rows targets;
    struct run_part *parts;
    size_t part_count;
    const char *notes[RUN_FILE_NOTES];

    /* What the run's model refers to; all owned by this. */
    struct run_model model;
    struct points *series; /* also of a run without a model */
    size_t series_count;
    struct run_worker *workers;
    struct require require;
    struct run_search search;
    struct require search_when;
    struct run_step *steps;
    struct verdict verdict; /* of what was merged */
    hist_sum due;           /* merged: messages due, rate times ns */
};

/*
 * Reads a file; "-" is standard input. 0 or -errno with diag naming the file and what is wrong:
 * -EBADMSG for what is no sound document. *out must be passed to done only after success.
 */
int run_file_read(struct run_file *out, const char *name, struct diag *);

/* The same from memory; text need not outlive the call. */
int run_file_parse(struct run_file *out, const char *name, const char *text, size_t size,
                   struct diag *);

void run_file_done(struct run_file *);

/*
 * Adds what `from` holds, which must outlive `into`. Counters, sums and histograms add exactly;
 * time is what at least one of them covers. -EINVAL when they can't be one run (a source and a
 * sink, the same run twice), -EOVERFLOW when a sum could not be told exactly, -ENOMEM; `into` is
 * then of no use but to done. run_merge.c.
 */
int run_file_merge(struct run_file *into, const struct run_file *from, struct diag *);

/* The parts of these that are about the load model: model_read.c, model_merge.c. */
int model_read(struct run_file *, struct diag *);
int model_merge(struct run_file *into, const struct run_file *from, struct diag *);

/* What follows from the whole, whose time is known by now. */
void model_conclude(struct run_file *);

/* Adds a note, once; text is borrowed. */
void run_file_note(struct run_file *, const char *text);

/* As the program itself prints it, and as JSON; the form of what was merged too. */
void run_file_text(const struct run_file *, FILE *out);
int run_file_json(const struct run_file *, FILE *out);

#endif
