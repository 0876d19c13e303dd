/*
 * The server machine: what the next octet belongs to, and the replies. Commands are rows in
 * server_verbs.c.
 */
#include "server.h"

#include <assert.h>
#include <stdlib.h>

#include "dotscan.h"
#include "server_impl.h"

static const char *const end_words[] = {
#define X(id, words) words,
    SERVER_END_LIST(X)
#undef X
};

const char *server_end_words(enum server_end end)
{
    return end_words[end];
}

void server_init(struct server *sv, struct server_context *context)
{
    *sv = (struct server){.context = context, .state = SERVER_STATE_COMMAND};
}

static void drop_part(struct server *sv)
{
    free(sv->part);
    sv->part = NULL;
    sv->part_length = 0;
}

void server_done(struct server *sv)
{
    drop_part(sv);
}

void server_finish(struct server *sv, enum server_end end)
{
    sv->state = SERVER_STATE_OVER;
    sv->end = (uint8_t)end;
    drop_part(sv);
}

void server_reset(struct server *sv)
{
    sv->mail = false;
    sv->chunked = false;
    sv->recipients = 0;
    sv->octets = 0;
}

/*
 * Room for any reply? A single one always has it, so an owner that hands on what there is gets the
 * session on. Asked before anything is consumed: what was read is always answered.
 */
static bool has_room(const struct server *sv, const struct server_out *out)
{
    size_t used = out->used + out->lone.n;

    return used == 0 || used + sv->context->config->reply_room <= out->size;
}

static void put(struct server_out *out, struct slice reply)
{
    if (out->used == 0 && out->lone.n == 0) {
        out->lone = reply;
        return;
    }
    assert(out->used + out->lone.n + reply.n <= out->size);
    if (out->lone.n > 0) {
        memcpy(out->buffer, out->lone.p, out->lone.n);
        out->used = (uint32_t)out->lone.n;
        out->lone.n = 0;
    }
    memcpy(out->buffer + out->used, reply.p, reply.n);
    out->used += (uint32_t)reply.n;
}

static bool refuses(struct slice reply)
{
    return reply.p[0] >= '4';
}

void server_greet(struct server *sv, struct server_out *out)
{
    put(out, sv->context->config->greeting);
}

static void tell_command(struct server *sv, enum server_verb verb, struct slice line,
                         struct slice reply)
{
    const struct server_hooks *hooks = sv->context->hooks;

    if (hooks && hooks->command)
        hooks->command(sv, verb, line, reply);
}

static void tell_content(struct server *sv, struct slice octets, bool bdat)
{
    const struct server_hooks *hooks = sv->context->hooks;

    if (hooks && hooks->content && octets.n > 0)
        hooks->content(sv, octets, bdat);
}

static void set_verdict(struct server *sv, struct slice reply)
{
    sv->verdict = reply.p;
    sv->verdict_length = (uint16_t)reply.n;
}

/* Answers a complete message: once, or in LMTP once a recipient (RFC 2033 section 4.2). */
static void end_message(struct server *sv, bool bdat)
{
    struct server_context *cx = sv->context;
    const struct server_config *cf = cx->config;
    struct slice reply = cf->lmtp ? server_texts.ok_lmtp : server_texts.ok;
    struct slice other = {NULL, 0};
    struct server_message message = {
        .octets = sv->octets,
        .recipients = sv->recipients,
        .bdat = bdat,
        .refused = cf->size_limit && sv->octets > cf->size_limit,
    };

    cx->messages++;
    cx->recipients += message.recipients;
    cx->octets += message.octets;
    if (message.refused)
        reply = server_texts.too_large;
    if (cx->hooks && cx->hooks->message)
        other = cx->hooks->message(sv, &message);
    if (other.n > 0)
        reply = other;
    set_verdict(sv, reply);
    sv->owed = cf->lmtp ? sv->recipients : 1;
    if (refuses(reply))
        cx->refused[bdat ? SERVER_BDAT : SERVER_DOT] += sv->owed;
    server_reset(sv);
    sv->state = SERVER_STATE_COMMAND;
}

/* The octets of a BDAT are read. */
static void end_chunk(struct server *sv)
{
    const struct server_config *cf = sv->context->config;

    if (!sv->verdict && sv->last) {
        end_message(sv, true);
        return;
    }
    if (!sv->verdict && cf->size_limit && sv->octets > cf->size_limit)
        set_verdict(sv, server_texts.too_large);
    if (sv->verdict) {
        /* Later BDATs of the transaction are to get 503: it is over (RFC 3030 section 2). */
        sv->context->refused[SERVER_BDAT]++;
        server_reset(sv);
    } else {
        set_verdict(sv, server_texts.ok);
    }
    sv->owed = 1;
    sv->state = SERVER_STATE_COMMAND;
}

void server_begin_chunk(struct server *sv, uint64_t octets, bool last, struct slice refusal)
{
    sv->chunk_left = octets;
    sv->last = last;
    set_verdict(sv, refusal);
    sv->chunked = true;
    sv->state = SERVER_STATE_CHUNK;
}

