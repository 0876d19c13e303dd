/*
 * Parsing and checking requirements.
 */
#include "require.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "num.h"
#include "units.h"

__extension__ typedef unsigned __int128 wide;

/* Messages and what they are a share of; -1 stands for a sum of its own. */
enum { ERRORS = -1, OFFERED = -2 };

static const struct {
    const char *name;
    int counter;
    int whole;
} counts[] = {
    {"offered", OFFERED, OFFERED},
    {"errors", ERRORS, OFFERED},
    {"accepted", COUNTER_MESSAGES_ACCEPTED, OFFERED},
    {"refused", COUNTER_MESSAGES_REFUSED, OFFERED},
    {"failed", COUNTER_MESSAGES_FAILED, OFFERED},
    {"unknown", COUNTER_MESSAGES_UNKNOWN, OFFERED},
    {"missed", COUNTER_MESSAGES_MISSED, OFFERED},
    {"partial", COUNTER_MESSAGES_PARTIAL, OFFERED},
    {"lost", COUNTER_CONNECTIONS_LOST, COUNTER_CONNECTIONS_MADE},
    {"timeouts", COUNTER_TIMEOUTS, COUNTER_CONNECTIONS_MADE},
    {"connect-failures", COUNTER_CONNECTIONS_FAILED, COUNTER_CONNECTIONS_STARTED},
    {"protocol-errors", COUNTER_PROTOCOL_ERRORS, COUNTER_CONNECTIONS_MADE},
};

#define COUNTS (sizeof counts / sizeof *counts)

/* Histograms: the phases, and what only a target rate gives. */
enum { HIST_LATENCY = PHASE_COUNT, HIST_RESPONSE, HIST_LAG };

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
    return diag_set(d, -EINVAL, "bad requirement: %s (--%s: %s)", *term ? term : "empty", option,
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
        *out = HIST_RESPONSE;
    else if (strcmp(name, "service") == 0)
        *out = PHASE_TRANSACTION;
    else if (strcmp(name, "lag") == 0)
        *out = HIST_LAG;
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
    t->hist = HIST_LATENCY;
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
    } else if (name[0] == 'p' && isdigit((unsigned char)name[1])) {
        t->percentile = strtod(name + 1, &end);
        return *end || t->percentile <= 0 || t->percentile > 100 ? -EINVAL : 0;
    } else {
        return -ENOENT;
    }
    return 0;
}

static int parse_measure(const char *text, struct require_term *t, const char *option,
                         struct diag *d)
{
    char name[REQUIRE_TEXT];
    int rc;

    (void)snprintf(name, sizeof name, "%s", text);
    rc = parse_latency(name, t);
    if (rc == -EINVAL)
        return bad(option, t->text,
                   "a percentile is p50 to p100, max or min, and what is measured one of connect, "
                   "greeting, starttls, tls, xclient, hello, auth, mail, rcpt, data, end-of-data, "
                   "rset, quit, transaction, response, lag",
                   d);
    if (rc == 0)
        return 0;
    if (strcmp(text, "rate") == 0) {
        t->kind = REQUIRE_RATE;
        return 0;
    }
    for (size_t i = 0; i < COUNTS; i++)
        if (strcmp(text, counts[i].name) == 0) {
            t->kind = REQUIRE_COUNT;
            t->measure = (int)i;
            return 0;
        }
    return bad(option, t->text, "nothing of that name is measured; " FORMS, d);
}

/* "0.99*target", "target", "5000/s" */
static int parse_rate(const char *text, struct require_term *t)
{
    char factor[32];
    const char *star = strchr(text, '*');
    uint64_t whole;

    if (strcmp(text, "target") == 0) {
        t->of_target = true;
        t->value = SHARE_WHOLE;
        return 0;
    }
    if (!star)
        return num_rate(text, &t->value);
    if (strcmp(star + 1, "target") != 0 || (size_t)(star - text) >= sizeof factor)
        return -EINVAL;
    memcpy(factor, text, (size_t)(star - text));
    factor[star - text] = '\0';
    /* A time in seconds is a number of billionths, too. */
    if (factor[0] == '\0' || isalpha((unsigned char)factor[strlen(factor) - 1]) ||
        num_duration(factor, &whole) < 0)
        return -EINVAL;
    t->of_target = true;
    t->value = whole;
    return 0;
}

static int parse_value(const char *text, struct require_term *t, const char *option, struct diag *d)
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
        rc = parse_measure(left, t, option, d);
        return rc < 0 ? rc : parse_value(t->text + at + k, t, option, d);
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

