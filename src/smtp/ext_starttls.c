/*
 * STARTTLS (RFC 3207), and TLS from the first octet on (RFC 8314): when TLS begins. What it is, is
 * the owner's business.
 */
#include <errno.h>

#include "client_impl.h"
#include "server_config.h"

enum mode { MODE_STARTTLS, MODE_IMPLICIT, MODE_IF_OFFERED };

static const struct opt_choice modes[] = {
    {"starttls", MODE_STARTTLS},
    {"implicit", MODE_IMPLICIT},
    {"if-offered", MODE_IF_OFFERED},
    {NULL, 0},
};

static int set_mode(void *settings, const char *value, struct diag *d)
{
    struct client_config *cf = settings;
    const struct opt_choice *m = modes;

    while (m->name && strcmp(m->name, value) != 0)
        m++;
    if (!m->name)
        return diag_set(d, -EINVAL,
                        "bad TLS mode: %.40s (--tls takes starttls, implicit or if-offered)",
                        *value ? value : "empty");
    cf->implicit_tls = m->value == MODE_IMPLICIT;
    cf->want[EXT_STARTTLS] = m->value == MODE_STARTTLS     ? EXT_MUST
                             : m->value == MODE_IF_OFFERED ? EXT_IF_OFFERED
                                                           : EXT_NO;
    return 0;
}

static size_t announce(const struct server_config *cf, char *out, size_t size)
{
    (void)cf;
    (void)out;
    (void)size;
    return 0;
}

static const struct opt options[] = {
    {.name = "tls",
     .kind = OPT_CUSTOM,
     .arg = "starttls|implicit|if-offered",
     .implied = "starttls",
     .set = set_mode,
     .group = "TLS",
     .help = "encrypt (RFC 3207, RFC 8314)",
     .man =
         "Encrypt the sessions. starttls (also without an argument): say STARTTLS behind EHLO or "
         "LHLO; a server that does not offer it ends the run with an error. implicit: begin "
         "with TLS, as servers on port 465 want it, which is the default port then. if-offered: "
         "STARTTLS where it is offered, and plaintext where it is not, which the summary "
         "counts. Plaintext is never used otherwise. The server's certificate is verified; see "
         "TLS below."},
};

const struct ext ext_starttls = {
    .keyword = "STARTTLS",
    .source = "RFC 3207",
    .where = EXT_IN_CLEAR, /* RFC 3207 section 4.2 */
    .hello_step = VERB_STARTTLS,
    .announce = announce,
    .options = options,
    .option_count = sizeof options / sizeof options[0],
};
