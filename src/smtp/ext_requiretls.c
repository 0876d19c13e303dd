/*
 * REQUIRETLS (RFC 8689): the message is to go on by TLS only.
 */
#include <errno.h>

#include "client.h"
#include "server_config.h"

/* RFC 8689 section 2: only said within TLS. */
static int check(const struct client_config *cf, struct diag *d)
{
    if (cf->want[EXT_REQUIRETLS] != EXT_NO && !cf->implicit_tls &&
        cf->want[EXT_STARTTLS] != EXT_MUST)
        return diag_set(d, -EINVAL, "--requiretls needs --tls (and not =if-offered)");
    return 0;
}

static size_t mail(const struct client_config *cf, const struct client_mail *m, char *out)
{
    (void)cf;
    (void)m;
    memcpy(out, " REQUIRETLS", 11);
    return 11;
}

static const char *check_flag(const struct server_config *cf, struct slice value)
{
    (void)cf;
    return value.n > 0 ? "501 5.5.4 Error: REQUIRETLS takes no value\r\n" : NULL;
}

static const struct ext_parameter parameters[] = {{"REQUIRETLS", false, check_flag}};

static const struct opt options[] = {
    {.name = "requiretls",
     .kind = OPT_CHOICE,
     .arg = "if-offered",
     .implied = "must",
     .at = offsetof(struct client_config, want[EXT_REQUIRETLS]),
     .choices = ext_want_choices,
     .what = "REQUIRETLS mode",
     .group = "Extensions",
     .help = "messages go on by TLS only (RFC 8689)",
     .man = "With --tls, send each message as one that must go on by TLS (REQUIRETLS). When the "
            "server does not offer it within TLS, the run ends with an error; with =if-offered it "
            "goes on without."},
};

const struct ext ext_requiretls = {
    .keyword = "REQUIRETLS",
    .source = "RFC 8689",
    .where = EXT_IN_TLS,
    .check = check,
    .mail = mail,
    .learn = ext_learn_bare,
    .announce = ext_announce_bare,
    .parameters = parameters,
    .parameter_count = sizeof parameters / sizeof parameters[0],
    .options = options,
    .option_count = sizeof options / sizeof options[0],
};
