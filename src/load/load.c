/*
 * Starting and ending the workers of a load, and adding up what they recorded.
 */
#include "load.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "limits.h"
#include "session.h"
#include "transactions.h"
#include "units.h"
#include "worker.h"

/* The load that a mail belongs to: its form is in there. */
static const struct load *load_of(const struct client_mail *m)
{
    return (const struct load *)((const char *)m->form - offsetof(struct load, form));
}

static size_t write_rcpt(struct client_mail *m, uint32_t index, char *out, size_t size)
{
    struct delivery *d = (struct delivery *)m;

    return mail_message_rcpt(&d->message, load_of(m)->content, index, out, size);
}

static size_t write_own(const struct client_mail *m, char out[CLIENT_OWN_MAX])
{
    const struct delivery *d = (const struct delivery *)m;

    return mail_message_own(&d->message, load_of(m)->content, out);
}

_Static_assert(CLIENT_OWN_MAX >= MAIL_OWN_MAX, "room for a message's own part");
_Static_assert(offsetof(struct delivery, mail) == 0, "a mail is the beginning of its delivery");

static struct client_content content_of(const struct slice *parts, uint32_t count)
{
    struct client_content c = {.parts = parts, .count = count};

    for (uint32_t i = 0; i < count; i++)
        c.size += parts[i].n;
    return c;
}

static struct client_form form_of(const struct mail_content *c)
{
    size_t sender = strlen(c->sender);
    size_t rcpt = c->rcpt_length + MAIL_NUMBER_MAX;

    return (struct client_form){
        .sender = slice_of(c->sender),
        .rcpt_count = (uint32_t)c->settings->rcpt_count,
        .path_max = (uint32_t)(sender > rcpt ? sender : rcpt),
        .utf8 = c->utf8,
        .stuffed = content_of(c->stuffed_parts, c->stuffed_count),
        .plain = content_of(c->plain_parts, c->plain_count),
        .rcpt = write_rcpt,
        .own = c->has_id ? write_own : NULL,
    };
}

static uint64_t sessions_of(const struct load_settings *s)
{
    return s->sessions < s->messages ? s->sessions : s->messages;
}

/* This one's share. */
static uint64_t share(uint64_t all, uint64_t i, uint64_t count)
{
    return all / count + (i < all % count);
}

uint64_t load_threads(const struct load_settings *s)
{
    return threads_count(&s->threads, sessions_of(s));
}

/* Joins those that were started, and frees all. */
static void end_workers(struct load *l, uint64_t started)
{
    for (uint64_t i = 0; i < started; i++)
        (void)pthread_join(l->workers[i].thread, NULL);
    if (l->transactions)
        transactions_end(l->transactions);
    for (uint64_t i = 0; i < l->worker_count; i++)
        worker_done(&l->workers[i]);
    free(l->workers);
    (void)close(l->done_fd);
}

int load_start(struct load *l, struct diag *d)
{
    const struct load_settings *s = l->settings;
    uint64_t sessions = sessions_of(s);
    uint64_t count = load_threads(s);
    uint64_t started = 0;
    int rc = limits_check(l, sessions + s->idle_sessions, d);

    if (rc < 0)
        return rc;
    l->form = form_of(l->content);
    l->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    l->workers = aligned_alloc(_Alignof(struct worker), count * sizeof *l->workers);
    if (l->done_fd < 0 || !l->workers)
        return diag_set(d, -ENOMEM, "out of memory");
    memset(l->workers, 0, count * sizeof *l->workers);
    l->usage = calloc(count, sizeof *l->usage);
    atomic_store(&l->begin, NS_NEVER);
    atomic_store(&l->warming, s->warmup > 0);
    atomic_store(&l->control.held, false);
    atomic_store(&l->control.held_ns, 0);
    l->worker_count = count;
    if (l->transactions)
        rc = transactions_begin(l->transactions, l, d);
    if (rc == 0)
        rc = io_new_all(&l->io, &l->workers->io, sizeof *l->workers, l->worker_count, d);
    for (uint64_t i = 0; i < count && rc == 0; i++)
        rc = worker_init(&l->workers[i], l, share(sessions, i, count),
                         share(s->idle_sessions, i, count), d);
    atomic_store(&l->running, (unsigned)count);
    while (rc == 0 && started < count) {
        rc = worker_start(&l->workers[started], d);
        started += rc == 0;
    }
    if (rc < 0) {
        run_control_stop(&l->control, RUN_ABORT);
        load_wake(l);
        end_workers(l, started);
    }
    return rc;
}

