/*
 * Stages: parsing, and the integral of the rate and its inverse.
 */
#include "schedule.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <string.h>

#include "num.h"

/*
 * The mass of a stage's first t ns: a t + (b - a) t^2 / (2 D), rounded down. The square is taken
 * apart to stay within 128 bits: with (b - a) t = q 2D + r it is q t + r t / (2D), where q is below
 * half the highest rate (2^48) and r below 2D (2^60).
 */
static schedule_mass stage_mass(const struct stage *s, uint64_t t)
{
    schedule_mass level = (schedule_mass)s->from * t;
    schedule_mass slope, whole, rest, twice;

    if (s->from == s->to)
        return level;
    twice = (schedule_mass)s->length * 2;
    slope = (schedule_mass)(s->to > s->from ? s->to - s->from : s->from - s->to) * t;
    whole = slope / twice * t;
    rest = slope % twice * t;
    if (s->to > s->from)
        return level + whole + rest / twice;
    return level - whole - (rest + twice - 1) / twice;
}

/* What an endless stage brings later than this, 292 years on, it never brings. */
#define SCHEDULE_NEVER (UINT64_C(1) << 63)

/* The first ns at which a stage's mass is at least x; x is less than that of the whole stage. */
static uint64_t stage_when(const struct stage *s, schedule_mass x)
{
    double a = (double)s->from, slope, guess;
    uint64_t low = 0, high, step = 1;

    if (s->from == s->to) {
        x = x / s->from + (x % s->from != 0);
        return x < SCHEDULE_NEVER ? (uint64_t)x : NS_NEVER;
    }
    if (x == 0)
        return 0;
    /* a t + slope t^2 / 2 = x, solved in the form that loses no digits; then put right exactly. */
    slope = ((double)s->to - a) / (double)s->length;
    guess = a * a + 2 * slope * (double)x;
    guess = 2 * (double)x / (a + sqrt(guess > 0 ? guess : 0));
    high = guess < (double)s->length ? (uint64_t)guess : s->length;
    while (high < s->length && stage_mass(s, high) < x) {
        low = high;
        high = s->length - high > step ? high + step : s->length;
        step *= 2;
    }
    /* high has x; a low that has it not */
    for (step = 1; low == 0 && high > step && stage_mass(s, high - step) >= x; step *= 2)
        high -= step;
    if (low == 0 && high > step)
        low = high - step;
    while (high - low > 1) {
        uint64_t middle = low + (high - low) / 2;

        if (stage_mass(s, middle) >= x)
            high = middle;
        else
            low = middle;
    }
    return high;
}

/* The last stage that begins at or before the time, or has at most the mass, respectively. */
static size_t stage_at(const struct schedule *s, uint64_t t)
{
    size_t i = s->count - 1;

    while (i > 0 && s->begin[i] > t)
        i--;
    return i;
}

static size_t stage_with(const struct schedule *s, schedule_mass m)
{
    size_t i = s->count - 1;

    while (i > 0 && s->mass[i] > m)
        i--;
    return i;
}

schedule_mass schedule_mass_at(const struct schedule *s, uint64_t t)
{
    size_t i = stage_at(s, t);

    return t >= s->length ? s->total : s->mass[i] + stage_mass(&s->stages[i], t - s->begin[i]);
}

uint64_t schedule_when(const struct schedule *s, schedule_mass m)
{
    size_t i = stage_with(s, m);
    uint64_t at;

    if (m >= s->total)
        return NS_NEVER;
    at = stage_when(&s->stages[i], m - s->mass[i]);
    return at == NS_NEVER ? at : s->begin[i] + at;
}

uint64_t schedule_starts(const struct schedule *s)
{
    if (s->length == NS_NEVER)
        return s->total ? UINT64_MAX : 0;
    return (uint64_t)((s->total + SCHEDULE_ONE - 1) / SCHEDULE_ONE);
}

static uint64_t stage_level(const struct stage *g, uint64_t t)
{
    schedule_mass change;

    if (g->from == g->to)
        return g->from;
    if (g->to > g->from) {
        change = (schedule_mass)(g->to - g->from) * t / g->length;
        return g->from + (uint64_t)change;
    }
    change = ((schedule_mass)(g->from - g->to) * t + g->length - 1) / g->length;
    return g->from - (uint64_t)change;
}

uint64_t schedule_level(const struct schedule *s, uint64_t t)
{
    size_t i = stage_at(s, t);

    if (t >= s->length)
        return s->stages[s->count - 1].to;
    return stage_level(&s->stages[i], t - s->begin[i]);
}

uint64_t schedule_change(const struct schedule *s, uint64_t t)
{
    uint64_t level = schedule_level(s, t);

    for (size_t i = stage_at(s, t); i < s->count && t < s->length; i++) {
        const struct stage *g = &s->stages[i];
        uint64_t low = t > s->begin[i] ? t - s->begin[i] : 0;
        uint64_t high = g->length;

        if (stage_level(g, low) != level)
            return s->begin[i] + low;
        if (high == NS_NEVER)
            return NS_NEVER;
        if (stage_level(g, high) == level)
            continue;
        while (high - low > 1) {
            uint64_t middle = low + (high - low) / 2;

            if (stage_level(g, middle) == level)
                low = middle;
            else
                high = middle;
        }
        return s->begin[i] + high;
    }
    return NS_NEVER;
}

