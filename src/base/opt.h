/*
 * Command line options as rows of a table. One row yields parsing, bounds, --help and the manual
 * page, so that they cannot disagree.
 */
#ifndef BASE_OPT_H
#define BASE_OPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "diag.h"

enum opt_kind {
    OPT_FLAG,     /* no argument; stores 1 in a bool */
    OPT_COUNT,    /* num_count() into a uint64_t */
    OPT_SIZE,     /* num_size() into a uint64_t, bytes */
    OPT_DURATION, /* num_duration() into a uint64_t, nanoseconds */
    OPT_TEXT,     /* any text into a const char *, borrowed from argv */
    OPT_CHOICE,   /* one of the choices into an int */
    OPT_CUSTOM,   /* set() does it */
    OPT_CONFIG,   /* names a file of options; into a struct opt_config */
};

/* What an OPT_TEXT is as a file: opt_parse() sees to it that none is read and written. */
enum opt_file { OPT_NO_FILE, OPT_READS, OPT_WRITES };

struct opt_choice {
    const char *name;
    int value;
};

struct opt {
    const char *name; /* long form, without dashes; the row's identity */
    char letter;      /* short form, 0 for none */
    enum opt_kind kind;
    const char *arg;                  /* what the help calls the argument; NULL for none */
    size_t at;                        /* offset of the destination in the table's settings */
    uint64_t min;                     /* OPT_COUNT, OPT_SIZE, OPT_DURATION: bounds, inclusive */
    uint64_t max;                     /* 0: no upper bound */
    const struct opt_choice *choices; /* OPT_CHOICE: ends with a NULL name */
    const char *implied;              /* the argument may be left out ("--name"); then this is it */
    /* OPT_CUSTOM: returns 0 or -errno with diag set. settings is the table's. */
    int (*set)(void *settings, const char *value, struct diag *d);
    enum opt_file file;
    bool secret;       /* never printed: not in reports, not by --print-config */
    const char *what;  /* the words of an error: "bad WHAT: VALUE" */
    const char *group; /* heading in --help */
    const char *help;  /* one short line for --help */
    const char *man;   /* whole sentences for the manual page; paragraphs separated by newlines */
};

/* Rows of one layer with the settings they fill; a program concatenates several. */
struct opt_table {
    const struct opt *rows;
    size_t count;
    void *settings;
};

/*
 * What --config and --print-config fill: a table of its own in a program, with opt_config_rows.
 */
struct opt_config {
    bool print;
    struct opt_given *given; /* what was set, in that order; owned */
    size_t given_count;
    const char *file; /* borrowed from argv; NULL: none */
    char *text;       /* of the file; texts are borrowed from it; owned */
};

extern const struct opt opt_config_rows[];
extern const size_t opt_config_row_count;

/* Writes the options that are in effect as a file for --config. Secrets are left out. */
void opt_print_config(const struct opt_config *, FILE *out);

void opt_config_done(struct opt_config *);

/*
 * Parses argv by the tables, options and operands in any order, "--" ends the options. Permutes
 * argv and stores the index of the first operand. The last of a repeated option wins; an option of
 * the command line wins over the same one of a --config file.
 * Returns 0, or -EINVAL with diag telling what and how to mend it: also when a file that one option
 * writes to is named by another.
 */
int opt_parse(const struct opt_table *tables, size_t count, int argc, char **argv, int *operands,
              struct diag *d);

/*
 * The command line quoted for a shell, so that it can be pasted; arguments of secret options are
 * replaced by ***. To be called before opt_parse() permutes argv. The caller's to free; NULL when
 * out of memory.
 */
char *opt_command_line(const struct opt_table *tables, size_t count, int argc, char *const *argv);

/*
 * Do both paths name the same file, by whatever way? Only plain files, and those that are not there
 * yet, are ever the same.
 */
bool opt_same_file(const char *a, const char *b);

/* --help: the rows by group, short. */
void opt_help(const struct opt_table *tables, size_t count, FILE *out);

/* Whose options they are. */
struct opt_program {
    const char *name;
    const char *commands; /* its first operand is one of these words, all others are files; NULL:
                             operands are of any kind */
};

/*
 * The other forms of --help: "man", "names", "completion-bash", "completion-zsh",
 * "completion-fish". false when the form is none of these, and nothing was written.
 */
bool opt_help_as(const char *form, const struct opt_table *tables, size_t count,
                 const struct opt_program *, FILE *out);

/* The OPTIONS section of a manual page, in man(7) macros, by group. */
void opt_manual(const struct opt_table *tables, size_t count, FILE *out);

/* "name<TAB>letter" a line, for tests that hold every option to be documented and tested. */
void opt_names(const struct opt_table *tables, size_t count, FILE *out);

/* Completion of a program's options, and commands, for a shell: bash, zsh or fish. false for
 * another. */
bool opt_completion(const char *shell, const struct opt_table *tables, size_t count,
                    const struct opt_program *, FILE *out);

#endif
