/*
 * The client machine: sessions, replies, events.
 */
#include "client.h"

#include <stdlib.h>

#include "client_impl.h"
#include "units.h"

/* A reply of more lines than this is a fault: no server may keep a client reading for ever. */
#define REPLY_LINES_MAX 1000

/* RFC 5321 section 4.5.3.2: for a block of content, and what the scale is told by. */
#define BLOCK_SECONDS 180
#define SCALE_SECONDS 300

void client_timeout_same(struct client_config *cf, uint64_t ns)
{
    for (int i = 0; i < PHASE_COUNT; i++)
        cf->timeout[i] = ns;
    cf->block_timeout = ns;
}

void client_timeout_scaled(struct client_config *cf, uint64_t ns)
{
    for (int i = 0; i < PHASE_COUNT; i++)
        cf->timeout[i] = ns * phase_seconds((enum phase)i) / SCALE_SECONDS;
    cf->block_timeout = ns * BLOCK_SECONDS / SCALE_SECONDS;
}

uint32_t client_transactions_max(const struct client_config *cf)
{
    if (cf->want[EXT_PIPELINING] == EXT_NO || cf->window == 1 || cf->lmtp)
        return 1;
    return cf->in_flight ? (uint32_t)cf->in_flight : 2;
}

static uint16_t commands_max(const struct client_config *cf)
{
    return cf->want[EXT_PIPELINING] != EXT_NO ? (uint16_t)cf->window : 1;
}

static bool keeps_offer(const struct client_config *cf)
{
    for (int i = 0; i < EXT_COUNT; i++)
        if (cf->want[i] != EXT_NO && ext_rows[i]->keep)
            return true;
    return false;
}

size_t client_size(const struct client_config *cf)
{
    return sizeof(struct client) + client_transactions_max(cf) * sizeof(struct transaction) +
           commands_max(cf) * sizeof(struct command) +
           (keeps_offer(cf) ? sizeof(struct ext_offer) : 0);
}

struct client *client_init(void *memory, const struct client_config *cf)
{
    struct client *c = memory;

    c->cf = cf;
    c->ring_capacity = commands_max(cf);
    c->t_capacity = (uint16_t)client_transactions_max(cf);
    c->keeps_offer = keeps_offer(cf);
    return c;
}

void client_done(struct client *c)
{
    reply_done(&c->parser);
    free(c->words);
    free(c->auth);
}

static enum verb first_hello(const struct client_config *cf)
{
    if (cf->no_hello)
        return VERB_NONE;
    if (cf->lmtp)
        return VERB_LHLO;
    for (int i = 0; i < EXT_COUNT; i++)
        if (cf->want[i] != EXT_NO)
            return VERB_EHLO;
    return cf->hello == CLIENT_HELLO_EHLO || cf->mail_params || cf->rcpt_params ? VERB_EHLO
                                                                                : VERB_HELO;
}

static void await_greeting(struct client *c, uint64_t now)
{
    c->stage = STAGE_GREETING;
    *client_command(c, 0) =
        (struct command){.verb = VERB_GREETING, .slot = NO_SLOT, .sent_at = now};
    c->ring_count = 1;
}

void client_start(struct client *c, uint64_t now)
{
    struct client fresh = {
        .cf = c->cf,
        .ring_capacity = c->ring_capacity,
        .t_capacity = c->t_capacity,
        .words = c->words,
        .keeps_offer = c->keeps_offer,
        .auth = c->auth,
        .t_limit = 1,
        .window = 1,
        .progress_at = now,
        .hello = (uint8_t)first_hello(c->cf),
    };

    reply_done(&c->parser);
    *c = fresh;
    c->step = VERB_NONE;
    if (c->cf->implicit_tls)
        client_want_tls(c);
    else
        await_greeting(c, now);
}

void client_want_tls(struct client *c)
{
    c->stage = STAGE_TLS;
    c->tls_wanted = true;
}

void client_tls_done(struct client *c, uint64_t now)
{
    if (c->stage != STAGE_TLS)
        return;
    c->secure = true;
    c->progress_at = now;
    if (c->cf->implicit_tls) {
        await_greeting(c, now);
        return;
    }
    c->offered = 0;
    c->stage = STAGE_HELLO;
    c->hello_lent = false;
}

