/*
 * The simulated driver ends a process that misuses it: each misuse in a child of its own.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "endpoint.h"
#include "sim.h"
#include "test_sim.h"
#include "units.h"

struct owner {
    struct io_conn conn;
    void (*when_connected)(struct io_conn *);
    void (*when_closed)(struct io_conn *);
    bool closed;
};

static char octets[100];

static void send_some(struct io_conn *c)
{
    struct iovec v = {octets, sizeof octets};

    io_send(c->io, c, &v, 1);
}

static void on_connected(struct io_conn *c, int error)
{
    struct owner *o = (struct owner *)(void *)c;

    if (!error && o->when_connected)
        o->when_connected(c);
}

static void on_received(struct io_conn *c, const char *p, size_t n)
{
    (void)c;
    (void)p;
    (void)n;
}

static void on_sent(struct io_conn *c, size_t n)
{
    (void)n;
    io_close(c->io, c, IO_CLOSE_FIN);
}

static void on_ended(struct io_conn *c, int error)
{
    (void)error;
    io_close(c->io, c, IO_CLOSE_RESET);
}

static void on_closed(struct io_conn *c)
{
    struct owner *o = (struct owner *)(void *)c;

    o->closed = true;
    if (o->when_closed)
        o->when_closed(c);
}

static const struct io_handler handler = {
    .connected = on_connected,
    .received = on_received,
    .sent = on_sent,
    .ended = on_ended,
    .closed = on_closed,
};

static struct owner served = {.conn.handler = &handler};

static struct io_conn *accept_one(struct io_listener *l, const struct sockaddr *peer, socklen_t n)
{
    (void)l;
    (void)peer;
    (void)n;
    return &served.conn;
}

/* Connects, does what is wrong, and turns until the conn is closed. */
static void play(struct owner *o, void (*before)(struct io_conn *))
{
    struct sim_config config = {.seed = 1, .latency = NS_PER_MS, .connect_time = NS_PER_MS};
    struct sim_world *w = sim_new(&config);
    struct io_listener l = {.accept = accept_one, .fd = 25};
    struct address a;
    struct diag d;
    struct io *io;

    sim_use(w);
    io = io_new(&io_sim, &d);
    sim_address(&a, 25);
    o->conn.handler = &handler;
    (void)io_listen(io, &l, &d);
    io_connect(io, &o->conn, &a, NULL);
    if (before)
        before(&o->conn);
    while (!o->closed)
        (void)io_turn(io, NS_NEVER);
    io_unlisten(io, &l);
    io_free(io);
    sim_free(w);
}

static void send_twice(struct io_conn *c)
{
    send_some(c);
    send_some(c);
}

static void change_lent(struct io_conn *c)
{
    send_some(c);
    octets[sizeof octets - 1] ^= 1;
}

static struct io *last_io;

static void remember(struct io_conn *c)
{
    last_io = c->io;
    send_some(c);
}

static void send_after(struct io_conn *c)
{
    struct iovec v = {octets, sizeof octets};

    io_send(last_io, c, &v, 1);
}

static void connect_again(struct io_conn *c)
{
    struct address a;

    sim_address(&a, 25);
    io_connect(c->io, c, &a, NULL);
}

static void overwrite(struct io_conn *c)
{
    c->fd = 5;
    send_some(c);
}

static void turn_inside(struct io_conn *c)
{
    (void)io_turn(c->io, NS_NEVER);
}

static const struct misuse {
    const char *label;
    void (*before)(struct io_conn *);
    void (*when_connected)(struct io_conn *);
    void (*when_closed)(struct io_conn *);
    int signal;
} misuses[] = {
    {"misuse: none", NULL, remember, NULL, 0},
    {"misuse: two sends", NULL, send_twice, NULL, SIGABRT},
    {"misuse: lent octets changed", NULL, change_lent, NULL, SIGABRT},
    {"misuse: send before connected", send_some, NULL, NULL, SIGABRT},
    {"misuse: send after closed", NULL, remember, send_after, SIGABRT},
    {"misuse: connect while live", NULL, connect_again, NULL, SIGABRT},
    {"misuse: conn overwritten", NULL, overwrite, NULL, SIGABRT},
    {"misuse: turn inside a callback", NULL, turn_inside, NULL, SIGABRT},
    {"misuse: nobody closes", NULL, NULL, NULL, SIGABRT},
};

void test_misuse(void)
{
    for (size_t i = 0; i < sizeof misuses / sizeof misuses[0]; i++) {
        const struct misuse *m = &misuses[i];
        int status = 0;
        pid_t child = fork();

        if (child == 0) {
            struct owner o = {.when_connected = m->when_connected, .when_closed = m->when_closed};
            struct rlimit none = {0, 0};

            (void)setrlimit(RLIMIT_CORE, &none);
            (void)signal(SIGABRT, SIG_DFL);
            (void)close(STDOUT_FILENO);
            if (!freopen("/dev/null", "w", stderr))
                _exit(1);
            play(&o, m->before);
            _exit(0);
        }
        if (child < 0 || waitpid(child, &status, 0) != child)
            abort();
        test_result(m->label, (WIFSIGNALED(status) ? WTERMSIG(status) : 0) == m->signal &&
                                      (m->signal || WEXITSTATUS(status) == 0)
                                  ? NULL
                                  : "was not noticed");
    }
}
