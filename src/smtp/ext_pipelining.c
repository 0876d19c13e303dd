/*
 * PIPELINING (RFC 2920): several commands in flight.
 */
#include <errno.h>

#include "client.h"
#include "server_config.h"

static uint32_t window(const struct client_config *cf)
{
    return (uint32_t)cf->window;
}

static int check(const struct client_config *cf, struct diag *d)
{
    bool wanted = cf->want[EXT_PIPELINING] != EXT_NO;

    if (cf->window && !wanted)
        return diag_set(d, -EINVAL, "--pipeline-window needs --pipelining");
    if (cf->in_flight && !wanted)
        return diag_set(d, -EINVAL, "--in-flight needs --pipelining");
    if (cf->in_flight > 1 && cf->lmtp)
        return diag_set(d, -EINVAL, "--in-flight is for SMTP: LMTP has one message in flight");
    return 0;
}

/* It stands in the plain list, and announcing it only makes sure of that. */
static int learn(struct server_config *cf, const char *argument, struct diag *d)
{
    cf->no_pipelining = false;
    return ext_learn_bare(cf, argument, d);
}

static const struct opt options[] = {
    {.name = "pipelining",
     .kind = OPT_CHOICE,
     .arg = "if-offered",
     .implied = "must",
     .at = offsetof(struct client_config, want[EXT_PIPELINING]),
     .choices = ext_want_choices,
     .what = "pipelining mode",
     .group = "Extensions",
     .help = "several commands in flight (RFC 2920)",
     .man =
         "Greet with EHLO and send several commands without waiting for each reply. When the "
         "server does not offer PIPELINING, the run ends with an error; with =if-offered it goes "
         "on in lockstep."},
    {.name = "pipeline-window",
     .kind = OPT_COUNT,
     .arg = "COMMANDS",
     .at = offsetof(struct client_config, window),
     .min = 1,
     .max = 65535,
     .what = "pipeline window",
     .group = "Extensions",
     .help = "commands in flight (default 100)",
     .man = "With --pipelining, the largest number of commands whose replies have not come yet "
            "(default 100). 1 is lockstep."},
    {.name = "in-flight",
     .kind = OPT_COUNT,
     .arg = "MESSAGES",
     .at = offsetof(struct client_config, in_flight),
     .min = 1,
     .max = 1024,
     .what = "number of messages in flight",
     .group = "Extensions",
     .help = "messages begun and not yet answered",
     .man = "With --pipelining, how many messages of a session may be under way at the same time, "
            "SMTP only. By default the next one begins behind the end of the last one's data, and "
            "with --chunking when that is answered: the server's refusal of one message there "
            "also hits those in flight behind it, which then count as collateral."},
};

const struct ext ext_pipelining = {
    .keyword = "PIPELINING",
    .source = "RFC 2920",
    .window = window,
    .check = check,
    .learn = learn,
    .options = options,
    .option_count = sizeof options / sizeof options[0],
};
