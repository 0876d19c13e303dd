/*
 * Options from a file: the long options, one a line. The command line wins.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "opt_impl.h"

/* Room for more than any set of options; a file that is larger is none. */
#define CONFIG_MAX ((size_t)1 << 20)

struct opt_given {
    const struct opt *row;
    const char *value; /* borrowed; NULL for a flag */
};

const struct opt opt_config_rows[] = {
    {.name = "config",
     .kind = OPT_CONFIG,
     .arg = "FILE",
     .what = "file of options",
     .group = "Output",
     .help = "read options from FILE; the command line wins",
     .man =
         "Read options from this file: long options without their dashes, one a line, with their "
         "argument behind a blank or an equals sign. A # at the start of a line or behind a "
         "blank begins a comment; an argument in double quotes may hold anything (\\\" and \\\\ "
         "stand for \" and \\). An option of the command line replaces the same one of the "
         "file."},
    {.name = "print-config",
     .kind = OPT_FLAG,
     .at = offsetof(struct opt_config, print),
     .group = "Output",
     .help = "show the options in effect and exit",
     .man = "Write the options in effect, of the command line and of --config, in the form that "
            "--config reads, and exit. Secrets are left out."},
};

const size_t opt_config_row_count = sizeof opt_config_rows / sizeof *opt_config_rows;

struct opt_config *opt_find_config(const struct lookup *l)
{
    for (const struct flat *f = l->all; f->row; f++)
        if (f->row->kind == OPT_CONFIG)
            return f->settings;
    return NULL;
}

int opt_config_note(struct opt_config *c, const struct opt *row, const char *value, struct diag *d)
{
    struct opt_given *more = realloc(c->given, (c->given_count + 1) * sizeof *more);

    if (!more)
        return diag_set(d, -ENOMEM, "out of memory");
    c->given = more;
    more[c->given_count++] = (struct opt_given){row, value};
    return 0;
}

void opt_config_done(struct opt_config *c)
{
    free(c->given);
    free(c->text);
    *c = (struct opt_config){0};
}

static void print_value(const char *value, FILE *out)
{
    bool plain = *value != '\0' && strcspn(value, " \t\"\\#") == strlen(value);

    if (plain) {
        fputs(value, out);
        return;
    }
    putc('"', out);
    for (; *value; value++) {
        if (*value == '"' || *value == '\\')
            putc('\\', out);
        putc(*value, out);
    }
    putc('"', out);
}

/* The last of a repeated option wins, unless it may be meant to add up. */
static bool is_overruled(const struct opt_config *c, size_t i)
{
    if (c->given[i].row->kind == OPT_CUSTOM)
        return false;
    for (size_t k = i + 1; k < c->given_count; k++)
        if (c->given[k].row == c->given[i].row)
            return true;
    return false;
}

void opt_print_config(const struct opt_config *c, FILE *out)
{
    for (size_t i = 0; i < c->given_count; i++) {
        const struct opt_given *g = &c->given[i];

        if (g->row->kind == OPT_CONFIG || g->row == &opt_config_rows[1] || is_overruled(c, i))
            continue;
        if (g->row->secret || (g->value && strchr(g->value, '\n'))) {
            fprintf(out, "# %s: %s\n", g->row->name,
                    g->row->secret ? "a secret, left out" : "holds a line break, left out");
            continue;
        }
        fputs(g->row->name, out);
        if (g->value) {
            putc(' ', out);
            print_value(g->value, out);
        }
        putc('\n', out);
    }
}

/* What the command line says, before anything is set. */
struct ahead {
    const struct lookup *lookup;
    const char *file;
    bool *given; /* by row */
};

static int look_ahead(void *arg, const struct flat *f, const char *value, struct diag *d)
{
    struct ahead *a = arg;

    (void)d;
    a->given[f - a->lookup->all] = true;
    if (f->row->kind == OPT_CONFIG)
        a->file = value;
    return 0;
}

static int read_text(const char *name, char **out, struct diag *d)
{
    FILE *in = fopen(name, "re");
    char *text = malloc(CONFIG_MAX + 1);
    size_t n = 0;
    int code = 0;

    if (*name == '\0')
        name = "(no name)";
    if (!in || !text) {
        code = in ? -ENOMEM : -errno;
    } else {
        errno = 0;
        n = fread(text, 1, CONFIG_MAX + 1, in);
        if (ferror(in))
            code = errno ? -errno : -EIO;
    }
    if (in)
        (void)fclose(in);
    if (code == 0 && n <= CONFIG_MAX && !memchr(text, '\0', n)) {
        text[n] = '\0';
        *out = text;
        return 0;
    }
    free(text);
    if (code < 0)
        return diag_set(d, code, "open %s: %s (--config)", name, strerror(-code));
    return diag_set(d, -EINVAL, "%s: no file of options: %s (--config)", name,
                    n > CONFIG_MAX ? "larger than 1 MiB" : "holds NUL octets");
}

static char *skip_blanks(char *p)
{
    return p + strspn(p, " \t\r");
}

/* The argument, unquoted in place; NULL when what follows it, or a missing quote, is an error. */
static char *take_value(char *p)
{
    char *start = p;
    char *to = p;

    if (*p != '"') {
        for (; *p; p++)
            if (*p == '#' && (p == start || p[-1] == ' ' || p[-1] == '\t'))
                break;
        while (p > start && strchr(" \t\r", p[-1]))
            p--;
        *p = '\0';
        return start;
    }
    for (p++; *p && *p != '"'; p++) {
        if (*p == '\\' && (p[1] == '"' || p[1] == '\\'))
            p++;
        *to++ = *p;
    }
    if (*p != '"')
        return NULL;
    p = skip_blanks(p + 1);
    if (*p && *p != '#')
        return NULL;
    *to = '\0';
    return start;
}

