/*
 * MT-PRIORITY (RFC 6710): which messages are to go on before others.
 */
#include <errno.h>

#include "client.h"
#include "server_config.h"

#define IF_OFFERED "if-offered:"

/* RFC 6710 section 7: 0, or 1 to 9 with or without a minus. */
static bool is_priority(struct slice value)
{
    bool negative = value.n > 1 && *value.p == '-';

    value = slice_from(value, negative);
    return value.n == 1 && *value.p >= (negative ? '1' : '0') && *value.p <= '9';
}

static int set(void *settings, const char *value, struct diag *d)
{
    struct client_config *cf = settings;
    bool if_offered = strncmp(value, IF_OFFERED, sizeof IF_OFFERED - 1) == 0;
    const char *priority = value + (if_offered ? sizeof IF_OFFERED - 1 : 0);

    if (!is_priority(slice_of(priority)))
        return diag_set(d, -EINVAL,
                        "bad priority: %.40s (--mt-priority takes -9 to 9, or " IF_OFFERED "-9 to "
                        "9)",
                        *value ? value : "empty");
    cf->want[EXT_MT_PRIORITY] = if_offered ? EXT_IF_OFFERED : EXT_MUST;
    cf->own[EXT_MT_PRIORITY].text[0] = priority;
    return 0;
}

static size_t mail(const struct client_config *cf, const struct client_mail *m, char *out)
{
    struct slice priority = slice_of(cf->own[EXT_MT_PRIORITY].text[0]);

    (void)m;
    memcpy(out, " MT-PRIORITY=", 13);
    memcpy(out + 13, priority.p, priority.n);
    return 13 + priority.n;
}

static const char *check_priority(const struct server_config *cf, struct slice value)
{
    (void)cf;
    return is_priority(value) ? NULL : "501 5.5.4 Error: bad MT-PRIORITY parameter\r\n";
}

static const struct ext_parameter parameters[] = {{"MT-PRIORITY", false, check_priority}};

static const struct opt options[] = {
    {.name = "mt-priority",
     .kind = OPT_CUSTOM,
     .arg = "[if-offered:]N",
     .set = set,
     .group = "Extensions",
     .help = "priority of messages, -9 to 9 (RFC 6710)",
     .man =
         "Greet with EHLO and send each message with this priority, from -9 (last) to 9 (first), "
         "by MT-PRIORITY. When the server does not offer that, the run ends with an error; with "
         "if-offered: in front it goes on without. Two runs at once show whether the server lets "
         "the urgent ones pass."},
};

const struct ext ext_mt_priority = {
    .keyword = "MT-PRIORITY",
    .source = "RFC 6710",
    .mail = mail,
    .learn = ext_learn_bare,
    .announce = ext_announce_bare,
    .parameters = parameters,
    .parameter_count = sizeof parameters / sizeof parameters[0],
    .options = options,
    .option_count = sizeof options / sizeof options[0],
};
