/*
 * The options of authentication.
 */
#include "auth_settings.h"

#include <errno.h>
#include <string.h>

#include "auth_mechanism.h"

#define AT(field) offsetof(struct auth_settings, field)

static const struct opt_choice orders[] = {
    {"round-robin", AUTH_ROUND_ROBIN},
    {"random", AUTH_RANDOM},
    {NULL, 0},
};

static int set_mechanisms(void *settings, const char *value, struct diag *d)
{
    struct auth_settings *s = settings;

    s->mechanisms = 0;
    while (*value) {
        struct slice name = {value, strcspn(value, ", ")};
        const struct auth_mechanism *m = auth_mechanism_find(name);

        if (!m)
            return diag_set(d, -EINVAL,
                            "bad mechanism: %.*s (--auth-mechanisms takes a list of PLAIN, LOGIN, "
                            "CRAM-MD5, SCRAM-SHA-1, SCRAM-SHA-256, XOAUTH2, OAUTHBEARER, EXTERNAL)",
                            name.n < 40 ? (int)name.n : 40, name.p);
        s->mechanisms |= UINT32_C(1) << (m - auth_mechanisms);
        value += name.n;
        value += strspn(value, ", ");
    }
    if (!s->mechanisms)
        return diag_set(d, -EINVAL,
                        "no mechanism: --auth-mechanisms takes a list such as "
                        "PLAIN,SCRAM-SHA-256");
    return 0;
}

const struct opt auth_client_options[] = {
    {.name = "auth-user",
     .kind = OPT_TEXT,
     .arg = "NAME",
     .at = AT(user),
     .group = "Authentication",
     .help = "authenticate as NAME",
     .man = "Authenticate every session (RFC 4954) as this user, behind the hello, and behind TLS "
            "if there is any. The password is that of --auth-password-file, or of the environment "
            "variable SMTP_SOURCE_PASSWORD, or is asked for at the terminal. A server that does "
            "not offer AUTH ends the run with an error."},
    {.name = "auth-password-file",
     .kind = OPT_TEXT,
     .arg = "FILE",
     .at = AT(password_file),
     .file = OPT_READS,
     .group = "Authentication",
     .help = "the password, on FILE's first line",
     .man = "The first line of this file is the password of --auth-user; for XOAUTH2 and "
            "OAUTHBEARER it is the token."},
    {.name = "auth-users",
     .kind = OPT_TEXT,
     .arg = "FILE",
     .at = AT(users_file),
     .file = OPT_READS,
     .group = "Authentication",
     .help = "users, one a session",
     .man = "Authenticate the sessions as the users of this file: lines USER:PASSWORD, or with a "
            "tab between the two; blank lines, and those that begin with #, do not count. Each "
            "connection is another user, see --auth-order."},
    {.name = "auth-order",
     .kind = OPT_CHOICE,
     .arg = "round-robin|random",
     .at = AT(order),
     .choices = orders,
     .what = "order of users",
     .group = "Authentication",
     .help = "which user a session is",
     .man = "Which of --auth-users a connection is: one after the other (round-robin, the "
            "default), or any (random, by --seed)."},
    {.name = "auth-mechanism",
     .kind = OPT_CHOICE,
     .arg = "NAME",
     .at = AT(mechanism),
     .choices = auth_mechanism_choices,
     .what = "mechanism",
     .group = "Authentication",
     .help = "instead of the best offered",
     .man =
         "Use this mechanism: scram-sha-256, scram-sha-1, cram-md5, plain, login, oauthbearer, "
         "xoauth2 or external. Without it the first of these up to login that the server "
         "offers is taken. external needs a user, whom a client certificate (--tls-cert) vouches "
         "for, and no password."},
    {.name = "auth-insecure",
     .kind = OPT_FLAG,
     .at = AT(insecure),
     .group = "Authentication",
     .help = "send passwords in the clear",
     .man = "Allow plain, login, oauthbearer and xoauth2 without TLS. Without this they are used "
            "within TLS, and else only to loopback addresses and UNIX-domain sockets."},
};

const size_t auth_client_option_count = sizeof auth_client_options / sizeof auth_client_options[0];

