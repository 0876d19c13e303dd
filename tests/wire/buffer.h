/*
 * A growing run of octets for the test programs; out of memory ends the program.
 */
#ifndef WIRE_BUFFER_H
#define WIRE_BUFFER_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct buffer {
    char *p; /* NUL-terminated once anything was added */
    size_t n;
    size_t capacity;
};

static inline void buffer_add(struct buffer *b, const char *p, size_t n)
{
    if (b->n + n + 1 > b->capacity) {
        b->capacity = 2 * (b->n + n + 1);
        b->p = realloc(b->p, b->capacity);
        if (!b->p)
            abort();
    }
    if (n)
        memcpy(b->p + b->n, p, n);
    b->n += n;
    b->p[b->n] = '\0';
}

static inline void buffer_text(struct buffer *b, const char *text)
{
    buffer_add(b, text, strlen(text));
}

static inline __attribute__((format(printf, 2, 3))) void buffer_print(struct buffer *b,
                                                                      const char *format, ...)
{
    char line[512];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(line, sizeof line, format, args);
    va_end(args);
    buffer_text(b, line);
}

static inline void buffer_free(struct buffer *b)
{
    free(b->p);
    *b = (struct buffer){0};
}

#endif
