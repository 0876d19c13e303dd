/*
 * A session: io callbacks in, client machine in the middle, statistics out.
 */
#include "session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "backoff.h"
#include "limits.h"
#include "model.h"
#include "proxy.h"
#include "secure.h"
#include "session_auth.h"
#include "session_events.h"
#include "session_target.h"
#include "session_tls.h"
#include "transaction_track.h"
#include "units.h"
#include "worker.h"

/* Slices lent to one send. */
#define SEND_SLICES 256

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
    const struct worker *w = s->worker;
    char *all = (char *)session_client(s) + w->client_size;
    uint32_t at = s->first + i;

    if (at >= w->deliveries)
        at -= w->deliveries;
    return (struct delivery *)(void *)(all + at * w->delivery_size);
}

struct delivery *session_oldest(struct session *s)
{
    return delivery(s, 0);
}

/* Takes the next message into the ring; NULL when there is none, or none is due. */
static struct delivery *take(struct session *s, uint64_t now)
{
    struct worker *w = s->worker;
    struct start start = {.intended = now};
    uint64_t number;
    struct delivery *d;

    if (w->model.paced)
        number = model_take(s, now, &start) ? worker_start_number(w, start.number) : 0;
    else
        number = worker_take(w);
    if (!number)
        return NULL;
    d = delivery(s, s->count++);
    d->message = (struct mail_message){.connection = s->connection, .number = number};
    d->mail.form = &w->load->form;
    if (w->model.paced)
        d->intended[0] = start.intended;
    if (w->lane)
        track_begin(w, d);
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
    struct target_stats *row = session_row(s);

    stats_message(st, o, NULL);
    if (o == OUTCOME_FAILED)
        stats_break(st, PHASE_CONNECT, BREAK_FAILED);
    if (row && o != OUTCOME_MISSED)
        row->counter[COUNTER_MESSAGES_ACCEPTED + (int)o]++;
    stats_recipients(st, o, s->worker->load->content->settings->rcpt_count);
    if (s->worker->lane)
        track_end(s, NULL, o, io_clock(s->worker->io));
    session_delivered(s);
}

static void set_timer(struct session *s)
{
    uint64_t due = s->state == SESSION_OPEN ? client_deadline(session_client(s)) : NS_NEVER;

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
    model_unpark(s);
    model_unclaim(s);
    io_timer_cancel(s->worker->io, &s->timer);
    s->worker->active--;
}

static bool keeps_connection(const struct session *s)
{
    return s->worker->load->settings->keep_connection || s->stays;
}

/* How many messages a new connection shall carry. */
static uint32_t quota(const struct session *s)
{
    const struct load_settings *l = s->worker->load->settings;
    uint64_t n;

    if (!keeps_connection(s))
        return 1;
    n = l->per_connection.low ? span_draw(&l->per_connection, &s->worker->rng) : LEFT_ALL;
    return n < LEFT_ALL ? (uint32_t)n : LEFT_ALL;
}

void session_begin(struct session *s)
{
    struct worker *w = s->worker;
    uint64_t now = io_clock(w->io);
    bool held = w->model.held && !s->stays;

    s->state = SESSION_WAITING;
    if (!worker_has_more(w)) {
        over(s);
        return;
    }
    if (!model_wanted(s)) {
        model_unclaim(s);
        outage_rest(&w->outage);
        s->state = SESSION_ASLEEP;
        return;
    }
    if (now < s->pause_until) {
        io_timer_set(w->io, &s->timer, s->pause_until);
        return;
    }
    if (held)
        model_unclaim(s);
    if (held || (w->model.paced && !keeps_connection(s) && !s->claim)) {
        model_park(s, now);
        return;
    }
    if (!session_choose(s, now)) {
        model_unclaim(s);
        io_timer_set(w->io, &s->timer, s->pause_until);
        return;
    }
    if (!w->load->settings->keep_going && !take(s, now)) {
        over(s);
        return;
    }
    s->state = SESSION_QUEUED;
    s->tries = 0;
    s->addresses_tried = 0;
    line_join(&w->line, s);
}

/* Which of the target's addresses it is at. */
static size_t address_of(const struct session *s)
{
    return (s->first_address + s->addresses_tried) % session_target(s)->endpoint.count;
}

const struct address *session_address(const struct session *s)
{
    return &session_target(s)->endpoint.addresses[address_of(s)];
}

/* Where this connection comes from, --bind: one after the other takes the next. */
static const struct address *source_of(const struct session *s, struct address *out)
{
    const struct bind_list *bind = s->worker->load->bind;

    if (!bind || !bind->count)
        return NULL;
    bind_address(bind, session_turn(s), out);
    return out;
}

