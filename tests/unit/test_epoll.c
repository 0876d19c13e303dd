/*
 * The epoll driver over real sockets of the loopback and the UNIX domain: both ends in one driver,
 * or a plain socket at the far end where its manners matter. Every wait is bounded, and every test
 * ends with as many descriptors as it began with.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include "endpoint.h"
#include "io.h"
#include "rng.h"
#include "units.h"

#define MIB      (UINT64_C(1) << 20)
#define PATIENCE (30 * NS_PER_S) /* sanitizers and valgrind are slow */
#define PERIOD   65521 /* of the stream every end sends; prime, so that no size divides it */

/* ---- The ends of connections ---- */

enum what { CONNECTED, RECEIVED, SENT, ENDED, CLOSED };

struct node {
    struct io_conn conn; /* first */
    void (*on)(struct node *, enum what);
    struct node *other;
    int connected; /* how often each was called */
    int ended;
    int closed;
    int error;          /* the last one told */
    uint64_t submitted; /* octets handed to io_send() */
    uint64_t sent;
    uint64_t received;
    uint64_t goal; /* octets to send in all, for those who go on by themselves */
    bool raw;      /* what comes in is not the stream */
    bool echo;
};

static struct io *io;
static struct io_listener listener;
static struct address here; /* where it listens */
static char unix_path[64];
static char stream[2 * PERIOD];
static struct node *server; /* what the next accept() uses; NULL: drops */
static int dropped;
static int failures;
static int failure;
static int fds_before;

static int open_fds(void)
{
    DIR *d = opendir("/proc/self/fd");
    int n = 0;

    assert_non_null(d);
    while (readdir(d))
        n++;
    (void)closedir(d);
    return n;
}

/* cmocka's own goes byte by byte: too slow for tens of megabytes under valgrind. */
static void expect_bytes(const char *got, const char *want, size_t n)
{
    if (memcmp(got, want, n) != 0)
        assert_memory_equal(got, want, n);
}

static void send_stream(struct node *n, uint64_t total, size_t slice)
{
    size_t count = (size_t)((total + slice - 1) / slice);
    struct iovec *iov = malloc(count * sizeof *iov);
    uint64_t at = n->submitted;

    assert_non_null(iov);
    assert_true(slice <= PERIOD);
    for (size_t i = 0; i < count; i++) {
        size_t part = total < slice ? (size_t)total : slice;

        iov[i] = (struct iovec){stream + at % PERIOD, part};
        at += part;
        total -= part;
    }
    n->submitted = at;
    io_send(io, &n->conn, iov, (int)count);
    memset(iov, 0xa5, count * sizeof *iov); /* the array is ours again */
    free(iov);
}

static struct node *node_of(struct io_conn *c)
{
    struct node *n = (struct node *)c;

    assert_int_equal(n->closed, 0); /* nothing follows closed() */
    return n;
}

static void call(struct node *n, enum what what)
{
    if (n->on)
        n->on(n, what);
}

static void on_connected(struct io_conn *c, int error)
{
    struct node *n = node_of(c);

    assert_int_equal(n->connected, 0);
    assert_true(n->received == 0 && n->sent == 0);
    n->connected = 1;
    n->error = error;
    call(n, CONNECTED);
}

static void on_received(struct io_conn *c, const char *bytes, size_t size)
{
    struct node *n = node_of(c);

    assert_int_equal(n->ended, 0);
    assert_true(size > 0);
    for (size_t at = 0; at < size && !n->raw;) {
        size_t from = (size_t)((n->received + at) % PERIOD);
        size_t part = size - at < PERIOD ? size - at : PERIOD;

        expect_bytes(bytes + at, stream + from, part);
        at += part;
    }
    n->received += size;
    if (n->echo)
        send_stream(n, size, PERIOD);
    call(n, RECEIVED);
}

static void on_sent(struct io_conn *c, size_t size)
{
    struct node *n = node_of(c);

    assert_true(!n->ended || n->error == 0); /* none after a failure */
    n->sent += size;
    assert_true(size > 0 && n->sent <= n->submitted);
    call(n, SENT);
}

static void on_ended(struct io_conn *c, int error)
{
    struct node *n = node_of(c);

    n->ended++;
    assert_true(n->ended == 1 || (n->ended == 2 && n->error == 0 && error != 0));
    n->error = error;
    call(n, ENDED);
}

static void on_closed(struct io_conn *c)
{
    struct node *n = node_of(c);

    n->closed = 1;
    /* The conn's memory is ours: what the driver still did with it would crash. */
    memset(&n->conn, 0xa5, sizeof n->conn);
    call(n, CLOSED);
}

static const struct io_handler handler = {
    .connected = on_connected,
    .received = on_received,
    .sent = on_sent,
    .ended = on_ended,
    .closed = on_closed,
};

static struct node *node_new(void (*on)(struct node *, enum what))
{
    struct node *n = calloc(1, sizeof *n);

    assert_non_null(n);
    n->conn.handler = &handler;
    n->on = on;
    return n;
}

static struct io_conn *on_accept(struct io_listener *l, const struct sockaddr *peer,
                                 socklen_t length)
{
    struct node *n = server;

    assert_ptr_equal(l, &listener);
    assert_true(length == 0 || peer->sa_family == here.sa.sa_family);
    server = NULL;
    if (!n)
        dropped++;
    return n ? &n->conn : NULL;
}

static void on_failed(struct io_listener *l, int error)
{
    assert_ptr_equal(l, &listener);
    failures++;
    failure = error;
}

/* ---- Time ---- */

static void turn(uint64_t ns)
{
    assert_int_equal(io_turn(io, io_clock(io) + ns), 0);
}

/* Turns until the number that value points to is at least want. */
#define UNTIL(condition)                                                                           \
    for (uint64_t end_ = io_clock(io) + PATIENCE; !(condition);) {                                 \
        assert_true(io_clock(io) < end_);                                                          \
        turn(20 * NS_PER_MS);                                                                      \
    }

