/*
 * One thread of a sink: its loop, its end, its account.
 */
#include <unistd.h>

#include "process.h"
#include "sink_impl.h"
#include "units.h"

/* How long a stop waits: for replies that are already due, then for clients to see the end. */
#define DRAIN_TIME (1 * NS_PER_S)
#define LEAVE_TIME (20 * NS_PER_MS)

/* The peer's counters: rewritten in place at every event. */
static void show_counters(const struct worker *w)
{
    struct tally *t = w->tally;
    char line[100];
    int n;

    if (!w->config->counters)
        return;
    (void)pthread_mutex_lock(&t->screen);
    n = snprintf(line, sizeof line, "sess=%llu quit=%llu mesg=%llu\r",
                 (unsigned long long)atomic_load(&t->sessions),
                 (unsigned long long)atomic_load(&t->quits),
                 (unsigned long long)atomic_load(&t->messages));
    if (write(STDOUT_FILENO, line, (size_t)n) < 0)
        n = 0; /* nobody looks: no reason to stop serving */
    (void)pthread_mutex_unlock(&t->screen);
}

void sink_tally(struct worker *w, uint64_t count, uint64_t limit)
{
    show_counters(w);
    if (!limit || count < limit)
        return;
    w->context.halt = SERVER_HALTS;
    if (!atomic_exchange(&w->sink->complete, true))
        sink_wake(w->sink);
}

static bool goes_on(const struct sink *s)
{
    return !atomic_load_explicit(&s->stop, memory_order_relaxed) &&
           !atomic_load_explicit(&s->complete, memory_order_relaxed);
}

/*
 * Said once: the driver tries again, and clients wait for their greeting meanwhile. At the end
 * another worker may have shut down a socket that is shared.
 */
static void accept_failed(struct io_listener *l, int error)
{
    struct worker *w = ((struct door *)(void *)l)->worker;

    if (!w->accept_failed && goes_on(w->sink))
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

    if (w->doors_paused && !w->context.halt)
        sink_session_admit(w);
    sink_flush(w);
    return rc;
}

/* Turns while some session passes the test, until the limit or a second request to stop. */
static int finish(struct worker *w, bool (*test)(const struct session *), uint64_t limit)
{
    int rc = 0;

    while (rc == 0 && is_any(w, test) && io_now(w->io) < limit && atomic_load(&w->sink->stop) < 2)
        rc = turn(w, limit);
    return rc;
}

/*
 * Open transactions may finish, unless the sink has seen enough; then replies that are due still
 * reach their clients, and nothing more is read.
 */
static int wind_up(struct worker *w)
{
    bool complete = atomic_load(&w->sink->complete);
    uint64_t grace = w->config->grace;
    uint64_t limit = io_clock(w->io) + grace;
    int rc = 0;

    for (size_t i = 0; i < w->door_count; i++) {
        io_unlisten(w->io, &w->doors[i].listener);
        (void)shutdown(w->doors[i].listener.fd, SHUT_RDWR); /* new clients are refused at once */
    }
    if (!complete && grace > 0) {
        w->context.halt = SERVER_LEAVES;
        each_open(w, sink_session_leave);
        sink_flush(w);
        rc = finish(w, sink_session_unfinished, limit);
    }
    w->context.halt = SERVER_HALTS;
    limit = io_clock(w->io) + (complete && grace > DRAIN_TIME ? grace : DRAIN_TIME);
    if (rc == 0)
        rc = finish(w, sink_session_busy, limit);
    each_open(w, sink_session_abort);
    limit = io_clock(w->io) + LEAVE_TIME;
    while (rc == 0 && w->open > 0 && io_now(w->io) < limit)
        rc = turn(w, limit);
    each_open(w, sink_session_cut);
    while (rc == 0 && w->open > 0)
        rc = turn(w, NS_NEVER);
    return rc;
}

void sink_publish(struct worker *w)
{
    struct sink_numbers *n = &w->account.numbers;

    n->messages = w->context.messages;
    n->recipients = w->context.recipients;
    n->octets = w->context.octets;
    memcpy(n->refused, w->context.refused, sizeof n->refused);
    (void)pthread_mutex_lock(&w->lock);
    w->shown = w->account;
    (void)pthread_mutex_unlock(&w->lock);
}

