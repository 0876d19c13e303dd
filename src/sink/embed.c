/*
 * The child: forked with its listening socket, tied to its parent by a socket whose every event is
 * a SIGTERM.
 */
#include "embed.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "units.h"

/* How long a child may take to stop before it is killed, ms. */
#define STOP_TIME 10000

static const int stop_signals[] = {SIGTERM};

/*
 * The parent's end is all that can happen on the control socket, and makes it signal. The death
 * signal is the second way: it also reaches a child of a parent whose socket someone inherited.
 */
static bool tie_to_parent(int control, pid_t parent)
{
    struct pollfd p = {.fd = control, .events = POLLIN};

    if (prctl(PR_SET_PDEATHSIG, SIGTERM) < 0 || fcntl(control, F_SETOWN, getpid()) < 0 ||
        fcntl(control, F_SETSIG, SIGTERM) < 0 || fcntl(control, F_SETFL, O_ASYNC) < 0)
        return false;
    return getppid() == parent && poll(&p, 1, 0) == 0;
}

static bool write_all(int fd, const void *from, size_t n)
{
    const char *p = from;

    while (n > 0) {
        ssize_t done = send(fd, p, n, MSG_NOSIGNAL);

        if (done < 0 && errno != EINTR)
            return false;
        if (done > 0) {
            p += done;
            n -= (size_t)done;
        }
    }
    return true;
}

static _Noreturn void child(struct sink *s, int control, pid_t parent)
{
    struct sink_numbers numbers;
    struct diag d;

    /* What the terminal tells all its processes: the parent decides. */
    (void)signal(SIGINT, SIG_IGN);
    (void)signal(SIGHUP, SIG_IGN);
    (void)signal(SIGPIPE, SIG_IGN);
    sink_stop_by_signals(s, stop_signals, sizeof stop_signals / sizeof *stop_signals);
    if (!tie_to_parent(control, parent))
        _exit(1);
    if (sink_serve(s, &d) < 0) {
        diag_warn("sink: %s", d.text);
        _exit(1);
    }
    sink_numbers(s, &numbers);
    /* _exit(), since what the parent had in its stdio buffers is not the child's to write. */
    _exit(write_all(control, &numbers, sizeof numbers) ? 0 : 1);
}

static struct sink_config embedded_config(const struct sink_config *from)
{
    struct sink_config cf = *from;

    cf.server.texts = NULL;
    server_announce_all(&cf.server);
    cf.listen = cf.family == AF_INET6 ? "[::1]:0" : "127.0.0.1:0";
    cf.family = cf.family == AF_INET6 ? AF_INET6 : AF_INET;
    cf.backlog = SOMAXCONN;
    cf.max_sessions = cf.stop_messages = cf.stop_sessions = 0;
    cf.counters = cf.verbose = false;
    cf.profile = NULL;
    cf.grace = 0; /* its only client has ended */
    return cf;
}

/* Until the child has its handlers, a signal must neither end it nor get lost. */
static int start(struct sink_embed *e, struct sink *s, const int pair[2], struct diag *d)
{
    pid_t parent = getpid();
    sigset_t stop, before;
    int rc = 0;

    (void)sigemptyset(&stop);
    (void)sigaddset(&stop, SIGINT);
    (void)sigaddset(&stop, SIGTERM);
    (void)sigaddset(&stop, SIGHUP);
    (void)sigprocmask(SIG_BLOCK, &stop, &before);
    e->pid = fork();
    if (e->pid == 0) {
        (void)close(pair[0]);
        child(s, pair[1], parent);
    }
    if (e->pid < 0) {
        e->pid = 0;
        rc = diag_set(d, -errno, "cannot start the sink: fork: %s", strerror(errno));
    }
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    return rc;
}

int sink_embed_start(struct sink_embed *e, const struct sink_config *config, struct diag *d)
{
    struct sink_config cf = embedded_config(config);
    struct sink *s;
    int pair[2];
    int rc = sink_open(&s, &cf, d);

    *e = (struct sink_embed){.control = -1};
    if (rc < 0)
        return rc;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
        rc = diag_set(d, -errno, "cannot start the sink: socketpair: %s", strerror(errno));
        sink_free(s);
        return rc;
    }
    memcpy(e->digest, sink_certificate(s), sizeof e->digest);
    rc = sink_address(s, &e->address);
    if (rc < 0)
        (void)diag_set(d, rc, "cannot start the sink: %s", strerror(-rc));
    else
        rc = start(e, s, pair, d);
    (void)close(pair[1]);
    if (rc < 0)
        (void)close(pair[0]);
    else
        e->control = pair[0];
    sink_free(s);
    return rc;
}

static bool read_numbers(int fd, struct sink_numbers *out)
{
    struct sink_numbers numbers;
    char *p = (char *)&numbers;
    size_t left = sizeof numbers;
    struct pollfd poller = {.fd = fd, .events = POLLIN};

    while (left > 0) {
        ssize_t n = poll(&poller, 1, STOP_TIME) > 0 ? read(fd, p, left) : -1;

        if (n <= 0)
            return false;
        p += n;
        left -= (size_t)n;
    }
    *out = numbers;
    return true;
}

int sink_embed_stop(struct sink_embed *e, struct sink_numbers *out, struct diag *d)
{
    int status = 0;
    bool told;

    *out = (struct sink_numbers){0};
    if (e->pid == 0)
        return 0;
    (void)kill(e->pid, SIGTERM);
    told = read_numbers(e->control, out);
    if (!told)
        (void)kill(e->pid, SIGKILL);
    while (waitpid(e->pid, &status, 0) < 0 && errno == EINTR)
        ;
    (void)close(e->control);
    *e = (struct sink_embed){.control = -1};
    if (told)
        return 0;
    if (WIFSIGNALED(status))
        return diag_set(d, -EPIPE, "the sink died of signal %d (%s)", WTERMSIG(status),
                        strsignal(WTERMSIG(status)));
    return diag_set(d, -EPIPE, "the sink ended early, with status %d", WEXITSTATUS(status));
}
