/*
 * Messages and envelopes against the drop-in contract: what goes on the wire, octet by octet.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "content.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* A Sunday. */
#define DATE INT64_C(1762118422)

struct octets {
    char *p;
    size_t n;
};

/* All of a message's content. */
static struct octets joined(const struct mail_content *c, const struct mail_message *m,
                            bool stuffed)
{
    const struct slice *parts = stuffed ? c->stuffed_parts : c->plain_parts;
    uint32_t count = stuffed ? c->stuffed_count : c->plain_count;
    struct octets o = {0};
    char own[MAIL_OWN_MAX];

    for (uint32_t i = 0; i < count; i++)
        o.n += parts[i].n;
    o.p = malloc(o.n + sizeof own + 1);
    assert_non_null(o.p);
    o.n = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct slice s = parts[i];

        if (!s.p)
            s = (struct slice){own, mail_message_own(m, c, own)};
        memcpy(o.p + o.n, s.p, s.n);
        o.n += s.n;
    }
    o.p[o.n] = '\0';
    return o;
}

/* The first message of a run with these settings, as BDAT carries it or stuffed. */
static struct octets message(const struct mail_settings *s, bool stuffed)
{
    struct mail_content c;
    struct mail_message m = {.connection = 0x1a, .number = 0x2b};
    struct octets o;
    struct diag d = {""};

    if (mail_content_init(&c, s, 0x123456789abcdef0, DATE, &d) < 0)
        fail_msg("%s", d.text);
    o = joined(&c, &m, stuffed);
    if (!stuffed)
        assert_int_equal(o.n, mail_content_size(&c));
    mail_content_done(&c);
    return o;
}

static void is(const struct mail_settings *s, bool stuffed, const char *want, size_t n)
{
    struct octets o = message(s, stuffed);

    assert_int_equal(o.n, n);
    assert_memory_equal(o.p, want, n);
    free(o.p);
}

#define IS(settings, stuffed, want) is(settings, stuffed, want, sizeof(want) - 1)
#define DEFAULT_BODY                                                                               \
    "La de da de da 1.\r\nLa de da de da 2.\r\nLa de da de da 3.\r\nLa de da de da 4.\r\n"
#define TOP                                                                                        \
    "From: <foo@h.example>\r\nTo: <foo@h.example>\r\n"                                             \
    "Date: Sun,  2 Nov 2025 21:20:22 +0000 (UTC)\r\n"                                              \
    "Message-Id: <123456789abcdef0.0000001a.0000002b@h.example>\r\n"

static void headers_and_default_body(void **state)
{
    struct mail_settings s = {.hostname = "h.example", .rcpt_count = 1};

    (void)state;
    IS(&s, false, TOP "\r\n" DEFAULT_BODY);
    IS(&s, true, TOP "\r\n" DEFAULT_BODY);
    s.subject = "a  subject";
    IS(&s, true, TOP "Subject: a  subject\r\n\r\n" DEFAULT_BODY);
    s.subject = "";
    IS(&s, true, TOP "Subject: \r\n\r\n" DEFAULT_BODY);
}

static void old_mode_has_the_body_alone(void **state)
{
    struct mail_settings s = {
        .hostname = "h.example", .rcpt_count = 1, .no_headers = true, .subject = "x"};

    (void)state;
    IS(&s, false, DEFAULT_BODY);
    IS(&s, true, DEFAULT_BODY);
    s.length = 2;
    IS(&s, true, "XX\r\n");
}

/* The addresses in the headers have no number. */
static void addresses_in_headers(void **state)
{
    struct mail_settings s = {.hostname = "[192.0.2.1]", .rcpt_count = 5, .number_all = true};
    struct octets o = message(&s, true);

    (void)state;
    assert_non_null(strstr(o.p, "From: <foo@[192.0.2.1]>\r\nTo: <foo@[192.0.2.1]>\r\n"));
    assert_non_null(strstr(o.p, "@[192.0.2.1]>\r\n"));
    free(o.p);
    s.from = "";
    s.to = "bob";
    o = message(&s, true);
    assert_non_null(strstr(o.p, "From: <>\r\nTo: <bob>\r\n"));
    free(o.p);
}

