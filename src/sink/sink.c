/*
 * Listening, serving, stopping. One worker serves on the calling thread.
 */
#include "sink.h"

#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "endpoint.h"
#include "process.h"
#include "sink_impl.h"
#include "units.h"

/* How long a stop waits: for replies that are already due, then for clients to see the end. */
#define DRAIN_TIME (1 * NS_PER_S)
#define LEAVE_TIME (20 * NS_PER_MS)

void sink_config_init(struct sink_config *cf)
{
    *cf = (struct sink_config){
        .server.hostname = "smtp-sink",
        .driver = &io_epoll,
        .family = AF_UNSPEC,
        .backlog = 1024,
        .max_sessions = 256,
        .timeout = 100 * NS_PER_S,
        .grace = 5 * NS_PER_S,
    };
}

static int no_memory(struct diag *d)
{
    return diag_set(d, -ENOMEM, "out of memory");
}

static void raise_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/* Accepted connections inherit the sizes, and announce the window from the first segment on. */
static int set_window(int fd, uint64_t window, struct diag *d)
{
    int size = window < INT32_MAX ? (int)window : INT32_MAX;

    if (window == 0)
        return 0;
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size) < 0)
        return diag_set(d, -errno, "cannot set the TCP window: %s", strerror(errno));
    return 0;
}

/* A host without IPv6 can still listen on "any address": whatever of several can't be had is left.
 */
static bool is_missing_family(int error, const struct sink *s, size_t left)
{
    return (error == -EAFNOSUPPORT || error == -EADDRNOTAVAIL) && (s->door_count > 0 || left > 1);
}

static int open_doors(struct sink *s, const struct endpoint *e, struct diag *d)
{
    int backlog = s->config->backlog < INT32_MAX ? (int)s->config->backlog : INT32_MAX;

    s->doors = calloc(e->count, sizeof *s->doors);
    if (!s->doors)
        return no_memory(d);
    for (size_t i = 0; i < e->count; i++) {
        int fd = address_listen(&e->addresses[i], backlog, d);
        int rc;

        if (is_missing_family(fd, s, e->count - i))
            continue;
        if (fd < 0)
            return fd;
        s->new_port |= e->addresses[i].sa.sa_family != AF_UNIX && !address_port(&e->addresses[i]);
        s->doors[s->door_count].listener.fd = fd;
        s->doors[s->door_count++].worker = &s->worker;
        rc = set_window(fd, s->config->window, d);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int open_profile(struct sink *s, struct diag *d)
{
    int rc = profile_load(&s->profile, s->config->profile, d);

    if (rc < 0)
        return rc;
    s->behaviour = behaviour_new(&s->profile);
    return s->behaviour ? 0 : no_memory(d);
}

int sink_open(struct sink **out, struct sink_config *cf, struct diag *d)
{
    struct sink *s = calloc(1, sizeof *s);
    struct endpoint e = {0};
    int rc = s ? server_config_freeze(&cf->server, d) : no_memory(d);

    if (rc == 0) {
        s->config = cf;
        raise_limit();
        if (cf->profile)
            rc = open_profile(s, d);
    }
    if (rc == 0)
        rc = endpoint_resolve_listener(&e, cf->listen, cf->family, d);
    if (rc == 0) {
        rc = open_doors(s, &e, d);
        endpoint_done(&e);
    }
    if (rc < 0)
        sink_free(s);
    else
        *out = s;
    return rc;
}

void sink_free(struct sink *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->door_count; i++)
        (void)close(s->doors[i].listener.fd);
    free(s->doors);
    behaviour_free(s->behaviour);
    profile_done(&s->profile);
    if (s->config)
        server_config_done(&s->config->server);
    free(s);
}

static int door_address(const struct door *door, struct address *a)
{
    return address_bound(door->listener.fd, a);
}

int sink_address(const struct sink *s, struct address *out)
{
    return door_address(&s->doors[0], out);
}

static bool is_loopback(const struct address *a)
{
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)&a->storage;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)&a->storage;

    if (a->sa.sa_family == AF_INET)
        return ntohl(v4->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    if (a->sa.sa_family == AF_INET6)
        return IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
    return a->sa.sa_family == AF_UNIX;
}

