/*
 * Addresses to connect from: what the texts say, counted through, and what is none.
 */
#include "bind.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "endpoint.h"

static void expect(const struct bind_list *l, uint64_t i, const char *text)
{
    struct address a;
    char is[64];

    bind_address(l, i, &a);
    assert_string_equal(address_host(&a, is, sizeof is), text);
    assert_int_equal(address_port(&a), 0);
    assert_int_equal(a.sa.sa_family, l->family);
}

static void lists(void **state)
{
    static const struct {
        const char *text;
        int family;
        uint64_t count;
        struct {
            uint64_t i;
            const char *address;
        } has[4];
    } cases[] = {
        {"127.0.0.1", AF_INET, 1, {{0, "127.0.0.1"}, {1, "127.0.0.1"}, {99, "127.0.0.1"}}},
        {"127.0.0.3,127.0.0.1", AF_INET, 2, {{0, "127.0.0.3"}, {1, "127.0.0.1"}, {2, "127.0.0.3"}}},
        {"127.0.0.0/24",
         AF_INET,
         254,
         {{0, "127.0.0.1"}, {253, "127.0.0.254"}, {254, "127.0.0.1"}}},
        {"127.0.0.0/8",
         AF_INET,
         (1 << 24) - 2,
         {{255, "127.0.1.0"}, {16777213, "127.255.255.254"}}},
        {"10.0.0.4/31", AF_INET, 2, {{0, "10.0.0.4"}, {1, "10.0.0.5"}}},
        {"10.0.0.4/30", AF_INET, 2, {{0, "10.0.0.5"}, {1, "10.0.0.6"}, {2, "10.0.0.5"}}},
        {"10.0.0.5/32", AF_INET, 1, {{0, "10.0.0.5"}}},
        {"10.0.0.0/30,192.168.0.7",
         AF_INET,
         3,
         {{0, "10.0.0.1"}, {1, "10.0.0.2"}, {2, "192.168.0.7"}, {3, "10.0.0.1"}}},
        {"::1", AF_INET6, 1, {{0, "::1"}, {7, "::1"}}},
        {"fd00::/120", AF_INET6, 255, {{0, "fd00::1"}, {254, "fd00::ff"}, {255, "fd00::1"}}},
        {"fd00::4/127", AF_INET6, 2, {{0, "fd00::4"}, {1, "fd00::5"}}},
        {"fd00::/64",
         AF_INET6,
         BIND_COUNT_MAX - 1,
         {{0, "fd00::1"}, {(UINT64_C(1) << 40) - 1, "fd00::100:0:0"}}},
        {"fd00::/8,2001:db8::/32", AF_INET6, BIND_COUNT_MAX, {{65534, "fd00::ffff"}}},
        {"2001:db8::a,2001:db8::b/128", AF_INET6, 2, {{0, "2001:db8::a"}, {1, "2001:db8::b"}}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bind_list l;
        struct diag d;

        assert_int_equal(bind_parse(&l, "--bind", cases[i].text, &d), 0);
        assert_int_equal(l.family, cases[i].family);
        assert_int_equal(l.count, cases[i].count);
        for (size_t k = 0; k < 4 && cases[i].has[k].address; k++)
            expect(&l, cases[i].has[k].i, cases[i].has[k].address);
        bind_done(&l);
    }
}

static void faults(void **state)
{
    static const struct {
        const char *text;
        const char *words;
    } cases[] = {
        {"", "empty: no IPv4 or IPv6 address"},
        {",", "empty"},
        {"127.0.0.1,", "empty"},
        {"localhost", "localhost: no IPv4"},
        {"127.0.0.256", "no IPv4"},
        {"127.1", "no IPv4"},
        {"fe80::1%lo", "no IPv4"},
        {"[::1]", "no IPv4"},
        {" 127.0.0.1", "no IPv4"},
        {"127.0.0.1:25", "no IPv4"},
        {"/24", "no IPv4"},
        {"0.0.0.0", "let the system choose"},
        {"::", "let the system choose"},
        {"127.0.0.1,::1", "::1: IPv4 and IPv6 do not go together"},
        {"127.0.0.0/33", "127.0.0.0/33: the length is 0 to 32"},
        {"127.0.0.0/", "0 to 32"},
        {"127.0.0.0/-1", "0 to 32"},
        {"127.0.0.0/8/8", "0 to 32"},
        {"fd00::/129", "0 to 128"},
        {"127.0.0.1/24", "127.0.0.1/24: bits are set behind the prefix"},
        {"fd00::1/64", "bits are set"},
        {"fd00::1:0:0:0:0/60", "bits are set"},
        {"127.0.0.1,127.0.0.1", "named twice"},
        {"127.0.0.0/8,127.1.2.3", "127.1.2.3: named twice"},
        {"127.1.2.3,127.0.0.0/8", "named twice"},
        {"fd00::/64,fd00::5", "named twice"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bind_list l = {.count = 77};
        struct diag d = {""};

        assert_true(bind_parse(&l, "--bind", cases[i].text, &d) < 0);
        if (!strstr(d.text, cases[i].words))
            fail_msg("%s: %s", cases[i].text, d.text);
        assert_int_equal(l.count, 77);
    }
}

static void here(void **state)
{
    struct bind_list l;
    struct diag d = {""};

    (void)state;
    assert_int_equal(bind_parse(&l, "--bind", "127.0.0.0/16", &d), 0);
    assert_int_equal(bind_check(&l, &d), 0);
    bind_done(&l);
    assert_int_equal(bind_parse(&l, "--bind", "127.0.0.1,192.0.2.0/30", &d), 0); /* RFC 5737 */
    assert_true(bind_check(&l, &d) < 0);
    assert_non_null(strstr(d.text, " 192.0.2.1 "));
    bind_done(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists),
        cmocka_unit_test(faults),
        cmocka_unit_test(here),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
