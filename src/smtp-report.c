/*
 * smtp-report: shows, merges and compares what smtp-source and smtp-sink reported.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "compare.h"
#include "opt.h"
#include "out_file.h"
#include "process.h"
#include "run_file.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

#define LIMITS_MAX 32

/* A limit that is broken; so CI can tell it from a run that came to nothing. */
#define STATUS_BROKEN 3

struct program {
    const char *output;
    const char *help; /* how to show it; NULL for not */
    bool version;
    struct limit limits[LIMITS_MAX];
    size_t limit_count;
};

static int set_limit(void *settings, const char *value, struct diag *d)
{
    struct program *p = settings;
    int rc;

    if (p->limit_count == LIMITS_MAX)
        return diag_set(d, -EINVAL, "too many limits: --fail-if is taken %d times", LIMITS_MAX);
    rc = limit_parse(&p->limits[p->limit_count], value, d);
    if (rc == 0)
        p->limit_count++;
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
     .man = "merge and html write to this file instead of standard output. The file appears "
            "complete or not at all."},
    {.name = "fail-if",
     .kind = OPT_CUSTOM,
     .arg = "LIMIT",
     .set = set_limit,
     .what = "limit",
     .group = "Comparison",
     .help = "exit with 3 if this holds, such as 'p99>+10%'",
     .man = "compare exits with status 3 if this holds. It is a measure, > or <, and a bound. With "
            "a sign the bound is a change against the base, in percent or in the measure's unit "
            "(p99>+10%, rate<-5%, p50>+2ms); without one it is a value of the new run (errors>0, "
            "rcpt:p99>5ms).\n"
            "The measures are rate (accepted messages a second), cpu (of the generator, a "
            "message), errors (messages not accepted), accepted, refused, failed, unknown, missed, "
            "lost (connections), timeouts, and of latencies mean, p50, p90, p95, p99, p99.9, "
            "p99.99 and max: of the transaction, or of the phase named before a colon. May be "
            "given several times."},
    {.name = "help",
     .kind = OPT_TEXT,
     .arg = "FORM",
     .implied = "text",
     .at = AT(help),
     .group = "Output",
     .help = "show this text",
     .man = "Show a short text about the options and exit. With =man, the options section of this "
            "page; with =names, their names, a line each; with =completion-bash, =completion-zsh "
            "or =completion-fish, completion for that shell."},
    {.name = "version",
     .kind = OPT_FLAG,
     .at = AT(version),
     .group = "Output",
     .help = "show the version",
     .man = "Show the program's version and exit."},
};

/* What a command is given: files already read. */
struct job {
    const struct program *program;
    struct run_file *files;
    size_t count;
    FILE *out;
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
    rc = run_file_json(&j->files[0], j->out);
    return rc < 0 ? diag_set(d, rc, "write: %s", strerror(-rc)) : 0;
}

static int compare(struct job *j, struct diag *d)
{
    const struct run *base = &j->files[0].run;
    const struct run *new = &j->files[1].run;
    int status = 0;

    compare_text(base, new, j->out);
    points_compare(&j->files[0].points, &j->files[1].points, j->out);
    for (size_t i = 0; i < j->program->limit_count; i++) {
        const struct limit *l = &j->program->limits[i];
        char why[120] = "";
        int rc = limit_broken(l, base, new, d);

        if (rc < 0)
            return rc;
        limit_explain(l, base, new, why, sizeof why);
        fprintf(j->out, "%s  %s %s: %s\n", i == 0 ? "\n" : "", rc ? "FAIL" : "ok  ", l->text, why);
        status = rc ? STATUS_BROKEN : status;
    }
    return status;
}

static int html(struct job *j, struct diag *d)
{
    struct report_page pages[2];
    int rc;

    for (size_t i = 0; i < j->count; i++)
        pages[i] = (struct report_page){&j->files[i].run, j->files[i].root};
    rc = report_html(pages, j->count, j->out);
    return rc < 0 ? diag_set(d, rc, "write: %s", strerror(-rc)) : 0;
}

