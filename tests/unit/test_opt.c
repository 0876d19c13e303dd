/*
 * Options from rows: every way to write one, and what an error says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "opt.h"
#include "units.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

struct settings {
    bool verbose, tolerant, debug;
    uint64_t count, size, wait;
    const char *subject;
    int mode;
    char custom[32];
};

struct more {
    uint64_t window;
};

static int set_custom(void *settings, const char *value, struct diag *d)
{
    struct settings *s = settings;

    if (strcmp(value, "bad") == 0)
        return diag_set(d, -EINVAL, "bad custom: it is bad (say good)");
    (void)snprintf(s->custom, sizeof s->custom, "%s", value);
    return 0;
}

#define AT(field) offsetof(struct settings, field)

static const struct opt_choice modes[] = {{"must", 1}, {"if-offered", 2}, {"no", 3}, {NULL, 0}};

static const struct opt rows[] = {
    {.name = "verbose",
     .letter = 'v',
     .kind = OPT_FLAG,
     .at = AT(verbose),
     .what = "flag",
     .group = "One",
     .help = "talk",
     .man = "Talk. A second sentence.\nA - paragraph with \\ in it."},
    {.name = "tolerant",
     .letter = 'A',
     .kind = OPT_FLAG,
     .at = AT(tolerant),
     .what = "flag",
     .group = "One",
     .help = "bear",
     .man = "Bear."},
    {.name = "debug",
     .kind = OPT_FLAG,
     .at = AT(debug),
     .what = "flag",
     .group = "Two",
     .help = "look",
     .man = ".Look."},
    {.name = "messages",
     .letter = 'm',
     .kind = OPT_COUNT,
     .arg = "COUNT",
     .at = AT(count),
     .min = 1,
     .max = 1000,
     .what = "message count",
     .group = "Two",
     .help = "count",
     .man = "Count."},
    {.name = "length",
     .letter = 'l',
     .kind = OPT_SIZE,
     .arg = "BYTES",
     .at = AT(size),
     .min = 16,
     .what = "message length",
     .group = "One",
     .help = "size",
     .man = "Size."},
    {.name = "wait",
     .letter = 'w',
     .kind = OPT_DURATION,
     .arg = "TIME",
     .at = AT(wait),
     .min = 1,
     .max = 60 * NS_PER_S,
     .what = "message delay",
     .group = "One",
     .help = "time",
     .man = "Time."},
    {.name = "subject",
     .letter = 'S',
     .kind = OPT_TEXT,
     .arg = "TEXT",
     .at = AT(subject),
     .what = "subject",
     .group = "One",
     .help = "text",
     .man = "Text."},
    {.name = "mode",
     .kind = OPT_CHOICE,
     .arg = "if-offered",
     .implied = "must",
     .at = AT(mode),
     .choices = modes,
     .what = "mode",
     .group = "Two",
     .help = "choice",
     .man = "Choice."},
    {.name = "custom",
     .letter = 'c',
     .kind = OPT_CUSTOM,
     .arg = "VALUE",
     .set = set_custom,
     .what = "custom",
     .group = "Two",
     .help = "own",
     .man = "Own."},
};

static const struct opt other_rows[] = {
    {.name = "message-window",
     .letter = 'W',
     .kind = OPT_COUNT,
     .arg = "COUNT",
     .at = offsetof(struct more, window),
     .what = "window",
     .group = "Two",
     .help = "window",
     .man = "Window."},
};

struct result {
    struct settings s;
    struct more more;
    struct diag d;
    int rc;
    char left[64]; /* operands, joined by commas */
};

/* Parses words separated by blanks; '_' in a word stands for a blank, "''" for an empty word. */
static struct result parse(const char *line)
{
    struct result r = {0};
    const struct opt_table tables[] = {{rows, LENGTH(rows), &r.s},
                                       {other_rows, LENGTH(other_rows), &r.more}};
    static char text[256];
    char *argv[32] = {(char *)(uintptr_t) "prog"};
    char *save = text;
    int argc = 1;
    int operands = -1;

    (void)snprintf(text, sizeof text, "%s", line);
    for (char *word; (word = strsep(&save, " ")) && argc < 31; argc++) {
        argv[argc] = strcmp(word, "''") == 0 ? word + 2 : word;
        for (; *word; word++)
            if (*word == '_')
                *word = ' ';
    }
    if (!*line)
        argc = 1;
    argv[argc] = NULL;
    r.rc = opt_parse(tables, LENGTH(tables), argc, argv, &operands, &r.d);
    if (r.rc < 0) {
        assert_int_equal(operands, -1);
        assert_true(*r.d.text != '\0');
        return r;
    }
    for (int i = operands; i < argc; i++) {
        size_t n = strlen(r.left);

        (void)snprintf(r.left + n, sizeof r.left - n, "%s%s", n ? "," : "", argv[i]);
    }
    return r;
}

