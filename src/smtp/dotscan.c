/*
 * A state machine where a line end is near, and in between a search for LF and dot side by side, 64
 * octets at a step. Body text has few such pairs, so nearly all content goes through the search.
 */
#include "dotscan.h"

typedef signed char lanes __attribute__((vector_size(16)));

static lanes load(const char *p)
{
    lanes v;

    memcpy(&v, p, sizeof v);
    return v;
}

static lanes all(char c)
{
    lanes v;

    memset(&v, c, sizeof v);
    return v;
}

/* Does a dot follow an LF, the LF being one of the 64 octets at p? Reads 65. */
static bool has_pair(const char *p)
{
    const lanes lf = all('\n'), dot = all('.');
    lanes hits = (load(p) == lf) & (load(p + 1) == dot);
    uint64_t words[2];

    for (int i = 16; i < 64; i += 16)
        hits |= (load(p + i) == lf) & (load(p + i + 1) == dot);
    memcpy(words, &hits, sizeof words);
    return (words[0] | words[1]) != 0;
}

/* The index of the dot in the first CRLF followed by a dot, or n. */
static size_t find_dot(const char *p, size_t n)
{
    size_t i = 0;

    while (i < n) {
        size_t stop = n - i > 64 ? i + 65 : n;

        if (n - i > 64 && !has_pair(p + i)) {
            i += 64;
            continue;
        }
        for (; i + 1 < stop; i++)
            if (p[i + 1] == '.' && p[i] == '\n' && i > 0 && p[i - 1] == '\r')
                return i + 1;
        if (stop == n)
            break;
    }
    return n;
}

static enum dotscan step(enum dotscan state, char c)
{
    switch (c) {
    case '\r':
        return state == DOTSCAN_DOT ? DOTSCAN_DOT_CR : DOTSCAN_CR;
    case '\n':
        return state == DOTSCAN_CR       ? DOTSCAN_CRLF
               : state == DOTSCAN_DOT_CR ? DOTSCAN_END
                                         : DOTSCAN_NONE;
    case '.':
        return state == DOTSCAN_CRLF ? DOTSCAN_DOT : DOTSCAN_NONE;
    default:
        return DOTSCAN_NONE;
    }
}

/* What octets without CRLF. in them end with, when nothing before them matters. */
static enum dotscan tail(const char *p, size_t n)
{
    if (n > 0 && p[n - 1] == '\r')
        return DOTSCAN_CR;
    if (n > 1 && p[n - 1] == '\n' && p[n - 2] == '\r')
        return DOTSCAN_CRLF;
    return DOTSCAN_NONE;
}

size_t dotscan(struct slice in, enum dotscan *state, uint64_t *dots)
{
    enum dotscan s = *state;
    size_t at = 0;

    while (at < in.n && s != DOTSCAN_END) {
        if (s == DOTSCAN_NONE) {
            size_t found = find_dot(in.p + at, in.n - at);

            if (found == in.n - at) {
                s = tail(in.p + at, found);
                at = in.n;
                break;
            }
            at += found;
            s = DOTSCAN_CRLF;
        }
        s = step(s, in.p[at++]);
        *dots += s == DOTSCAN_DOT;
    }
    *state = s;
    return at;
}

size_t dotscan_lenient(struct slice in, enum dotscan *state, uint64_t *dots)
{
    enum dotscan s = *state;
    size_t at = 0;

    while (at < in.n && s != DOTSCAN_END) {
        enum dotscan before = s;
        char c = in.p[at++];

        s = step(s, c);
        if (c == '\n' && before == DOTSCAN_DOT)
            s = DOTSCAN_END;
        else if (c == '\n' && s == DOTSCAN_NONE)
            s = DOTSCAN_CRLF;
        if (s == DOTSCAN_DOT)
            *dots += 1;
        else if (s == DOTSCAN_END)
            *dots += before == DOTSCAN_DOT ? 1 : 2;
    }
    *state = s;
    return at;
}
