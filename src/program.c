/*
 * Questions, and the summary.
 */
#include "program.h"

#include <errno.h>

#define QUESTION(field) offsetof(struct questions, field)

const struct opt question_options[] = {
    {.name = "help",
     .kind = OPT_TEXT,
     .arg = "FORM",
     .implied = "text",
     .at = QUESTION(help),
     .group = "Output",
     .help = "show this text",
     .man = "Show a short text about the options and exit. With =man, the options section of this "
            "page; with =names, their names, a line each; with =completion-bash, =completion-zsh "
            "or =completion-fish, completion for that shell."},
    {.name = "version",
     .kind = OPT_FLAG,
     .at = QUESTION(version),
     .group = "Output",
     .help = "show the version",
     .man = "Show the program's version and exit."},
};

const size_t question_option_count = sizeof question_options / sizeof *question_options;

int question_answer(const struct questions *q, const struct question_about *about,
                    const struct opt_table *tables, size_t count, struct diag *d)
{
    errno = 0;
    if (q->version) {
        printf("%s " VERSION "\n", about->program.name);
    } else if (!opt_help_as(q->help, tables, count, &about->program, stdout)) {
        puts(about->usage);
        opt_help(tables, count, stdout);
    }
    return out_standard(0, true, d);
}

static const struct opt_choice report_kinds[] = {
    {"text", REPORT_TEXT},
    {"json", REPORT_JSON},
    {"none", REPORT_NONE},
    {NULL, 0},
};

#define SUMMARY(field) offsetof(struct summary, field)

const struct opt summary_options[] = {
    {.name = "report",
     .kind = OPT_CHOICE,
     .arg = "text|json|none",
     .at = SUMMARY(report),
     .choices = report_kinds,
     .what = "report",
     .group = "Output",
     .help = "form of the summary (default text)",
     .man = "What is written to standard output when the run is over: a summary for people (text, "
            "the default), one JSON document (json), or nothing (none). json does not go together "
            "with -c. A summary that was asked for and can't be written makes the program exit "
            "with 1."},
    {.name = "output",
     .kind = OPT_TEXT,
     .arg = "FILE",
     .at = SUMMARY(output),
     .file = OPT_WRITES,
     .what = "output file",
     .group = "Output",
     .help = "also write the JSON report to FILE",
     .man = "Write the JSON document to this file too, whatever --report says. The file appears "
            "complete or not at all."},
    {.name = "quiet",
     .kind = OPT_FLAG,
     .at = SUMMARY(quiet),
     .group = "Output",
     .help = "no summary, no live view",
     .man = "No summary on standard output and no live view on the terminal; the same as "
            "--report=none."},
};

const size_t summary_option_count = sizeof summary_options / sizeof *summary_options;

int summary_settle(struct summary *s, enum report_kind usual, bool counters, struct diag *d)
{
    s->asked = s->report != REPORT_DEFAULT;
    if (s->quiet)
        s->report = REPORT_NONE;
    else if (!s->asked)
        s->report = (int)usual;
    if (counters && s->report == REPORT_JSON)
        return diag_set(d, -EINVAL, "-c cannot be used with --report=json: both use stdout");
    return 0;
}

int summary_open(struct summary *s, struct diag *d)
{
    return out_file_open(&s->document, s->output, "--output", d);
}

int summary_write(struct summary *s, const struct summary_forms *forms, const void *run,
                  bool newline, struct diag *d)
{
    struct diag another;
    int code = 0;
    int rc = 0;

    errno = 0;
    if (newline)
        putchar('\n');
    if (s->report == REPORT_TEXT)
        forms->text(run, stdout);
    else if (s->report == REPORT_JSON)
        rc = forms->json(run, stdout);
    rc = out_standard(rc, s->asked, d);
    if (s->document.stream)
        code = out_file_commit(&s->document, forms->json(run, s->document.stream),
                               rc < 0 ? &another : d);
    return rc < 0 ? rc : code;
}

void summary_done(struct summary *s)
{
    out_file_drop(&s->document);
}
