/*
 * smtp-report: shows, merges and compares what smtp-source and smtp-sink reported.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "compare.h"
#include "conditions.h"
#include "opt.h"
#include "process.h"
#include "program.h"
#include "run_file.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

#define LIMITS_MAX 32

/* A limit that is broken; so CI can tell it from a run that came to nothing. */
#define STATUS_BROKEN 3

/* A condition that must not hold, as typed. */
struct limit {
    const char *text;
    struct require when;
};

struct program {
    const char *output;
    struct questions questions;
    struct limit limits[LIMITS_MAX];
    size_t limit_count;
};

static int set_limit(void *settings, const char *value, struct diag *d)
{
    struct program *p = settings;
    int rc;

    if (p->limit_count == LIMITS_MAX)
        return diag_set(d, -EINVAL, "too many limits: --fail-if is taken %d times", LIMITS_MAX);
    rc = require_parse_limit(&p->limits[p->limit_count].when, value, "fail-if", d);
    if (rc == 0)
        p->limits[p->limit_count++].text = value;
    return rc;
}

#define AT(field) offsetof(struct program, field)

static const struct opt options[] = {
    {.name = "output",
     .letter = 'o',
     .kind = OPT_TEXT,
     .arg = "FILE",
     .at = AT(output),
     .what = "output file",
     .group = "Output",
     .help = "write to FILE instead of standard output",
     .man = "merge, html and csv write to this file instead of standard output. The file appears "
            "complete or not at all."},
    {.name = "fail-if",
     .kind = OPT_CUSTOM,
     .arg = "CONDITION",
     .set = set_limit,
     .what = "limit",
     .group = "Comparison",
     .help = "exit with 3 if this holds, such as 'p99>+10%'",
     .man = "compare exits with status 3 if this holds. It is a condition as smtp-source's "
            "--require takes them, with the same names, about the new run (errors>0, "
            "p99(rcpt)>5ms, errors>0.1%); or, with a sign, about the change from the base, in "
            "percent or in the measure's unit (p99>+10%, rate<-5%, p50(rcpt)>+2ms). Beyond those "
            "names there are mean (a latency) and cpu (of the generator, a message). Conditions "
            "joined by the word and break the limit together only. May be given several times."},
};

/* What a command is given: files already read. */
struct job {
    const struct program *program;
    struct run_file *files;
    size_t count;
    FILE *out;
    int code; /* how the writing went, 0 or -errno */
};

/* 0, a positive exit status, or -errno with diag set. */
static int show(struct job *j, struct diag *d)
{
    (void)d;
    run_file_text(&j->files[0], j->out);
    return 0;
}

static int merge(struct job *j, struct diag *d)
{
    int rc = 0;

    for (size_t i = 1; i < j->count && rc == 0; i++)
        rc = run_file_merge(&j->files[0], &j->files[i], d);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < j->files[0].run.note_count; i++)
        diag_note("note: %s", j->files[0].notes[i]);
    j->code = run_file_json(&j->files[0], j->out);
    return 0;
}

/* Rows side by side are of no one run. */
static struct points_of_run over_time(const struct run_file *f)
{
    return (struct points_of_run){f->series_count == 1 ? f->series : NULL, f->run.warmup_ns};
}

/* Where the new run stands. */
static void tell_limit(const struct require *when, const struct run *base, const struct run *new,
                       FILE *out)
{
    for (size_t i = 0; i < when->count; i++) {
        char why[120];

        condition_explain(&when->terms[i], base, new, why, sizeof why);
        fprintf(out, "%s%s", i > 0 ? "; " : "", why);
    }
    fputc('\n', out);
}

static int compare(struct job *j, struct diag *d)
{
    const struct run *base = &j->files[0].run;
    const struct run *new = &j->files[1].run;
    int status = 0;

    compare_text(base, new, j->out);
    points_compare(over_time(&j->files[0]), over_time(&j->files[1]), j->out);
    for (size_t i = 0; i < j->program->limit_count; i++) {
        const struct limit *l = &j->program->limits[i];
        int rc = limit_broken(&l->when, base, new, d);

        if (rc < 0)
            return rc;
        fprintf(j->out, "%s  %s %s: ", i == 0 ? "\n" : "", rc ? "FAIL" : "ok  ", l->text);
        tell_limit(&l->when, base, new, j->out);
        status = rc ? STATUS_BROKEN : status;
    }
    return status;
}

static int html(struct job *j, struct diag *d)
{
    const struct run *runs[2];

    for (size_t i = 0; i < j->count; i++)
        runs[i] = &j->files[i].run;
    (void)d;
    j->code = report_html(runs, j->count, j->out);
    return 0;
}

static int csv(struct job *j, struct diag *d)
{
    const struct run_file *f = &j->files[0];

    if (!f->run.model || f->run.model->series_count == 0)
        return diag_set(d, -ENODATA, "%s: tells of no series over time", f->name);
    j->code = report_csv(&f->run, j->out);
    return 0;
}

#define SHOW_USAGE    "show RUN"
#define MERGE_USAGE   "merge RUN RUN... [-o FILE]"
#define COMPARE_USAGE "compare BASE NEW [--fail-if CONDITION]..."
#define HTML_USAGE    "html RUN [RUN2] [-o FILE]"
#define CSV_USAGE     "csv RUN [-o FILE]"

