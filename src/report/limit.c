/*
 * Limits on what may change, as --fail-if takes them.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compare.h"
#include "num.h"

static int bad_limit(const char *text, struct diag *d)
{
    return diag_set(d, -EINVAL,
                    "bad limit: %s (--fail-if takes a measure, > or <, and a bound: p99>+10%%, "
                    "rate<-5%%, errors>0, rcpt:p99>5ms)",
                    *text ? text : "empty");
}

/* A number without sign, in percent or in the measure's unit. */
static int parse_bound(struct limit *l, const char *text)
{
    size_t n = strlen(text);
    uint64_t whole;
    char *end;

    if (*text < '0' || *text > '9')
        return -EINVAL;
    if (text[n - 1] == '%') {
        l->percent = true;
        l->bound = strtod(text, &end);
        if (!l->relative || end != text + n - 1 || text[1] == 'x' || text[1] == 'X' ||
            !(l->bound <= 1e6))
            return -EINVAL;
        return 0;
    }
    if ((measure_unit(&l->measured) == MEASURE_TIME ? num_duration(text, &whole)
                                                    : num_count(text, &whole)) < 0)
        return -EINVAL;
    l->bound = (double)whole;
    return 0;
}

int limit_parse(struct limit *out, const char *text, struct diag *d)
{
    struct limit l = {.text = text};
    const char *op = strpbrk(text, "<>");
    const char *bound;
    int rc;

    if (!op || op == text)
        return bad_limit(text, d);
    rc = measure_find((struct slice){text, (size_t)(op - text)}, &l.measured, d);
    if (rc < 0)
        return rc;
    l.below = *op == '<';
    bound = op + 1;
    l.relative = *bound == '+' || *bound == '-';
    if (parse_bound(&l, bound + l.relative) < 0)
        return bad_limit(text, d);
    if (*bound == '-')
        l.bound = -l.bound;
    *out = l;
    return 0;
}

static int values(const struct limit *l, const struct run *base, const struct run *new,
                  double pair[2], struct diag *d)
{
    if (!measure_value(&l->measured, new, &pair[1]))
        return diag_set(d, -ENODATA, "%s can't be judged: the new run has no such number", l->text);
    if (l->relative && !measure_value(&l->measured, base, &pair[0]))
        return diag_set(d, -ENODATA, "%s can't be judged: the base has no such number", l->text);
    return 0;
}

int limit_broken(const struct limit *l, const struct run *base, const struct run *new,
                 struct diag *d)
{
    double pair[2] = {0};
    double is;
    int rc = values(l, base, new, pair, d);

    if (rc < 0)
        return rc;
    is = l->percent ? measure_change(pair[0], pair[1]) : l->relative ? pair[1] - pair[0] : pair[1];
    return l->below ? is < l->bound : is > l->bound;
}

void limit_explain(const struct limit *l, const struct run *base, const struct run *new, char *out,
                   size_t size)
{
    double pair[2] = {0};
    struct diag unused;
    double change;

    if (values(l, base, new, pair, &unused) < 0)
        return;
    change = measure_change(pair[0], pair[1]);
    if (!l->relative)
        (void)snprintf(out, size, "%s is %s", measure_name(&l->measured).text,
                       measure_text(&l->measured, pair[1]).text);
    else if (isinf(change))
        (void)snprintf(out, size, "%s is %s and was 0", measure_name(&l->measured).text,
                       measure_text(&l->measured, pair[1]).text);
    else
        (void)snprintf(out, size, "%s is %s, %+.1f%% from %s", measure_name(&l->measured).text,
                       measure_text(&l->measured, pair[1]).text, change,
                       measure_text(&l->measured, pair[0]).text);
}
