/*
 * The texts that name servers and listeners, good and bad, and the sockets made of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "endpoint.h"

#define PATH_107                                                                                   \
    "/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"                                           \
    "/bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"                                           \
    "/cccccc"

struct row {
    const char *text;
    int family;
    const char *want; /* the first address as text, or part of the error */
};

static const struct row clients[] = {
    {"127.0.0.1", AF_UNSPEC, "127.0.0.1:25"},
    {"127.0.0.1:", AF_UNSPEC, "127.0.0.1:25"},
    {"127.0.0.1:smtp", AF_UNSPEC, "127.0.0.1:25"},
    {"127.0.0.1:submission", AF_UNSPEC, "127.0.0.1:587"},
    {"127.0.0.1:2525", AF_UNSPEC, "127.0.0.1:2525"},
    {"127.0.0.1:00025", AF_UNSPEC, "127.0.0.1:25"},
    {"127.0.0.1:65535", AF_UNSPEC, "127.0.0.1:65535"},
    {"inet:127.0.0.1", AF_UNSPEC, "127.0.0.1:25"},
    {"inet:127.0.0.1:24", AF_UNSPEC, "127.0.0.1:24"},
    {"inet:[::1]:24", AF_UNSPEC, "[::1]:24"},
    {"[127.0.0.1]:26", AF_UNSPEC, "127.0.0.1:26"},
    {"[127.0.0.1]:", AF_UNSPEC, "127.0.0.1:25"},
    {"[127.0.0.1]", AF_UNSPEC, "127.0.0.1:25"},
    {"[::1]", AF_UNSPEC, "[::1]:25"},
    {"[::1]:26", AF_UNSPEC, "[::1]:26"},
    {"[ipv6:::1]:26", AF_UNSPEC, "[::1]:26"},
    {"[IPv6:::1]:lmtp", AF_UNSPEC, "[::1]:24"},
    {"::1:26", AF_UNSPEC, "[::1]:26"},
    {"::1:", AF_UNSPEC, "[::1]:25"},
    {"::1", AF_UNSPEC, "[::1]:25"},
    {"::1:smtp", AF_UNSPEC, "[::1]:25"},
    {"2001:db8::", AF_UNSPEC, "[2001:db8::]:25"},
    {"1:2:3:4:5:6:7:8", AF_UNSPEC, "[1:2:3:4:5:6:7:8]:25"},
    {"1:2:3:4:5:6:7:8:9", AF_UNSPEC, "[1:2:3:4:5:6:7:8]:9"},
    {"::ffff:127.0.0.1", AF_UNSPEC, "[::ffff:127.0.0.1]:25"},
    {"2001:db8::1:ab", AF_UNSPEC, "[2001:db8::1:ab]:25"},
    {"::1", AF_INET6, "[::1]:25"},
    {"127.0.0.1", AF_INET, "127.0.0.1:25"},
    {"unix:/tmp/x", AF_UNSPEC, "unix:/tmp/x"},
    {"unix:/tmp/x", AF_INET6, "unix:/tmp/x"},
    {"unix:relative:path", AF_UNSPEC, "unix:relative:path"},
    {"unix:" PATH_107, AF_UNSPEC, "unix:" PATH_107},
};

