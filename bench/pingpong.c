/*
 * A raw ping-pong over TCP: requests and replies of given sizes in lockstep, one receive and one
 * send each, and nothing else. What SMTP in lockstep costs above this is what a generator adds of
 * its own: parsing, accounting, statistics.
 *
 * Knows nothing of SMTP: the sizes are arguments. The engine is the simplest of epoll loops, the
 * same system calls that the epoll driver of the programs makes: wait, receive, send.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define STEPS_MAX  16
#define EVENTS_MAX 64
#define BUFFER     (64 * 1024)

struct sizes {
    uint32_t count;
    uint32_t request[STEPS_MAX];
    uint32_t reply[STEPS_MAX];
};

struct conn {
    int fd;
    uint32_t step;
    uint32_t have; /* octets of the current request or reply that have come */
};

struct loop {
    int epoll;
    bool client;
    struct sizes sizes;
    uint64_t left; /* client: messages to begin */
    uint64_t done; /* messages */
    uint32_t open; /* connections */
    char in[BUFFER];
    char out[BUFFER];
};

static volatile sig_atomic_t stop;

static void on_signal(int number)
{
    (void)number;
    stop = 1;
}

static void die(const char *what)
{
    fprintf(stderr, "pingpong: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* A decimal number from 1 to max, ended by one of the characters of ends. */
static uint64_t number(const char **at, uint64_t max, const char *ends)
{
    char *end;
    unsigned long long n;

    errno = 0;
    n = strtoull(*at, &end, 10);
    if (errno || end == *at || n < 1 || n > max || (*end && !strchr(ends, *end))) {
        fprintf(stderr, "pingpong: bad number: %s\n", *at);
        exit(2);
    }
    *at = *end ? end + 1 : end;
    return n;
}

/* REQUEST:REPLY,REQUEST:REPLY,... */
static void parse_sizes(struct sizes *s, const char *text)
{
    while (*text && s->count < STEPS_MAX) {
        s->request[s->count] = (uint32_t)number(&text, BUFFER, ":");
        s->reply[s->count++] = (uint32_t)number(&text, BUFFER, ",");
    }
}

static void watch(struct loop *l, int fd, void *what)
{
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = what};

    if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &e) < 0)
        die("epoll_ctl");
}

static struct conn *conn_new(struct loop *l, int fd)
{
    struct conn *c = calloc(1, sizeof *c);
    int on = 1;

    if (!c)
        die("calloc");
    c->fd = fd;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    watch(l, fd, c);
    l->open++;
    return c;
}

static void conn_end(struct loop *l, struct conn *c)
{
    (void)close(c->fd);
    free(c);
    l->open--;
}

/* The sizes stay far below a socket buffer, so that a send is whole or an error. */
static void put(struct loop *l, struct conn *c, uint32_t n)
{
    if (send(c->fd, l->out, n, MSG_NOSIGNAL) != (ssize_t)n)
        die("send");
}

/* The client's turn after a whole reply, or at the start: false when there is nothing left. */
static bool ask(struct loop *l, struct conn *c)
{
    if (c->step == 0 && l->left-- == 0) {
        l->left = 0;
        return false;
    }
    put(l, c, l->sizes.request[c->step]);
    return true;
}

static void readable(struct loop *l, struct conn *c)
{
    const struct sizes *s = &l->sizes;
    ssize_t n = recv(c->fd, l->in, sizeof l->in, 0);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        if (l->client)
            die("connection lost");
        conn_end(l, c);
        return;
    }
    c->have += (uint32_t)n;
    if (c->have < (l->client ? s->reply : s->request)[c->step])
        return;
    c->have = 0;
    if (!l->client)
        put(l, c, s->reply[c->step]);
    if (++c->step == s->count) {
        c->step = 0;
        l->done++;
    }
    if (l->client && !ask(l, c))
        conn_end(l, c);
}

static void run(struct loop *l, int listener)
{
    struct epoll_event events[EVENTS_MAX];

    while (!stop && (l->open || !l->client)) {
        int n = epoll_wait(l->epoll, events, EVENTS_MAX, -1);

        if (n < 0 && errno != EINTR)
            die("epoll_wait");
        for (int i = 0; i < n; i++) {
            struct conn *c = events[i].data.ptr;
            int fd = c ? -1 : accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

            if (c)
                readable(l, c);
            else if (fd >= 0)
                (void)conn_new(l, fd);
        }
    }
}

static struct sockaddr_in loopback(uint64_t port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
}

static int new_socket(int flags)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);

    if (fd < 0)
        die("socket");
    return fd;
}

static void serve(struct loop *l, uint64_t port)
{
    struct sockaddr_in at = loopback(port);
    int fd = new_socket(SOCK_NONBLOCK);

    if (bind(fd, (struct sockaddr *)&at, sizeof at) < 0 || listen(fd, 1024) < 0)
        die("listen");
    watch(l, fd, NULL);
    run(l, fd);
}

static void drive(struct loop *l, uint64_t port, uint64_t sessions)
{
    struct sockaddr_in to = loopback(port);

    for (uint64_t i = 0; i < sessions; i++) {
        int fd = new_socket(0);
        struct conn *c;

        if (connect(fd, (struct sockaddr *)&to, sizeof to) < 0)
            die("connect");
        c = conn_new(l, fd);
        if (!ask(l, c))
            conn_end(l, c);
    }
    run(l, -1);
}

int main(int argc, char **argv)
{
    static struct loop l;
    struct sigaction term = {.sa_handler = on_signal};
    uint64_t port;
    uint64_t sessions;

    l.client = argc == 6 && !strcmp(argv[1], "drive");
    if (!l.client && (argc != 4 || strcmp(argv[1], "serve") != 0)) {
        fprintf(stderr, "usage: pingpong serve PORT REQUEST:REPLY[,REQUEST:REPLY...]\n"
                        "       pingpong drive PORT REQUEST:REPLY[,...] SESSIONS MESSAGES\n");
        return 2;
    }
    port = number(&(const char *){argv[2]}, 65535, "");
    parse_sizes(&l.sizes, argv[3]);
    (void)sigaction(SIGTERM, &term, NULL);
    (void)sigaction(SIGINT, &term, NULL);
    l.epoll = epoll_create1(EPOLL_CLOEXEC);
    if (l.epoll < 0)
        die("epoll_create1");
    if (l.client) {
        sessions = number(&(const char *){argv[4]}, 65535, "");
        l.left = number(&(const char *){argv[5]}, UINT64_MAX, "");
        drive(&l, port, sessions);
    } else {
        serve(&l, port);
    }
    printf("{\"messages\": %llu}\n", (unsigned long long)l.done);
    return 0;
}
