/*
 * 8BITMIME (RFC 6152): content with octets above 127, declared with MAIL.
 */
#include "client.h"
#include "server_config.h"

static size_t mail(const struct client_config *cf, const struct client_mail *m, char *out)
{
    (void)cf;
    (void)m;
    memcpy(out, " BODY=8BITMIME", 14);
    return 14;
}

/* It stands in the plain list, and announcing it makes sure of that and has BODY looked at. */
static int learn(struct server_config *cf, const char *argument, struct diag *d)
{
    cf->no_8bitmime = false;
    return ext_learn_bare(cf, argument, d);
}

static const char *check_body(const struct server_config *cf, struct slice value)
{
    (void)cf;
    if (slice_is(value, "7BIT") || slice_is(value, "8BITMIME"))
        return NULL;
    return "501 5.5.4 Error: bad BODY parameter\r\n";
}

static const struct ext_parameter parameters[] = {{"BODY", false, check_body}};

static const struct opt options[] = {
    {.name = "8bitmime",
     .kind = OPT_CHOICE,
     .arg = "if-offered",
     .implied = "must",
     .at = offsetof(struct client_config, want[EXT_8BITMIME]),
     .choices = ext_want_choices,
     .what = "8BITMIME mode",
     .group = "Extensions",
     .help = "declare 8-bit content (RFC 6152)",
     .man = "Greet with EHLO and declare the content of each message as BODY=8BITMIME. When the "
            "server does not offer 8BITMIME, the run ends with an error; with =if-offered it goes "
            "on without the declaration."},
};

const struct ext ext_8bitmime = {
    .keyword = "8BITMIME",
    .source = "RFC 6152",
    .mail = mail,
    .learn = learn,
    .parameters = parameters,
    .parameter_count = sizeof parameters / sizeof parameters[0],
    .options = options,
    .option_count = sizeof options / sizeof options[0],
};
