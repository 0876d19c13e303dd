/*
 * Settings of sessions that are no extension's: how to greet, and parameters as typed.
 */
#include <errno.h>

#include "client.h"

static int set_helo(void *settings, const char *value, struct diag *d)
{
    (void)value;
    (void)d;
    ((struct client_config *)settings)->hello = CLIENT_HELLO_HELO;
    return 0;
}

static int set_ehlo(void *settings, const char *value, struct diag *d)
{
    (void)value;
    (void)d;
    ((struct client_config *)settings)->hello = CLIENT_HELLO_EHLO;
    return 0;
}

static bool is_keyword(const char *p, size_t n)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-";

    return n > 0 && *p != '-' && strspn(p, letters) >= n;
}

/*
 * Words of "KEYWORD[=VALUE]" with one blank between them (RFC 5321 section 4.1.2). What a value is
 * made of is the user's business, but for what would end it.
 */
static bool are_parameters(const char *text)
{
    if (strlen(text) > CLIENT_PARAMS_MAX)
        return false;
    for (const unsigned char *c = (const unsigned char *)text; *c; c++)
        if (*c < ' ' || *c == 127)
            return false;
    for (;;) {
        size_t n = strcspn(text, " ");
        size_t key = strcspn(text, " =");

        if (!is_keyword(text, key) || n == key + 1)
            return false;
        if (!text[n])
            return true;
        text += n + 1;
    }
}

static int set_params(const char **at, const char *option, const char *value, struct diag *d)
{
    if (!are_parameters(value))
        return diag_set(d, -EINVAL,
                        "bad parameter: %.80s (%s takes KEYWORD or KEYWORD=VALUE without control "
                        "characters, several with a blank between them, %d characters in all)",
                        *value ? value : "empty", option, CLIENT_PARAMS_MAX);
    *at = value;
    return 0;
}

static int set_mail_params(void *settings, const char *value, struct diag *d)
{
    return set_params(&((struct client_config *)settings)->mail_params, "--mail-param", value, d);
}

static int set_rcpt_params(void *settings, const char *value, struct diag *d)
{
    return set_params(&((struct client_config *)settings)->rcpt_params, "--rcpt-param", value, d);
}

const struct opt client_options[] = {
    {.name = "helo",
     .kind = OPT_CUSTOM,
     .set = set_helo,
     .group = "Connection",
     .help = "greet with HELO (the default)",
     .man = "Greet with HELO, which is the default as long as nothing is asked for that needs "
            "EHLO."},
    {.name = "ehlo",
     .kind = OPT_CUSTOM,
     .set = set_ehlo,
     .group = "Connection",
     .help = "greet with EHLO",
     .man = "Greet with EHLO although no extension is asked for. When the server refuses it, and "
            "nothing needs it, the session goes on with HELO."},
    {.name = "mail-param",
     .kind = OPT_CUSTOM,
     .arg = "KEYWORD[=VALUE]",
     .set = set_mail_params,
     .group = "Extensions",
     .help = "a parameter for each MAIL, as typed",
     .man = "Greet with EHLO and add this parameter to each MAIL command, as it is, whatever the "
            "server offers; several have a blank between them."},
    {.name = "rcpt-param",
     .kind = OPT_CUSTOM,
     .arg = "KEYWORD[=VALUE]",
     .set = set_rcpt_params,
     .group = "Extensions",
     .help = "a parameter for each RCPT, as typed",
     .man = "Likewise, for each RCPT command."},
};

const size_t client_option_count = sizeof client_options / sizeof client_options[0];

int client_config_check(const struct client_config *cf, struct diag *d)
{
    static const char *const hellos[] = {
        [CLIENT_HELLO_HELO] = "--helo",
        [CLIENT_HELLO_EHLO] = "--ehlo",
    };

    if (cf->hello && cf->lmtp)
        return diag_set(d, -EINVAL, "%s is for SMTP: LMTP has LHLO", hellos[cf->hello]);
    if (cf->hello && cf->no_hello)
        return diag_set(d, -EINVAL, "-o cannot be used with %s: it leaves out the greeting",
                        hellos[cf->hello]);
    if (cf->hello == CLIENT_HELLO_HELO && (cf->mail_params || cf->rcpt_params))
        return diag_set(d, -EINVAL, "--helo cannot be used with %s: parameters need EHLO",
                        cf->mail_params ? "--mail-param" : "--rcpt-param");
    if (cf->no_hello && (cf->mail_params || cf->rcpt_params))
        return diag_set(d, -EINVAL, "-o cannot be used with %s: it leaves out the greeting",
                        cf->mail_params ? "--mail-param" : "--rcpt-param");
    for (int i = 0; i < EXT_COUNT; i++) {
        int rc = ext_rows[i]->check ? ext_rows[i]->check(cf, d) : 0;

        if (rc < 0)
            return rc;
        if (cf->no_hello && cf->want[i] == EXT_MUST)
            return diag_set(d, -EINVAL, "-o cannot be used with --%s: it leaves out the greeting",
                            ext_rows[i]->options[0].name);
        if (cf->hello == CLIENT_HELLO_HELO && cf->want[i] != EXT_NO)
            return diag_set(d, -EINVAL, "--helo cannot be used with --%s: it needs EHLO",
                            ext_rows[i]->options[0].name);
    }
    return 0;
}
