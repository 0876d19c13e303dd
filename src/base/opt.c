/*
 * Options from rows: getopt_long(3) finds them, the rows say what they mean.
 */
#include "opt.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "num.h"
#include "opt_impl.h"
#include "units.h"

static size_t total_rows(const struct opt_table *tables, size_t count)
{
    size_t n = 0;

    for (size_t i = 0; i < count; i++)
        n += tables[i].count;
    return n;
}

struct flat *opt_flatten(const struct opt_table *tables, size_t count)
{
    struct flat *all = calloc(total_rows(tables, count) + 1, sizeof *all);
    size_t n = 0;

    if (!all)
        return NULL;
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < tables[i].count; k++)
            all[n++] = (struct flat){&tables[i].rows[k], tables[i].settings};
    return all;
}

static int bad_value(const struct opt *o, const char *value, struct diag *d)
{
    static const char *const expected[] = {
        [OPT_COUNT] = "a whole number such as 20 or 10k",
        [OPT_SIZE] = "a size in bytes such as 512, 10k or 1MiB",
        [OPT_DURATION] = "a time such as 5, 5s, 250ms or 2m",
    };

    return diag_set(d, -EINVAL, "bad %s: %s (--%s takes %s)", o->what, *value ? value : "empty",
                    o->name, expected[o->kind]);
}

/* The largest unit that leaves no rest. */
static const char *bound_text(const struct opt *o, uint64_t n, char *out, size_t size)
{
    static const struct {
        uint64_t ns;
        const char *name;
    } units[] = {{86400 * NS_PER_S, "days"},
                 {NS_PER_S, "seconds"},
                 {NS_PER_MS, "milliseconds"},
                 {NS_PER_US, "microseconds"},
                 {1, "nanoseconds"}};
    size_t i = 0;

    if (o->kind != OPT_DURATION) {
        (void)snprintf(out, size, "%" PRIu64, n);
        return out;
    }
    while (n % units[i].ns != 0)
        i++;
    n /= units[i].ns;
    (void)snprintf(out, size, "%" PRIu64 " %.*s", n, (int)strlen(units[i].name) - (n == 1),
                   units[i].name);
    return out;
}

static int check_bounds(const struct opt *o, const char *value, uint64_t n, struct diag *d)
{
    char bound[40];

    if (n == 0 && o->min > 0)
        return diag_set(d, -EINVAL, "bad %s: %s (--%s must be more than 0)", o->what, value,
                        o->name);
    if (n < o->min)
        return diag_set(d, -EINVAL, "bad %s: %s (--%s must be at least %s)", o->what, value,
                        o->name, bound_text(o, o->min, bound, sizeof bound));
    if (o->max && n > o->max)
        return diag_set(d, -EINVAL, "bad %s: %s (--%s must be at most %s)", o->what, value, o->name,
                        bound_text(o, o->max, bound, sizeof bound));
    return 0;
}

static int set_number(const struct opt *o, void *at, const char *value, struct diag *d)
{
    uint64_t n = 0;
    int rc = o->kind == OPT_COUNT  ? num_count(value, &n)
             : o->kind == OPT_SIZE ? num_size(value, &n)
                                   : num_duration(value, &n);

    if (rc == -ERANGE)
        return diag_set(d, -EINVAL, "bad %s: %s (too large)", o->what, value);
    if (rc < 0)
        return bad_value(o, value, d);
    rc = check_bounds(o, value, n, d);
    if (rc == 0)
        memcpy(at, &n, sizeof n);
    return rc;
}

static int set_choice(const struct opt *o, void *at, const char *value, struct diag *d)
{
    char list[200] = "";

    for (const struct opt_choice *c = o->choices; c->name; c++) {
        if (strcasecmp(c->name, value) ==
            0) { /* SASL mechanisms and keywords are known in capitals */
            memcpy(at, &c->value, sizeof c->value);
            return 0;
        }
        size_t used = strlen(list);
        (void)snprintf(list + used, sizeof list - used, "%s%s", used ? ", " : "", c->name);
    }
    return diag_set(d, -EINVAL, "bad %s: %s (--%s takes one of: %s)", o->what,
                    *value ? value : "empty", o->name, list);
}