/* Where to begin: with the address that worked last, or with --all-addresses each in turn. */
static uint16_t first_address(const struct session *s)
{
    if (!s->worker->load->settings->all_addresses)
        return (uint16_t)s->worker->targets[s->target].address;
    return (uint16_t)(session_turn(s) % session_target(s)->endpoint.count);
}

void session_connect(struct session *s)
{
    struct worker *w = s->worker;
    struct address source;

    /* It has no message yet, and there is none any more. */
    if (!s->count && !worker_has_more(w)) {
        line_leave(&w->line, s);
        over(s);
        return;
    }
    s->holds_turn = true;
    s->ready = false;
    if (s->addresses_tried == 0)
        s->first_address = first_address(s);
    s->state = SESSION_CONNECTING;
    s->event_at = io_clock(w->io);
    outage_try(&w->outage, s->event_at);
    session_count(s, COUNTER_CONNECTIONS_STARTED);
    io_timer_set(w->io, &s->timer, s->event_at + w->load->client->timeout[PHASE_CONNECT]);
    s->conn = (struct io_conn){.handler = &handler, .fd = -1};
    io_connect(w->io, &s->conn, session_address(s), source_of(s, &source));
}

/* The others may go on connecting. */
static void give_turn_back(struct session *s)
{
    if (s->holds_turn)
        line_leave(&s->worker->line, s);
    s->holds_turn = false;
}

/* "127.0.0.1:25", "127.0.0.1:25 from 127.0.0.2"; of several targets also as what it was typed. */
static void path_text(const struct session *s, const struct address *source, char *out, size_t size)
{
    const char *typed = session_target(s)->text;
    char target[160];
    char host[64] = "";

    (void)address_text(session_address(s), target, sizeof target);
    if (source)
        (void)address_host(source, host, sizeof host);
    if (s->worker->load->targets->count == 1 || strcmp(typed, target) == 0)
        typed = "";
    (void)snprintf(out, size, "%s%s%s%s%s", typed, *typed ? ": " : "", target,
                   source ? " from " : "", host);
}

/* All addresses were tried: one of -C is over. With the last the message is lost, and the run. */
static void connect_failed(struct session *s, int error)
{
    struct worker *w = s->worker;
    struct address a;
    const struct address *source = source_of(s, &a);
    const char *words = limits_words(error, source, session_address(s));
    char path[480];

    path_text(s, source, path, sizeof path);
    if (w->load->settings->keep_going) {
        s->failed = true;
        worker_failure(w, FAILURE_CONNECT, "connect: %s (%s)%s", strerror(error), path, words);
        return;
    }
    if (++s->tries < w->load->settings->connect_tries) {
        diag_warn("connect: %s (%s)%s", strerror(error), path, words);
        s->addresses_tried = 0;
        return;
    }
    drop_message(s, OUTCOME_FAILED);
    worker_fatal(w, "connect: %s (%s)%s", strerror(error), path, words);
}

/* The last message of a connection has QUIT right behind it. */
static void submit(struct session *s, struct delivery *d)
{
    client_submit(session_client(s), &d->mail);
    if (s->left != LEFT_ALL && --s->left == 0)
        client_quit(session_client(s));
}

/* The driver has no more use for it, if there is one. */
static void return_buffer(struct session *s)
{
    if (s->buffer)
        worker_buffer_return(s->worker, s->buffer);
    s->buffer = NULL;
}

/* Whose connection it is said to be, in front of all else. */
static void send_proxy_header(struct session *s)
{
    struct worker *w = s->worker;
    const struct bind_list *sources = &w->load->settings->proxy_sources;
    uint64_t number = session_turn(s);
    struct address source;
    struct iovec v;

    s->buffer = worker_buffer(w, true);
    if (!s->buffer) {
        worker_fatal(w, "out of memory");
        return;
    }
    if (sources->count) {
        bind_address(sources, number, &source);
        address_set_port(&source, (uint16_t)(1024 + number / sources->count % (65536 - 1024)));
    }
    v.iov_base = s->buffer->arena.base;
    v.iov_len = proxy_write((enum proxy_version)w->load->settings->proxy,
                            sources->count ? &source : NULL, session_address(s), v.iov_base);
    s->unsent = (uint32_t)v.iov_len;
    client_preface(session_client(s), v.iov_len);
    io_send(w->io, &s->conn, &v, 1);
}

static void drain_events(struct session *s, uint64_t now);

