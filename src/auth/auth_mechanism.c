/*
 * The rows, and the messages of bearer tokens.
 */
#include "auth_mechanism.h"

#include <stdio.h>
#include <string.h>

#define BEARER "auth=Bearer "

/* A saslname, RFC 5801 section 4: comma and equals sign are =2C and =3D. false: no room. */
static bool put_saslname(const char *name, char *out, size_t size)
{
    size_t n = 0;

    for (; *name; name++) {
        const char *code = *name == ',' ? "=2C" : *name == '=' ? "=3D" : NULL;
        size_t length = code ? 3 : 1;

        if (size - n <= length)
            return false;
        memcpy(out + n, code ? code : name, length);
        n += length;
    }
    out[n] = '\0';
    return true;
}

/* Back again, in place. */
static bool get_saslname(char *name, size_t n, struct slice *out)
{
    size_t length = 0;

    for (size_t i = 0; i < n; i++) {
        name[length] = name[i];
        if (name[i] == '=') {
            if (n - i < 3 || (memcmp(name + i, "=2C", 3) != 0 && memcmp(name + i, "=3D", 3) != 0))
                return false;
            name[length] = name[i + 1] == '2' ? ',' : '=';
            i += 2;
        }
        length++;
    }
    *out = (struct slice){name, length};
    return true;
}

/* RFC 7628 section 3.1; gs2-header with the user as the authorization identity. */
static size_t make_oauthbearer(const struct auth_user *u, char *out, size_t size)
{
    char name[1024];
    int n = put_saslname(u->name, name, sizeof name)
                ? snprintf(out, size, "n,a=%s,\001" BEARER "%s\001\001", name, u->secret)
                : -1;

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

static bool read_oauthbearer(char *text, size_t n, struct slice *user, struct slice *secret)
{
    struct slice m = {text, n};

    return n > 2 && memcmp(text, "n,", 2) == 0 && field(m, "a=", ',', user) &&
           field(m, "\001" BEARER, '\001', secret) &&
           get_saslname(text + (user->p - text), user->n, user);
}

static bool read_xoauth2(char *text, size_t n, struct slice *user, struct slice *secret)
{
    struct slice m = {text, n};

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