static const struct flat *find_row(const struct lookup *l, const char *name)
{
    for (const struct flat *f = l->all; f->row; f++)
        if (strcmp(f->row->name, name) == 0)
            return f;
    return NULL;
}

/* One line, with diag set to what is wrong, without the place. */
static int set_line(const struct ahead *a, struct opt_config *c, char *line, struct diag *d)
{
    char *name = skip_blanks(line);
    const struct flat *f;
    bool is_quoted;
    const char *argument;
    char *value;
    size_t n;

    if (*name == '#' || *name == '\0')
        return 0;
    if (strncmp(name, "--", 2) == 0)
        name += 2;
    n = strcspn(name, " \t\r=");
    value = skip_blanks(name + n);
    if (*value == '=')
        value = skip_blanks(value + 1);
    name[n] = '\0';
    is_quoted = *value == '"';
    value = take_value(value);
    if (!value)
        return diag_set(d, -EINVAL, "--%s: a double quote is missing, or out of place", name);
    f = find_row(a->lookup, name);
    if (!f)
        return diag_set(d, -EINVAL, "no such option: %s (long options only; see --help)", name);
    if (f->row->kind == OPT_CONFIG || f->row == &opt_config_rows[1])
        return diag_set(d, -EINVAL, "--%s is for the command line", name);
    if (!f->row->arg && (*value || is_quoted))
        return diag_set(d, -EINVAL, "option takes no argument: %s", name);
    if (f->row->arg && !*value && !is_quoted && !f->row->implied)
        return diag_set(d, -EINVAL, "option requires an argument: %s", name);
    if (a->given[f - a->lookup->all])
        return 0;
    argument = *value || is_quoted ? value : f->row->implied;
    return opt_set(f, argument, d) < 0 ? -EINVAL : opt_config_note(c, f->row, argument, d);
}

static int set_lines(const struct ahead *a, struct opt_config *c, struct diag *d)
{
    struct diag inner;
    char *next;
    int number = 1;

    for (char *line = c->text; line; line = next, number++) {
        int rc;

        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        rc = set_line(a, c, line, &inner);
        if (rc < 0)
            return diag_set(d, rc, "%s:%d: %s", a->file, number, inner.text);
    }
    return 0;
}

int opt_read_config(struct lookup *l, int argc, char *const *argv, struct diag *d)
{
    struct opt_config *c = opt_find_config(l);
    struct ahead a = {.lookup = l};
    char **copy = calloc((size_t)argc + 1, sizeof *copy);
    int rc = 0;

    a.given = calloc(l->count + 1, sizeof *a.given);
    if (!copy || !a.given) {
        rc = diag_set(d, -ENOMEM, "out of memory");
    } else if (c) {
        memcpy(copy, argv, (size_t)argc * sizeof *copy);
        rc = lookup_each(l, argc, copy, look_ahead, &a, d);
        c->file = a.file;
        if (rc == 0 && a.file)
            rc = read_text(a.file, &c->text, d);
        if (rc == 0 && a.file)
            rc = set_lines(&a, c, d);
    }
    free(copy);
    free(a.given);
    return rc;
}

/* Where secrets begin in the strings of argv. */
struct secrets {
    const char *at[64];
    size_t count;
};

static int note_secret(void *arg, const struct flat *f, const char *value, struct diag *d)
{
    struct secrets *s = arg;

    (void)d;
    if (f->row->secret && value && s->count < sizeof s->at / sizeof *s->at)
        s->at[s->count++] = value;
    return 0;
}

/* A word for a shell: as it is when nothing in it means anything there, else in single quotes. */
static void put_word(FILE *out, const char *word, size_t n)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "%+,-./:=@^_";

    if (n > 0 && strspn(word, plain) >= n) {
        fwrite(word, 1, n, out);
        return;
    }
    putc('\'', out);
    for (size_t i = 0; i < n; i++) {
        if (word[i] == '\'')
            fputs("'\\'", out);
        putc(word[i], out);
    }
    putc('\'', out);
}

static void put_argument(FILE *out, const char *word, const struct secrets *s)
{
    size_t n = strlen(word);

    for (size_t i = 0; i < s->count; i++) {
        if (s->at[i] < word || s->at[i] > word + n)
            continue;
        if (s->at[i] > word)
            put_word(out, word, (size_t)(s->at[i] - word));
        fputs("***", out);
        return;
    }
    put_word(out, word, n);
}

char *opt_command_line(const struct opt_table *tables, size_t count, int argc, char *const *argv)
{
    char **copy = calloc((size_t)argc + 1, sizeof *copy);
    struct secrets secrets = {0};
    char *text = NULL;
    size_t size = 0;
    FILE *out = copy ? open_memstream(&text, &size) : NULL;
    struct lookup l;
    struct diag unsaid;

    if (out && lookup_init(&l, tables, count) == 0) {
        memcpy(copy, argv, (size_t)argc * sizeof *copy);
        /* What is wrong is told when it is parsed in earnest, and then there is no report. */
        (void)lookup_each(&l, argc, copy, note_secret, &secrets, &unsaid);
        lookup_done(&l);
        for (int i = 0; i < argc; i++) {
            if (i > 0)
                putc(' ', out);
            put_argument(out, argv[i], &secrets);
        }
    }
    free(copy);
    if (out && fclose(out) != 0) {
        free(text);
        text = NULL;
    }
    return text;
}