void client_tls_failed(struct client *c)
{
    client_close(c, CLIENT_END_TLS);
}

void client_preface(struct client *c, size_t n)
{
    c->lent += n;
}

void client_submit(struct client *c, struct client_mail *m)
{
    struct transaction *t = client_transaction(c, c->t_count++);

    *t = (struct transaction){.mail = m, .step = STEP_MAIL};
}

/* Without QUIT the last reply ends the session; RSET would be for a next message. */
void client_end_if_done(struct client *c)
{
    if (c->cf->no_quit && c->quit_wanted && c->stage == STAGE_READY && c->ring_count == 0 &&
        !client_unsent(c))
        client_close(c, CLIENT_END_DONE);
}

void client_quit(struct client *c)
{
    c->quit_wanted = true;
    client_end_if_done(c);
}

void client_close(struct client *c, enum client_end end)
{
    if (c->stage == STAGE_CLOSED)
        return;
    c->end_phase = (uint8_t)client_phase(c);
    c->stage = STAGE_CLOSED;
    c->end = (uint8_t)end;
}

/* What of it there is room for: all of a reply's line (REPLY_LINE_MAX). */
static void keep_line(struct client *c, struct slice line)
{
    c->last.line = line.p;
    c->last.line_length = (uint16_t)(line.n < UINT16_MAX ? line.n : UINT16_MAX);
}

static struct reply_line last_line(const struct last_reply *r)
{
    return (struct reply_line){.code = r->code, .line = {r->line, r->line_length}};
}

struct refusal client_refusal(const struct last_reply *r)
{
    struct refusal f = {.code = r->code, .phase = r->phase, .collateral = r->collateral};
    struct reply_line l = last_line(r);
    struct slice enhanced = reply_enhanced(&l);

    if (enhanced.n <= sizeof f.enhanced) {
        f.enhanced_length = (uint8_t)enhanced.n;
        memcpy(f.enhanced, enhanced.p, enhanced.n);
    }
    return f;
}

void client_refuse(struct client *c, struct transaction *t)
{
    if (t->refused)
        return;
    t->refused = true;
    t->reason = client_refusal(&c->last);
}

static bool lists_extensions(struct client *c, const struct reply_line *l)
{
    enum verb verb = c->ring_count ? client_command(c, 0)->verb : VERB_NONE;

    return (verb == VERB_EHLO || verb == VERB_LHLO) && l->code == 250;
}

/* A keyword line of the reply to EHLO or LHLO (RFC 5321 section 4.1.1.1) against the rows. */
static void learn(struct client *c, const struct reply_line *l)
{
    struct slice text;
    size_t n = 0;

    if (c->reply_lines == 0 || !lists_extensions(c, l))
        return;
    text = reply_text(l);
    while (n < text.n && text.p[n] != ' ')
        n++;
    for (int i = 0; i < EXT_COUNT; i++) {
        const struct ext *e = ext_rows[i];
        struct slice arguments = slice_from(text, n < text.n ? n + 1 : n);

        if (!slice_is((struct slice){text.p, n}, e->keyword))
            continue;
        if (i == EXT_AUTH) {
            client_auth_learn(c, arguments);
            continue;
        }
        c->offered |= UINT32_C(1) << i;
        if (e->keep && c->cf->want[i] != EXT_NO)
            e->keep(client_offer(c), arguments);
    }
}

void client_ready(struct client *c)
{
    const struct client_config *cf = c->cf;

    c->parameters = cf->mail_params || cf->rcpt_params;
    for (int i = 0; i < EXT_COUNT; i++) {
        const struct ext *e = ext_rows[i];
        bool offered = (c->offered | c->stepped) & (UINT32_C(1) << i);

        if (cf->want[i] == EXT_MUST && !offered) {
            c->missing = (uint8_t)i;
            client_close(c, CLIENT_END_NO_OFFER);
            return;
        }
        c->judged |= cf->want[i] != EXT_NO && e->forbid;
        if (cf->want[i] == EXT_NO || !offered)
            continue;
        c->parameters |= e->mail || e->rcpt;
        if (e->window && e->window(cf) > c->window)
            c->window = (uint16_t)e->window(cf);
        c->bdat |= e->bdat;
    }
    /*
     * Behind DATA's barrier a second transaction can't be harmed by the first's refusals; behind
     * BDAT it can, so there the user has to ask for more than one.
     */
    if (c->window > 1 && !cf->lmtp)
        c->t_limit = cf->in_flight ? (uint16_t)cf->in_flight : c->bdat ? 1 : 2;
    c->stage = STAGE_READY;
    c->was_ready = true;
}

