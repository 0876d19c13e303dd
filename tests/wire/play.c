/*
 * The owner's loop around a client machine, with a transcript at the other end of the line.
 *
 * The rules that an owner follows (client.h) are followed to the letter, and what it may rely on is
 * checked: every message ends exactly once, recipients add up and are asked for once and in order,
 * lent octets stay as they are, nothing is lent after the end.
 */
#include "play.h"

#include <inttypes.h>

#include "rng.h"
#include "units.h"

#define IOV_MAX_HERE 64
#define PARTS_MAX    12

static const char *const mode_names[] = {
#define X(id, name, what) name,
    PLAY_LIST(X)
#undef X
};

const char *play_mode_name(enum play_mode mode)
{
    return mode_names[mode];
}

struct part_store {
    uint32_t count;
    char *memory;
    struct slice *parts;
};

/* A message as the client sees it. */
struct delivery {
    struct client_mail mail;
    struct client_form form;
    const struct script_message *m;
    struct player *player;
    struct part_store plain, stuffed;
    size_t own;     /* of the content's first octets: the mail's own part */
    uint32_t asked; /* recipients rendered */
    int ended;
};

struct player {
    const struct script *s;
    enum play_mode mode;
    struct rng rng;
    struct client *client;
    uint64_t now;
    struct delivery *deliveries;
    size_t submitted, ended;

    struct buffer sent; /* all octets lent */
    size_t due;         /* client octets that the script is at */
    struct buffer log;  /* events */
    struct buffer replies, times;

    struct arena arena;
    char arena_memory[CLIENT_ARENA_AUTH];
    struct iovec iov[IOV_MAX_HERE];
    int iov_count;
    struct buffer lent; /* a copy of what is outstanding */
    size_t retired;     /* of that */

    const char *answer; /* the next to CLIENT_AUTH */
    bool hold, stall, over;
    bool cutting;   /* the session is to be cut */
    bool wants_tls; /* the client has said so */
    struct buffer *why;
    bool failed;
};

static void __attribute__((format(printf, 2, 3))) fail(struct player *p, const char *format, ...)
{
    char text[400];
    va_list args;

    if (p->failed)
        return;
    p->failed = true;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    buffer_text(p->why, text);
    buffer_text(p->why, "\n");
}

/* Octets around a place, on one line. */
static void show(struct buffer *out, const char *name, const char *p, size_t n, size_t at)
{
    size_t first = at > 60 ? at - 60 : 0;
    size_t last = n - at > 60 ? at + 60 : n;

    buffer_print(out, "    %s %s", name, first ? "..." : "");
    for (size_t i = first; i < last; i++) {
        if (i == at)
            buffer_text(out, ">>>");
        if (p[i] == '\r')
            continue;
        if (p[i] == '\n')
            buffer_text(out, " / ");
        else if (p[i] >= ' ' && p[i] <= '~')
            buffer_add(out, p + i, 1);
        else
            buffer_print(out, "{x%02x}", (unsigned char)p[i]);
    }
    if (at == last)
        buffer_text(out, ">>>");
    buffer_text(out, last < n ? "...\n" : "(end)\n");
}

/* --- content --- */

static size_t deliver_rcpt(struct client_mail *m, uint32_t index, char *out, size_t size)
{
    struct delivery *d = (struct delivery *)((char *)m - offsetof(struct delivery, mail));
    const char *text = d->m->rcpt[index < d->m->rcpt_count ? index : 0];
    size_t n = strlen(text);

    if (index != d->asked++)
        fail(d->player, "recipient %u was asked for in place of %u", index, d->asked - 1);
    if (n > size)
        n = size;
    memcpy(out, text, n);
    return n;
}

static size_t deliver_own(const struct client_mail *m, char out[CLIENT_OWN_MAX])
{
    const struct delivery *d = (const struct delivery *)m;

    memcpy(out, d->m->body.p, d->own);
    return d->own;
}

static void stuff(struct buffer *out, const struct buffer *plain)
{
    for (size_t i = 0; i < plain->n; i++) {
        if (plain->p[i] == '.' && (i == 0 || plain->p[i - 1] == '\n'))
            buffer_add(out, ".", 1);
        buffer_add(out, plain->p + i, 1);
    }
}