/* Turns for so long; returns how often the driver came back. */
static int turns_in(uint64_t ns)
{
    uint64_t end = io_clock(io) + ns;
    int turns = 0;

    while (io_clock(io) < end) {
        assert_int_equal(io_turn(io, end), 0);
        turns++;
    }
    return turns;
}

/* ---- Set-up ---- */

enum where { TCP4, TCP6, UNIX, WHERES };

static void listen_at(enum where where, int backlog)
{
    struct endpoint e;
    struct diag d;
    char text[80];

    (void)snprintf(text, sizeof text, "unix:%s", unix_path);
    if (endpoint_resolve_listener(&e,
                                  where == TCP4   ? "127.0.0.1:0"
                                  : where == TCP6 ? "[::1]:0"
                                                  : text,
                                  AF_UNSPEC, &d) != 0)
        fail_msg("%s", d.text);
    listener = (struct io_listener){.accept = on_accept, .failed = on_failed};
    listener.fd = address_listen(&e.addresses[0], backlog, &d);
    if (listener.fd < 0)
        fail_msg("%s", d.text);
    assert_int_equal(address_bound(listener.fd, &here), 0);
    endpoint_done(&e);
}

static void open_io(uint32_t buffers)
{
    struct diag d;

    fds_before = open_fds();
    io = io_new(&io_epoll, &d);
    if (!io)
        fail_msg("%s", d.text);
    io->options.buffer = buffers;
    server = NULL;
    dropped = failures = failure = 0;
}

static void open_at(enum where where, uint32_t buffers)
{
    struct diag d;

    open_io(buffers);
    listen_at(where, 1000);
    assert_int_equal(io_listen(io, &listener, &d), 0);
}

static void close_listener(void)
{
    if (listener.fd < 0)
        return;
    io_unlisten(io, &listener);
    (void)close(listener.fd);
    listener.fd = -1;
    if (here.sa.sa_family == AF_UNIX)
        (void)unlink(unix_path);
}

static void close_io(void)
{
    close_listener();
    UNTIL(io->live == 0);
    io_free(io);
    assert_int_equal(open_fds(), fds_before);
}

/* Both ends in the driver. */
static void pair(struct node **client, struct node **other)
{
    *client = *client ? *client : node_new(NULL);
    *other = *other ? *other : node_new(NULL);
    (*client)->other = *other;
    (*other)->other = *client;
    server = *other;
    io_connect(io, &(*client)->conn, &here, NULL);
    UNTIL((*client)->connected && (*other)->connected);
    assert_int_equal((*client)->error, 0);
}

/* A plain, blocking socket connected to a node. */
static int raw_pair(struct node *n)
{
    int fd = socket(here.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval patience = {20, 0};

    assert_true(fd >= 0);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    server = n;
    assert_int_equal(connect(fd, &here.sa, here.length), 0);
    UNTIL(n->connected);
    return fd;
}

static void raw_reset(int fd)
{
    struct linger now = {1, 0};

    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now), 0);
    assert_int_equal(close(fd), 0);
}

static void finish(struct node *n)
{
    if (!n->closed) {
        io_close(io, &n->conn, IO_CLOSE_RESET);
        io_close(io, &n->conn, IO_CLOSE_FIN);
        assert_int_equal(n->closed, 0); /* never from inside */
        UNTIL(n->closed);
    }
    free(n);
}

/* ---- Data ---- */

static void ping_on(struct node *n, enum what what)
{
    if (what == CONNECTED || (what == RECEIVED && n->received == n->submitted)) {
        if (n->submitted < n->goal)
            send_stream(n, 37, 10);
    }
}

static void test_echo(void **state)
{
    (void)state;
    for (enum where where = 0; where < WHERES; where++) {
        struct node *client = node_new(ping_on);
        struct node *other = node_new(NULL);

        open_at(where, 0);
        other->echo = true;
        client->goal = UINT64_C(37) * 2000;
        pair(&client, &other);
        UNTIL(client->received == client->goal);
        UNTIL(client->sent == client->goal && other->sent == client->goal);
        finish(client);
        UNTIL(other->ended);
        finish(other);
        close_io();
    }
}

struct big {
    uint64_t total;
    size_t slice;
    uint32_t buffers;
};

/* Sizes and numbers of slices around what one sendmsg() takes (1024 slices). */
static const struct big bigs[] = {
    {1, 1, 0},
    {1023, 1, 0},
    {1024, 1, 0},
    {1025, 1, 0},
    {2048, 1, 0},
    {2049, 1, 4096},
    {100000, 7, 4096},
    {3 * MIB, 1000, 0},
    {3 * MIB, 100, 8192},
    {64 * MIB, PERIOD, 16384},
};

static void slow_reader(struct node *n, enum what what)
{
    /* Stops after each quarter of a mebibyte, to be let on by the test. */
    if (what == RECEIVED && n->received / (MIB / 4) != n->goal) {
        n->goal = n->received / (MIB / 4);
        io_recv_pause(io, &n->conn);
    }
}

static void test_large_sends(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bigs / sizeof *bigs; i++) {
        const struct big *b = &bigs[i];
        enum where where = i % WHERES;
        struct node *client = node_new(NULL);
        struct node *other = node_new(slow_reader);

        open_at(where, b->buffers);
        pair(&client, &other);
        send_stream(client, b->total, b->slice);
        assert_int_equal(client->sent, 0); /* never from inside */
        for (int pause = 0; other->received < b->total; pause++) {
            turn(NS_PER_MS);
            if (pause % 4 == 0)
                io_recv_resume(io, &other->conn);
        }
        UNTIL(client->sent == b->total);
        finish(client);
        finish(other);
        close_io();
    }
}