/*
 * How many replies the command at the head will get. In LMTP the end of data has one per accepted
 * recipient (RFC 2033 section 4.2); without any, and after a refused chunk, a single one.
 */
static uint32_t replies_due(struct client *c, const struct command *cmd)
{
    const struct transaction *t = client_transaction_of(c, cmd);

    if (!client_is_each(c, (enum verb)cmd->verb))
        return 1;
    return t->rcpt_accepted && !t->chunk_refused ? t->rcpt_accepted : 1;
}

char *client_words(struct client *c)
{
    if (!c->words)
        c->words = malloc(WORDS_MAX);
    return c->words;
}

/* Adds a line's text to those before it, as far as there is room. */
static void keep_words(struct client *c, const struct reply_line *l)
{
    struct slice text = reply_text(l);

    if (!client_words(c))
        return;
    if (c->words_length && c->words_length < WORDS_MAX)
        c->words[c->words_length++] = '\n';
    if (text.n > (size_t)(WORDS_MAX - c->words_length))
        text.n = (size_t)(WORDS_MAX - c->words_length);
    memcpy(c->words + c->words_length, text.p, text.n);
    c->words_length += (uint16_t)text.n;
}

static bool is_closing(int code)
{
    return code == 421 || code == 521;
}

/*
 * 421, 521, and replies that nobody asked for: the session ends here. So it does when a chunk is
 * accepted early, before all of it was sent.
 */
static bool ends_session(struct client *c, const struct command *cmd, const struct client_verb *row)
{
    const struct transaction *of = cmd ? client_transaction_of(c, cmd) : NULL;
    bool early = of && of->step == STEP_CHUNK && !c->last.refused && c->ring_count == 1;
    struct last_reply *r = &c->last;
    struct transaction *t = c->t_count ? client_transaction(c, 0) : NULL;

    /* All is answered and QUIT is next: the server has gone first. */
    if (!cmd && c->quit_wanted && !c->t_count && is_closing(r->code)) {
        c->has_reply = false;
        client_close(c, CLIENT_END_QUIT);
        return true;
    }
    if (row && !early && (row->keeps_421 || !is_closing(r->code)))
        return false;
    if (!is_closing(r->code)) {
        c->has_reply = false;
        client_close(c, CLIENT_END_UNSOLICITED);
        return true;
    }
    r->refused = true;
    if (t)
        client_refuse(c, t);
    client_close(c, CLIENT_END_CLOSING);
    return true;
}

static void pop_command(struct client *c, struct command *cmd)
{
    if (--cmd->due)
        return;
    if (cmd->slot != NO_SLOT)
        client_transaction_of(c, cmd)->pending--;
    if (++c->ring_first == c->ring_capacity)
        c->ring_first = 0;
    c->ring_count--;
}

static void complete_reply(struct client *c, const struct reply_line *l, uint64_t now)
{
    struct command *cmd = c->ring_count ? client_command(c, 0) : NULL;
    const struct client_verb *row = cmd ? &client_verbs[cmd->verb] : NULL;
    const struct transaction *t = cmd ? client_transaction_of(c, cmd) : NULL;
    bool refused = false;

    if (row)
        refused = row->want ? l->code != row->want : l->code / 100 != 2;
    c->has_reply = true;
    c->last = (struct last_reply){
        .line = l->line.p,
        .line_length = (uint16_t)l->line.n,
        .sent_at = cmd ? cmd->sent_at : now,
        .code = (uint16_t)l->code,
        .phase = (uint8_t)client_phase(c),
        .refused = refused,
        .unsolicited = !cmd,
    };
    /* RFC 2920 section 3.1: what follows a refusal in the same group is refused with it. */
    if (refused && t)
        c->last.collateral = t->refused || (cmd->verb == VERB_MAIL && (c->need_rset || c->rsets));
    if (ends_session(c, cmd, row))
        return;
    if (cmd->verb != VERB_GREETING)
        c->farewell = false;
    if (!cmd->due)
        cmd->due = replies_due(c, cmd);
    row->on_reply(c, cmd, refused);
    pop_command(c, cmd);
    client_end_if_done(c);
}

