/*
 * Reply lines: a table of literals, fed whole, octet by octet and in random pieces, each piece
 * ending at a guard page.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "reply.h"
#include "rng.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

struct row {
    const char *in; /* without its line end */
    size_t n;       /* of in; 0: its length as a string */
    int code;
    bool more;
    const char *text;
    const char *enhanced;
};

static const struct row rows[] = {
    {"220 mx", 0, 220, false, "mx", ""},
    {"220-mx", 0, 220, true, "mx", ""},
    {"220", 0, 220, false, "", ""},
    {"220-", 0, 220, true, "", ""},
    {"220 ", 0, 220, false, "", ""},
    {"250hello", 0, 250, false, "hello", ""},
    {"250hello-x", 0, 250, false, "hello-x", ""},
    {"250\thello", 0, 250, false, "hello", ""},
    {"250   hello  ", 0, 250, false, "hello  ", ""},
    {"250 - x", 0, 250, false, "- x", ""},
    {"250--x", 0, 250, true, "-x", ""},
    {"000 x", 0, 0, false, "000 x", ""},
    {"001 x", 0, 1, false, "x", ""},
    {"099-x", 0, 99, true, "x", ""},
    {"999 x", 0, 999, false, "x", ""},
    /* No code: a refusal. */
    {"", 0, 0, false, "", ""},
    {" 250 ok", 0, 0, false, " 250 ok", ""},
    {"\t250 ok", 0, 0, false, "\t250 ok", ""},
    {"25 ok", 0, 0, false, "25 ok", ""},
    {"2", 0, 0, false, "2", ""},
    {"2x", 0, 0, false, "2x", ""},
    {"2500", 0, 0, false, "2500", ""},
    {"2500-x", 0, 0, false, "2500-x", ""},
    {"25000000000000000000000000000 x", 0, 0, false, "25000000000000000000000000000 x", ""},
    {"-250 x", 0, 0, false, "-250 x", ""},
    {"-", 0, 0, false, "-", ""},
    {"+25 x", 0, 0, false, "+25 x", ""},
    {"ok", 0, 0, false, "ok", ""},
    {"o50-x", 0, 0, false, "o50-x", ""},
    {"\xb2\xb5\xb0 x", 0, 0, false, "\xb2\xb5\xb0 x", ""},
    {"25\0 x", 5, 0, false, "25\0 x", ""},
    {"\0\0\0", 3, 0, false, "\0\0\0", ""},
    {"250\0x", 5, 250, false, "\0x", ""},
    {"250 a\0b", 7, 250, false, "a\0b", ""},
    {"250 a\rb", 0, 250, false, "a\rb", ""},
    {"\r250 x", 0, 0, false, "\r250 x", ""},
    /* Enhanced status codes, RFC 3463 section 2, RFC 2034 section 4. */
    {"250 2.0.0 ok", 0, 250, false, "2.0.0 ok", "2.0.0"},
    {"250 2.0.0", 0, 250, false, "2.0.0", "2.0.0"},
    {"250-2.1.5 ok", 0, 250, true, "2.1.5 ok", "2.1.5"},
    {"450 4.123.456 x", 0, 450, false, "4.123.456 x", "4.123.456"},
    {"550  5.1.1 x", 0, 550, false, "5.1.1 x", "5.1.1"},
    {"5505.1.1 x", 0, 0, false, "5505.1.1 x", ""},
    {"550 4.1.1 x", 0, 550, false, "4.1.1 x", ""},
    {"250 5.1.1 x", 0, 250, false, "5.1.1 x", ""},
    {"354 3.0.0 x", 0, 354, false, "3.0.0 x", ""},
    {"550 5.1.1x", 0, 550, false, "5.1.1x", ""},
    {"550 5.1.1: x", 0, 550, false, "5.1.1: x", ""},
    {"550 5.1.1.1 x", 0, 550, false, "5.1.1.1 x", ""},
    {"550 5.1234.1 x", 0, 550, false, "5.1234.1 x", ""},
    {"550 5.1.1234 x", 0, 550, false, "5.1.1234 x", ""},
    {"550 5..1 x", 0, 550, false, "5..1 x", ""},
    {"550 5.1. x", 0, 550, false, "5.1. x", ""},
    {"550 5.1", 0, 550, false, "5.1", ""},
    {"550 5.1.", 0, 550, false, "5.1.", ""},
    {"550 5", 0, 550, false, "5", ""},
    {"550 55.1.1 x", 0, 550, false, "55.1.1 x", ""},
    {"550 x5.1.1", 0, 550, false, "x5.1.1", ""},
};

