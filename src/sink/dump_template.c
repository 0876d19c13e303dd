/*
 * Plain text work, without files.
 */
#include "dump_template.h"

#include <errno.h>
#include <string.h>

/* strftime(3) does not tell an empty text from one too long: so none is empty. */
long dump_expand(const char *template, time_t at, char *out, size_t size, size_t spare)
{
    char marked[4096];
    size_t length = strlen(template);
    struct tm tm;
    size_t n;

    if (length + 2 > sizeof marked || spare >= size || !localtime_r(&at, &tm))
        return -ENAMETOOLONG;
    memcpy(marked, template, length);
    memcpy(marked + length, "!", 2);
/* The format is what the user says, in the language of strftime(3). */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    n = strftime(out, size - spare, marked, &tm);
#pragma GCC diagnostic pop
    if (n == 0)
        return -ENAMETOOLONG;
    out[n - 1] = '\0';
    return (long)n - 1;
}

static size_t octal(const char *text, char *out)
{
    unsigned value = 0;
    size_t n = 0;

    while (n < 3 && text[n] >= '0' && text[n] <= '7')
        value = 8 * value + (unsigned)(text[n++] - '0');
    *out = (char)(value & 0xff);
    return n;
}

size_t dump_unescape(const char *text, char *out)
{
    static const char letters[] = "abfnrtv";
    static const char meanings[] = "\a\b\f\n\r\t\v";
    char *at = out;

    while (*text) {
        const char *letter;

        if (*text != '\\') {
            *at++ = *text++;
            continue;
        }
        text++;
        if (!*text)
            break;
        letter = strchr(letters, *text);
        if (*text >= '0' && *text <= '7') {
            text += octal(text, at++);
        } else {
            *at++ = letter ? meanings[letter - letters] : *text;
            text++;
        }
    }
    return (size_t)(at - out);
}

char *dump_date(time_t at, char *out, size_t size)
{
    struct tm tm;

    if (!localtime_r(&at, &tm) || strftime(out, size, "%a, %e %b %Y %H:%M:%S %z (%Z)", &tm) == 0)
        out[0] = '\0';
    return out;
}
