/*
 * Joins the server machine with the simulated network, as simply as it goes: replies are written as
 * they come up, and while a write is outstanding nothing is read.
 */
#include "honest.h"

#include <stdlib.h>
#include <string.h>

#include "ledger.h"
#include "server.h"
#include "sim.h"

#define of(type, member, p) ((type *)(void *)((char *)(p)-offsetof(type, member)))

static const char taken[] = "250 2.0.0 Ok: in the ledger\r\n";

struct visit {
    struct io_conn conn;
    struct server server;
    struct honest *honest;
    struct visit *next;
    struct server_out out;
    uint32_t number;
    uint64_t said;   /* octets handed to io_send() */
    uint64_t unsent; /* of them, outstanding */
    char *held;      /* input that waits for a write to end */
    size_t held_n;
    char *content;
    size_t content_n;
    size_t content_capacity;
    bool closing;
    char buffer[];
};

struct honest {
    struct server_config config;
    struct server_context context;
    struct io_listener listener;
    struct ledger *ledger;
    struct visit *visits;
    uint32_t room;
};

static void say(struct visit *v)
{
    struct slice replies = server_replies(&v->out);
    struct iovec iov = {.iov_len = replies.n};

    if (replies.n == 0) {
        if (server_over(&v->server) != SERVER_END_NOT && !v->unsent) {
            v->closing = true;
            io_close(v->conn.io, &v->conn, IO_CLOSE_FIN);
        }
        return;
    }
    memcpy(&iov.iov_base, &replies.p, sizeof iov.iov_base); /* const in, as writev(2) has it */
    v->unsent = replies.n;
    v->said += replies.n;
    io_send(v->conn.io, &v->conn, &iov, 1);
}

static void hold(struct visit *v, struct slice rest)
{
    if (rest.n == 0)
        return;
    v->held = realloc(v->held, v->held_n + rest.n);
    if (!v->held)
        abort();
    memcpy(v->held + v->held_n, rest.p, rest.n);
    v->held_n += rest.n;
}

static void hear(struct visit *v, struct slice in)
{
    size_t n;

    if (v->closing)
        return;
    if (v->unsent) {
        hold(v, in);
        io_recv_pause(v->conn.io, &v->conn);
        return;
    }
    v->out.used = 0;
    v->out.lone.n = 0;
    n = server_recv(&v->server, in, &v->out);
    hold(v, slice_from(in, n));
    say(v);
}

static void connected(struct io_conn *c, int error)
{
    struct visit *v = of(struct visit, conn, c);

    (void)error;
    v->number = sim_number(c);
    server_greet(&v->server, &v->out);
    say(v);
}

static void received(struct io_conn *c, const char *octets, size_t n)
{
    hear(of(struct visit, conn, c), (struct slice){octets, n});
}

static void sent(struct io_conn *c, size_t n)
{
    struct visit *v = of(struct visit, conn, c);
    char *held = v->held;
    size_t held_n = v->held_n;

    v->unsent -= n;
    if (v->unsent)
        return;
    io_recv_resume(c->io, c);
    v->held = NULL;
    v->held_n = 0;
    hear(v, (struct slice){held ? held : "", held_n});
    free(held);
}

static void ended(struct io_conn *c, int error)
{
    struct visit *v = of(struct visit, conn, c);

    v->closing = true;
    io_close(c->io, c, error ? IO_CLOSE_RESET : IO_CLOSE_FIN);
}

static void forget(struct visit *v)
{
    server_done(&v->server);
    free(v->held);
    free(v->content);
    v->held = v->content = NULL;
}

static void closed(struct io_conn *c)
{
    struct visit *v = of(struct visit, conn, c);

    v->closing = true;
    forget(v);
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
    struct honest *h = of(struct honest, listener, l);
    struct visit *v = calloc(1, sizeof *v + h->room);

    (void)peer;
    (void)n;
    if (!v)
        abort();
    v->honest = h;
    v->conn.handler = &handler;
    v->out.buffer = v->buffer;
    v->out.size = h->room;
    server_init(&v->server, &h->context);
    v->next = h->visits;
    h->visits = v;
    return &v->conn;
}

/* ---- What the machine tells ---- */

static void command(struct server *sv, enum server_verb verb, struct slice line, struct slice reply)
{
    struct visit *v = of(struct visit, server, sv);

    (void)reply;
    if (verb == SERVER_RCPT)
        ledger_recipient(v->honest->ledger, line);
    if (verb == SERVER_DATA || verb == SERVER_MAIL)
        v->content_n = 0;
}

static void content(struct server *sv, struct slice octets, bool bdat)
{
    struct visit *v = of(struct visit, server, sv);

    (void)bdat;
    if (v->content_n + octets.n > v->content_capacity) {
        v->content_capacity = 2 * (v->content_n + octets.n);
        v->content = realloc(v->content, v->content_capacity);
        if (!v->content)
            abort();
    }
    memcpy(v->content + v->content_n, octets.p, octets.n);
    v->content_n += octets.n;
}

/* In place: takes the stuffed dots away, and the line that ends DATA. */
static void unstuff(struct visit *v)
{
    bool line_start = true;
    size_t n = 0;

    for (size_t i = 0; i < v->content_n; i++) {
        char c = v->content[i];

        if (line_start && c == '.') {
            line_start = false;
            continue;
        }
        line_start = c == '\n' && i > 0 && v->content[i - 1] == '\r';
        v->content[n++] = c;
    }
    v->content_n = n >= 2 ? n - 2 : 0;
}

static struct slice message(struct server *sv, const struct server_message *m)
{
    struct visit *v = of(struct visit, server, sv);
    struct honest *h = v->honest;
    uint32_t replies = h->config.lmtp ? m->recipients : 1;
    uint64_t end = v->said + server_replies(&v->out).n;
    size_t number;

    if (!m->bdat)
        unstuff(v);
    if (m->octets != v->content_n)
        abort();
    number = ledger_message(h->ledger, (struct slice){v->content, v->content_n}, m->recipients);
    v->content_n = 0;
    if (m->refused)
        return (struct slice){NULL, 0};
    for (uint32_t i = 0; i < replies; i++) {
        end += sizeof taken - 1;
        ledger_reply(h->ledger, number, true, h->config.lmtp ? 1 : m->recipients, v->number, end);
    }
    return SLICE(taken);
}

static const struct server_hooks hooks = {
    .command = command, .content = content, .message = message};

/* ---- The server ---- */

struct honest *honest_new(bool lmtp, uint64_t size_limit, uint32_t room, struct ledger *ledger)
{
    struct honest *h = calloc(1, sizeof *h);
    struct diag d;

    if (!h)
        abort();
    h->ledger = ledger;
    h->room = room > SERVER_OUT_MIN ? room : SERVER_OUT_MIN;
    h->config.hostname = "honest.example";
    h->config.lmtp = lmtp;
    server_announce_all(&h->config);
    h->config.size_limit = size_limit;
    if (server_config_freeze(&h->config, &d) < 0)
        abort();
    h->context.config = &h->config;
    h->context.hooks = &hooks;
    return h;
}

void honest_listen(struct honest *h, struct io *io, uint16_t port)
{
    struct diag d;

    h->listener = (struct io_listener){.accept = accept_one, .fd = port};
    if (io_listen(io, &h->listener, &d) < 0)
        abort();
}

void honest_free(struct honest *h)
{
    if (!h)
        return;
    while (h->visits) {
        struct visit *v = h->visits;

        h->visits = v->next;
        forget(v);
        free(v);
    }
    server_config_done(&h->config);
    free(h);
}
