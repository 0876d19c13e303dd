/*
 * What a server says of itself: the greeting, the replies to hello, the announced extensions.
 */
#include <errno.h>
#include <stdlib.h>

#include "server_impl.h"

/* The plain list, in the peer's order; an offset of a bool in the config drops the line. */
struct plain_line {
    const char *text;
    size_t dropped_by;
};

static const struct plain_line plain_list[] = {
    {"PIPELINING", offsetof(struct server_config, no_pipelining)},
    {"8BITMIME", offsetof(struct server_config, no_8bitmime)},
    {"AUTH PLAIN LOGIN", offsetof(struct server_config, no_auth)},
    {"XCLIENT NAME HELO", offsetof(struct server_config, no_xclient)},
    {"XFORWARD NAME ADDR PROTO HELO", offsetof(struct server_config, no_xforward)},
    {"ENHANCEDSTATUSCODES", offsetof(struct server_config, no_enhanced)},
    {"DSN", offsetof(struct server_config, no_dsn)},
};

#define PLAIN_COUNT (sizeof plain_list / sizeof plain_list[0])

/* The most that an extension's arguments in the list may take. */
#define ANNOUNCE_MAX 256

/* Announced by whoever has what it takes: a certificate, users. */
static const struct {
    const char *keyword;
    const char *instead;
} by_option[] = {{"STARTTLS", "--tls"}, {"AUTH", "--auth-users or --auth"}};

static int unknown_keyword(const char *keyword, struct diag *d)
{
    char known[200] = "";
    size_t n = 0;

    for (size_t i = 0; i < sizeof by_option / sizeof by_option[0]; i++)
        if (strcasecmp(keyword, by_option[i].keyword) == 0)
            return diag_set(d, -EINVAL, "cannot announce %s (%s does that)", keyword,
                            by_option[i].instead);
    for (size_t i = 0; i < EXT_COUNT; i++) {
        size_t length = strlen(ext_rows[i]->keyword);

        if (!ext_rows[i]->learn || n + length + 3 > sizeof known)
            continue;
        memcpy(known + n, ", ", n > 0 ? 2 : 0);
        n += n > 0 ? 2 : 0;
        memcpy(known + n, ext_rows[i]->keyword, length + 1);
        n += length;
    }
    return diag_set(d, -EINVAL,
                    "cannot announce %s (--announce takes KEYWORD[=ARGUMENT],... of %s)",
                    *keyword ? keyword : "an empty keyword", known);
}

static int announce_one(struct server_config *cf, const char *word, size_t n, struct diag *d)
{
    char item[ANNOUNCE_MAX];
    char *equals;

    if (n >= sizeof item)
        return diag_set(d, -EINVAL, "bad announcement: %.40s... (too long)", word);
    memcpy(item, word, n);
    item[n] = '\0';
    equals = strchr(item, '=');
    if (equals)
        *equals = '\0';
    for (size_t i = 0; i < EXT_COUNT; i++) {
        int rc;

        if (!ext_rows[i]->learn || strcasecmp(ext_rows[i]->keyword, item) != 0)
            continue;
        rc = ext_rows[i]->learn(cf, equals ? equals + 1 : "", d);
        if (rc == 0)
            cf->announced[i] = true;
        return rc;
    }
    return unknown_keyword(item, d);
}

int server_announce(struct server_config *cf, const char *list, struct diag *d)
{
    while (*list) {
        size_t n = strcspn(list, ", ");
        int rc = n > 0 ? announce_one(cf, list, n, d) : 0;

        if (rc < 0)
            return rc;
        list += n;
        list += *list != '\0';
    }
    return 0;
}

void server_announce_all(struct server_config *cf)
{
    struct diag ignored;

    for (size_t i = 0; i < EXT_COUNT; i++)
        if (ext_rows[i]->learn && ext_rows[i]->learn(cf, "", &ignored) == 0)
            cf->announced[i] = true;
}

