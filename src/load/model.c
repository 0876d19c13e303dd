/*
 * Load models at work: between the pacer, which knows when, and the sessions, which do.
 */
#include "model.h"

#include "session.h"
#include "transaction_track.h"
#include "units.h"
#include "worker.h"

/* What is in line when the schedule ends is still taken for so long; the rest is missed. */
#define GRACE NS_PER_S

/* --spin: from so long before a start on the worker does not sleep. */
#define SPIN (200 * NS_PER_US)

static const struct load_settings *settings(const struct worker *w)
{
    return w->load->settings;
}

static void set_level(struct worker *w, uint64_t now)
{
    const struct schedule *s = &settings(w)->session_stages;
    struct model *m = &w->model;
    uint64_t at = now - m->begin;
    uint64_t count = w->load->worker_count;
    uint64_t index = (uint64_t)(w - w->load->workers);
    uint64_t all = schedule_level(s, at);
    uint64_t change = schedule_change(s, at);

    /* The run's session k is with worker k modulo their number. */
    m->level = all > index ? (all - index + count - 1) / count : 0;
    m->level_at = change == NS_NEVER ? NS_NEVER : m->begin + change;
}

void model_init(struct worker *w, uint64_t begin)
{
    const struct load_settings *s = settings(w);
    struct model *m = &w->model;
    struct arrivals first;

    *m = (struct model){.begin = begin, .end = NS_NEVER, .over_at = NS_NEVER, .level_at = NS_NEVER};
    m->held_ns = atomic_load(&w->load->control.held_ns);
    m->paced = s->schedule.count > 0;
    m->level = w->session_count;
    if (s->length != NS_NEVER)
        m->end = begin + s->length + (m->paced ? GRACE : 0);
    if (s->session_stages.count)
        set_level(w, begin);
    m->on = m->paced || m->end != NS_NEVER || s->session_stages.count;
    if (!m->paced)
        return;
    arrivals_init(&first, &s->schedule, (enum arrival_kind)s->arrival, w->load->seed, s->messages,
                  (uint32_t)(w - w->load->workers), (uint32_t)w->load->worker_count);
    pacer_init(&m->pacer, &first, begin);
}

/* ---- Free sessions ---- */

void model_park(struct session *s, uint64_t now)
{
    struct model *m = &s->worker->model;

    if (s->parked)
        return;
    s->parked = true;
    s->next = NULL;
    s->previous = m->free_last;
    if (m->free_last)
        m->free_last->next = s;
    else
        m->free_first = s;
    m->free_last = s;
    pacer_free(&m->pacer, now);
}

void model_unpark(struct session *s)
{
    struct model *m = &s->worker->model;

    if (!s->parked)
        return;
    s->parked = false;
    if (s->previous)
        s->previous->next = s->next;
    else
        m->free_first = s->next;
    if (s->next)
        s->next->previous = s->previous;
    else
        m->free_last = s->previous;
    if (!m->free_first)
        pacer_none_free(&m->pacer);
}

void model_unclaim(struct session *s)
{
    if (s->claim)
        pacer_unclaim(&s->worker->model.pacer);
    s->claim = false;
}

bool model_wanted(const struct session *s)
{
    const struct worker *w = s->worker;

    if (s->stays || w->model.level >= w->session_count)
        return true;
    return (uint64_t)((const char *)s - w->sessions) / w->session_size < w->model.level;
}

void model_begun(struct worker *w)
{
    /* They were free from the first moment on; that beginning takes time is the generator's. */
    if (w->model.free_first)
        w->model.pacer.free_since = w->model.begin;
}

/* ---- Starts ---- */

static void judged(struct worker *w, uint64_t lag, bool waited)
{
    stats_add(w->stats, COUNTER_STARTS_WAITED, waited);
    if (lag != NS_NEVER)
        hist_record(&w->stats->lag, lag);
}

bool model_take(struct session *s, uint64_t now, struct start *start)
{
    struct worker *w = s->worker;

    model_unclaim(s);
    if (w->model.over_at != NS_NEVER || !pacer_take(&w->model.pacer, now, start))
        return false;
    judged(w, start->lag, start->waited);
    model_unpark(s);
    return true;
}

