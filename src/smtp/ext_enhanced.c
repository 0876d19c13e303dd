/*
 * ENHANCEDSTATUSCODES (RFC 2034). The codes are read wherever they stand; this is about whether the
 * server says that it has them.
 */
#include "client.h"
#include "server_config.h"

/* They stand in the plain list, and announcing them only makes sure of that. */
static int learn(struct server_config *cf, const char *argument, struct diag *d)
{
    cf->no_enhanced = false;
    return ext_learn_bare(cf, argument, d);
}

static const struct opt options[] = {
    {.name = "enhanced-codes",
     .kind = OPT_CHOICE,
     .arg = "if-offered",
     .implied = "must",
     .at = offsetof(struct client_config, want[EXT_ENHANCEDSTATUSCODES]),
     .choices = ext_want_choices,
     .what = "enhanced codes mode",
     .group = "Extensions",
     .help = "the server must have enhanced codes",
     .man = "Greet with EHLO; the run ends with an error when the server does not offer "
            "ENHANCEDSTATUSCODES (RFC 2034), but for =if-offered. The enhanced codes of refusals "
            "are reported in any case."},
};

const struct ext ext_enhanced = {
    .keyword = "ENHANCEDSTATUSCODES",
    .source = "RFC 2034",
    .learn = learn,
    .options = options,
    .option_count = sizeof options / sizeof options[0],
};