static void end_endless(struct client *c, struct slice line)
{
    keep_line(c, line);
    client_close(c, CLIENT_END_ENDLESS);
}

size_t client_recv(struct client *c, struct slice in, uint64_t now)
{
    size_t used = 0;

    /* What comes between the 220 and the handshake is not protected (RFC 3207 section 6). */
    if (c->stage == STAGE_TLS && in.n > 0) {
        keep_line(c, in);
        client_close(c, CLIENT_END_INJECTION);
    }
    while (used < in.n && c->stage != STAGE_CLOSED) {
        struct reply_line l;
        bool complete;

        used += reply_feed(&c->parser, slice_from(in, used), &l, &complete);
        if (!complete) {
            l.line = reply_endless(&c->parser);
            if (l.line.n)
                end_endless(c, l.line);
            break;
        }
        if (c->cf->trace)
            c->cf->trace(c->cf->trace_arg, false, l.line);
        learn(c, &l);
        if ((l.more && !lists_extensions(c, &l)) || c->words_length)
            keep_words(c, &l);
        if (l.more) {
            if (++c->reply_lines >= REPLY_LINES_MAX)
                end_endless(c, l.line);
            continue;
        }
        /* Only a whole reply is progress: dribbling lines do not put off the timeout. */
        c->progress_at = now;
        c->reply_lines = 0;
        complete_reply(c, &l, now);
        c->last.words_length = c->words_length;
        c->words_length = 0;
        return used;
    }
    return c->stage == STAGE_CLOSED ? in.n : used;
}

/*
 * What becomes of a transaction and its recipients. The recipients that were not decided one by one
 * share the message's fate; of a message that was accepted in part before the session ended, the
 * rest is unknown, or refused if the end was a refusal.
 */
static void settle(const struct transaction *t, struct client_event *e)
{
    uint32_t rest =
        t->mail->form->rcpt_count - t->rcpt_refused - t->rcpt_delivered - t->rcpt_bounced;
    enum outcome fate;

    if (t->refused)
        fate = OUTCOME_REFUSED;
    else if (t->final_lent)
        fate = OUTCOME_UNKNOWN;
    else
        fate = OUTCOME_FAILED;
    e->outcome = t->rcpt_delivered ? OUTCOME_ACCEPTED : fate;
    memset(e->rcpt, 0, sizeof e->rcpt);
    e->rcpt[OUTCOME_ACCEPTED] = t->rcpt_delivered;
    e->rcpt[OUTCOME_REFUSED] = t->rcpt_refused + t->rcpt_bounced;
    e->rcpt[fate] += rest;
}

static void transaction_event(struct client *c, struct client_event *e)
{
    const struct transaction *t = client_transaction(c, 0);

    e->kind = CLIENT_TRANSACTION;
    e->phase = (enum phase)c->end_phase;
    e->mail = t->mail;
    e->started = t->started;
    e->started_at = t->started_at;
    e->end = (enum client_end)c->end;
    settle(t, e);
    if (t->refused) {
        e->phase = t->reason.phase;
        e->code = t->reason.code;
        e->collateral = t->reason.collateral;
        e->enhanced = (struct slice){t->reason.enhanced, t->reason.enhanced_length};
    }
    if (++c->t_first == c->t_capacity)
        c->t_first = 0;
    c->t_count--;
}

struct slice client_reply_text(const struct client *c)
{
    struct reply_line l = last_line(&c->last);

    return c->last.words_length ? (struct slice){c->words, c->last.words_length} : reply_text(&l);
}

static void reply_event(const struct client *c, struct client_event *e)
{
    const struct last_reply *r = &c->last;

    e->kind = CLIENT_REPLY;
    e->phase = (enum phase)r->phase;
    e->code = r->code;
    e->refused = r->refused;
    e->collateral = r->collateral;
    e->unsolicited = r->unsolicited;
    e->line = last_line(r).line;
    e->sent_at = r->sent_at;
    e->received_at = c->progress_at;
    if (r->refused) {
        struct reply_line l = last_line(r);

        e->text = client_reply_text(c);
        e->enhanced = reply_enhanced(&l);
    }
}