static const struct command {
    const char *name;
    const char *usage;
    size_t least;
    size_t most;
    bool sources_only;
    bool to_file; /* takes --output */
    int (*run)(struct job *, struct diag *);
} commands[] = {
    {"show", SHOW_USAGE, 1, 1, false, false, show},
    {"merge", MERGE_USAGE, 2, SIZE_MAX, false, true, merge},
    {"compare", COMPARE_USAGE, 2, 2, true, false, compare},
    {"html", HTML_USAGE, 1, 2, true, true, html},
    {"csv", CSV_USAGE, 1, 1, true, true, csv},
};

static const struct question_about about = {
    .program = {.name = "smtp-report", .commands = "show merge compare html csv"},
    .usage = "usage: smtp-report " SHOW_USAGE "\n"
             "       smtp-report " MERGE_USAGE "\n"
             "       smtp-report " COMPARE_USAGE "\n"
             "       smtp-report " HTML_USAGE "\n"
             "       smtp-report " CSV_USAGE "\n\n"
             "Reads the JSON reports of smtp-source and smtp-sink (- is standard input): shows\n"
             "one as text, adds several up, tells what changed between two, draws one or\n"
             "two, and tells one over time as CSV."};

static int find_command(const char *name, const struct command **out, struct diag *d)
{
    for (size_t i = 0; i < LENGTH(commands); i++) {
        if (strcmp(commands[i].name, name) == 0) {
            *out = &commands[i];
            return 0;
        }
    }
    return diag_set(d, -EINVAL,
                    "no such command: %s (there are show, merge, compare, html and csv)", name);
}

static int check_command(const struct program *p, const struct command *c, size_t operands,
                         struct diag *d)
{
    if (operands < c->least || operands > c->most)
        return diag_set(d, -EINVAL, "%s %s: usage: smtp-report %s", c->name,
                        operands < c->least ? "needs more files" : "takes fewer files", c->usage);
    if (p->output && !c->to_file)
        return diag_set(d, -EINVAL,
                        "%s writes to standard output: --output is for merge, html and csv",
                        c->name);
    if (p->limit_count > 0 && c->run != compare)
        return diag_set(d, -EINVAL, "--fail-if is for compare");
    if (c->run == html && !p->output && isatty(STDOUT_FILENO))
        return diag_set(d, -EINVAL, "html does not write to a terminal: name a file (-o FILE)");
    return 0;
}

/* Reads all the files; those read are counted in *count, also on failure. */
static int read_files(const struct command *c, struct run_file *files, char **names, size_t n,
                      size_t *count, struct diag *d)
{
    for (*count = 0; *count < n; ++*count) {
        int rc = run_file_read(&files[*count], names[*count], d);

        if (rc < 0)
            return rc;
        if (c->sources_only && files[*count].is_sink) {
            rc = diag_set(d, -EINVAL, "%s: is a report of a sink: %s takes those of smtp-source",
                          files[*count].name, c->name);
            ++*count;
            return rc;
        }
    }
    return 0;
}

/* A page in the place of a document would be all that is left of the run. */
static int check_output(const struct program *p, const struct command *c, char **names, size_t n,
                        struct diag *d)
{
    for (size_t i = 0; c->run != merge && p->output && i < n; i++)
        if (opt_same_file(p->output, names[i]))
            return diag_set(d, -EINVAL, "--output %s would replace the run that it shows",
                            p->output);
    return 0;
}

static int write_result(struct program *p, const struct command *c, struct job *j, struct diag *d)
{
    struct out_file file;
    int rc = out_file_open(&file, p->output, "--output", d);
    int code = 0;

    if (rc < 0)
        return rc;
    j->out = file.stream ? file.stream : stdout;
    errno = 0;
    rc = c->run(j, d);
    if (rc >= 0 && file.stream)
        code = out_file_commit(&file, j->code, d);
    else if (rc >= 0)
        code = out_standard(j->code, true, d);
    out_file_drop(&file);
    return code < 0 ? code : rc;
}

/* The exit status, or -errno with diag set. */
static int work(struct program *p, char **operands, size_t n, struct diag *d)
{
    const struct command *c = NULL;
    struct job j = {.program = p};
    int rc;

    if (n == 0)
        return diag_set(d, -EINVAL,
                        "no command given: show, merge, compare, html or csv (see --help)");
    if ((rc = find_command(operands[0], &c, d)) < 0 || (rc = check_command(p, c, n - 1, d)) < 0)
        return rc;
    if ((rc = check_output(p, c, operands + 1, n - 1, d)) < 0)
        return rc;
    j.files = calloc(n, sizeof *j.files);
    if (!j.files)
        return diag_set(d, -ENOMEM, "out of memory");
    rc = read_files(c, j.files, operands + 1, n - 1, &j.count, d);
    if (rc == 0)
        rc = write_result(p, c, &j, d);
    for (size_t i = 0; i < j.count; i++)
        run_file_done(&j.files[i]);
    free(j.files);
    return rc;
}

int main(int argc, char **argv)
{
    struct program p = {0};
    const struct opt_table tables[] = {
        {options, LENGTH(options), &p},
        {question_options, question_option_count, &p.questions},
    };
    struct diag d;
    int operands = 0;
    int rc;

    process_begin();
    diag_program(argv[0] ? argv[0] : "smtp-report");
    rc = opt_parse(tables, LENGTH(tables), argc, argv, &operands, &d);
    if (rc == 0 && question_is(&p.questions))
        rc = question_answer(&p.questions, &about, tables, LENGTH(tables), &d);
    else if (rc == 0)
        rc = work(&p, argv + operands, (size_t)(argc - operands), &d);
    if (rc < 0)
        diag_fatal("%s", d.text);
    return rc < 0 ? 1 : rc;
}
