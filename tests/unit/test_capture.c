/*
 * Recording's text work: decoding over every split of the input, up to a guard page; templates and
 * escapes; JSON strings; spools; envelopes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "capture_impl.h"
#include "dotscan.h"
#include "dump_template.h"
#include "json_escape.h"
#include "rng.h"

struct text {
    char octets[1000];
    size_t n;
};

static void collect(void *to, struct slice octets)
{
    struct text *t = to;

    assert_true(octets.n > 0 && t->n + octets.n <= sizeof t->octets);
    memcpy(t->octets + t->n, octets.p, octets.n);
    t->n += octets.n;
}

/* A copy that ends where the next octet can't be read. */
static const char *guarded(struct slice s)
{
    static char *page;
    size_t size = (size_t)sysconf(_SC_PAGESIZE);

    if (!page) {
        page = mmap(NULL, 2 * size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        assert_true(page != MAP_FAILED);
        assert_int_equal(mprotect(page + size, size, PROT_NONE), 0);
    }
    memcpy(page + size - s.n, s.p, s.n);
    return page + size - s.n;
}

enum form { UNSTUFF, LENIENT, WITHOUT_CR, LINE_ENDS, FROM_QUOTE };

struct decoder {
    struct unstuff unstuff;
    struct line_ends ends;
    struct from_quote quote;
};

static void feed(struct decoder *d, enum form form, struct slice in, const struct outlet *out)
{
    in.p = guarded(in);
    switch (form) {
    case UNSTUFF:
    case LENIENT:
        d->unstuff.lenient = form == LENIENT;
        unstuff_put(&d->unstuff, in, out);
        break;
    case WITHOUT_CR:
        without_cr_put(in, out);
        break;
    case LINE_ENDS:
        line_ends_put(&d->ends, in, out);
        break;
    case FROM_QUOTE:
        from_quote_put(&d->quote, in, out);
        break;
    }
}

static void finish(struct decoder *d, const struct outlet *out)
{
    line_ends_end(&d->ends, out);
    from_quote_end(&d->quote, out);
}

struct row {
    enum form form;
    struct slice in, want;
};

#define ROW(form, in, want)                                                                        \
    {                                                                                              \
        form, {in, sizeof(in) - 1},                                                                \
        {                                                                                          \
            want, sizeof(want) - 1                                                                 \
        }                                                                                          \
    }

static const struct row rows[] = {
    ROW(UNSTUFF, ".\r\n", ""),
    ROW(UNSTUFF, "hello\r\n.\r\n", "hello\r\n"),
    ROW(UNSTUFF, "..\r\n..a\r\n...\r\n.\r\n", ".\r\n.a\r\n..\r\n"),
    ROW(UNSTUFF, ".a\r\n. b\r\n.\r\n", "a\r\n b\r\n"),
    ROW(UNSTUFF, "\n.\n.\r\r\n.\r\n", "\n.\n.\r\r\n"),
    ROW(UNSTUFF, "a\r\n.\rb\r\n.\r\r\n.\r\n", "a\r\n\rb\r\n\r\r\n"),
    ROW(UNSTUFF, "\r\r\n.\r.\r\n.\r\r\r\n..\r\n.\r\n", "\r\r\n\r.\r\n\r\r\r\n.\r\n"),
    ROW(UNSTUFF, "\0\r\n.\0\n.\r\n\xff\r\n.\r\n", "\0\r\n\0\n.\r\n\xff\r\n"),
    ROW(UNSTUFF, "a\r\n.\nb\r\n.\r\n", "a\r\n\nb\r\n"),
    ROW(LENIENT, ".\n", ""),
    ROW(LENIENT, "a\n..b\r\n..c\n.\r\n", "a\n.b\r\n.c\n"),
    ROW(LENIENT, "a\n.\n", "a\n"),
    ROW(WITHOUT_CR, "\ra\r\r\nb\r\n\r", "a\nb\n"),
    ROW(WITHOUT_CR, "\r\r\r", ""),
    ROW(LINE_ENDS, "a\r\nb\rc\r\r\n\nd\n\r\n\r", "a\nb\rc\r\n\nd\n\n\r"),
    ROW(LINE_ENDS, "\r\r", "\r\r"),
    ROW(LINE_ENDS, "\r\n", "\n"),
    ROW(FROM_QUOTE, "From a\nFrom b\n", ">From a\n>From b\n"),
    ROW(FROM_QUOTE, ">From a\n>>>From b\n> From\n>", ">>From a\n>>>>From b\n> From\n>"),
    ROW(FROM_QUOTE, "Fro\nFrom\nFrom:\nFFrom \nxFrom \n\nFrom \n",
        "Fro\nFrom\nFrom:\nFFrom \nxFrom \n\n>From \n"),
    ROW(FROM_QUOTE, "FrFrom \n>F>From \nFrom", "FrFrom \n>F>From \nFrom"),
    ROW(FROM_QUOTE, "a\n>>Fr", "a\n>>Fr"),
};

/* Whole, octet by octet, and with every pair of cuts. */
static void test_decoding(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct row *row = &rows[i];

        for (size_t a = 0; a <= row->in.n; a++) {
            for (size_t b = a; b <= row->in.n; b++) {
                struct decoder d = {0};
                struct text text = {.n = 0};
                const struct outlet out = {collect, &text};

                feed(&d, row->form, (struct slice){row->in.p, a}, &out);
                feed(&d, row->form, (struct slice){row->in.p + a, b - a}, &out);
                feed(&d, row->form, slice_from(row->in, b), &out);
                finish(&d, &out);
                assert_int_equal(text.n, row->want.n);
                assert_memory_equal(text.octets, row->want.p, text.n);
            }
        }
    }
}

