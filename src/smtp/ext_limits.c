/*
 * LIMITS (RFC 9422): how many transactions a session, and recipients a transaction may have.
 */
#include <errno.h>
#include <inttypes.h>

#include "client.h"
#include "decimal.h"
#include "server_config.h"

/* RFC 9422 section 4: one to six digits. */
#define LIMIT_MAX 999999

/* Takes "NAME=NUMBER" off the front, separated from the next by the separator. */
static bool next_limit(struct slice *rest, char separator, struct slice *name, uint64_t *value)
{
    const char *end, *equals;
    struct slice word = *rest;

    while (word.n > 0 && *word.p == separator)
        word = slice_from(word, 1);
    if (word.n == 0)
        return false;
    end = memchr(word.p, separator, word.n);
    *rest = slice_from(word, end ? (size_t)(end - word.p) : word.n);
    word.n -= rest->n;
    equals = memchr(word.p, '=', word.n);
    *name = (struct slice){word.p, equals ? (size_t)(equals - word.p) : word.n};
    *value = 0;
    if (!equals || !decimal_parse(slice_from(word, name->n + 1), value) || *value > LIMIT_MAX)
        *value = 0;
    return true;
}

/* Where a limit is kept; NULL for one that is not known. */
static uint32_t *place(struct ext_offer *limits, struct slice name)
{
    return slice_is(name, "MAILMAX")         ? &limits->mails
           : slice_is(name, "RCPTMAX")       ? &limits->rcpts
           : slice_is(name, "RCPTDOMAINMAX") ? &limits->domains
                                             : NULL;
}

static void keep(struct ext_offer *kept, struct slice arguments)
{
    struct slice name;
    uint64_t value;

    while (next_limit(&arguments, ' ', &name, &value)) {
        uint32_t *at = place(kept, name);

        if (at)
            *at = (uint32_t)value;
    }
}

/*
 * A mail's recipients all have one domain, so no limit on domains is in the way: 1 is the least.
 */
static size_t forbid(const struct ext_offer *kept, bool offered, const struct client_mail *m,
                     char *why, size_t size)
{
    if (!offered || kept->rcpts == 0 || m->form->rcpt_count <= kept->rcpts)
        return 0;
    return (size_t)snprintf(why, size,
                            "the server takes at most %" PRIu32
                            " recipients a message (LIMITS), and this one has %" PRIu32
                            ": lower -r, and raise -m instead",
                            kept->rcpts, m->form->rcpt_count);
}

/* "MAILMAX=100+RCPTMAX=50". */
static int learn(struct server_config *cf, const char *argument, struct diag *d)
{
    struct ext_offer limits = {0};
    struct slice rest = slice_of(argument);
    struct slice name;
    uint64_t value = 0;
    bool good = rest.n > 0;

    while (good && next_limit(&rest, '+', &name, &value)) {
        uint32_t *at = place(&limits, name);

        good = at && value > 0;
        if (good)
            *at = (uint32_t)value;
    }
    if (!good)
        return diag_set(d, -EINVAL,
                        "bad announcement: LIMITS=%.40s (takes MAILMAX=, RCPTMAX=, RCPTDOMAINMAX= "
                        "and 1 to %d, with a + between them)",
                        argument, LIMIT_MAX);
    cf->limits = limits;
    return 0;
}

static size_t announce(const struct server_config *cf, char *out, size_t size)
{
    const struct {
        const char *name;
        uint32_t value;
    } all[] = {{"MAILMAX", cf->limits.mails},
               {"RCPTMAX", cf->limits.rcpts},
               {"RCPTDOMAINMAX", cf->limits.domains}};
    size_t n = 0;

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (all[i].value)
            n += (size_t)snprintf(out + n, size - n, "%s%s=%" PRIu32, n > 0 ? " " : "", all[i].name,
                                  all[i].value);
    return n;
}

/* RFC 9422 section 4: what is beyond a limit is refused for now. */
static const char *admit(const struct server_config *cf, bool rcpt, struct slice path,
                         uint32_t number, bool declared)
{
    (void)path;
    (void)declared;
    if (rcpt && cf->limits.rcpts && number > cf->limits.rcpts)
        return "452 4.5.3 Error: too many recipients\r\n";
    if (!rcpt && cf->limits.mails && number > cf->limits.mails)
        return "452 4.7.0 Error: too many transactions in this session\r\n";
    return NULL;
}

static const struct opt options[] = {
    {.name = "limits",
     .kind = OPT_CHOICE,
     .arg = "if-offered",
     .implied = "must",
     .at = offsetof(struct client_config, want[EXT_LIMITS]),
     .choices = ext_want_choices,
     .what = "LIMITS mode",
     .group = "Extensions",
     .help = "keep to the server's limits (RFC 9422)",
     .man = "Greet with EHLO and keep to the limits that the server announces: a session ends "
            "after MAILMAX messages, and the next ones go over a new connection; with more "
            "recipients a message than RCPTMAX (see -r) the run ends with an error before the "
            "first of them. RCPTDOMAINMAX is always kept to, since all recipients have the same "
            "domain. When the server does not offer LIMITS, the run ends with an error; with "
            "=if-offered it goes on without."},
};

const struct ext ext_limits = {
    .keyword = "LIMITS",
    .source = "RFC 9422",
    .keep = keep,
    .forbid = forbid,
    .learn = learn,
    .announce = announce,
    .admit = admit,
    .options = options,
    .option_count = sizeof options / sizeof options[0],
};