static const struct row bad_clients[] = {
    {"", AF_UNSPEC, "no host in \"\""},
    {":", AF_UNSPEC, "no host in \":\""},
    {":25", AF_UNSPEC, "no host in \":25\""},
    {"inet:", AF_UNSPEC, "no host in \"inet:\""},
    {"127.0.0.1:0", AF_UNSPEC, "bad port 0 in 127.0.0.1:0"},
    {"127.0.0.1:65536", AF_UNSPEC, "bad port 65536"},
    {"127.0.0.1:99999999999999999999", AF_UNSPEC, "bad port 99999999999999999999"},
    {"127.0.0.1:-1", AF_UNSPEC, "unknown port -1"},
    {"127.0.0.1:25x", AF_UNSPEC, "unknown port 25x"},
    {"127.0.0.1: 25", AF_UNSPEC, "unknown port  25"},
    {"127.0.0.1:nosuchservice", AF_UNSPEC, "unknown port nosuchservice"},
    {"[::1", AF_UNSPEC, "no closing ]"},
    {"[::1]25", AF_UNSPEC, "only :port may follow"},
    {"[]:25", AF_UNSPEC, "nothing between the brackets"},
    {"[ipv6:]:25", AF_UNSPEC, "bad IPv6 address"},
    {"[ipv6:localhost]:25", AF_UNSPEC, "bad IPv6 address"},
    {"[1:2]:25", AF_UNSPEC, "bad IPv6 address in [1:2]:25"},
    {"a:b:c", AF_UNSPEC, "bad address a:b:c"},
    {"smtp://localhost", AF_UNSPEC, "bad address smtp://localhost: write host or host:port"},
    {"smtps://[::1]:465", AF_UNSPEC, "without a scheme (for smtps:// see --tls)"},
    {"127.0.0.1:25:26", AF_UNSPEC, "bad address"},
    {"::1", AF_INET, "no IPv4 address is known for ::1"},
    {"127.0.0.1", AF_INET6, "no IPv6 address is known for 127.0.0.1"},
    {"unix:", AF_UNSPEC, "unix: needs a path"},
    {"unix:" PATH_107 "d", AF_UNSPEC, "unix-domain name too long: " PATH_107 "d"},
};

static const struct row listeners[] = {
    {"127.0.0.1:2525", AF_UNSPEC, "127.0.0.1:2525"},
    {"inet:127.0.0.1:2525", AF_UNSPEC, "127.0.0.1:2525"},
    {"[127.0.0.1]:2525", AF_UNSPEC, "127.0.0.1:2525"},
    {"[::1]:2525", AF_UNSPEC, "[::1]:2525"},
    {"[ipv6:::1]:2525", AF_UNSPEC, "[::1]:2525"},
    {"::1:2525", AF_UNSPEC, "[::1]:2525"},
    {"127.0.0.1:0", AF_UNSPEC, "127.0.0.1:0"},
    {"127.0.0.1:smtp", AF_UNSPEC, "127.0.0.1:25"},
    {"2525", AF_INET, "0.0.0.0:2525"},
    {":2525", AF_INET, "0.0.0.0:2525"},
    {"inet:2525", AF_INET, "0.0.0.0:2525"},
    {"smtp", AF_INET6, "[::]:25"},
    {"0", AF_INET6, "[::]:0"},
    {"unix:/tmp/x", AF_INET, "unix:/tmp/x"},
};

/* Where the system knows the name: a bare root has no /etc/hosts. */
static const struct row named[] = {
    {"localhost", AF_INET, "127.0.0.1:25"},
    {"[localhost]:99", AF_INET, "127.0.0.1:99"},
};

static const struct row bad_listeners[] = {
    {"", AF_UNSPEC, "no port in \"\""},
    {":", AF_UNSPEC, "no port in \":\""},
    {"127.0.0.1:", AF_UNSPEC, "no port in \"127.0.0.1:\""},
    {"[::1]", AF_UNSPEC, "no port in \"[::1]\""},
    {"::1", AF_UNSPEC, "no port in ::1: write [::1]:port"},
    {"127.0.0.1", AF_UNSPEC, "unknown port 127.0.0.1"},
    {"smtp://127.0.0.1:25", AF_UNSPEC, "without a scheme"},
    {"65536", AF_UNSPEC, "bad port 65536"},
    {"127.0.0.1:2525", AF_INET6, "no IPv6 address"},
    {"unix:" PATH_107 "d", AF_UNSPEC, "unix-domain name too long"},
};

typedef int resolve_fn(struct endpoint *, const char *, int, struct diag *);

static void check_good(const struct row *row, resolve_fn *resolve)
{
    struct endpoint e = {0};
    struct diag d = {{0}};
    char text[256];

    if (resolve(&e, row->text, row->family, &d) != 0)
        fail_msg("%s: %s", row->text, d.text);
    assert_true(e.count >= 1);
    assert_string_equal(address_text(&e.addresses[0], text, sizeof text), row->want);
    endpoint_done(&e);
}