int opt_set(const struct flat *f, const char *value, struct diag *d)
{
    const struct opt *o = f->row;
    char *at = (char *)f->settings + o->at;

    if (!value)
        value = "";
    switch (o->kind) {
    case OPT_FLAG:
        *(bool *)at = true;
        return 0;
    case OPT_CONFIG: /* opt_config.c has read it */
        return 0;
    case OPT_TEXT:
        memcpy(at, &value, sizeof value);
        return 0;
    case OPT_CHOICE:
        return set_choice(o, at, value, d);
    case OPT_CUSTOM:
        return o->set(f->settings, value, d);
    default:
        return set_number(o, at, value, d);
    }
}

void lookup_done(struct lookup *l)
{
    free(l->all);
    free(l->longs);
    free(l->letters);
}

int lookup_init(struct lookup *l, const struct opt_table *tables, size_t count)
{
    size_t n = total_rows(tables, count);
    size_t at = 1;

    memset(l, 0, sizeof *l);
    l->all = opt_flatten(tables, count);
    l->longs = calloc(n + 1, sizeof *l->longs);
    l->letters = calloc(2 * n + 2, 1);
    if (!l->all || !l->longs || !l->letters || n > 255) {
        lookup_done(l);
        return -ENOMEM;
    }
    l->count = n;
    l->letters[0] = ':';
    for (size_t i = 0; i < n; i++) {
        const struct opt *o = l->all[i].row;
        int has_arg = !o->arg ? no_argument : o->implied ? optional_argument : required_argument;

        l->longs[i] = (struct option){o->name, has_arg, NULL, LONG_BASE + (int)i};
        if (!o->letter)
            continue;
        l->by_letter[(unsigned char)o->letter] = (unsigned char)(i + 1);
        l->letters[at++] = o->letter;
        if (has_arg == required_argument)
            l->letters[at++] = ':';
    }
    return 0;
}

/*
 * What getopt_long() did not like. optopt tells the letter, or the number of a long option's row,
 * or is 0 for a long option that is unknown, the word just behind.
 */
static int bad_option(const struct lookup *l, char **argv, int code, struct diag *d)
{
    bool is_row = optopt >= LONG_BASE;
    const char *name = is_row ? l->longs[optopt - LONG_BASE].name : "";
    char meant[120];

    if (code == ':' && is_row)
        return diag_set(d, -EINVAL, "option requires an argument: --%s (see --help)", name);
    if (code == ':')
        return diag_set(d, -EINVAL, "option requires an argument: -%c (see --help)", optopt);
    if (is_row)
        return diag_set(d, -EINVAL, "option takes no argument: %s (see --help)", argv[optind - 1]);
    if (optopt)
        return diag_set(d, -EINVAL, "invalid option: -%c (see --help)", optopt);
    opt_suggest(l, argv[optind - 1] + 2, meant, sizeof meant);
    return diag_set(d, -EINVAL, "invalid option: %s (%ssee --help)", argv[optind - 1], meant);
}

int lookup_each(struct lookup *l, int argc, char **argv,
                int (*each)(void *arg, const struct flat *, const char *value, struct diag *),
                void *arg, struct diag *d)
{
    int code;

    optind = 0; /* glibc: start afresh, also when called twice */
    opterr = 0;
    while ((code = getopt_long(argc, argv, l->letters, l->longs, NULL)) != -1) {
        const struct flat *f;
        int rc;

        if (code == '?' || code == ':')
            return bad_option(l, argv, code, d);
        f = &l->all[code >= LONG_BASE ? (size_t)(code - LONG_BASE) : l->by_letter[code] - 1u];
        rc = each(arg, f, optarg ? optarg : f->row->implied, d);
        if (rc != 0)
            return rc;
    }
    return 0;
}

static int set_from_line(void *config, const struct flat *f, const char *value, struct diag *d)
{
    int rc = opt_set(f, value, d);

    return rc == 0 && config ? opt_config_note(config, f->row, value, d) : rc;
}

int opt_parse(const struct opt_table *tables, size_t count, int argc, char **argv, int *operands,
              struct diag *d)
{
    struct lookup l;
    int rc = lookup_init(&l, tables, count);