static void add(struct schedule *s, struct stage g)
{
    s->begin[s->count] = s->length;
    s->mass[s->count] = s->total;
    s->stages[s->count++] = g;
    if (g.length == NS_NEVER) {
        s->length = NS_NEVER;
        s->total = g.from ? ~(schedule_mass)0 : 0;
        return;
    }
    s->length += g.length;
    s->total += stage_mass(&g, g.length);
}

void schedule_constant(struct schedule *s, uint64_t level, uint64_t length)
{
    *s = (struct schedule){0};
    add(s, (struct stage){level, level, length});
}

static int parse_level(enum schedule_kind kind, const char *text, uint64_t *out)
{
    int rc = kind == SCHEDULE_RATES ? num_rate(text, out) : num_count(text, out);

    if (rc == 0 && *out > (kind == SCHEDULE_RATES ? SCHEDULE_RATE_MAX : 1000000))
        return -ERANGE;
    return rc;
}

/* FROM..TO or LEVEL; text is cut up. FROM without a unit takes TO's: "0..2000/min". */
static int parse_levels(enum schedule_kind kind, char *text, struct stage *g)
{
    char *dots = strstr(text, "..");
    char from[64];
    int rc;

    if (!dots) {
        rc = parse_level(kind, text, &g->from);
        g->to = g->from;
        return rc;
    }
    *dots = '\0';
    rc = parse_level(kind, dots + 2, &g->to);
    if (rc < 0)
        return rc;
    const char *unit = strchr(dots + 2, '/');

    (void)snprintf(from, sizeof from, "%s%s", text, unit && !strchr(text, '/') ? unit : "");
    return parse_level(kind, from, &g->from);
}

static const struct {
    const char *option;
    const char *form;
    const char *most;
} kinds[] = {
    [SCHEDULE_RATES] = {"--stages",
                        "RATE:TIME or FROM..TO:TIME, such as 2000/s:5m or 0..2000/s:30s", "100M/s"},
    [SCHEDULE_SESSIONS] = {"--session-stages",
                           "SESSIONS:TIME or FROM..TO:TIME, such as 100:5m or 0..100:30s",
                           "1000000 sessions"},
};

static int parse_stage(enum schedule_kind kind, const char *text, size_t n, struct stage *g,
                       struct diag *d)
{
    const char *option = kinds[kind].option;
    char copy[64];
    char *colon;
    int rc = -EINVAL;

    if (n == 0)
        return diag_set(d, -EINVAL, "bad stage: empty (%s: a stage is %s)", option,
                        kinds[kind].form);
    if (n < sizeof copy) {
        memcpy(copy, text, n);
        copy[n] = '\0';
        colon = strchr(copy, ':');
        if (colon) {
            *colon = '\0';
            rc = parse_levels(kind, copy, g);
            if (rc == -ERANGE)
                return diag_set(d, -EINVAL, "bad stage: %.*s (%s: %s at most)", (int)n, text,
                                option, kinds[kind].most);
            if (rc == 0)
                rc = num_duration(colon + 1, &g->length);
            if (rc == -ERANGE) { /* longer than what schedule_parse() takes */
                g->length = UINT64_MAX;
                return 0;
            }
        }
    }
    if (rc < 0)
        return diag_set(d, -EINVAL, "bad stage: %.*s (%s: a stage is %s)", (int)n, text, option,
                        kinds[kind].form);
    if (g->length == 0)
        return diag_set(d, -EINVAL, "bad stage: %.*s (%s: its time must be more than 0)", (int)n,
                        text, option);
    return 0;
}

int schedule_parse(struct schedule *out, enum schedule_kind kind, const char *text, struct diag *d)
{
    struct schedule s = {0};
    const char *at = text;

    for (;;) {
        struct stage g = {0};
        const char *end = strchrnul(at, ',');
        const char *last = end;
        int rc;

        while (at < end && isspace((unsigned char)*at))
            at++;
        while (last > at && isspace((unsigned char)last[-1]))
            last--;
        rc = parse_stage(kind, at, (size_t)(last - at), &g, d);
        if (rc < 0)
            return rc;
        if (s.count == SCHEDULE_STAGES)
            return diag_set(d, -EINVAL, "bad stages: more than %d (%s)", SCHEDULE_STAGES,
                            kinds[kind].option);
        if (g.length > SCHEDULE_TIME_MAX - s.length)
            return diag_set(d, -EINVAL, "bad stages: longer than ten years in all (%s)",
                            kinds[kind].option);
        add(&s, g);
        if (*end == '\0')
            break;
        at = end + 1;
    }
    if (s.total == 0)
        return diag_set(d, -EINVAL, "bad stages: %s (%s: nothing is ever started)", text,
                        kinds[kind].option);
    *out = s;
    return 0;
}