static void good(const char *line, const struct settings *want, const char *left)
{
    struct result r = parse(line);
    struct settings *s = &r.s;

    if (r.rc < 0)
        fail_msg("%s: %s", line, r.d.text);
    if (s->verbose != want->verbose || s->tolerant != want->tolerant || s->debug != want->debug ||
        s->count != want->count || s->size != want->size || s->wait != want->wait ||
        s->mode != want->mode || strcmp(s->custom, want->custom) != 0 ||
        !s->subject != !want->subject || (s->subject && strcmp(s->subject, want->subject) != 0))
        fail_msg("%s: not the settings it should give", line);
    assert_string_equal(r.left, left);
}

#define GOOD(line, left, ...) good(line, &(struct settings){__VA_ARGS__}, left)

/* Both texts have to be in the error. */
static void bad(const char *line, const char *want, const char *also)
{
    struct result r = parse(line);

    if (r.rc != -EINVAL)
        fail_msg("%s: returns %d", line, r.rc);
    if (!strstr(r.d.text, want) || !strstr(r.d.text, also))
        fail_msg("%s: says \"%s\", not \"%s\" and \"%s\"", line, r.d.text, want, also);
    if (strchr(r.d.text, '\n'))
        fail_msg("%s: says more than a line", line);
}

static void ways_to_write(void **state)
{
    (void)state;
    GOOD("", "", .count = 0);
    GOOD("host", "host", .count = 0);
    GOOD("-v", "", .verbose = true);
    GOOD("-vA", "", .verbose = true, .tolerant = true);
    GOOD("-vAm5", "", .verbose = true, .tolerant = true, .count = 5);
    GOOD("-vAm 5", "", .verbose = true, .tolerant = true, .count = 5);
    GOOD("-m5", "", .count = 5);
    GOOD("-m 5", "", .count = 5);
    bad("-m5v", "message count: 5v", "--messages");
}

static void long_forms(void **state)
{
    (void)state;
    GOOD("--verbose --debug", "", .verbose = true, .debug = true);
    GOOD("--messages=5", "", .count = 5);
    GOOD("--messages 5", "", .count = 5);
    GOOD("--subject=", "", .subject = "");
    GOOD("--subject=a=b", "", .subject = "a=b");
    GOOD("--subject -v", "", .subject = "-v");
    GOOD("-S --", "", .subject = "--");
    GOOD("-S ''", "", .subject = "");
    GOOD("-S a_b", "", .subject = "a b");
    GOOD("--custom=x", "", .custom = "x");
    GOOD("-cx", "", .custom = "x");
}

static void numbers_have_units(void **state)
{
    (void)state;
    GOOD("-m 1k", "", .count = 1000);
    GOOD("-l 1KiB", "", .size = 1024);
    GOOD("--wait=250ms", "", .wait = 250 * NS_PER_MS);
    GOOD("-w 1", "", .wait = NS_PER_S);
}

static void optional_argument(void **state)
{
    (void)state;
    GOOD("--mode", "", .mode = 1);
    GOOD("--mode=if-offered", "", .mode = 2);
    GOOD("--mode=no", "", .mode = 3);
    GOOD("--mode=If-Offered", "", .mode = 2);
    /* It is never the next word. */
    GOOD("--mode no", "no", .mode = 1);
    GOOD("--mode --verbose", "", .mode = 1, .verbose = true);
}

static void any_order(void **state)
{
    (void)state;
    GOOD("host -v", "host", .verbose = true);
    GOOD("-v host -A", "host", .verbose = true, .tolerant = true);
    GOOD("a -m 5 b --debug c", "a,b,c", .count = 5, .debug = true);
    GOOD("-v -- -A", "-A", .verbose = true);
    GOOD("a -- -v b", "a,-v,b", .count = 0);
    GOOD("--", "", .count = 0);
    GOOD("-", "-", .count = 0);
    GOOD("- -v", "-", .verbose = true);
    GOOD("''", "", .count = 0);
}

