/*
 * What happens between two ends: connects, octets under way, ends, resets; and what the owners are
 * told of it. One event is at most one completion.
 *
 * An end that was told closed() stays in memory until its world goes, so events that come too late
 * find a flag instead of freed memory.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "endpoint.h"
#include "sim_impl.h"
#include "units.h"

#define PIECE_PAUSE (200 * NS_PER_US) /* between pieces, at most */
#define SENT_PAUSE  (5 * NS_PER_MS)   /* until a piece is told: its answer may be quicker */
#define MERGE_PAUSE (20 * NS_PER_MS)
#define CLOSE_PAUSE (50 * NS_PER_US)

/* When something sent now reaches this end, behind all that was sent before. */
static uint64_t arrival(struct sim_world *w, struct end *to)
{
    uint64_t t = w->now + w->config.latency + sim_draw(w, w->config.jitter);

    if (t < to->in.last)
        t = to->in.last;
    to->in.last = t;
    return t;
}

/* ---- Links ---- */

struct link *wire_new(struct sim_world *w, uint16_t port)
{
    struct link *l = sim_alloc(sizeof *l);

    if (w->link_count == w->link_capacity) {
        w->link_capacity = w->link_capacity ? 2 * w->link_capacity : 64;
        w->links = realloc(w->links, w->link_capacity * sizeof(struct link *));
        sim_check(w, w->links != NULL, "out of memory");
    }
    *l = (struct link){.number = w->link_count, .port = port};
    l->client.link = l->server.link = l;
    l->client.peer = &l->server;
    l->server.peer = &l->client;
    w->links[w->link_count++] = l;
    return l;
}

static void empty(struct pipe *p)
{
    free(p->octets);
    p->octets = NULL;
    p->n = p->arrived = p->capacity = 0;
}

void wire_free(struct link *l)
{
    struct end *ends[] = {&l->client, &l->server};

    for (int i = 0; i < 2; i++) {
        empty(&ends[i]->in);
        free(ends[i]->lent);
        free(ends[i]->copy);
    }
    free(l);
}

/* ---- Sending ---- */

void wire_take_soon(struct sim_world *w, struct end *e)
{
    bool slow = sim_chance(w, w->config.pieces);

    if (e->flags & TAKING)
        return;
    e->flags |= TAKING;
    sim_queue(w, w->now + (slow ? sim_draw(w, PIECE_PAUSE) : 0), EVENT_TAKE, e, 0);
}

/* Copies n octets of what was lent, from offset on, to out. */
static void read_lent(const struct end *e, size_t offset, size_t n, char *out)
{
    for (int i = 0; i < e->lent_count && n; i++) {
        size_t length = e->lent[i].iov_len;
        size_t part;

        if (offset >= length) {
            offset -= length;
            continue;
        }
        part = length - offset < n ? length - offset : n;
        memcpy(out, (const char *)e->lent[i].iov_base + offset, part);
        out += part;
        n -= part;
        offset = 0;
    }
}

/* What was lent must be as it was until it is told as sent. */
static void check_lent(struct sim_world *w, const struct end *e, size_t offset, size_t n)
{
    char *have;

    if (n == 0)
        return;
    have = sim_alloc(n);
    read_lent(e, offset, n, have);
    sim_check(w, memcmp(have, e->copy + offset, n) == 0,
              "octets lent to a send were changed before they were told as sent");
    free(have);
}

void wire_drop_send(struct sim_world *w, struct end *e)
{
    check_lent(w, e, e->told, e->total - e->told);
    free(e->lent);
    free(e->copy);
    e->lent = NULL;
    e->copy = NULL;
    e->lent_count = 0;
    e->total = e->taken = e->told = 0;
}

/* How much of the rest goes now. Large sends go in at most some dozens of pieces. */
static size_t piece(struct sim_world *w, const struct end *e)
{
    size_t rest = e->total - e->taken;
    size_t room = SIZE_MAX;
    size_t n = rest;

    if (w->config.capacity)
        room = e->peer->in.n < w->config.capacity ? w->config.capacity - e->peer->in.n : 0;
    if (sim_chance(w, w->config.pieces)) {
        n = (size_t)rng_below(&w->rng, rest);
        n = 1 + n / (1 + (size_t)rng_below(&w->rng, 30));
    }
    return n < room ? n : room;
}

