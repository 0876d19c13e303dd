/*
 * What the client sends next. One rule: a command may go when nothing is in flight; or when the
 * window is above 1, nothing in flight is a barrier, and the window is not full. Lockstep is a
 * window of 1.
 */
#include "client_impl.h"
#include "units.h"

struct lending {
    struct iovec *iov;
    int count;
    int max;
    struct arena *arena;
    uint64_t now;
    bool full; /* no room in the arena */
};

static bool may_send(const struct client *c)
{
    return c->ring_count == 0 || (c->ring_count < c->window && !c->barrier);
}

static enum verb plan_transaction(const struct client *c, const struct transaction *t)
{
    uint64_t chunk = c->cf->chunk_size;

    switch (t->step) {
    case STEP_MAIL:
        return c->need_rset ? VERB_RSET : VERB_MAIL;
    case STEP_RCPT:
        return VERB_RCPT;
    case STEP_DATA:
        if (!c->bdat)
            return VERB_DATA;
        return chunk && chunk < t->left ? VERB_BDAT : VERB_BDAT_LAST;
    case STEP_DOT:
        return VERB_DOT;
    default:
        return VERB_NONE;
    }
}

static enum verb plan(struct client *c)
{
    const struct transaction *t = client_unsent(c);

    if (c->stage == STAGE_HELLO)
        return (enum verb)(c->hello_lent ? c->step : c->hello);
    if (c->stage != STAGE_READY || c->quit_lent)
        return VERB_NONE;
    if (t)
        return plan_transaction(c, t);
    if (c->quit_wanted && c->cf->no_quit)
        return VERB_NONE;
    if (c->need_rset)
        return VERB_RSET;
    return c->quit_wanted ? VERB_QUIT : VERB_NONE;
}

enum phase client_phase(struct client *c)
{
    const struct transaction *t = client_unsent(c);
    enum verb verb;

    if (c->stage == STAGE_TLS)
        return PHASE_TLS;
    if (c->ring_count)
        return (enum phase)client_verbs[client_command(c, 0)->verb].phase;
    if (c->stage == STAGE_READY && t && (t->step == STEP_CONTENT || t->step == STEP_CHUNK))
        return PHASE_END_OF_DATA;
    verb = plan(c);
    return verb == VERB_NONE ? PHASE_MAIL : (enum phase)client_verbs[verb].phase;
}

/* One that is in flight lies behind all that is answered before it, and does for that as well. */
void client_need_rset(struct client *c)
{
    c->need_rset |= c->rsets == 0;
}

bool client_hungry(struct client *c)
{
    return c->stage == STAGE_READY && !c->quit_wanted && !c->need_rset && !client_unsent(c) &&
           c->t_count < c->t_limit && may_send(c);
}

/* Lends one slice; one that begins where the last ended makes it longer. */
static void lend(struct client *c, struct lending *l, const char *p, size_t n)
{
    struct iovec *last = l->count ? &l->iov[l->count - 1] : NULL;

    if (c->lent == c->sent)
        c->progress_at = l->now;
    c->lent += n;
    if (last && (const char *)last->iov_base + last->iov_len == p) {
        last->iov_len += n;
        return;
    }
    l->iov[l->count].iov_base = (void *)(uintptr_t)p;
    l->iov[l->count++].iov_len = n;
}

uint64_t client_mail_size(const struct client_mail *m)
{
    char own[CLIENT_OWN_MAX];

    return m->form->plain.size + (m->form->own ? m->form->own(m, own) : 0);
}

/* The session ends behind as many mails as the server allows. */
static void count_mail(struct client *c)
{
    struct ext_offer *kept = client_offer(c);

    if (++kept->mails_begun == kept->mails)
        c->quit_wanted = true;
}

/*
 * May the next mail be sent, by what the server offers? If not the session is over, as soon as all
 * that is in flight is answered.
 */