/* The rule of the contract, octet by octet: octet k (from 0) of a body of -l length. */
static char filler(uint64_t k, uint64_t length)
{
    uint64_t end = (k / 80 + 1) * 80; /* of the block that k is in */

    if (end >= length)
        return 'X';
    if (k % 80 == 0)
        return (char)('0' + (end / 80) % 10);
    return k % 80 == 78 ? '\r' : k % 80 == 79 ? '\n' : 'X';
}

static void check_length(uint64_t length)
{
    struct mail_settings s = {
        .hostname = "h", .rcpt_count = 1, .no_headers = true, .length = length};
    struct octets o = message(&s, true);

    assert_int_equal(o.n, length + 2);
    for (uint64_t k = 0; k < length; k++)
        if (o.p[k] != filler(k, length))
            fail_msg("-l %llu: octet %llu is %02x", (unsigned long long)length,
                     (unsigned long long)k, (unsigned char)o.p[k]);
    assert_memory_equal(o.p + length, "\r\n", 2);
    free(o.p);
}

static void lengths(void **state)
{
    static const uint64_t more[] = {1000,   1023,   1024,   4096,    8000,   10240,
                                    65536,  102400, 204799, 204800,  204801, 204880,
                                    204881, 307200, 307201, 1000000, 1048577};

    (void)state;
    for (uint64_t n = 1; n <= 1700; n++)
        check_length(n);
    for (size_t i = 0; i < LENGTH(more); i++)
        check_length(more[i]);
}

/* A few lengths written out, so that the model above is held to something as well. */
static void lengths_written_out(void **state)
{
    struct mail_settings s = {.hostname = "h", .rcpt_count = 1, .no_headers = true};
    char x[81];

    (void)state;
    memset(x, 'X', 80);
    x[80] = '\0';
    s.length = 80;
    struct octets o = message(&s, false);
    assert_int_equal(o.n, 82);
    assert_memory_equal(o.p, x, 80);
    free(o.p);
    s.length = 81;
    o = message(&s, false);
    assert_int_equal(o.n, 83);
    assert_memory_equal(o.p, "1X", 2);
    assert_memory_equal(o.p + 76, "XX\r\nX\r\n", 7);
    free(o.p);
    s.length = 801;
    o = message(&s, false);
    assert_memory_equal(o.p + 8 * 80, "9X", 2);
    assert_memory_equal(o.p + 9 * 80, "0X", 2);
    assert_memory_equal(o.p + 798, "\r\nX\r\n", 5);
    free(o.p);
}

struct file_row {
    const char *in;
    size_t n;
    const char *plain;
    size_t plain_n;
    const char *stuffed;
    size_t stuffed_n;
};

#define ROW(in, plain, stuffed)                                                                    \
    {                                                                                              \
        in, sizeof(in) - 1, plain, sizeof(plain) - 1, stuffed, sizeof(stuffed) - 1                 \
    }

static const struct file_row files[] = {
    ROW("", "\r\n", "\r\n"),
    ROW("a\n", "a\r\n\r\n", "a\r\n\r\n"),
    ROW("a", "a\r\n\r\n", "a\r\n\r\n"),
    ROW("\n", "\r\n\r\n", "\r\n\r\n"),
    ROW("a\n\n", "a\r\n\r\n\r\n", "a\r\n\r\n\r\n"),
    ROW("a\r\nb\r\n", "a\r\r\nb\r\r\n\r\n", "a\r\r\nb\r\r\n\r\n"),
    ROW("\r", "\r\r\n\r\n", "\r\r\n\r\n"),
    ROW("a\rb\n", "a\rb\r\n\r\n", "a\rb\r\n\r\n"),
    ROW(".", ".\r\n\r\n", "..\r\n\r\n"),
    ROW(".\n", ".\r\n\r\n", "..\r\n\r\n"),
    ROW(".\r\n", ".\r\r\n\r\n", "..\r\r\n\r\n"),
    ROW("..\n...x\nx.\n .\n", "..\r\n...x\r\nx.\r\n .\r\n\r\n", "...\r\n....x\r\nx.\r\n .\r\n\r\n"),
    ROW("a\n.", "a\r\n.\r\n\r\n", "a\r\n..\r\n\r\n"),
    ROW("a\r.\n", "a\r.\r\n\r\n", "a\r.\r\n\r\n"),
    ROW("a\0b\n\0\n", "a\0b\r\n\0\r\n\r\n", "a\0b\r\n\0\r\n\r\n"),
    ROW("\0.\n.\0", "\0.\r\n.\0\r\n\r\n", "\0.\r\n..\0\r\n\r\n"),
    ROW("\xff\xfe\n", "\xff\xfe\r\n\r\n", "\xff\xfe\r\n\r\n"),
    ROW("Subject: x\n\nbody\n", "Subject: x\r\n\r\nbody\r\n\r\n", "Subject: x\r\n\r\nbody\r\n\r\n"),
};

