/*
 * A borrowed run of bytes. Who lends it says how long it stays valid.
 */
#ifndef BASE_SLICE_H
#define BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

struct slice {
    const char *p;
    size_t n;
};

#define SLICE(literal) ((struct slice){(literal), sizeof(literal) - 1})

static inline struct slice slice_of(const char *text)
{
    return (struct slice){text, strlen(text)};
}

static inline struct slice slice_from(struct slice s, size_t offset)
{
    return (struct slice){s.p + offset, s.n - offset};
}

/* Equal but for the case of ASCII letters: SMTP verbs and keywords (RFC 5321 section 2.4). */
static inline bool slice_is(struct slice s, const char *text)
{
    return strlen(text) == s.n && strncasecmp(s.p, text, s.n) == 0;
}

#endif
