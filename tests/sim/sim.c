/*
 * The driver's functions over the simulated network: what owners call, held to what io.h allows
 * them; and the turn.
 */
#include "sim.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "endpoint.h"
#include "sim_impl.h"
#include "units.h"

#define TURN_MAX   64       /* completions a turn, by io.h */
#define STUCK_MAX  100000   /* turns without time moving */
#define LINGER_MAX NS_PER_S /* for an orderly close, by io.h */

/* Handed from sim_use() to the next io_new() of the same thread. */
static _Thread_local struct sim_world *prepared;

void *sim_alloc(size_t n)
{
    void *p = malloc(n ? n : 1);

    if (!p)
        sim_die(NULL, "out of memory");
    return p;
}

void sim_die(const struct sim_world *w, const char *why)
{
    (void)fprintf(stderr, "simulation: %s [%s]\n", why,
                  w && w->config.label ? w->config.label : "");
    (void)fflush(stderr);
    abort();
}

/* ---- Worlds ---- */

struct sim_world *sim_new(const struct sim_config *config)
{
    struct sim_world *w = calloc(1, sizeof *w);

    if (!w)
        sim_die(NULL, "out of memory");
    w->config = *config;
    w->rng.state = config->seed;
    w->now = 1000 * NS_PER_S; /* no clock begins at 0 */
    return w;
}

void sim_free(struct sim_world *w)
{
    if (!w)
        return;
    for (uint32_t i = 0; i < w->link_count; i++)
        wire_free(w->links[i]);
    free(w->links);
    free(w->events);
    free(w);
}

void sim_use(struct sim_world *w)
{
    prepared = w;
}

uint64_t sim_now(const struct sim_world *w)
{
    return w->now;
}

void sim_numbers(const struct sim_world *w, struct sim_numbers *out)
{
    *out = w->numbers;
}

void sim_at(struct sim_world *w, uint64_t when, void (*fn)(void *), void *arg)
{
    sim_queue_call(w, when, fn, arg);
}

void sim_after(struct sim_world *w, uint64_t completions, void (*fn)(void *), void *arg)
{
    sim_check(w, w->call_count < CALLS_MAX, "too many sim_after()");
    w->calls[w->call_count++] = (struct call){completions, fn, arg};
}

void sim_completion(struct sim_world *w)
{
    w->numbers.completions++;
    for (int i = 0; i < w->call_count; i++)
        if (w->calls[i].completions == w->numbers.completions)
            w->calls[i].fn(w->calls[i].arg);
}

uint32_t sim_number(const struct io_conn *c)
{
    return (uint32_t)c->fd;
}

uint64_t sim_delivered(const struct sim_world *w, uint32_t number)
{
    return w->links[number]->client.in.told;
}

void sim_address(struct address *a, uint16_t port)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};

    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    *a = (struct address){.length = sizeof in};
    memcpy(&a->storage, &in, sizeof in);
}

/* ---- What owners call ---- */

/* Everything but waking is for the thread that turns; before the first turn, for any. */
static struct sim_world *enter(struct io *io)
{
    struct sim_world *w = world_of(io);

    sim_check(w, !w->have_thread || pthread_equal(w->thread, pthread_self()),
              "the driver was used by another thread");
    return w;
}

/* The end of a live conn; NULL when it is not live. */
static struct end *end_of(struct sim_world *w, const struct io_conn *c)
{
    struct link *l;

    if (!(c->flags & LIVE))
        return NULL;
    sim_check(w, c->io == &w->sim->io && c->fd >= 0 && (uint32_t)c->fd < w->link_count,
              "a conn's fields were changed by its owner");
    l = w->links[c->fd];
    if (l->client.conn == c)
        return &l->client;
    sim_check(w, l->server.conn == c, "a live conn was moved or overwritten");
    return &l->server;
}

static void note_connect(struct sim_numbers *n, uint64_t now)
{
    uint64_t gap = now - n->last_connect;

    if (n->connects == 0)
        n->first_connect = now;
    if (n->connects == 1 || (n->connects > 1 && gap < n->gap_min))
        n->gap_min = gap;
    if (n->connects >= 1 && gap > n->gap_max)
        n->gap_max = gap;
    n->last_connect = now;
    n->connects++;
}

