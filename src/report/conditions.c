/*
 * Conditions in words, limits judged.
 */
#include "conditions.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "model_report.h"
#include "num.h"
#include "run.h"

struct human condition_value(const struct require_term *t, uint64_t value)
{
    struct human out;

    switch (t->kind) {
    case REQUIRE_LATENCY:
        return human_time(value);
    case REQUIRE_SHARE:
        (void)snprintf(out.text, sizeof out.text, "%.4g%%", (double)value * 100 / SHARE_WHOLE);
        return out;
    case REQUIRE_RATE:
        return human_rate(value);
    default:
        return human_count(value);
    }
}

double change_percent(double base, double new)
{
    if (base > 0)
        return (new - base) / base * 100;
    return new > 0 ? INFINITY : 0;
}

int limit_broken(const struct require *limit, const struct run *base, const struct run *new,
                 struct diag *d)
{
    const struct require_facts facts[] = {run_facts(base), run_facts(new)};
    bool all = true;

    for (size_t i = 0; i < limit->count; i++) {
        const struct require_term *t = &limit->terms[i];
        struct require_result was;
        struct require_result is = require_compare(t, &facts[0], &facts[1], &was);

        if (!is.known)
            return diag_set(d, -ENODATA, "%s can't be judged: the %s has no such number", t->text,
                            was.known ? "new run" : "base");
        all = all && is.met;
    }
    return all;
}

struct human condition_name(const struct require_term *t)
{
    struct human out;

    (void)snprintf(out.text, sizeof out.text, "%.*s", (int)strcspn(t->text, "<>=!"), t->text);
    return out;
}

void condition_explain(const struct require_term *t, const struct run *base, const struct run *new,
                       char *out, size_t size)
{
    const struct require_facts facts[] = {run_facts(base), run_facts(new)};
    struct require_result was;
    struct require_result is = require_compare(t, &facts[0], &facts[1], &was);
    struct human name = condition_name(t);
    struct human value = condition_value(t, is.value);
    double change = change_percent((double)was.value, (double)is.value);

    if (!t->change)
        (void)snprintf(out, size, "%s is %s", name.text, value.text);
    else if (isinf(change))
        (void)snprintf(out, size, "%s is %s and was 0", name.text, value.text);
    else
        (void)snprintf(out, size, "%s is %s, %+.1f%% from %s", name.text, value.text, change,
                       condition_value(t, was.value).text);
}