static void test_decoding_octet_by_octet(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct row *row = &rows[i];
        struct decoder d = {0};
        struct text text = {.n = 0};
        const struct outlet out = {collect, &text};

        for (size_t at = 0; at < row->in.n; at++)
            feed(&d, row->form, (struct slice){row->in.p + at, 1}, &out);
        finish(&d, &out);
        assert_int_equal(text.n, row->want.n);
        assert_memory_equal(text.octets, row->want.p, text.n);
    }
}

/* Stuffs and ends content as RFC 5321 section 4.5.2 says, in the simplest way. */
static size_t stuff(const char *in, size_t n, char *out)
{
    size_t at = 0;

    for (size_t i = 0; i < n; i++) {
        bool start = i == 0 || (i > 1 && in[i - 1] == '\n' && in[i - 2] == '\r');

        if (start && in[i] == '.')
            out[at++] = '.';
        out[at++] = in[i];
    }
    memcpy(out + at, ".\r\n", 3);
    return at + 3;
}

/* Whatever the content, stuffed and unstuffed it is what it was. */
static void test_unstuffing_is_the_inverse(void **state)
{
    struct rng rng = {1};

    (void)state;
    for (int round = 0; round < 20000; round++) {
        char plain[40], wire[100];
        size_t n = (size_t)rng_below(&rng, 30);
        struct decoder d = {0};
        struct text text = {.n = 0};
        const struct outlet out = {collect, &text};

        for (size_t i = 0; i < n; i++)
            plain[i] = "\r\n.a"[rng_below(&rng, 4)];
        memcpy(plain + n, "\r\n", 2);
        n += 2;
        for (size_t at = 0, all = stuff(plain, n, wire); at < all;) {
            size_t piece = 1 + (size_t)rng_below(&rng, all - at);

            feed(&d, UNSTUFF, (struct slice){wire + at, piece}, &out);
            at += piece;
        }
        assert_int_equal(text.n, n);
        assert_memory_equal(text.octets, plain, n);
    }
}