static bool may_begin(struct client *c)
{
    const struct client_config *cf = c->cf;
    const struct ext_offer *kept = c->keeps_offer ? client_offer(c) : NULL;
    size_t n = 0;

    for (int i = 0; i < EXT_COUNT && n == 0; i++)
        if (cf->want[i] != EXT_NO && ext_rows[i]->forbid && client_words(c))
            n = ext_rows[i]->forbid(kept, c->offered & (UINT32_C(1) << i), client_unsent(c)->mail,
                                    c->words, WORDS_MAX);
    if (n == 0)
        return true;
    if (c->ring_count > 0)
        return false;
    c->words_length = (uint16_t)(n < WORDS_MAX ? n : WORDS_MAX - 1);
    client_close(c, CLIENT_END_FORBIDDEN);
    return false;
}

/* What a verb changes by being lent. */
static void advance(struct client *c, enum verb verb, struct transaction *t, uint64_t now)
{
    switch (verb) {
    case VERB_HELO:
    case VERB_EHLO:
    case VERB_LHLO:
        c->hello_lent = true;
        if (c->keeps_offer)
            *client_offer(c) = (struct ext_offer){0};
        break;
    case VERB_STARTTLS:
    case VERB_XCLIENT:
    case VERB_AUTH:
    case VERB_AUTH_RESPONSE:
        c->step = VERB_NONE;
        break;
    case VERB_MAIL:
        t->started = true;
        t->started_at = now;
        if (c->bdat)
            t->left = client_mail_size(t->mail);
        if (c->keeps_offer)
            count_mail(c);
        t->step = STEP_RCPT;
        break;
    case VERB_RCPT:
        if (++t->rcpt_next == t->mail->form->rcpt_count)
            t->step = STEP_DATA;
        break;
    case VERB_DATA:
        t->step = STEP_WAIT;
        break;
    case VERB_DOT:
        t->final_lent = !t->refused;
        t->step = STEP_OVER;
        break;
    case VERB_RSET:
        c->need_rset = false;
        c->rsets++;
        break;
    case VERB_QUIT:
        c->quit_lent = true;
        break;
    default:
        break;
    }
}

/* Of what authenticates only the mechanism is shown. */
static struct slice without_secret(enum verb verb, struct slice line)
{
    const char *blank;

    if (verb == VERB_AUTH_RESPONSE)
        return line.n == 1 && *line.p == '*' ? line : SLICE("(response)");
    blank = verb == VERB_AUTH && line.n > 5 ? memchr(line.p + 5, ' ', line.n - 5) : NULL;
    return blank ? (struct slice){line.p, (size_t)(blank - line.p)} : line;
}

static void trace(const struct client *c, enum verb verb, const char *p, size_t n)
{
    if (c->cf->trace)
        c->cf->trace(c->cf->trace_arg, true, without_secret(verb, (struct slice){p, n - 2}));
}

static uint16_t slot_of(const struct client *c, const struct transaction *t)
{
    return t ? (uint16_t)(t - (const struct transaction *)(c + 1)) : NO_SLOT;
}

_Static_assert(CLIENT_OWN_MAX <= CLIENT_COMMAND_MAX, "what has room for a command has for it, too");

/* What a command takes at most. */
static size_t command_room(const struct client *c, const struct transaction *t)
{
    size_t path = t && t->mail->form->path_max ? t->mail->form->path_max : CLIENT_PATH_MAX;

    return path + CLIENT_COMMAND_MAX + (c->parameters ? CLIENT_PARAMETERS_MAX : 0);
}

/* Renders and lends one command; false when the arena is too full for it. */
static bool lend_command(struct client *c, struct lending *l, enum verb verb)
{
    const struct client_verb *row = &client_verbs[verb];
    struct transaction *t = verb == VERB_RSET || verb == VERB_QUIT ? NULL : client_unsent(c);
    const char *p = row->name;
    size_t room;
    size_t n;

    if (c->stage == STAGE_HELLO)
        t = NULL;
    room =
        verb == VERB_AUTH || verb == VERB_AUTH_RESPONSE ? c->auth->line.n + 2 : command_room(c, t);
    if (row->render) {
        char *out;

        if (arena_left(l->arena) < room)
            return false;
        out = l->arena->base + l->arena->used;
        if (t && (verb == VERB_BDAT || verb == VERB_BDAT_LAST)) {
            t->chunk_left = verb == VERB_BDAT ? c->cf->chunk_size : t->left;
            t->step = STEP_CHUNK;
        }
        n = row->render(c, t, out, room);
        (void)arena_take(l->arena, n);
        p = out;
    } else {
        n = strlen(p);
    }
    if (c->ring_count == 0)
        c->progress_at = l->now;
    c->barrier = row->barrier || client_is_each(c, verb);
    *client_command(c, c->ring_count++) =
        (struct command){.sent_at = l->now, .slot = slot_of(c, t), .verb = (uint8_t)verb};
    if (t)
        t->pending++;
    lend(c, l, p, n);
    client_command(c, c->ring_count - 1)->end = c->lent;
    trace(c, verb, p, n);
    advance(c, verb, t, l->now);
    return true;
}

