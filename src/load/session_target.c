/*
 * Sessions among several targets. Where there is one, nothing of this does anything.
 *
 * A session whose connection can't be made, or never gets ready for mail, does not wait itself: its
 * target does, for the whole worker, and the session goes on to the next. So a server that is down
 * costs the others nothing but its share of the load, which they get.
 */
#include "session_target.h"

#include <stdio.h>

#include "backoff.h"

/* Is there anything to choose from, and anything to go on to? */
static bool passes_over(const struct worker *w)
{
    return w->load->targets->count > 1 && w->load->settings->keep_going;
}

uint64_t session_turn(const struct session *s)
{
    return rotation_before(&s->worker->load->targets->rotation, s->connection - 1);
}

static bool may_try(const struct worker_target *t, uint64_t now)
{
    return t->failures == 0 || (now >= t->rests_until && !t->tried);
}

/* All rest: when the first of them has rested. Those that are being tried may be well any time. */
static uint64_t rested(struct worker *w, uint64_t now)
{
    uint64_t until = now + BACKOFF_MAX / 2 + rng_below(&w->rng, BACKOFF_MAX / 2);

    for (uint32_t i = 0; i < w->load->targets->count; i++)
        if (!w->targets[i].tried && w->targets[i].rests_until < until)
            until = w->targets[i].rests_until;
    return until;
}

bool session_choose(struct session *s, uint64_t now)
{
    struct worker *w = s->worker;
    struct load *l = w->load;
    bool any = !passes_over(w);

    for (uint32_t i = 0; i < l->targets->count && !any; i++)
        any = may_try(&w->targets[i], now);
    if (!any) {
        s->pause_until = rested(w, now);
        return false;
    }
    do {
        s->connection = 1 + atomic_fetch_add_explicit(&l->connections, 1, memory_order_relaxed);
        s->target = (uint8_t)rotation_at(&l->targets->rotation, s->connection - 1);
    } while (passes_over(w) && !may_try(&w->targets[s->target], now));
    w->targets[s->target].tried = w->targets[s->target].failures > 0;
    return true;
}

void session_target_well(struct session *s)
{
    struct worker_target *t = &s->worker->targets[s->target];

    t->failures = 0;
    t->tried = false;
}

/* Those in line for it have no message yet, and go elsewhere. */
static void send_away(struct worker *w, uint32_t target)
{
    struct session *next;

    for (struct session *s = line_take(&w->line, target); s; s = next) {
        next = s->next;
        session_begin(s);
    }
}

void session_target_failed(struct session *s)
{
    struct worker *w = s->worker;
    struct worker_target *t = &w->targets[s->target];
    uint64_t now;

    if (!passes_over(w) || s->again)
        return;
    t->tried = false;
    if (!s->failed)
        return;
    s->failed = false;
    now = io_clock(w->io);
    /* Of several that were under way the first has told. */
    if (t->failures && now < t->rests_until)
        return;
    t->failures += t->failures < UINT16_MAX;
    t->rests_until = now + backoff_delay(t->failures, &w->rng);
    send_away(w, s->target);
}

const char *session_where(const struct session *s, char out[SESSION_WHERE_SIZE])
{
    out[0] = '\0';
    if (s->worker->load->targets->count > 1)
        (void)snprintf(out, SESSION_WHERE_SIZE, " (%s)", session_target(s)->text);
    return out;
}
