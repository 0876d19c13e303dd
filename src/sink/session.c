/*
 * One connection: octets between the I/O driver and the server machine. Replies that a turn's input
 * causes are collected and written once, at the end of the turn. A client that does not read its
 * replies is not read either, and holds up nobody else.
 */
#include <stdlib.h>

#include "secure.h"
#include "sink_impl.h"
#include "units.h"

static void queue(struct session *s)
{
    struct worker *w = worker_of(s);

    if (s->queued)
        return;
    s->queued = true;
    s->next = NULL;
    *w->last = s;
    w->last = &s->next;
}

/* The session is decided to be over; counted once, before the client can see it. */
static void count_end(struct session *s, uint64_t *kind)
{
    struct worker *w = worker_of(s);
    uint64_t ended;

    if (s->counted)
        return;
    s->counted = true;
    ++*kind;
    if (w->config->verbose)
        diag_note("disconnect");
    if (!w->tally)
        return;
    if (kind == &w->account.numbers.quits)
        atomic_fetch_add(&w->tally->quits, 1);
    ended = 1 + atomic_fetch_add(&w->tally->sessions, 1);
    sink_tally(w, ended, w->config->stop_sessions);
}

static void leave(struct session *s, enum io_close_how how)
{
    struct worker *w = worker_of(s);

    s->closing = true;
    io_timer_cancel(w->io, &s->timer);
    io_close(w->io, &s->conn, how);
}

static void restart_timer(struct session *s)
{
    struct worker *w = worker_of(s);

    if (w->config->timeout && !server_waits(&s->server))
        io_timer_set(w->io, &s->timer, io_now(w->io) + w->config->timeout);
}

void sink_session_abort(struct session *s)
{
    if (s->closing)
        return;
    count_end(s, &worker_of(s)->account.numbers.aborted);
    leave(s, IO_CLOSE_FIN);
}

void sink_session_cut(struct session *s)
{
    leave(s, IO_CLOSE_RESET);
}

bool sink_session_busy(const struct session *s)
{
    return !s->closing &&
           (s->unsent > 0 || s->replies_length > 0 || server_owes_verdict(&s->server));
}

bool sink_session_unfinished(const struct session *s)
{
    return sink_session_busy(s) ||
           (!s->closing && (server_waits(&s->server) || server_is_busy(&s->server)));
}

static void send_replies(struct session *s)
{
    struct iovec v = {.iov_len = s->replies_length};

    memcpy(&v.iov_base, &s->replies, sizeof v.iov_base); /* const in, as writev(2) has it */
    s->unsent = s->replies_length;
    s->sending = s->in_block ? v.iov_base : NULL;
    s->replies = NULL;
    s->replies_length = 0;
    s->in_block = false;
    io_send(worker_of(s)->io, &s->conn, &v, 1);
    if (server_wants_tls(&s->server) && !secure_is(&s->conn))
        sink_session_secure(s);
}

/*
 * Calls the machine with the replies so far, to go on waiting or to take input. The block for more
 * of them is only taken from the pool when there is more than one.
 */
static size_t run_machine(struct session *s, struct slice in)
{
    struct worker *w = worker_of(s);
    struct server_out out = {.size = BLOCK_SIZE};
    size_t taken;

    if (s->in_block) {
        memcpy(&out.buffer, &s->replies, sizeof out.buffer);
        out.used = s->replies_length;
    } else {
        out.buffer = pool_block(&w->pool);
        out.lone = (struct slice){s->replies, s->replies_length};
    }
    if (!out.buffer) {
        sink_session_abort(s);
        return in.n;
    }
    if (server_waits(&s->server)) {
        server_resume(&s->server, &out);
        taken = 0;
    } else {
        taken = server_recv(&s->server, in, &out);
    }
    if (!s->in_block && out.used == 0)
        pool_return_block(&w->pool, out.buffer);
    s->in_block = out.used > 0;
    s->replies = server_replies(&out).p;
    s->replies_length = (uint32_t)server_replies(&out).n;
    return taken;
}