static void add(struct account *sum, const struct account *a)
{
    struct sink_numbers *to = &sum->numbers;
    const struct sink_numbers *n = &a->numbers;

    to->sessions += n->sessions;
    to->peak = n->peak > to->peak ? n->peak : to->peak;
    to->quits += n->quits;
    to->aborted += n->aborted;
    to->lost += n->lost;
    to->messages += n->messages;
    to->recipients += n->recipients;
    to->octets += n->octets;
    to->tls_full += n->tls_full;
    to->tls_resumed += n->tls_resumed;
    to->tls_failed += n->tls_failed;
    kinds_merge(&to->tls, &n->tls);
    to->auth_attempts += n->auth_attempts;
    to->auth_accepted += n->auth_accepted;
    to->auth_refused += n->auth_refused;
    kinds_merge(&to->auth, &n->auth);
    kinds_merge(&to->auth_refusals, &n->auth_refusals);
    to->received_bytes += n->received_bytes;
    to->sent_bytes += n->sent_bytes;
    to->unrecorded += n->unrecorded;
    for (int i = 0; i < SERVER_VERB_COUNT; i++)
        to->refused[i] += n->refused[i];
    if (a->first_begin && (!sum->first_begin || a->first_begin < sum->first_begin))
        sum->first_begin = a->first_begin;
    if (a->last_end > sum->last_end)
        sum->last_end = a->last_end;
}

void sink_sum(struct sink *s, struct sink_numbers *out)
{
    struct process_usage usage;
    struct account sum = {0};

    for (uint64_t i = 0; i < s->worker_count; i++) {
        struct worker *w = &s->workers[i];

        (void)pthread_mutex_lock(&w->lock);
        add(&sum, &w->shown);
        (void)pthread_mutex_unlock(&w->lock);
    }
    process_usage(&usage);
    *out = sum.numbers;
    out->elapsed_ns = sum.last_end > sum.first_begin ? sum.last_end - sum.first_begin : 0;
    out->cpu_user_ns = usage.user_ns;
    out->cpu_system_ns = usage.system_ns;
    out->peak_rss_bytes = usage.peak_bytes;
    out->workers = s->worker_count;
    out->ended = atomic_load(&s->complete) ? SINK_COMPLETE : SINK_STOPPED;
}

/* Each worker makes its account known; the first one tells the sum. */
static void tell_progress(struct timer *t)
{
    struct worker *w = (struct worker *)(void *)((char *)t - offsetof(struct worker, progress));
    struct sink_numbers numbers;

    sink_publish(w);
    if (w->index == 0) {
        sink_sum(w->sink, &numbers);
        w->config->progress(w->config->progress_arg, &numbers);
    }
    io_timer_set(w->io, t, io_now(w->io) + NS_PER_S);
}

/* A worker that fails takes the others with it, at once. */
static void fail(struct worker *w)
{
    atomic_fetch_add(&w->sink->stop, 2);
    sink_wake(w->sink);
}

void sink_work(struct worker *w)
{
    int rc = 0;

    for (size_t i = 0; i < w->door_count && rc == 0; i++) {
        w->doors[i].listener.accept = sink_session_accept;
        w->doors[i].listener.failed = accept_failed;
        rc = io_listen(w->io, &w->doors[i].listener, &w->diag);
    }
    if (rc == 0) {
        w->progress.fire = tell_progress;
        if (w->config->progress)
            io_timer_set(w->io, &w->progress, io_clock(w->io) + NS_PER_S);
        while (rc == 0 && goes_on(w->sink))
            rc = turn(w, NS_NEVER);
        if (rc == 0)
            rc = wind_up(w);
        io_timer_cancel(w->io, &w->progress);
        if (rc < 0)
            (void)diag_set(&w->diag, rc, "the I/O driver failed: %s", strerror(-rc));
    }
    w->rc = rc;
    if (rc < 0)
        fail(w);
}