static void sim_connect(struct io *io, struct io_conn *c, const struct address *a,
                        const struct address *source)
{
    struct sim_world *w = enter(io);
    struct sockaddr_in in;
    struct link *l;
    uint64_t when = w->now + w->config.connect_time + sim_draw(w, w->config.jitter);

    sim_check(w, source == NULL, "one address is all that it has");
    sim_check(w, c->handler != NULL, "io_connect() without a handler");
    sim_check(w, c->flags == 0, "io_connect() on a conn that is live");
    for (uint32_t i = 0; i < w->link_count; i++)
        sim_check(w, w->links[i]->client.conn != c, "io_connect() on a conn that was overwritten");
    sim_check(w, a->length == sizeof in && a->sa.sa_family == AF_INET, "not an address of sim's");
    memcpy(&in, &a->storage, sizeof in);
    l = wire_new(w, ntohs(in.sin_port));
    l->client.conn = c;
    l->client.flags = LIVE | CLIENT;
    c->io = io;
    c->fd = (int)l->number;
    c->flags = LIVE;
    if (++io->live > w->numbers.open_max)
        w->numbers.open_max = io->live;
    if (++w->connecting > w->numbers.connecting_max)
        w->numbers.connecting_max = w->connecting;
    note_connect(&w->numbers, w->now);
    if (!sim_chance(w, w->config.unanswered))
        sim_queue(w, when, EVENT_SYN, &l->client, 0);
}

static void sim_send(struct io *io, struct io_conn *c, const struct iovec *iov, int count)
{
    struct sim_world *w = enter(io);
    struct end *e = end_of(w, c);
    size_t total = 0;
    size_t at = 0;

    sim_check(w, e != NULL, "io_send() on a conn that is not live");
    sim_check(w, e->flags & (UP | CLOSING | FAILED), "io_send() before connected()");
    for (int i = 0; i < count; i++)
        total += iov[i].iov_len;
    if (total == 0 || e->flags & (CLOSING | FAILED))
        return;
    sim_check(w, e->total == 0, "a second io_send() while one is outstanding");
    e->lent = sim_alloc((size_t)count * sizeof *iov);
    memcpy(e->lent, iov, (size_t)count * sizeof *iov);
    e->lent_count = count;
    e->copy = sim_alloc(total);
    for (int i = 0; i < count; i++) {
        memcpy(e->copy + at, iov[i].iov_base, iov[i].iov_len);
        at += iov[i].iov_len;
    }
    e->total = total;
    e->taken = e->told = 0;
    if (!(e->flags & RST_IN)) {
        wire_take_soon(w, e);
        return;
    }
    /* It fails; what a paused owner has not read is lost. */
    if (e->flags & PAUSED)
        e->in.arrived = 0;
    e->flags &= ~(uint32_t)PAUSED;
    wire_deliver_soon(w, e);
}

static void sim_pause(struct io *io, struct io_conn *c, bool paused)
{
    struct sim_world *w = enter(io);
    struct end *e = end_of(w, c);

    if (!e)
        return;
    if (paused) {
        e->flags |= PAUSED;
        return;
    }
    e->flags &= ~(uint32_t)PAUSED;
    if (e->in.arrived || e->flags & (FIN_IN | RST_IN))
        wire_deliver_soon(w, e);
}

static void sim_close(struct io *io, struct io_conn *c, enum io_close_how how)
{
    struct sim_world *w = enter(io);
    struct end *e = end_of(w, c);
    bool up;

    if (!e || e->flags & CLOSED_DUE || (how == IO_CLOSE_FIN && e->flags & CLOSING))
        return;
    up = e->flags & UP && !(e->flags & (RST_IN | FAILED));
    if (how == IO_CLOSE_RESET || !up) {
        wire_reset_peer(w, e);
        wire_finish(w, e);
        return;
    }
    e->flags |= CLOSING;
    sim_queue(w, w->now + LINGER_MAX, EVENT_LINGER, e, 0);
    if (e->taken == e->total)
        wire_shut(w, e);
}

