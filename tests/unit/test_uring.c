/*
 * The io_uring driver: all that is asked of the epoll driver, from its own file, then the same with
 * rings and buffers so small that each runs dry or over at every turn, and as on kernels that lose
 * ends of connections; then what only this driver can get wrong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <sys/socket.h>

#include "io.h"
#include "uring.h"
#include "uring_impl.h"

static const struct io_driver *driver = &io_uring_driver;

static int patient_accept(int fd);

/* The driver is this file's; a connection may need a turn before it can be accepted. */
#define io_epoll               (*driver)
#define main                   epoll_cases
#define accept(fd, sa, length) patient_accept(fd)

int epoll_cases(void);

#include "test_epoll.c"

#undef main
#undef accept

static int patient_accept(int fd)
{
    int r = accept(fd, NULL, NULL);

    for (int i = 0; r < 0 && errno == EAGAIN && i < 1000; i++) {
        turn(NS_PER_MS);
        r = accept(fd, NULL, NULL);
    }
    return r;
}

/* ---- Other rings ---- */

static struct io *tiny_new(struct diag *d)
{
    static const struct ur_measures tiny = {
        .entries = 4, .completions = 8, .buffers = 4, .size = 64};

    return ur_new(&tiny, d);
}

static struct io *watchful_new(struct diag *d)
{
    struct io *made = io_uring_driver.new(d);

    if (made)
        ur_of(made)->ends_get_lost = true;
    return made;
}

static struct io_driver tiny_driver;
static struct io_driver watchful_driver;

static int set_up_tiny(void **state)
{
    tiny_driver = io_uring_driver;
    tiny_driver.new = tiny_new;
    driver = &tiny_driver;
    return set_up(state);
}

static int set_up_watchful(void **state)
{
    watchful_driver = io_uring_driver;
    watchful_driver.new = watchful_new;
    driver = &watchful_driver;
    return set_up(state);
}

static int set_up_usual(void **state)
{
    driver = &io_uring_driver;
    return set_up(state);
}

/* ---- Buffers run dry ---- */

/* Many conns have much to be received at once, and few buffers: all of it comes, to all. */
static void test_buffers_run_dry(void **state)
{
    enum { MANY = 30, OCTETS = 20000 };
    struct node *n[MANY];
    int fds[MANY];

    (void)state;
    open_at(TCP4, 0);
    for (int i = 0; i < MANY; i++) {
        n[i] = node_new(NULL);
        fds[i] = raw_pair(n[i]);
    }
    for (int i = 0; i < MANY; i++)
        assert_int_equal(send(fds[i], stream, OCTETS, 0), OCTETS);
    for (int i = 0; i < MANY; i++)
        UNTIL(n[i]->received == OCTETS);
    assert_true(turns_in(50 * NS_PER_MS) < 5);
    for (int i = 0; i < MANY; i++) {
        finish(n[i]);
        (void)close(fds[i]);
    }
    assert_int_equal(ur_of(io)->held, 0);
    close_io();
}

/* ---- Reuse ---- */

static void pause_and_close(struct node *n, enum what what)
{
    if (what == RECEIVED && n->goal > 0) {
        io_recv_pause(io, &n->conn);
        io_close(io, &n->conn, n->goal % 2 ? IO_CLOSE_RESET : IO_CLOSE_FIN);
    } else if (what == CLOSED) {
        n->goal--;
        n->connected = n->closed = n->ended = 0;
        n->sent = n->received = n->submitted = 0;
        memset(&n->conn, 0, sizeof n->conn);
        n->conn.handler = &handler;
        io_connect(io, &n->conn, &here, NULL);
    }
}

/*
 * A conn is closed while its receive is being cancelled, and its memory and descriptor used again
 * at once: neither the cancellation nor a late completion meets the next connection.
 */
static void test_reuse(void **state)
{
    (void)state;
    for (enum where where = 0; where < WHERES; where++) {
        struct node *n = node_new(pause_and_close);
        int fd = -1;

        open_io(0);
        listen_at(where, 10);
        n->goal = 200;
        n->raw = true;
        io_connect(io, &n->conn, &here, NULL);
        while (n->goal > 0) {
            uint64_t before = n->goal;

            fd = patient_accept(listener.fd);
            assert_true(fd >= 0);
            for (int i = 0; i < 3; i++)
                assert_int_equal(send(fd, stream, 100, MSG_NOSIGNAL), 100);
            UNTIL(n->goal < before || n->conn.flags & CLOSING);
            (void)close(fd); /* lets an orderly close come to its end */
            UNTIL(n->goal < before);
        }
        fd = patient_accept(listener.fd);
        assert_true(fd >= 0);
        assert_int_equal(send(fd, stream, 100, 0), 100);
        UNTIL(n->received == 100);
        n->on = NULL;
        finish(n);
        (void)close(fd);
        close_io();
    }
}

/* ---- Accepting ---- */

static void pause_accept(struct node *n, enum what what)
{
    (void)n;
    if (what == CONNECTED)
        io_accept_pause(io, &listener, true);
}