int require_add(struct require *out, const char *text, const char *option, struct diag *d)
{
    struct require r = *out;
    const char *at = text;

    for (;;) {
        const char *end = next_and(at);
        int rc;

        if (r.count == REQUIRE_TERMS)
            return diag_set(d, -EINVAL, "bad requirement: %s (--%s: at most %d comparisons in all)",
                            text, option, REQUIRE_TERMS);
        r.terms[r.count] = (struct require_term){0};
        rc = parse_term(at, (size_t)(end - at), &r.terms[r.count], option, d);
        if (rc < 0)
            return rc;
        r.count++;
        if (*end == '\0')
            break;
        at = end + 3;
    }
    *out = r;
    return 0;
}

int require_parse(struct require *out, const char *text, const char *option, struct diag *d)
{
    struct require r = {0};
    int rc = require_add(&r, text, option, d);

    if (rc == 0)
        *out = r;
    return rc;
}

static bool compare(int op, wide a, wide b)
{
    switch (op) {
    case REQUIRE_LESS:
        return a < b;
    case REQUIRE_AT_MOST:
        return a <= b;
    case REQUIRE_MORE:
        return a > b;
    case REQUIRE_AT_LEAST:
        return a >= b;
    case REQUIRE_EQUAL:
        return a == b;
    default:
        return a != b;
    }
}

static const struct hist *hist_of(const struct require_term *t, const struct require_facts *f)
{
    switch (t->hist) {
    case HIST_LATENCY:
        return f->open ? &f->stats->response[OUTCOME_ACCEPTED]
                       : &f->stats->latency[PHASE_TRANSACTION];
    case HIST_RESPONSE:
        return &f->stats->response[OUTCOME_ACCEPTED];
    case HIST_LAG:
        return &f->stats->lag;
    default:
        return &f->stats->latency[t->hist];
    }
}

static uint64_t count_of(int counter, const struct stats *s)
{
    if (counter == ERRORS)
        return stats_errors(s);
    return counter == OFFERED ? stats_offered(s) : s->counter[counter];
}

static struct require_result check_latency(const struct require_term *t,
                                           const struct require_facts *f)
{
    const struct hist *h = hist_of(t, f);
    struct require_result r = {.known = h->count > 0};

    if (!r.known)
        return r;
    r.value = t->percentile > 0 ? hist_percentile(h, t->percentile) : h->min;
    r.met = compare(t->op, r.value, t->value);
    return r;
}

/* n of whole, against value / SHARE_WHOLE. */
static struct require_result check_share(const struct require_term *t,
                                         const struct require_facts *f)
{
    uint64_t n = count_of(counts[t->measure].counter, f->stats);
    uint64_t whole = count_of(counts[t->measure].whole, f->stats);
    struct require_result r = {.known = whole > 0};

    if (!r.known)
        return r;
    r.value = (uint64_t)((wide)n * SHARE_WHOLE / whole);
    r.met = compare(t->op, (wide)n * SHARE_WHOLE, (wide)t->value * whole);
    return r;
}

/* n in elapsed ns, against a rate: n * 3600 s * 1000 = rate * elapsed. */
struct require_result require_check_rate(const struct require_term *t,
                                         const struct require_facts *f, uint64_t accepted)
{
    wide n = (wide)accepted * (3600000 * NS_PER_S);
    wide rate = t->of_target ? (wide)t->value * f->target / SHARE_WHOLE : t->value;
    struct require_result r = {.known = f->elapsed > 0 && (!t->of_target || f->target > 0)};

    if (!r.known)
        return r;
    r.value = (uint64_t)(n / f->elapsed);
    r.met = compare(t->op, n, rate * f->elapsed);
    return r;
}

struct require_result require_check(const struct require_term *t, const struct require_facts *f)
{
    struct require_result r = {.known = true};

    switch (t->kind) {
    case REQUIRE_LATENCY:
        return check_latency(t, f);
    case REQUIRE_SHARE:
        return check_share(t, f);
    case REQUIRE_RATE:
        return require_check_rate(t, f, f->stats->counter[COUNTER_MESSAGES_ACCEPTED]);
    default:
        r.value = count_of(counts[t->measure].counter, f->stats);
        r.met = compare(t->op, r.value, t->value);
        return r;
    }
}

bool require_all(const struct require *r, const struct require_facts *f)
{
    for (size_t i = 0; i < r->count; i++)
        if (!require_check(&r->terms[i], f).met)
            return false;
    return true;
}

bool require_wants_target(const struct require *r)
{
    for (size_t i = 0; i < r->count; i++)
        if (r->terms[i].of_target)
            return true;
    return false;
}
