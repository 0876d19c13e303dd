/*
 * Listening, and the threads that serve; the first is the calling one.
 */
#include "sink.h"

#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "endpoint.h"
#include "process.h"
#include "reuseport.h"
#include "sink_impl.h"
#include "tls.h"
#include "units.h"

void sink_config_init(struct sink_config *cf)
{
    *cf = (struct sink_config){
        .server.hostname = "smtp-sink",
        .io = {IO_EPOLL, &io_epoll},
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

/* No error: with fewer clients at a time, which nobody can know, all is well. */
static void warn_of_limit(const struct sink *s)
{
    uint64_t most = s->config->max_sessions;
    struct diag d;

    if (most && process_need_files(most + s->worker_count * THREAD_FILES, &d) < 0)
        diag_warn("for %" PRIu64 " sessions at a time (-m) %s", most, d.text);
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
    return (error == -EAFNOSUPPORT || error == -EADDRNOTAVAIL) &&
           (s->workers[0].door_count > 0 || left > 1);
}

static int add_door(struct worker *w, int fd, struct diag *d)
{
    struct door *door = &w->doors[w->door_count++];

    door->listener.fd = fd;
    door->worker = w;
    return set_window(fd, w->config->window, d);
}

/* A socket of its own for each of the other workers. */
static int add_doors_beside(struct sink *s, int fd, int backlog, struct diag *d)
{
    int rc = 0;

    for (uint64_t i = 1; i < s->worker_count && rc == 0; i++) {
        rc = reuseport_join(fd, backlog, d);
        if (rc >= 0)
            rc = add_door(&s->workers[i], rc, d);
    }
    return rc;
}

/*
 * Pinned workers get the connections whose packets their CPU handles. Where the kernel does not let
 * us, or several workers share a CPU, it spreads them by a hash.
 */
static void steer(const struct sink *s, int fd)
{
    int cpus[THREADS_MAX];

    if (!s->config->threads.pin || s->worker_count < 2)
        return;
    for (uint64_t i = 0; i < s->worker_count; i++) {
        cpus[i] = threads_cpu(i);
        if (cpus[i] < 0 || (i > 0 && cpus[i] == cpus[0]))
            return;
    }
    (void)reuseport_steer(fd, cpus, s->worker_count);
}

static int open_doors(struct sink *s, const struct endpoint *e, struct diag *d)
{
    int backlog = s->config->backlog < INT32_MAX ? (int)s->config->backlog : INT32_MAX;
    int rc = 0;

    for (uint64_t i = 0; i < s->worker_count; i++) {
        s->workers[i].doors = calloc(e->count, sizeof *s->workers[i].doors);
        if (!s->workers[i].doors)
            return no_memory(d);
    }
    for (size_t i = 0; i < e->count && rc == 0; i++) {
        int fd = address_listen(&e->addresses[i], backlog, d);

        if (is_missing_family(fd, s, e->count - i))
            continue;
        if (fd < 0)
            return fd;
        s->new_port |= e->addresses[i].sa.sa_family != AF_UNIX && !address_port(&e->addresses[i]);
        rc = add_door(&s->workers[0], fd, d);
        if (rc == 0)
            rc = add_doors_beside(s, fd, backlog, d);
        if (rc == 0 && e->addresses[i].sa.sa_family != AF_UNIX)
            steer(s, fd);
    }
    return rc;
}

static int open_workers(struct sink *s, struct diag *d)
{
    uint64_t count = threads_count(&s->config->threads, THREADS_MAX);
    size_t size = count * sizeof *s->workers;

    s->workers = aligned_alloc(_Alignof(struct worker), size);
    if (!s->workers)
        return no_memory(d);
    memset(s->workers, 0, size);
    for (s->worker_count = 0; s->worker_count < count; s->worker_count++) {
        struct worker *w = &s->workers[s->worker_count];

        w->sink = s;
        w->index = s->worker_count;
        w->config = s->config;
        (void)pthread_mutex_init(&w->lock, NULL);
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

/* Before privileges are given up: files are read here. */
static int open_tls(struct sink *s, struct diag *d)
{
    const struct sink_config *cf = s->config;
    int rc;

    if (cf->tls_mode == SINK_TLS_NO)
        return 0;
    rc = cf->tls.cert ? tls_identity_load(&s->identity, &cf->tls, d)
                      : tls_identity_make(&s->identity, cf->server.hostname, d);
    if (rc < 0)
        return rc;
    for (uint64_t i = 0; i < s->worker_count; i++) {
        s->workers[i].tls = tls_context_server(&cf->tls, &s->identity, d);
        if (!s->workers[i].tls)
            return -EINVAL;
    }
    return 0;
}

/* Likewise. What is announced hangs on who can connect, so the doors are open already. */
static int open_auth(struct sink *s, struct diag *d)
{
    struct sink_config *cf = s->config;
    int rc = 0;

    if (!cf->users && !auth_server_wanted(&cf->auth))
        return 0;
    if (!cf->users && cf->auth.users_file) {
        rc = auth_users_load(&s->users, cf->auth.users_file, d);
        if (rc == 0)
            rc = auth_users_unique(&s->users, cf->auth.users_file, d);
        if (rc < 0)
            return rc;
        cf->users = &s->users;
    }
    s->policy.refused = cf->auth.refused;
    s->policy.mechanisms =
        auth_server_mechanisms(&cf->auth, cf->users != NULL, cf->server.auth_mechanisms,
                               sizeof cf->server.auth_mechanisms);
    cf->server.announced[EXT_AUTH] = !cf->server.no_auth;
    cf->server.auth_clear = cf->auth.insecure || sink_is_local(s);
    cf->server.auth_required = cf->auth.required;
    for (uint64_t i = 0; i < s->worker_count; i++) {
        s->workers[i].auth = auth_context_new(cf->users);
        if (!s->workers[i].auth)
            return no_memory(d);
    }
    return 0;
}

int sink_open(struct sink **out, struct sink_config *cf, struct diag *d)
{
    struct sink *s = aligned_alloc(_Alignof(struct sink), sizeof *s);
    struct endpoint e = {0};
    int rc;

    cf->server.announced[EXT_STARTTLS] = cf->tls_mode == SINK_TLS_STARTTLS;
    rc = s ? 0 : no_memory(d);
    if (s) {
        memset(s, 0, sizeof *s);
        (void)pthread_mutex_init(&s->tally.screen, NULL);
    }
    if (rc == 0) {
        s->config = cf;
        raise_limit();
        rc = open_workers(s, d);
    }
    if (rc == 0) {
        warn_of_limit(s);
        rc = open_tls(s, d);
    }
    if (rc == 0 && cf->profile)
        rc = open_profile(s, d);
    if (rc == 0)
        rc = endpoint_resolve_listener(&e, cf->listen, cf->family, d);
    if (rc == 0) {
        rc = open_doors(s, &e, d);
        endpoint_done(&e);
    }
    if (rc == 0)
        rc = open_auth(s, d);
    if (rc == 0)
        rc = server_config_freeze(&cf->server, d);
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
    for (uint64_t i = 0; i < s->worker_count; i++) {
        for (size_t k = 0; k < s->workers[i].door_count; k++)
            (void)close(s->workers[i].doors[k].listener.fd);
        free(s->workers[i].doors);
        tls_context_free(s->workers[i].tls);
        auth_context_free(s->workers[i].auth);
        (void)pthread_mutex_destroy(&s->workers[i].lock);
    }
    free(s->workers);
    (void)pthread_mutex_destroy(&s->tally.screen);
    behaviour_free(s->behaviour);
    profile_done(&s->profile);
    tls_identity_done(&s->identity);
    auth_users_done(&s->users);
    if (s->config)
        server_config_done(&s->config->server);
    free(s);
}

static int door_address(const struct door *door, struct address *a)
{
    return address_bound(door->listener.fd, a);
}

const uint8_t *sink_certificate(const struct sink *s)
{
    return s->identity.digest;
}

int sink_address(const struct sink *s, struct address *out)
{
    return door_address(&s->workers[0].doors[0], out);
}

bool sink_is_local(const struct sink *s)
{
    for (size_t i = 0; i < s->workers[0].door_count; i++) {
        struct address a;

        if (door_address(&s->workers[0].doors[i], &a) < 0 || !address_is_local(&a))
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
    for (size_t i = 0; i < s->workers[0].door_count; i++) {
        struct address a;
        char text[150] = "?";
        int n;

        if (door_address(&s->workers[0].doors[i], &a) == 0)
            (void)address_text(&a, text, sizeof text);
        n = snprintf(out + at, size - at, "%s%s", i ? ", " : "", text);
        if (n < 0 || (size_t)n >= size - at)
            break;
        at += (size_t)n;
    }
    return out;
}

void sink_wake(struct sink *s)
{
    for (uint64_t i = 0; i < s->worker_count; i++) {
        struct io *io = atomic_load(&s->workers[i].waker);

        if (io)
            io_wake(io);
    }
}

void sink_stop(struct sink *s)
{
    atomic_fetch_add(&s->stop, 1);
    sink_wake(s);
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

static int begin_capture(struct worker *w, uint32_t base, struct diag *d)
{
    const struct capture_place place = {.io = w->io,
                                        .base = base,
                                        .index = (uint32_t)w->index,
                                        .count = (uint32_t)w->sink->worker_count};

    if (!w->config->capture)
        return 0;
    return capture_new(&w->capture, w->config->capture, &w->config->server, &place, d);
}

static void end_capture(struct worker *w)
{
    if (w->capture)
        w->account.numbers.unrecorded = capture_unrecorded(w->capture);
    capture_free(w->capture);
    w->capture = NULL;
}

/* Before any of them runs. */
static int begin_worker(struct worker *w, uint32_t base, struct diag *d)
{
    struct sink *s = w->sink;
    const struct sink_config *cf = s->config;

    w->context = (struct server_context){.config = &cf->server, .hooks = sink_session_hooks(cf)};
    w->behaviour = s->behaviour;
    if (cf->plan.active || w->behaviour)
        w->context.judge = sink_session_judge;
    if (w->behaviour)
        w->context.verdict = sink_session_verdict;
    if (w->auth)
        w->context.auth = sink_session_auth;
    if (cf->counters || cf->stop_messages || cf->stop_sessions)
        w->tally = &s->tally;
    w->last = &w->first;
    w->io->options.buffer = (uint32_t)cf->window;
    atomic_store(&w->waker, w->io);
    return begin_capture(w, base, d);
}

/* After all have ended. */
static void end_worker(struct worker *w)
{
    end_capture(w);
    if (w->open == 0)
        io_free(w->io);
    w->io = NULL;
    pool_done(&w->pool);
    sink_publish(w);
}

static void *run(void *arg)
{
    sink_work(arg);
    return NULL;
}

/* Runs the workers, the first here. */
static int work(struct sink *s, struct diag *d)
{
    uint64_t started = 1;
    int rc = 0;

    while (rc == 0 && started < s->worker_count) {
        struct worker *w = &s->workers[started];

        rc = threads_start(&s->config->threads, started, &w->thread, run, w, d);
        started += rc == 0;
    }
    if (rc == 0)
        rc = threads_pin_self(&s->config->threads, 0, d);
    if (rc < 0) {
        sink_stop(s);
        sink_stop(s);
    } else {
        sink_work(&s->workers[0]);
    }
    for (uint64_t i = 1; i < started; i++)
        (void)pthread_join(s->workers[i].thread, NULL);
    for (uint64_t i = 0; i < s->worker_count && rc == 0; i++) {
        rc = s->workers[i].rc;
        if (rc < 0)
            *d = s->workers[i].diag;
    }
    return rc;
}

int sink_serve(struct sink *s, struct diag *d)
{
    uint32_t base = (uint32_t)process_random();
    int rc = io_new_all(&s->config->io, &s->workers->io, sizeof *s->workers, s->worker_count, d);

    for (uint64_t i = 0; i < s->worker_count && rc == 0; i++)
        rc = begin_worker(&s->workers[i], base, d);
    if (rc == 0)
        rc = work(s, d);
    for (uint64_t i = 0; i < s->worker_count; i++)
        atomic_store(&s->workers[i].waker, NULL);
    for (uint64_t i = 0; i < s->worker_count; i++)
        end_worker(&s->workers[i]);
    return rc;
}

void sink_numbers(struct sink *s, struct sink_numbers *out)
{
    sink_sum(s, out);
}