static void check_bad(const struct row *row, resolve_fn *resolve)
{
    struct endpoint e = {(struct address *)&e, 77};
    struct diag d = {{0}};
    int r = resolve(&e, row->text, row->family, &d);

    if (r >= 0 || !strstr(d.text, row->want))
        fail_msg("\"%s\" gave %d, \"%s\"", row->text, r, d.text);
    assert_null(strchr(d.text, '\n'));
    assert_int_equal(e.count, 77); /* untouched on failure */
}

#define EACH(table, check, resolve)                                                                \
    for (size_t i = 0; i < sizeof(table) / sizeof *(table); i++)                                   \
    check(&(table)[i], resolve)

static void test_names(void **state)
{
    (void)state;
    EACH(named, check_good, endpoint_resolve);
}

static void test_texts(void **state)
{
    (void)state;
    EACH(clients, check_good, endpoint_resolve);
    EACH(bad_clients, check_bad, endpoint_resolve);
    EACH(listeners, check_good, endpoint_resolve_listener);
    EACH(bad_listeners, check_bad, endpoint_resolve_listener);
}

static void test_long_texts(void **state)
{
    static const char *const forms[] = {"%s",      "%s:25", "127.0.0.1:%s",
                                        "[%s]:25", "::%s",  "unix:%s"};
    char *name = malloc(100001);

    (void)state;
    assert_non_null(name);
    memset(name, 'a', 100000);
    name[100000] = '\0';
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        const char *at = strstr(forms[i], "%s");
        char *text = NULL;
        struct endpoint e;
        struct diag d;

        assert_true(asprintf(&text, "%.*s%s%s", (int)(at - forms[i]), forms[i], name, at + 2) > 0);
        assert_true(endpoint_resolve(&e, text, AF_UNSPEC, &d) < 0);
        assert_true(endpoint_resolve_listener(&e, text, AF_UNSPEC, &d) < 0);
        free(text);
    }
    free(name);
}

/* ---- Listening ---- */

static char dir[64];

static int make_dir(void **state)
{
    (void)state;
    (void)snprintf(dir, sizeof dir, "/tmp/test_endpoint.XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
    DIR *d = opendir(dir);

    (void)state;
    for (struct dirent *e = d ? readdir(d) : NULL; e; e = readdir(d))
        (void)unlinkat(dirfd(d), e->d_name, 0);
    if (d)
        (void)closedir(d);
    return rmdir(dir);
}

static int open_fds(void)
{
    DIR *d = opendir("/proc/self/fd");
    int n = 0;

    assert_non_null(d);
    while (readdir(d))
        n++;
    (void)closedir(d);
    return n;
}

static struct address address_of(const char *text)
{
    struct endpoint e;
    struct address a;
    struct diag d;

    if (endpoint_resolve_listener(&e, text, AF_UNSPEC, &d) != 0)
        fail_msg("%s", d.text);
    a = e.addresses[0];
    endpoint_done(&e);
    return a;
}

static int listen_on(const struct address *a)
{
    struct diag d;
    int fd = address_listen(a, 5, &d);

    if (fd < 0)
        fail_msg("%s", d.text);
    return fd;
}

static void expect_refusal(const struct address *a, int code, const char *words)
{
    struct diag d = {{0}};

    assert_int_equal(address_listen(a, 5, &d), code);
    if (!strstr(d.text, words))
        fail_msg("no \"%s\" in \"%s\"", words, d.text);
}

static void test_tcp_port_is_ours_alone(void **state)
{
    static const char *const hosts[] = {"127.0.0.1:0", "[::1]:0"};
    int before = open_fds();

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct address a = address_of(hosts[i]);
        struct address bound;
        int fd = listen_on(&a);
        int client;

        assert_int_equal(address_bound(fd, &bound), 0);
        assert_int_not_equal(address_port(&bound), 0);
        expect_refusal(&bound, -EADDRINUSE, "Address already in use");
        /* A session that lingers does not keep the port: closed by the server's side first. */
        client = socket(bound.sa.sa_family, SOCK_STREAM, 0);
        assert_int_equal(connect(client, &bound.sa, bound.length), 0);
        assert_int_equal(close(accept(fd, NULL, NULL)), 0);
        assert_int_equal(close(client), 0);
        assert_int_equal(close(fd), 0);
        fd = listen_on(&bound);
        assert_int_equal(close(fd), 0);
    }
    assert_int_equal(open_fds(), before);
}

