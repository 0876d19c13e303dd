/*
 * The server machine: what the next octet belongs to, and the replies. Commands are rows in
 * server_verbs.c.
 */
#include "server.h"

#include <assert.h>
#include <stdlib.h>

#include "dotscan.h"
#include "server_impl.h"
#include "server_plan.h"

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
    free(sv->answer);
    sv->answer = NULL;
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

void server_put(struct server_out *out, struct slice reply)
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

/* As server_put(), of what may be overwritten before it is written. */
static void put_copy(struct server_out *out, struct slice reply)
{
    if (out->lone.n > 0) {
        memcpy(out->buffer, out->lone.p, out->lone.n);
        out->used = (uint32_t)out->lone.n;
        out->lone.n = 0;
    }
    assert(out->used + reply.n <= out->size);
    memcpy(out->buffer + out->used, reply.p, reply.n);
    out->used += (uint32_t)reply.n;
}

void server_say(const struct server *sv, struct server_out *out, struct slice reply)
{
    if (sv->passing)
        put_copy(out, reply);
    else
        server_put(out, reply);
}

bool server_wants_tls(const struct server *sv)
{
    return sv->state == SERVER_STATE_TLS && !sv->waiting;
}

void server_await_tls(struct server *sv)
{
    sv->state = SERVER_STATE_TLS;
}

void server_secure(struct server *sv)
{
    sv->secure = true;
    sv->authentic = false; /* RFC 3207 section 4.2 */
    sv->state = SERVER_STATE_COMMAND;
}

bool server_is_busy(const struct server *sv)
{
    return sv->mail || sv->state == SERVER_STATE_CONTENT || sv->state == SERVER_STATE_CHUNK;
}