/* Where part number i of count ends. */
static size_t part_end(struct player *p, const struct buffer *b, size_t at, uint32_t i,
                       uint32_t count)
{
    const char *lf;

    if (i + 1 == count)
        return b->n;
    if (!p->s->part_lines)
        return at + (size_t)rng_below(&p->rng, b->n - at + 1);
    lf = memchr(b->p + at, '\n', b->n - at);
    return lf ? (size_t)(lf - b->p) + 1 : b->n;
}

/* Parts never touch each other in memory, so that none are joined. */
static struct part_store split(struct player *p, const struct buffer *b, size_t own, uint32_t count)
{
    struct part_store out = {.memory = malloc(b->n + count + 1),
                             .parts = calloc(count + 2, sizeof *out.parts)};
    size_t at = own;

    if (!out.memory || !out.parts)
        abort();
    if (own)
        out.parts[out.count++] = (struct slice){NULL, 0};
    for (uint32_t i = 0; i < count; i++) {
        size_t end = part_end(p, b, at, i, count);

        if (end > at)
            memcpy(out.memory + at + i, b->p + at, end - at);
        out.parts[out.count++] = (struct slice){out.memory + at + i, end - at};
        at = end;
    }
    return out;
}

/* How many of the content's first octets are to be the mail's own part; none of them is stuffed. */
static size_t own_size(struct player *p, const struct buffer *plain, const struct buffer *stuffed)
{
    size_t most = 0;

    if (p->mode < PLAY_RANDOM || p->s->part_lines)
        return 0;
    while (most < plain->n && most < CLIENT_OWN_MAX && plain->p[most] == stuffed->p[most])
        most++;
    return (size_t)rng_below(&p->rng, most + 1);
}

static uint32_t part_count(struct player *p, const struct buffer *body)
{
    uint32_t lines = 0;

    if (p->s->part_lines) {
        for (size_t i = 0; i < body->n; i++)
            lines += body->p[i] == '\n';
        return lines;
    }
    if (p->mode < PLAY_RANDOM)
        return body->n ? 1 : 0;
    return body->n ? 1 + (uint32_t)rng_below(&p->rng, PARTS_MAX) : (uint32_t)rng_below(&p->rng, 3);
}

static void make_delivery(struct player *p, struct delivery *d, const struct script_message *m)
{
    struct buffer stuffed = {0};
    struct buffer plain = m->body;
    uint32_t count = part_count(p, &m->body);

    buffer_add(&stuffed, "", 0);
    stuff(&stuffed, &plain);
    *d = (struct delivery){.m = m, .player = p, .own = own_size(p, &plain, &stuffed)};
    d->plain = split(p, &plain, d->own, count);
    d->stuffed = split(p, &stuffed, d->own, count);
    buffer_free(&stuffed);
    d->form = (struct client_form){
        .sender = slice_of(m->sender),
        .rcpt_count = m->rcpt_count,
        .utf8 = !ext_is_ascii(slice_of(m->sender)) || !ext_is_ascii(slice_of(m->rcpt[0])),
        .plain = {d->plain.parts, d->plain.count, plain.n - d->own},
        .stuffed = {d->stuffed.parts, d->stuffed.count, stuffed.n - d->own},
        .rcpt = deliver_rcpt,
        .own = d->own ? deliver_own : NULL,
    };
    d->mail.form = &d->form;
}

static void free_deliveries(struct player *p)
{
    for (size_t i = 0; i < p->submitted; i++) {
        free(p->deliveries[i].plain.memory);
        free(p->deliveries[i].plain.parts);
        free(p->deliveries[i].stuffed.memory);
        free(p->deliveries[i].stuffed.parts);
    }
    free(p->deliveries);
    p->deliveries = NULL;
}

/* The next message, or the word that there are no more. false when neither is to be given now. */
static bool feed(struct player *p)
{
    struct delivery *d = &p->deliveries[p->submitted];
    size_t count = p->s->keep ? p->s->message_count : 1;

    if (p->hold)
        return false;
    if (p->submitted < count) {
        make_delivery(p, d, &p->s->messages[p->submitted++]);
        client_submit(p->client, &d->mail);
    } else {
        client_quit(p->client);
    }
    return true;
}

/* --- events --- */

static void log_code(struct buffer *b, const struct client_event *e)
{
    buffer_print(b, "%s %03d", phase_name(e->phase), e->code);
    if (e->enhanced.n)
        buffer_print(b, " %.*s", (int)e->enhanced.n, e->enhanced.p);
}

