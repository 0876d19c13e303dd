/*
 * Targets in reports. What a row counts stands in groups of the same names as in the whole.
 */
#include "targets_report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "document.h"
#include "fields.h"
#include "human.h"
#include "reading.h"
#include "rows.h"

/* Read and merged rows, at most: many times what one run may have. */
#define ROWS_MAX 1024

#define FIELDS_MAX COUNTER_COUNT

/* The counters of a row as plain fields. Returns how many. */
static size_t make_fields(struct field out[FIELDS_MAX])
{
    for (size_t i = 0; i < target_counter_count; i++) {
        enum counter c = target_counters[i];

        out[i] =
            (struct field){counter_group(c), counter_name(c), FIELD_COUNT, MERGE_SUM,
                           offsetof(struct target_stats, counter) + (size_t)c * sizeof(uint64_t)};
    }
    return target_counter_count;
}

static const struct field head_fields[] = {
    {NULL, "endpoint", FIELD_TEXT, MERGE_SAME, offsetof(struct run_target, endpoint)},
    {NULL, "weight", FIELD_COUNT, MERGE_SAME, offsetof(struct run_target, weight)},
};

#define HEAD_FIELDS (sizeof head_fields / sizeof *head_fields)

/* ---- Written ---- */

/* Groups as in the whole: only what has been measured. */
static void put_latency(struct document *d, json_t *row, const char *group, const char *name,
                        const struct hist *h)
{
    json_t *o = put_object(d, row, group);

    if (h->count > 0)
        put_hist(d, o, name, h);
}

void put_targets(struct document *d, json_t *root, const struct run *r)
{
    struct field fields[FIELDS_MAX];
    size_t n = make_fields(fields);
    json_t *rows;

    if (r->target_count == 0)
        return;
    rows = put_array(d, root, "targets");
    for (size_t i = 0; i < r->target_count; i++) {
        const struct run_target *t = &r->targets[i];
        json_t *row = json_object();

        fields_write(d, row, head_fields, HEAD_FIELDS, t);
        put_number(d, put_object(d, row, "messages"), "offered", targets_offered(t->stats));
        fields_write(d, row, fields, n, t->stats);
        put_latency(d, row, "latency", "transaction", &t->stats->transaction);
        put_latency(d, row, "response", "accepted", &t->stats->response);
        append(d, rows, row);
    }
}

/* ---- Shown ---- */

#define NAME_WIDTH 20

static void text_row(const struct run_target *t, FILE *out)
{
    const uint64_t *c = t->stats->counter;
    const struct hist *h = t->stats->response.count ? &t->stats->response : &t->stats->transaction;
    char name[2 * ROWS_WIDTH];
    size_t length;

    if (t->weight > 1 && t->weight != FIELD_MIXED)
        (void)snprintf(name, sizeof name, "%u@%s", (unsigned)t->weight,
                       t->endpoint ? t->endpoint : "?");
    else
        (void)snprintf(name, sizeof name, "%s", t->endpoint ? t->endpoint : "?");
    length = strlen(name);
    fputs("  ", out);
    rows_text(out, name, ROWS_WIDTH - 2);
    if (length > NAME_WIDTH) /* a line of its own */
        fprintf(out, "\n  %*s", NAME_WIDTH, "");
    else
        fprintf(out, "%*s", (int)(NAME_WIDTH - length), "");
    fprintf(out, " %6s %8s %8s %7s %6s", human_short(c[COUNTER_CONNECTIONS_MADE], 6).text,
            human_short(c[COUNTER_CONNECTIONS_FAILED], 8).text,
            human_short(c[COUNTER_MESSAGES_ACCEPTED], 8).text,
            human_short(c[COUNTER_MESSAGES_REFUSED], 7).text,
            human_short(c[COUNTER_MESSAGES_FAILED] + c[COUNTER_MESSAGES_UNKNOWN], 6).text);
    if (h->count)
        fprintf(out, " %8s %8s", human_time(hist_percentile(h, 50)).text,
                human_time(hist_percentile(h, 99)).text);
    fputc('\n', out);
}

void targets_text(const struct run *r, FILE *out)
{
    if (r->target_count == 0)
        return;
    fprintf(out, "\n  %-*s %6s %8s %8s %7s %6s %8s %8s\n", NAME_WIDTH, "server", "made", "not made",
            "accepted", "refused", "failed", "p50", "p99");
    for (size_t i = 0; i < r->target_count; i++)
        text_row(&r->targets[i], out);
}

/* ---- Read back ---- */

static int bad(struct diag *d, const char *what)
{
    return diag_set(d, -EBADMSG, "targets %s", what);
}

/* The next row, empty; NULL when there is no memory, or no room. */
static struct target_stats *add_row(struct target_rows *t, const char *endpoint, uint64_t weight)
{
    struct run_target *rows = realloc(t->rows, (t->count + 1) * sizeof *rows);
    struct target_stats *stats;

    if (!rows)
        return NULL;
    t->rows = rows;
    stats = t->count < ROWS_MAX ? targets_new(1) : NULL;
    if (stats)
        t->rows[t->count++] = (struct run_target){endpoint, weight, stats};
    return stats;
}

