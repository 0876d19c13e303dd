/*
 * The rows, and the messages of bearer tokens.
 */
#include "auth_mechanism.h"

#include <stdio.h>
#include <string.h>

#define BEARER "auth=Bearer "

/* RFC 7628 section 3.1; gs2-header with the user as the authorization identity. */
static size_t make_oauthbearer(const struct auth_user *u, char *out, size_t size)
{
    int n = snprintf(out, size, "n,a=%s,\001" BEARER "%s\001\001", u->name, u->secret);

    return n < 0 || (size_t)n >= size ? 0 : (size_t)n;
}

/* As documented by those who use it; there is no RFC. */
static size_t make_xoauth2(const struct auth_user *u, char *out, size_t size)
{
    int n = snprintf(out, size, "user=%s\001" BEARER "%s\001\001", u->name, u->secret);

    return n < 0 || (size_t)n >= size ? 0 : (size_t)n;
}

/* The value of a field that begins with key, up to the end octet. */
static bool field(struct slice m, const char *key, char end, struct slice *out)
{
    size_t n = strlen(key);
    const char *at = memmem(m.p, m.n, key, n);
    const char *stop = at ? memchr(at + n, end, m.n - (size_t)(at + n - m.p)) : NULL;

    if (!stop)
        return false;
    *out = (struct slice){at + n, (size_t)(stop - at) - n};
    return true;
}

static bool read_oauthbearer(struct slice m, struct slice *user, struct slice *secret)
{
    return m.n > 2 && memcmp(m.p, "n,", 2) == 0 && field(m, "a=", ',', user) &&
           field(m, "\001" BEARER, '\001', secret);
}

static bool read_xoauth2(struct slice m, struct slice *user, struct slice *secret)
{
    return m.n > 5 && memcmp(m.p, "user=", 5) == 0 && field(m, "user=", '\001', user) &&
           field(m, "\001" BEARER, '\001', secret);
}

const struct auth_mechanism auth_mechanisms[] = {
    {"SCRAM-SHA-256", "RFC 7677", .first = true, .secretive = true, .gs2 = true},
    {"SCRAM-SHA-1", "RFC 5802", .first = true, .secretive = true, .gs2 = true},
    {"CRAM-MD5", "RFC 2195", .secretive = true},
    {"PLAIN", "RFC 4616", .clear = true, .first = true},
    {"LOGIN", "draft-murchison-sasl-login", .clear = true},
    {"OAUTHBEARER", "RFC 7628", .clear = true, .first = true, .by_name = true,
     .make = make_oauthbearer, .read = read_oauthbearer, .after_error = "AQ=="},
    {"XOAUTH2", "none", .clear = true, .first = true, .by_name = true, .make = make_xoauth2,
     .read = read_xoauth2, .after_error = ""},
    {"EXTERNAL", "RFC 4422", .first = true, .by_name = true},
    {NULL, NULL},
};

const struct opt_choice auth_mechanism_choices[] = {
    {"scram-sha-256", 1}, {"scram-sha-1", 2}, {"cram-md5", 3}, {"plain", 4}, {"login", 5},
    {"oauthbearer", 6},   {"xoauth2", 7},     {"external", 8}, {NULL, 0},
};

const struct auth_mechanism *auth_mechanism_find(struct slice name)
{
    for (const struct auth_mechanism *m = auth_mechanisms; m->name; m++)
        if (slice_is(name, m->name))
            return m;
    return NULL;
}