/* All that was to start before the limit, and is still in line. */
static void miss(struct worker *w, uint64_t limit, uint64_t now)
{
    uint64_t number = w->model.pacer.line.number;
    uint64_t intended;

    while (pacer_drop(&w->model.pacer, limit, &intended)) {
        w->taken++;
        stats_message(w->stats, OUTCOME_MISSED, NULL);
        stats_recipients(w->stats, OUTCOME_MISSED, w->load->content->settings->rcpt_count);
        hist_record(&w->stats->response[OUTCOME_MISSED], now - intended);
        if (w->lane)
            track_missed(w, number, intended, now);
        number = w->model.pacer.line.number;
    }
}

static void dispatch(struct worker *w, uint64_t now)
{
    struct model *m = &w->model;

    while (m->free_first && pacer_next(&m->pacer) <= now) {
        struct session *s = m->free_first;
        uint64_t lag;
        bool waited;

        if (s->state == SESSION_OPEN) {
            session_resume(s);
            model_unpark(s); /* in case it could not take it */
        } else {
            if (pacer_claim(&m->pacer, now, &lag, &waited))
                judged(w, lag, waited);
            s->claim = true;
            model_unpark(s);
            session_begin(s);
        }
    }
}

void model_over(struct worker *w, uint64_t now)
{
    if (w->model.over_at == NS_NEVER)
        w->model.over_at = now;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* When something falls due by itself. */
static uint64_t wake_at(struct worker *w, uint64_t now)
{
    struct model *m = &w->model;
    uint64_t until = least(m->end, m->level_at);
    uint64_t next;

    if (!m->paced)
        return until;
    if (settings(w)->late_drop && m->pacer.line.at != NS_NEVER)
        until = least(until, m->begin + m->pacer.line.at + settings(w)->late_drop + 1);
    if (!m->free_first)
        return until;
    next = pacer_next(&m->pacer);
    if (settings(w)->spin && next != NS_NEVER)
        next = next > now + SPIN ? next - SPIN : now;
    return least(until, next);
}

static void change_level(struct worker *w, uint64_t now)
{
    uint64_t before = w->model.level;

    set_level(w, now);
    for (uint64_t i = before; i < w->model.level && i < w->session_count; i++)
        if (worker_session(w, i)->state == SESSION_ASLEEP)
            session_begin(worker_session(w, i));
    for (uint64_t i = w->model.level; i < before && i < w->session_count; i++)
        session_retire(worker_session(w, i));
    line_next(&w->line);
}

/* The pause is over: time goes on where it stood, and sessions that came to wait with it. */
static void go_on(struct worker *w, uint64_t now)
{
    struct model *m = &w->model;
    uint64_t by = atomic_load(&w->load->control.held_ns) - m->held_ns;

    m->held = false;
    m->held_ns += by;
    m->begin += by;
    m->end += m->end == NS_NEVER ? 0 : by;
    m->level_at += m->level_at == NS_NEVER ? 0 : by;
    if (m->paced) {
        pacer_shift(&m->pacer, by, now);
        return;
    }
    while (m->free_first) {
        struct session *s = m->free_first;

        model_unpark(s);
        (s->state == SESSION_OPEN ? session_resume : session_begin)(s);
    }
    line_next(&w->line);
}

uint64_t model_turn(struct worker *w)
{
    struct model *m = &w->model;
    uint64_t now;

    if (run_held(&w->load->control)) {
        m->held = true;
        return NS_NEVER;
    }
    if (m->held)
        go_on(w, io_clock(w->io));
    if (!m->on || m->over_at != NS_NEVER)
        return NS_NEVER;
    now = io_clock(w->io);
    if (now >= m->level_at)
        change_level(w, now);
    if (m->paced) {
        if (settings(w)->late_drop && now - m->begin > settings(w)->late_drop)
            miss(w, now - settings(w)->late_drop, now);
        dispatch(w, now);
        line_next(&w->line);
        if (pacer_over(&m->pacer))
            model_over(w, now);
    }
    if (now >= m->end)
        model_over(w, now);
    return wake_at(w, now);
}

void model_finish(struct worker *w)
{
    if (w->model.paced)
        miss(w, w->model.over_at, w->model.over_at);
}