const struct opt auth_server_options[] = {
    {.name = "auth",
     .kind = OPT_FLAG,
     .at = AT(anybody),
     .group = "Authentication",
     .help = "take any user and password",
     .man = "Run AUTH (RFC 4954) in earnest, and take every user with every password. Only "
            "mechanisms that can do without knowing the password are offered: PLAIN, LOGIN, "
            "OAUTHBEARER, XOAUTH2, EXTERNAL. Without this option and --auth-users, PLAIN and LOGIN "
            "are announced, and AUTH does nothing."},
    {.name = "auth-users",
     .kind = OPT_TEXT,
     .arg = "FILE",
     .at = AT(users_file),
     .file = OPT_READS,
     .group = "Authentication",
     .help = "take the users of FILE",
     .man = "Take the users of this file alone, with their passwords: lines USER:PASSWORD, or with "
            "a tab between the two; blank lines, and those that begin with #, do not count. All "
            "mechanisms are offered; that of EXTERNAL only has to be a user of the file, whatever "
            "a certificate says. The password is the token of OAUTHBEARER and XOAUTH2. No user may "
            "be there twice."},
    {.name = "auth-mechanisms",
     .kind = OPT_CUSTOM,
     .arg = "LIST",
     .set = set_mechanisms,
     .group = "Authentication",
     .help = "offer only these mechanisms",
     .man = "Offer only these of the mechanisms, separated by commas."},
    {.name = "auth-refuse",
     .kind = OPT_TEXT,
     .arg = "USERS",
     .at = AT(refused),
     .group = "Authentication",
     .help = "always refuse these users",
     .man = "Refuse these users (535) even if their password is right. Names are separated by "
            "commas. For refusals by chance see AUTH in a --profile."},
    {.name = "auth-required",
     .kind = OPT_FLAG,
     .at = AT(required),
     .group = "Authentication",
     .help = "no MAIL without AUTH (530)",
     .man = "Refuse MAIL in sessions that have not authenticated (530)."},
    {.name = "auth-insecure",
     .kind = OPT_FLAG,
     .at = AT(insecure),
     .group = "Authentication",
     .help = "offer AUTH without TLS",
     .man = "Offer AUTH without TLS too. Without this it is offered within TLS, and else only when "
            "listening on loopback addresses and UNIX-domain sockets alone."},
};

const size_t auth_server_option_count = sizeof auth_server_options / sizeof auth_server_options[0];

bool auth_client_wanted(const struct auth_settings *s)
{
    return s->user || s->users_file;
}

bool auth_server_wanted(const struct auth_settings *s)
{
    return s->anybody || s->users_file;
}

static int needs(const char *option, const char *what, struct diag *d)
{
    return diag_set(d, -EINVAL, "--%s needs %s", option, what);
}

static bool is_external(const struct auth_settings *s)
{
    return s->mechanism && strcmp(auth_mechanisms[s->mechanism - 1].name, "EXTERNAL") == 0;
}

int auth_client_check(const struct auth_settings *s, struct diag *d)
{
    if (s->user && s->users_file)
        return diag_set(d, -EINVAL, "--auth-user cannot be used with --auth-users");
    if (s->password_file && !s->user)
        return needs("auth-password-file", "--auth-user", d);
    if (s->password_file && is_external(s))
        return diag_set(d, -EINVAL,
                        "--auth-mechanism=external has no password: --auth-password-file is of no "
                        "use");
    if (auth_client_wanted(s))
        return 0;
    if (s->mechanism)
        return needs("auth-mechanism", "--auth-user or --auth-users", d);
    if (s->order)
        return needs("auth-order", "--auth-users", d);
    return s->insecure ? needs("auth-insecure", "--auth-user or --auth-users", d) : 0;
}

int auth_server_check(const struct auth_settings *s, struct diag *d)
{
    char names[160];

    if (s->anybody && s->users_file)
        return diag_set(d, -EINVAL, "--auth takes anybody: --auth-users is of no use");
    if (auth_server_wanted(s) &&
        auth_server_mechanisms(s, s->users_file != NULL, names, sizeof names))
        return 0;
    if (auth_server_wanted(s))
        return diag_set(d, -EINVAL,
                        "--auth cannot take anybody with these --auth-mechanisms: they "
                        "need --auth-users");
    if (s->mechanisms || s->refused || s->required || s->insecure)
        return needs(s->mechanisms ? "auth-mechanisms"
                     : s->refused  ? "auth-refuse"
                     : s->required ? "auth-required"
                                   : "auth-insecure",
                     "--auth or --auth-users", d);
    return 0;
}

int auth_client_load(struct auth_users *out, const struct auth_settings *s, struct diag *d)
{
    char *password = NULL;
    int rc;

    if (s->users_file)
        return auth_users_load(out, s->users_file, d);
    if (!is_external(s)) {
        password = auth_password(s->password_file, AUTH_PASSWORD_VARIABLE, s->user, d);
        if (!password)
            return -EINVAL;
    }
    rc = auth_users_one(out, s->user, password ? password : "", d);
    auth_wipe(password);
    return rc;
}

uint32_t auth_server_mechanisms(const struct auth_settings *s, bool users, char *out, size_t size)
{
    uint32_t found = 0;
    size_t n = 0;

    *out = '\0';
    for (const struct auth_mechanism *m = auth_mechanisms; m->name; m++) {
        uint32_t bit = UINT32_C(1) << (m - auth_mechanisms);
        size_t length = strlen(m->name);

        if ((m->secretive && !users) || (s->mechanisms && !(s->mechanisms & bit)) ||
            n + length + 2 > size)
            continue;
        found |= bit;
        if (n > 0)
            out[n++] = ' ';
        memcpy(out + n, m->name, length + 1);
        n += length;
    }
    return found;
}
