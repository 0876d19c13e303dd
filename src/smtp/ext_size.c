/*
 * SIZE (RFC 1870): the server's limit on a message, and its declaration with MAIL.
 */
#include <errno.h>

#include <inttypes.h>

#include "client.h"
#include "decimal.h"
#include "num.h"
#include "server_config.h"

/* RFC 1870 section 4: no number, or 0, is no limit. */
static void keep(struct ext_offer *kept, struct slice arguments)
{
    uint64_t limit;

    if (decimal_parse(arguments, &limit))
        kept->size = limit;
}

static size_t forbid(const struct ext_offer *kept, bool offered, const struct client_mail *m,
                     char *why, size_t size)
{
    uint64_t octets = client_mail_size(m);

    if (!offered || kept->size == 0 || octets <= kept->size)
        return 0;
    return (size_t)snprintf(why, size,
                            "the server takes messages of at most %" PRIu64
                            " octets (SIZE), and this one has %" PRIu64,
                            kept->size, octets);
}

/* RFC 1870 section 6: as in the content that BDAT carries, without the dots that DATA adds. */
static size_t mail(const struct client_config *cf, const struct client_mail *m, char *out)
{
    (void)cf;
    memcpy(out, " SIZE=", 6);
    return 6 + decimal_write(client_mail_size(m), out + 6);
}

static int learn(struct server_config *cf, const char *argument, struct diag *d)
{
    uint64_t limit = 0;

    if (*argument && num_size(argument, &limit) < 0)
        return diag_set(d, -EINVAL, "bad announcement: SIZE=%s (takes a size such as 10MiB)",
                        argument);
    cf->size_limit = limit;
    return 0;
}

/* RFC 1870 section 4: without a number, nothing is said about a limit. */
static size_t announce(const struct server_config *cf, char *out, size_t size)
{
    (void)size;
    return cf->size_limit ? decimal_write(cf->size_limit, out) : 0;
}

/* RFC 1870 section 6.1. A number too long to read is larger than any limit. */
static const char *check_size(const struct server_config *cf, struct slice value)
{
    uint64_t octets = DECIMAL_MAX;

    for (size_t i = 0; i < value.n; i++)
        if (value.p[i] < '0' || value.p[i] > '9')
            return "501 5.5.4 Error: bad SIZE parameter\r\n";
    if (value.n == 0)
        return "501 5.5.4 Error: bad SIZE parameter\r\n";
    (void)decimal_parse(value, &octets);
    if (cf->size_limit && octets > cf->size_limit)
        return "552 5.3.4 Error: message too large\r\n";
    return NULL;
}

static const struct ext_parameter parameters[] = {{"SIZE", false, check_size}};

static const struct opt options[] = {
    {.name = "size",
     .kind = OPT_CHOICE,
     .arg = "if-offered",
     .implied = "must",
     .at = offsetof(struct client_config, want[EXT_SIZE]),
     .choices = ext_want_choices,
     .what = "SIZE mode",
     .group = "Extensions",
     .help = "declare the size of messages (RFC 1870)",
     .man = "Greet with EHLO and declare the size of each message with MAIL. A message that is "
            "larger than the server says it takes is not begun: the run ends with an error. When "
            "the server does not offer SIZE, the run ends with an error; with =if-offered it goes "
            "on without."},
};

const struct ext ext_size = {
    .keyword = "SIZE",
    .source = "RFC 1870",
    .learn = learn,
    .announce = announce,
    .keep = keep,
    .forbid = forbid,
    .mail = mail,
    .parameters = parameters,
    .parameter_count = sizeof parameters / sizeof parameters[0],
    .options = options,
    .option_count = sizeof options / sizeof options[0],
};