/* Keeps input for later, and stops reading more of it; what the driver still delivers is added. */
static void hold(struct session *s, struct slice in)
{
    size_t before = s->held ? s->held->n : 0;
    struct held *h = realloc(s->held, sizeof *h + before + in.n);

    if (!h) {
        sink_session_abort(s);
        return;
    }
    memcpy(h->octets + before, in.p, in.n);
    h->n = before + in.n;
    if (!s->held)
        io_recv_pause(worker_of(s)->io, &s->conn);
    s->held = h;
}

static bool is_fault_of_client(enum server_end end)
{
    return end == SERVER_END_INJECTION || end == SERVER_END_LINE || end == SERVER_END_CHUNK ||
           end == SERVER_END_MEMORY;
}

static void look_at_end(struct session *s)
{
    struct worker *w = worker_of(s);
    enum server_end end = server_over(&s->server);

    if (end == SERVER_END_NOT || s->counted)
        return;
    if (is_fault_of_client(end))
        diag_warn("%s", server_end_words(end));
    count_end(s, end == SERVER_END_QUIT ? &w->account.numbers.quits : &w->account.numbers.aborted);
}

/* What comes in while it waits is kept, in order; the timer is no longer that of an idle client. */
static void begin_wait(struct session *s, struct slice in)
{
    struct worker *w = worker_of(s);

    if (!s->held)
        hold(s, in);
    if (!s->closing)
        io_timer_set(w->io, &s->timer, io_now(w->io) + server_wait(&s->server));
}

static void feed(struct session *s, struct slice in)
{
    struct worker *w = worker_of(s);

    while (!s->closing) {
        in = slice_from(in, run_machine(s, in));
        look_at_end(s);
        if (server_waits(&s->server)) {
            begin_wait(s, in);
            break;
        }
        if (w->context.halt == SERVER_HALTS || (in.n == 0 && !server_owes(&s->server)))
            break;
        /* The block is full: write it at once, unless the one before is still on its way. */
        if (s->unsent > 0) {
            hold(s, in);
            break;
        }
        send_replies(s);
    }
    queue(s);
}

/* Is there nothing any more that the input which was kept has to wait for? */
static void take_up(struct session *s)
{
    struct held *h = s->held;

    if (!h || s->closing || s->unsent > 0 || server_waits(&s->server))
        return;
    s->held = NULL;
    feed(s, (struct slice){h->octets, h->n});
    free(h);
    if (!s->held && !s->closing)
        io_recv_resume(worker_of(s)->io, &s->conn);
}

void sink_session_leave(struct session *s)
{
    if (s->placed && !s->closing && !s->held && !server_waits(&s->server))
        feed(s, SLICE(""));
}

/* The wait is over, or one of several. */
static void go_on(struct session *s)
{
    (void)run_machine(s, SLICE(""));
    look_at_end(s);
    if (s->closing)
        return;
    if (server_waits(&s->server)) {
        begin_wait(s, SLICE(""));
    } else {
        restart_timer(s);
        take_up(s);
    }
    queue(s);
}

static void received(struct io_conn *c, const char *octets, size_t n)
{
    struct session *s = session_of_conn(c);
    struct worker *w = worker_of(s);
    struct slice in = {octets, n};

    if (!secure_is(c))
        w->account.numbers.received_bytes += n;
    restart_timer(s);
    if (s->held)
        hold(s, in);
    else
        feed(s, in);
}

static void sent(struct io_conn *c, size_t n)
{
    struct session *s = session_of_conn(c);
    struct worker *w = worker_of(s);

    if (!secure_is(c))
        w->account.numbers.sent_bytes += n;
    s->unsent -= (uint32_t)n;
    if (s->held)
        restart_timer(s); /* what it sends can't show that it is alive: it is not read */
    if (s->unsent > 0)
        return;
    if (s->sending)
        pool_return_block(&w->pool, s->sending);
    s->sending = NULL;
    take_up(s);
    if (s->replies_length > 0 || s->ended || server_over(&s->server) != SERVER_END_NOT)
        queue(s);
}