/* Writes the mail's own part into the arena; n is 0 when there is no room for it. */
static struct slice own_part(struct lending *l, const struct client_mail *m)
{
    char *out = l->arena->base + l->arena->used;
    size_t n;

    if (arena_left(l->arena) < CLIENT_OWN_MAX)
        return (struct slice){"", 0};
    n = m->form->own(m, out);
    return (struct slice){arena_take(l->arena, n), n};
}

/* Octets of content in a slice: what an array of any size holds stays within a send's limits. */
#define LEND_MAX ((size_t)16 << 20)

/*
 * Lends content from the cursor, at most limit octets, and as far as there are slices and room in
 * the arena; returns how many.
 */
static uint64_t lend_parts(struct client *c, struct lending *l, struct transaction *t,
                           const struct client_content *content, uint64_t limit)
{
    uint64_t total = 0;

    while (t->part < content->count && total < limit && l->count < l->max) {
        bool own = !content->parts[t->part].p;
        struct slice s = own ? own_part(l, t->mail) : content->parts[t->part];
        size_t n;

        if (own && s.n == 0) {
            l->full = true;
            break;
        }
        s = slice_from(s, t->part_offset);
        n = s.n < LEND_MAX ? s.n : LEND_MAX;
        n = n < limit - total ? n : (size_t)(limit - total);
        if (n)
            lend(c, l, s.p, n);
        total += n;
        t->part_offset += n;
        if (n == s.n) {
            t->part++;
            t->part_offset = 0;
        }
    }
    return total;
}

static void lend_content(struct client *c, struct lending *l, struct transaction *t)
{
    const struct client_content *content = &t->mail->form->stuffed;

    (void)lend_parts(c, l, t, content, UINT64_MAX);
    if (t->part == content->count)
        t->step = STEP_DOT;
}

/* The octets of a BDAT, all of them whatever happens meanwhile: they were announced. */
static void lend_chunk(struct client *c, struct lending *l, struct transaction *t)
{
    uint64_t n = lend_parts(c, l, t, &t->mail->form->plain, t->chunk_left);

    t->chunk_left -= n;
    t->left -= n;
    if (t->chunk_left)
        return;
    /* A refusal may have come before all of it was sent. */
    if (c->ring_count) {
        client_command(c, c->ring_count - 1)->sent_at = l->now;
        client_command(c, c->ring_count - 1)->end = c->lent;
    }
    t->step = STEP_DATA;
    if (t->left == 0) {
        t->final_lent = true;
        t->step = STEP_OVER;
    } else if (t->refused) {
        t->step = STEP_OVER;
        client_need_rset(c);
    }
}

int client_send(struct client *c, struct iovec *iov, int max, struct arena *a, uint64_t now)
{
    struct lending l = {.iov = iov, .max = max, .arena = a, .now = now};

    for (;;) {
        struct transaction *t = c->stage == STAGE_READY ? client_unsent(c) : NULL;
        enum verb verb;

        /* Even when all slices are used: an empty chunk is complete without one. */
        if (t && t->step == STEP_CHUNK)
            lend_chunk(c, &l, t);
        if (l.count == l.max || l.full)
            break;
        if (t && t->step == STEP_CHUNK)
            continue;
        if (t && t->step == STEP_CONTENT) {
            lend_content(c, &l, t);
            continue;
        }
        verb = plan(c);
        if (verb == VERB_NONE || !may_send(c))
            break;
        if ((verb == VERB_MAIL && c->judged && !may_begin(c)) || !lend_command(c, &l, verb))
            break;
    }
    client_end_if_done(c); /* a chunk that was refused before all of it was lent */
    return l.count;
}
