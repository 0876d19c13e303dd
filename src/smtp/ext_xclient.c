/*
 * XCLIENT (Postfix, XCLIENT_README): a client that is trusted tells on whose behalf it comes, and
 * the session begins anew as that one's.
 */
#include "client_impl.h"
#include "server_config.h"
#include "server_impl.h"

static const char *const attributes[] = {"NAME", "ADDR",  "PORT",     "PROTO",
                                         "HELO", "LOGIN", "DESTADDR", "DESTPORT"};

#define ATTRIBUTE_COUNT (sizeof attributes / sizeof attributes[0])

bool server_knows_attribute(struct slice name)
{
    for (size_t i = 0; i < ATTRIBUTE_COUNT; i++)
        if (slice_is(name, attributes[i]))
            return true;
    return false;
}

/* The line of the plain list gives way to this one. */
static int learn(struct server_config *cf, const char *argument, struct diag *d)
{
    cf->no_xclient = true;
    return ext_learn_bare(cf, argument, d);
}

static size_t announce(const struct server_config *cf, char *out, size_t size)
{
    size_t n = 0;

    (void)cf;
    for (size_t i = 0; i < ATTRIBUTE_COUNT; i++)
        n += (size_t)snprintf(out + n, size - n, "%s%s", i > 0 ? " " : "", attributes[i]);
    return n;
}

static const struct opt options[] = {
    {.name = "xclient",
     .kind = OPT_CHOICE,
     .arg = "if-offered",
     .implied = "must",
     .at = offsetof(struct client_config, want[EXT_XCLIENT]),
     .choices = ext_want_choices,
     .what = "XCLIENT mode",
     .group = "Extensions",
     .help = "come as other clients (Postfix XCLIENT)",
     .man = "Greet with EHLO, behind STARTTLS if that is done, say XCLIENT with the attributes "
            "that --xclient-addr and --xclient-attr tell, and greet again: the server takes the "
            "session for that client's. A server that does not offer XCLIENT, which Postfix does "
            "to its smtpd_authorized_xclient_hosts, or that refuses it, ends the run with an "
            "error; with =if-offered the session goes on without."},
};

const struct ext ext_xclient = {
    .keyword = "XCLIENT",
    .source = "Postfix, XCLIENT_README",
    .hello_step = VERB_XCLIENT,
    .learn = learn,
    .announce = announce,
    .options = options,
    .option_count = sizeof options / sizeof options[0],
};