static void put(struct sim_world *w, struct pipe *p, const struct end *from, size_t n)
{
    if (p->n + n > p->capacity) {
        p->capacity = 2 * (p->n + n);
        p->octets = realloc(p->octets, p->capacity);
        sim_check(w, p->octets != NULL, "out of memory");
    }
    read_lent(from, from->taken, n, p->octets + p->n);
    p->n += n;
}

static void on_take(struct sim_world *w, struct end *e)
{
    size_t n;

    e->flags &= ~(uint32_t)TAKING;
    if (e->flags & (RST_IN | CLOSED_DUE | GONE) || e->taken == e->total)
        return;
    n = piece(w, e);
    if (n == 0)
        return; /* a delivery at the other end makes room and begins anew */
    check_lent(w, e, e->taken, n);
    if (!(e->peer->flags & (GONE | RST_IN)))
        put(w, &e->peer->in, e, n);
    e->taken += n;
    sim_queue(w, arrival(w, e->peer), EVENT_ARRIVE, e->peer, n);
    sim_queue(w, w->now + (sim_chance(w, w->config.pieces) ? sim_draw(w, SENT_PAUSE) : 0),
              EVENT_SENT, e, n);
    if (e->taken < e->total)
        wire_take_soon(w, e);
    else if (e->flags & CLOSING)
        wire_shut(w, e);
}

static void on_sent(struct sim_world *w, struct end *e, size_t n)
{
    if (e->flags & (RST_IN | CLOSING | GONE))
        return;
    check_lent(w, e, e->told, n);
    e->told += n;
    if (e->told == e->total)
        wire_drop_send(w, e);
    if (e->flags & CLIENT)
        w->numbers.sent += n;
    sim_completion(w);
    e->conn->handler->sent(e->conn, n);
}

/* ---- Receiving ---- */

void wire_deliver_soon(struct sim_world *w, struct end *e)
{
    bool slow = sim_chance(w, w->config.merged);

    if (e->flags & DELIVERING)
        return;
    e->flags |= DELIVERING;
    sim_queue(w, w->now + (slow ? sim_draw(w, MERGE_PAUSE) : 0), EVENT_DELIVER, e, 0);
}

static void on_arrive(struct sim_world *w, struct end *e, size_t n)
{
    if (e->link->lost || e->flags & RST_IN)
        return;
    if (e->flags & (CLOSED_DUE | GONE)) { /* nobody is there any more */
        sim_queue(w, arrival(w, e->peer), EVENT_RST, e->peer, ECONNRESET);
        return;
    }
    e->in.arrived += n;
    wire_deliver_soon(w, e);
}

static void drop_arrived(struct sim_world *w, struct end *e, size_t n)
{
    e->in.arrived -= n;
    e->in.n -= n;
    memmove(e->in.octets, e->in.octets + n, e->in.n);
    if (e->peer->taken < e->peer->total)
        wire_take_soon(w, e->peer);
}

/* In memory of its own size, and gone afterwards: reading beyond it, or later, is found. */
static void tell_received(struct sim_world *w, struct end *e)
{
    size_t n = e->in.arrived;
    char *octets;

    if (n > 65536)
        n = 65536;
    if (sim_chance(w, w->config.split))
        n = 1 + (size_t)rng_below(&w->rng, n);
    octets = sim_alloc(n);
    memcpy(octets, e->in.octets, n);
    drop_arrived(w, e, n);
    e->in.told += n;
    if (e->flags & CLIENT)
        w->numbers.received += n;
    if (e->in.arrived || e->flags & (FIN_IN | RST_IN))
        wire_deliver_soon(w, e);
    sim_completion(w);
    e->conn->handler->received(e->conn, octets, n);
    memset(octets, 0xdd, n);
    free(octets);
}

