/*
 * Queue ids in replies: one row a form.
 */
#include "queue_id.h"

/* The id stands right behind the mark, or right in front of it. */
static const struct form {
    const char *mark;
    bool behind;
} forms[] = {
    {"queued as ", true},                      /* Postfix, also behind a content filter */
    {" id=", true},                            /* Exim: "OK id=1a2B3c-000000001Ab-4dEf" */
    {"internalid=", true},                     /* Exchange: "[InternalId=123, Hostname=...]" */
    {"message queued (", true},                /* Haraka */
    {" qp ", true},                            /* qmail: "ok 1700000000 qp 12345" */
    {" message accepted for delivery", false}, /* Sendmail, OpenSMTPD */
    {" - gsmtp", false},                       /* Gmail: "OK 1700000000 a1-b2.3 - gsmtp" */
    {" saved", false},                         /* Dovecot's LMTP: "<a@b> 3wGx+a8b Saved" */
};

static bool is_of_id(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr("-_.+/=@", c));
}

/* "2.0.0" is an enhanced status code, not an id. */
static bool is_status(struct slice s)
{
    int dots = 0;

    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] != '.' && (s.p[i] < '0' || s.p[i] > '9'))
            return false;
        dots += s.p[i] == '.';
    }
    return dots == 2;
}

static struct slice behind(struct slice text, size_t at)
{
    size_t end = at;

    while (end < text.n && is_of_id(text.p[end]))
        end++;
    while (end > at && text.p[end - 1] == '.')
        end--;
    return (struct slice){text.p + at, end - at};
}

static struct slice in_front(struct slice text, size_t end)
{
    size_t at = end;

    while (at > 0 && is_of_id(text.p[at - 1]))
        at--;
    return (struct slice){text.p + at, end - at};
}

struct slice queue_id(struct slice text)
{
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        size_t n = strlen(forms[i].mark);

        for (size_t at = 0; at + n <= text.n; at++) {
            struct slice id;

            if (strncasecmp(text.p + at, forms[i].mark, n) != 0)
                continue;
            id = forms[i].behind ? behind(text, at + n) : in_front(text, at);
            if (id.n > 0 && !is_status(id))
                return id;
        }
    }
    return (struct slice){text.p, 0};
}
