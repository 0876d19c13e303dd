/*
 * The table of changes between two runs.
 */
#include "compare.h"

#include <math.h>
#include <string.h>

#include "conditions.h"
#include "rows.h"
#include "run.h"

static void describe(FILE *out, const char *label, const struct run *r)
{
    struct rows o = {.out = out};

    rows_label(&o, label);
    rows_piece(&o, "%s", r->started_at ? r->started_at : "at an unknown time");
    if (r->id)
        rows_piece(&o, "id %s", r->id);
    if (r->version)
        rows_piece(&o, "version %s", r->version);
    if (r->ended && strcmp(r->ended, "complete") != 0)
        rows_piece(&o, "%s", r->ended);
    rows_end(&o);
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* What was not the same about the load: a change may come from there. */
static void differences(FILE *out, const struct run *a, const struct run *b)
{
    const struct {
        const char *name;
        bool same;
    } rows[] = {
        {"target", same_text(a->target, b->target)},
        {"protocol", same_text(a->protocol, b->protocol)},
        {"sessions", a->sessions == b->sessions},
        {"messages", a->messages == b->messages},
        {"recipients", a->rcpts == b->rcpts},
        {"message size", a->message_bytes == b->message_bytes},
        {"workers", a->workers == b->workers},
        {"I/O driver", same_text(a->io_driver, b->io_driver)},
        {"kernel", same_text(a->kernel, b->kernel)},
        {"CPU", same_text(a->cpu_model, b->cpu_model) && a->cpus == b->cpus},
    };
    struct rows o = {.out = out};
    bool any = false;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (rows[i].same)
            continue;
        if (!any)
            rows_label(&o, "differ in");
        any = true;
        rows_piece(&o, "%s", rows[i].name);
    }
    if (any)
        rows_end(&o);
}

struct change {
    char text[48];
};

/* "+12.3%"; counts, whose percentages mislead when they are small, as a difference. */
static struct change change_of(const struct require_term *t, uint64_t base, uint64_t new)
{
    double change = change_percent((double)base, (double)new);
    struct change out;

    if (t->kind == REQUIRE_COUNT && base == new)
        (void)snprintf(out.text, sizeof out.text, "0");
    else if (t->kind == REQUIRE_COUNT)
        (void)snprintf(out.text, sizeof out.text, "%c%s", new < base ? '-' : '+',
                       human_short(new < base ? base - new : new - base, 9).text);
    else if (isinf(change))
        (void)snprintf(out.text, sizeof out.text, "new");
    else if (change >= 1000)
        (void)snprintf(out.text, sizeof out.text, "x %s", human_short(new / base, 6).text);
    else
        (void)snprintf(out.text, sizeof out.text, "%+.1f%%", change);
    return out;
}

static struct human value_of(const struct require_term *t, const struct require_result *r)
{
    if (!r->known)
        return (struct human){"-"};
    return t->kind == REQUIRE_COUNT ? human_short(r->value, 11) : condition_value(t, r->value);
}

/* One measure in three columns. */
static void cells(FILE *out, const char *name, int width, const struct run *base,
                  const struct run *new)
{
    const struct require_facts facts[] = {run_facts(base), run_facts(new)};
    struct change change = {"-"};
    struct require_term t;
    struct require_result a;
    struct require_result b;

    if (require_measure(name, &t) < 0)
        return;
    a = require_check(&t, &facts[0]);
    b = require_check(&t, &facts[1]);
    if (a.known && b.known)
        change = change_of(&t, a.value, b.value);
    fprintf(out, " %*s %*s %9s", width, value_of(&t, &a).text, width, value_of(&t, &b).text,
            change.text);
}

static void latency_row(FILE *out, const char *of, const struct run *base, const struct run *new)
{
    static const char *const columns[] = {"p50", "p99"};
    char name[40];

    fprintf(out, "  %-12s", of);
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        (void)snprintf(name, sizeof name, "%s(%s)", columns[i], of);
        cells(out, name, 9, base, new);
    }
    fputc('\n', out);
}

static void latency(FILE *out, const struct run *base, const struct run *new)
{
    const struct stats *a = base->total;
    const struct stats *b = new->total;
    bool response = a->response[OUTCOME_ACCEPTED].count + b->response[OUTCOME_ACCEPTED].count > 0;
    bool any = response;

    for (int p = 0; p < PHASE_COUNT; p++)
        any = any || a->latency[p].count + b->latency[p].count > 0;
    if (any)
        fprintf(out, "\n  %-12s %9s %9s %9s %9s %9s %9s\n", "latency", "p50 base", "new", "change",
                "p99 base", "new", "change");
    if (response)
        latency_row(out, "response", base, new);
    for (int p = 0; p < PHASE_COUNT; p++)
        if (a->latency[p].count + b->latency[p].count > 0)
            latency_row(out, phase_name((enum phase)p), base, new);
}

void compare_text(const struct run *base, const struct run *new, FILE *out)
{
    static const struct {
        const char *label;
        const char *name;
    } rows[] = {{"rate", "rate"},       {"accepted", "accepted"}, {"refused", "refused"},
                {"failed", "failed"},   {"unknown", "unknown"},   {"missed", "missed"},
                {"lost conn.", "lost"}, {"timeouts", "timeouts"}, {"CPU/message", "cpu"}};

    describe(out, "base", base);
    describe(out, "new", new);
    differences(out, base, new);
    fprintf(out, "\n  %-12s %13s %13s %9s\n", "", "base", "new", "change");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fprintf(out, "  %-12s", rows[i].label);
        cells(out, rows[i].name, 13, base, new);
        fputc('\n', out);
    }
    latency(out, base, new);
}
