/*
 * xtext: '!' to '~' but '+' and '=' as they are, all else as '+' and two upper case hex digits.
 */
#include "xtext.h"

static bool is_plain(char c)
{
    return c >= '!' && c <= '~' && c != '+' && c != '=';
}

size_t xtext_length(struct slice s)
{
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++)
        n += is_plain(s.p[i]) ? 1 : 3;
    return n;
}

size_t xtext_write(struct slice s, char *out)
{
    static const char hex[] = "0123456789ABCDEF";
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++) {
        if (is_plain(s.p[i])) {
            out[n++] = s.p[i];
            continue;
        }
        out[n++] = '+';
        out[n++] = hex[(unsigned char)s.p[i] >> 4];
        out[n++] = hex[s.p[i] & 15];
    }
    return n;
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F');
}

bool xtext_is(struct slice s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (is_plain(s.p[i]))
            continue;
        if (s.p[i] != '+' || s.n - i < 3 || !is_hex(s.p[i + 1]) || !is_hex(s.p[i + 2]))
            return false;
        i += 2;
    }
    return true;
}

static unsigned digit(char c)
{
    return c <= '9' ? (unsigned)(c - '0') : (unsigned)(c - 'A' + 10);
}

size_t xtext_read(struct slice s, char *out)
{
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] != '+') {
            out[n++] = s.p[i];
            continue;
        }
        out[n++] = (char)(digit(s.p[i + 1]) << 4 | digit(s.p[i + 2]));
        i += 2;
    }
    return n;
}
