/*
 * What the programs have in common: questions about themselves, and a summary at the end.
 */
#ifndef PROGRAM_H
#define PROGRAM_H

#include <stdbool.h>

#include "opt.h"
#include "out_file.h"

struct questions {
    const char *help; /* how to show it; NULL for not */
    bool version;
};

extern const struct opt question_options[];
extern const size_t question_option_count;

static inline bool question_is(const struct questions *q)
{
    return q->help || q->version;
}

struct question_about {
    struct opt_program program;
    const char *usage; /* what --help says before the options */
};

/* Answers on standard output. 0, or -errno with diag set. */
int question_answer(const struct questions *, const struct question_about *,
                    const struct opt_table *, size_t count, struct diag *);

enum report_kind { REPORT_DEFAULT, REPORT_TEXT, REPORT_JSON, REPORT_NONE };

struct summary {
    int report; /* enum report_kind */
    bool quiet;
    bool asked;         /* by --report */
    const char *output; /* the JSON document goes there too; NULL for not */
    struct out_file document;
};

extern const struct opt summary_options[];
extern const size_t summary_option_count;

/* After parsing: usual is what is reported when nothing else is said. 0 or -EINVAL. */
int summary_settle(struct summary *, enum report_kind usual, bool counters, struct diag *);

/* That the file can be written is known before the run. 0 or -errno with diag set. */
int summary_open(struct summary *, struct diag *);

/* How a run is written; json returns 0 or -errno. */
struct summary_forms {
    void (*text)(const void *run, FILE *out);
    int (*json)(const void *run, FILE *out);
};

/*
 * Writes the run in the forms that were asked for; newline ends a line of counters on standard
 * output. All that can be written is. 0, or -errno with diag set to the first that failed.
 */
int summary_write(struct summary *, const struct summary_forms *, const void *run, bool newline,
                  struct diag *);

/* Takes a zeroed one. */
void summary_done(struct summary *);

#endif