/* What is recorded has as many octets as the server machine counts, in both of its ways. */
static void test_unstuffing_agrees_with_the_machine(void **state)
{
    struct rng rng = {2};

    (void)state;
    for (int round = 0; round < 100000; round++) {
        bool lenient = round % 2;
        char wire[40];
        size_t n = (size_t)rng_below(&rng, 30);
        enum dotscan scan = DOTSCAN_CRLF;
        uint64_t dots = 0;
        struct decoder d = {0};
        struct text text = {.n = 0};
        const struct outlet out = {collect, &text};

        for (size_t i = 0; i < n; i++)
            wire[i] = "\r\n.a"[rng_below(&rng, 4)];
        memcpy(wire + n, "\r\n.\r\n", 5);
        n += 5;
        n = (lenient ? dotscan_lenient : dotscan)((struct slice){wire, n}, &scan, &dots);
        assert_int_equal(scan, DOTSCAN_END);
        feed(&d, lenient ? LENIENT : UNSTUFF, (struct slice){wire, n}, &out);
        assert_int_equal(text.n, n - dots - (lenient ? 0 : 2));
    }
}

static void test_template(void **state)
{
    static const struct {
        const char *template, *want;
    } names[] = {{"dump.", "dump."},
                 {"%Y%m%d%H/%M.", "2006081203/05."},
                 {"%%x%%", "%x%"},
                 {"/a//%S", "/a//07"}};
    char out[100];
    char longest[200];

    (void)state;
    assert_int_equal(setenv("TZ", "UTC0", 1), 0);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        long n = dump_expand(names[i].template, 1155351907, out, sizeof out, 8);

        assert_int_equal(n, strlen(names[i].want));
        assert_string_equal(out, names[i].want);
    }
    memset(longest, 'x', sizeof longest);
    for (size_t n = 80; n < sizeof longest; n++) {
        longest[n] = '\0';
        /* The name, the digits, and a NUL fit, or it is too long. */
        assert_int_equal(dump_expand(longest, 0, out, sizeof out, 8),
                         n + 8 + 1 < sizeof out ? (long)n : -ENAMETOOLONG);
        longest[n] = 'x';
    }
    assert_string_equal(dump_date(1155351907, out, sizeof out),
                        "Sat, 12 Aug 2006 03:05:07 +0000 (UTC)");
    assert_string_equal(dump_date(0, out, sizeof out), "Thu,  1 Jan 1970 00:00:00 +0000 (UTC)");
}

static void test_escapes(void **state)
{
    static const struct row escapes[] = {
        ROW(0, "plain", "plain"),
        ROW(0, "\\a\\b\\f\\n\\r\\t\\v\\\\", "\a\b\f\n\r\t\v\\"),
        ROW(0, "\\1\\12\\123\\1234\\18\\0x\\377", "\1\12\123\1234\0018\0x\377"),
        ROW(0, "\\q\\8\\x41\\\"", "q8x41\""),
        ROW(0, "end\\", "end"),
        ROW(0, "", ""),
    };

    (void)state;
    for (size_t i = 0; i < sizeof escapes / sizeof escapes[0]; i++) {
        char out[100];
        size_t n = dump_unescape(escapes[i].in.p, out);

        assert_int_equal(n, escapes[i].want.n);
        assert_memory_equal(out, escapes[i].want.p, n);
    }
}

#define BAD "\xef\xbf\xbd"

static void test_json(void **state)
{
    static const struct row strings[] = {
        ROW(0, "plain text", "plain text"),
        ROW(0, "\"\\/", "\\\"\\\\/"),
        ROW(0, "\0\1\n\x1f\x7f ", "\\u0000\\u0001\\u000a\\u001f\\u007f "),
        ROW(0, "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"),
        ROW(0, "\xff\xfe", BAD BAD),
        ROW(0, "\xc3", BAD),
        ROW(0, "\xc3\"", BAD "\\\""),
        ROW(0, "\xe2\x82x", BAD BAD "x"),
        ROW(0, "\xc0\xaf\xc1\xbf", BAD BAD BAD BAD), /* overlong */
        ROW(0, "\xe0\x9f\xbf\xf0\x8f\xbf\xbf", BAD BAD BAD BAD BAD BAD BAD),
        ROW(0, "\xed\xa0\x80", BAD BAD BAD),         /* a surrogate */
        ROW(0, "\xf4\x90\x80\x80", BAD BAD BAD BAD), /* above U+10FFFF */
        ROW(0, "\xf5\x80\xed\x9f\xbf\xf4\x8f\xbf\xbf", BAD BAD "\xed\x9f\xbf\xf4\x8f\xbf\xbf"),
        ROW(0, "\x80", BAD),
    };

    (void)state;
    for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++) {
        struct text text = {.n = 0};
        const struct outlet out = {collect, &text};
        struct slice in = {guarded(strings[i].in), strings[i].in.n};

        json_escape(in, out.put, out.to);
        assert_int_equal(text.n, strings[i].want.n);
        assert_memory_equal(text.octets, strings[i].want.p, text.n);
    }
}

