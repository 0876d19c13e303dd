/*
 * The queue of what is to come: a heap, by time and then by age.
 */
#include <stdlib.h>

#include "sim_impl.h"
#include "units.h"

static bool before(const struct event *a, const struct event *b)
{
    return a->time < b->time || (a->time == b->time && a->order < b->order);
}

static void push(struct sim_world *w, struct event e)
{
    size_t at = w->event_count++;

    if (at == w->event_capacity) {
        w->event_capacity = at ? 2 * at : 256;
        w->events = realloc(w->events, w->event_capacity * sizeof *w->events);
        sim_check(w, w->events != NULL, "out of memory");
    }
    e.order = w->order++;
    while (at > 0 && before(&e, &w->events[(at - 1) / 2])) {
        w->events[at] = w->events[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    w->events[at] = e;
}

void sim_queue(struct sim_world *w, uint64_t time, enum event_kind kind, struct end *end,
               uint64_t n)
{
    push(w, (struct event){.time = time, .kind = kind, .end = end, .n = n});
}

void sim_queue_call(struct sim_world *w, uint64_t time, void (*fn)(void *), void *arg)
{
    push(w, (struct event){.time = time, .kind = EVENT_CALL, .fn = fn, .arg = arg});
}

uint64_t sim_next(const struct sim_world *w)
{
    return w->event_count ? w->events[0].time : NS_NEVER;
}

struct event sim_pop(struct sim_world *w)
{
    struct event top = w->events[0];
    struct event last = w->events[--w->event_count];
    size_t at = 0;

    for (;;) {
        size_t child = 2 * at + 1;

        if (child >= w->event_count)
            break;
        if (child + 1 < w->event_count && before(&w->events[child + 1], &w->events[child]))
            child++;
        if (!before(&w->events[child], &last))
            break;
        w->events[at] = w->events[child];
        at = child;
    }
    w->events[at] = last;
    return top;
}