/* Both sides send much and read all the while: no buffer size may block them for ever. */
static void test_both_directions(void **state)
{
    (void)state;
    for (enum where where = 0; where < WHERES; where++) {
        struct node *client = NULL;
        struct node *other = NULL;

        open_at(where, 4096);
        pair(&client, &other);
        send_stream(client, 16 * MIB, 4000);
        send_stream(other, 16 * MIB, PERIOD);
        UNTIL(client->received == 16 * MIB && other->received == 16 * MIB);
        UNTIL(client->sent == 16 * MIB && other->sent == 16 * MIB);
        /* Once more on the same conns: nothing was left behind. */
        send_stream(client, 1000, 1000);
        UNTIL(other->received == 16 * MIB + 1000);
        assert_true(turns_in(50 * NS_PER_MS) < 5);
        finish(client);
        finish(other);
        close_io();
    }
}

static void go_on(struct node *n, enum what what)
{
    if ((what == CONNECTED || what == SENT) && n->sent == n->submitted && n->submitted < n->goal)
        send_stream(n, n->goal - n->submitted < 3 * MIB ? n->goal - n->submitted : 3 * MIB, 50000);
}

/* The next send from sent(), each too large for the buffer. */
static void test_send_from_sent(void **state)
{
    struct node *client = node_new(go_on);
    struct node *other = NULL;

    (void)state;
    open_at(TCP4, 8192);
    client->goal = 20 * MIB;
    pair(&client, &other);
    UNTIL(other->received == client->goal && client->sent == client->goal);
    finish(client);
    finish(other);
    close_io();
}

static void test_nothing_to_send(void **state)
{
    struct node *client = NULL;
    struct node *other = NULL;
    struct iovec none[2] = {{stream, 0}, {stream, 0}};

    (void)state;
    open_at(TCP4, 0);
    pair(&client, &other);
    io_send(io, &client->conn, none, 2);
    io_send(io, &client->conn, none, 0);
    send_stream(client, 5, 5);
    UNTIL(client->sent == 5 && other->received == 5);
    finish(client);
    finish(other);
    close_io();
}

/* ---- Ends ---- */

static void test_half_close(void **state)
{
    (void)state;
    for (enum where where = 0; where < WHERES; where++) {
        struct node *n = node_new(NULL);
        uint64_t got = 0;
        char buffer[4096];
        int fd;

        open_at(where, 4096);
        fd = raw_pair(n);
        assert_int_equal(send(fd, stream, 100, 0), 100);
        assert_int_equal(shutdown(fd, SHUT_WR), 0);
        UNTIL(n->ended);
        assert_int_equal(n->received, 100);
        assert_int_equal(n->error, 0);
        assert_true(turns_in(50 * NS_PER_MS) < 5); /* the end stays readable: no spinning */
        send_stream(n, MIB, 1000);
        while (got < MIB) {
            ssize_t r = recv(fd, buffer, sizeof buffer, MSG_DONTWAIT);

            if (r > 0) {
                expect_bytes(buffer, stream + got % PERIOD, (size_t)r);
                got += (uint64_t)r;
            }
            turn(r > 0 ? 0 : NS_PER_MS);
        }
        UNTIL(n->sent == MIB);
        assert_true(turns_in(50 * NS_PER_MS) < 5);
        assert_int_equal(n->ended, 1);
        finish(n);
        assert_int_equal(close(fd), 0);
        close_io();
    }
}

static void test_send_after_peer_is_gone(void **state)
{
    (void)state;
    for (enum where where = 0; where < WHERES; where++) {
        struct node *n = node_new(NULL);

        open_at(where, 0);
        assert_int_equal(close(raw_pair(n)), 0);
        UNTIL(n->ended);
        assert_int_equal(n->error, 0);
        assert_true(turns_in(50 * NS_PER_MS) < 5);
        /* TCP's first send meets a closed port, which answers by a reset. */
        send_stream(n, 10, 10);
        if (n->ended == 1)
            UNTIL(n->ended == 2 || n->sent == 10);
        if (n->ended == 1)
            UNTIL(n->ended == 2);
        assert_true(n->error == EPIPE || n->error == ECONNRESET);
        send_stream(n, 10, 10); /* ignored */
        assert_true(turns_in(50 * NS_PER_MS) < 5);
        finish(n);
        close_io();
    }
}

static void test_reset_in_mid_send(void **state)
{
    (void)state;
    for (enum where where = 0; where < WHERES; where++) {
        struct node *n = node_new(NULL);
        char buffer[100];
        int fd;

        open_at(where, 4096);
        fd = raw_pair(n);
        send_stream(n, 8 * MIB, PERIOD);
        UNTIL(n->sent > 0);
        assert_int_equal(recv(fd, buffer, sizeof buffer, 0), sizeof buffer);
        raw_reset(fd);
        UNTIL(n->ended);
        assert_true(n->error == EPIPE || n->error == ECONNRESET);
        assert_true(n->sent < 8 * MIB);
        assert_true(turns_in(50 * NS_PER_MS) < 5);
        finish(n);
        close_io();
    }
}

/* The peer's last words, sent before its reset, come before the bad news; also when it is a send
 * that fails. */
static void test_last_words(void **state)
{
    (void)state;
    for (int sending = 0; sending < 2; sending++) {
        for (enum where where = 0; where < WHERES; where++) {
            struct node *n = node_new(NULL);
            int fd;

            open_at(where, 0);
            fd = raw_pair(n);
            send_stream(n, 1000, 1000);
            UNTIL(n->sent == 1000);
            assert_int_equal(send(fd, stream, 500, 0), 500);
            assert_int_equal(close(fd), 0); /* with octets unread: a reset */
            if (sending)
                send_stream(n, 10, 10);
            UNTIL(n->ended);
            assert_int_equal(n->received, 500);
            assert_true(n->error == EPIPE || n->error == ECONNRESET);
            finish(n);
            close_io();
        }
    }
}

/* ---- Connecting ---- */

static void expect_no_connection(const struct address *a, int error)
{
    struct node *n = node_new(NULL);

    io_connect(io, &n->conn, a, NULL);
    assert_int_equal(n->connected, 0); /* never from inside */
    UNTIL(n->connected);
    assert_int_equal(n->error, error);
    assert_true(turns_in(20 * NS_PER_MS) < 5);
    finish(n);
}

