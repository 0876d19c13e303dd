/*
 * Bracketing and bisection.
 */
#include "search.h"

/* The bracket is narrow enough at 1/40 (2.5%): a limit found by its lower end is within 5%. */
#define NARROW 40

static void try_level(struct search *s, enum search_phase phase, uint64_t level)
{
    s->phase = (int)phase;
    s->level = level;
}

static void done(struct search *s, uint64_t found)
{
    s->phase = SEARCH_DONE;
    s->found = found;
}

void search_init(struct search *s, uint64_t least, uint64_t most)
{
    *s = (struct search){.least = least, .most = most, .failed = UINT64_MAX};
    try_level(s, SEARCH_BRACKET, least);
}

static bool narrow(const struct search *s)
{
    uint64_t width = s->failed - s->passed;

    return width <= 1 || width <= s->passed / NARROW;
}

/* After a step of the bracket or the bisection. */
static void narrow_down(struct search *s)
{
    if (s->passed == 0) {
        done(s, 0);
    } else if (s->failed == UINT64_MAX) {
        if (s->passed == s->most)
            try_level(s, SEARCH_CONFIRM, s->passed);
        else
            try_level(s, SEARCH_BRACKET, s->passed > s->most / 2 ? s->most : 2 * s->passed);
    } else if (narrow(s)) {
        try_level(s, SEARCH_CONFIRM, s->passed);
    } else {
        try_level(s, SEARCH_BISECT, s->passed + (s->failed - s->passed) / 2);
    }
}

/* The highest level below the limit that some step passed; 0: none. */
static uint64_t passed_below(const struct search *s, uint64_t limit)
{
    uint64_t best = 0;

    for (size_t i = 0; i < s->count; i++)
        if (s->steps[i].verdict == SEARCH_PASSED && s->steps[i].level < limit &&
            s->steps[i].level > best)
            best = s->steps[i].level;
    return best;
}

void search_told(struct search *s, enum search_verdict v)
{
    int phase = s->phase;

    s->steps[s->count++] = (struct search_step){s->level, (int)v, phase};
    s->not_held = v == SEARCH_NOT_HELD ? s->not_held + 1 : 0;
    if (s->not_held > 0 && s->not_held < SEARCH_TRIES && s->count < SEARCH_STEPS)
        return;
    s->not_held = 0;
    if (v == SEARCH_PASSED && phase == SEARCH_CONFIRM) {
        done(s, s->level);
        return;
    }
    if (v == SEARCH_PASSED) {
        s->passed = s->level;
    } else {
        s->failed = s->level;
        s->failed_by_generator = v == SEARCH_NOT_HELD;
        /* What passed once and not twice: look again below it. */
        if (phase == SEARCH_CONFIRM)
            s->passed = passed_below(s, s->level);
    }
    if (s->count == SEARCH_STEPS)
        done(s, 0);
    else
        narrow_down(s);
}
