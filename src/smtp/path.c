/*
 * Paths and parameters.
 */
#include "path.h"

static struct slice skip_blanks(struct slice s)
{
    while (s.n > 0 && *s.p == ' ')
        s = slice_from(s, 1);
    return s;
}

struct slice path_find(struct slice args, struct slice *parameters)
{
    const char *colon = memchr(args.p, ':', args.n);
    bool bracketed;
    bool quoted = false;
    size_t n = 0;

    args = skip_blanks(slice_from(args, colon ? (size_t)(colon + 1 - args.p) : 0));
    bracketed = args.n > 0 && *args.p == '<';
    for (; n < args.n; n++) {
        if (quoted && args.p[n] == '\\' && n + 1 < args.n)
            n++;
        else if (args.p[n] == '"')
            quoted = !quoted;
        else if (!quoted && args.p[n] == (bracketed ? '>' : ' '))
            break;
    }
    n += n < args.n && bracketed;
    if (parameters)
        *parameters = slice_from(args, n);
    return (struct slice){args.p, n};
}

struct slice path_mailbox(struct slice path)
{
    const char *colon;

    if (path.n > 0 && *path.p == '<') {
        path = slice_from(path, 1);
        path.n -= path.n > 0 && path.p[path.n - 1] == '>';
    }
    colon = path.n > 0 && *path.p == '@' ? memchr(path.p, ':', path.n) : NULL;
    return slice_from(path, colon ? (size_t)(colon + 1 - path.p) : 0);
}

struct slice path_domain(struct slice mailbox)
{
    const char *at = memrchr(mailbox.p, '@', mailbox.n);

    return slice_from(mailbox, at ? (size_t)(at + 1 - mailbox.p) : mailbox.n);
}

bool path_parameter(struct slice *parameters, struct slice *key, struct slice *value)
{
    struct slice word = skip_blanks(*parameters);
    const char *end = memchr(word.p, ' ', word.n);
    const char *equals;

    if (word.n == 0)
        return false;
    *parameters = slice_from(word, end ? (size_t)(end - word.p) : word.n);
    word.n -= parameters->n;
    equals = memchr(word.p, '=', word.n);
    *key = (struct slice){word.p, equals ? (size_t)(equals - word.p) : word.n};
    *value = slice_from(word, equals ? key->n + 1 : key->n);
    return true;
}
