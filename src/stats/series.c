/*
 * Rows over time.
 */
#include "series.h"

#include <errno.h>
#include <stdlib.h>

int series_init(struct series *s, size_t capacity)
{
    *s = (struct series){.capacity = capacity, .intervals = 1};
    /* Zero pages cost nothing until a row in them is used. */
    s->rows = calloc(capacity, sizeof *s->rows);
    return s->rows ? 0 : -ENOMEM;
}

void series_done(struct series *s)
{
    free(s->rows);
    *s = (struct series){0};
}

/* The later row joins the earlier one, its neighbour. */
static void join(struct series_row *a, const struct series_row *b)
{
    for (int o = 0; o < OUTCOME_COUNT; o++)
        a->ended[o] += b->ended[o];
    a->end = b->end;
    a->paused = b->paused;
    a->open = b->open;
    a->lag_max = a->lag_max > b->lag_max ? a->lag_max : b->lag_max;
    a->intervals += b->intervals;
    hist_merge(&a->latency, &b->latency);
}

static void clear(struct series_row *r)
{
    hist_clear(&r->latency);
    for (int o = 0; o < OUTCOME_COUNT; o++)
        r->ended[o] = 0;
    r->lag_max = 0;
    r->intervals = 0;
}

void series_clear(struct series *s)
{
    for (size_t i = 0; i < s->count; i++)
        clear(&s->rows[i]);
    s->count = 0;
    s->intervals = 1;
    s->open = 0;
}

static void halve(struct series *s)
{
    for (size_t i = 0; i < s->count / 2; i++) {
        if (i > 0) {
            clear(&s->rows[i]);
            s->rows[i].begin = s->rows[2 * i].begin;
            join(&s->rows[i], &s->rows[2 * i]);
        }
        join(&s->rows[i], &s->rows[2 * i + 1]);
    }
    for (size_t i = s->count / 2; i < s->count; i++)
        clear(&s->rows[i]);
    s->count /= 2;
    s->intervals *= 2;
}

void series_add(struct series *s, uint64_t end, uint64_t paused, const struct stats *st,
                const struct hist *latency)
{
    struct series_row *r = s->count ? &s->rows[s->count - 1] : NULL;

    if (!r || r->intervals >= s->intervals) {
        uint64_t begin = r ? r->end : 0;

        if (s->count == s->capacity)
            halve(s);
        r = &s->rows[s->count++];
        if (s->count > s->used) {
            s->used = s->count;
            hist_init(&r->latency);
        }
        r->begin = begin;
    }
    s->open += st->counter[COUNTER_CONNECTIONS_MADE];
    s->open -= st->counter[COUNTER_CONNECTIONS_CLOSED];
    for (int o = 0; o < OUTCOME_COUNT; o++)
        r->ended[o] += st->counter[COUNTER_MESSAGES_ACCEPTED + o];
    r->end = end;
    r->paused = paused;
    r->open = s->open;
    if (st->lag.count && st->lag.max > r->lag_max)
        r->lag_max = st->lag.max;
    r->intervals++;
    hist_merge(&r->latency, latency);
}
