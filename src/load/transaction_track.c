/*
 * Following messages.
 */
#include "transaction_track.h"

#include <netinet/in.h>
#include <stdlib.h>

#include "reply.h"
#include "units.h"
#include "worker.h"

/*
 * Texts of replies, kept until the message ends. Most messages have one for an instant only: from
 * the reply that ends them to their end.
 */
struct note {
    struct note *next; /* among the free ones */
    struct row_reply reply;
    bool decided; /* a refusal that comes now is not the reason */
    uint32_t verdict_octets;
    uint32_t verdicts_cut;
    uint32_t final_replies;                   /* LMTP: to the end of data, so far */
    uint64_t refused[ROW_VERDICT_RCPTS / 64]; /* by RCPT, a bit a recipient */
    char text[ROW_TEXT_MAX];
    _Alignas(4) char verdicts[];
};

/* Behind a delivery. */
struct track {
    uint64_t wait[WAIT_COUNT];
    struct note *note; /* NULL: no reply is worth it yet */
    uint32_t rcpt_replies;
    uint32_t rcpt_refused;
};

/* Sessions and deliveries stand one behind the other, each aligned as it has to be. */
_Static_assert(sizeof(struct track) % _Alignof(struct session) == 0, "keeps the next aligned");

const size_t track_delivery_size = sizeof(struct track);
const size_t track_session_size =
    (sizeof(struct row_address) + _Alignof(struct session) - 1) & ~(_Alignof(struct session) - 1);

static struct track *track_of(const struct worker *w, struct delivery *d)
{
    return (struct track *)(void *)((char *)d + w->delivery_size - sizeof(struct track));
}

static struct row_address *local_of(struct session *s)
{
    return (struct row_address *)(void *)((char *)s + s->worker->session_size - track_session_size);
}

void track_done(struct lane *l)
{
    while (l->free_notes) {
        struct note *next = l->free_notes->next;

        free(l->free_notes);
        l->free_notes = next;
    }
}

void track_turn(struct worker *w)
{
    struct lane *l = w->lane;

    if (l->set == w->stats)
        return;
    l->set = w->stats;
    l->warm = atomic_load_explicit(&w->load->warming, memory_order_relaxed);
}

void track_begin(struct worker *w, struct delivery *d)
{
    struct track *t = track_of(w, d);

    *t = (struct track){.note = NULL};
    for (int i = 0; i < WAIT_COUNT; i++)
        t->wait[i] = NS_NEVER;
}

static struct row_address compact(const struct address *a)
{
    struct row_address out = {.family = a->sa.sa_family, .port = address_port(a)};

    if (out.family == AF_INET)
        memcpy(out.host, &((const struct sockaddr_in *)&a->storage)->sin_addr, 4);
    else if (out.family == AF_INET6)
        memcpy(out.host, &((const struct sockaddr_in6 *)&a->storage)->sin6_addr, 16);
    else
        out.family = AF_UNSPEC;
    return out;
}

void track_connected(struct session *s)
{
    struct address a;

    *local_of(s) = (struct row_address){.family = AF_UNSPEC};
    if (s->conn.fd >= 0 && address_bound(s->conn.fd, &a) == 0)
        *local_of(s) = compact(&a);
}

/* ---- Replies ---- */