void server_greet(struct server *sv, struct server_out *out)
{
    struct server_context *cx = sv->context;
    struct server_act act = {0};

    if (cx->judge)
        cx->judge(sv, SERVER_CONNECT, (struct slice){"", 0}, &act);
    if (!act.instead)
        server_was_run(&act, cx->config->greeting);
    cx->refused[SERVER_CONNECT] += server_refuses(act.reply);
    server_answer(sv, &act, out);
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

static void tell_chunk_refused(struct server *sv)
{
    const struct server_hooks *hooks = sv->context->hooks;

    if (hooks && hooks->chunk_refused)
        hooks->chunk_refused(sv, (struct slice){sv->verdict, sv->verdict_length});
}

static void set_verdict(struct server *sv, struct slice reply)
{
    sv->verdict = reply.p;
    sv->verdict_length = (uint16_t)reply.n;
}

/* What the owner says of a message; a refusal that was decided before stands. */
static struct slice ask_owner(struct server *sv, const struct server_message *message,
                              struct slice reply)
{
    const struct server_hooks *hooks = sv->context->hooks;
    struct slice other = {NULL, 0};

    if (hooks && hooks->message)
        other = hooks->message(sv, message);
    return other.n > 0 && !message->refused ? other : reply;
}

/* What a message is refused for by itself; empty when it is fine. */
static struct slice find_fault(const struct server *sv)
{
    const struct server_config *cf = sv->context->config;

    if (cf->size_limit && sv->octets > cf->size_limit)
        return server_texts.too_large;
    return strict_verdict(&sv->strict);
}

struct slice server_verdict(const struct server_message *m, uint32_t recipient)
{
    const struct server_context *cx = m->server->context;
    struct slice own = {NULL, 0};

    if (m->each)
        own = cx->verdict(m->server, recipient);
    return own.n > 0 ? own : m->reply;
}

/*
 * Each recipient has its own verdict: the message as a whole is refused if all refuse it, and its
 * reply is the usual one else. Returns how many refuse.
 */
static uint32_t ask_each(struct server_message *m)
{
    uint32_t refused = 0;

    m->each = true;
    for (uint32_t i = 0; i < m->recipients; i++)
        refused += server_refuses(server_verdict(m, i));
    m->refused = refused == m->recipients;
    return refused;
}

/* What a message is answered, and whether it is refused, as far as it is not the owner's word. */
static void judge_message(struct server *sv, struct server_message *m, struct server_act *act)
{
    struct server_context *cx = sv->context;
    struct slice fault = find_fault(sv);

    m->refused = fault.n > 0;
    m->reply = cx->config->lmtp ? server_texts.ok_lmtp : server_texts.ok;
    if (cx->judge)
        cx->judge(sv, SERVER_DOT, SLICE("."), act);
    if (act->instead)
        m->reply = act->reply;
    else if (m->refused)
        m->reply = fault;
    else if (act->reply.n > 0)
        m->reply = act->reply;
    m->refused |= act->instead && (m->reply.n == 0 || server_refuses(m->reply));
}

/* The next reply to a message. */
static struct slice next_verdict(struct server *sv)
{
    struct slice own = {NULL, 0};

    if (sv->each)
        own = sv->context->verdict(sv, sv->told++);
    return own.n > 0 ? own : (struct slice){sv->verdict, sv->verdict_length};
}

/*
 * Answers a complete message: once, or in LMTP once a recipient (RFC 2033 section 4.2). A verdict
 * that also ends the session is given once.
 */
static void end_message(struct server *sv, bool bdat, struct server_act *act,
                        struct server_out *out)
{
    struct server_context *cx = sv->context;
    bool lmtp = cx->config->lmtp;
    struct server_message message = {
        .server = sv, .octets = sv->octets, .recipients = sv->recipients, .bdat = bdat};
    uint32_t refused = 0;
    struct slice reply;

    cx->messages++;
    cx->recipients += message.recipients;
    cx->octets += message.octets;
    judge_message(sv, &message, act);
    if (lmtp && cx->verdict && !act->instead && !message.refused)
        refused = ask_each(&message);
    reply = ask_owner(sv, &message, message.reply);
    set_verdict(sv, reply);
    sv->each = message.each && reply.p == message.reply.p;
    sv->told = 0;
    sv->owed = reply.n == 0 ? 0 : !lmtp || (act->instead && act->end) ? 1 : sv->recipients;
    if (!sv->each)
        refused = server_refuses(reply) ? sv->owed : 0;
    cx->refused[bdat ? SERVER_BDAT : SERVER_DOT] += refused;
    server_reset(sv);
    sv->state = SERVER_STATE_COMMAND;
    if (!cx->judge)
        return;
    sv->final = true;
    act->reply = sv->owed > 0 ? next_verdict(sv) : reply;
    sv->owed -= sv->owed > 0;
    server_answer(sv, act, out);
}

/* The octets of a BDAT are read. */
static void end_chunk(struct server *sv, struct server_out *out)
{
    struct server_context *cx = sv->context;
    struct server_act act = {0};

    if (!sv->verdict && cx->judge)
        cx->judge(sv, SERVER_BDAT, (struct slice){"", 0}, &act);
    if (!sv->verdict && !act.instead && sv->last) {
        end_message(sv, true, &act, out);
        return;
    }
    if (act.instead)
        set_verdict(sv, act.reply);
    else if (!sv->verdict && cx->config->size_limit && sv->octets > cx->config->size_limit)
        set_verdict(sv, server_texts.too_large);
    if (sv->verdict) {
        /* Later BDATs of the transaction are to get 503: it is over (RFC 3030 section 2). */
        cx->refused[SERVER_BDAT] += sv->verdict_length > 0;
        tell_chunk_refused(sv);
        server_reset(sv);
    } else {
        set_verdict(sv, server_texts.ok);
    }
    sv->owed = 0;
    sv->final = sv->each = false;
    sv->state = SERVER_STATE_COMMAND;
    act.reply = (struct slice){sv->verdict, sv->verdict_length};
    server_answer(sv, &act, out);
}

void server_begin_chunk(struct server *sv, uint64_t octets, bool last, struct slice refusal)
{
    if (!sv->chunked)
        sv->strict = (struct strict){0};
    sv->chunk_left = octets;
    sv->last = last;
    set_verdict(sv, refusal);
    sv->chunked = true;
    sv->state = SERVER_STATE_CHUNK;
}

static void look_at_content(struct server *sv, struct slice octets, bool bdat)
{
    const struct server_config *cf = sv->context->config;

    if (cf->strict)
        strict_content(&sv->strict, octets, !bdat, cf->lenient_lf);
    tell_content(sv, octets, bdat);
}

static size_t take_chunk(struct server *sv, struct slice in, struct server_out *out)
{
    uint64_t n = in.n < sv->chunk_left ? in.n : sv->chunk_left;

    if (!sv->verdict) {
        sv->octets += n;
        look_at_content(sv, (struct slice){in.p, (size_t)n}, true);
    }
    sv->chunk_left -= n;
    if (sv->chunk_left == 0)
        end_chunk(sv, out);
    return (size_t)n;
}

static size_t take_content(struct server *sv, struct slice in, struct server_out *out)
{
    enum dotscan scan = (enum dotscan)sv->scan;
    uint64_t dots = 0;
    bool lenient = sv->context->config->lenient_lf;
    size_t n;

    if (sv->holds && in.n > server_until_hold(sv))
        in.n = (size_t)server_until_hold(sv);
    n = lenient ? dotscan_lenient(in, &scan, &dots) : dotscan(in, &scan, &dots);
    sv->scan = (uint8_t)scan;
    sv->octets += n - dots;
    look_at_content(sv, (struct slice){in.p, n}, false);
    if (scan == DOTSCAN_END) {
        struct server_act act = {0};

        sv->octets -= lenient ? 0 : 2; /* the CRLF behind the final dot */
        tell_command(sv, SERVER_DOT, SLICE("."), (struct slice){NULL, 0});
        end_message(sv, false, &act, out);
    } else if (sv->holds && server_until_hold(sv) == 0) {
        server_hold(sv);
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

struct slice server_authenticate(struct server *sv, bool begin, struct slice line)
{
    struct slice reply = {NULL, 0};
    enum server_auth outcome = sv->context->auth(sv, begin, line, &reply);

    sv->passing = outcome == SERVER_AUTH_MORE;
    sv->authentic = outcome == SERVER_AUTH_TAKEN;
    sv->state = outcome == SERVER_AUTH_MORE ? SERVER_STATE_AUTH : SERVER_STATE_COMMAND;
    return reply;
}

/* A response to a challenge; nobody else is to see it. */
static void run_response(struct server *sv, struct slice line, struct server_out *out)
{
    struct slice reply = server_authenticate(sv, false, line);

    sv->context->refused[SERVER_AUTH] += server_refuses(reply);
    server_say(sv, out, reply);
}

/* A command as it may be seen: AUTH without its initial response. */
static struct slice without_secret(enum server_verb verb, struct slice line, struct slice args)
{
    if (verb != SERVER_AUTH || args.n == 0)
        return line;
    while (args.n > 0 && !is_blank(*args.p))
        args = slice_from(args, 1);
    line.n = (size_t)(args.p - line.p);
    return line;
}

/* What a command is refused for by its form. A BDAT is not: its octets would be taken for more. */
static struct slice check_form(const struct server *sv, enum server_verb verb, struct slice line)
{
    bool late = verb != SERVER_UNKNOWN && server_verbs[verb].late;

    if (!sv->context->config->strict || late)
        return (struct slice){NULL, 0};
    return strict_command(verb, line);
}

/*
 * Runs a command at once even if its reply is to come later: nobody can tell, since nothing else of
 * the session happens in between.
 */
static void run_judged(struct server *sv, enum server_verb verb, struct slice line,
                       struct slice args, struct server_out *out)
{
    struct server_act act = {0};

    sv->context->judge(sv, verb, args, &act);
    if (!act.instead) {
        struct slice reply = server_verbs[verb].run(sv, args);

        server_was_run(&act, reply);
        if (sv->passing) /* other words would not be a challenge */
            act.reply = reply;
    }
    tell_command(sv, verb, line, act.reply);
    sv->context->refused[verb] += server_refuses(act.reply);
    sv->final = false;
    server_answer(sv, &act, out);
}

static void run_line(struct server *sv, struct slice line, struct server_out *out)
{
    struct slice word = skip_blanks(line);
    struct slice args = word;
    struct slice reply;
    enum server_verb verb;

    sv->passing = false;
    if (sv->state == SERVER_STATE_AUTH) {
        run_response(sv, line, out);
        return;
    }
    while (args.n > 0 && !is_blank(*args.p))
        args = slice_from(args, 1);
    word.n -= args.n;
    verb = server_find_verb(sv->context->config, word);
    reply = check_form(sv, verb, line);
    line = without_secret(verb, line, skip_blanks(args));
    if (reply.n == 0 && verb != SERVER_UNKNOWN && sv->context->judge && !server_verbs[verb].late) {
        run_judged(sv, verb, line, skip_blanks(args), out);
        return;
    }
    if (reply.n == 0 && verb != SERVER_UNKNOWN)
        reply = server_verbs[verb].run(sv, skip_blanks(args));
    else if (reply.n == 0)
        reply = word.n > 0 ? server_texts.unknown : server_texts.blank;
    tell_command(sv, verb, line, reply);
    if (reply.n == 0)
        return;
    sv->context->refused[verb] += server_refuses(reply);
    server_say(sv, out, reply);
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

/* Without its LF, and the CR in front of that. */
static struct slice without_end(struct slice line)
{
    line.n--;
    if (line.n > 0 && line.p[line.n - 1] == '\r')
        line.n--;
    return line;
}

/* A line that began earlier: joined on the stack, so that its memory can go before it runs. */
static void run_parts(struct server *sv, struct slice rest, struct server_out *out)
{
    char line[SERVER_AUTH_MAX];
    size_t n = sv->part_length;

    memcpy(line, sv->part, n);
    memcpy(line + n, rest.p, rest.n);
    drop_part(sv);
    run_line(sv, without_end((struct slice){line, n + rest.n}), out);
}

/* Does what came before, of the line under way, end in a CR? */
static bool is_after_cr(const struct server *sv)
{
    if (sv->state == SERVER_STATE_LONG)
        return sv->strict.after_cr;
    return sv->part && sv->part[sv->part_length - 1] == '\r';
}

/* The octets up to and including the first line end within limit; 0 when there is none. */
static size_t find_line(const struct server *sv, struct slice in, size_t limit)
{
    size_t at = 0;
    size_t n = in.n < limit ? in.n : limit;

    while (at < n) {
        const char *lf = memchr(in.p + at, '\n', n - at);

        if (!lf)
            return 0;
        at = (size_t)(lf - in.p) + 1;
        if (sv->context->config->lenient_lf)
            return at;
        if (at > 1 ? lf[-1] == '\r' : is_after_cr(sv))
            return at;
    }
    return 0;
}

static size_t take_clear(struct server *sv, struct slice in, struct server_out *out)
{
    (void)out;
    server_finish(sv, SERVER_END_INJECTION);
    return in.n;
}

static size_t take_command(struct server *sv, struct slice in, struct server_out *out)
{
    size_t most = sv->state == SERVER_STATE_AUTH ? SERVER_AUTH_MAX : SERVER_LINE_MAX;
    size_t room = most - sv->part_length;
    size_t n = find_line(sv, in, room);

    sv->behind = n < in.n;
    if (n > 0 && sv->part) {
        run_parts(sv, (struct slice){in.p, n}, out);
        return n;
    }
    if (n > 0) {
        run_line(sv, without_end((struct slice){in.p, n}), out);
        return n;
    }
    if (in.n <= room) {
        keep_part(sv, in);
    } else if (sv->context->config->strict) {
        sv->strict.after_cr = is_after_cr(sv);
        drop_part(sv);
        sv->state = SERVER_STATE_LONG;
        return 0;
    } else {
        server_finish(sv, SERVER_END_LINE);
    }
    return in.n;
}

/* Swallows a command up to its end, to refuse it (RFC 5321 section 4.5.3.1.9). */
static size_t take_long(struct server *sv, struct slice in, struct server_out *out)
{
    size_t n = find_line(sv, in, in.n);

    if (n == 0) {
        sv->strict.after_cr = in.p[in.n - 1] == '\r';
        return in.n;
    }
    sv->strict.after_cr = false;
    sv->state = SERVER_STATE_COMMAND;
    sv->context->refused[SERVER_UNKNOWN]++;
    server_put(out, server_texts.long_line);
    return n;
}

typedef size_t take(struct server *, struct slice, struct server_out *);

static take *const takers[SERVER_STATE_COUNT] = {
    [SERVER_STATE_COMMAND] = take_command, [SERVER_STATE_CONTENT] = take_content,
    [SERVER_STATE_CHUNK] = take_chunk,     [SERVER_STATE_LONG] = take_long,
    [SERVER_STATE_AUTH] = take_command,    [SERVER_STATE_TLS] = take_clear,
};

/* Somebody wants an end; a session between transactions is told so here (RFC 5321 section 3.8). */
static bool may_go_on(struct server *sv, struct server_out *out)
{
    if (server_owes(sv))
        return true;
    if (sv->context->halt == SERVER_HALTS)
        return false;
    if (server_is_busy(sv) || sv->state == SERVER_STATE_OVER || sv->state == SERVER_STATE_TLS)
        return true;
    if (!has_room(sv, out))
        return false;
    server_put(out, server_texts.leaving);
    server_finish(sv, SERVER_END_LEAVE);
    return true;
}

size_t server_recv(struct server *sv, struct slice in, struct server_out *out)
{
    size_t at = 0;

    while (!sv->waiting && (sv->context->halt == SERVER_GOES_ON || may_go_on(sv, out))) {
        if (!has_room(sv, out))
            return at;
        if (server_owes(sv)) {
            server_put(out, next_verdict(sv));
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
