/*
 * The server's verbs, one row each: when clients may use it, and what it does. Arguments are not
 * checked: this is a load tool's sink, and takes whatever a client wants to send.
 */
#include "decimal.h"
#include "dotscan.h"
#include "server_impl.h"

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
    return !cf->no_xclient;
}

static bool has_xforward(const struct server_config *cf)
{
    return !cf->no_xforward;
}

static bool has_chunking(const struct server_config *cf)
{
    return cf->announced[EXT_CHUNKING];
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
    return sv->context->config->ehlo;
}

/* The path's end in "FROM:<path> parameters": where the parameters begin. Quotes may hide a '>'. */
static struct slice skip_path(struct slice args)
{
    const char *colon = memchr(args.p, ':', args.n);
    bool quoted = false;
    bool bracketed;
    size_t i = 0;

    if (colon)
        args = slice_from(args, (size_t)(colon + 1 - args.p));
    while (args.n > 0 && *args.p == ' ')
        args = slice_from(args, 1);
    bracketed = args.n > 0 && *args.p == '<';
    for (; i < args.n; i++) {
        if (quoted && args.p[i] == '\\')
            i++;
        else if (args.p[i] == '"')
            quoted = !quoted;
        else if (!quoted && args.p[i] == (bracketed ? '>' : ' '))
            break;
    }
    return i < args.n ? slice_from(args, i + 1) : (struct slice){args.p, 0};
}

/* Has one MAIL parameter (RFC 5321 section 4.1.2, esmtp-param) looked at by its extension. */
static struct slice check_parameter(const struct server_config *cf, struct slice word)
{
    const char *equals = memchr(word.p, '=', word.n);
    struct slice key = {word.p, equals ? (size_t)(equals - word.p) : word.n};
    struct slice value = slice_from(word, equals ? key.n + 1 : key.n);

    for (size_t i = 0; i < EXT_COUNT; i++) {
        const struct ext *e = ext_rows[i];

        if (cf->announced[i] && e->mail_keyword && slice_is(key, e->mail_keyword)) {
            const char *refusal = e->mail_parameter(cf, value);

            return refusal ? slice_of(refusal) : (struct slice){NULL, 0};
        }
    }
    return (struct slice){NULL, 0};
}

static struct slice check_parameters(const struct server_config *cf, struct slice args)
{
    struct slice rest = skip_path(args);
    struct slice refusal = {NULL, 0};

    while (rest.n > 0 && refusal.n == 0) {
        const char *blank = memchr(rest.p, ' ', rest.n);
        struct slice word = {rest.p, blank ? (size_t)(blank - rest.p) : rest.n};

        refusal = check_parameter(cf, word);
        rest = slice_from(rest, blank ? word.n + 1 : word.n);
    }
    return refusal;
}

static struct slice run_mail(struct server *sv, struct slice args)
{
    const struct server_config *cf = sv->context->config;
    struct slice refusal = {NULL, 0};

    if (sv->mail)
        return server_texts.nested_mail;
    if (cf->parameters)
        refusal = check_parameters(cf, args);
    if (refusal.n > 0)
        return refusal;
    sv->mail = true;
    return server_texts.ok_mail;
}

static struct slice run_rcpt(struct server *sv, struct slice args)
{
    (void)args;
    if (!sv->mail)
        return server_texts.need_mail;
    if (sv->chunked)
        return server_texts.rcpt_after_bdat;
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
    [SERVER_AUTH] = {always, run_ok}, /* also with -a, which only stops announcing it */
    [SERVER_XCLIENT] = {has_xclient, run_ok},
    [SERVER_XFORWARD] = {has_xforward, run_ok},
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