/* The one of this message; NULL when out of memory: then its texts are not told. */
static struct note *note_of(struct lane *l, struct track *t)
{
    if (t->note)
        return t->note;
    t->note = l->free_notes;
    if (t->note)
        l->free_notes = t->note->next;
    else
        t->note = malloc(sizeof *t->note + l->verdicts_room);
    if (t->note)
        memset(t->note, 0, offsetof(struct note, text));
    return t->note;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static void keep_reply(struct note *n, const struct client_event *e, struct slice text)
{
    n->reply = (struct row_reply){
        .code = (uint16_t)e->code,
        .text_length = (uint16_t)least(text.n, ROW_TEXT_MAX),
        .enhanced_length = (uint8_t)reply_text_enhanced(text, e->code).n,
        .known = true,
    };
    memcpy(n->text, text.p, n->reply.text_length);
}

static void keep_verdict(struct lane *l, struct note *n, uint32_t index,
                         const struct client_event *e, struct slice text)
{
    struct row_verdict v = {
        .index = index,
        .code = (uint16_t)e->code,
        .text_length = (uint16_t)least(text.n, ROW_VERDICT_MAX),
        .phase = (uint8_t)e->phase,
        .enhanced_length = (uint8_t)reply_text_enhanced(text, e->code).n,
    };
    size_t size = sizeof v + ROW_ALIGNED(v.text_length);

    if (index >= ROW_VERDICT_RCPTS || size > l->verdicts_room - n->verdict_octets) {
        n->verdicts_cut++;
        return;
    }
    memcpy(n->verdicts + n->verdict_octets, &v, sizeof v);
    memcpy(n->verdicts + n->verdict_octets + sizeof v, text.p, v.text_length);
    n->verdict_octets += (uint32_t)size;
}

/* LMTP: which recipient the next reply to the end of data is for (RFC 2033 section 4.2). */
static uint32_t next_accepted(struct note *n)
{
    uint32_t left = n->final_replies++;
    uint32_t i = 0;

    for (; i < ROW_VERDICT_RCPTS; i++)
        if (!(n->refused[i / 64] & UINT64_C(1) << i % 64) && left-- == 0)
            break;
    return i;
}

static void keep_rcpt(struct worker *w, struct track *t, const struct client_event *e,
                      struct slice text)
{
    struct note *n = note_of(w->lane, t);
    uint32_t index = t->rcpt_replies - 1;

    if (!n)
        return;
    if (index < ROW_VERDICT_RCPTS)
        n->refused[index / 64] |= UINT64_C(1) << index % 64;
    if (w->lane->verdicts_room)
        keep_verdict(w->lane, n, index, e, text);
    if (n->decided)
        return;
    keep_reply(n, e, text);
    n->decided = ++t->rcpt_refused == w->load->form.rcpt_count;
}

/* Until it is decided, the last refusal is the reason; a first acceptance is stronger. */
static void keep_final(struct worker *w, struct track *t, const struct client_event *e,
                       struct slice text)
{
    struct note *n = note_of(w->lane, t);

