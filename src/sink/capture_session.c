/*
 * From the server machine's hooks to transactions: which commands begin, shape and end one.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "capture_impl.h"

/* How the client has greeted: what stands in front of the letters for TLS and AUTH. */
enum greeting { GREETED_SMTP, GREETED_ESMTP, GREETED_LMTP };

/* RFC 3848, by TLS and AUTH; it has no words for those with SMTP. */
static const char *const protocols[][2][2] = {
    [GREETED_SMTP] = {{"SMTP", "SMTP"}, {"SMTP", "SMTP"}},
    [GREETED_ESMTP] = {{"ESMTP", "ESMTPA"}, {"ESMTPS", "ESMTPSA"}},
    [GREETED_LMTP] = {{"LMTP", "LMTPA"}, {"LMTPS", "LMTPSA"}},
};

struct capture_session {
    struct capture *capture;
    struct record *record; /* NULL: no transaction is open */
    struct capture_client client;
    enum greeting greeting;
    char *helo; /* where client.helo points to */
};

static void set_address(struct capture_client *client, const struct sockaddr *peer,
                        socklen_t length)
{
    char text[INET6_ADDRSTRLEN];
    const void *octets = NULL;
    bool v6 = false;

    if (length > 0 && peer->sa_family == AF_INET) {
        octets = &((const struct sockaddr_in *)(const void *)peer)->sin_addr;
    } else if (length > 0 && peer->sa_family == AF_INET6) {
        octets = &((const struct sockaddr_in6 *)(const void *)peer)->sin6_addr;
        v6 = true;
    }
    if (octets && inet_ntop(peer->sa_family, octets, text, sizeof text))
        (void)snprintf(client->address, sizeof client->address, "%s%s", v6 ? "ipv6:" : "", text);
    else
        (void)snprintf(client->address, sizeof client->address, "local");
}

static void abort_open(struct capture_session *s)
{
    if (s->record)
        capture_abort(s->capture, s->record, RECORD_ABORTED, 0);
    s->record = NULL;
}

struct capture_session *capture_connect(struct capture *c, const struct sockaddr *peer,
                                        socklen_t length)
{
    struct capture_session *s = calloc(1, sizeof *s);

    if (!s)
        return NULL;
    s->capture = c;
    capture_become(s, peer, length);
    return s;
}

/* As if it had not greeted. */
static void forget_greeting(struct capture_session *s)
{
    free(s->helo);
    s->helo = NULL;
    s->client.helo = (struct slice){NULL, 0};
    s->greeting = s->capture->server->lmtp ? GREETED_LMTP : GREETED_SMTP;
}

void capture_become(struct capture_session *s, const struct sockaddr *peer, socklen_t length)
{
    abort_open(s);
    forget_greeting(s);
    set_address(&s->client, peer, length);
}

void capture_disconnect(struct capture_session *s)
{
    if (!s)
        return;
    abort_open(s);
    free(s->helo);
    free(s);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Behind the command's first word. */
static struct slice arguments(struct slice line)
{
    while (line.n > 0 && is_blank(*line.p))
        line = slice_from(line, 1);
    while (line.n > 0 && !is_blank(*line.p))
        line = slice_from(line, 1);
    while (line.n > 0 && is_blank(*line.p))
        line = slice_from(line, 1);
    return line;
}

static void greet(struct capture_session *s, enum server_verb verb, struct slice args)
{
    char *helo = realloc(s->helo, args.n + 1);

    s->greeting = verb == SERVER_LHLO   ? GREETED_LMTP
                  : verb == SERVER_EHLO ? GREETED_ESMTP
                                        : GREETED_SMTP;
    if (!helo)
        return; /* the former greeting stays */
    memcpy(helo, args.p, args.n);
    s->helo = helo;
    s->client.helo = (struct slice){helo, args.n};
}

/* A MAIL that begins no transaction is one by itself for the log, when it was refused. */
static void begin(struct capture_session *s, const struct server *sv, struct slice args,
                  unsigned code)
{
    if (s->record && code / 100 != 2)
        return; /* a nested one */
    abort_open(s);
    s->client.protocol = protocols[s->greeting][sv->secure][sv->authentic];
    s->record = capture_begin(s->capture, &s->client);
    if (!s->record)
        return;
    capture_envelope(s->capture, s->record, true, args, code);
    if (code / 100 == 2)
        return;
    capture_abort(s->capture, s->record, RECORD_REFUSED, code);
    s->record = NULL;
}

void capture_command(struct capture_session *s, const struct server *sv, enum server_verb verb,
                     struct slice line, struct slice reply)
{
    unsigned code = reply_code(reply);
    bool taken = code / 100 == 2;

    if (!sv->mail)
        abort_open(s); /* the command, or a refused BDAT before it, ended the transaction */
    switch (verb) {
    case SERVER_HELO:
    case SERVER_EHLO:
    case SERVER_LHLO:
        if (taken)
            greet(s, verb, arguments(line));
        break;
    case SERVER_STARTTLS: /* RFC 3207 section 4.2 */
        if (taken)
            forget_greeting(s);
        break;
    case SERVER_MAIL:
        begin(s, sv, arguments(line), code);
        break;
    case SERVER_RCPT:
        if (s->record)
            capture_envelope(s->capture, s->record, false, arguments(line), code);
        break;
    default:
        break;
    }
}

/* Nobody asked to keep what is too large. */
static bool is_too_large(const struct capture_session *s, uint64_t octets)
{
    uint64_t limit = s->capture->server->size_limit;

    return limit > 0 && octets > limit;
}

void capture_content(struct capture_session *s, const struct server *sv, struct slice octets,
                     bool bdat)
{
    if (!s->record)
        return;
    s->record->no_content |= is_too_large(s, sv->octets);
    capture_octets(s->capture, s->record, octets, bdat);
}

void capture_chunk_refused(struct capture_session *s, const struct server *sv, struct slice reply)
{
    if (!s->record)
        return;
    s->record->octets = sv->octets;
    capture_abort(s->capture, s->record, RECORD_REFUSED, reply_code(reply));
    s->record = NULL;
}

struct slice capture_message(struct capture_session *s, const struct server_message *m)
{
    struct slice none = {NULL, 0};
    struct slice sorry = SLICE("452 4.3.1 Error: cannot record the message\r\n");
    struct record *r = s->record;
    unsigned code = reply_code(m->refused && m->each ? server_verdict(m, 0) : m->reply);

    s->record = NULL;
    if (!r) /* out of memory at MAIL */
        return code / 100 == 2 ? sorry : none;
    r->octets = m->octets;
    r->message = m;
    r->no_content |= is_too_large(s, m->octets);
    if (capture_complete(s->capture, r, code) || code / 100 != 2)
        return none;
    return sorry;
}
