/*
 * A session: io callbacks in, client machine in the middle, statistics out.
 */
#include "session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "session_events.h"
#include "units.h"
#include "worker.h"

/* Slices lent to one send. */
#define SEND_SLICES 64

static const struct io_handler handler;

static struct session *of_conn(struct io_conn *c)
{
    return (struct session *)((char *)c - offsetof(struct session, conn));
}

static struct session *of_timer(struct timer *t)
{
    return (struct session *)((char *)t - offsetof(struct session, timer));
}

/* Of those under way the first is number 0; behind the last is room for one more. */
static struct delivery *delivery(struct session *s, uint32_t i)
{
    struct delivery *all = (struct delivery *)((char *)s->client + s->worker->client_size);
    uint32_t at = s->first + i;

    return &all[at < s->worker->deliveries ? at : at - s->worker->deliveries];
}

/* Takes the next message into the ring; NULL when there is none. */
static struct delivery *take(struct session *s)
{
    uint64_t number = worker_take(s->worker);
    struct delivery *d;

    if (!number)
        return NULL;
    d = delivery(s, s->count++);
    d->message = (struct mail_message){.connection = s->connection, .number = number};
    d->mail.form = &s->worker->load->form;
    return d;
}

void session_delivered(struct session *s)
{
    if (++s->first == s->worker->deliveries)
        s->first = 0;
    s->count--;
}

/* A message that never reached a client machine: all of it shares one outcome. */
static void drop_message(struct session *s, enum outcome o)
{
    struct stats *st = s->worker->stats;

    stats_message(st, o, NULL);
    stats_recipients(st, o, s->worker->load->content->settings->rcpt_count);
    session_delivered(s);
}

static void set_timer(struct session *s)
{
    uint64_t due = s->state == SESSION_OPEN ? client_deadline(s->client) : NS_NEVER;

    if (s->paused && s->pause_until < due)
        due = s->pause_until;
    if (due == NS_NEVER)
        io_timer_cancel(s->worker->io, &s->timer);
    else
        io_timer_set(s->worker->io, &s->timer, due);
}

static void over(struct session *s)
{
    s->state = SESSION_OVER;
    io_timer_cancel(s->worker->io, &s->timer);
    s->worker->active--;
}

void session_begin(struct session *s)
{
    struct worker *w = s->worker;
    uint64_t now = io_clock(w->io);

    s->state = SESSION_WAITING;
    if (!worker_has_more(w)) {
        over(s);
        return;
    }
    if (now < s->pause_until) {
        io_timer_set(w->io, &s->timer, s->pause_until);
        return;
    }
    s->connection = 1 + atomic_fetch_add_explicit(&w->load->connections, 1, memory_order_relaxed);
    if (!take(s)) {
        over(s);
        return;
    }
    s->state = SESSION_QUEUED;
    s->tries = 0;
    s->addresses_tried = 0;
    worker_queue(w, s);
}

/* Which of the target's addresses it is at: the one that worked last comes first. */
static size_t address_of(const struct session *s)
{
    return (s->worker->address + s->addresses_tried) % s->worker->load->target->count;
}

static void try_connect(struct session *s)
{
    struct worker *w = s->worker;

    s->state = SESSION_CONNECTING;
    s->event_at = io_clock(w->io);
    stats_count(w->stats, COUNTER_CONNECTIONS_STARTED);
    io_timer_set(w->io, &s->timer, s->event_at + w->load->client->timeout[PHASE_CONNECT]);
    s->conn = (struct io_conn){.handler = &handler, .fd = -1};
    io_connect(w->io, &s->conn, &w->load->target->addresses[address_of(s)], NULL);
}

void session_connect(struct session *s)
{
    s->holds_turn = true;
    try_connect(s);
}