/* An orderly close reads on until the other end's end. */
static void swallow(struct sim_world *w, struct end *e)
{
    if (e->in.arrived)
        drop_arrived(w, e, e->in.arrived);
    if (e->flags & RST_IN || (e->flags & FIN_IN && e->flags & SHUT))
        wire_finish(w, e);
}

static void on_deliver(struct sim_world *w, struct end *e)
{
    e->flags &= ~(uint32_t)DELIVERING;
    if (e->flags & (CLOSED_DUE | GONE) || !(e->flags & UP))
        return;
    if (e->flags & CLOSING) {
        swallow(w, e);
    } else if (e->flags & (PAUSED | FAILED)) {
        return;
    } else if (e->in.arrived) {
        tell_received(w, e);
    } else if (e->flags & RST_IN) {
        e->flags |= FAILED;
        sim_completion(w);
        e->conn->handler->ended(e->conn, e->error);
    } else if ((e->flags & (FIN_IN | FIN_TOLD)) == FIN_IN) {
        e->flags |= FIN_TOLD;
        sim_completion(w);
        e->conn->handler->ended(e->conn, 0);
    }
}

static void on_fin(struct sim_world *w, struct end *e)
{
    if (e->link->lost || e->flags & (RST_IN | GONE))
        return;
    e->flags |= FIN_IN;
    wire_deliver_soon(w, e);
}

/* Takes effect at once; whether what arrived before it can still be read is left to chance. */
static void on_rst(struct sim_world *w, struct end *e, int error)
{
    if (e->link->lost || e->flags & (RST_IN | GONE))
        return;
    e->flags |= RST_IN;
    e->error = error;
    if (sim_chance(w, 500))
        e->in.arrived = 0;
    e->in.n = e->in.arrived;
    wire_deliver_soon(w, e);
}

/* ---- Beginning and end ---- */

static struct io_listener *find_listener(const struct sim_world *w, uint16_t port)
{
    for (int i = 0; i < LISTENERS_MAX; i++)
        if (w->listeners[i] && w->listeners[i]->fd == port)
            return w->listeners[i];
    return NULL;
}

static void plan_cut(struct sim_world *w, struct link *l)
{
    uint64_t when = w->now + sim_draw(w, w->config.cut_within);

    if (sim_chance(w, w->config.cut))
        sim_queue(w, when, EVENT_CUT, &l->client, sim_chance(w, 300) ? CUT_CLIENT : CUT_BOTH);
    else if (sim_chance(w, w->config.lost))
        sim_queue(w, when, EVENT_CUT, &l->client, CUT_LOST);
}

static void on_syn(struct sim_world *w, struct end *e)
{
    struct link *l = e->link;

    l->listener = find_listener(w, l->port);
    if (!l->listener || sim_chance(w, w->config.refused)) {
        sim_queue(w, w->now, EVENT_CONNECTED, e, ECONNREFUSED);
        return;
    }
    sim_queue(w, w->now + sim_draw(w, w->config.jitter), EVENT_ACCEPT, &l->server, 0);
    sim_queue(w, w->now + sim_draw(w, w->config.jitter), EVENT_CONNECTED, e, 0);
    plan_cut(w, l);
}

static void on_accept(struct sim_world *w, struct end *e)
{
    struct link *l = e->link;
    struct io_listener *listener = find_listener(w, l->port);
    struct address from;

    l->waiting = listener && listener->paused;
    if (l->waiting || e->flags & RST_IN)
        return;
    sim_address(&from, (uint16_t)(32768 + l->number % 32768));
    sim_completion(w);
    e->conn = listener ? listener->accept(listener, &from.sa, from.length) : NULL;
    if (!e->conn) {
        e->flags |= GONE;
        sim_queue(w, arrival(w, e->peer), EVENT_RST, e->peer, ECONNRESET);
        return;
    }
    sim_check(w, e->conn->flags == 0 && e->conn->handler, "accept() gave a conn that is not fresh");
    e->conn->io = &w->sim->io;
    e->conn->fd = (int)l->number;
    e->conn->flags = LIVE;
    e->flags |= LIVE;
    if (!e->conn->handler->connected)
        e->flags |= UP;
    else
        sim_queue(w, w->now, EVENT_CONNECTED, e, 0);
    wire_deliver_soon(w, e);
}