bool client_event(struct client *c, struct client_event *e)
{
    bool closed = c->stage == STAGE_CLOSED;

    if (c->has_reply) {
        c->has_reply = false;
        reply_event(c, e);
        return true;
    }
    if (c->tls_wanted && !closed) {
        c->tls_wanted = false;
        e->kind = CLIENT_TLS;
        return true;
    }
    if (c->asks && client_auth_event(c, e))
        return true;
    if (c->t_count) {
        const struct transaction *t = client_transaction(c, 0);

        if (closed || (t->step == STEP_OVER && t->pending == 0)) {
            transaction_event(c, e);
            return true;
        }
    }
    if (!closed || c->end_told)
        return false;
    c->end_told = true;
    e->kind = CLIENT_END;
    e->phase = (enum phase)c->end_phase;
    e->end = (enum client_end)c->end;
    e->missing = c->end == CLIENT_END_NO_OFFER ? ext_rows[c->missing] : NULL;
    e->plaintext = c->was_ready && !c->secure && c->cf->want[EXT_STARTTLS] == EXT_IF_OFFERED;
    if (c->end == CLIENT_END_FORBIDDEN)
        e->why = (struct slice){c->words, c->words_length};
    if (c->end == CLIENT_END_UNSOLICITED || c->end == CLIENT_END_ENDLESS ||
        c->end == CLIENT_END_INJECTION)
        e->line = last_line(&c->last).line;
    return true;
}

void client_sent(struct client *c, size_t n, uint64_t now)
{
    uint64_t before = c->sent;

    c->sent += n;
    c->progress_at = now;
    /*
     * A command counts as sent when it is lent, unless the system did not take it at once: then the
     * time of a large message's way out is not the server's time to answer it.
     */
    c->stalled |= c->sent < c->lent;
    if (!c->stalled)
        return;
    for (uint32_t i = 0; i < c->ring_count; i++) {
        struct command *cmd = client_command(c, i);

        if (cmd->end > before && cmd->end <= c->sent)
            cmd->sent_at = now;
    }
    c->stalled = c->sent < c->lent;
}

/* While content is being written each progress counts, behind that the reply. */
static uint64_t time_limit(struct client *c)
{
    enum verb verb = c->ring_count ? (enum verb)client_command(c, 0)->verb : VERB_NONE;
    bool content = verb == VERB_DOT || verb == VERB_BDAT || verb == VERB_BDAT_LAST;

    if (c->stage == STAGE_TLS)
        return c->cf->timeout[PHASE_TLS];
    if (verb == VERB_NONE || (content && c->lent != c->sent))
        return c->cf->block_timeout;
    return c->cf->timeout[client_verbs[verb].phase];
}

uint64_t client_deadline(struct client *c)
{
    if (c->stage == STAGE_CLOSED ||
        (c->ring_count == 0 && c->lent == c->sent && c->stage != STAGE_TLS))
        return NS_NEVER;
    return c->progress_at + time_limit(c);
}

void client_tick(struct client *c, uint64_t now)
{
    if (now >= client_deadline(c))
        client_close(c, CLIENT_END_TIMEOUT);
}

void client_eof(struct client *c)
{
    struct transaction *t = c->t_count ? client_transaction(c, 0) : NULL;

    /* The mail is decided: a server that goes without answering QUIT does no harm. */
    if (c->ring_count && client_command(c, 0)->verb == VERB_QUIT) {
        client_close(c, CLIENT_END_QUIT);
        return;
    }
    if (!c->farewell) {
        client_close(c, CLIENT_END_LOST);
        return;
    }
    if (t && t->reason.code)
        t->refused = true;
    client_close(c, CLIENT_END_CLOSING);
}

bool client_is_ready(const struct client *c)
{
    return c->stage == STAGE_READY;
}

const char *client_hello_verb(const struct client *c)
{
    return c->hello == VERB_NONE ? "" : client_verbs[c->hello].name;
}

bool client_busy(struct client *c)
{
    return c->t_count && client_transaction(c, 0)->started;
}

void client_abort(struct client *c)
{
    client_close(c, CLIENT_END_ABORTED);
}