/* The connection attempt is over for good; the message is lost with it, and the run. */
static void connect_failed(struct session *s, int error)
{
    struct worker *w = s->worker;
    char where[160];

    (void)address_text(&w->load->target->addresses[address_of(s)], where, sizeof where);
    if (++s->tries < w->load->settings->connect_tries) {
        diag_warn("connect: %s (%s)", strerror(error), where);
        s->addresses_tried = 0;
        return;
    }
    drop_message(s, OUTCOME_FAILED);
    worker_fatal(w, "connect: %s (%s)", strerror(error), where);
}

static void connected(struct io_conn *conn, int error)
{
    struct session *s = of_conn(conn);
    struct worker *w = s->worker;
    uint64_t now = io_now(w->io);

    if (error) {
        stats_count(w->stats, COUNTER_CONNECTIONS_FAILED);
        if (s->addresses_tried + 1 < w->load->target->count)
            s->addresses_tried++;
        else
            connect_failed(s, error);
        s->state = SESSION_CLOSING;
        io_close(w->io, conn, IO_CLOSE_RESET);
        return;
    }
    s->holds_turn = false;
    w->connecting--;
    w->address = (uint32_t)address_of(s);
    s->addresses_tried = 0;
    stats_count(w->stats, COUNTER_CONNECTIONS_MADE);
    stats_latency(w->stats, PHASE_CONNECT, now - s->event_at);
    s->state = SESSION_OPEN;
    client_start(s->client, now);
    client_submit(s->client, &delivery(s, 0)->mail);
    if (!w->load->settings->keep_connection)
        client_quit(s->client);
    set_timer(s);
    worker_connect_next(w);
}

/*
 * The client would send another message: gives it one, or the word to quit. false when it has to
 * wait (-w, -R).
 */
static bool feed(struct session *s, uint64_t now)
{
    struct delivery *d;

    s->paused = worker_has_more(s->worker) && now < s->pause_until;
    if (s->paused)
        return false;
    d = take(s);
    if (d)
        client_submit(s->client, &d->mail);
    else
        client_quit(s->client);
    return true;
}

static void drain_events(struct session *s, uint64_t now);

/* Sends what the client has to say; one send at a time. */
static void pump(struct session *s)
{
    struct worker *w = s->worker;
    struct iovec iov[SEND_SLICES];
    int n = 0;
    uint64_t now;

    /* After a fatal refusal nothing more is said, not even RSET. */
    if (s->state != SESSION_OPEN || run_stop(&w->load->control) == RUN_ABORT)
        return;
    s->paused = false;
    if (s->unsent) {
        set_timer(s); /* it may have fired too early, and replies are progress too */
        return;
    }
    now = io_clock(w->io);
    s->buffer = worker_buffer(w);
    if (!s->buffer) {
        worker_fatal(w, "out of memory");
        return;
    }
    do
        n += client_send(s->client, iov + n, SEND_SLICES - n, &s->buffer->arena, now);
    while (n < SEND_SLICES && client_hungry(s->client) && feed(s, now));
    if (n) {
        for (int i = 0; i < n; i++)
            s->unsent += iov[i].iov_len;
        io_send(w->io, &s->conn, iov, n);
    } else {
        worker_buffer_return(w, s->buffer);
        s->buffer = NULL;
    }
    set_timer(s);
    /* A message whose refusal came before its last octet was lent is over only now. */
    drain_events(s, now);
}

/* Lets go of the connection; session_begin() follows when the driver is done with it. */
static void close_connection(struct session *s)
{
    s->state = SESSION_CLOSING;
    s->paused = false;
    io_timer_cancel(s->worker->io, &s->timer);
    io_close(s->worker->io, &s->conn, IO_CLOSE_RESET);
}

/* Pulls all events; the last of a session closes it. */
static void drain_events(struct session *s, uint64_t now)
{
    struct client_event e;

    while (client_event(s->client, &e)) {
        session_event(s, &e, now);
        if (e.kind == CLIENT_END)
            close_connection(s);
    }
}