bool sink_is_local(const struct sink *s)
{
    for (size_t i = 0; i < s->door_count; i++) {
        struct address a;

        if (door_address(&s->doors[i], &a) < 0 || !is_loopback(&a))
            return false;
    }
    return true;
}

bool sink_has_new_port(const struct sink *s)
{
    return s->new_port;
}

char *sink_listening(const struct sink *s, char *out, size_t size)
{
    size_t at = 0;

    out[0] = '\0';
    for (size_t i = 0; i < s->door_count; i++) {
        struct address a;
        char text[150] = "?";
        int n;

        if (door_address(&s->doors[i], &a) == 0)
            (void)address_text(&a, text, sizeof text);
        n = snprintf(out + at, size - at, "%s%s", i ? ", " : "", text);
        if (n < 0 || (size_t)n >= size - at)
            break;
        at += (size_t)n;
    }
    return out;
}

void sink_stop(struct sink *s)
{
    struct io *io;

    atomic_fetch_add(&s->stop, 1);
    io = atomic_load(&s->io);
    if (io)
        io_wake(io);
}

static _Atomic(struct sink *) stopped_by_signal; /* handlers know nothing else */

static void on_signal(int number)
{
    struct sink *s = atomic_load(&stopped_by_signal);

    (void)number;
    if (s)
        sink_stop(s);
}

void sink_stop_by_signals(struct sink *s, const int *numbers, size_t count)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigset_t set;

    (void)sigemptyset(&action.sa_mask);
    (void)sigemptyset(&set);
    atomic_store(&stopped_by_signal, s);
    for (size_t i = 0; i < count; i++) {
        (void)sigaction(numbers[i], &action, NULL);
        (void)sigaddset(&set, numbers[i]);
    }
    (void)sigprocmask(SIG_UNBLOCK, &set, NULL);
}

/* Said once: the driver tries again, and clients wait for their greeting meanwhile. */
static void accept_failed(struct io_listener *l, int error)
{
    struct worker *w = ((struct door *)(void *)l)->worker;

    if (!w->accept_failed)
        diag_warn("cannot accept more connections for now: %s", strerror(error));
    w->accept_failed = true;
}

static void each_open(struct worker *w, void (*visit)(struct session *))
{
    for (size_t i = 0; i < w->pool.slab_count; i++)
        for (size_t k = 0; k < POOL_SLAB; k++)
            if (w->pool.slabs[i][k].open)
                visit(&w->pool.slabs[i][k]);
}

static bool is_any(const struct worker *w, bool (*test)(const struct session *))
{
    for (size_t i = 0; i < w->pool.slab_count; i++)
        for (size_t k = 0; k < POOL_SLAB; k++)
            if (w->pool.slabs[i][k].open && test(&w->pool.slabs[i][k]))
                return true;
    return false;
}

static int turn(struct worker *w, uint64_t until)
{
    int rc = io_turn(w->io, until);

    sink_flush(w);
    return rc;
}

/* Turns while some session passes the test, until the limit or a second request to stop. */
static int finish(struct sink *s, bool (*test)(const struct session *), uint64_t limit)
{
    struct worker *w = &s->worker;
    int rc = 0;

    while (rc == 0 && is_any(w, test) && io_now(w->io) < limit && atomic_load(&s->stop) < 2)
        rc = turn(w, limit);
    return rc;
}

/*
 * Open transactions may finish, unless the sink has seen enough; then replies that are due still
 * reach their clients, and nothing more is read.
 */
static int wind_up(struct sink *s)
{
    struct worker *w = &s->worker;
    uint64_t grace = w->config->grace;
    uint64_t limit = io_clock(w->io) + grace;
    int rc = 0;

    for (size_t i = 0; i < w->door_count; i++) {
        io_unlisten(w->io, &w->doors[i].listener);
        (void)shutdown(w->doors[i].listener.fd, SHUT_RDWR); /* new clients are refused at once */
    }
    if (!w->complete && grace > 0) {
        w->context.halt = SERVER_LEAVES;
        each_open(w, sink_session_leave);
        sink_flush(w);
        rc = finish(s, sink_session_unfinished, limit);
    }
    w->context.halt = SERVER_HALTS;
    limit = io_clock(w->io) + (w->complete && grace > DRAIN_TIME ? grace : DRAIN_TIME);
    if (rc == 0)
        rc = finish(s, sink_session_busy, limit);
    each_open(w, sink_session_abort);
    limit = io_clock(w->io) + LEAVE_TIME;
    while (rc == 0 && w->open > 0 && io_now(w->io) < limit)
        rc = turn(w, limit);
    each_open(w, sink_session_cut);
    while (rc == 0 && w->open > 0)
        rc = turn(w, NS_NEVER);
    return rc;
}

