/*
 * What RFC 5321 forbids: content fed whole and split everywhere, commands, paths.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "path.h"
#include "server_impl.h"
#include "strict.h"

#define LONG_LINE "500 5.5.2 Error: line too long\r\n"
#define NUL       "550 5.6.0 Error: NUL in the message\r\n"
#define BARE      "550 5.6.0 Error: bare CR or bare LF in the message\r\n"
#define BAD_OCTET "500 5.5.2 Error: NUL, bare CR or bare LF in a command\r\n"
#define LONG_PATH "501 5.1.0 Error: path too long\r\n"

struct row {
    struct slice in;
    const char *want; /* "" for fine */
    bool chunk;       /* by BDAT */
    bool lenient;
};

#define IN(text)                                                                                   \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

static const struct row rows[] = {
    {.in = IN(""), .want = ""},
    {.in = IN("a\r\n\r\nb\r\n.\r\n"), .want = ""},
    {.in = IN("a\r\n\r"), .want = ""}, /* what follows may be its LF */
    {.in = IN("a\0\r\n"), .want = NUL},
    {.in = IN("a\nb\r\n"), .want = BARE},
    {.in = IN("\n"), .want = BARE},
    {.in = IN("a\r\n\n"), .want = BARE},
    {.in = IN("a\rb\r\n"), .want = BARE},
    {.in = IN("a\r\r\n"), .want = BARE},
    {.in = IN("\r\0"), .want = NUL},
    {.in = IN("a\nb\0\r\n"), .want = NUL},
    {.in = IN("a\nb\r\n"), .want = "", .lenient = true},
    {.in = IN("a\r\r\n"), .want = BARE, .lenient = true},
    {.in = IN("a\nb\r\n"), .want = BARE, .chunk = true},
};

static void check(struct slice in, size_t cut, bool chunk, bool lenient, const char *want)
{
    struct strict s = {0};
    struct slice got;

    if (cut == 1) {
        for (size_t i = 0; i < in.n; i++)
            strict_content(&s, (struct slice){in.p + i, 1}, !chunk, lenient);
    } else {
        cut = cut < in.n ? cut : in.n;
        strict_content(&s, (struct slice){in.p, cut}, !chunk, lenient);
        strict_content(&s, slice_from(in, cut), !chunk, lenient);
    }
    got = strict_verdict(&s);
    assert_int_equal(got.n, strlen(want));
    assert_memory_equal(got.p ? got.p : "", want, got.n);
}

static void test_content(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (size_t cut = 0; cut <= rows[i].in.n; cut++)
            check(rows[i].in, cut, rows[i].chunk, rows[i].lenient, rows[i].want);
}