static const struct command {
    const char *name;
    const char *usage;
    size_t least;
    size_t most;
    bool sources_only;
    bool to_file; /* takes --output */
    int (*run)(struct job *, struct diag *);
} commands[] = {
    {"show", "show RUN", 1, 1, false, false, show},
    {"merge", "merge RUN RUN... [-o FILE]", 2, SIZE_MAX, false, true, merge},
    {"compare", "compare BASE NEW [--fail-if LIMIT]...", 2, 2, true, false, compare},
    {"html", "html RUN [RUN2] [-o FILE]", 1, 2, true, true, html},
};

static int show_help(const struct program *p)
{
    const struct opt_table table = {options, LENGTH(options), NULL};

    if (!opt_help_as(p->help, &table, 1, "smtp-report", stdout)) {
        for (size_t i = 0; i < LENGTH(commands); i++)
            printf("%s smtp-report %s\n", i ? "      " : "usage:", commands[i].usage);
        puts("\nReads the JSON reports of smtp-source and smtp-sink (- is standard input): shows\n"
             "one as text, adds several up, tells what changed between two, draws one or two.");
        opt_help(&table, 1, stdout);
    }
    return fflush(stdout) != 0;
}

static int find_command(const char *name, const struct command **out, struct diag *d)
{
    for (size_t i = 0; i < LENGTH(commands); i++) {
        if (strcmp(commands[i].name, name) == 0) {
            *out = &commands[i];
            return 0;
        }
    }
    return diag_set(d, -EINVAL, "no such command: %s (there are show, merge, compare and html)",
                    name);
}

static int check_command(const struct program *p, const struct command *c, size_t operands,
                         struct diag *d)
{
    if (operands < c->least || operands > c->most)
        return diag_set(d, -EINVAL, "%s %s: usage: smtp-report %s", c->name,
                        operands < c->least ? "needs more files" : "takes fewer files", c->usage);
    if (p->output && !c->to_file)
        return diag_set(d, -EINVAL, "%s writes to standard output: --output is for merge and html",
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
    struct stat in;
    struct stat out;

    if (c->run != html || !p->output || stat(p->output, &out) < 0 || !S_ISREG(out.st_mode))
        return 0;
    for (size_t i = 0; i < n; i++)
        if (stat(names[i], &in) == 0 && in.st_dev == out.st_dev && in.st_ino == out.st_ino)
            return diag_set(d, -EINVAL, "--output %s would replace the run that it shows",
                            p->output);
    return 0;
}

static int write_result(struct program *p, const struct command *c, struct job *j, struct diag *d)
{
    struct out_file file;
    struct diag inner;
    int rc = out_file_open(&file, p->output, "--output", d);

    if (rc < 0)
        return rc;
    j->out = file.stream ? file.stream : stdout;
    rc = c->run(j, d);
    if (rc >= 0 && file.stream) {
        int code = out_file_commit(&file, fflush(file.stream) != 0 ? -errno : 0, &inner);

        rc = code < 0 ? diag_set(d, code, "%s", inner.text) : rc;
    } else if (rc >= 0 && (fflush(stdout) != 0 || ferror(stdout))) {
        rc = diag_set(d, -errno, "write standard output: %s", strerror(errno));
    }
    out_file_drop(&file);
    return rc;
}

/* The exit status, or -errno with diag set. */
static int work(struct program *p, char **operands, size_t n, struct diag *d)
{
    const struct command *c = NULL;
    struct job j = {.program = p};
    int rc;

    if (n == 0)
        return diag_set(d, -EINVAL, "no command given: show, merge, compare or html (see --help)");
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
    const struct opt_table table = {options, LENGTH(options), &p};
    struct diag d;
    int operands = 0;
    int rc;

    process_keep_standard_files();
    diag_program(argv[0] ? argv[0] : "smtp-report");
    rc = opt_parse(&table, 1, argc, argv, &operands, &d);
    if (rc == 0 && p.help)
        return show_help(&p);
    if (rc == 0 && p.version)
        return puts("smtp-report " VERSION) < 0 || fflush(stdout) != 0;
    if (rc == 0)
        rc = work(&p, argv + operands, (size_t)(argc - operands), &d);
    if (rc < 0)
        diag_fatal("%s", d.text);
    return rc < 0 ? 1 : rc;
}