static void test_connect_errors(void **state)
{
    struct address missing = {.length = sizeof missing.un,
                              .un = {.sun_family = AF_UNIX, .sun_path = "/nonexistent/s"}};
    struct address odd = {.length = 16, .sa = {.sa_family = 12345}};
    struct rlimit old;
    struct rlimit low;

    (void)state;
    for (enum where where = 0; where < WHERES; where++) {
        open_io(0);
        listen_at(where, 1);
        (void)close(listener.fd);
        expect_no_connection(&here, ECONNREFUSED);
        (void)unlink(unix_path);
        listener.fd = -1;
        close_io();
    }
    open_io(0);
    expect_no_connection(&missing, ENOENT);
    expect_no_connection(&odd, EAFNOSUPPORT);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    low = old;
    low.rlim_cur = 3;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    expect_no_connection(&here, EMFILE);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    close_io();
}

static int fill_backlog(int *fds, int max)
{
    int count = 0;

    while (count < max) {
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

        assert_true(fd >= 0);
        fds[count++] = fd;
        if (connect(fd, &here.sa, here.length) < 0) {
            assert_int_equal(errno, EAGAIN);
            break;
        }
    }
    return count;
}

static void test_full_unix_queue(void **state)
{
    struct node *n[20];
    int fds[20];
    struct address there;
    int count;

    (void)state;
    open_io(0);
    listen_at(UNIX, 1);
    there = here;
    count = fill_backlog(fds, 20);
    assert_true(count < 20);
    for (int i = 0; i < 20; i++) {
        n[i] = node_new(NULL);
        io_connect(io, &n[i]->conn, &there, NULL);
    }
    memset(&there, 0xa5, sizeof there); /* the address was copied */
    assert_true(turns_in(50 * NS_PER_MS) < 400);
    for (int i = 0; i < 20; i++)
        assert_int_equal(n[i]->connected, 0);
    io_close(io, &n[0]->conn, IO_CLOSE_FIN);
    io_close(io, &n[1]->conn, IO_CLOSE_RESET);
    UNTIL(n[0]->closed && n[1]->closed);
    assert_int_equal(n[0]->connected + n[1]->connected, 0);
    for (int i = 0; i < count; i++)
        (void)close(fds[i]);
    assert_int_equal(io_listen(io, &listener, &(struct diag){{0}}), 0);
    for (int i = 2; i < 20; i++) {
        UNTIL(n[i]->connected);
        assert_int_equal(n[i]->error, 0);
    }
    for (int i = 0; i < 20; i++)
        finish(n[i]);
    close_io();
}

/* A TCP listener with a full queue: the connection hangs, and can be closed. */
static void test_close_while_connecting(void **state)
{
    enum { MANY = 6 };
    struct node *n[MANY];
    int pending = 0;

    (void)state;
    open_io(0);
    listen_at(TCP4, 0);
    for (int i = 0; i < MANY; i++) {
        n[i] = node_new(NULL);
        io_connect(io, &n[i]->conn, &here, NULL);
        assert_true(turns_in(10 * NS_PER_MS) < 10);
        pending += !n[i]->connected;
    }
    assert_true(pending > 0);
    for (int i = 0; i < MANY; i++)
        io_close(io, &n[i]->conn, i % 2 ? IO_CLOSE_FIN : IO_CLOSE_RESET);
    (void)close(listener.fd);
    listener.fd = -1;
    for (int i = 0; i < MANY; i++)
        finish(n[i]);
    close_io();
}

static void check_option(int fd, int level, int name, int want)
{
    int value = -1;
    socklen_t length = sizeof value;

    assert_int_equal(getsockopt(fd, level, name, &value, &length), 0);
    assert_int_equal(value, want);
}

static void test_socket_options(void **state)
{
    (void)state;
    for (enum where where = TCP4; where <= TCP6; where++) {
        struct node *client = NULL;
        struct node *other = NULL;

        open_at(where, 20000);
        pair(&client, &other);
        for (int i = 0; i < 2; i++) {
            int fd = i ? client->conn.fd : other->conn.fd;

            check_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
            check_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
            check_option(fd, SOL_SOCKET, SO_SNDBUF, 40000); /* Linux doubles, socket(7) */
            check_option(fd, SOL_SOCKET, SO_RCVBUF, 40000);
            assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
            assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
        }
        finish(client);
        finish(other);
        close_io();
    }
}

/* ---- Closing ---- */

/* When to close, in the life of a node that sends much and receives something. */
enum when {
    AT_ONCE,
    IN_CONNECTED,
    IN_RECEIVED,
    IN_SENT,
    IN_ENDED,
    WHEN_PAUSED,
    WHEN_BLOCKED, /* with a send half done */
    WHEN_PEER_DONE,
    WHENS
};

static enum when when;
static enum io_close_how how;

static void close_on(struct node *n, enum what what)
{
    static const int matches[] = {
        [IN_CONNECTED] = CONNECTED, [IN_RECEIVED] = RECEIVED, [IN_SENT] = SENT, [IN_ENDED] = ENDED};

    if (what == CLOSED) {
        /* Reused at once, from inside closed(), once. */
        if (n->goal++ == 0) {
            n->connected = n->closed = n->ended = 0;
            n->sent = n->received = n->submitted = 0;
            memset(&n->conn, 0, sizeof n->conn);
            n->conn.handler = &handler;
            n->on = NULL;
            io_connect(io, &n->conn, &here, NULL);
        }
        return;
    }
    if (when < IN_CONNECTED || when > IN_ENDED || (int)what != matches[when])
        return;
    io_close(io, &n->conn, how);
    io_close(io, &n->conn, how); /* idempotent */
    send_stream(n, 10, 10);      /* ignored, as are these */
    io_recv_pause(io, &n->conn);
    io_recv_resume(io, &n->conn);
}