static int read_latency(const json_t *row, const char *group, const char *name, struct hist *h,
                        struct diag *d)
{
    const json_t *o = json_object_get(json_object_get(row, group), name);
    char where[60];

    (void)snprintf(where, sizeof where, "targets.%s.%s", group, name);
    return o ? read_hist(o, where, h, d) : 0;
}

static int read_row(struct target_rows *t, const json_t *row, struct diag *d)
{
    struct field fields[FIELDS_MAX];
    size_t n = make_fields(fields);
    struct run_target head = {0};
    const json_t *offered = json_object_get(json_object_get(row, "messages"), "offered");
    struct target_stats *stats;
    int rc;

    if (!json_is_object(row))
        return bad(d, "has a row that is no object");
    if ((rc = fields_read(row, head_fields, HEAD_FIELDS, &head, d)) < 0)
        return rc;
    stats = add_row(t, head.endpoint, head.weight);
    if (!stats)
        return diag_set(d, -ENOMEM, "out of memory");
    if ((rc = fields_read(row, fields, n, stats, d)) < 0 ||
        (rc = read_latency(row, "latency", "transaction", &stats->transaction, d)) < 0 ||
        (rc = read_latency(row, "response", "accepted", &stats->response, d)) < 0)
        return rc;
    if (!json_is_integer(offered) ||
        (uint64_t)json_integer_value(offered) != targets_offered(stats))
        return bad(d, "has messages whose offered is not the sum of their outcomes");
    return 0;
}

/* Do the rows sum to the whole? */
static int check(const struct target_rows *t, const struct stats *whole, struct diag *d)
{
    struct target_stats *all = t->count ? calloc(t->count, sizeof *all) : NULL;
    const char *name;

    if (!all)
        return t->count ? diag_set(d, -ENOMEM, "out of memory") : 0;
    for (size_t i = 0; i < t->count; i++)
        all[i] = *t->rows[i].stats;
    name = targets_check(all, (uint32_t)t->count, whole);
    free(all);
    return name ? diag_set(d, -EBADMSG, "targets do not sum to the run's %s", name) : 0;
}

int target_rows_read(struct target_rows *t, const json_t *root, const struct stats *whole,
                     struct diag *d)
{
    const json_t *rows = json_object_get(root, "targets");
    size_t n = json_array_size(rows);
    int rc = 0;

    if (!rows)
        return 0;
    if (!json_is_array(rows) || n == 0 || n > ROWS_MAX)
        return bad(d, "is no list of servers");
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = read_row(t, json_array_get(rows, i), d);
    return rc < 0 ? rc : check(t, whole, d);
}

void target_rows_done(struct target_rows *t)
{
    for (size_t i = 0; i < t->count; i++)
        free(t->rows[i].stats);
    free(t->rows);
    *t = (struct target_rows){0};
}

/* ---- Merged ---- */

static bool same_endpoint(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static int add(struct target_rows *t, const struct run_target *from, struct diag *d)
{
    struct field fields[FIELDS_MAX];
    size_t n = make_fields(fields);
    struct target_stats *stats;
    size_t i = 0;
    int rc;

    while (i < t->count && !same_endpoint(t->rows[i].endpoint, from->endpoint))
        i++;
    if (i == t->count && !add_row(t, from->endpoint, from->weight))
        return t->count == ROWS_MAX
                   ? diag_set(d, -EOVERFLOW, "makes too many servers: at most %d", ROWS_MAX)
                   : diag_set(d, -ENOMEM, "out of memory");
    if (t->rows[i].weight != from->weight)
        t->rows[i].weight = FIELD_MIXED;
    stats = t->rows[i].stats;
    if ((rc = fields_merge(fields, n, stats, from->stats, d)) < 0)
        return rc;
    hist_merge(&stats->transaction, &from->stats->transaction);
    hist_merge(&stats->response, &from->stats->response);
    return 0;
}

/* A run to one server: all that a row counts of it is that server's. */
static int add_whole(struct target_rows *t, const struct run *r, struct diag *d)
{
    struct target_stats *stats = targets_new(1);
    struct run_target row = {r->target, 1, stats};
    int rc;

    if (!stats)
        return diag_set(d, -ENOMEM, "out of memory");
    for (size_t i = 0; i < target_counter_count; i++)
        stats->counter[target_counters[i]] = r->total->counter[target_counters[i]];
    hist_merge(&stats->transaction, &r->total->latency[PHASE_TRANSACTION]);
    hist_merge(&stats->response, &r->total->response[OUTCOME_ACCEPTED]);
    rc = add(t, &row, d);
    free(stats);
    return rc;
}

int target_rows_merge(struct target_rows *t, const struct run *into, const struct target_rows *from,
                      const struct run *from_run, struct diag *d)
{
    int rc = 0;

    if (t->count == 0 && from->count == 0)
        return 0;
    if (t->count == 0)
        rc = add_whole(t, into, d);
    for (size_t i = 0; i < from->count && rc == 0; i++)
        rc = add(t, &from->rows[i], d);
    if (from->count == 0 && rc == 0)
        rc = add_whole(t, from_run, d);
    return rc;
}