    if (rc < 0)
        return diag_set(d, rc, "out of memory");
    rc = opt_read_config(&l, argc, argv, d);
    if (rc == 0)
        rc = lookup_each(&l, argc, argv, set_from_line, opt_find_config(&l), d);
    if (rc == 0)
        rc = opt_check_files(&l, d);
    if (rc == 0)
        *operands = optind;
    lookup_done(&l);
    return rc;
}

/* Calls each() for every row, group by group, in the order in which the groups first appear. */
static void by_group(const struct opt_table *tables, size_t count, FILE *out,
                     void (*heading)(FILE *, const char *),
                     void (*each)(FILE *, const struct opt *))
{
    struct flat *all = opt_flatten(tables, count);

    if (!all)
        return;
    for (struct flat *f = all; f->row; f++) {
        bool seen = false;

        for (struct flat *g = all; g < f && !seen; g++)
            seen = strcmp(g->row->group, f->row->group) == 0;
        if (seen)
            continue;
        heading(out, f->row->group);
        for (struct flat *g = f; g->row; g++)
            if (strcmp(g->row->group, f->row->group) == 0)
                each(out, g->row);
    }
    free(all);
}

static void help_heading(FILE *out, const char *group)
{
    fprintf(out, "\n%s:\n", group);
}

static void help_row(FILE *out, const struct opt *o)
{
    char left[64];
    const char *open = !o->arg ? "" : o->implied ? "[=" : " ";
    const char *close = o->arg && o->implied ? "]" : "";

    if (o->letter)
        (void)snprintf(left, sizeof left, "-%c, --%s%s%s%s", o->letter, o->name, open,
                       o->arg ? o->arg : "", close);
    else
        (void)snprintf(left, sizeof left, "    --%s%s%s%s", o->name, open, o->arg ? o->arg : "",
                       close);
    if (strlen(left) > 28)
        fprintf(out, "  %s\n  %28s %s\n", left, "", o->help);
    else
        fprintf(out, "  %-28s %s\n", left, o->help);
}

void opt_help(const struct opt_table *tables, size_t count, FILE *out)
{
    by_group(tables, count, out, help_heading, help_row);
}

/* man(7) text: backslashes and hyphens escaped, no line starting with a control character. */
static void roff(FILE *out, const char *text)
{
    bool start = true;

    for (; *text; text++) {
        if (start && (*text == '.' || *text == '\''))
            fputs("\\&", out);
        start = *text == '\n';
        if (*text == '\\')
            fputs("\\e", out);
        else if (*text == '-')
            fputs("\\-", out);
        else if (*text == '\n')
            fputs("\n.IP\n", out);
        else
            putc(*text, out);
    }
}

static void man_heading(FILE *out, const char *group)
{
    fprintf(out, ".SS %s\n", group);
}

static void man_row(FILE *out, const struct opt *o)
{
    fputs(".TP\n", out);
    if (o->letter) {
        fprintf(out, "\\fB\\-%c\\fR", o->letter);
        if (o->arg && !o->implied)
            fprintf(out, " \\fI%s\\fR", o->arg);
        fputs(", ", out);
    }
    fputs("\\fB", out);
    roff(out, "--");
    roff(out, o->name);
    fputs("\\fR", out);
    if (o->arg && o->implied)
        fprintf(out, "[=\\fI%s\\fR]", o->arg);
    else if (o->arg)
        fprintf(out, "=\\fI%s\\fR", o->arg);
    putc('\n', out);
    roff(out, o->man);
    putc('\n', out);
}

void opt_manual(const struct opt_table *tables, size_t count, FILE *out)
{
    by_group(tables, count, out, man_heading, man_row);
}

bool opt_help_as(const char *form, const struct opt_table *tables, size_t count,
                 const struct opt_program *program, FILE *out)
{
    static const char completion[] = "completion-";

    if (strcmp(form, "man") == 0)
        opt_manual(tables, count, out);
    else if (strcmp(form, "names") == 0)
        opt_names(tables, count, out);
    else if (strncmp(form, completion, sizeof completion - 1) == 0)
        return opt_completion(form + sizeof completion - 1, tables, count, program, out);
    else
        return false;
    return true;
}

void opt_names(const struct opt_table *tables, size_t count, FILE *out)
{
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < tables[i].count; k++)
            fprintf(out, "%s\t%c\n", tables[i].rows[k].name,
                    tables[i].rows[k].letter ? tables[i].rows[k].letter : '-');
}