static const char *const ends[] = {"\r\n", "\n", "\r\r\n", "\r\r\r\r\n"};

/* Memory that ends where no memory follows. */
struct guarded {
    char *base;
    char *end;
    size_t size;
};

static void guard(struct guarded *g)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);

    g->size = 65536 + page;
    g->base = mmap(NULL, g->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(g->base != MAP_FAILED);
    g->end = g->base + 65536;
    assert_int_equal(mprotect(g->end, page, PROT_NONE), 0);
}

static void unguard(struct guarded *g)
{
    assert_int_equal(munmap(g->base, g->size), 0);
}

static void check_line(const struct row *r, const struct reply_line *l)
{
    size_t n = r->n ? r->n : strlen(r->in);
    struct slice text = reply_text(l);
    struct slice enhanced = reply_enhanced(l);
    size_t text_length = r->n && l->code ? n - (size_t)(text.p - l->line.p) : strlen(r->text);

    assert_int_equal(l->line.n, n);
    assert_memory_equal(l->line.p, r->in, n);
    assert_int_equal(l->code, r->code);
    assert_int_equal(l->more, r->more);
    if (r->n && !l->code)
        text_length = r->n;
    assert_int_equal(text.n, text_length);
    assert_memory_equal(text.p, r->text, text_length);
    assert_int_equal(enhanced.n, strlen(r->enhanced));
    assert_memory_equal(enhanced.p, r->enhanced, enhanced.n);
}

/* How long the next piece is: 0 for the whole rest, 1, or up to 5 at random, also none at all. */
static size_t piece(size_t mode, struct rng *rng, size_t left)
{
    size_t n = mode == 0 ? left : mode == 1 ? 1 : (size_t)rng_below(rng, 6);

    return n < left ? n : left;
}

/* Feeds all of in; the lines have to be rows[0 .. count-1], in order. */
static void feed(struct guarded *g, const char *in, size_t n, size_t mode, uint64_t seed,
                 const struct row *want, size_t count)
{
    struct reply_parser r = {0};
    struct rng rng = {seed};
    size_t lines = 0;

    while (n > 0) {
        size_t length = piece(mode, &rng, n);
        struct slice s = {g->end - length, length};

        memcpy(g->end - length, in, length);
        in += length;
        n -= length;
        do {
            struct reply_line l;
            bool complete = true;
            size_t used = reply_feed(&r, s, &l, &complete);

            assert_true(used <= s.n && (used > 0 || s.n == 0));
            assert_true(complete || used == s.n);
            s = slice_from(s, used);
            if (!complete)
                continue;
            assert_true(lines < count);
            check_line(&want[lines++], &l);
        } while (s.n > 0);
    }
    assert_int_equal(lines, count);
    reply_done(&r);
}

static size_t join(char *out, const struct row *row, const char *end)
{
    size_t n = row->n ? row->n : strlen(row->in);

    memcpy(out, row->in, n);
    memcpy(out + n, end, strlen(end));
    return n + strlen(end);
}

static void each_line_alone(void **state)
{
    struct guarded g;
    char in[256];

    (void)state;
    guard(&g);
    for (size_t i = 0; i < LENGTH(rows); i++)
        for (size_t e = 0; e < LENGTH(ends); e++)
            for (size_t mode = 0; mode < 12; mode++)
                feed(&g, in, join(in, &rows[i], ends[e]), mode, mode, &rows[i], 1);
    unguard(&g);
}

static void all_lines_together(void **state)
{
    struct guarded g;
    char in[LENGTH(rows) * 64];

    (void)state;
    guard(&g);
    for (size_t mode = 0; mode < 50; mode++) {
        size_t n = 0;

        for (size_t i = 0; i < LENGTH(rows); i++)
            n += join(in + n, &rows[i], ends[(i + mode) % LENGTH(ends)]);
        feed(&g, in, n, mode, mode, rows, LENGTH(rows));
    }
    unguard(&g);
}

