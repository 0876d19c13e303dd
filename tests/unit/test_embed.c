/*
 * The sink as a child process: it serves, tells its numbers, and never outlives its parent.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "embed.h"

static void talk(const struct sink_embed *e, const char *text, const char *last)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    char got[4096];
    size_t n = 0;
    ssize_t more;

    assert_true(fd >= 0);
    assert_int_equal(connect(fd, &e->address.sa, e->address.length), 0);
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    while (n < sizeof got - 1 && (more = recv(fd, got + n, sizeof got - 1 - n, 0)) > 0)
        n += (size_t)more;
    got[n] = '\0';
    assert_non_null(strstr(got, last));
    (void)close(fd);
}

static void start(struct sink_embed *e)
{
    struct sink_config cf;
    struct diag d;

    sink_config_init(&cf);
    assert_int_equal(sink_embed_start(e, &cf, &d), 0);
    assert_true(e->pid > 0);
}

static void test_numbers(void **state)
{
    struct sink_embed e;
    struct sink_numbers n;
    struct diag d;

    (void)state;
    start(&e);
    talk(&e, "EHLO x\r\nQUIT\r\n", "250-CHUNKING\r\n");
    talk(&e, "MAIL\r\nRCPT\r\nRCPT\r\nBDAT 3 LAST\r\nabcFOO\r\n", "250 2.0.0 Ok\r\n500 ");
    assert_int_equal(kill(e.pid, SIGINT), 0); /* ^C is the parent's to decide about */
    talk(&e, "QUIT\r\n", "221 Bye\r\n");
    assert_int_equal(sink_embed_stop(&e, &n, &d), 0);
    assert_int_equal(e.pid, 0);
    assert_int_equal(n.sessions, 3);
    assert_int_equal(n.quits, 2);
    assert_int_equal(n.lost, 1);
    assert_int_equal(n.messages, 1);
    assert_int_equal(n.recipients, 2);
    assert_int_equal(n.octets, 3);
    assert_int_equal(n.refused[SERVER_UNKNOWN], 1);
    assert_int_equal(n.received_bytes, 14 + 39 + 6);
    assert_true(n.cpu_user_ns + n.cpu_system_ns > 0);

    assert_int_equal(sink_embed_stop(&e, &n, &d), 0); /* there is none */
    assert_int_equal(n.sessions, 0);
}

/* Stopped before it has come to serve. */
static void test_at_once(void **state)
{
    (void)state;
    for (int i = 0; i < 50; i++) {
        struct sink_embed e;
        struct sink_numbers n;
        struct diag d;

        start(&e);
        assert_int_equal(sink_embed_stop(&e, &n, &d), 0);
    }
}

static void test_death(void **state)
{
    struct sink_embed e;
    struct sink_numbers n;
    struct diag d;

    (void)state;
    start(&e);
    assert_int_equal(kill(e.pid, SIGKILL), 0);
    assert_int_equal(sink_embed_stop(&e, &n, &d), -EPIPE);
    assert_non_null(strstr(d.text, "signal 9"));
    assert_int_equal(e.pid, 0);
}

/*
 * In a process of its own, which starts a sink, tells its pid and dies; this one adopts the orphan,
 * so that it can see it end. When the signal is blocked the death signal is too, until the sink
 * unblocks.
 */
static void orphan(int how, bool blocked)
{
    int pipes[2];
    pid_t parent;
    pid_t sink = 0;
    int status;

    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    assert_int_equal(pipe(pipes), 0);
    parent = fork();
    if (parent == 0) {
        struct sink_embed e;
        struct sink_config cf;
        struct diag d;
        sigset_t set;

        (void)sigemptyset(&set);
        (void)sigaddset(&set, SIGTERM);
        if (blocked)
            (void)sigprocmask(SIG_BLOCK, &set, NULL);
        sink_config_init(&cf);
        if (sink_embed_start(&e, &cf, &d) < 0 || write(pipes[1], &e.pid, sizeof e.pid) < 0)
            _exit(1);
        (void)raise(how);
        _exit(0);
    }
    assert_true(parent > 0);
    assert_int_equal(read(pipes[0], &sink, sizeof sink), sizeof sink);
    assert_int_equal(waitpid(parent, &status, 0), parent);
    (void)alarm(10); /* a sink that stays is a failure, not a wait */
    assert_int_equal(waitpid(sink, &status, 0), sink);
    (void)alarm(0);
    (void)close(pipes[0]);
    (void)close(pipes[1]);
}

static void test_orphan(void **state)
{
    (void)state;
    orphan(SIGKILL, false);
    orphan(SIGKILL, true);
    orphan(SIGCONT, false); /* does not kill: an exit */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_at_once),
        cmocka_unit_test(test_death),
        cmocka_unit_test(test_orphan),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