static void connected(struct io_conn *conn, int error)
{
    struct session *s = of_conn(conn);
    struct worker *w = s->worker;
    uint64_t now = io_now(w->io);

    if (error) {
        session_count(s, COUNTER_CONNECTIONS_FAILED);
        s->again = s->addresses_tried + 1u < session_target(s)->endpoint.count;
        if (s->again)
            s->addresses_tried++;
        else
            connect_failed(s, error);
        s->state = SESSION_CLOSING;
        io_close(w->io, conn, IO_CLOSE_RESET);
        return;
    }
    give_turn_back(s);
    s->first_address = (uint16_t)address_of(s);
    s->addresses_tried = 0;
    w->targets[s->target].address = s->first_address;
    s->stood = true;
    session_count(s, COUNTER_CONNECTIONS_MADE);
    stats_latency(w->stats, PHASE_CONNECT, now - s->event_at);
    if (w->lane)
        track_connected(s);
    s->state = SESSION_OPEN;
    s->left = quota(s);
    client_start(session_client(s), now);
    if (w->load->settings->proxy)
        send_proxy_header(s);
    if (s->count)
        submit(s, delivery(s, 0));
    drain_events(s, now);
    set_timer(s);
    line_next(&w->line);
}

/*
 * The client would send another message: gives it one, or the word to quit. false when it has to
 * wait: for a pause to end (-w, -R, --think, or the user's), for a start to fall due, or for the
 * end of the run.
 */
static bool feed(struct session *s, uint64_t now)
{
    struct worker *w = s->worker;
    bool more = worker_has_more(w) && model_wanted(s);
    struct delivery *d = NULL;

    if (!s->ready) {
        outage_ready(&w->outage);
        session_target_well(s);
    }
    s->ready = true;
    s->waiting = more && s->stays;
    s->paused = more && now < s->pause_until;
    if (s->waiting || s->paused)
        return false;
    if (more && w->model.held) {
        model_unclaim(s);
        model_park(s, now);
        return false;
    }
    if (model_wanted(s))
        d = take(s, now);
    if (d) {
        submit(s, d);
    } else if (more && w->model.paced) {
        model_park(s, now);
        return false;
    } else {
        client_quit(session_client(s));
    }
    return true;
}

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
    s->paused = s->waiting = false;
    if (s->unsent) {
        set_timer(s); /* it may have fired too early, and replies are progress too */
        return;
    }
    now = io_clock(w->io);
    s->buffer = worker_buffer(w, !client_is_ready(session_client(s)));
    if (!s->buffer) {
        worker_fatal(w, "out of memory");
        return;
    }
    do
        n += client_send(session_client(s), iov + n, SEND_SLICES - n, &s->buffer->arena, now);
    while (n < SEND_SLICES && client_hungry(session_client(s)) && feed(s, now));
    if (s->parked && !client_hungry(session_client(s)))
        model_unpark(s);
    if (s->buffer->arena.used == 0)
        return_buffer(s); /* nothing, or only what is the same for all: DATA, a dot, QUIT */
    for (int i = 0; i < n; i++)
        s->unsent += (uint32_t)iov[i].iov_len;
    if (n)
        io_send(w->io, &s->conn, iov, n);
    set_timer(s);
    /* A message whose refusal came before its last octet was lent is over only now. */
    drain_events(s, now);
}

/* Lets go of the connection; session_begin() follows when the driver is done with it. */
static void close_connection(struct session *s, enum io_close_how how)
{
    s->state = SESSION_CLOSING;
    s->paused = s->waiting = false;
    model_unpark(s);
    io_timer_cancel(s->worker->io, &s->timer);
    io_close(s->worker->io, &s->conn, how);
}

/* --close is about sessions that end by themselves; what went wrong is cut off. */
static enum io_close_how close_how(const struct session *s, enum client_end end)
{
    bool fin = s->worker->load->settings->close == CLOSE_FIN && end == CLIENT_END_DONE;

    return fin ? IO_CLOSE_FIN : IO_CLOSE_RESET;
}

/* Pulls all events; the last of a session closes it. */
static void drain_events(struct session *s, uint64_t now)
{
    struct client_event e;

    while (client_event(session_client(s), &e)) {
        session_event(s, &e, now);
        if (e.kind == CLIENT_TLS)
            session_tls_begin(s);
        else if (e.kind == CLIENT_AUTH)
            session_auth(s, &e);
        else if (e.kind == CLIENT_END)
            close_connection(s, close_how(s, e.end));
    }
}

void session_go_on(struct session *s, uint64_t now)
{
    drain_events(s, now);
    pump(s);
}

