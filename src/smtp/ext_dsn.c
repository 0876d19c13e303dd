/*
 * DSN (RFC 3461): which delivery status notifications are wanted.
 */
#include <errno.h>

#include "client.h"
#include "path.h"
#include "server_config.h"
#include "xtext.h"

/* RFC 3461 sections 4.2 and 4.4. */
#define ORCPT_MAX 500
#define ENVID_MAX 100

/* Of the options' texts: ENVID plain, NOTIFY as the parameter's value, in any case. */
enum text { ENVID, NOTIFY };

enum ret { RET_NONE, RET_FULL, RET_HDRS };

static bool is_notify(struct slice list)
{
    static const char *const words[] = {"SUCCESS", "FAILURE", "DELAY"};
    unsigned seen = 0;

    if (slice_is(list, "NEVER"))
        return true;
    for (;;) {
        const char *comma = memchr(list.p, ',', list.n);
        struct slice word = {list.p, comma ? (size_t)(comma - list.p) : list.n};
        unsigned i = 0;

        while (i < 3 && !slice_is(word, words[i]))
            i++;
        if (i == 3 || seen & (1u << i))
            return false;
        seen |= 1u << i;
        if (!comma)
            return true;
        list = slice_from(list, word.n + 1);
    }
}

static int set_notify(void *settings, const char *value, struct diag *d)
{
    if (!is_notify(slice_of(value)))
        return diag_set(d, -EINVAL,
                        "bad notification: %.40s (--dsn-notify takes never, or of success, failure "
                        "and delay those wanted, with commas between them)",
                        *value ? value : "empty");
    ((struct client_config *)settings)->own[EXT_DSN].text[NOTIFY] = value;
    return 0;
}

/* RFC 3461 section 4.4: what xtext stands for is to be printable, too. */
static bool is_envid(const char *text)
{
    size_t n = 0;

    while (text[n] >= ' ' && text[n] < 127)
        n++;
    return n > 0 && !text[n] && xtext_length(slice_of(text)) <= ENVID_MAX;
}

static int set_envid(void *settings, const char *value, struct diag *d)
{
    if (!is_envid(value))
        return diag_set(d, -EINVAL,
                        "bad envelope identifier: %.40s (--dsn-envid takes 1 to %d printable ASCII "
                        "characters; others than letters and digits may count as three)",
                        *value ? value : "empty", ENVID_MAX);
    ((struct client_config *)settings)->own[EXT_DSN].text[ENVID] = value;
    return 0;
}

static int check(const struct client_config *cf, struct diag *d)
{
    const struct ext_own *own = &cf->own[EXT_DSN];
    bool asked = own->choice || own->text[ENVID] || own->text[NOTIFY] || own->flag;

    if (asked && cf->want[EXT_DSN] == EXT_NO)
        return diag_set(d, -EINVAL, "%s needs --dsn",
                        own->choice         ? "--dsn-ret"
                        : own->text[ENVID]  ? "--dsn-envid"
                        : own->text[NOTIFY] ? "--dsn-notify"
                                            : "--dsn-orcpt");
    if (!asked && cf->want[EXT_DSN] != EXT_NO)
        return diag_set(d, -EINVAL,
                        "--dsn needs to be told what to send: --dsn-ret, --dsn-envid, --dsn-notify "
                        "or --dsn-orcpt");
    return 0;
}

static char *put(char *at, const char *text)
{
    size_t n = strlen(text);

    memcpy(at, text, n);
    return at + n;
}

static size_t mail(const struct client_config *cf, const struct client_mail *m, char *out)
{
    const struct ext_own *own = &cf->own[EXT_DSN];
    char *at = out;

    (void)m;
    if (own->choice)
        at = put(at, own->choice == RET_FULL ? " RET=FULL" : " RET=HDRS");
    if (own->text[ENVID]) {
        at = put(at, " ENVID=");
        at += xtext_write(slice_of(own->text[ENVID]), at);
    }
    return (size_t)(at - out);
}

/*
 * RFC 3461 section 4.2, and RFC 6533 section 3 for an address in UTF-8. One that is too long for
 * the parameter goes without.
 */
static size_t rcpt(const struct client_config *cf, struct slice path, char *out)
{
    const struct ext_own *own = &cf->own[EXT_DSN];
    struct slice mailbox = path_mailbox(path);
    bool ascii = ext_is_ascii(mailbox);
    char *at = out;

    if (own->text[NOTIFY]) {
        at = put(at, " NOTIFY=");
        for (const char *c = own->text[NOTIFY]; *c; c++)
            *at++ = *c == ',' ? *c : (char)(*c & ~0x20); /* letters, to upper case */
    }
    if (!own->flag || (ascii ? xtext_length(mailbox) : mailbox.n) > ORCPT_MAX - 7)
        return (size_t)(at - out);
    at = put(at, ascii ? " ORCPT=rfc822;" : " ORCPT=utf-8;");
    if (ascii)
        return (size_t)(at - out) + xtext_write(mailbox, at);
    memcpy(at, mailbox.p, mailbox.n);
    return (size_t)(at - out) + mailbox.n;
}

