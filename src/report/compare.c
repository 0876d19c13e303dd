/*
 * The table of changes between two runs.
 */
#include "compare.h"

#include <math.h>
#include <string.h>

#include "rows.h"

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
static struct change change_of(const struct measured *m, double base, double new)
{
    double change = measure_change(base, new);
    struct change out;

    if (measure_unit(m) == MEASURE_COUNT && base == new)
        (void)snprintf(out.text, sizeof out.text, "0");
    else if (measure_unit(m) == MEASURE_COUNT)
        (void)snprintf(out.text, sizeof out.text, "%c%s", new < base ? '-' : '+',
                       human_short((uint64_t)fabs(new - base), 9).text);
    else if (isinf(change))
        (void)snprintf(out.text, sizeof out.text, "new");
    else if (change >= 1000)
        (void)snprintf(out.text, sizeof out.text, "x %s",
                       human_short((uint64_t)(new / base), 6).text);
    else
        (void)snprintf(out.text, sizeof out.text, "%+.1f%%", change);
    return out;
}

/* One measure in three columns. */
static void cells(FILE *out, const char *name, int width, const struct run *base,
                  const struct run *new)
{
    struct change change = {"-"};
    struct measured m;
    struct diag unused;
    double a = 0;
    double b = 0;
    bool has_a;
    bool has_b;

    if (measure_find(slice_of(name), &m, &unused) < 0)
        return;
    has_a = measure_value(&m, base, &a);
    has_b = measure_value(&m, new, &b);
    if (has_a && has_b)
        change = change_of(&m, a, b);
    fprintf(out, " %*s %*s %9s", width, has_a ? measure_text(&m, a).text : "-", width,
            has_b ? measure_text(&m, b).text : "-", change.text);
}

static void latency(FILE *out, const struct run *base, const struct run *new)
{
    bool any = false;

    for (int p = 0; p < PHASE_COUNT; p++) {
        char name[40];

        if (base->total->latency[p].count == 0 && new->total->latency[p].count == 0)
            continue;
        if (!any)
            fprintf(out, "\n  %-12s %9s %9s %9s %9s %9s %9s\n", "latency", "p50 base", "new",
                    "change", "p99 base", "new", "change");
        any = true;
        fprintf(out, "  %-12s", phase_name((enum phase)p));
        (void)snprintf(name, sizeof name, "%s:p50", phase_name((enum phase)p));
        cells(out, name, 9, base, new);
        (void)snprintf(name, sizeof name, "%s:p99", phase_name((enum phase)p));
        cells(out, name, 9, base, new);
        fputc('\n', out);
    }
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