static void ended(struct io_conn *c, int error)
{
    struct session *s = session_of_conn(c);

    s->ended = true;
    if (error) {
        count_end(s, &worker_of(s)->account.numbers.lost);
        leave(s, IO_CLOSE_FIN);
        return;
    }
    queue(s); /* pending replies first */
}

/* Takes one of max_sessions. How many are taken then; 0: none was left. */
static uint64_t take_place(struct worker *w)
{
    atomic_uint_fast64_t *open = &w->sink->open;
    uint64_t most = w->config->max_sessions ? w->config->max_sessions : UINT64_MAX;
    uint64_t n = atomic_load(open);

    do
        if (n >= most)
            return 0;
    while (!atomic_compare_exchange_weak(open, &n, n + 1));
    return n + 1;
}

/*
 * Who has paused says so before looking, at the end of the same turn, whether there is a place
 * again; here a place is left before looking who has paused. So one of the two sees the other.
 */
static void leave_place(struct sink *sink)
{
    atomic_fetch_sub(&sink->open, 1);
    if (atomic_load(&sink->paused) > 0 && sink->worker_count > 1)
        sink_wake(sink);
}

static void pause_doors(struct worker *w, bool paused)
{
    if (w->doors_paused == paused)
        return;
    w->doors_paused = paused;
    if (paused)
        atomic_fetch_add(&w->sink->paused, 1);
    else
        atomic_fetch_sub(&w->sink->paused, 1);
    for (size_t i = 0; i < w->door_count; i++)
        io_accept_pause(w->io, &w->doors[i].listener, paused);
}

/* It has a place, and is one of n. */
static void begin(struct session *s, uint64_t n)
{
    struct worker *w = worker_of(s);
    struct sink_numbers *numbers = &w->account.numbers;

    s->placed = true;
    restart_timer(s);
    if (numbers->sessions++ == 0)
        w->account.first_begin = io_now(w->io);
    if (n > numbers->peak)
        numbers->peak = n;
}

static void closed(struct io_conn *c)
{
    struct session *s = session_of_conn(c);
    struct worker *w = worker_of(s);

    sink_client_end(s);
    server_done(&s->server);
    auth_server_free(s->auth);
    s->auth = NULL;
    free(s->held);
    free(s->arrival);
    if (s->sending)
        pool_return_block(&w->pool, s->sending);
    if (s->in_block) {
        char *block;

        memcpy(&block, &s->replies, sizeof block);
        pool_return_block(&w->pool, block);
    }
    s->open = false;
    w->open--;
    if (s->placed) {
        w->account.last_end = io_now(w->io);
        leave_place(w->sink);
    }
    if (w->waiting == s)
        w->waiting = NULL;
    if (!s->queued)
        pool_return_session(&w->pool, s);
}

static void flush(struct session *s)
{
    if (s->closing || s->unsent > 0)
        return;
    if (s->replies_length == 0 && server_waits(&s->server))
        return;
    if (s->replies_length > 0) {
        send_replies(s);
        return;
    }
    if (server_over(&s->server) == SERVER_END_NOT && !s->ended)
        return;
    count_end(s, &worker_of(s)->account.numbers.lost);
    leave(s, server_over(&s->server) == SERVER_END_RESET ? IO_CLOSE_RESET : IO_CLOSE_FIN);
}

void sink_flush(struct worker *w)
{
    struct session *s = w->first;

    w->first = NULL;
    w->last = &w->first;
    while (s) {
        struct session *next = s->next;

        s->queued = false;
        if (s->open)
            flush(s);
        else
            pool_return_session(&w->pool, s);
        s = next;
    }
}

static void timed_out(struct timer *t)
{
    struct session *s = (struct session *)(void *)((char *)t - offsetof(struct session, timer));

    if (server_waits(&s->server)) {
        go_on(s);
        return;
    }
    diag_warn("read timeout");
    sink_session_abort(s);
}