/* It stands in the plain list, and announcing it makes sure of that and has parameters looked at.
 */
static int learn(struct server_config *cf, const char *argument, struct diag *d)
{
    cf->no_dsn = false;
    return ext_learn_bare(cf, argument, d);
}

static const char *check_ret(const struct server_config *cf, struct slice value)
{
    (void)cf;
    if (slice_is(value, "FULL") || slice_is(value, "HDRS"))
        return NULL;
    return "501 5.5.4 Error: bad RET parameter\r\n";
}

static const char *check_envid(const struct server_config *cf, struct slice value)
{
    (void)cf;
    if (value.n > 0 && value.n <= ENVID_MAX && xtext_is(value))
        return NULL;
    return "501 5.5.4 Error: bad ENVID parameter\r\n";
}

static const char *check_notify(const struct server_config *cf, struct slice value)
{
    (void)cf;
    return is_notify(value) ? NULL : "501 5.5.4 Error: bad NOTIFY parameter\r\n";
}

static const char *check_orcpt(const struct server_config *cf, struct slice value)
{
    const char *semicolon = memchr(value.p, ';', value.n);
    struct slice address = slice_from(value, semicolon ? (size_t)(semicolon + 1 - value.p) : 0);

    (void)cf;
    if (semicolon && semicolon > value.p && value.n <= ORCPT_MAX &&
        (!ext_is_ascii(address) || xtext_is(address)))
        return NULL;
    return "501 5.5.4 Error: bad ORCPT parameter\r\n";
}

static const struct ext_parameter parameters[] = {
    {"RET", false, check_ret},
    {"ENVID", false, check_envid},
    {"NOTIFY", true, check_notify},
    {"ORCPT", true, check_orcpt},
};

static const struct opt_choice rets[] = {
    {"full", RET_FULL},
    {"hdrs", RET_HDRS},
    {NULL, 0},
};

static const struct opt options[] = {
    {.name = "dsn",
     .kind = OPT_CHOICE,
     .arg = "if-offered",
     .implied = "must",
     .at = offsetof(struct client_config, want[EXT_DSN]),
     .choices = ext_want_choices,
     .what = "DSN mode",
     .group = "Extensions",
     .help = "ask for delivery notifications (RFC 3461)",
     .man = "Greet with EHLO and send with MAIL and RCPT what the other --dsn options say. When "
            "the server does not offer DSN, the run ends with an error; with =if-offered it goes "
            "on without."},
    {.name = "dsn-ret",
     .kind = OPT_CHOICE,
     .arg = "full|hdrs",
     .at = offsetof(struct client_config, own[EXT_DSN].choice),
     .choices = rets,
     .what = "part to return",
     .group = "Extensions",
     .help = "what failure notices return (RET)",
     .man = "With --dsn, whether a notice of failure is to return the whole message (full) or its "
            "headers (hdrs)."},
    {.name = "dsn-envid",
     .kind = OPT_CUSTOM,
     .arg = "TEXT",
     .set = set_envid,
     .group = "Extensions",
     .help = "envelope identifier (ENVID)",
     .man = "With --dsn, the envelope identifier that notices are to name, the same for all "
            "messages. It is encoded as xtext, in which it may take 100 characters."},
    {.name = "dsn-notify",
     .kind = OPT_CUSTOM,
     .arg = "never|success,failure,delay",
     .set = set_notify,
     .group = "Extensions",
     .help = "when to notify (NOTIFY)",
     .man = "With --dsn, the events that the sender is to be notified of, for each recipient."},
    {.name = "dsn-orcpt",
     .kind = OPT_FLAG,
     .at = offsetof(struct client_config, own[EXT_DSN].flag),
     .group = "Extensions",
     .help = "send the original recipient (ORCPT)",
     .man = "With --dsn, send each recipient's address as the original one, too. An address that "
            "is longer than the 500 characters of that parameter goes without."},
};

const struct ext ext_dsn = {
    .keyword = "DSN",
    .source = "RFC 3461",
    .check = check,
    .mail = mail,
    .rcpt = rcpt,
    .learn = learn,
    .parameters = parameters,
    .parameter_count = sizeof parameters / sizeof parameters[0],
    .options = options,
    .option_count = sizeof options / sizeof options[0],
};