static void close_case(enum where where)
{
    struct node *n = node_new(close_on);
    char buffer[10];
    int fd = -1;
    int fd2;

    open_io(4096);
    listen_at(where, 10);
    io_connect(io, &n->conn, &here, NULL);
    if (when == AT_ONCE) {
        io_close(io, &n->conn, how);
        assert_int_equal(n->closed, 0);
    }
    fd = accept(listener.fd, NULL, NULL);
    assert_true(fd >= 0);
    if (when > IN_CONNECTED) {
        UNTIL(n->connected);
        send_stream(n, when == WHEN_BLOCKED ? 8 * MIB : 100, 100);
        if (when == WHEN_PAUSED)
            io_recv_pause(io, &n->conn);
        (void)!send(fd, stream, 100, MSG_NOSIGNAL);
        if (when == WHEN_PEER_DONE || when == IN_ENDED)
            (void)shutdown(fd, SHUT_WR);
        (void)turns_in(5 * NS_PER_MS);
    }
    if (when > IN_ENDED)
        io_close(io, &n->conn, how);
    /* The far end never reads; its end lets an orderly close come to its own. */
    (void)turns_in(5 * NS_PER_MS);
    (void)close(fd);
    UNTIL(n->goal == 1 && n->connected);
    assert_int_equal(n->error, 0);
    fd2 = accept(listener.fd, NULL, NULL);
    assert_true(fd2 >= 0);
    n->goal = 1;
    send_stream(n, 10, 10);
    UNTIL(n->sent == 10);
    assert_int_equal(recv(fd2, buffer, 10, 0), 10);
    n->on = NULL;
    finish(n);
    (void)close(fd2);
    close_io();
}

static void test_close_everywhere(void **state)
{
    (void)state;
    for (enum where where = 0; where < WHERES; where++) {
        for (when = 0; when < WHENS; when++) {
            how = IO_CLOSE_FIN;
            close_case(where);
            how = IO_CLOSE_RESET;
            close_case(where);
        }
    }
}

static void test_close_what_is_not_live(void **state)
{
    struct node *n = node_new(NULL);

    (void)state;
    open_io(0);
    io_close(io, &n->conn, IO_CLOSE_FIN);
    io_close(io, &n->conn, IO_CLOSE_RESET);
    io_recv_pause(io, &n->conn);
    io_recv_resume(io, &n->conn);
    assert_true(turns_in(10 * NS_PER_MS) < 3);
    assert_int_equal(n->closed, 0);
    free(n);
    close_io();
}

/*
 * An orderly close delivers all that was given to io_send(), even while the peer goes on sending
 * what nobody reads: 300 kB are more than the buffers hold.
 */
static void test_fin_delivers(void **state)
{
    (void)state;
    for (enum where where = 0; where < WHERES; where++) {
        struct node *n = node_new(NULL);
        uint64_t got = 0;
        ssize_t r = -1;
        char buffer[4096];
        int fd;

        open_at(where, 4096);
        fd = raw_pair(n);
        io_recv_pause(io, &n->conn);
        send_stream(n, 300000, 1000);
        io_close(io, &n->conn, IO_CLOSE_FIN);
        for (int i = 0; r != 0; i++) {
            if (i < 200)
                (void)!send(fd, stream, 1000, MSG_DONTWAIT | MSG_NOSIGNAL);
            if (i == 200)
                (void)shutdown(fd, SHUT_WR);
            turn(i < 100 ? 0 : NS_PER_MS);
            r = recv(fd, buffer, sizeof buffer, MSG_DONTWAIT);
            if (r > 0) {
                expect_bytes(buffer, stream + got % PERIOD, (size_t)r);
                got += (uint64_t)r;
            }
            assert_true(r >= 0 || errno == EAGAIN);
        }
        assert_int_equal(got, 300000);
        assert_int_equal(close(fd), 0);
        UNTIL(n->closed);
        assert_true(n->received == 0 && n->sent == 0 && n->ended == 0);
        free(n);
        close_io();
    }
}

static void test_fin_is_bounded(void **state)
{
    struct node *n[3];
    int fd[3];
    uint64_t start;

    (void)state;
    open_at(TCP4, 4096);
    for (int i = 0; i < 3; i++) {
        n[i] = node_new(NULL);
        fd[i] = raw_pair(n[i]);
        if (i == 1)
            send_stream(n[i], 8 * MIB, PERIOD); /* which nobody reads */
    }
    start = io_clock(io);
    for (int i = 0; i < 3; i++)
        io_close(io, &n[i]->conn, IO_CLOSE_FIN);
    assert_true(turns_in(300 * NS_PER_MS) < 10);
    assert_int_equal(n[0]->closed + n[1]->closed + n[2]->closed, 0);
    io_close(io, &n[2]->conn, IO_CLOSE_RESET); /* cuts it short */
    turn(0);
    turn(0);
    assert_int_equal(n[2]->closed, 1);
    UNTIL(n[0]->closed && n[1]->closed);
    assert_in_range(io_clock(io) - start, NS_PER_S, 5 * NS_PER_S);
    for (int i = 0; i < 3; i++) {
        (void)close(fd[i]);
        free(n[i]);
    }
    close_io();
}

static void test_reset_is_seen(void **state)
{
    (void)state;
    for (enum where where = TCP4; where <= TCP6; where++) {
        struct node *n = node_new(NULL);
        char buffer[10];
        int fd;

        open_at(where, 0);
        fd = raw_pair(n);
        io_close(io, &n->conn, IO_CLOSE_RESET);
        UNTIL(n->closed);
        assert_int_equal(recv(fd, buffer, sizeof buffer, 0), -1);
        assert_int_equal(errno, ECONNRESET);
        (void)close(fd);
        free(n);
        close_io();
    }
}

/* ---- One batch of events ---- */

enum { BATCH = 60 };

static struct node *batch[BATCH];
static int batch_received;

/* The first to hear closes all the others, whose events are in the same batch, and they reconnect.
 */