static void on_reply(struct player *p, const struct client_event *e)
{
    buffer_print(&p->replies, "%s%s", p->replies.n ? " " : "", phase_name(e->phase));
    buffer_print(&p->times, "%s%" PRIu64, p->times.n ? " " : "",
                 (e->received_at - e->sent_at) / NS_PER_S);
    if (e->sent_at > e->received_at || e->received_at > p->now)
        fail(p, "times of the reply to %s are out of order", phase_name(e->phase));
    if (!e->refused && !e->unsolicited)
        return;
    buffer_text(&p->log, e->unsolicited  ? "unsolicited "
                         : e->collateral ? "collateral "
                                         : "refused ");
    log_code(&p->log, e);
    buffer_text(&p->log, "\n");
}

static void on_transaction(struct player *p, const struct client_event *e)
{
    struct delivery *d = &p->deliveries[p->ended];
    uint64_t sum = 0;

    for (int o = 0; o < OUTCOME_COUNT; o++)
        sum += e->rcpt[o];
    if (p->ended >= p->submitted || e->mail != &d->mail) {
        fail(p, "a message ended that was not under way, or out of order");
        return;
    }
    if (d->ended++ || sum != d->m->rcpt_count)
        fail(p, "message %zu: %" PRIu64 " recipients of %u", p->ended + 1, sum, d->m->rcpt_count);
    if ((e->outcome == OUTCOME_ACCEPTED) != (e->rcpt[OUTCOME_ACCEPTED] > 0))
        fail(p, "message %zu is %s with %u recipients accepted", p->ended + 1,
             outcome_name(e->outcome), e->rcpt[OUTCOME_ACCEPTED]);
    if (e->started && (e->started_at < NS_PER_S || e->started_at > p->now))
        fail(p, "message %zu did not start when it did", p->ended + 1);
    buffer_print(&p->log, "message %zu %s", ++p->ended, outcome_name(e->outcome));
    if (e->outcome == OUTCOME_REFUSED) {
        buffer_text(&p->log, e->collateral ? " collateral " : " ");
        log_code(&p->log, e);
    } else if (!e->started) {
        buffer_text(&p->log, " unstarted");
    }
    buffer_text(&p->log, ", rcpt");
    for (int o = 0; o < OUTCOME_COUNT; o++)
        if (e->rcpt[o])
            buffer_print(&p->log, " %s=%u", outcome_name((enum outcome)o), e->rcpt[o]);
    buffer_text(&p->log, "\n");
}

static void on_end(struct player *p, const struct client_event *e)
{
    static const char *const names[] = {
#define X(id) #id,
        CLIENT_END_LIST(X)
#undef X
    };

    p->over = true;
    buffer_print(&p->log, "end %s %s", names[e->end], phase_name(e->phase));
    if (e->end == CLIENT_END_FORBIDDEN)
        buffer_print(&p->log, " %.*s", (int)e->why.n, e->why.p);
    if (e->end == CLIENT_END_NO_OFFER)
        buffer_print(&p->log, " %s", e->missing->keyword);
    if (e->plaintext)
        buffer_text(&p->log, " plaintext");
    buffer_text(&p->log, "\n");
}

static void on_tls(struct player *p)
{
    if (p->wants_tls)
        fail(p, "TLS is wanted twice");
    p->wants_tls = true;
    /* A session that is to be cut goes on as it comes. */
    if (p->cutting && rng_below(&p->rng, 2))
        client_tls_done(p->client, p->now);
}

/* The script's next answer; the script's text is there until the end. */
static void on_auth(struct player *p, const struct client_event *e)
{
    struct slice line = {p->answer, strcspn(p->answer, "\n")};

    buffer_print(&p->log, "auth %d", e->code);
    if (e->code != 235 && e->text.n) {
        buffer_text(&p->log, " ");
        buffer_add(&p->log, e->text.p, e->text.n);
    }
    buffer_text(&p->log, "\n");
    if (*p->answer == '\0' && !p->cutting)
        fail(p, "nothing to say to CLIENT_AUTH %d", e->code);
    p->answer += line.n + (p->answer[line.n] == '\n');
    if (e->code == 235)
        client_auth_done(p->client, slice_is(line, "taken"));
    else if (line.n == 0 || slice_is(line, "*"))
        client_auth_cancel(p->client);
    else
        client_auth_say(p->client, slice_is(line, "nothing") ? SLICE("") : line);
}

