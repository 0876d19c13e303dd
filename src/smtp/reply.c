/*
 * Reply lines: found in place, kept aside only when they come in pieces.
 */
#include "reply.h"

#include <stdlib.h>

#define FIRST_CAPACITY 256

/* The beginning of a line, or after its end all of it. */
struct reply_part {
    uint32_t length;
    uint32_t skipped;  /* so many more had the line */
    uint32_t capacity; /* of octets */
    bool ended;        /* it was handed out, and goes at the next call */
    char octets[];
};

/* Stands for a part that there was no memory for: its line has no code, which is a refusal. */
static struct reply_part lost;

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* RFC 5321 section 4.2.1, with the leniency of reply.h. */
static void parse(struct reply_line *out)
{
    struct slice s = out->line;
    size_t digits = 0;

    while (digits < s.n && is_digit(s.p[digits]))
        digits++;
    out->code = 0;
    out->more = false;
    if (digits != 3)
        return;
    out->code = (s.p[0] - '0') * 100 + (s.p[1] - '0') * 10 + (s.p[2] - '0');
    out->more = s.n > 3 && s.p[3] == '-';
}

static void finish(struct reply_line *out, const char *p, size_t n)
{
    if (n > REPLY_LINE_MAX)
        n = REPLY_LINE_MAX;
    while (n > 0 && p[n - 1] == '\r')
        n--;
    out->line = (struct slice){p, n};
    parse(out);
}

/* Appends to the kept part; what exceeds the limit, or the memory, is skipped. */
static void keep(struct reply_parser *r, const char *p, size_t n)
{
    struct reply_part *part = r->part;
    uint32_t length = part ? part->length : 0;
    size_t skipped = 0;

    if (part == &lost)
        return;
    if (n > REPLY_LINE_MAX - length) {
        skipped = n - (REPLY_LINE_MAX - length);
        n = REPLY_LINE_MAX - length;
    }
    if (!part || length + n > part->capacity) {
        uint32_t capacity = part ? part->capacity : FIRST_CAPACITY;

        while (capacity < length + n)
            capacity *= 2;
        part = realloc(part, sizeof *part + capacity);
        if (!part) {
            reply_done(r);
            r->part = &lost;
            return;
        }
        part->length = length;
        part->skipped = 0;
        part->capacity = capacity;
        part->ended = false;
        r->part = part;
    }
    memcpy(part->octets + length, p, n);
    part->length += (uint32_t)n;
    part->skipped += skipped < REPLY_SKIPPED_MAX ? (uint32_t)skipped : REPLY_SKIPPED_MAX;
}

struct slice reply_endless(const struct reply_parser *r)
{
    const struct reply_part *part = r->part;

    if (!part || part == &lost || part->ended || part->skipped < REPLY_SKIPPED_MAX)
        return (struct slice){"", 0};
    return (struct slice){part->octets, part->length};
}

size_t reply_feed(struct reply_parser *r, struct slice in, struct reply_line *out, bool *complete)
{
    const char *end = memchr(in.p, '\n', in.n);
    size_t n = end ? (size_t)(end - in.p) : in.n;

    if (r->part && r->part->ended)
        reply_done(r);
    *complete = end != NULL;
    if (!end) {
        keep(r, in.p, n);
        return in.n;
    }
    if (!r->part) {
        finish(out, in.p, n);
        return n + 1;
    }
    keep(r, in.p, n);
    if (r->part == &lost) {
        r->part = NULL;
        finish(out, "", 0);
    } else {
        r->part->ended = true;
        finish(out, r->part->octets, r->part->length);
    }
    return n + 1;
}

void reply_done(struct reply_parser *r)
{
    if (r->part != &lost)
        free(r->part);
    r->part = NULL;
}

struct slice reply_text(const struct reply_line *l)
{
    struct slice s = l->line;

    if (l->code == 0)
        return s;
    s = slice_from(s, s.n > 3 && (s.p[3] == '-' || s.p[3] == ' ') ? 4 : 3);
    while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
        s = slice_from(s, 1);
    return s;
}

/* One to three digits at *at; moves it behind them. */
static bool digits(struct slice s, size_t *at)
{
    size_t start = *at;

    while (*at < s.n && *at - start < 3 && is_digit(s.p[*at]))
        ++*at;
    return *at > start;
}

struct slice reply_enhanced(const struct reply_line *l)
{
    return reply_text_enhanced(reply_text(l), l->code);
}

struct slice reply_text_enhanced(struct slice s, int code)
{
    size_t at = 2;

    if (s.n < 5 || s.p[0] - '0' != code / 100 || s.p[1] != '.')
        return (struct slice){s.p, 0};
    if (s.p[0] != '2' && s.p[0] != '4' && s.p[0] != '5')
        return (struct slice){s.p, 0};
    if (!digits(s, &at) || at >= s.n || s.p[at] != '.')
        return (struct slice){s.p, 0};
    at++;
    if (!digits(s, &at) || (at < s.n && s.p[at] != ' ' && s.p[at] != '\n'))
        return (struct slice){s.p, 0};
    return (struct slice){s.p, at};
}