/* Of a longer line the rest is skipped, and the next begins where it should. */
static void long_lines(void **state)
{
    static const size_t lengths[] = {10236, 10239, 10240, 10241, 10242, 30000};
    struct guarded g;

    (void)state;
    guard(&g);
    for (size_t i = 0; i < LENGTH(lengths); i++)
        for (size_t mode = 0; mode < 4; mode++) {
            size_t n = lengths[i];
            char *in = malloc(n + 32);
            char *line = malloc(n + 1);

            assert_true(in && line);
            memset(line, 'x', n);
            memcpy(line, "250 ", 4);
            memcpy(in, line, n);
            memcpy(in + n, "\r\n354-y\r\n", 9);
            line[n < REPLY_LINE_MAX ? n : REPLY_LINE_MAX] = '\0';
            const struct row want[] = {{line, 0, 250, false, line + 4, ""},
                                       {"354-y", 0, 354, true, "y", ""}};
            feed(&g, in, n + 9, mode, mode, want, 2);
            free(in);
            free(line);
        }
    unguard(&g);
}

/* What is skipped of a line is bounded; a line that does end is none without end, however it came.
 */
static void a_line_without_end(void **state)
{
    static char octets[65536];
    struct reply_parser r = {0};
    struct reply_line l;
    bool complete;
    size_t fed = 0;

    (void)state;
    memset(octets, 'x', sizeof octets);
    for (int round = 0; round < 2; round++) {
        for (fed = 0; !reply_endless(&r).n; fed += sizeof octets) {
            assert_true(fed <= REPLY_LINE_MAX + REPLY_SKIPPED_MAX);
            (void)reply_feed(&r, (struct slice){octets, sizeof octets}, &l, &complete);
            assert_false(complete);
        }
        assert_true(fed >= REPLY_LINE_MAX + REPLY_SKIPPED_MAX);
        assert_int_equal(reply_endless(&r).n, REPLY_LINE_MAX);
        (void)reply_feed(&r, (struct slice){"\n", 1}, &l, &complete);
        assert_true(complete);
        assert_int_equal(reply_endless(&r).n, 0);
    }
    reply_done(&r);
}

/* The cut falls on a CR: a line is the same whole and in pieces. */
static void cut_at_cr(void **state)
{
    struct reply_line whole, split;
    struct reply_parser r = {0}, s = {0};
    char in[REPLY_LINE_MAX + 100];
    bool complete = false;

    (void)state;
    memset(in, 'x', sizeof in);
    memcpy(in, "250 ", 4);
    in[REPLY_LINE_MAX - 1] = '\r';
    in[sizeof in - 1] = '\n';
    assert_int_equal(reply_feed(&r, (struct slice){in, sizeof in}, &whole, &complete), sizeof in);
    assert_true(complete);
    for (size_t i = 0; i < sizeof in; i++)
        assert_int_equal(reply_feed(&s, (struct slice){in + i, 1}, &split, &complete), 1);
    assert_true(complete);
    size_t whole_length = whole.line.n;
    size_t split_length = split.line.n;
    reply_done(&r);
    reply_done(&s);
    assert_int_equal(whole_length, split_length);
}

/* An unfinished line keeps no more than the limit, and is forgotten by reply_done(). */
static void unfinished(void **state)
{
    struct reply_parser r = {0};
    struct reply_line l;
    bool complete = true;
    char in[1000];

    (void)state;
    memset(in, '2', sizeof in);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(reply_feed(&r, (struct slice){in, sizeof in}, &l, &complete), sizeof in);
        assert_false(complete);
        assert_true(malloc_usable_size(r.part) < 2 * REPLY_LINE_MAX + 64);
    }
    reply_done(&r);
    assert_int_equal(reply_feed(&r, SLICE("220 mx\n"), &l, &complete), 7);
    assert_true(complete);
    assert_int_equal(l.code, 220);
    reply_done(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_line_alone), cmocka_unit_test(all_lines_together),
        cmocka_unit_test(long_lines),      cmocka_unit_test(a_line_without_end),
        cmocka_unit_test(cut_at_cr),       cmocka_unit_test(unfinished),
    };

    return cmocka_run_group_tests_name("reply", tests, NULL, NULL);
}