static char *write_file(const char *p, size_t n)
{
    static char name[64];
    const char *dir = getenv("TMPDIR");
    int fd;

    (void)snprintf(name, sizeof name, "%.40s/mailXXXXXX", dir ? dir : "/tmp");
    fd = mkstemp(name);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, p, n), n);
    assert_int_equal(close(fd), 0);
    return name;
}

static void odd_files(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(files); i++) {
        const struct file_row *f = &files[i];
        struct mail_settings s = {.hostname = "h",
                                  .rcpt_count = 1,
                                  .subject = "ignored",
                                  .file = write_file(f->in, f->n)};

        is(&s, false, f->plain, f->plain_n);
        is(&s, true, f->stuffed, f->stuffed_n);
        assert_int_equal(unlink(s.file), 0);
    }
}

/* Larger than any buffer that a file may be read by. */
static void large_file(void **state)
{
    size_t n = 300007;
    char *in = malloc(n);
    size_t dots = 0, lines = 0;

    (void)state;
    assert_non_null(in);
    for (size_t i = 0; i < n; i++) {
        in[i] = i % 101 == 0 ? '\n' : i % 7 == 1 ? '.' : 'x';
        lines += in[i] == '\n';
        dots += in[i] == '.' && (i == 0 || in[i - 1] == '\n');
    }
    struct mail_settings s = {.hostname = "h", .rcpt_count = 1, .file = write_file(in, n)};
    struct octets plain = message(&s, false), stuffed = message(&s, true);
    assert_int_equal(plain.n, n + lines + 4);
    assert_int_equal(stuffed.n, plain.n + dots);
    assert_int_equal(unlink(s.file), 0);
    free(plain.p);
    free(stuffed.p);
    free(in);
}

static void bad_files(void **state)
{
    static const char *const names[] = {"/nonexistent/file", "/"};

    (void)state;
    for (size_t i = 0; i < LENGTH(names); i++) {
        struct mail_settings s = {.hostname = "h", .rcpt_count = 1, .file = names[i]};
        struct mail_content c;
        struct diag d = {""};

        assert_true(mail_content_init(&c, &s, 1, DATE, &d) < 0);
        assert_non_null(strstr(d.text, names[i]));
        mail_content_done(&c);
    }
}

struct host_row {
    const char *name;
    bool good;
};

#define LABEL_64 "abcdefghijklmnopqrstuvwxyz0123456789-_abcdefghijklmnopqrstuvwxyz"
#define LABEL_63 "bcdefghijklmnopqrstuvwxyz0123456789-_abcdefghijklmnopqrstuvwxyz"