static void kill_others(struct node *n, enum what what)
{
    if (what == RECEIVED) {
        batch_received++;
        for (int i = 0; i < BATCH; i++) {
            if (batch[i] != n)
                io_close(io, &batch[i]->conn, IO_CLOSE_RESET);
        }
    } else if (what == CLOSED) {
        memset(n, 0, sizeof *n);
        n->conn.handler = &handler;
        io_connect(io, &n->conn, &here, NULL);
    }
}

static void test_stale_events(void **state)
{
    int fds[BATCH];

    (void)state;
    open_io(0);
    listen_at(TCP4, 1000);
    for (int i = 0; i < BATCH; i++) {
        batch[i] = node_new(kill_others);
        io_connect(io, &batch[i]->conn, &here, NULL);
        fds[i] = accept(listener.fd, NULL, NULL);
        assert_true(fds[i] >= 0);
    }
    for (int i = 0; i < BATCH; i++)
        UNTIL(batch[i]->connected);
    batch_received = 0;
    for (int i = 0; i < BATCH; i++)
        assert_int_equal(send(fds[i], stream, 10, 0), 10);
    for (int i = 0; i < BATCH; i++)
        UNTIL(batch[i]->connected);
    (void)turns_in(20 * NS_PER_MS);
    assert_int_equal(batch_received, 1);
    for (int i = 0; i < BATCH; i++) {
        batch[i]->on = NULL;
        (void)close(fds[i]);
    }
    (void)close(listener.fd); /* resets those in its queue */
    listener.fd = -1;
    for (int i = 0; i < BATCH; i++)
        finish(batch[i]);
    close_io();
}

/* No more than 64 callbacks a turn, and nobody is forgotten. */
static void test_turn_is_bounded(void **state)
{
    enum { MANY = 200 };
    static struct node *n[MANY];
    static struct node *o[MANY];
    uint64_t total = 0;

    (void)state;
    open_at(TCP4, 0);
    for (int i = 0; i < MANY; i++) {
        n[i] = o[i] = NULL;
        pair(&n[i], &o[i]);
    }
    for (int i = 0; i < MANY; i++)
        send_stream(n[i], 10, 10);
    for (int turns = 0; total < UINT64_C(20) * MANY; turns++) {
        uint64_t now = 0;

        assert_true(turns < 100);
        turn(0);
        for (int i = 0; i < MANY; i++)
            now += n[i]->sent + o[i]->received;
        assert_true(now - total <= 64 * 10);
        total = now;
    }
    for (int i = 0; i < MANY; i++) {
        finish(n[i]);
        finish(o[i]);
    }
    close_io();
}

/* ---- Pausing ---- */

static void pause_case(enum where where, int end, bool sending)
{
    struct node *n = node_new(NULL);
    int fd;

    open_at(where, 4096);
    fd = raw_pair(n);
    io_recv_pause(io, &n->conn);
    io_recv_pause(io, &n->conn);
    if (sending)
        send_stream(n, 8 * MIB, PERIOD);
    assert_int_equal(send(fd, stream, 1000, 0), 1000);
    assert_true(turns_in(50 * NS_PER_MS) < 10);
    if (end == 1)
        (void)shutdown(fd, SHUT_WR);
    else if (end == 2)
        raw_reset(fd);
    assert_true(turns_in(50 * NS_PER_MS) < 10);
    assert_int_equal(n->received, 0);
    assert_int_equal(n->ended, sending && end == 2); /* told by the failing send */
    io_recv_resume(io, &n->conn);
    if (!(sending && end == 2))
        UNTIL(n->received == 1000);
    if (end)
        UNTIL(n->ended);
    assert_true(turns_in(50 * NS_PER_MS) < 10);
    assert_int_equal(n->ended, end != 0);
    finish(n);
    if (end != 2)
        (void)close(fd);
    close_io();
}

static void test_paused_does_not_spin(void **state)
{
    (void)state;
    for (enum where where = 0; where < WHERES; where++) {
        for (int end = 0; end < 3; end++) {
            pause_case(where, end, false);
            pause_case(where, end, true);
        }
    }
}

static void pause_each(struct node *n, enum what what)
{
    if (what == RECEIVED) {
        io_recv_pause(io, &n->conn);
        if (n->received % 3)
            io_recv_resume(io, &n->conn); /* at once: nothing is lost */
    }
}

static void test_pause_and_resume(void **state)
{
    struct node *client = NULL;
    struct node *other = node_new(pause_each);

    (void)state;
    open_at(TCP4, 4096);
    pair(&client, &other);
    send_stream(client, 2 * MIB, 999);
    while (other->received < 2 * MIB) {
        turn(0);
        io_recv_resume(io, &other->conn);
    }
    finish(client);
    finish(other);
    close_io();
}

/* ---- Waking and time ---- */

static atomic_int woken; /* turns that returned: two wakes before one turn are one */

static void *wake_thread(void *arg)
{
    const struct timespec nap = {0, 20 * 1000 * 1000};

    for (int i = 0; i < 3; i++) {
        (void)nanosleep(&nap, NULL);
        io_wake(arg);
        while (atomic_load(&woken) == i)
            (void)nanosleep(&nap, NULL);
    }
    return NULL;
}

static void on_alarm(int signal)
{
    int saved = errno;

    (void)signal;
    errno = 12345;
    io_wake(io);
    if (errno != 12345)
        abort();
    errno = saved;
}

