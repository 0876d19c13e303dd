/*
 * What the files of the option parser share: rows of all tables in one list, and finding them.
 */
#ifndef BASE_OPT_IMPL_H
#define BASE_OPT_IMPL_H

#include <getopt.h>

#include "opt.h"

/* Where the rows' long-only options start among getopt's return values, above any character. */
#define LONG_BASE 256

struct flat {
    const struct opt *row;
    void *settings;
};

/* What getopt_long(3) wants, and the way back from its answer to a row. */
struct lookup {
    struct flat *all; /* ends with a NULL row */
    size_t count;
    struct option *longs;
    char *letters;
    unsigned char by_letter[256]; /* row number + 1 */
};

/* 0 or -ENOMEM. */
int lookup_init(struct lookup *, const struct opt_table *tables, size_t count);
void lookup_done(struct lookup *);

/* All rows in one list that ends with a NULL row; the caller's to free. NULL: no memory. */
struct flat *opt_flatten(const struct opt_table *tables, size_t count);

/*
 * Goes over argv, permuting it, and calls each() for every option given: its row and its argument
 * (the implied one when it was left out, NULL for a flag). Ends when each() does not return 0.
 */
int lookup_each(struct lookup *, int argc, char **argv,
                int (*each)(void *arg, const struct flat *, const char *value, struct diag *),
                void *arg, struct diag *);

/* Sets one option from its text. 0 or -EINVAL with diag set. */
int opt_set(const struct flat *, const char *value, struct diag *);

/*
 * Of a long option, without its dashes, that no row has, or several begin with: what may have been
 * meant, as "did you mean --sessions? " or "ambiguous: --pin or --proxy; ", or "".
 */
void opt_suggest(const struct lookup *, const char *word, char *out, size_t size);

/* The options of a file, before those of the command line; opt_config.c. */
int opt_read_config(struct lookup *, int argc, char *const *argv, struct diag *);

/* The settings of the --config row among the rows; NULL for none. */
struct opt_config *opt_find_config(const struct lookup *);

/* Keeps what was set for --print-config. 0 or -ENOMEM with diag set. */
int opt_config_note(struct opt_config *, const struct opt *, const char *value, struct diag *);

/* That no option writes to a file that another one names; opt_files.c. 0 or -EINVAL. */
int opt_check_files(const struct lookup *, struct diag *);

#endif
