/*
 * A raw ping-pong over TCP: requests and replies of given sizes in lockstep, on the I/O drivers of
 * the programs and nothing else. What SMTP in lockstep costs above this is what a generator adds of
 * its own: parsing, sessions, accounting, statistics.
 *
 * Knows nothing of SMTP: the sizes are arguments.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "endpoint.h"
#include "io.h"
#include "num.h"
#include "units.h"

#define STEPS_MAX   16
#define MESSAGE_MAX (64 * 1024)

struct sizes {
    uint32_t count;
    uint32_t request[STEPS_MAX];
    uint32_t reply[STEPS_MAX];
};

struct loop {
    struct io *io;
    struct sizes sizes;
    uint64_t left; /* client: messages to begin */
    uint64_t done; /* messages */
    char out[MESSAGE_MAX];
};

struct conn {
    struct io_conn io; /* first, so that the one is the other */
    uint32_t step;
    uint32_t have;   /* octets of the current request or reply that have come */
    uint32_t unsent; /* octets that the driver still has */
    uint32_t due;    /* octets to send once those have gone */
};

static struct loop loop;
static volatile sig_atomic_t stop;

static void on_signal(int number)
{
    (void)number;
    stop = 1;
    io_wake(loop.io);
}

static void die(const char *what, int error)
{
    fprintf(stderr, "pingpong: %s: %s\n", what, strerror(error));
    exit(1);
}

static void usage(void)
{
    fprintf(stderr, "usage: pingpong serve DRIVER PORT REQUEST:REPLY[,...]\n"
                    "       pingpong drive DRIVER PORT REQUEST:REPLY[,...] SESSIONS MESSAGES\n");
    exit(2);
}

static uint64_t number(const char *text, uint64_t max)
{
    uint64_t n;

    if (num_count(text, &n) < 0 || n < 1 || n > max) {
        fprintf(stderr, "pingpong: bad number: %s\n", text);
        exit(2);
    }
    return n;
}

/* REQUEST:REPLY,REQUEST:REPLY,... */
static void parse_sizes(struct sizes *s, char *text)
{
    char *save = NULL;

    for (char *at = strtok_r(text, ":,", &save); at; at = strtok_r(NULL, ":,", &save)) {
        char *reply = strtok_r(NULL, ":,", &save);

        if (!reply || s->count == STEPS_MAX)
            usage();
        s->request[s->count] = (uint32_t)number(at, MESSAGE_MAX);
        s->reply[s->count++] = (uint32_t)number(reply, MESSAGE_MAX);
    }
}

/* One send at a time is the driver's rule; a reply may come before it tells that the request went.
 */
static void put(struct conn *c, uint32_t n)
{
    if (c->unsent) {
        c->due = n;
        return;
    }
    c->unsent = n;
    io_send(loop.io, &c->io, &(struct iovec){loop.out, n}, 1);
}

static void on_sent(struct io_conn *io, size_t n)
{
    struct conn *c = (struct conn *)io;
    uint32_t due = c->due;

    c->unsent -= (uint32_t)n;
    if (c->unsent || !due)
        return;
    c->due = 0;
    put(c, due);
}

static void on_closed(struct io_conn *io)
{
    free(io);
}

/* Whether a whole request, or reply, is there now: then it is the other side's turn. */
static bool arrived(struct conn *c, const uint32_t *sizes, size_t n)
{
    c->have += (uint32_t)n;
    if (c->have < sizes[c->step])
        return false;
    c->have = 0;
    return true;
}

static void next(struct conn *c)
{
    if (++c->step == loop.sizes.count) {
        c->step = 0;
        loop.done++;
    }
}

/* ---- The client's end ---- */

static void ask(struct conn *c)
{
    if (c->step > 0 || loop.left > 0) {
        loop.left -= c->step == 0;
        put(c, loop.sizes.request[c->step]);
    } else {
        io_close(loop.io, &c->io, IO_CLOSE_RESET);
    }
}

static void client_connected(struct io_conn *io, int error)
{
    if (error)
        die("connect", error);
    ask((struct conn *)io);
}

