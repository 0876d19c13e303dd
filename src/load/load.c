/*
 * Starting and ending the workers of a load, and adding up what they recorded.
 */
#include "load.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "limits.h"
#include "session.h"
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
    return (struct client_form){
        .sender = slice_of(c->sender),
        .rcpt_count = (uint32_t)c->settings->rcpt_count,
        .stuffed = content_of(c->stuffed_parts, c->stuffed_count),
        .plain = content_of(c->plain_parts, c->plain_count),
        .rcpt = write_rcpt,
        .own = c->has_id ? write_own : NULL,
    };
}

int load_start(struct load *l, struct diag *d)
{
    const struct load_settings *s = l->settings;
    uint64_t sessions = s->sessions < s->messages ? s->sessions : s->messages;
    int rc = limits_check(l, sessions, d);

    if (rc < 0)
        return rc;
    l->form = form_of(l->content);
    l->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    l->worker = calloc(1, sizeof *l->worker);
    if (l->done_fd < 0 || !l->worker)
        return diag_set(d, -ENOMEM, "out of memory");
    rc = worker_start(l->worker, l, sessions, d);
    if (rc < 0) {
        worker_done(l->worker);
        free(l->worker);
        (void)close(l->done_fd);
    }
    return rc;
}

void load_wake(struct load *l)
{
    io_wake(l->worker->io);
}

void load_interval(struct load *l, struct stats *interval, struct stats *total)
{
    struct recorder *r = &l->worker->recorder;
    struct stats *s = NULL;

    /* An interval not handed over in time is taken with the next one. */
    (void)recorder_ask(r);
    io_wake(l->worker->io);
    for (int i = 0; i < 20 && !(s = recorder_take(r)); i++)
        (void)nanosleep(&(struct timespec){.tv_nsec = (long)NS_PER_MS}, NULL);
    if (!s)
        return;
    if (interval)
        stats_merge(interval, s);
    if (total)
        stats_merge(total, s);
    recorder_return(r, s);
}

void load_finish(struct load *l, struct stats *total)
{
    struct worker *w = l->worker;
    uint64_t ended;

    worker_join(w);
    l->elapsed = w->ended_at - w->started_at;
    recorder_drain(&w->recorder, total);
    ended = stats_offered(total);
    /* Every message taken has ended exactly once; the rest was never started. */
    assert(ended == w->taken);
    stats_add(total, COUNTER_MESSAGES_MISSED, l->settings->messages - ended);
    stats_recipients(total, OUTCOME_MISSED,
                     (l->settings->messages - ended) * l->content->settings->rcpt_count);
    assert(stats_check(total));
    worker_done(w);
    free(w);
    (void)close(l->done_fd);
}
