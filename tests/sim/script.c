/*
 * The scripted server's connections.
 */
#include "script.h"

#include <stdlib.h>
#include <string.h>

#include "script_impl.h"
#include "sim.h"
#include "units.h"

#define of(type, member, p) ((type *)(void *)((char *)(p)-offsetof(type, member)))

void octets_add(struct octets *o, const char *p, size_t n)
{
    if (n == 0)
        return;
    if (o->n + n > o->capacity) {
        o->capacity = 2 * (o->n + n);
        o->p = realloc(o->p, o->capacity);
        if (!o->p)
            abort();
    }
    memcpy(o->p + o->n, p, n);
    o->n += n;
}

void octets_drop(struct octets *o, size_t n)
{
    if (n == 0)
        return;
    o->n -= n;
    memmove(o->p, o->p + n, o->n);
}

static void octets_done(struct octets *o)
{
    free(o->p);
    *o = (struct octets){0};
}

/* ---- Replies ---- */

void script_say(struct script_session *s, struct slice text, enum script_act then)
{
    struct script *sc = s->script;
    struct queued q = {.n = text.n, .then = then};

    q.due = io_now(s->conn.io) + sc->config.delay;
    if (sc->config.jitter)
        q.due += rng_below(&sc->rng, sc->config.jitter + 1);
    if (sc->config.stall_every) {
        uint64_t every = sc->config.stall_every;
        uint64_t at = (q.due - sc->begin) % every;

        if (at >= every - sc->config.stall_for)
            q.due += every - at;
    }
    if (q.due < s->last_due)
        q.due = s->last_due;
    s->last_due = q.due;
    octets_add(&s->out, text.p, text.n);
    octets_add(&s->queue, (const char *)&q, sizeof q);
    s->said += text.n;
}

static void do_then(struct script_session *s)
{
    enum script_act then = s->then;

    s->then = SCRIPT_ANSWER;
    if (then == SCRIPT_DEAF) {
        io_recv_pause(s->conn.io, &s->conn);
    } else if (then == SCRIPT_FIN || then == SCRIPT_RESET) {
        s->closing = true;
        io_close(s->conn.io, &s->conn, then == SCRIPT_FIN ? IO_CLOSE_FIN : IO_CLOSE_RESET);
    }
}

/* Takes what is due from the queue: replies that are due together mostly go together. */
static size_t take_due(struct script_session *s, uint64_t now)
{
    size_t n = 0;

    while (s->queue.n && s->then == SCRIPT_ANSWER) {
        struct queued q;

        memcpy(&q, s->queue.p, sizeof q);
        if (q.due > now)
            break;
        octets_drop(&s->queue, sizeof q);
        n += q.n;
        s->then = q.then;
        if (rng_below(&s->script->rng, 4) == 0 && n)
            break;
    }
    return n;
}

static void flush(struct script_session *s)
{
    struct io *io = s->conn.io;
    size_t n;

    if (s->unsent || s->closing)
        return;
    n = take_due(s, io_now(io));
    if (n) {
        struct iovec v = {.iov_len = n};

        s->sending = malloc(n);
        if (!s->sending)
            abort();
        memcpy(s->sending, s->out.p, n);
        octets_drop(&s->out, n);
        v.iov_base = s->sending;
        s->unsent = n;
        io_send(io, &s->conn, &v, 1);
    } else if (s->then != SCRIPT_ANSWER) {
        do_then(s);
    } else if (s->queue.n) {
        struct queued q;

        memcpy(&q, s->queue.p, sizeof q);
        io_timer_set(io, &s->timer, q.due);
    }
}

/* ---- Callbacks ---- */

static void timer_fired(struct timer *t)
{
    flush(of(struct script_session, timer, t));
}

static void connected(struct io_conn *c, int error)
{
    struct script_session *s = of(struct script_session, conn, c);

    (void)error;
    s->number = sim_number(c);
    script_greet(s);
    flush(s);
}

static void received(struct io_conn *c, const char *octets, size_t n)
{
    struct script_session *s = of(struct script_session, conn, c);

    if (s->doomed)
        return;
    script_hear(s, octets, n);
    flush(s);
}

static void sent(struct io_conn *c, size_t n)
{
    struct script_session *s = of(struct script_session, conn, c);

    s->unsent -= n;
    if (s->unsent)
        return;
    memset(s->sending, 0xcc, 1); /* ours again */
    free(s->sending);
    s->sending = NULL;
    do_then(s);
    flush(s);
}

static void ended(struct io_conn *c, int error)
{
    struct script_session *s = of(struct script_session, conn, c);

    s->doomed = s->closing = true;
    io_close(c->io, c, error ? IO_CLOSE_RESET : IO_CLOSE_FIN);
}

static void forget(struct script_session *s)
{
    free(s->sending);
    s->sending = NULL;
    octets_done(&s->out);
    octets_done(&s->queue);
    octets_done(&s->in);
    octets_done(&s->content);
}

static void closed(struct io_conn *c)
{
    struct script_session *s = of(struct script_session, conn, c);

    io_timer_cancel(s->script->listener.io, &s->timer);
    forget(s);
    s->closed = s->closing = s->doomed = true;
}

static const struct io_handler handler = {
    .connected = connected,
    .received = received,
    .sent = sent,
    .ended = ended,
    .closed = closed,
};

static struct io_conn *accept_one(struct io_listener *l, const struct sockaddr *peer, socklen_t n)
{
    struct script *sc = of(struct script, listener, l);
    struct script_session *s = calloc(1, sizeof *s);

    (void)peer;
    (void)n;
    if (!s)
        abort();
    s->script = sc;
    s->ordinal = (uint32_t)++sc->count;
    s->conn.handler = &handler;
    s->timer.fire = timer_fired;
    s->next = sc->sessions;
    sc->sessions = s;
    return &s->conn;
}

struct script *script_new(const struct script_config *config, struct ledger *ledger)
{
    struct script *sc = calloc(1, sizeof *sc);

    if (!sc)
        abort();
    sc->config = *config;
    sc->ledger = ledger;
    sc->rng.state = config->seed;
    return sc;
}

void script_listen(struct script *sc, struct io *io, uint16_t port)
{
    struct diag d;

    sc->begin = io_clock(io);
    sc->listener = (struct io_listener){.accept = accept_one, .fd = port};
    if (io_listen(io, &sc->listener, &d) < 0)
        abort();
}

void script_free(struct script *sc)
{
    if (!sc)
        return;
    while (sc->sessions) {
        struct script_session *s = sc->sessions;

        sc->sessions = s->next;
        forget(s);
        free(s);
    }
    free(sc);
}

uint64_t script_last_message(const struct script *sc)
{
    return sc->last_message;
}