static int sim_listen(struct io *io, struct io_listener *l, struct diag *d)
{
    struct sim_world *w = enter(io);

    for (int i = 0; i < LISTENERS_MAX; i++) {
        if (w->listeners[i])
            continue;
        l->io = io;
        w->listeners[i] = l;
        return 0;
    }
    return diag_set(d, -EMFILE, "too many listeners");
}

static void sim_accept_pause(struct io *io, struct io_listener *l, bool paused)
{
    struct sim_world *w = enter(io);

    l->paused = paused;
    for (uint32_t i = 0; !paused && i < w->link_count; i++) {
        struct link *link = w->links[i];

        if (!link->waiting || link->port != l->fd)
            continue;
        link->waiting = false;
        sim_queue(w, w->now, EVENT_ACCEPT, &link->server, 0);
    }
}

static void sim_unlisten(struct io *io, struct io_listener *l)
{
    struct sim_world *w = enter(io);

    for (int i = 0; i < LISTENERS_MAX; i++)
        if (w->listeners[i] == l)
            w->listeners[i] = NULL;
}

/* ---- The turn ---- */

static void begin(struct sim_world *w, struct io *io)
{
    sim_check(w, !w->turning, "io_turn() from inside a callback");
    if (!w->have_thread) {
        w->have_thread = true;
        w->thread = pthread_self();
        if (w->config.start)
            w->config.start(w->config.arg, io);
    }
    (void)enter(io);
    w->numbers.turns++;
    sim_check(w, !w->config.turns_max || w->numbers.turns <= w->config.turns_max,
              "the run takes too many turns");
}

/* Time jumps to whatever is next. */
static void jump(struct sim_world *w, const struct io *io, uint64_t until)
{
    uint64_t next = timers_next(&io->timers);

    if (sim_next(w) < next)
        next = sim_next(w);
    if (until < next)
        next = until;
    sim_check(w, next != NS_NEVER, "nothing is going to happen any more");
    if (next > w->now) {
        w->now = next;
        w->stuck_since = 0;
    }
    sim_check(w, ++w->stuck_since < STUCK_MAX, "turn after turn, and time does not move");
    if (sim_chance(w, w->config.late))
        w->now += sim_draw(w, w->config.late_by);
}

static int sim_turn(struct io *io, uint64_t until)
{
    struct sim_world *w = world_of(io);
    uint64_t before;
    bool timers_first;

    begin(w, io);
    if (atomic_exchange(&w->woken, false) || sim_chance(w, w->config.spurious))
        return 0;
    jump(w, io, until);
    io->now = w->now;
    w->turning = true;
    timers_first = sim_chance(w, 500);
    if (timers_first)
        timers_fire(&io->timers, w->now);
    before = w->numbers.completions;
    while (sim_next(w) <= w->now && w->numbers.completions - before < TURN_MAX) {
        struct event e = sim_pop(w);

        wire_event(w, &e);
    }
    if (!timers_first)
        timers_fire(&io->timers, w->now);
    w->turning = false;
    return 0;
}

static uint64_t sim_clock(struct io *io)
{
    return world_of(io)->now;
}

static void sim_wake(struct io *io)
{
    atomic_store(&world_of(io)->woken, true);
}

static struct io *sim_io_new(struct diag *d)
{
    struct sim *s = calloc(1, sizeof *s);

    (void)d;
    if (!s || !prepared || prepared->used)
        sim_die(prepared, "io_new(&io_sim) without a fresh world");
    s->world = prepared;
    s->world->sim = s;
    s->world->used = true;
    prepared = NULL;
    return &s->io;
}

static void sim_io_free(struct io *io)
{
    world_of(io)->sim = NULL;
    free(io);
}

const struct io_driver io_sim = {
    .name = "sim",
    .new = sim_io_new,
    .free = sim_io_free,
    .connect = sim_connect,
    .send = sim_send,
    .pause = sim_pause,
    .close = sim_close,
    .listen = sim_listen,
    .accept_pause = sim_accept_pause,
    .unlisten = sim_unlisten,
    .turn = sim_turn,
    .clock = sim_clock,
    .wake = sim_wake,
};
