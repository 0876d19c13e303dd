/*
 * The server's verbs, one row each: when clients may use it, and what it does. Unless strict,
 * arguments are not checked: this is a load tool's sink, and takes whatever a client sends.
 */
#include "decimal.h"
#include "dotscan.h"
#include "path.h"
#include "server_impl.h"
#include "xtext.h"

const struct server_reply_texts server_texts = {
#define X(id, text) .id = {text "\r\n", sizeof(text) + 1},
    SERVER_REPLY_LIST(X)
#undef X
};

static bool always(const struct server_config *cf)
{
    (void)cf;
    return true;
}

static bool in_smtp(const struct server_config *cf)
{
    return !cf->lmtp;
}

static bool in_esmtp(const struct server_config *cf)
{
    return !cf->lmtp && !cf->no_esmtp && !cf->pix;
}

static bool in_lmtp(const struct server_config *cf)
{
    return cf->lmtp;
}

static bool has_xclient(const struct server_config *cf)
{
    return !cf->no_xclient || cf->announced[EXT_XCLIENT];
}

static bool has_xforward(const struct server_config *cf)
{
    return !cf->no_xforward;
}

static bool has_chunking(const struct server_config *cf)
{
    return cf->announced[EXT_CHUNKING];
}

static bool has_starttls(const struct server_config *cf)
{
    return cf->announced[EXT_STARTTLS];
}

static struct slice run_helo(struct server *sv, struct slice args)
{
    (void)args;
    server_reset(sv);
    return sv->context->config->helo;
}

static struct slice run_ehlo(struct server *sv, struct slice args)
{
    (void)args;
    server_reset(sv);
    return sv->secure ? sv->context->config->ehlo_secure : sv->context->config->ehlo;
}

/* Has one parameter (RFC 5321 section 4.1.2, esmtp-param) looked at by its extension. */
static struct slice check_parameter(struct server *sv, bool rcpt, struct slice key,
                                    struct slice value)
{
    const struct server_config *cf = sv->context->config;

    for (size_t i = 0; i < EXT_COUNT; i++) {
        const struct ext *e = ext_rows[i];

        for (size_t k = 0; cf->announced[i] && k < e->parameter_count; k++) {
            const struct ext_parameter *p = &e->parameters[k];
            const char *refusal;

            if (p->rcpt != rcpt || !slice_is(key, p->keyword))
                continue;
            if (e->where == EXT_IN_TLS && !sv->secure)
                return server_texts.not_here;
            if (!rcpt)
                sv->declared |= (uint16_t)(1u << i);
            refusal = p->check(cf, value);
            return refusal ? slice_of(refusal) : (struct slice){NULL, 0};
        }
    }
    return (struct slice){NULL, 0};
}

/* What announced extensions refuse a MAIL or RCPT for; empty when they don't. */
static struct slice ask_extensions(struct server *sv, bool rcpt, struct slice path,
                                   struct slice parameters)
{
    const struct server_config *cf = sv->context->config;
    struct slice refusal = {NULL, 0};
    struct slice key, value;
    uint32_t number = rcpt ? sv->recipients + 1 : ++sv->mails;

    if (!rcpt)
        sv->declared = 0;
    while (refusal.n == 0 && path_parameter(&parameters, &key, &value))
        refusal = check_parameter(sv, rcpt, key, value);
    for (size_t i = 0; i < EXT_COUNT && refusal.n == 0; i++) {
        const struct ext *e = ext_rows[i];
        const char *words = NULL;

        if (cf->announced[i] && e->admit)
            words = e->admit(cf, rcpt, path, number, sv->declared & (1u << i));
        if (words)
            refusal = slice_of(words);
    }
    return refusal;
}

/* What a path and its parameters are refused for; empty when they are fine. */
static struct slice check_argument(struct server *sv, bool rcpt, struct slice args)
{
    const struct server_config *cf = sv->context->config;
    struct slice refusal = {NULL, 0};
    struct slice parameters, path;

    if (!cf->strict && !cf->looks)
        return refusal;
    path = path_find(args, &parameters);
    if (cf->strict && rcpt && sv->recipients >= STRICT_RECIPIENTS)
        refusal = server_texts.too_many;
    else if (cf->strict)
        refusal = strict_path(path);
    if (refusal.n == 0 && cf->looks)
        refusal = ask_extensions(sv, rcpt, path, parameters);
    return refusal;
}

static struct slice run_mail(struct server *sv, struct slice args)
{
    struct slice refusal;

    if (sv->mail)
        return server_texts.nested_mail;
    if (sv->context->config->auth_required && !sv->authentic)
        return server_texts.auth_needed;
    refusal = check_argument(sv, false, args);
    if (refusal.n > 0)
        return refusal;
    sv->mail = true;
    return server_texts.ok_mail;
}

static struct slice run_rcpt(struct server *sv, struct slice args)
{
    struct slice refusal;

    if (!sv->mail)
        return server_texts.need_mail;
    if (sv->chunked)
        return server_texts.rcpt_after_bdat;
    refusal = check_argument(sv, true, args);
    if (refusal.n > 0)
        return refusal;
    sv->recipients++;
    return server_texts.ok_rcpt;
}

static struct slice run_data(struct server *sv, struct slice args)
{
    (void)args;
    if (sv->recipients == 0)
        return server_texts.need_rcpt;
    if (sv->chunked) /* RFC 3030 section 2 */
        return server_texts.data_after_bdat;
    sv->octets = 0;
    sv->scan = DOTSCAN_CRLF;
    sv->strict = (struct strict){0};
    sv->state = SERVER_STATE_CONTENT;
    return server_texts.go_ahead;
}

