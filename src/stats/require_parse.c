/*
 * Requirements parsed.
 */
#include "require.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "num.h"
#include "require_impl.h"
#include "units.h"

const struct require_count require_counts[] = {
    {"offered", REQUIRE_OFFERED, REQUIRE_OFFERED},
    {"errors", REQUIRE_ERRORS, REQUIRE_OFFERED},
    {"accepted", COUNTER_MESSAGES_ACCEPTED, REQUIRE_OFFERED},
    {"refused", COUNTER_MESSAGES_REFUSED, REQUIRE_OFFERED},
    {"failed", COUNTER_MESSAGES_FAILED, REQUIRE_OFFERED},
    {"unknown", COUNTER_MESSAGES_UNKNOWN, REQUIRE_OFFERED},
    {"missed", COUNTER_MESSAGES_MISSED, REQUIRE_OFFERED},
    {"partial", COUNTER_MESSAGES_PARTIAL, REQUIRE_OFFERED},
    {"lost", COUNTER_CONNECTIONS_LOST, COUNTER_CONNECTIONS_MADE},
    {"timeouts", COUNTER_TIMEOUTS, COUNTER_CONNECTIONS_MADE},
    {"connect-failures", COUNTER_CONNECTIONS_FAILED, COUNTER_CONNECTIONS_STARTED},
    {"protocol-errors", COUNTER_PROTOCOL_ERRORS, COUNTER_CONNECTIONS_MADE},
};

const size_t require_count_count = sizeof require_counts / sizeof *require_counts;

/* The longer ones first. */
static const struct {
    const char *text;
    int op;
} ops[] = {
    {"<=", REQUIRE_AT_MOST}, {">=", REQUIRE_AT_LEAST}, {"==", REQUIRE_EQUAL}, {"!=", REQUIRE_OTHER},
    {"<", REQUIRE_LESS},     {">", REQUIRE_MORE},      {"=", REQUIRE_EQUAL},
};

#define FORMS                                                                                      \
    "such as p99<250ms, p99.9(rcpt)<20ms, errors<0.1%, unknown==0, rate>=0.99*target, or several " \
    "joined by and"

static int bad(const char *option, const char *term, const char *why, struct diag *d)
{
    return diag_set(d, -EINVAL, "bad condition: %s (--%s: %s)", *term ? term : "empty", option,
                    why);
}

/* "rcpt", "response", "lag" */
static int parse_hist(const char *name, int *out)
{
    for (int p = 0; p < PHASE_COUNT; p++)
        if (strcmp(name, phase_name((enum phase)p)) == 0) {
            *out = p;
            return 0;
        }
    if (strcmp(name, "response") == 0)
        *out = REQUIRE_RESPONSE;
    else if (strcmp(name, "service") == 0)
        *out = PHASE_TRANSACTION;
    else if (strcmp(name, "lag") == 0)
        *out = REQUIRE_LAG;
    else
        return -EINVAL;
    return 0;
}

/* "p99.9(rcpt)", "max", "min(data)": cut up. -ENOENT: it is no latency. */
static int parse_latency(char *name, struct require_term *t)
{
    char *open = strchr(name, '(');
    char *end;

    t->kind = REQUIRE_LATENCY;
    t->hist = REQUIRE_PLAIN;
    if (open) {
        char *close = open + strlen(open) - 1;

        if (*close != ')')
            return -ENOENT;
        *open = *close = '\0';
        if (parse_hist(open + 1, &t->hist) < 0)
            return -EINVAL;
    }
    if (strcmp(name, "max") == 0) {
        t->percentile = 100;
    } else if (strcmp(name, "min") == 0) {
        t->percentile = 0;
    } else if (strcmp(name, "mean") == 0) {
        t->percentile = REQUIRE_MEAN;
    } else if (name[0] == 'p' && isdigit((unsigned char)name[1])) {
        t->percentile = strtod(name + 1, &end);
        return *end || t->percentile <= 0 || t->percentile > 100 ? -EINVAL : 0;
    } else {
        return -ENOENT;
    }
    return 0;
}

/* What latencies can be of, for who named another. */
static int bad_latency(const struct require_term *t, const char *option, struct diag *d)
{
    char names[200] = "";

    for (int p = 0; p < PHASE_COUNT; p++)
        (void)snprintf(names + strlen(names), sizeof names - strlen(names), "%s, ",
                       phase_name((enum phase)p));
    return diag_set(d, -EINVAL,
                    "bad condition: %s (--%s: a percentile is p50 to p100, max, min or mean, and "
                    "what is measured one of %sresponse, lag)",
                    t->text, option, names);
}

/* 0, or -EINVAL for a latency of nothing that is measured, or -ENOENT for what has no such name. */
static int find_measure(const char *text, struct require_term *t)
{
    char name[REQUIRE_TEXT];
    int rc;

    (void)snprintf(name, sizeof name, "%s", text);
    rc = parse_latency(name, t);
    if (rc != -ENOENT)
        return rc;
    if (strcmp(text, "cpu") == 0) {
        t->kind = REQUIRE_LATENCY;
        t->hist = REQUIRE_CPU;
        return 0;
    }
    if (strcmp(text, "rate") == 0) {
        t->kind = REQUIRE_RATE;
        return 0;
    }
    for (size_t i = 0; i < require_count_count; i++)
        if (strcmp(text, require_counts[i].name) == 0) {
            t->kind = REQUIRE_COUNT;
            t->measure = (int)i;
            return 0;
        }
    return -ENOENT;
}

int require_measure(const char *name, struct require_term *out)
{
    struct require_term t = {0};

    if (strlen(name) >= sizeof t.text || find_measure(name, &t) < 0)
        return -EINVAL;
    *out = t;
    return 0;
}