static void last_wins(void **state)
{
    (void)state;
    GOOD("-m 5 -m 6", "", .count = 6);
    GOOD("-m 5 --messages=7 host -m 8", "host", .count = 8);
    GOOD("-S a --subject=b", "", .subject = "b");
    GOOD("--mode --mode=no", "", .mode = 3);
    GOOD("--mode=no --mode", "", .mode = 1);
    GOOD("-v -v -v", "", .verbose = true);
}

static void abbreviations(void **state)
{
    (void)state;
    GOOD("--verb", "", .verbose = true);
    GOOD("--deb --len=20", "", .debug = true, .size = 20);
    /* A whole name is itself, also where a longer one begins with it. */
    GOOD("--messages=3", "", .count = 3);
    assert_int_equal(parse("--message-w=4").more.window, 4);
    assert_int_equal(parse("-W 4").more.window, 4);
}

static void unknown_options(void **state)
{
    (void)state;
    bad("-x", "-x", "--help");
    bad("-vx", "-x", "--help");
    bad("-vxA", "-x", "--help");
    bad("--nonsense", "--nonsense", "--help");
    bad("--nonsense=5", "--nonsense", "--help");
    bad("--mess", "--mess", "ambiguous: --messages or --message-window; ");
    bad("--mesages", "--mesages", "did you mean --messages? ");
    bad("--emssages=5", "--emssages=5", "did you mean --messages? ");
    bad("--messagess host", "--messagess", "did you mean --messages? ");
    bad("--dbg", "--dbg (see", "--help");
    bad("--=3", "--=3 (see", "--help");
    bad("host -x", "-x", "--help");
    bad("a --debug b -x c", "-x", "--help");
    bad("a --nonsense b", "--nonsense", "--help");
}

/* What stands in front of the culprit is not blamed for it. */
static void unknown_in_a_cluster(void **state)
{
    (void)state;
    bad("--messages=1 -xv", "invalid option: -x", "--help");
    bad("--debug -vxA", "invalid option: -x", "--help");
    bad("--verbose host -vxA", "invalid option: -x", "--help");
}

static void missing_and_surplus_arguments(void **state)
{
    (void)state;
    bad("-m", "-m", "argument");
    bad("-vm", "-m", "argument");
    bad("--messages", "--messages", "argument");
    bad("host --messages", "--messages", "argument");
    bad("--debug -m", "-m", "argument");
    bad("--verbose=1", "--verbose", "argument");
    bad("--debug=", "--debug", "argument");
}

static void bad_values(void **state)
{
    (void)state;
    bad("-m x", "message count", "x");
    bad("-m x", "--messages", "whole number");
    bad("-m ''", "message count", "empty");
    bad("--messages=", "message count", "empty");
    bad("-m -5", "message count", "-5");
    bad("-m 1.5", "message count", "1.5");
    bad("-m 99999999999999999999999", "message count", "too large");
    bad("-l 1x", "message length", "--length takes a size");
    bad("-w 1y", "message delay", "--wait takes a time");
    bad("--mode=may", "mode", "must, if-offered, no");
    bad("--mode=", "mode", "must, if-offered, no");
    bad("--mode=mus", "mode", "must, if-offered, no");
    bad("-c bad", "custom", "say good");
}

static void bounds(void **state)
{
    (void)state;
    GOOD("-m 1", "", .count = 1);
    GOOD("-m 1000", "", .count = 1000);
    GOOD("-l 16", "", .size = 16);
    GOOD("-l 1000000G", "", .size = UINT64_C(1000000000000000));
    GOOD("-w 60", "", .wait = 60 * NS_PER_S);
    GOOD("-w 1ns", "", .wait = 1);
    bad("-m 0", "message count: 0", "more than 0");
    bad("-m 1001", "message count: 1001", "at most 1000");
    bad("-l 15", "message length: 15", "at least 16");
    bad("-l 0", "message length: 0", "more than 0");
    bad("-w 0", "message delay: 0", "more than 0");
    bad("-w 61s", "message delay: 61s", "at most 60 seconds");
    bad("-w 60001ms", "message delay: 60001ms", "at most 60 seconds");
}

/* Runs one of the printers into memory. */
static char *print(void (*printer)(const struct opt_table *, size_t, FILE *))
{
    const struct opt_table tables[] = {{rows, LENGTH(rows), NULL},
                                       {other_rows, LENGTH(other_rows), NULL}};
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);

    assert_non_null(out);
    printer(tables, LENGTH(tables), out);
    assert_int_equal(fclose(out), 0);
    return text;
}

static size_t occurrences(const char *text, const char *word)
{
    size_t n = 0;

    for (; (text = strstr(text, word)); text += strlen(word))
        n++;
    return n;
}