static void test_wake(void **state)
{
    struct itimerval soon = {.it_value = {0, 20000}};
    uint64_t start;
    pthread_t thread;

    (void)state;
    open_io(0);
    atomic_store(&woken, 0);
    assert_int_equal(pthread_create(&thread, NULL, wake_thread, io), 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(io_turn(io, NS_NEVER), 0);
        atomic_fetch_add(&woken, 1);
    }
    assert_int_equal(pthread_join(thread, NULL), 0);

    for (int i = 0; i < 1000; i++) /* before the turn, and often: one return is enough */
        io_wake(io);
    assert_int_equal(io_turn(io, NS_NEVER), 0);
    start = io_clock(io);
    turn(30 * NS_PER_MS);
    assert_true(io_clock(io) - start >= 30 * NS_PER_MS);

    assert_ptr_not_equal(signal(SIGALRM, on_alarm), SIG_ERR);
    assert_int_equal(setitimer(ITIMER_REAL, &soon, NULL), 0);
    assert_int_equal(io_turn(io, NS_NEVER), 0); /* interrupted, or woken */
    (void)turns_in(30 * NS_PER_MS);
    (void)signal(SIGALRM, SIG_DFL);
    close_io();
}

struct tick {
    struct timer timer;
    uint64_t fired;
    int left;
};

static void on_tick(struct timer *t)
{
    struct tick *k = (struct tick *)t;

    k->fired = io_now(io);
    assert_true(k->fired >= t->due);
    if (--k->left > 0)
        io_timer_set(io, t, k->fired + NS_PER_MS);
}

static void test_timers(void **state)
{
    struct tick tick = {.timer.fire = on_tick, .left = 20};
    struct tick far = {.timer.fire = on_tick, .left = 1};
    uint64_t start;

    (void)state;
    open_io(0);
    start = io_clock(io);
    io_timer_set(io, &far.timer, start + 3600 * NS_PER_S);
    io_timer_set(io, &tick.timer, start);
    while (tick.left)
        assert_int_equal(io_turn(io, NS_NEVER), 0);
    assert_in_range(tick.fired - start, 19 * NS_PER_MS, PATIENCE);
    assert_int_equal(far.left, 1);
    io_timer_cancel(io, &far.timer);
    start = io_clock(io);
    assert_int_equal(io_turn(io, start - 1), 0); /* long due: no waiting */
    assert_int_equal(io_turn(io, 0), 0);
    close_io();
}

/* ---- Accepting ---- */

static void test_accept_drop_and_pause(void **state)
{
    struct node *n = node_new(NULL);
    struct pollfd p[3];

    (void)state;
    open_at(TCP4, 0);
    for (int i = 0; i < 3; i++) {
        p[i].fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        p[i].events = POLLIN;
        assert_int_equal(connect(p[i].fd, &here.sa, here.length), 0);
    }
    UNTIL(dropped == 3); /* server is NULL */
    assert_int_equal(poll(p, 3, 5000), 3);
    for (int i = 0; i < 3; i++)
        (void)close(p[i].fd);

    io_accept_pause(io, &listener, true);
    io_accept_pause(io, &listener, true);
    server = n;
    p[0].fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(p[0].fd, &here.sa, here.length), 0);
    assert_true(turns_in(30 * NS_PER_MS) < 5);
    assert_int_equal(n->connected, 0);
    io_accept_pause(io, &listener, false);
    UNTIL(n->connected);
    (void)close(p[0].fd);
    finish(n);
    close_io();
}

static struct io_listener second;

/* Ends both, whichever it is. */
static struct io_conn *unlisten_on_accept(struct io_listener *l, const struct sockaddr *peer,
                                          socklen_t length)
{
    (void)l;
    (void)peer;
    (void)length;
    dropped++;
    io_unlisten(io, &listener);
    io_unlisten(io, &second);
    return NULL;
}

/* No more is accepted, neither by the rest of a burst nor by the other's event in the same batch.
 */
static void test_unlisten_from_accept(void **state)
{
    enum { CLIENTS = 10 };
    int fds[CLIENTS];
    int listening[2];

    (void)state;
    open_io(0);
    listen_at(TCP4, 1000);
    second = (struct io_listener){.accept = unlisten_on_accept, .fd = listener.fd};
    for (int i = 0; i < CLIENTS / 2; i++) {
        fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(connect(fds[i], &here.sa, here.length), 0);
    }
    listen_at(TCP4, 1000);
    listener.accept = unlisten_on_accept;
    for (int i = CLIENTS / 2; i < CLIENTS; i++) {
        fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(connect(fds[i], &here.sa, here.length), 0);
    }
    listening[0] = listener.fd;
    listening[1] = second.fd;
    assert_int_equal(io_listen(io, &second, &(struct diag){{0}}), 0);
    assert_int_equal(io_listen(io, &listener, &(struct diag){{0}}), 0);
    listener.batch = second.batch = 16; /* as after a burst */
    (void)turns_in(20 * NS_PER_MS);
    assert_int_equal(dropped, 1);
    for (int i = 0; i < CLIENTS; i++)
        (void)close(fds[i]);
    (void)close(listening[0]);
    (void)close(listening[1]);
    listener.fd = -1;
    close_io();
}

static void test_out_of_descriptors(void **state)
{
    enum { CLIENTS = 6 }; /* under valgrind a failing accept() uses one up */
    struct node *n = node_new(NULL);
    struct rlimit old;
    struct rlimit low;
    int fds[CLIENTS];
    int turns;

    (void)state;
    open_at(TCP4, 0);
    for (int i = 0; i < CLIENTS; i++) {
        fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(connect(fds[i], &here.sa, here.length), 0);
    }
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    low = old;
    low.rlim_cur = (rlim_t)fds[CLIENTS - 1] + 1;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    server = n;
    turns = turns_in(350 * NS_PER_MS);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    assert_in_range(failures, 2, 4); /* every 100 ms */
    assert_true(turns < 20);
    assert_int_equal(failure, EMFILE);
    assert_int_equal(n->connected, 0);
    UNTIL(n->connected);
    for (int i = 0; i < CLIENTS; i++)
        (void)close(fds[i]);
    finish(n);
    close_io();
}

/* ---- Many ---- */