static void received(struct io_conn *conn, const char *bytes, size_t n)
{
    struct session *s = of_conn(conn);
    uint64_t now = io_now(s->worker->io);
    struct slice in = {bytes, n};

    if (!secure_is(conn))
        stats_add(s->worker->stats, COUNTER_RECEIVED_BYTES, n);
    while (in.n && s->state == SESSION_OPEN) {
        in = slice_from(in, client_recv(session_client(s), in, now));
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

    if (!secure_is(conn))
        stats_add(w->stats, COUNTER_SENT_BYTES, n);
    s->unsent -= (uint32_t)n;
    if (s->state == SESSION_OPEN)
        client_sent(session_client(s), n, io_now(w->io));
    if (s->unsent)
        return;
    return_buffer(s);
    pump(s);
}

static void ended(struct io_conn *conn, int error)
{
    struct session *s = of_conn(conn);

    (void)error; /* an orderly end and a reset come to the same */
    if (s->state != SESSION_OPEN)
        return;
    s->was_idle = s->count == 0;
    client_eof(session_client(s));
    drain_events(s, io_now(s->worker->io));
}

/* Something went wrong with the connection: no hurry with the next. */
static void back_off(struct session *s)
{
    struct worker *w = s->worker;
    uint64_t until;

    s->failures += s->failures < UINT16_MAX;
    until = io_clock(w->io) + backoff_delay(s->failures, &w->rng);
    s->failed = false;
    if (s->pause_until < until)
        s->pause_until = until;
}

static void closed(struct io_conn *conn)
{
    struct session *s = of_conn(conn);
    struct worker *w = s->worker;

    return_buffer(s);
    s->unsent = 0;
    session_auth_done(s);
    give_turn_back(s);
    if (s->ready)
        outage_unready(&w->outage, io_now(w->io));
    s->ready = false;
    stats_add(w->stats, COUNTER_CONNECTIONS_CLOSED, s->stood);
    s->stood = false;
    model_unclaim(s);
    if (!s->ready)
        session_target_failed(s);
    if (s->failed && w->load->settings->keep_going)
        back_off(s);
    /* A message still held means that connecting is to be tried again, before all others. */
    if ((s->count || (s->again && worker_has_more(w))) && run_stop(&w->load->control) == RUN_ON) {
        s->state = SESSION_QUEUED;
        line_join_first(&w->line, s);
    } else {
        if (s->count)
            drop_message(s, run_stop(&w->load->control) == RUN_FINISH ? OUTCOME_MISSED
                                                                      : OUTCOME_FAILED);
        session_begin(s);
    }
    s->again = false;
    line_next(&w->line);
}

static void timer_fired(struct timer *t)
{
    struct session *s = of_timer(t);
    struct worker *w = s->worker;
    uint64_t now = io_clock(w->io);

    switch (s->state) {
    case SESSION_WAITING:
        session_begin(s);
        line_next(&w->line);
        break;
    case SESSION_CONNECTING:
        connected(&s->conn, ETIMEDOUT);
        break;
    case SESSION_OPEN:
        client_tick(session_client(s), now);
        drain_events(s, now);
        pump(s);
        break;
    default:
        break;
    }
}

void session_resume(struct session *s)
{
    pump(s);
}

void session_retire(struct session *s)
{
    if (s->state == SESSION_WAITING) {
        model_unpark(s);
        io_timer_cancel(s->worker->io, &s->timer);
        s->state = SESSION_ASLEEP;
    } else if (s->state == SESSION_OPEN && (s->paused || s->parked)) {
        pump(s);
    }
}

void session_stop_waiting(struct session *s)
{
    bool late = s->worker->load->settings->keep_going;

    switch (s->state) {
    case SESSION_WAITING:
    case SESSION_ASLEEP:
        over(s);
        break;
    case SESSION_QUEUED:
        if (s->worker->stop == RUN_ON && s->count)
            break;
        if (s->count)
            drop_message(s, OUTCOME_MISSED);
        over(s);
        break;
    case SESSION_CONNECTING:
        if (s->worker->stop != RUN_ON || late)
            close_connection(s, IO_CLOSE_RESET);
        break;
    case SESSION_OPEN:
        if (s->paused || s->parked || s->waiting)
            pump(s);
        else if (s->worker->stop != RUN_ON ? !client_busy(session_client(s)) : late && !s->ready)
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
    case SESSION_ASLEEP:
        over(s);
        break;
    case SESSION_QUEUED:
        if (s->count)
            drop_message(s, OUTCOME_MISSED);
        over(s);
        break;
    case SESSION_CONNECTING:
        close_connection(s, IO_CLOSE_RESET);
        break;
    case SESSION_OPEN:
        client_abort(session_client(s));
        drain_events(s, io_clock(s->worker->io));
        break;
    case SESSION_CLOSING:
        io_close(s->worker->io, &s->conn, IO_CLOSE_RESET); /* an orderly end takes its time */
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
    (void)client_init(session_client(s), w->load->client);
}

void session_done(struct session *s)
{
    session_auth_done(s);
    client_done(session_client(s));
}