/* Those that came in already when accepting is paused are neither told then nor lost. */
static void test_held_connections(void **state)
{
    enum { CLIENTS = 20 };
    int fds[CLIENTS];
    struct node *n;

    (void)state;
    open_at(TCP4, 0);
    turn(0);
    for (int i = 0; i < CLIENTS; i++) {
        fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(connect(fds[i], &here.sa, here.length), 0);
        assert_int_equal(send(fds[i], stream, (size_t)i + 1, 0), i + 1);
    }
    for (int i = 0; i < CLIENTS; i++) {
        server = n = node_new(pause_accept);
        io_accept_pause(io, &listener, false);
        UNTIL(n->connected);
        UNTIL(n->received == (uint64_t)i + 1); /* in order */
        assert_int_equal(dropped, 0);
        finish(n);
    }
    /* And some that are held while the listener goes. */
    for (int i = 0; i < CLIENTS; i++) {
        (void)close(fds[i]);
        fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(connect(fds[i], &here.sa, here.length), 0);
    }
    server = n = node_new(pause_accept);
    io_accept_pause(io, &listener, false);
    UNTIL(n->connected);
    turn(0);
    finish(n);
    for (int i = 0; i < CLIENTS; i++)
        (void)close(fds[i]);
    close_io();
}

/* The port is free as soon as the owner has closed its descriptor. */
static void test_port_is_free(void **state)
{
    int fd;

    (void)state;
    open_at(TCP4, 0);
    turn(0);
    io_unlisten(io, &listener);
    (void)close(listener.fd);
    listener.fd = -1;
    fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, &here.sa, here.length), -1);
    assert_int_equal(errno, ECONNREFUSED);
    (void)close(fd);
    close_io();
}

/* ---- Threads ---- */

static void *turning_thread(void *arg)
{
    struct node *client = arg;

    assert_int_equal(io_listen(io, &listener, &(struct diag){{0}}), 0);
    pair(&client, &client->other);
    send_stream(client, MIB, 1000);
    UNTIL(client->other->received == MIB && client->sent == MIB);
    finish(client->other);
    finish(client);
    close_listener();
    UNTIL(io->live == 0);
    return NULL;
}

/* Started by one thread, used by another, ended by the first: with rings of its own. */
static void test_threads(void **state)
{
    struct io *others;
    struct diag d;
    pthread_t thread;

    (void)state;
    open_io(0);
    others = io;
    io = io_new(driver, &d);
    assert_non_null(io);
    turn(0); /* a ring that this thread has registered */
    listen_at(TCP4, 10);
    {
        struct io *mine = io;

        io = others;
        assert_int_equal(pthread_create(&thread, NULL, turning_thread, node_new(NULL)), 0);
        assert_int_equal(pthread_join(thread, NULL), 0);
        io_free(others);
        io = mine;
    }
    turn(NS_PER_MS);
    close_io();
}

/* ---- The probe ---- */

static void test_probe(void **state)
{
    int fds = open_fds();
    struct rlimit old;
    struct rlimit low;
    struct diag d = {{0}};

    (void)state;
    assert_int_equal(io_uring_driver_probe(&d), 0);
    assert_int_equal(open_fds(), fds);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    for (rlim_t limit = 3; limit < (rlim_t)fds; limit++) {
        low = old;
        low.rlim_cur = limit;
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
        if (io_uring_driver_probe(&d) < 0)
            assert_true(*d.text && !strchr(d.text, '\n'));
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
        assert_int_equal(open_fds(), fds);
    }
}

#define AS_EPOLL                                                                                   \
    cmocka_unit_test(test_echo), cmocka_unit_test(test_large_sends),                               \
        cmocka_unit_test(test_both_directions), cmocka_unit_test(test_send_from_sent),             \
        cmocka_unit_test(test_nothing_to_send), cmocka_unit_test(test_half_close),                 \
        cmocka_unit_test(test_send_after_peer_is_gone), cmocka_unit_test(test_reset_in_mid_send),  \
        cmocka_unit_test(test_last_words), cmocka_unit_test(test_close_everywhere),                \
        cmocka_unit_test(test_fin_delivers), cmocka_unit_test(test_stale_events),                  \
        cmocka_unit_test(test_paused_does_not_spin), cmocka_unit_test(test_pause_and_resume),      \
        cmocka_unit_test(test_accept_drop_and_pause), cmocka_unit_test(test_unlisten_from_accept), \
        cmocka_unit_test(test_random)

#define OWN                                                                                        \
    cmocka_unit_test(test_buffers_run_dry), cmocka_unit_test(test_reuse),                          \
        cmocka_unit_test(test_held_connections), cmocka_unit_test(test_port_is_free),              \
        cmocka_unit_test(test_threads), cmocka_unit_test(test_probe)

/* Its Linux calls don't know that io_uring_enter() may block, and let no other thread run. */
static bool is_under_valgrind(void)
{
    const char *preload = getenv("LD_PRELOAD");

    return preload && strstr(preload, "vgpreload");
}

int main(void)
{
    const struct CMUnitTest own[] = {OWN};
    const struct CMUnitTest tiny[] = {AS_EPOLL, OWN};
    const struct CMUnitTest watchful[] = {AS_EPOLL};
    struct diag d;
    int failed;

    if (io_uring_driver_probe(&d) < 0) {
        (void)printf("skipped: %s\n", d.text);
        return 77;
    }
    (void)alarm(300); /* whatever hangs */
    if (is_under_valgrind()) {
        (void)printf("skipped: waking from another thread, which valgrind does not let run\n");
        failed = 0;
    } else {
        failed = epoll_cases();
    }
    failed += cmocka_run_group_tests_name("own", own, set_up_usual, NULL);
    failed += cmocka_run_group_tests_name("tiny rings", tiny, set_up_tiny, NULL);
    failed += cmocka_run_group_tests_name("ends get lost", watchful, set_up_watchful, NULL);
    return failed;
}
