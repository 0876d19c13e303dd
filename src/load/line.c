/*
 * Turns to connect, in order and at a rate.
 */
#include "line.h"

#include <stddef.h>

#include "load.h"
#include "session.h"

static void timer_fired(struct timer *t)
{
    line_next((struct line *)(void *)((char *)t - offsetof(struct line, timer)));
}

/* Lines with a rate begin one after the other, so that their sum is even. */
void line_init(struct line *l, struct io *io, const struct load *load, uint64_t index)
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
}

void line_join(struct line *l, struct session *s)
{
    s->next = NULL;
    if (l->last)
        l->last->next = s;
    else
        l->first = s;
    l->last = s;
}

void line_join_first(struct line *l, struct session *s)
{
    s->next = l->first;
    if (!l->first)
        l->last = s;
    l->first = s;
}

void line_clear(struct line *l)
{
    l->first = l->last = NULL;
}

void line_leave(struct line *l)
{
    l->connecting--;
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

void line_next(struct line *l)
{
    if (run_stop(&l->load->control) == RUN_ABORT)
        return;
    while (l->first && l->connecting < l->parallel) {
        struct session *s = l->first;

        if (!may_begin(l))
            return;
        l->first = s->next;
        if (!l->first)
            l->last = NULL;
        l->connecting++;
        session_connect(s);
    }
    l->paced = false;
}
