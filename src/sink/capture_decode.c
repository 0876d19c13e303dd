/*
 * Searches line by line with memchr(3), and hands on whole runs.
 */
#include "capture_decode.h"

enum unstuff_state {
    AT_START, /* of a line; also of the content, since the 354 stands for a line end */
    IN_LINE,
    AFTER_CR,
    AFTER_DOT, /* of one that was left out */
    AFTER_DOT_CR,
    AT_END
};

/* Octets of a line, from state IN_LINE or AFTER_CR on, up to its CRLF; returns how many. */
static size_t take_line(struct unstuff *u, struct slice in)
{
    size_t at = 0;

    while (at < in.n) {
        const char *lf = memchr(in.p + at, '\n', in.n - at);
        bool cr;

        if (!lf)
            break;
        at = (size_t)(lf - in.p) + 1;
        cr = at > 1 ? lf[-1] == '\r' : u->state == AFTER_CR;
        if (cr || u->lenient) {
            u->state = AT_START;
            return at;
        }
    }
    if (in.n > 0)
        u->state = in.p[in.n - 1] == '\r' ? AFTER_CR : IN_LINE;
    return in.n;
}

void unstuff_put(struct unstuff *u, struct slice in, const struct outlet *out)
{
    size_t from = 0; /* what is not handed on yet begins here */
    size_t at = 0;

    while (at < in.n && u->state != AT_END) {
        switch ((enum unstuff_state)u->state) {
        case AT_START:
            u->state = in.p[at] == '.' ? AFTER_DOT : IN_LINE;
            if (u->state == AFTER_DOT) {
                outlet_put(out, (struct slice){in.p + from, at - from});
                from = ++at;
            }
            break;
        case AFTER_DOT:
            u->state = in.p[at] == '\r'                 ? AFTER_DOT_CR
                       : in.p[at] == '\n' && u->lenient ? AT_END
                                                        : IN_LINE;
            if (u->state == AFTER_DOT_CR)
                from = ++at; /* held back: it may be part of the end */
            else if (u->state == AT_END)
                from = in.n;
            break;
        case AFTER_DOT_CR:
            u->state = in.p[at] == '\n' ? AT_END : AFTER_CR;
            if (u->state == AT_END)
                from = in.n;
            else
                outlet_put(out, SLICE("\r"));
            break;
        default:
            at += take_line(u, slice_from(in, at));
            break;
        }
    }
    outlet_put(out, slice_from(in, from));
}

void without_cr_put(struct slice in, const struct outlet *out)
{
    while (in.n > 0) {
        const char *cr = memchr(in.p, '\r', in.n);
        size_t n = cr ? (size_t)(cr - in.p) : in.n;

        outlet_put(out, (struct slice){in.p, n});
        in = slice_from(in, cr ? n + 1 : n);
    }
}

void line_ends_put(struct line_ends *l, struct slice in, const struct outlet *out)
{
    size_t from = 0;
    size_t at = 0;

    if (in.n == 0)
        return;
    if (l->cr && in.p[0] != '\n')
        outlet_put(out, SLICE("\r"));
    l->cr = in.p[in.n - 1] == '\r';
    l->in_line = in.p[in.n - 1] != '\n';
    in.n -= l->cr;
    while (at < in.n) {
        const char *cr = memchr(in.p + at, '\r', in.n - at);

        if (!cr)
            break;
        at = (size_t)(cr - in.p) + 1;
        if (at < in.n && in.p[at] == '\n') {
            outlet_put(out, (struct slice){in.p + from, at - 1 - from});
            from = at;
        }
    }
    outlet_put(out, slice_from(in, from));
}

void line_ends_end(struct line_ends *l, const struct outlet *out)
{
    if (l->cr)
        outlet_put(out, SLICE("\r"));
    l->cr = false;
}

static const char from_line[] = "From ";

/*
 * The ">" that quotes may stand anywhere among those that are there, so it is put behind them, and
 * only "From " has to be held back until it is complete.
 */
void from_quote_put(struct from_quote *q, struct slice in, const struct outlet *out)
{
    size_t from = 0;
    size_t at = 0;

    while (at < in.n) {
        const char *lf;

        if (!q->in_line && q->matched == 0 && in.p[at] == '>') {
            at++;
            continue;
        }
        if (!q->in_line && in.p[at] == from_line[q->matched]) {
            outlet_put(out, (struct slice){in.p + from, at - from});
            from = ++at;
            if (++q->matched == sizeof from_line - 1) {
                outlet_put(out, SLICE(">From "));
                *q = (struct from_quote){.in_line = true};
            }
            continue;
        }
        if (!q->in_line)
            outlet_put(out, (struct slice){from_line, q->matched});
        *q = (struct from_quote){.in_line = true};
        lf = memchr(in.p + at, '\n', in.n - at);
        at = lf ? (size_t)(lf - in.p) + 1 : in.n;
        q->in_line = !lf;
    }
    outlet_put(out, slice_from(in, from));
}

void from_quote_end(struct from_quote *q, const struct outlet *out)
{
    outlet_put(out, (struct slice){from_line, q->matched});
    q->matched = 0;
}
