/*
 * Drawing times and numbers.
 */
#include "think.h"

#include <errno.h>
#include <string.h>

#include "arrivals.h"
#include "num.h"
#include "units.h"

#define THINK_MAX (UINT64_C(31536000) * NS_PER_S)
#define FORMS                                                                                      \
    "takes a time such as 500ms, a range such as 1s..3s, exp:MEAN, or normal:MEAN,DEVIATION"

/* Two times with a separator between them. */
static int pair(const char *text, const char *separator, uint64_t *a, uint64_t *b)
{
    const char *at = strstr(text, separator);
    char first[32];

    if (!at || (size_t)(at - text) >= sizeof first)
        return -EINVAL;
    memcpy(first, text, (size_t)(at - text));
    first[at - text] = '\0';
    return num_duration(first, a) < 0 ? -EINVAL : num_duration(at + strlen(separator), b);
}

int think_parse(struct think *out, const char *text, struct diag *d)
{
    struct think t = {.kind = THINK_UNIFORM};
    int rc;

    if (strncmp(text, "exp:", 4) == 0) {
        t.kind = THINK_EXPONENTIAL;
        rc = num_duration(text + 4, &t.a);
    } else if (strncmp(text, "normal:", 7) == 0) {
        t.kind = THINK_NORMAL;
        rc = pair(text + 7, ",", &t.a, &t.b);
    } else if (strstr(text, "..")) {
        rc = pair(text, "..", &t.a, &t.b);
    } else {
        rc = num_duration(text, &t.a);
        t.b = t.a;
    }
    if (rc < 0)
        return diag_set(d, -EINVAL, "bad think time: %s (--think " FORMS ")",
                        *text ? text : "empty");
    if (t.kind == THINK_UNIFORM && t.a > t.b)
        return diag_set(d, -EINVAL, "bad think time: %s (--think: the range ends before it begins)",
                        text);
    if (t.a > THINK_MAX || t.b > THINK_MAX)
        return diag_set(d, -EINVAL, "bad think time: %s (--think: longer than a year)", text);
    *out = t;
    return 0;
}

/* The sum of twelve uniform draws has variance 1 and mean 6: near enough a normal one, and exact.
 */
static uint64_t normal(const struct think *t, struct rng *r)
{
    __extension__ typedef __int128 wide;
    wide sum = 0;

    for (int i = 0; i < 12; i++)
        sum += (wide)(rng_next(r) >> 32);
    sum = (wide)t->a + (((sum - ((wide)6 << 32)) * (wide)t->b) >> 32);
    return sum > 0 ? (uint64_t)sum : 0;
}

uint64_t think_draw(const struct think *t, struct rng *r)
{
    switch (t->kind) {
    case THINK_UNIFORM:
        return t->a + rng_below(r, t->b - t->a + 1);
    case THINK_EXPONENTIAL:
        return (uint64_t)(arrivals_exponential(r) * (double)t->a);
    case THINK_NORMAL:
        return normal(t, r);
    default:
        return 0;
    }
}

int span_parse(struct span *out, const char *text, const char *option, const char *what,
               struct diag *d)
{
    const char *dots = strstr(text, "..");
    char first[32];
    size_t n = dots ? (size_t)(dots - text) : strlen(text);
    struct span s = {0};
    int rc = -EINVAL;

    if (n < sizeof first) {
        memcpy(first, text, n);
        first[n] = '\0';
        rc = num_count(first, &s.low);
        s.high = s.low;
        if (rc == 0 && dots)
            rc = num_count(dots + 2, &s.high);
    }
    if (rc < 0 || s.low == 0 || s.high > UINT64_C(1) << 48)
        return diag_set(d, -EINVAL,
                        "bad %s: %s (--%s takes a whole number from 1 on, such as 10, or a range, "
                        "such as 5..20)",
                        what, *text ? text : "empty", option);
    if (s.low > s.high)
        return diag_set(d, -EINVAL, "bad %s: %s (--%s: the range ends before it begins)", what,
                        text, option);
    *out = s;
    return 0;
}

uint64_t span_draw(const struct span *s, struct rng *r)
{
    return s->low + rng_below(r, s->high - s->low + 1);
}
