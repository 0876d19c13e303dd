/*
 * Reply lines: an input gives the same lines whole and in pieces. Its first octets are their sizes.
 */
#include <stdlib.h>

#include "reply.h"

#define SIZES 8
#define FACTS 5

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* All lines of an input, with what was read from them. */
struct lines {
    char *p;
    size_t n;
};

static void check(bool ok)
{
    if (!ok)
        abort();
}

static void note(struct lines *all, const struct reply_line *l)
{
    struct slice text = reply_text(l);
    struct slice enhanced = reply_enhanced(l);
    const size_t facts[FACTS] = {l->line.n, (size_t)l->code, l->more, text.n, enhanced.n};

    check(l->line.n <= REPLY_LINE_MAX && l->code >= 0 && l->code <= 999);
    check(text.n <= l->line.n && enhanced.n <= text.n && enhanced.n <= 9);
    memcpy(all->p + all->n, facts, sizeof facts);
    memcpy(all->p + all->n + sizeof facts, l->line.p, l->line.n);
    all->n += sizeof facts + l->line.n;
}

/* Each piece in memory of its own, gone before the next. */
static struct lines feed(struct slice in, const uint8_t *sizes)
{
    struct reply_parser r = {0};
    struct lines all = {malloc(in.n * (FACTS * sizeof(size_t) + 1)), 0}; /* a line an octet */

    check(all.p);
    for (size_t i = 0; in.n > 0; i++) {
        size_t size = sizes && sizes[i % SIZES] ? sizes[i % SIZES] : in.n;
        size_t n = size < in.n ? size : in.n;
        char *memory = malloc(n);

        check(memory);
        memcpy(memory, in.p, n);
        in = slice_from(in, n);
        for (struct slice piece = {memory, n}; piece.n > 0;) {
            struct reply_line l;
            bool complete;
            size_t used = reply_feed(&r, piece, &l, &complete);

            check(used > 0 && used <= piece.n && (complete || used == piece.n));
            piece = slice_from(piece, used);
            if (complete)
                note(&all, &l);
        }
        free(memory);
    }
    reply_done(&r);
    return all;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size <= SIZES)
        return 0;
    struct slice in = {(const char *)data + SIZES, size - SIZES};
    struct lines whole = feed(in, NULL), split = feed(in, data);
    check(whole.n == split.n && memcmp(whole.p, split.p, whole.n) == 0);
    free(whole.p);
    free(split.p);
    return 0;
}