static const struct host_row hosts[] = {
    {"localhost", true},
    {"mx.example.com", true},
    {"a", true},
    {"a.b", true},
    {"1a", true},
    {"a1.2", true},
    {"1.2.3.a", true},
    {"under_score.example", true},
    {"_x", true},
    {"a-b", true},
    {"a--b", true},
    {LABEL_63, true},
    {LABEL_63 "." LABEL_63 "." LABEL_63 "." LABEL_63, true}, /* 255 */
    {"[192.0.2.1]", true},
    {"[IPv6:2001:db8::1]", true},
    {"[ipv6:::1]", true},
    {"[IPv6:::ffff:192.0.2.1]", true},
    {"", false},
    {".", false},
    {".a", false},
    {"a.", false},
    {"a..b", false},
    {"-a", false},
    {"a-", false},
    {"a.-b", false},
    {"a-.b", false},
    {"-", false},
    {"1", false},
    {"1.2", false},
    {"192.0.2.1", false},
    {"a b", false},
    {"a\tb", false},
    {"a\nb", false},
    {"a@b", false},
    {"a/b", false},
    {"a:b", false},
    {"<a>", false},
    {"m\xc3\xbcller", false},
    {LABEL_64, false},
    {"a." LABEL_64, false},
    {LABEL_63 "." LABEL_63 "." LABEL_63 "." LABEL_63 "x", false},
    {LABEL_63 "." LABEL_63 "." LABEL_63 "." LABEL_63 ".x", false},
    {"[", false},
    {"[]", false},
    {"[192.0.2.1", false},
    {"192.0.2.1]", false},
    {"[192.0.2]", false},
    {"[192.0.2.256]", false},
    {"[192.0.2.1]x", false},
    {"[192.0.2.1]]", false},
    {"[ 192.0.2.1]", false},
    {"[::1]", false},
    {"[2001:db8::1]", false},
    {"[IPv6:]", false},
    {"[IPv6:192.0.2.1]", false},
    {"[IPv6:2001:db8::1", false},
    {"[IPv6:2001:db8::g]", false},
    {"[IPv6:1:2:3:4:5:6:7:8:9]", false},
    {"[IPv4:192.0.2.1]", false},
    {"[mx.example]", false},
};

static void hostnames(void **state)
{
    (void)state;
    assert_int_equal(sizeof(LABEL_63) - 1, 63);
    for (size_t i = 0; i < LENGTH(hosts); i++) {
        struct diag d = {""};
        int rc = mail_check_hostname(hosts[i].name, &d);

        if (rc != (hosts[i].good ? 0 : -EINVAL))
            fail_msg("\"%s\": %d %s", hosts[i].name, rc, d.text);
        if (!hosts[i].good)
            assert_true(*d.text != '\0' && !strchr(d.text, '\n'));
    }
}

/* Recipients of the messages of one run, joined by blanks. */
static void rcpts(const struct mail_settings *s, int messages, const char *want)
{
    struct mail_content c;
    struct mail_message m;
    struct diag d = {""};
    char all[1000] = "";
    size_t n = 0;

    if (mail_content_init(&c, s, 1, DATE, &d) < 0)
        fail_msg("%s", d.text);
    for (int i = 0; i < messages; i++) {
        m = (struct mail_message){.connection = 1, .number = (uint64_t)i + 1};
        for (uint32_t k = 0; k < s->rcpt_count; k++) {
            if (n)
                all[n++] = ' ';
            n += mail_message_rcpt(&m, &c, k, all + n, sizeof all - n);
        }
    }
    all[n] = '\0';
    assert_string_equal(all, want);
    mail_content_done(&c);
}

static void numbering(void **state)
{
    struct mail_settings s = {.hostname = "h", .rcpt_count = 1};

    (void)state;
    rcpts(&s, 2, "<foo@h> <foo@h>");
    s.rcpt_count = 3;
    rcpts(&s, 2, "<3foo@h> <2foo@h> <foo@h> <3foo@h> <2foo@h> <foo@h>");
    s.number_all = true;
    rcpts(&s, 2, "<1foo@h> <2foo@h> <3foo@h> <4foo@h> <5foo@h> <6foo@h>");
    s.rcpt_count = 1;
    s.to = "a@b@c";
    rcpts(&s, 3, "<1a@b@c> <2a@b@c> <3a@b@c>");
    s.to = "";
    rcpts(&s, 1, "<1>");
}

static void numbering_last(void **state)
{
    struct mail_settings s = {.hostname = "h", .rcpt_count = 3, .numbering = MAIL_NUMBER_LAST};

    (void)state;
    rcpts(&s, 1, "<foo3@h> <foo2@h> <foo@h>");
    s.to = "bob";
    rcpts(&s, 1, "<bob3> <bob2> <bob>");
    s.number_all = true;
    rcpts(&s, 2, "<bob1> <bob2> <bob3> <bob4> <bob5> <bob6>");
    s.to = "\"a@b\"@c";
    s.rcpt_count = 1;
    rcpts(&s, 1, "<\"a@b\"1@c>");
}