static void pull(struct player *p)
{
    struct client_event e;

    while (client_event(p->client, &e)) {
        if (p->over) {
            fail(p, "an event after the end");
            return;
        }
        if (e.kind == CLIENT_REPLY)
            on_reply(p, &e);
        else if (e.kind == CLIENT_TRANSACTION)
            on_transaction(p, &e);
        else if (e.kind == CLIENT_TLS)
            on_tls(p);
        else if (e.kind == CLIENT_AUTH)
            on_auth(p, &e);
        else
            on_end(p, &e);
    }
}

/* --- sending --- */

static bool outstanding(const struct player *p)
{
    return p->retired < p->lent.n;
}

/* The lent memory has to be what it was until all of it is retired. */
static void retire(struct player *p, size_t n)
{
    size_t at = 0;

    for (int i = 0; i < p->iov_count; i++) {
        if (memcmp(p->iov[i].iov_base, p->lent.p + at, p->iov[i].iov_len) != 0)
            fail(p, "lent octets have changed");
        at += p->iov[i].iov_len;
    }
    if (n > p->lent.n - p->retired)
        n = p->lent.n - p->retired;
    p->retired += n;
    client_sent(p->client, n, p->now);
    /* From here on nobody may look there. */
    if (p->retired == p->lent.n)
        memset(p->arena_memory, '#', p->arena.used);
}

static int slices(struct player *p)
{
    if (p->s->iov)
        return p->s->iov;
    if (p->mode >= PLAY_LATE)
        return 4;
    return p->mode == PLAY_RANDOM ? 4 + (int)rng_below(&p->rng, IOV_MAX_HERE - 3) : IOV_MAX_HERE;
}

/* One send, if nothing is outstanding; true when something was lent. */
static bool lend(struct player *p)
{
    int max = slices(p);
    int n = 0;

    if (outstanding(p) || p->over)
        return false;
    p->arena = (struct arena){p->arena_memory, 0,
                              p->mode >= PLAY_LATE && !p->s->config.want[EXT_AUTH]
                                  ? CLIENT_ARENA_MIN
                                  : sizeof p->arena_memory};
    do
        n += client_send(p->client, p->iov + n, max - n, &p->arena, p->now);
    while (n < max && client_hungry(p->client) && feed(p));
    p->iov_count = n;
    p->lent.n = p->retired = 0;
    for (int i = 0; i < n; i++)
        buffer_add(&p->lent, p->iov[i].iov_base, p->iov[i].iov_len);
    buffer_add(&p->sent, p->lent.p ? p->lent.p : "", p->lent.n);
    if (n > max || (n && !p->lent.n))
        fail(p, "%d slices of %d, %zu octets", n, max, p->lent.n);
    pull(p);
    return n > 0;
}

/* Sends all there is to send; a late player leaves the last send outstanding. */
static void pump(struct player *p)
{
    if (p->mode < PLAY_LATE && !p->stall && outstanding(p))
        retire(p, p->lent.n);
    while (lend(p) && !p->stall && p->mode < PLAY_LATE)
        retire(p, p->lent.n);
}

/* Has the client said what it has to say before the script goes on? */
static void sync(struct player *p, bool strict)
{
    const struct buffer *c = &p->s->client;
    size_t n = 0;

    pump(p);
    while (p->mode >= PLAY_LATE && p->sent.n < p->due && !p->stall && outstanding(p)) {
        retire(p, p->lent.n);
        pump(p);
    }
    while (n < p->sent.n && n < c->n && p->sent.p[n] == c->p[n])
        n++;
    if (n == p->sent.n && p->sent.n >= p->due && (p->sent.n == p->due || !strict))
        return;
    fail(p, "the client says something else:");
    show(p->why, "wanted", c->p, strict ? p->due : c->n, n > p->due && strict ? p->due : n);
    show(p->why, "said  ", p->sent.p ? p->sent.p : "", p->sent.n,
         n > p->due && strict ? p->due : n);
}

/* --- receiving --- */

/* One segment, in memory of its own that goes when the callback of a driver would return. */
static void segment(struct player *p, const char *octets, size_t n)
{
    char *memory = malloc(n);
    struct slice in = {memory, n};

    if (!memory)
        abort();
    memcpy(memory, octets, n);
    while (in.n && !p->failed) {
        size_t used = client_recv(p->client, in, p->now);

        if (used == 0 || used > in.n)
            fail(p, "client_recv() took %zu octets of %zu", used, in.n);
        else
            in = slice_from(in, used);
        pull(p);
    }
    free(memory);
    pump(p);
}