static void greet(struct session *s)
{
    struct server_out out = {0};

    server_greet(&s->server, &out);
    s->replies = out.lone.p;
    s->replies_length = (uint32_t)out.lone.n;
    look_at_end(s);
    if (server_waits(&s->server) && !s->closing)
        begin_wait(s, SLICE(""));
    queue(s);
}

/* With TLS from the first octet on the greeting comes behind the handshake. */
static void welcome(struct session *s)
{
    if (s->arrival)
        return; /* not before the header */
    if (worker_of(s)->config->tls_mode != SINK_TLS_IMPLICIT) {
        greet(s);
        return;
    }
    server_await_tls(&s->server);
    sink_session_secure(s);
}

void sink_session_secured(struct session *s)
{
    server_secure(&s->server);
    restart_timer(s);
    if (worker_of(s)->config->tls_mode == SINK_TLS_IMPLICIT)
        greet(s);
}

void sink_session_insecure(struct session *s)
{
    count_end(s, &worker_of(s)->account.numbers.aborted);
    leave(s, IO_CLOSE_FIN);
}

/* All places may have been taken meanwhile, by another thread: then it is as if not accepted. */
static void connected(struct io_conn *c, int error)
{
    struct session *s = session_of_conn(c);

    (void)error;
    if (s->placed)
        welcome(s);
    else
        io_recv_pause(worker_of(s)->io, c);
}

void sink_session_admit(struct worker *w)
{
    struct session *s = w->waiting;
    uint64_t n = s ? take_place(w) : 0;

    if (s && n == 0)
        return;
    if (s) {
        w->waiting = NULL;
        s->counted = false;
        begin(s, n);
        welcome(s);
        if (!s->held && !s->closing)
            io_recv_resume(w->io, &s->conn);
    }
    if (!w->config->max_sessions || atomic_load(&w->sink->open) < w->config->max_sessions)
        pause_doors(w, false);
}

static const struct io_handler handler = {
    .connected = connected,
    .received = received,
    .sent = sent,
    .ended = ended,
    .closed = closed,
};

/* Until a header has told whose connection it is. */
static const struct io_handler arriving = {
    .connected = connected,
    .received = sink_client_header,
    .sent = sent,
    .ended = ended,
    .closed = closed,
};

void sink_session_arrived(struct session *s, const struct sockaddr *peer, socklen_t length,
                          struct slice rest)
{
    s->conn.handler = &handler;
    if (!sink_client_begin(s, peer, length)) {
        sink_session_abort(s);
        return;
    }
    restart_timer(s);
    welcome(s);
    /* To TLS, if that stands in between now. */
    if (rest.n > 0 && !s->closing)
        s->conn.handler->received(&s->conn, rest.p, rest.n);
}

/* Of its own, so that what happens to a session does not hang on what others do meanwhile. */
static uint64_t rng_of_session(uint64_t seed, uint64_t number)
{
    struct rng rng = {seed};

    rng.state = rng_next(&rng) + number;
    return rng_next(&rng);
}

struct io_conn *sink_session_accept(struct io_listener *l, const struct sockaddr *peer,
                                    socklen_t length)
{
    struct worker *w = ((struct door *)(void *)l)->worker;
    struct session *s = w->context.halt ? NULL : pool_session(&w->pool);
    uint64_t n;

    if (!s)
        return NULL;
    server_init(&s->server, &w->context);
    s->conn.handler = w->config->proxy ? &arriving : &handler;
    if (!(w->config->proxy ? sink_client_await(s, peer, length)
                           : sink_client_begin(s, peer, length))) {
        sink_client_end(s);
        pool_return_session(&w->pool, s);
        return NULL;
    }
    s->open = true;
    s->timer.fire = timed_out;
    s->rng.state =
        rng_of_session(w->config->seed, w->index + w->accepted++ * w->sink->worker_count);
    w->open++;
    n = take_place(w);
    if (n > 0) {
        begin(s, n);
    } else {
        w->waiting = s; /* the only one, since no more are accepted */
        s->counted = true;
    }
    if (n == 0 || n == w->config->max_sessions)
        pause_doors(w, true);
    return &s->conn;
}