static void help(void **state)
{
    char *text = print(opt_help);

    (void)state;
    assert_int_equal(occurrences(text, "\nOne:\n"), 1);
    assert_int_equal(occurrences(text, "\nTwo:\n"), 1);
    assert_non_null(strstr(text, "-m, --messages COUNT"));
    assert_non_null(strstr(text, "--mode[=if-offered]"));
    assert_non_null(strstr(text, "--message-window COUNT"));
    for (size_t i = 0; i < LENGTH(rows); i++)
        assert_non_null(strstr(text, rows[i].help));
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
        assert_true(strlen(line) <= 80);
    free(text);
}

static void manual(void **state)
{
    char *text = print(opt_manual);

    (void)state;
    assert_int_equal(occurrences(text, ".SS One\n"), 1);
    assert_int_equal(occurrences(text, ".TP\n"), LENGTH(rows) + LENGTH(other_rows));
    assert_non_null(strstr(text, "\\-\\-messages"));
    assert_non_null(strstr(text, "\n\\&.Look."));
    assert_non_null(strstr(text, "A \\- paragraph with \\e in it."));
    free(text);
}

static void names(void **state)
{
    char *text = print(opt_names);

    (void)state;
    assert_int_equal(occurrences(text, "\n"), LENGTH(rows) + LENGTH(other_rows));
    assert_non_null(strstr(text, "verbose\tv\n"));
    assert_non_null(strstr(text, "mode\t-\n"));
    free(text);
}

/* Rows with --config, and an option whose argument is nobody's business. */
struct configured {
    struct opt_config config;
    struct settings s;
    const char *password;
    char seen[64]; /* all arguments of an option that adds up */
};

static int add_seen(void *settings, const char *value, struct diag *d)
{
    struct configured *c = settings;

    (void)d;
    (void)strncat(c->seen, value, sizeof c->seen - strlen(c->seen) - 1);
    return 0;
}

static const struct opt secret_rows[] = {
    {.name = "password",
     .letter = 'p',
     .kind = OPT_TEXT,
     .arg = "TEXT",
     .at = offsetof(struct configured, password),
     .secret = true,
     .what = "password",
     .group = "One",
     .help = "it's secret: [really]",
     .man = "Secret."},
    {.name = "add",
     .kind = OPT_CUSTOM,
     .arg = "TEXT",
     .set = add_seen,
     .what = "addition",
     .group = "One",
     .help = "add",
     .man = "Add."},
};

#define CONFIG_TABLES 3

static void config_tables(struct configured *c, struct opt_table t[CONFIG_TABLES])
{
    t[0] = (struct opt_table){rows, LENGTH(rows), &c->s};
    t[1] = (struct opt_table){secret_rows, LENGTH(secret_rows), c};
    t[2] = (struct opt_table){opt_config_rows, opt_config_row_count, &c->config};
}

/* Parses "prog --config FILE" and the words, FILE holding the text. */
static int parse_config(struct configured *c, const char *text, const char *const *words,
                        struct diag *d)
{
    char name[] = "/tmp/test_opt_XXXXXX";
    char program[] = "prog";
    char option[] = "--config";
    char *argv[12] = {program, option, name};
    struct opt_table t[CONFIG_TABLES];
    int fd = mkstemp(name);
    int argc = 3;
    int operands;
    int rc;

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    (void)close(fd);
    for (; words && *words; words++)
        argv[argc++] = (char *)(uintptr_t)*words;
    *c = (struct configured){0};
    config_tables(c, t);
    rc = opt_parse(t, CONFIG_TABLES, argc, argv, &operands, d);
    (void)unlink(name);
    return rc;
}

static void config_file(void **state)
{
    const char *const words[] = {"-m", "7", "--add", "line", NULL};
    struct configured c;
    struct diag d = {""};

    (void)state;
    assert_int_equal(parse_config(&c,
                                  "# first\n"
                                  "\n"
                                  "messages 500 # of them\n"
                                  "  --length = 2KiB\r\n"
                                  "verbose\n"
                                  "add file\n"
                                  "mode=no\n"
                                  "subject \"a # \\\"b\\\\ \"   # c\n"
                                  "password hush",
                                  words, &d),
                     0);
    assert_int_equal(c.s.count, 7);
    assert_int_equal(c.s.size, 2048);
    assert_true(c.s.verbose);
    assert_int_equal(c.s.mode, 3);
    assert_string_equal(c.s.subject, "a # \"b\\ ");
    assert_string_equal(c.password, "hush");
    assert_string_equal(c.seen, "line");
    opt_config_done(&c.config);
    assert_int_equal(parse_config(&c, "subject \"\"\n", NULL, &d), 0);
    assert_string_equal(c.s.subject, "");
    opt_config_done(&c.config);
}

