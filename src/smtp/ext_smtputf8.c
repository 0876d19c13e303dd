/*
 * SMTPUTF8 (RFC 6531): addresses in UTF-8.
 */
#include "client.h"
#include "server_config.h"

/* RFC 6531 section 3.2: such an address is for nobody who does not offer it. */
static size_t forbid(const struct ext_offer *kept, bool offered, const struct client_mail *m,
                     char *why, size_t size)
{
    (void)kept;
    if (offered || !m->form->utf8)
        return 0;
    return (size_t)snprintf(why, size,
                            "the server does not offer SMTPUTF8, which an address in UTF-8 needs "
                            "(--idna writes its domain in ASCII)");
}

static size_t mail(const struct client_config *cf, const struct client_mail *m, char *out)
{
    (void)cf;
    (void)m;
    memcpy(out, " SMTPUTF8", 9);
    return 9;
}

/* RFC 6531 section 3.4: it takes no value. */
static const char *check_flag(const struct server_config *cf, struct slice value)
{
    (void)cf;
    return value.n > 0 ? "501 5.5.4 Error: SMTPUTF8 takes no value\r\n" : NULL;
}

/* RFC 6531 section 3.5. */
static const char *admit(const struct server_config *cf, bool rcpt, struct slice path,
                         uint32_t number, bool declared)
{
    (void)cf;
    (void)number;
    if (declared || ext_is_ascii(path))
        return NULL;
    return rcpt ? "553 5.6.7 Error: address in UTF-8 without SMTPUTF8\r\n"
                : "550 5.6.7 Error: address in UTF-8 without SMTPUTF8\r\n";
}

static const struct ext_parameter parameters[] = {{"SMTPUTF8", false, check_flag}};

static const struct opt options[] = {
    {.name = "smtputf8",
     .kind = OPT_CHOICE,
     .arg = "if-offered",
     .implied = "must",
     .at = offsetof(struct client_config, want[EXT_SMTPUTF8]),
     .choices = ext_want_choices,
     .what = "SMTPUTF8 mode",
     .group = "Extensions",
     .help = "addresses in UTF-8 (RFC 6531)",
     .man = "Greet with EHLO and send each message as an internationalized one (SMTPUTF8), so that "
            "the addresses of -f and -t may hold UTF-8. When the server does not offer SMTPUTF8, "
            "the run ends with an error; with =if-offered it goes on without, as long as the "
            "addresses are ASCII (see --idna). Without this option, addresses are sent as given."},
};

const struct ext ext_smtputf8 = {
    .keyword = "SMTPUTF8",
    .source = "RFC 6531",
    .forbid = forbid,
    .mail = mail,
    .learn = ext_learn_bare,
    .announce = ext_announce_bare,
    .parameters = parameters,
    .parameter_count = sizeof parameters / sizeof parameters[0],
    .admit = admit,
    .options = options,
    .option_count = sizeof options / sizeof options[0],
};
