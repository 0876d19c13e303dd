/*
 * AUTH (RFC 4954): when a session authenticates. How, and as whom, is the owner's business.
 */
#include "client_impl.h"
#include "server_config.h"

static size_t announce(const struct server_config *cf, char *out, size_t size)
{
    size_t n = strlen(cf->auth_mechanisms);

    if (n > size)
        return 0;
    memcpy(out, cf->auth_mechanisms, n);
    return n;
}

const struct ext ext_auth = {
    .keyword = "AUTH",
    .source = "RFC 4954",
    .hello_step = VERB_AUTH,
    .announce = announce,
};