static void on_connected(struct sim_world *w, struct end *e, int error)
{
    if (e->flags & (CLOSING | GONE))
        return;
    if (e->flags & CLIENT && error)
        w->numbers.errors++;
    else if (e->flags & CLIENT)
        w->numbers.connected++;
    if (e->flags & CLIENT)
        w->connecting--;
    e->flags |= error ? FAILED : UP;
    if (e->in.arrived || e->flags & (FIN_IN | RST_IN))
        wire_deliver_soon(w, e);
    sim_completion(w);
    e->conn->handler->connected(e->conn, error);
}

void wire_reset_peer(struct sim_world *w, struct end *e)
{
    uint64_t in_order = arrival(w, e->peer);
    uint64_t soon = w->now + w->config.latency;

    sim_queue(w, sim_chance(w, 500) ? in_order : soon, EVENT_RST, e->peer, ECONNRESET);
}

void wire_shut(struct sim_world *w, struct end *e)
{
    e->flags |= SHUT;
    sim_queue(w, arrival(w, e->peer), EVENT_FIN, e->peer, 0);
    wire_deliver_soon(w, e);
}

void wire_finish(struct sim_world *w, struct end *e)
{
    bool slow = sim_chance(w, w->config.pieces);

    if (e->flags & CLOSED_DUE)
        return;
    e->flags |= CLOSING | CLOSED_DUE;
    sim_queue(w, w->now + (slow ? sim_draw(w, CLOSE_PAUSE) : 0), EVENT_CLOSED, e, 0);
}

static void on_cut(struct sim_world *w, struct end *e, enum cut how)
{
    if (how == CUT_LOST) {
        e->link->lost = true;
        return;
    }
    on_rst(w, e, ECONNRESET);
    if (how == CUT_BOTH)
        on_rst(w, e->peer, ECONNRESET);
}

static void on_closed(struct sim_world *w, struct end *e)
{
    struct io_conn *c = e->conn;

    wire_drop_send(w, e);
    empty(&e->in);
    e->flags |= GONE;
    e->flags &= ~(uint32_t)LIVE;
    e->conn = NULL;
    if (e->flags & CLIENT) {
        c->io->live--;
        w->connecting -= !(e->flags & (UP | FAILED));
    }
    c->flags = 0;
    c->io = NULL;
    c->fd = -1;
    sim_completion(w);
    c->handler->closed(c);
}

void wire_event(struct sim_world *w, const struct event *ev)
{
    struct end *e = ev->end;

    switch (ev->kind) {
    case EVENT_SYN:
        if (!(e->flags & CLOSING))
            on_syn(w, e);
        break;
    case EVENT_ACCEPT:
        on_accept(w, e);
        break;
    case EVENT_CONNECTED:
        on_connected(w, e, (int)ev->n);
        break;
    case EVENT_TAKE:
        on_take(w, e);
        break;
    case EVENT_SENT:
        on_sent(w, e, (size_t)ev->n);
        break;
    case EVENT_ARRIVE:
        on_arrive(w, e, (size_t)ev->n);
        break;
    case EVENT_FIN:
        on_fin(w, e);
        break;
    case EVENT_RST:
        on_rst(w, e, (int)ev->n);
        break;
    case EVENT_DELIVER:
        on_deliver(w, e);
        break;
    case EVENT_CUT:
        on_cut(w, e, (enum cut)ev->n);
        break;
    case EVENT_LINGER:
        if (!(e->flags & (CLOSED_DUE | GONE)))
            wire_finish(w, e);
        break;
    case EVENT_CLOSED:
        on_closed(w, e);
        break;
    default:
        ev->fn(ev->arg);
        break;
    }
}