/* A number as billionths of 1; a time in seconds is one, too. */
static int parse_billionths(const char *text, size_t n, uint64_t *out)
{
    char number[32];

    if (n == 0 || n >= sizeof number || !isdigit((unsigned char)text[n - 1]))
        return -EINVAL;
    memcpy(number, text, n);
    number[n] = '\0';
    return num_duration(number, out);
}

/* "0.99*target", "target", "5000/s" */
static int parse_rate(const char *text, struct require_term *t)
{
    const char *star = strchr(text, '*');
    uint64_t whole;

    if (strcmp(text, "target") == 0) {
        t->of_target = true;
        t->value = SHARE_WHOLE;
        return 0;
    }
    if (!star)
        return num_rate(text, &t->value);
    if (strcmp(star + 1, "target") != 0 ||
        parse_billionths(text, (size_t)(star - text), &whole) < 0)
        return -EINVAL;
    t->of_target = true;
    t->value = whole;
    return 0;
}

static int parse_plain(const char *text, struct require_term *t, const char *option, struct diag *d)
{
    size_t n = strlen(text);

    switch (t->kind) {
    case REQUIRE_LATENCY:
        if (n && (isalpha((unsigned char)text[n - 1]) || strcmp(text, "0") == 0) &&
            num_duration(text, &t->value) == 0)
            return 0;
        return bad(option, t->text, "a latency is compared with a time with its unit, as 250ms", d);
    case REQUIRE_RATE:
        if (parse_rate(text, t) == 0)
            return 0;
        return bad(option, t->text, "a rate is compared with one, as 5000/s or 0.99*target", d);
    default:
        if (num_share(text, &t->value) == 0)
            t->kind = REQUIRE_SHARE;
        else if (num_count(text, &t->value) < 0)
            return bad(option, t->text, "it is compared with a number or a share, as 10 or 0.1%",
                       d);
        return 0;
    }
}

/* "+10%", "-5/s": a change; else a value. */
static int parse_value(const char *text, struct require_term *t, const char *option, struct diag *d)
{
    size_t n = strlen(text);
    int rc;

    if (*text != '+' && *text != '-')
        return parse_plain(text, t, option, d);
    t->change = *text == '+' ? 1 : -1;
    t->of_base = n > 1 && text[n - 1] == '%';
    if (t->of_base) {
        rc = parse_billionths(text + 1, n - 2, &t->value);
        t->value /= 100;
        return rc < 0 ? bad(option, t->text, "a change is in percent or in the measure's unit", d)
                      : 0;
    }
    rc = parse_plain(text + 1, t, option, d);
    if (rc == 0 && (t->kind == REQUIRE_SHARE || t->of_target))
        return bad(option, t->text, "a change is in percent or in the measure's unit", d);
    return rc;
}

static int parse_term(const char *text, size_t n, struct require_term *t, const char *option,
                      struct diag *d)
{
    size_t length = 0;
    char left[REQUIRE_TEXT];
    size_t at;

    for (size_t i = 0; i < n; i++) {
        if (isspace((unsigned char)text[i]))
            continue;
        if (length == sizeof t->text - 1)
            return bad(option, t->text, "too long", d);
        t->text[length++] = text[i];
        t->text[length] = '\0';
    }
    at = strcspn(t->text, "<>=!");
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        size_t k = strlen(ops[i].text);
        int rc;

        if (strncmp(t->text + at, ops[i].text, k) != 0)
            continue;
        t->op = ops[i].op;
        memcpy(left, t->text, at);
        left[at] = '\0';
        rc = find_measure(left, t);
        if (rc == -EINVAL)
            return bad_latency(t, option, d);
        if (rc < 0)
            return bad(option, t->text, "nothing of that name is measured; " FORMS, d);
        return parse_value(t->text + at + k, t, option, d);
    }
    return bad(option, t->text, FORMS, d);
}

/* Where the next word "and" begins, or the end. */
static const char *next_and(const char *at)
{
    for (; *at; at++)
        if (isspace((unsigned char)at[0]) && strncasecmp(at + 1, "and", 3) == 0 &&
            (isspace((unsigned char)at[4]) || at[4] == '\0'))
            return at + 1;
    return at;
}

static int add(struct require *out, const char *text, const char *option, bool changes,
               struct diag *d)
{
    struct require r = *out;
    const char *at = text;

    for (;;) {
        const char *end = next_and(at);
        int rc;

        if (r.count == REQUIRE_TERMS)
            return diag_set(d, -EINVAL, "bad condition: %s (--%s: at most %d comparisons in all)",
                            text, option, REQUIRE_TERMS);
        r.terms[r.count] = (struct require_term){0};
        rc = parse_term(at, (size_t)(end - at), &r.terms[r.count], option, d);
        if (rc < 0)
            return rc;
        if (r.terms[r.count].change && !changes)
            return bad(option, r.terms[r.count].text,
                       "a change is against another run: that is for smtp-report compare", d);
        r.count++;
        if (*end == '\0')
            break;
        at = end + 3;
    }
    *out = r;
    return 0;
}

int require_add(struct require *out, const char *text, const char *option, struct diag *d)
{
    return add(out, text, option, false, d);
}

int require_parse(struct require *out, const char *text, const char *option, struct diag *d)
{
    struct require r = {0};
    int rc = add(&r, text, option, false, d);

    if (rc == 0)
        *out = r;
    return rc;
}

int require_parse_limit(struct require *out, const char *text, const char *option, struct diag *d)
{
    struct require r = {0};
    int rc = add(&r, text, option, true, d);

    if (rc == 0)
        *out = r;
    return rc;
}
