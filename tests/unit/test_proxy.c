/*
 * The PROXY protocol's header: what is written is read again, whole and octet by octet, and what is
 * none is refused as early as it can be.
 */
#include "proxy.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct address at(const char *text)
{
    struct endpoint e;
    struct diag d;
    struct address a;

    assert_int_equal(endpoint_resolve(&e, text, AF_UNSPEC, &d), 0);
    a = e.addresses[0];
    endpoint_done(&e);
    return a;
}

/* Reads from memory that ends where the octets do. */
static int read_exactly(const char *octets, size_t n, struct address *source)
{
    char *copy = malloc(n + (n == 0));
    int rc;

    assert_non_null(copy);
    memcpy(copy, octets, n);
    rc = proxy_read(copy, n, source);
    free(copy);
    return rc;
}

/* A header, all prefixes of it first. */
static void read_back(const char *octets, size_t n, const char *wanted)
{
    struct address source;
    char text[80];

    for (size_t i = 0; i < n; i++)
        assert_int_equal(read_exactly(octets, i, &source), 0);
    assert_int_equal(read_exactly(octets, n, &source), n);
    if (wanted)
        assert_string_equal(address_text(&source, text, sizeof text), wanted);
    else
        assert_int_equal(source.length, 0);
}

static void there_and_back(void **state)
{
    static const struct {
        const char *source, *target;
        const char *line; /* version 1 */
        const char *read;
    } cases[] = {
        {"192.0.2.1:1024", "127.0.0.1:25", "PROXY TCP4 192.0.2.1 127.0.0.1 1024 25\r\n",
         "192.0.2.1:1024"},
        {"[2001:db8::1]:65535", "[::1]:2525", "PROXY TCP6 2001:db8::1 ::1 65535 2525\r\n",
         "[2001:db8::1]:65535"},
        {"[2001:db8::1]:1", "127.0.0.1:25", "PROXY TCP6 2001:db8::1 ::ffff:127.0.0.1 1 25\r\n",
         "[2001:db8::1]:1"},
        {"192.0.2.1:1", "[::1]:25", "PROXY TCP6 ::ffff:192.0.2.1 ::1 1 25\r\n",
         "[::ffff:192.0.2.1]:1"},
        {"192.0.2.1:1", "unix:/s", "PROXY TCP4 192.0.2.1 0.0.0.0 1 0\r\n", "192.0.2.1:1"},
        {NULL, "127.0.0.1:25", "PROXY UNKNOWN\r\n", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct address source = {0}, target = at(cases[i].target);
        char out[PROXY_WRITE_MAX];
        size_t n;

        if (cases[i].source)
            source = at(cases[i].source);
        n = proxy_write(PROXY_V1, cases[i].source ? &source : NULL, &target, out);
        assert_int_equal(n, strlen(cases[i].line));
        assert_memory_equal(out, cases[i].line, n);
        read_back(out, n, cases[i].read);
        n = proxy_write(PROXY_V2, cases[i].source ? &source : NULL, &target, out);
        read_back(out, n, cases[i].read);
    }
}

static void the_longest_line(void **state)
{
    static const char line[] = "PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n";
    char most[120];
    struct address source;

    (void)state;
    read_back(line, sizeof line - 1, NULL);
    memset(most, 'x', sizeof most);
    memcpy(most, "PROXY UNKNOWN ", 14);
    memcpy(most + 105, "\r\n", 2);
    read_back(most, 107, NULL);
    most[105] = 'x';
    memcpy(most + 106, "\r\n", 2);
    assert_int_equal(proxy_read(most, 106, &source), 0);
    assert_int_equal(proxy_read(most, 107, &source), -EPROTO);
}

static void refused(void **state)
{
    static const struct {
        const char *octets;
        size_t n;
    } cases[] = {
#define CASE(text) {text, sizeof(text) - 1}
        CASE("Q"),
        CASE("PROXY\r"),
        CASE("\r\n\r\n\r"),
        CASE("PROXY TCP5 1.2.3.4 1.2.3.4 1 2\r\n"),
        CASE("PROXY  TCP4 1.2.3.4 1.2.3.4 1 2\r\n"),
        CASE("PROXY TCP4 1.2.3.4 1.2.3.4 1 65536\r\n"),
        CASE("PROXY TCP4 1.2.3.4 1.2.3.4 -1 2\r\n"),
        CASE("PROXY TCP4 1.2.3 1.2.3.4 1 2\r\n"),
        CASE("PROXY TCP6 1.2.3.4 1.2.3.4 1 2\r\n"),
        CASE("PROXY \n"),
        CASE("PROXY \r\n"),
        CASE("\r\n\r\n\0\r\nQUIT\n\x11"),
        CASE("\r\n\r\n\0\r\nQUIT\n\x22"),
        CASE("\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0b"),
        CASE("\r\n\r\n\0\r\nQUIT\n\x21\x21\0\x23"),
        CASE("\r\n\r\n\0\r\nQUIT\n\x20\0\x08\0"),
#undef CASE
    };
    struct address source;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(read_exactly(cases[i].octets, cases[i].n, &source), -EPROTO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(the_longest_line),
        cmocka_unit_test(refused),
    };

    return cmocka_run_group_tests_name("proxy", tests, NULL, NULL);
}
