/*
 * Turns to connect, in order and at a rate.
 */
#include "line.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#include "load.h"
#include "session.h"

static void timer_fired(struct timer *t)
{
    line_next((struct line *)(void *)((char *)t - offsetof(struct line, timer)));
}

/* Lines with a rate begin one after the other, so that their sum is even. */
int line_init(struct line *l, struct io *io, const struct load *load, uint64_t index)
{
    const struct load_settings *s = load->settings;
    uint64_t lines = load->worker_count;

    *l = (struct line){.io = io, .load = load, .timer = {.fire = timer_fired}};
    l->parallel = s->connect_parallel / lines + (index < s->connect_parallel % lines);
    if (l->parallel == 0)
        l->parallel = 1;
    l->period = s->rate_period * lines;
    if (s->rate_count && index > 0)
        l->due = io_clock(io) + s->rate_period / s->rate_count * index;
    l->queues = calloc(load->targets->count, sizeof *l->queues);
    return l->queues ? 0 : -ENOMEM;
}

void line_done(struct line *l)
{
    free(l->queues);
    l->queues = NULL;
}

void line_join(struct line *l, struct session *s)
{
    struct line_queue *q = &l->queues[s->target];

    s->next = NULL;
    if (q->last)
        q->last->next = s;
    else
        q->first = s;
    q->last = s;
}

void line_join_first(struct line *l, struct session *s)
{
    struct line_queue *q = &l->queues[s->target];

    s->next = q->first;
    if (!q->first)
        q->last = s;
    q->first = s;
}

struct session *line_take(struct line *l, uint32_t target)
{
    struct session *all = l->queues[target].first;

    l->queues[target].first = l->queues[target].last = NULL;
    return all;
}

void line_clear(struct line *l)
{
    for (uint32_t i = 0; i < l->load->targets->count; i++)
        (void)line_take(l, i);
}

void line_leave(struct line *l, const struct session *s)
{
    l->queues[s->target].connecting--;
}

/* Moves on to when the one behind this may begin. The fraction is kept: no rate drifts. */
static void pace(struct line *l, uint64_t now)
{
    const struct load_settings *s = l->load->settings;

    /* What comes late because of a timer is made up for; the time when nobody was in line is not.
     */
    if (!l->paced) {
        l->due = now;
        l->rest = 0;
    }
    l->due += l->period / s->rate_count;
    l->rest += l->period % s->rate_count;
    if (l->rest >= s->rate_count) {
        l->rest -= s->rate_count;
        l->due++;
    }
}

/* Whether the rate lets the next one begin; if not, the timer is set. */
static bool may_begin(struct line *l)
{
    uint64_t now;

    if (l->load->settings->rate_count == 0)
        return true;
    now = io_clock(l->io);
    if (now < l->due) {
        l->paced = true;
        io_timer_set(l->io, &l->timer, l->due);
        return false;
    }
    pace(l, now);
    return true;
}

/* The queue whose first session may go next; NULL: none may. */
static struct line_queue *next_queue(struct line *l)
{
    struct line_queue *next = NULL;

    for (uint32_t i = 0; i < l->load->targets->count; i++) {
        struct line_queue *q = &l->queues[i];

        if (q->first && q->connecting < l->parallel &&
            (!next || q->first->connection < next->first->connection))
            next = q;
    }
    return next;
}

void line_next(struct line *l)
{
    struct line_queue *q;

    if (run_stop(&l->load->control) == RUN_ABORT)
        return;
    while ((q = next_queue(l)) != NULL) {
        struct session *s = q->first;

        if (!may_begin(l))
            return;
        q->first = s->next;
        if (!q->first)
            q->last = NULL;
        q->connecting++;
        session_connect(s);
    }
    l->paced = false;
}