static void received(struct io_conn *conn, const char *bytes, size_t n)
{
    struct session *s = of_conn(conn);
    uint64_t now = io_now(s->worker->io);
    struct slice in = {bytes, n};

    stats_add(s->worker->stats, COUNTER_RECEIVED_BYTES, n);
    while (in.n && s->state == SESSION_OPEN) {
        in = slice_from(in, client_recv(s->client, in, now));
        drain_events(s, now);
    }
    if (s->state != SESSION_OPEN)
        return;
    pump(s);
}

static void sent(struct io_conn *conn, size_t n)
{
    struct session *s = of_conn(conn);
    struct worker *w = s->worker;

    stats_add(w->stats, COUNTER_SENT_BYTES, n);
    s->unsent -= n;
    if (s->state == SESSION_OPEN)
        client_sent(s->client, n, io_now(w->io));
    if (s->unsent)
        return;
    worker_buffer_return(w, s->buffer);
    s->buffer = NULL;
    pump(s);
}

static void ended(struct io_conn *conn, int error)
{
    struct session *s = of_conn(conn);

    (void)error; /* an orderly end and a reset come to the same */
    if (s->state != SESSION_OPEN)
        return;
    s->was_idle = s->count == 0;
    client_eof(s->client);
    drain_events(s, io_now(s->worker->io));
}

static void closed(struct io_conn *conn)
{
    struct session *s = of_conn(conn);
    struct worker *w = s->worker;

    if (s->buffer)
        worker_buffer_return(w, s->buffer);
    s->buffer = NULL;
    s->unsent = 0;
    /* A message still held means that connecting is to be tried again: it keeps its turn. */
    if (s->count && run_stop(&w->load->control) == RUN_ON) {
        try_connect(s);
        return;
    }
    if (s->count)
        drop_message(s, w->stop == RUN_FINISH ? OUTCOME_MISSED : OUTCOME_FAILED);
    if (s->holds_turn) {
        s->holds_turn = false;
        w->connecting--;
    }
    session_begin(s);
    worker_connect_next(w);
}

static void timer_fired(struct timer *t)
{
    struct session *s = of_timer(t);
    struct worker *w = s->worker;
    uint64_t now = io_clock(w->io);

    switch (s->state) {
    case SESSION_WAITING:
        session_begin(s);
        worker_connect_next(w);
        break;
    case SESSION_CONNECTING:
        connected(&s->conn, ETIMEDOUT);
        break;
    case SESSION_OPEN:
        client_tick(s->client, now);
        drain_events(s, now);
        pump(s);
        break;
    default:
        break;
    }
}

void session_stop_waiting(struct session *s)
{
    switch (s->state) {
    case SESSION_WAITING:
        over(s);
        break;
    case SESSION_QUEUED:
        if (s->worker->stop == RUN_ON)
            break;
        drop_message(s, OUTCOME_MISSED);
        over(s);
        break;
    case SESSION_CONNECTING:
        if (s->worker->stop != RUN_ON)
            close_connection(s);
        break;
    case SESSION_OPEN:
        if (s->paused)
            pump(s);
        else if (s->worker->stop != RUN_ON && !client_busy(s->client))
            session_abort(s);
        break;
    default:
        break;
    }
}

void session_abort(struct session *s)
{
    switch (s->state) {
    case SESSION_WAITING:
        over(s);
        break;
    case SESSION_QUEUED:
        drop_message(s, OUTCOME_MISSED);
        over(s);
        break;
    case SESSION_CONNECTING:
        close_connection(s);
        break;
    case SESSION_OPEN:
        client_abort(s->client);
        drain_events(s, io_clock(s->worker->io));
        break;
    default:
        break;
    }
}

static const struct io_handler handler = {
    .connected = connected,
    .received = received,
    .sent = sent,
    .ended = ended,
    .closed = closed,
};

void session_init(struct session *s, struct worker *w)
{
    s->worker = w;
    s->timer.fire = timer_fired;
    s->client = client_init(s + 1, w->load->client);
}

void session_done(struct session *s)
{
    client_done(s->client);
}
