/*
 * SIZE (RFC 1870): the server's limit on a message, and its declaration with MAIL.
 */
#include <errno.h>

#include "decimal.h"
#include "ext.h"
#include "num.h"
#include "server_config.h"

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
static const char *mail_parameter(const struct server_config *cf, struct slice value)
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

const struct ext ext_size = {
    .keyword = "SIZE",
    .source = "RFC 1870",
    .learn = learn,
    .announce = announce,
    .mail_keyword = "SIZE",
    .mail_parameter = mail_parameter,
};
