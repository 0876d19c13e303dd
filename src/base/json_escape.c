/*
 * Escaping of JSON strings, without ever making one that is none.
 */
#include "json_escape.h"

#include <stdio.h>

/* Length of the valid UTF-8 character at p, 0 when there is none (RFC 3629 section 4). */
static size_t utf8_length(const unsigned char *p, size_t n)
{
    unsigned char first = p[0];
    unsigned char low = 0x80, high = 0xbf;
    size_t length = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;

    if (first > 0xf4 || length == 0 || length > n)
        return 0;
    if (first == 0xe0)
        low = 0xa0;
    else if (first == 0xed)
        high = 0x9f;
    else if (first == 0xf0)
        low = 0x90;
    else if (first == 0xf4)
        high = 0x8f;
    for (size_t i = 1; i < length; i++, low = 0x80, high = 0xbf)
        if (p[i] < low || p[i] > high)
            return 0;
    return length;
}

static struct slice escaped(unsigned char c, char text[8])
{
    if (c >= 0x80)
        (void)snprintf(text, 8, "\xef\xbf\xbd");
    else if (c == '"' || c == '\\')
        (void)snprintf(text, 8, "\\%c", c);
    else
        (void)snprintf(text, 8, "\\u%04x", c);
    return slice_of(text);
}

void json_escape(struct slice octets, void (*put)(void *to, struct slice piece), void *to)
{
    size_t from = 0;
    size_t at = 0;
    char text[8];

    while (at < octets.n) {
        const unsigned char *p = (const unsigned char *)octets.p + at;
        size_t n =
            *p < ' ' || *p == '"' || *p == '\\' || *p == 0x7f ? 0 : utf8_length(p, octets.n - at);

        if (n == 0) {
            if (at > from)
                put(to, (struct slice){octets.p + from, at - from});
            put(to, escaped(*p, text));
            from = ++at;
        } else {
            at += n;
        }
    }
    if (at > from)
        put(to, slice_from(octets, from));
}