/* Ten thousand in one message, each once, and no room is no address. */
static void many_recipients(void **state)
{
    struct mail_settings s = {.hostname = "h", .rcpt_count = 10000, .to = "x@y"};
    struct mail_content c;
    struct mail_message m = {.connection = 1, .number = 1};
    struct diag d;
    char out[64];

    (void)state;
    assert_int_equal(mail_content_init(&c, &s, 1, DATE, &d), 0);
    for (uint32_t i = 0; i < 10000; i++) {
        char want[64];
        size_t n = mail_message_rcpt(&m, &c, i, out, sizeof out);

        if (i < 9999)
            (void)snprintf(want, sizeof want, "<%ux@y>", 10000 - i);
        else
            (void)snprintf(want, sizeof want, "<x@y>");
        assert_int_equal(n, strlen(want));
        assert_memory_equal(out, want, n);
    }
    assert_int_equal(mail_message_rcpt(&m, &c, 0, out, 4), 0);
    mail_content_done(&c);
}

static void senders(void **state)
{
    static const struct {
        const char *from;
        const char *want;
    } rows[] = {{NULL, "<foo@h>"}, {"", "<>"}, {"a@b", "<a@b>"}, {"bob", "<bob>"}};

    (void)state;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct mail_settings s = {.hostname = "h", .rcpt_count = 1, .from = rows[i].from};
        struct mail_content c;
        struct diag d;

        assert_int_equal(mail_content_init(&c, &s, 1, DATE, &d), 0);
        assert_string_equal(c.sender, rows[i].want);
        mail_content_done(&c);
    }
}

static void refused_settings(void **state)
{
    struct mail_settings rows[] = {
        {.hostname = "a..b"},
        {.from = "a\r\nDATA"},
        {.to = "a\nb"},
        {.subject = "a\r\n.y"},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct mail_content c;
        struct diag d = {""};

        rows[i].rcpt_count = 1;
        assert_int_equal(mail_content_init(&c, &rows[i], 1, DATE, &d), -EINVAL);
        assert_true(*d.text != '\0' && !strchr(d.text, '\n'));
        mail_content_done(&c);
    }
}

/* The machine's own name, as it is. */
static void default_hostname(void **state)
{
    struct mail_settings s = {.rcpt_count = 1};
    struct mail_content c;
    struct diag d;
    char name[256] = "";

    (void)state;
    assert_int_equal(gethostname(name, sizeof name - 1), 0);
    assert_int_equal(mail_content_init(&c, &s, 1, DATE, &d), 0);
    assert_string_equal(c.hostname, name);
    assert_int_equal(c.sender[0], '<');
    assert_int_equal(strncmp(c.sender + 1, "foo@", 4), 0);
    assert_int_equal(strncmp(c.sender + 5, name, strlen(name)), 0);
    mail_content_done(&c);
}

static int compare_ids(const void *a, const void *b)
{
    return memcmp(a, b, 64);
}

/* <run.connection.message@host>, hexadecimal, at least four digits each. */
static void check_id(const char *p, size_t n)
{
    size_t fields = 1, digits = 0;

    assert_int_equal(*p, '<');
    for (size_t i = 1; i < n && p[i] != '@'; i++) {
        if (p[i] == '.') {
            assert_true(digits >= 4);
            fields++;
            digits = 0;
            continue;
        }
        assert_true((p[i] >= '0' && p[i] <= '9') || (p[i] >= 'a' && p[i] <= 'f'));
        digits++;
    }
    assert_true(digits >= 4);
    assert_int_equal(fields, 3);
    assert_int_equal(p[n - 1], '>');
}