/* Octets go through memory and file, and come back at any place in any amount. */
static void test_spool(void **state)
{
    size_t size = 5 * SPOOL_MEMORY;
    char *octets = malloc(size);
    char *scratch = malloc(size);
    struct rng rng = {1};
    struct spool s;
    struct diag d;

    (void)state;
    assert_true(octets && scratch);
    for (size_t i = 0; i < size; i++)
        octets[i] = (char)rng_next(&rng);
    spool_init(&s);
    for (int round = 0; round < 200; round++) {
        size_t all = (size_t)rng_below(&rng, size);
        size_t most = round % 2 ? 300 : 3 * SPOOL_MEMORY;

        spool_reset(&s);
        for (size_t at = 0; at < all;) {
            size_t n = 1 + (size_t)rng_below(&rng, all - at < most ? all - at : most);

            assert_int_equal(spool_add(&s, (struct slice){octets + at, n}, ".", &d), 0);
            at += n;
        }
        assert_int_equal(spool_octets(&s), all);
        assert_true(s.size <= SPOOL_MEMORY);
        for (int i = 0; i < 20; i++) {
            size_t at = (size_t)rng_below(&rng, all + 1);
            size_t n = (size_t)rng_below(&rng, 1000);
            struct slice got;

            assert_int_equal(spool_view(&s, at, n, scratch, &got, &d), 0);
            assert_int_equal(got.n, n < all - at ? n : all - at);
            assert_memory_equal(got.p, octets + at, got.n);
        }
    }
    spool_done(&s);
    assert_int_equal(spool_add(&s, (struct slice){octets, size}, "/dev/null/x", &d), -ENOTDIR);
    spool_done(&s);
    free(octets);
    free(scratch);
}

static void test_envelope(void **state)
{
    static const struct {
        const char *args, *argument, *path, *parameters;
    } commands[] = {
        {"FROM:<a@b>", "<a@b>", "a@b", ""},
        {"FROM:  <a@b> SIZE=1  X ", "<a@b> SIZE=1  X ", "a@b", "SIZE=1  X"},
        {"TO:::: a b", "a b", "a", "b"},
        {"TO:<\"a>\\\"b\"@c> d", "<\"a>\\\"b\"@c> d", "\"a>\\\"b\"@c", "d"},
        {"TO:<a", "<a", "a", ""},
        {"TO:<>", "<>", "", ""},
        {"TO: :<b>", ":<b>", ":<b>", ""},
        {"nothing", "", "", ""},
        {"", "", "", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        struct slice parameters;
        struct slice argument = envelope_argument(slice_of(commands[i].args));
        struct slice path = envelope_path(argument, &parameters);

        assert_true(slice_is(argument, commands[i].argument));
        assert_true(slice_is(path, commands[i].path));
        assert_true(slice_is(parameters, commands[i].parameters));
    }
}

static void test_ids(void **state)
{
    struct record_ids ids[2] = {{.next = UINT32_MAX - 3, .step = 2}, {UINT32_MAX - 2, 2}};
    uint32_t taken[200];

    (void)state;
    for (size_t i = 0; i < 200; i++) {
        taken[i] = record_ids_take(&ids[i % 2]);
        for (size_t k = 0; k < i; k++)
            assert_true(taken[k] != taken[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decoding),
        cmocka_unit_test(test_decoding_octet_by_octet),
        cmocka_unit_test(test_unstuffing_is_the_inverse),
        cmocka_unit_test(test_unstuffing_agrees_with_the_machine),
        cmocka_unit_test(test_template),
        cmocka_unit_test(test_escapes),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_spool),
        cmocka_unit_test(test_envelope),
        cmocka_unit_test(test_ids),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