static void deliver(struct player *p, const char *octets, size_t n)
{
    while (n && !p->failed) {
        size_t piece = n;

        if (p->s->whole || p->mode == PLAY_WHOLE)
            piece = n;
        else if (p->mode == PLAY_BYTES)
            piece = 1;
        else
            piece = 1 + (size_t)rng_below(&p->rng, rng_below(&p->rng, 3) ? n : n < 8 ? n : 8);
        segment(p, octets, piece);
        octets += piece;
        n -= piece;
        if (p->mode >= PLAY_LATE && !p->stall && outstanding(p) && rng_below(&p->rng, 2)) {
            retire(p, 1 + (size_t)rng_below(&p->rng, p->lent.n));
            pump(p);
        }
    }
}

/* Server octets from item i on that come together; returns the item behind them. */
static size_t serve(struct player *p, size_t i)
{
    const struct script *s = p->s;
    bool ahead = s->ahead && s->config.window > 1;
    size_t at = s->items[i].at;
    size_t n = 0;

    sync(p, !ahead);
    for (; i < s->item_count; i++) {
        const struct script_item *it = &s->items[i];

        if (it->kind == SCRIPT_SERVER)
            n += it->n;
        else if (it->kind == SCRIPT_CLIENT && ahead && p->due + it->n <= p->sent.n)
            p->due += it->n;
        else
            break;
    }
    deliver(p, s->server.p + at, n);
    return i;
}

/* --- the script --- */

static void check_deadline(struct player *p, const struct script_item *it)
{
    uint64_t wanted = it->value == NS_NEVER ? NS_NEVER : p->now + it->value;
    uint64_t is = client_deadline(p->client);

    if (is != wanted)
        fail(p, "line %d: the deadline is in %" PRId64 " s", it->line,
             is == NS_NEVER ? -1 : (int64_t)((is - p->now) / NS_PER_S));
}

/* Where it matters when the last send is done, it is done, also for a late player. */
static void settle(struct player *p, enum script_kind next)
{
    if (p->mode < PLAY_LATE || p->stall || !outstanding(p))
        return;
    if (next == SCRIPT_TICK || next == SCRIPT_DEADLINE || next == SCRIPT_STALL)
        retire(p, p->lent.n);
}

static void act(struct player *p, const struct script_item *it)
{
    bool ahead = p->s->ahead && p->s->config.window > 1;

    sync(p, !ahead);
    settle(p, it->kind);
    switch (it->kind) {
    case SCRIPT_CLOSE:
        client_eof(p->client);
        break;
    case SCRIPT_ABORT:
        client_abort(p->client);
        break;
    case SCRIPT_SECURE:
        if (!p->wants_tls)
            fail(p, "line %d: TLS is not wanted", it->line);
        p->wants_tls = false;
        client_tls_done(p->client, p->now);
        break;
    case SCRIPT_INSECURE:
        client_tls_failed(p->client);
        break;
    case SCRIPT_TICK:
        p->now += it->value;
        client_tick(p->client, p->now);
        break;
    case SCRIPT_DEADLINE:
        check_deadline(p, it);
        break;
    case SCRIPT_SENT:
        retire(p, it->value);
        break;
    case SCRIPT_HOLD:
    case SCRIPT_FEED:
        p->hold = it->kind == SCRIPT_HOLD;
        break;
    case SCRIPT_STALL:
    case SCRIPT_FLOW:
        p->stall = it->kind == SCRIPT_STALL;
        break;
    default:
        break;
    }
    pull(p);
}

static void run(struct player *p)
{
    const struct script *s = p->s;

    for (size_t i = 0; i < s->item_count && !p->failed;) {
        const struct script_item *it = &s->items[i];

        if (it->kind == SCRIPT_SERVER) {
            i = serve(p, i);
            continue;
        }
        i++;
        if (it->kind == SCRIPT_CLIENT)
            p->due += it->n;
        else
            act(p, it);
    }
    while (!p->failed && !p->stall && outstanding(p)) {
        retire(p, p->lent.n);
        pump(p);
    }
    if (!p->failed)
        sync(p, true);
}