static void test_two_thousand(void **state)
{
    enum { MANY = 2000, BYTES = 37 * 10 };
    struct node **all = calloc((size_t)2 * MANY, sizeof *all);
    struct rlimit limit;
    uint64_t done = 0;

    (void)state;
    assert_non_null(all);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    if (limit.rlim_cur < 2 * MANY + 50) {
        print_message("only %ju descriptors\n", (uintmax_t)limit.rlim_cur);
        free(all);
        skip();
    }
    open_at(TCP4, 0);
    for (int i = 0; i < MANY; i++) {
        all[2 * i] = node_new(ping_on);
        all[2 * i]->goal = BYTES;
        all[2 * i + 1] = node_new(NULL);
        all[2 * i + 1]->echo = true;
        pair(&all[2 * i], &all[2 * i + 1]);
    }
    assert_int_equal(io->live, 2 * MANY);
    while (done < MANY) {
        done = 0;
        for (int i = 0; i < MANY; i++)
            done += all[2 * i]->received == BYTES;
        turn(10 * NS_PER_MS);
    }
    for (int i = 0; i < MANY; i++)
        io_close(io, &all[2 * i]->conn, IO_CLOSE_FIN);
    for (int i = 0; i < MANY; i++)
        UNTIL(all[2 * i + 1]->ended);
    for (int i = 0; i < 2 * MANY; i++)
        finish(all[i]);
    free(all);
    close_io();
}

/* ---- Anything at any time ---- */

enum { LOT = 40, STEPS = 6000 };

static struct rng rng;
static struct node *lot[2 * LOT];

static void random_step(struct node *n)
{
    switch (rng_below(&rng, 12)) {
    case 0:
        io_recv_pause(io, &n->conn);
        break;
    case 1:
    case 2:
        io_recv_resume(io, &n->conn);
        break;
    case 3:
        if (rng_below(&rng, 20) == 0)
            io_close(io, &n->conn, rng_below(&rng, 2) ? IO_CLOSE_FIN : IO_CLOSE_RESET);
        break;
    default:
        if (n->connected && n->sent == n->submitted && !n->closed && !n->goal)
            send_stream(n, 1 + rng_below(&rng, rng_below(&rng, 20) ? 2000 : 400000),
                        1 + (size_t)rng_below(&rng, 5000));
    }
}

static void random_on(struct node *n, enum what what)
{
    if (what == ENDED) {
        n->goal = 1; /* no more sending */
        io_close(io, &n->conn, rng_below(&rng, 2) ? IO_CLOSE_FIN : IO_CLOSE_RESET);
    } else if (what != CLOSED) {
        if (what == CONNECTED && n->error)
            io_close(io, &n->conn, IO_CLOSE_FIN);
        else if (rng_below(&rng, 2))
            random_step(n);
        if (rng_below(&rng, 10) == 0) {
            struct node *o = lot[rng_below(&rng, 2 * LOT)];

            if (o && !o->closed)
                random_step(o);
        }
    }
}

static void renew(int i)
{
    for (int side = 0; side < 2; side++) {
        free(lot[i + side]);
        lot[i + side] = NULL;
    }
    for (int side = 0; side < 2; side++)
        lot[i + side] = node_new(random_on);
    server = lot[i + 1];
    io_connect(io, &lot[i]->conn, &here, NULL);
    UNTIL(!server);
}

static void random_case(enum where where, uint64_t seed)
{
    rng.state = seed;
    open_at(where, 8192);
    memset(lot, 0, sizeof lot);
    for (int i = 0; i < 2 * LOT; i += 2)
        renew(i);
    for (int step = 0; step < STEPS; step++) {
        int i = (int)rng_below(&rng, 2 * LOT);

        if (!lot[i]->closed)
            random_step(lot[i]);
        else if (lot[i ^ 1]->closed)
            renew(i & ~1);
        if (rng_below(&rng, 3) == 0)
            turn(0);
    }
    for (int i = 0; i < 2 * LOT; i++) {
        lot[i]->on = NULL;
        if (!lot[i]->closed)
            io_close(io, &lot[i]->conn, IO_CLOSE_RESET);
    }
    for (int i = 0; i < 2 * LOT; i++)
        finish(lot[i]);
    close_io();
}

static void test_random(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 2; seed++) {
        for (enum where where = 0; where < WHERES; where++)
            random_case(where, seed);
    }
}

static int set_up(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof stream; i++)
        stream[i] = (char)((i % PERIOD) * 131 >> (i % PERIOD % 5));
    (void)snprintf(unix_path, sizeof unix_path, "/tmp/test_epoll.%d", (int)getpid());
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_echo),
        cmocka_unit_test(test_large_sends),
        cmocka_unit_test(test_both_directions),
        cmocka_unit_test(test_send_from_sent),
        cmocka_unit_test(test_nothing_to_send),
        cmocka_unit_test(test_half_close),
        cmocka_unit_test(test_send_after_peer_is_gone),
        cmocka_unit_test(test_reset_in_mid_send),
        cmocka_unit_test(test_last_words),
        cmocka_unit_test(test_connect_errors),
        cmocka_unit_test(test_full_unix_queue),
        cmocka_unit_test(test_close_while_connecting),
        cmocka_unit_test(test_socket_options),
        cmocka_unit_test(test_close_everywhere),
        cmocka_unit_test(test_close_what_is_not_live),
        cmocka_unit_test(test_fin_delivers),
        cmocka_unit_test(test_fin_is_bounded),
        cmocka_unit_test(test_reset_is_seen),
        cmocka_unit_test(test_stale_events),
        cmocka_unit_test(test_turn_is_bounded),
        cmocka_unit_test(test_paused_does_not_spin),
        cmocka_unit_test(test_pause_and_resume),
        cmocka_unit_test(test_wake),
        cmocka_unit_test(test_timers),
        cmocka_unit_test(test_accept_drop_and_pause),
        cmocka_unit_test(test_unlisten_from_accept),
        cmocka_unit_test(test_out_of_descriptors),
        cmocka_unit_test(test_two_thousand),
        cmocka_unit_test(test_random),
    };

    (void)alarm(300); /* whatever hangs */
    return cmocka_run_group_tests(tests, set_up, NULL);
}