/* 1000 octets with the CRLF are a line; a dot that DATA puts in front does not count. */
static void test_line_length(void **state)
{
    static const struct {
        size_t octets;
        bool dot, chunk;
        const char *want;
    } lines[] = {
        {1000, false, false, ""},
        {1001, false, false, LONG_LINE},
        {1001, true, false, ""},
        {1002, true, false, LONG_LINE},
        {1000, true, true, ""},
        {1001, true, true, LONG_LINE},
        {200000, false, false, LONG_LINE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        size_t n = lines[i].octets;
        char *text = malloc(n + 2);

        assert_non_null(text);
        memcpy(text, "\r\n", 2);
        memset(text + 2, 'x', n - 2);
        memcpy(text + n, "\r\n", 2);
        if (lines[i].dot)
            text[2] = '.';
        for (size_t cut = 0; cut < 5; cut++)
            check((struct slice){text, n + 2}, cut, lines[i].chunk, false, lines[i].want);
        check((struct slice){text, n + 2}, n, lines[i].chunk, false, lines[i].want);
        check((struct slice){text, n + 2}, n + 1, lines[i].chunk, false, lines[i].want);
        free(text);
    }
}

static void expect(struct slice got, const char *want)
{
    assert_int_equal(got.n, strlen(want));
    assert_memory_equal(got.p ? got.p : "", want, got.n);
}

static void test_commands(void **state)
{
    char line[2048];

    (void)state;
    memset(line, 'x', sizeof line);
    expect(strict_command(SERVER_NOOP, (struct slice){line, 510}), "");
    expect(strict_command(SERVER_NOOP, (struct slice){line, 511}), LONG_LINE);
    expect(strict_command(SERVER_UNKNOWN, (struct slice){line, 511}), LONG_LINE);
    expect(strict_command(SERVER_MAIL, (struct slice){line, 510 + 643}), "");
    expect(strict_command(SERVER_MAIL, (struct slice){line, 511 + 643}), LONG_LINE);
    expect(strict_command(SERVER_RCPT, (struct slice){line, 511 + 500}), LONG_LINE);
    expect(strict_command(SERVER_AUTH, (struct slice){line, 2046}), "");
    expect(strict_command(SERVER_NOOP, SLICE("NOOP\0")), BAD_OCTET);
    expect(strict_command(SERVER_NOOP, SLICE("NOOP\n")), BAD_OCTET);
    expect(strict_command(SERVER_NOOP, SLICE("NOOP \r x")), BAD_OCTET);
}

static struct slice path(char *to, size_t local, size_t domain, const char *route)
{
    int n = snprintf(to, 600, "FROM:<%s%.*s%s%.*s> SIZE=1", route, (int)local, to + 600,
                     domain ? "@" : "", (int)domain, to + 600);

    return path_find((struct slice){to, (size_t)n}, NULL);
}

static void test_paths(void **state)
{
    char text[1200];

    (void)state;
    memset(text, 'x', sizeof text);
    expect(strict_path(path(text, 64, 100, "")), "");
    expect(strict_path(path(text, 65, 100, "")), LONG_PATH);
    expect(strict_path(path(text, 64, 0, "")), "");
    expect(strict_path(path(text, 65, 0, "")), LONG_PATH);
    expect(strict_path(path(text, 1, 252, "")), ""); /* 256 with brackets and the @ */
    expect(strict_path(path(text, 1, 253, "")), LONG_PATH);
    expect(strict_path(path(text, 64, 100, "@a.example,@b.example:")), "");
    expect(strict_path(SLICE("")), "");
    expect(strict_path(SLICE("<>")), "");
}

static void test_path_parts(void **state)
{
    static const struct {
        const char *in, *path, *mailbox, *domain, *parameters;
    } parts[] = {
        {"FROM:<a@b> SIZE=1 X", "<a@b>", "a@b", "b", "SIZE=1|X|"},
        {"TO: <\"a>@\\\"\"@b>", "<\"a>@\\\"\"@b>", "\"a>@\\\"\"@b", "b", ""},
        {"TO:a@b  NOTIFY=NEVER", "a@b", "a@b", "b", "NOTIFY=NEVER|"},
        {"FROM:<>", "<>", "", "", ""},
        {"FROM:<@x,@y:a@b>", "<@x,@y:a@b>", "a@b", "b", ""},
        {"FROM:<a@b", "<a@b", "a@b", "b", ""},
        {"FROM:<", "<", "", "", ""},
        {"FROM:", "", "", "", ""},
        {"", "", "", "", ""},
        {"<a@b>", "<a@b>", "a@b", "b", ""},
        {"FROM:<\"a\\", "<\"a\\", "\"a\\", "", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        struct slice rest, key, value;
        struct slice got = path_find(slice_of(parts[i].in), &rest);
        char words[100] = "";
        int n = 0;

        expect(got, parts[i].path);
        expect(path_mailbox(got), parts[i].mailbox);
        expect(path_domain(path_mailbox(got)), parts[i].domain);
        while (path_parameter(&rest, &key, &value))
            n += snprintf(words + n, sizeof words - (size_t)n, "%.*s%s%.*s|", (int)key.n, key.p,
                          value.n > 0 ? "=" : "", (int)value.n, value.p);
        assert_string_equal(words, parts[i].parameters);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_content),    cmocka_unit_test(test_line_length),
        cmocka_unit_test(test_commands),   cmocka_unit_test(test_paths),
        cmocka_unit_test(test_path_parts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