static void numbers_of(const struct worker *w, struct sink_numbers *out)
{
    struct process_usage usage;

    process_usage(&usage);
    *out = w->numbers;
    out->messages = w->context.messages;
    out->recipients = w->context.recipients;
    out->octets = w->context.octets;
    memcpy(out->refused, w->context.refused, sizeof out->refused);
    out->elapsed_ns = w->last_end > w->first_begin ? w->last_end - w->first_begin : 0;
    out->cpu_user_ns = usage.user_ns;
    out->cpu_system_ns = usage.system_ns;
    out->peak_rss_bytes = usage.peak_bytes;
    out->ended = w->complete ? SINK_COMPLETE : SINK_STOPPED;
}

static void tell_progress(struct timer *t)
{
    struct worker *w = (struct worker *)(void *)((char *)t - offsetof(struct worker, progress));
    struct sink_numbers numbers;

    numbers_of(w, &numbers);
    w->config->progress(&numbers);
    io_timer_set(w->io, t, io_now(w->io) + NS_PER_S);
}

static int work(struct sink *s, struct diag *d)
{
    struct worker *w = &s->worker;
    int rc = 0;

    for (size_t i = 0; i < w->door_count && rc == 0; i++) {
        w->doors[i].listener.accept = sink_session_accept;
        w->doors[i].listener.failed = accept_failed;
        rc = io_listen(w->io, &w->doors[i].listener, d);
    }
    if (rc < 0)
        return rc;
    w->progress.fire = tell_progress;
    if (w->config->progress)
        io_timer_set(w->io, &w->progress, io_clock(w->io) + NS_PER_S);
    while (rc == 0 && !w->complete && !atomic_load_explicit(&s->stop, memory_order_relaxed))
        rc = turn(w, NS_NEVER);
    if (rc == 0)
        rc = wind_up(s);
    io_timer_cancel(w->io, &w->progress);
    return rc < 0 ? diag_set(d, rc, "the I/O driver failed: %s", strerror(-rc)) : 0;
}

static int begin_capture(struct worker *w, struct diag *d)
{
    const struct capture_place place = {.io = w->io, .count = 1};

    if (!w->config->capture)
        return 0;
    return capture_new(&w->capture, w->config->capture, &w->config->server, &place, d);
}

static void end_capture(struct worker *w)
{
    if (w->capture)
        w->numbers.unrecorded = capture_unrecorded(w->capture);
    capture_free(w->capture);
    w->capture = NULL;
}

int sink_serve(struct sink *s, struct diag *d)
{
    struct worker *w = &s->worker;
    int rc;

    w->context = (struct server_context){.config = &s->config->server,
                                         .hooks = sink_session_hooks(s->config)};
    w->config = s->config;
    w->doors = s->doors;
    w->door_count = s->door_count;
    w->behaviour = s->behaviour;
    if (w->config->plan.active || w->behaviour)
        w->context.judge = sink_session_judge;
    w->last = &w->first;
    w->io = io_new(s->config->driver, d);
    if (!w->io)
        return -ENOMEM;
    w->io->options.buffer = (uint32_t)s->config->window;
    atomic_store(&s->io, w->io);
    rc = begin_capture(w, d);
    if (rc == 0)
        rc = work(s, d);
    atomic_store(&s->io, NULL);
    end_capture(w);
    if (w->open == 0)
        io_free(w->io);
    pool_done(&w->pool);
    return rc;
}

void sink_numbers(const struct sink *s, struct sink_numbers *out)
{
    numbers_of(&s->worker, out);
}