static size_t take_chunk(struct server *sv, struct slice in, struct server_out *out)
{
    uint64_t n = in.n < sv->chunk_left ? in.n : sv->chunk_left;

    (void)out;
    if (!sv->verdict) {
        sv->octets += n;
        tell_content(sv, (struct slice){in.p, (size_t)n}, true);
    }
    sv->chunk_left -= n;
    if (sv->chunk_left == 0)
        end_chunk(sv);
    return (size_t)n;
}

static size_t take_content(struct server *sv, struct slice in, struct server_out *out)
{
    enum dotscan scan = (enum dotscan)sv->scan;
    uint64_t dots = 0;
    size_t n = dotscan(in, &scan, &dots);

    (void)out;
    sv->scan = (uint8_t)scan;
    sv->octets += n - dots;
    tell_content(sv, (struct slice){in.p, n}, false);
    if (scan == DOTSCAN_END) {
        sv->octets -= 2; /* the CRLF behind the final dot */
        tell_command(sv, SERVER_DOT, SLICE("."), (struct slice){NULL, 0});
        end_message(sv, false);
    }
    return n;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static struct slice skip_blanks(struct slice s)
{
    while (s.n > 0 && is_blank(*s.p))
        s = slice_from(s, 1);
    return s;
}

static void run_line(struct server *sv, struct slice line, struct server_out *out)
{
    struct slice word = skip_blanks(line);
    struct slice args = word;
    struct slice reply;
    enum server_verb verb;

    while (args.n > 0 && !is_blank(*args.p))
        args = slice_from(args, 1);
    word.n -= args.n;
    verb = server_find_verb(sv->context->config, word);
    if (verb != SERVER_UNKNOWN)
        reply = server_verbs[verb].run(sv, skip_blanks(args));
    else
        reply = word.n > 0 ? server_texts.unknown : server_texts.blank;
    tell_command(sv, verb, line, reply);
    if (reply.n == 0)
        return;
    sv->context->refused[verb] += refuses(reply);
    put(out, reply);
}

/* Keeps the beginning of a line whose end has not come. */
static void keep_part(struct server *sv, struct slice in)
{
    char *grown = realloc(sv->part, sv->part_length + in.n);

    if (!grown) {
        server_finish(sv, SERVER_END_MEMORY);
        return;
    }
    memcpy(grown + sv->part_length, in.p, in.n);
    sv->part = grown;
    sv->part_length = (uint16_t)(sv->part_length + in.n);
}

/* A line that began earlier: joined on the stack, so that its memory can go before it runs. */
static void run_parts(struct server *sv, struct slice rest, struct server_out *out)
{
    char line[SERVER_LINE_MAX];
    size_t n = sv->part_length;

    memcpy(line, sv->part, n);
    memcpy(line + n, rest.p, rest.n);
    drop_part(sv);
    run_line(sv, (struct slice){line, n + rest.n - 2}, out);
}

/* The octets up to and including the first CRLF within limit; 0 when there is none. */
static size_t find_line(const struct server *sv, struct slice in, size_t limit)
{
    size_t at = 0;
    size_t n = in.n < limit ? in.n : limit;

    while (at < n) {
        const char *lf = memchr(in.p + at, '\n', n - at);

        if (!lf)
            return 0;
        at = (size_t)(lf - in.p) + 1;
        if (at > 1 ? lf[-1] == '\r' : sv->part && sv->part[sv->part_length - 1] == '\r')
            return at;
    }
    return 0;
}

static size_t take_command(struct server *sv, struct slice in, struct server_out *out)
{
    size_t room = SERVER_LINE_MAX - sv->part_length;
    size_t n = find_line(sv, in, room);

    if (n > 0 && sv->part) {
        run_parts(sv, (struct slice){in.p, n}, out);
        return n;
    }
    if (n > 0) {
        run_line(sv, (struct slice){in.p, n - 2}, out);
        return n;
    }
    if (in.n > room)
        server_finish(sv, SERVER_END_LINE);
    else
        keep_part(sv, in);
    return in.n;
}

typedef size_t take(struct server *, struct slice, struct server_out *);

static take *const takers[SERVER_STATE_COUNT] = {
    [SERVER_STATE_COMMAND] = take_command,
    [SERVER_STATE_CONTENT] = take_content,
    [SERVER_STATE_CHUNK] = take_chunk,
};

size_t server_recv(struct server *sv, struct slice in, struct server_out *out)
{
    size_t at = 0;

    while (sv->context->halt ? server_owes(sv) : true) {
        if (!has_room(sv, out))
            return at;
        if (server_owes(sv)) {
            put(out, (struct slice){sv->verdict, sv->verdict_length});
            sv->owed--;
            continue;
        }
        if (sv->state == SERVER_STATE_OVER)
            return in.n;
        /* A chunk may have no octets at all. */
        if (at == in.n && (sv->state != SERVER_STATE_CHUNK || sv->chunk_left > 0))
            return at;
        at += takers[sv->state](sv, slice_from(in, at), out);
    }
    return at;
}