static void bad_config_files(void **state)
{
    static const struct {
        const char *text;
        const char *says;
    } bad[] = {
        {"\nnothing 1\n", ":2: no such option: nothing"},
        {"messages\n", ":1: option requires an argument: messages"},
        {"verbose yes\n", ":1: option takes no argument: verbose"},
        {"messages many\n", ":1: bad message count: many"},
        {"messages 5000\n", "must be at most"},
        {"subject \"open\n", "a double quote is missing"},
        {"subject \"a\" b\n", "a double quote is missing, or out of place"},
        {"config x\n", "--config is for the command line"},
        {"m 5\n", "no such option: m (long options only"},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(bad); i++) {
        struct configured c;
        struct diag d = {""};

        assert_int_equal(parse_config(&c, bad[i].text, NULL, &d), -EINVAL);
        if (!strstr(d.text, bad[i].says))
            fail_msg("%s", d.text);
        opt_config_done(&c.config);
    }
}

static char *printed_config(const struct opt_config *c)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(out);
    opt_print_config(c, out);
    assert_int_equal(fclose(out), 0);
    return text;
}

static void printed_config_reads_back(void **state)
{
    const char *const words[] = {"-m", "7", "-m", "8", "-v", "--add=x", "--add=# \"", NULL};
    struct configured c;
    struct configured again;
    struct diag d = {""};
    char *first;
    char *second;

    (void)state;
    assert_int_equal(parse_config(&c, "password hush\nsubject \"\"\nlength 99\n", words, &d), 0);
    first = printed_config(&c.config);
    assert_string_equal(first, "# password: a secret, left out\n"
                               "subject \"\"\n"
                               "length 99\n"
                               "messages 8\n"
                               "verbose\n"
                               "add x\n"
                               "add \"# \\\"\"\n");
    assert_int_equal(parse_config(&again, first, NULL, &d), 0);
    assert_int_equal(again.s.count, 8);
    assert_string_equal(again.seen, "x# \"");
    second = printed_config(&again.config);
    assert_string_equal(second, strchr(first, '\n') + 1);
    free(first);
    free(second);
    opt_config_done(&c.config);
    opt_config_done(&again.config);
}

static void command_lines(void **state)
{
    static const struct {
        const char *argv[6];
        const char *line;
    } cases[] = {
        {{"prog", "-m", "5", "host:25"}, "prog -m 5 host:25"},
        {{"prog", "--subject=it's", "a b", ""}, "prog '--subject=it'\\''s' 'a b' ''"},
        {{"prog", "--password", "hush", "$x"}, "prog --password *** '$x'"},
        {{"prog", "x", "--password=hush", "-p", "hush"}, "prog x --password=*** -p ***"},
        {{"prog", "-vphush", "--pass=hush"}, "prog -vp*** --pass=***"},
        {{"prog", "--", "--password", "told"}, "prog -- --password told"},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct configured c = {0};
        struct opt_table t[CONFIG_TABLES];
        char *argv[6] = {NULL};
        char *line;
        int argc = 0;

        for (; argc < 6 && cases[i].argv[argc]; argc++)
            argv[argc] = (char *)(uintptr_t)cases[i].argv[argc];
        config_tables(&c, t);
        line = opt_command_line(t, CONFIG_TABLES, argc, argv);
        assert_string_equal(line, cases[i].line);
        free(line);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ways_to_write),
        cmocka_unit_test(long_forms),
        cmocka_unit_test(numbers_have_units),
        cmocka_unit_test(optional_argument),
        cmocka_unit_test(any_order),
        cmocka_unit_test(last_wins),
        cmocka_unit_test(abbreviations),
        cmocka_unit_test(unknown_options),
        cmocka_unit_test(unknown_in_a_cluster),
        cmocka_unit_test(missing_and_surplus_arguments),
        cmocka_unit_test(bad_values),
        cmocka_unit_test(bounds),
        cmocka_unit_test(help),
        cmocka_unit_test(manual),
        cmocka_unit_test(names),
        cmocka_unit_test(config_file),
        cmocka_unit_test(bad_config_files),
        cmocka_unit_test(printed_config_reads_back),
        cmocka_unit_test(command_lines),
    };

    return cmocka_run_group_tests_name("opt", tests, NULL, NULL);
}