/*
 * BDAT SP chunk-size [SP LAST] (RFC 3030 section 2). A refused one is answered behind its octets,
 * which are read all the same; when nobody knows how many there are, the session can't go on.
 */
static struct slice run_bdat(struct server *sv, struct slice args)
{
    const char *blank = memchr(args.p, ' ', args.n);
    struct slice size = {args.p, blank ? (size_t)(blank - args.p) : args.n};
    struct slice end = slice_from(args, size.n);
    struct slice refusal = {NULL, 0};
    uint64_t octets;

    if (!decimal_parse(size, &octets)) {
        server_finish(sv, SERVER_END_CHUNK);
        return server_texts.bad_chunk;
    }
    while (end.n > 0 && *end.p == ' ')
        end = slice_from(end, 1);
    while (end.n > 0 && end.p[end.n - 1] == ' ')
        end.n--;
    if (end.n > 0 && !slice_is(end, "LAST"))
        refusal = server_texts.bad_chunk;
    else if (sv->recipients == 0)
        refusal = server_texts.need_rcpt;
    server_begin_chunk(sv, octets, end.n > 0, refusal);
    return (struct slice){NULL, 0};
}

static struct slice run_rset(struct server *sv, struct slice args)
{
    (void)args;
    server_reset(sv);
    return server_texts.ok_mail;
}

static struct slice run_ok(struct server *sv, struct slice args)
{
    (void)sv;
    (void)args;
    return server_texts.ok;
}

/*
 * RFC 3207 section 4. Whatever came behind it came in the clear, from anybody: that must not be
 * taken for what the client says within TLS.
 */
static struct slice run_starttls(struct server *sv, struct slice args)
{
    if (sv->secure)
        return server_texts.tls_twice;
    if (args.n > 0)
        return server_texts.tls_argument;
    if (sv->behind) {
        server_finish(sv, SERVER_END_INJECTION);
        return server_texts.tls_pipelined;
    }
    server_reset(sv);
    sv->state = SERVER_STATE_TLS;
    return server_texts.tls_ready;
}

/* Unless it was asked for, it is taken as whatever the client may send, and nothing follows. */
static struct slice run_xclient(struct server *sv, struct slice args)
{
    const struct server_hooks *hooks = sv->context->hooks;
    struct slice name, value;
    bool any = false;

    if (!sv->context->config->announced[EXT_XCLIENT])
        return server_texts.ok;
    if (sv->mail)
        return server_texts.xclient_mail;
    while (path_parameter(&args, &name, &value)) {
        any = value.n > 0 && server_knows_attribute(name) && xtext_is(value);
        if (any && hooks && hooks->client)
            any = hooks->client(sv, name, value);
        if (!any)
            break;
    }
    return any ? sv->context->config->greeting : server_texts.xclient_bad;
}

/* RFC 4954 section 4: once a session, and not within a transaction. */
static struct slice run_auth(struct server *sv, struct slice args)
{
    if (!sv->context->auth)
        return server_texts.ok;
    if (sv->authentic)
        return server_texts.auth_twice;
    if (sv->mail)
        return server_texts.auth_in_mail;
    if (args.n == 0)
        return server_texts.auth_argument;
    return server_authenticate(sv, true, args);
}

static struct slice run_quit(struct server *sv, struct slice args)
{
    (void)args;
    server_finish(sv, SERVER_END_QUIT);
    return server_texts.bye;
}

const struct server_verb_row server_verbs[SERVER_VERB_COUNT] = {
    [SERVER_MAIL] = {always, run_mail},
    [SERVER_RCPT] = {always, run_rcpt},
    [SERVER_DATA] = {always, run_data},
    [SERVER_BDAT] = {has_chunking, run_bdat, .late = true},
    [SERVER_RSET] = {always, run_rset},
    [SERVER_NOOP] = {always, run_ok},
    [SERVER_QUIT] = {always, run_quit},
    [SERVER_HELO] = {in_smtp, run_helo},
    [SERVER_EHLO] = {in_esmtp, run_ehlo},
    [SERVER_LHLO] = {in_lmtp, run_ehlo},
    [SERVER_VRFY] = {always, run_ok},
    [SERVER_AUTH] = {always, run_auth}, /* also with -a, which only stops announcing it */
    [SERVER_XCLIENT] = {has_xclient, run_xclient},
    [SERVER_XFORWARD] = {has_xforward, run_ok},
    [SERVER_STARTTLS] = {has_starttls, run_starttls},
};

static const struct slice names[SERVER_VERB_COUNT] = {
#define X(id, text) {text, sizeof(text) - 1},
    SERVER_VERB_LIST(X)
#undef X
};

const char *server_verb_name(enum server_verb verb)
{
    return names[verb].p;
}

/*
 * Compares the first four letters as one number. All names are letters, and an octet that is a
 * given letter but for bit 5 is that letter in upper or lower case: so for most verbs this is all.
 * The rows in front are the commonest.
 */
enum server_verb server_find_verb(const struct server_config *cf, struct slice word)
{
    uint32_t want, have;

    if (word.n < sizeof want)
        return SERVER_UNKNOWN;
    memcpy(&want, word.p, sizeof want);
    want &= 0xdfdfdfdf;
    for (unsigned i = 0; i < SERVER_VERB_COUNT && server_verbs[i].run; i++) {
        memcpy(&have, names[i].p, sizeof have);
        if (have == want && names[i].n == word.n &&
            (word.n == sizeof have || strncasecmp(names[i].p, word.p, word.n) == 0))
            return cf->verbs & (1u << i) ? (enum server_verb)i : SERVER_UNKNOWN;
    }
    return SERVER_UNKNOWN;
}