    if (!n)
        return;
    if (w->lane->lmtp && w->lane->verdicts_room && !n->decided)
        keep_verdict(w->lane, n, next_accepted(n), e, text);
    if (n->decided || (n->reply.known && n->reply.code / 100 == 2))
        return;
    keep_reply(n, e, text);
}

static int wait_of(enum phase p)
{
    switch (p) {
    case PHASE_MAIL:
        return WAIT_MAIL;
    case PHASE_RCPT:
        return WAIT_RCPT;
    case PHASE_DATA:
        return WAIT_DATA;
    case PHASE_END_OF_DATA:
        return WAIT_END_OF_DATA;
    default:
        return WAIT_COUNT;
    }
}

void track_reply(struct session *s, const struct client_event *e)
{
    struct worker *w = s->worker;
    int wait = wait_of(e->phase);
    struct track *t;
    struct note *n;

    /* Replies come in order: all that is of a message is of the oldest. */
    if (!s->count || e->phase == PHASE_RSET || e->phase == PHASE_QUIT)
        return;
    t = track_of(w, session_oldest(s));
    if (wait < WAIT_COUNT && !e->unsolicited) {
        uint64_t took = e->received_at - e->sent_at;

        if (t->wait[wait] == NS_NEVER || t->wait[wait] < took)
            t->wait[wait] = took;
        t->rcpt_replies += wait == WAIT_RCPT;
    }
    if (e->phase == PHASE_END_OF_DATA && !e->unsolicited) {
        keep_final(w, t, e, client_reply_text(session_client(s)));
    } else if (e->refused && e->phase == PHASE_RCPT && !e->unsolicited) {
        keep_rcpt(w, t, e, e->text);
    } else if (e->refused && (n = note_of(w->lane, t)) != NULL && !n->decided) {
        keep_reply(n, e, e->text);
        n->decided = wait < WAIT_COUNT;
    }
}

/* ---- Rows ---- */

static void put_row(struct lane *l, struct transaction_row *row, const struct note *n)
{
    char *at;

    if (n) {
        row->reply = n->reply;
        row->verdict_octets = n->verdict_octets;
        row->verdicts_cut = n->verdicts_cut;
    }
    row->warmup = l->warm;
    at = ring_claim(&l->ring, row_size(row));
    if (!at) {
        atomic_store_explicit(&l->dropped,
                              atomic_load_explicit(&l->dropped, memory_order_relaxed) + 1,
                              memory_order_relaxed);
        return;
    }
    memcpy(at, row, sizeof *row);
    if (n) {
        at += sizeof *row;
        memcpy(at, n->text, n->reply.text_length);
        memcpy(at + ROW_ALIGNED(n->reply.text_length), n->verdicts, n->verdict_octets);
    }
    ring_commit(&l->ring);
}

/* The session's number in the run; those of all workers have turns. */
static uint64_t number_of(const struct session *s)
{
    const struct worker *w = s->worker;
    uint64_t i = (uint64_t)((const char *)s - w->sessions) / w->session_size;

    return 1 + i * w->load->worker_count + (uint64_t)(w - w->load->workers);
}

/* A reply decides no more than what was accepted or refused, and by the code that it had. */
static bool decides(const struct row_reply *r, const struct client_event *e, enum outcome o)
{
    if (o == OUTCOME_ACCEPTED)
        return r->code / 100 == 2;
    return o == OUTCOME_REFUSED && r->code == e->code;
}

static void of_event(struct transaction_row *row, struct session *s, const struct client_event *e)
{
    bool missed = row->outcome == OUTCOME_MISSED;

    row->local = *local_of(s);
    row->started = e->started ? e->started_at : NS_NEVER;
    if (row->outcome == OUTCOME_ACCEPTED)
        row->phase = PHASE_END_OF_DATA;
    else if (!missed)
        row->phase = (uint8_t)e->phase;
    row->end = (uint8_t)e->end;
    if (!missed)
        memcpy(row->rcpt, e->rcpt, sizeof row->rcpt);
}

void track_end(struct session *s, const struct client_event *e, enum outcome o, uint64_t now)
{
    struct worker *w = s->worker;
    struct delivery *d = session_oldest(s);
    struct track *t = track_of(w, d);
    struct transaction_row row = {
        .intended = w->model.paced ? d->intended[0] : NS_NEVER,
        .started = NS_NEVER,
        .ended = now,
        .message = d->message,
        .session = number_of(s),
        .outcome = (uint8_t)o,
        .phase = o == OUTCOME_MISSED ? PHASE_COUNT : PHASE_CONNECT,
        .remote = o == OUTCOME_MISSED && !e ? NULL : session_address(s),
        .end = CLIENT_END_COUNT,
    };

    memcpy(row.wait, t->wait, sizeof row.wait);
    row.rcpt[o] = e && o != OUTCOME_MISSED ? 0 : w->load->form.rcpt_count;
    if (e)
        of_event(&row, s, e);
    if (t->note && !(e && decides(&t->note->reply, e, o)))
        t->note->reply = (struct row_reply){.known = false};
    put_row(w->lane, &row, t->note);
    if (t->note) {
        t->note->next = w->lane->free_notes;
        w->lane->free_notes = t->note;
        t->note = NULL;
    }
}

void track_missed(struct worker *w, uint64_t number, uint64_t intended, uint64_t now)
{
    struct transaction_row row = {
        .intended = intended,
        .started = NS_NEVER,
        .ended = now,
        .wait = {NS_NEVER, NS_NEVER, NS_NEVER, NS_NEVER},
        .message = {.number = w->load->number_base + number + 1},
        .outcome = OUTCOME_MISSED,
        .phase = PHASE_COUNT,
        .end = CLIENT_END_COUNT,
    };

    row.rcpt[OUTCOME_MISSED] = w->load->form.rcpt_count;
    put_row(w->lane, &row, NULL);
}