static void client_received(struct io_conn *io, const char *octets, size_t n)
{
    struct conn *c = (struct conn *)io;

    (void)octets;
    if (!arrived(c, loop.sizes.reply, n))
        return;
    next(c);
    ask(c);
}

static void client_ended(struct io_conn *io, int error)
{
    (void)io;
    die("connection lost", error);
}

static const struct io_handler client = {
    .connected = client_connected,
    .received = client_received,
    .sent = on_sent,
    .ended = client_ended,
    .closed = on_closed,
};

/* ---- The server's end ---- */

static void server_received(struct io_conn *io, const char *octets, size_t n)
{
    struct conn *c = (struct conn *)io;

    (void)octets;
    if (!arrived(c, loop.sizes.request, n))
        return;
    put(c, loop.sizes.reply[c->step]);
    next(c);
}

static void server_ended(struct io_conn *io, int error)
{
    (void)error;
    io_close(loop.io, io, IO_CLOSE_RESET);
}

static const struct io_handler server = {
    .received = server_received,
    .sent = on_sent,
    .ended = server_ended,
    .closed = on_closed,
};

/* ---- Running ---- */

static struct conn *conn_new(const struct io_handler *handler)
{
    struct conn *c = calloc(1, sizeof *c);

    if (!c)
        die("memory", ENOMEM);
    c->io.handler = handler;
    return c;
}

static struct io_conn *on_accept(struct io_listener *l, const struct sockaddr *peer,
                                 socklen_t length)
{
    (void)l;
    (void)peer;
    (void)length;
    return &conn_new(&server)->io;
}

static void turn(void)
{
    int rc = io_turn(loop.io, NS_NEVER);

    if (rc < 0)
        die("driver", -rc);
}

static int drive(const struct address *to, uint64_t sessions)
{
    for (uint64_t i = 0; i < sessions; i++)
        io_connect(loop.io, &conn_new(&client)->io, to, NULL);
    while (!stop && loop.io->live)
        turn();
    return 0;
}

static int serve(const struct address *at, struct diag *d)
{
    struct io_listener listener = {.accept = on_accept, .fd = address_listen(at, 1024, d)};

    if (listener.fd < 0 || io_listen(loop.io, &listener, d) < 0)
        return -1;
    while (!stop)
        turn();
    return 0;
}

/* The driver that the word names, and nothing in its place. */
static int start(const char *name, struct diag *d)
{
    struct io_kind kind;
    const struct opt_choice *choice = io_choices;

    while (choice->name && strcmp(choice->name, name) != 0)
        choice++;
    if (!choice->name)
        usage();
    if (io_choose((enum io_choice)choice->value, &kind, d) < 0)
        return -1;
    loop.io = io_new(kind.driver, d);
    return loop.io ? 0 : -1;
}

int main(int argc, char **argv)
{
    struct sigaction term = {.sa_handler = on_signal};
    struct endpoint to;
    struct diag d;
    bool drives = argc == 7 && strcmp(argv[1], "drive") == 0;
    int rc;

    if (!drives && (argc != 5 || strcmp(argv[1], "serve") != 0))
        usage();
    parse_sizes(&loop.sizes, argv[4]);
    if (start(argv[2], &d) < 0 || endpoint_resolve_port(&to, "127.0.0.1", AF_INET,
                                                        (uint16_t)number(argv[3], 65535), &d) < 0) {
        fprintf(stderr, "pingpong: %s\n", d.text);
        return 1;
    }
    (void)sigaction(SIGTERM, &term, NULL);
    (void)sigaction(SIGINT, &term, NULL);
    if (drives) {
        loop.left = number(argv[6], UINT64_MAX);
        rc = drive(&to.addresses[0], number(argv[5], 65535));
    } else {
        rc = serve(&to.addresses[0], &d);
    }
    if (rc < 0) {
        fprintf(stderr, "pingpong: %s\n", d.text);
        return 1;
    }
    printf("{\"messages\": %llu}\n", (unsigned long long)loop.done);
    return 0;
}