/* What holds at the end of every session, whatever was said. */
static void check_end(struct player *p)
{
    if (!p->over) {
        fail(p, "the session is not over; events so far:");
        buffer_text(p->why, p->log.p ? p->log.p : "");
        return;
    }
    if (p->ended != p->submitted)
        fail(p, "%zu messages of %zu have ended", p->ended, p->submitted);
    while (outstanding(p))
        retire(p, 1 + (size_t)rng_below(&p->rng, p->lent.n));
    p->arena = (struct arena){p->arena_memory, 0, sizeof p->arena_memory};
    if (client_send(p->client, p->iov, IOV_MAX_HERE, &p->arena, p->now) != 0)
        fail(p, "something is lent after the end");
    if (client_hungry(p->client))
        fail(p, "the client is hungry after the end");
    if (client_deadline(p->client) != NS_NEVER)
        fail(p, "there is a deadline after the end");
    if (client_recv(p->client, SLICE("250 late\r\n"), p->now) != 10)
        fail(p, "input after the end is not swallowed");
    client_eof(p->client);
    client_tick(p->client, p->now + NS_PER_S * 3600);
    pull(p);
}

/* Two lists of lines, where they part. */
static void compare(struct player *p, const char *what, const char *wanted, const char *is)
{
    if (strcmp(wanted, is) == 0)
        return;
    fail(p, "%s differ:", what);
    while (*wanted || *is) {
        size_t a = strcspn(wanted, "\n"), b = strcspn(is, "\n");

        if (a == b && memcmp(wanted, is, a) == 0)
            buffer_print(p->why, "      %.*s\n", (int)a, wanted);
        else {
            if (*wanted)
                buffer_print(p->why, "    - %.*s\n", (int)a, wanted);
            if (*is)
                buffer_print(p->why, "    + %.*s\n", (int)b, is);
        }
        wanted += a + (wanted[a] != '\0');
        is += b + (is[b] != '\0');
    }
}

static void begin(struct player *p)
{
    p->deliveries = calloc(p->s->message_count + 1, sizeof *p->deliveries);
    if (!p->deliveries)
        abort();
    p->now = NS_PER_S;
    p->due = p->submitted = p->ended = p->retired = 0;
    p->answer = p->s->answers.p;
    p->sent.n = p->log.n = p->replies.n = p->times.n = p->lent.n = 0;
    buffer_add(&p->log, "", 0);
    buffer_add(&p->replies, "", 0);
    buffer_add(&p->times, "", 0);
    p->hold = p->stall = p->over = p->wants_tls = p->cutting = false;
    client_start(p->client, p->now);
    (void)feed(p);
    if (!p->s->keep)
        (void)feed(p);
    pull(p); /* TLS comes before all else */
}

/* The transcript from its beginning to its end. */
static void session(struct player *p)
{
    begin(p);
    run(p);
    if (!p->failed) {
        compare(p, "events", p->s->expected.p, p->log.p);
        if (p->s->replies)
            compare(p, "phases of the replies", p->s->replies, p->replies.p);
        if (p->s->times)
            compare(p, "times of the replies", p->s->times, p->times.p);
        check_end(p);
    }
    free_deliveries(p);
}

/* The server's octets up to a random one, without regard to what the client says; then an end. */
static void cut_session(struct player *p)
{
    size_t n = (size_t)rng_below(&p->rng, p->s->server.n + 1);

    begin(p);
    p->cutting = true; /* from here on: TLS from the first octet on is only begun */
    pump(p);
    deliver(p, p->s->server.p, n);
    switch (rng_below(&p->rng, 3)) {
    case 0:
        client_abort(p->client);
        break;
    case 1:
        p->now += 3600 * NS_PER_S;
        client_tick(p->client, p->now);
        pull(p);
        client_eof(p->client);
        break;
    default:
        client_eof(p->client);
    }
    pull(p);
    if (!p->failed)
        check_end(p);
    free_deliveries(p);
}

int play(const struct script *s, enum play_mode mode, uint64_t seed, struct buffer *why)
{
    struct player p = {.s = s, .mode = mode, .rng = {seed}, .why = why};

    p.client = calloc(1, client_size(&s->config));
    if (!p.client)
        abort();
    (void)client_init(p.client, &s->config);
    if (!p.client)
        abort();
    if (mode == PLAY_CUT)
        cut_session(&p);
    /* A client serves many sessions: nothing of the one before may show. */
    for (int i = 0; i < 2 && !p.failed; i++)
        session(&p);
    client_done(p.client);
    free(p.client);
    buffer_free(&p.sent);
    buffer_free(&p.log);
    buffer_free(&p.replies);
    buffer_free(&p.times);
    buffer_free(&p.lent);
    return p.failed ? -1 : 0;
}