static char *add(char *at, struct slice s)
{
    memcpy(at, s.p, s.n);
    return at + s.n;
}

static char *add_line(char *at, const char *start, const char *text, const char *more, size_t n)
{
    at = add(at, slice_of(start));
    at = add(at, slice_of(text));
    if (n > 0) {
        at = add(at, SLICE(" "));
        at = add(at, (struct slice){more, n});
    }
    return add(at, SLICE("\r\n"));
}

static char *add_ehlo(const struct server_config *cf, char *at, bool secure)
{
    at = add_line(at, "250-", cf->hostname, "", 0);
    for (size_t i = 0; i < PLAIN_COUNT; i++)
        if (!*((const bool *)((const char *)cf + plain_list[i].dropped_by)) &&
            !(cf->announced[EXT_AUTH] &&
              plain_list[i].dropped_by == offsetof(struct server_config, no_auth)))
            at = add_line(at, "250-", plain_list[i].text, "", 0);
    for (size_t i = 0; i < EXT_COUNT; i++) {
        const struct ext *e = ext_rows[i];
        char more[ANNOUNCE_MAX];

        if (e->where == (secure ? EXT_IN_CLEAR : EXT_IN_TLS))
            continue;
        if (!secure && i == EXT_AUTH && !cf->auth_clear)
            continue;
        if (cf->announced[i] && e->announce)
            at = add_line(at, "250-", e->keyword, more, e->announce(cf, more, sizeof more));
    }
    return add_line(at, "250 ", "", "", 0);
}

static size_t texts_size(const struct server_config *cf)
{
    size_t n =
        3 * (strlen(cf->hostname) + sizeof "250-\r\n") + sizeof "220  ESMTP\r\n250 \r\n********";

    for (size_t i = 0; i < PLAIN_COUNT; i++)
        n += strlen(plain_list[i].text) + sizeof "250-\r\n";
    for (size_t i = 0; i < EXT_COUNT; i++)
        n += strlen(ext_rows[i]->keyword) + sizeof "250- \r\n" + ANNOUNCE_MAX;
    return n;
}

static void longest(struct server_config *cf, struct slice reply)
{
    if (reply.n > cf->reply_room)
        cf->reply_room = (uint32_t)reply.n;
}

int server_config_freeze(struct server_config *cf, struct diag *d)
{
    bool esmtp = !cf->no_esmtp && !cf->pix;
    char *at = malloc(2 * texts_size(cf)); /* two lists */

    if (!at)
        return diag_set(d, -ENOMEM, "out of memory");
    cf->texts = at;
    at = add_line(at, "220 ", cf->pix ? "********" : cf->hostname, "ESMTP", esmtp ? 5 : 0);
    cf->greeting = (struct slice){cf->texts, (size_t)(at - cf->texts)};
    cf->helo.p = at;
    at = add_line(at, "250 ", cf->hostname, "", 0);
    cf->helo.n = (size_t)(at - cf->helo.p);
    cf->ehlo.p = at;
    at = add_ehlo(cf, at, false);
    cf->ehlo.n = (size_t)(at - cf->ehlo.p);
    cf->ehlo_secure.p = at;
    at = add_ehlo(cf, at, true);
    cf->ehlo_secure.n = (size_t)(at - cf->ehlo_secure.p);

    cf->reply_room = SERVER_REPLY_MAX;
    longest(cf, cf->greeting);
    longest(cf, cf->helo);
    longest(cf, cf->ehlo);
    cf->verbs = 0;
    cf->looks = false;
    for (unsigned i = 0; i < SERVER_VERB_COUNT; i++)
        if (server_verbs[i].known && server_verbs[i].known(cf))
            cf->verbs |= 1u << i;
    for (size_t i = 0; i < EXT_COUNT; i++)
        cf->looks |= cf->announced[i] && (ext_rows[i]->parameter_count || ext_rows[i]->admit);
    return 0;
}

void server_config_done(struct server_config *cf)
{
    free(cf->texts);
    cf->texts = NULL;
}