/* Numbers up to the largest; runs, connections and messages that differ in one digit alone. */
static void message_ids(void **state)
{
    static const uint64_t numbers[] = {1,           2,           0x10,           0xffffffff,
                                       0x100000000, 0x100000001, UINT64_MAX - 1, UINT64_MAX};
    enum { N = LENGTH(numbers) };
    static char ids[3 * N * N][64];
    size_t count = 0;
    struct mail_settings s = {.hostname = "h.example", .rcpt_count = 1};

    (void)state;
    for (uint64_t run = 1; run <= 3; run++) {
        struct mail_content c;
        struct diag d;

        assert_int_equal(mail_content_init(&c, &s, run == 3 ? UINT64_MAX : run, DATE, &d), 0);
        for (size_t i = 0; i < N; i++)
            for (size_t k = 0; k < N; k++, count++) {
                struct mail_message m = {.connection = numbers[i], .number = numbers[k]};
                struct octets o = joined(&c, &m, true);
                char *id = strstr(o.p, "Message-Id: <");
                assert_non_null(id);
                id += 12;
                size_t n = strcspn(id, "\r");
                check_id(id, n);
                assert_true(n < 80);
                memcpy(ids[count], id, n < 64 ? n : 64);
                free(o.p);
            }
        mail_content_done(&c);
    }
    qsort(ids, count, sizeof ids[0], compare_ids);
    for (size_t i = 1; i < count; i++)
        assert_true(memcmp(ids[i - 1], ids[i], sizeof ids[0]) != 0);
}

static void domains_in_ascii(void **state)
{
    static const struct {
        const char *text, *ascii; /* NULL: none */
    } cases[] = {
        {"x@b\xc3\xbc"
         "cher.example",
         "x@xn--bcher-kva.example"},
        {"stra\xc3\x9f"
         "e.example",
         "xn--strae-oqa.example"},
        {"\xc3\xbc@example.com", "\xc3\xbc@example.com"},
        {"a@b@Example.COM", "a@b@example.com"},
        {"x@[192.0.2.1]", "x@[192.0.2.1]"},
        {"x@", "x@"},
        {"", ""},
        {"x@\xff.example", NULL},
        {"x@"
         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\xc3\xbc",
         NULL},
        {"12345678901234567890@b\xc3\xbc"
         "cher.example.example",
         NULL}, /* no room */
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[100];
        struct diag d;
        size_t room = i + 1 == sizeof cases / sizeof cases[0] ? 44 : sizeof text;

        (void)snprintf(text, sizeof text, "%s", cases[i].text);
        if (!cases[i].ascii) {
            assert_int_equal(mail_idna("address", text, room, &d), -EINVAL);
            continue;
        }
        assert_int_equal(mail_idna("address", text, room, &d), 0);
        assert_string_equal(text, cases[i].ascii);
    }
}

static void utf8(void **state)
{
    static const char *const good[] = {"",
                                       "a",
                                       "\xc2\x80",
                                       "\xe2\x82\xac",
                                       "\xf0\x9f\x93\xa7",
                                       "\xef\xbf\xbf",
                                       "\xf4\x8f\xbf\xbf"};
    static const char *const bad[] = {"\x80",
                                      "\xc3",
                                      "\xc0\x80",
                                      "\xe0\x80\x80",
                                      "\xed\xa0\x80",
                                      "\xf4\x90\x80\x80",
                                      "\xf0\x80\x80\x80",
                                      "\xff",
                                      "a\xe2\x82",
                                      "\xc3(",
                                      "\xf8\x88\x80\x80\x80"};

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(mail_is_utf8(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(mail_is_utf8(bad[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_and_default_body),
        cmocka_unit_test(old_mode_has_the_body_alone),
        cmocka_unit_test(addresses_in_headers),
        cmocka_unit_test(lengths),
        cmocka_unit_test(lengths_written_out),
        cmocka_unit_test(odd_files),
        cmocka_unit_test(large_file),
        cmocka_unit_test(bad_files),
        cmocka_unit_test(hostnames),
        cmocka_unit_test(numbering),
        cmocka_unit_test(numbering_last),
        cmocka_unit_test(many_recipients),
        cmocka_unit_test(senders),
        cmocka_unit_test(refused_settings),
        cmocka_unit_test(default_hostname),
        cmocka_unit_test(message_ids),
        cmocka_unit_test(domains_in_ascii),
        cmocka_unit_test(utf8),
    };

    (void)setenv("TZ", "UTC", 1);
    return cmocka_run_group_tests_name("mail", tests, NULL, NULL);
}