static void test_wildcard_has_both_families(void **state)
{
    struct endpoint e;
    struct diag d;
    struct address bound;
    int fds[2];

    (void)state;
    assert_int_equal(endpoint_resolve_listener(&e, ":0", AF_UNSPEC, &d), 0);
    if (e.count == 1) {
        print_message("no IPv6 on this machine\n");
        endpoint_done(&e);
        skip();
    }
    assert_int_equal(e.count, 2);
    assert_int_not_equal(e.addresses[0].sa.sa_family, e.addresses[1].sa.sa_family);
    fds[0] = listen_on(&e.addresses[0]);
    assert_int_equal(address_bound(fds[0], &bound), 0);
    address_set_port(&e.addresses[1], address_port(&bound));
    fds[1] = listen_on(&e.addresses[1]); /* V6ONLY: the two don't collide */
    assert_int_equal(close(fds[0]), 0);
    assert_int_equal(close(fds[1]), 0);
    endpoint_done(&e);
}

static void test_address_not_here(void **state)
{
    struct address a = address_of("192.0.2.1:0"); /* RFC 5737: nobody has it */

    (void)state;
    expect_refusal(&a, -EADDRNOTAVAIL, "cannot listen on 192.0.2.1:0: ");
}

static void test_unix(void **state)
{
    int before = open_fds();
    char text[128];
    struct address a;
    struct stat st;
    int fd;

    (void)state;
    (void)snprintf(text, sizeof text, "unix:%s/s", dir);
    a = address_of(text);
    assert_int_equal(address_port(&a), 0);
    (void)umask(077);
    fd = listen_on(&a);
    (void)umask(022);
    assert_int_equal(stat(text + 5, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0666);
    expect_refusal(&a, -EADDRINUSE, "another program does");
    assert_int_equal(close(fd), 0);
    fd = listen_on(&a); /* replaces the stale one */
    assert_int_equal(close(fd), 0);
    assert_int_equal(unlink(text + 5), 0);

    fd = creat(text + 5, 0644);
    assert_int_equal(write(fd, "precious", 8), 8);
    assert_int_equal(close(fd), 0);
    expect_refusal(&a, -EEXIST, "no socket is there");
    assert_int_equal(stat(text + 5, &st), 0);
    assert_int_equal(st.st_size, 8);
    assert_int_equal(unlink(text + 5), 0);

    assert_int_equal(symlink("nowhere", text + 5), 0);
    expect_refusal(&a, -EEXIST, "no socket is there");
    assert_int_equal(unlink(text + 5), 0);

    a = address_of("unix:/nonexistent/dir/s");
    expect_refusal(&a, -ENOENT, "cannot listen on unix:/nonexistent/dir/s: No such file");
    assert_int_equal(open_fds(), before);
}

static void test_unix_longest(void **state)
{
    char text[200];
    struct address a;
    size_t n = (size_t)snprintf(text, sizeof text, "unix:%s/", dir);

    (void)state;
    memset(text + n, 'x', sizeof text - n);
    text[5 + 107] = '\0';
    a = address_of(text);
    assert_int_equal(close(listen_on(&a)), 0);
    assert_int_equal(access(text + 5, F_OK), 0);
}

static void test_text_is_cut(void **state)
{
    struct address a = address_of("127.0.0.1:2525");
    char text[8];

    (void)state;
    assert_string_equal(address_text(&a, text, sizeof text), "127.0.0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_long_texts),
        cmocka_unit_test(test_tcp_port_is_ours_alone),
        cmocka_unit_test(test_wildcard_has_both_families),
        cmocka_unit_test(test_address_not_here),
        cmocka_unit_test(test_unix),
        cmocka_unit_test(test_unix_longest),
        cmocka_unit_test(test_text_is_cut),
    };

    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
