/*
 * The line of due starts.
 */
#include "pacer.h"

void pacer_init(struct pacer *p, const struct arrivals *first, uint64_t begin)
{
    *p = (struct pacer){.due = *first, .line = *first, .begin = begin, .free_since = NS_NEVER};
}

static uint64_t intended(const struct pacer *p, const struct arrivals *a)
{
    return a->at == NS_NEVER ? NS_NEVER : p->begin + a->at;
}

void pacer_shift(struct pacer *p, uint64_t by, uint64_t now)
{
    p->begin += by;
    if (p->free_since != NS_NEVER)
        p->free_since = p->free_since + by < now ? p->free_since + by : now;
}

uint64_t pacer_next(const struct pacer *p)
{
    /* Some in line lost their claim: their time has come long ago. */
    if (p->ahead > p->claims)
        return intended(p, &p->line);
    return intended(p, &p->due);
}

/* A start leaves the schedule: was it late for want of a session, or by the generator's doing? */
static void judge(const struct pacer *p, uint64_t at, uint64_t now, uint64_t *lag, bool *waited)
{
    *waited = p->free_since > at;
    *lag = *waited ? NS_NEVER : now > at ? now - at : 0;
}

bool pacer_claim(struct pacer *p, uint64_t now, uint64_t *lag, bool *waited)
{
    p->claims++;
    if (p->ahead >= p->claims)
        return false;
    judge(p, intended(p, &p->due), now, lag, waited);
    arrivals_next(&p->due);
    p->ahead++;
    return true;
}

void pacer_unclaim(struct pacer *p)
{
    p->claims--;
}

bool pacer_take(struct pacer *p, uint64_t now, struct start *s)
{
    uint64_t at = intended(p, &p->line);

    if (at == NS_NEVER || at > now)
        return false;
    *s = (struct start){.number = p->line.number, .intended = at, .lag = NS_NEVER};
    arrivals_next(&p->line);
    if (p->ahead) {
        p->ahead--;
        return true;
    }
    judge(p, at, now, &s->lag, &s->waited);
    p->due = p->line;
    return true;
}

bool pacer_drop(struct pacer *p, uint64_t limit, uint64_t *at)
{
    *at = intended(p, &p->line);
    if (*at == NS_NEVER || *at >= limit)
        return false;
    arrivals_next(&p->line);
    if (p->ahead)
        p->ahead--;
    else
        p->due = p->line;
    return true;
}