void load_wake(struct load *l)
{
    for (uint64_t i = 0; i < l->worker_count; i++)
        if (l->workers[i].io)
            io_wake(l->workers[i].io);
}

/* true once for each worker: its interval was taken. */
static bool take_interval(struct worker *w, struct stats *interval, struct stats *total)
{
    struct stats *s = w->asked ? recorder_take(&w->recorder) : NULL;

    if (!s)
        return false;
    if (interval)
        stats_merge(interval, s);
    if (total)
        stats_merge(total, s);
    recorder_return(&w->recorder, s);
    w->asked = false;
    return true;
}

void load_interval(struct load *l, struct stats *interval, struct stats *total, unsigned patience)
{
    uint64_t missing = l->worker_count;

    for (uint64_t i = 0; i < l->worker_count; i++) {
        struct worker *w = &l->workers[i];

        /* What was not handed over in time is taken with this interval. */
        (void)take_interval(w, interval, total);
        (void)recorder_ask(&w->recorder);
        w->asked = true;
        io_wake(w->io);
    }
    for (unsigned round = 0; round < patience && missing > 0; round++) {
        if (round > 0)
            (void)nanosleep(&(struct timespec){.tv_nsec = (long)NS_PER_MS}, NULL);
        for (uint64_t i = 0; i < l->worker_count; i++)
            missing -= take_interval(&l->workers[i], interval, total);
    }
}

void load_hold(struct load *l, uint64_t now)
{
    if (run_held(&l->control))
        return;
    l->held_at = now;
    atomic_store(&l->control.held, true);
    load_wake(l);
}

void load_go_on(struct load *l, uint64_t now)
{
    if (!run_held(&l->control))
        return;
    atomic_store(&l->control.held_ns, atomic_load(&l->control.held_ns) + (now - l->held_at));
    atomic_store_explicit(&l->control.held, false, memory_order_release);
    load_wake(l);
}

uint64_t load_began(const struct load *l)
{
    uint64_t begin = atomic_load(&l->begin);

    return begin == NS_NEVER ? NS_NEVER : begin + atomic_load(&l->control.held_ns);
}

/* -m asked for so many, but for a run that ends by time or at a rate: there it is a bound. */
static uint64_t never_started(const struct load_settings *s, uint64_t ended)
{
    return s->schedule.count || s->length != NS_NEVER ? 0 : s->messages - ended;
}

static uint64_t beyond(uint64_t all, uint64_t part)
{
    return all > part ? all - part : 0;
}

void load_finish(struct load *l, struct stats *rest, uint64_t ended_before)
{
    uint64_t began = NS_NEVER, over = 0, taken = 0;
    uint64_t ended, missed;
    uint64_t held = atomic_load(&l->control.held_ns);

    for (uint64_t i = 0; i < l->worker_count; i++) {
        struct worker *w = &l->workers[i];

        (void)pthread_join(w->thread, NULL);
        began = w->started_at < began ? w->started_at : began;
        over = w->ended_at > over ? w->ended_at : over;
        taken += w->taken;
        recorder_drain(&w->recorder, rest);
        if (l->usage)
            l->usage[i] = (struct load_usage){beyond(w->ended_at - w->started_at, held),
                                              w->used.cpu_ns, w->used.wait_ns};
    }
    l->elapsed = beyond(over - began, held);
    l->ended_at = over;
    ended = stats_offered(rest) + ended_before;
    /*
     * Every message taken has ended exactly once; the rest was never started, what a worker had for
     * itself when the run was stopped included.
     */
    assert(ended == taken);
    missed = never_started(l->settings, ended);
    stats_add(rest, COUNTER_MESSAGES_MISSED, missed);
    stats_recipients(rest, OUTCOME_MISSED, missed * l->content->settings->rcpt_count);
    /* Another run of this load goes on with the numbers behind these. */
    l->number_base += l->settings->schedule.count ? schedule_starts(&l->settings->schedule)
                                                  : atomic_load(&l->next);
    end_workers(l, 0);
}

void load_done(struct load *l)
{
    free(l->usage);
    l->usage = NULL;
    l->worker_count = 0;
    atomic_store(&l->next, 0);
    atomic_store(&l->exhausted, false);
}
