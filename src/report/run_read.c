/*
 * Documents read back. Everything that follows from other fields is computed anew and held against
 * what the file says, so that a flipped digit is no result.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "document.h"
#include "reading.h"
#include "run_fields.h"
#include "run_file.h"

static int find_phase(const char *name)
{
    for (int p = 0; p < PHASE_COUNT; p++)
        if (strcmp(phase_name((enum phase)p), name) == 0)
            return p;
    return -1;
}

static const char *phase_of(int p)
{
    return phase_name((enum phase)p);
}

static const char *outcome_of(int o)
{
    return outcome_name((enum outcome)o);
}

static const char *lag_of(int i)
{
    (void)i;
    return "start";
}

/* An object of histograms by name; names are those of 0 .. count - 1. */
static int read_hists(const json_t *root, const char *name, struct hist *hists, int count,
                      const char *(*name_of)(int), struct diag *d)
{
    json_t *group = json_object_get(root, name);
    const char *key;
    json_t *o;

    if (!json_is_object(group))
        return read_bad(d, name, "is missing");
    json_object_foreach(group, key, o)
    {
        char where[80];
        int i = 0;
        int rc;

        (void)snprintf(where, sizeof where, "%s.%.40s", name, key);
        while (i < count && strcmp(name_of(i), key) != 0)
            i++;
        if (i == count)
            return read_bad(d, where, "is none that this version knows");
        rc = read_hist(o, where, &hists[i], d);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int read_layout(const json_t *root, struct diag *d)
{
    const json_t *o = json_object_get(root, "histogram");
    const char *layout = json_string_value(json_object_get(o, "layout"));

    if (!layout || strcmp(layout, "HdrHistogram") != 0 ||
        json_integer_value(json_object_get(o, "unit_ns")) != 1 ||
        json_integer_value(json_object_get(o, "sub_buckets")) != HIST_SUB_BUCKETS ||
        json_integer_value(json_object_get(o, "highest_ns")) != (json_int_t)HIST_HIGHEST)
        return read_bad(d, "histogram", "is not of the layout that this version uses");
    return 0;
}

/* Groups that came later are missing in older documents, and are then 0. */
static bool is_of_old(const char *group)
{
    static const char *const groups[] = {"messages", "recipients", "connections", "traffic",
                                         "replies"};

    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
        if (strcmp(groups[i], group) == 0)
            return true;
    return false;
}

static int read_counters(const json_t *root, struct stats *s, struct diag *d)
{
    uint64_t offered[2];
    int rc;

    for (int c = 0; c < COUNTER_COUNT; c++) {
        const char *group = counter_group((enum counter)c);
        const json_t *o = json_object_get(root, group);

        if (!json_is_object(o) && (o || is_of_old(group)))
            return read_bad(d, group, "is missing");
        rc = read_count(o, group, counter_name((enum counter)c), true, &s->counter[c], d);
        if (rc < 0)
            return rc;
    }
    if ((rc = read_count(json_object_get(root, "messages"), "messages", "offered", false,
                         &offered[0], d)) < 0 ||
        (rc = read_count(json_object_get(root, "recipients"), "recipients", "offered", false,
                         &offered[1], d)) < 0)
        return rc;
    if (offered[0] != stats_offered(s) || offered[1] != stats_rcpt_offered(s))
        return read_bad(d, "the account",
                        "does not add up: offered is not the sum of its outcomes");
    return 0;
}

static int read_refusal(const json_t *o, struct refusals *r, struct diag *d)
{
    const char *phase = json_string_value(json_object_get(o, "phase"));
    const char *enhanced = json_string_value(json_object_get(o, "enhanced"));
    const char *sample = json_string_value(json_object_get(o, "sample"));
    struct refusal_row *row = &r->rows[r->count];
    int p = phase ? find_phase(phase) : -1;
    uint64_t code = 0;
    int rc;

    if (p < 0)
        return read_bad(d, "refusals", "has a phase that this version doesn't know");
    if ((rc = read_count(o, "refusals", "code", false, &code, d)) < 0 ||
        (rc = read_count(o, "refusals", "messages", false, &row->messages, d)) < 0 ||
        (rc = read_count(o, "refusals", "replies", false, &row->replies, d)) < 0)
        return rc;
    if (code > 999 || !sample || strlen(sample) > REFUSAL_SAMPLE_MAX ||
        (enhanced && strlen(enhanced) > REFUSAL_ENHANCED_MAX) ||
        !json_is_boolean(json_object_get(o, "collateral")))
        return read_bad(d, "refusals", "has a row that is none");
    r->keys[r->count] = refusal_key((enum phase)p, (int)code, slice_of(enhanced ? enhanced : ""),
                                    json_is_true(json_object_get(o, "collateral")));
    diag_printable(row->sample, sizeof row->sample, slice_of(sample));
    for (uint32_t i = 0; i < r->count; i++)
        if (memcmp(&r->keys[i], &r->keys[r->count], sizeof r->keys[i]) == 0)
            return read_bad(d, "refusals", "has a row twice");
    r->count++;
    return 0;
}

static int read_refusals(const json_t *root, struct refusals *r, struct diag *d)
{
    const json_t *rows = json_object_get(root, "refusals");
    const json_t *other = json_object_get(root, "refusals_other");
    size_t n = json_array_size(rows);
    int rc;

    if (!json_is_array(rows) || !json_is_object(other))
        return read_bad(d, "refusals", "is missing");
    if (n > REFUSAL_ROWS)
        return read_bad(d, "refusals", "has too many rows");
    for (size_t i = 0; i < n; i++) {
        rc = read_refusal(json_array_get(rows, i), r, d);
        if (rc < 0)
            return rc;
    }
    rc = read_count(other, "refusals_other", "messages", false, &r->other.messages, d);
    return rc < 0 ? rc
                  : read_count(other, "refusals_other", "replies", false, &r->other.replies, d);
}

/* None in older documents. */
static int read_breaks(const json_t *root, struct stats *s, struct diag *d)
{
    json_t *rows = json_object_get(root, "breaks");
    const char *name;
    json_t *row;

    if (rows && !json_is_object(rows))
        return read_bad(d, "breaks", "is no object");
    json_object_foreach(rows, name, row)
    {
        int p = find_phase(name);

        if (p < 0)
            return read_bad(d, "breaks", "has a phase that this version doesn't know");
        for (int k = 0; k < BREAK_COUNT; k++) {
            int rc = read_count(row, "breaks", break_name((enum break_kind)k), false,
                                &s->breaks[p][k], d);

            if (rc < 0)
                return rc;
        }
    }
    return 0;
}

/*
 * Things by kind, "tls.kinds", which are as many as there were in all; none in older documents.
 */
static int read_kinds(const json_t *root, const char *group, const char *rows_name, uint64_t all,
                      struct kinds *k, struct diag *d)
{
    const json_t *o = json_object_get(root, group);
    json_t *rows = json_object_get(o, rows_name);
    char where[60];
    uint64_t sum = 0;
    const char *name;
    json_t *value;

    (void)snprintf(where, sizeof where, "%s.%s", group, rows_name);
    if (!o)
        return 0;
    if (!json_is_object(rows))
        return read_bad(d, where, "is missing");
    json_object_foreach(rows, name, value)
    {
        uint64_t n = 0;
        int rc = read_count(rows, where, name, false, &n, d);

        if (rc < 0)
            return rc;
        if (strlen(name) >= KINDS_NAME || __builtin_add_overflow(sum, n, &sum))
            return read_bad(d, where, "has a row that is none");
        if (strcmp(name, "other") == 0)
            k->other = n;
        else if (k->count == KINDS_ROWS)
            return read_bad(d, where, "has too many rows");
        else
            kinds_add(k, name, n);
    }
    return sum == all ? 0 : read_bad(d, where, "does not sum to what there was");
}

static int read_sink(const json_t *root, struct run_file *f, struct diag *d)
{
    const json_t *sink = json_object_get(root, "sink");
    json_t *verbs = json_object_get(sink, "refused_by_verb");
    uint64_t refused = 0;
    const char *verb;
    json_t *value;
    int rc;

    if (!json_is_object(sink) || !json_is_object(verbs))
        return read_bad(d, "sink", "is no object, or incomplete");
    rc = fields_read(sink, sink_fields, sink_field_count, &f->sink, d);
    if (rc < 0)
        return rc;
    rc = read_kinds(sink, "tls", "kinds", f->sink.tls_full + f->sink.tls_resumed, &f->sink.tls, d);
    if (rc < 0 ||
        (rc = read_kinds(sink, "auth", "mechanisms", f->sink.auth_accepted, &f->sink.auth, d)) <
            0 ||
        (rc = read_kinds(sink, "auth", "refused_mechanisms", f->sink.auth_refused,
                         &f->sink.auth_refusals, d)) < 0)
        return rc;
    f->sink.refusals = f->refusals;
    json_object_foreach(verbs, verb, value)
    {
        struct sink_refusal *row = &f->refusals[f->sink.refusal_count];

        if (f->sink.refusal_count == RUN_FILE_VERBS)
            return read_bad(d, "sink.refused_by_verb", "has too many rows");
        row->verb = verb;
        rc = read_count(verbs, "sink.refused_by_verb", verb, false, &row->count, d);
        if (rc < 0)
            return rc;
        if (__builtin_add_overflow(refused, row->count, &refused))
            return read_bad(d, "sink.refused_by_verb", "is beyond all bounds");
        f->sink.refusal_count++;
    }
    if (refused != f->sink.refused)
        return read_bad(d, "sink.refused", "is not the sum of refused_by_verb");
    return 0;
}

/* The runs that this one was made of; itself, if it was not merged. */
static int read_parts(struct run_file *f, struct diag *d)
{
    const json_t *rows = json_object_get(f->root, "merged");
    size_t n = json_array_size(rows);

    if (rows && (!json_is_array(rows) || n == 0))
        return read_bad(d, "merged", "is no list of runs");
    f->parts = calloc(n ? n : 1, sizeof *f->parts);
    if (!f->parts)
        return diag_set(d, -ENOMEM, "out of memory");
    f->part_count = n ? n : 1;
    f->parts[0] = f->is_sink ? (struct run_part){f->sink.id, f->sink.started_at, f->sink.elapsed_ns}
                             : (struct run_part){f->run.id, f->run.started_at, f->run.elapsed_ns};
    for (size_t i = 0; i < n; i++) {
        const json_t *row = json_array_get(rows, i);
        int rc = read_count(row, "merged", "elapsed_ns", false, &f->parts[i].elapsed_ns, d);

        if (rc < 0)
            return rc;
        f->parts[i].id = json_string_value(json_object_get(row, "run_id"));
        f->parts[i].started_at = json_string_value(json_object_get(row, "started_at"));
    }
    if (n == 0)
        return 0;
    f->run.parts = f->sink.parts = f->parts;
    f->run.part_count = f->sink.part_count = n;
    return 0;
}

/* What only runs with a target rate have. */
static int read_starts(const json_t *root, struct stats *s, struct diag *d)
{
    int rc = 0;

    if (json_object_get(root, "response"))
        rc = read_hists(root, "response", s->response, OUTCOME_COUNT, outcome_of, d);
    if (rc == 0 && json_object_get(root, "lag"))
        rc = read_hists(root, "lag", &s->lag, 1, lag_of, d);
    return rc;
}

static int read_source(struct run_file *f, struct diag *d)
{
    const uint64_t *c;
    int rc;

    f->total = stats_new();
    if (!f->total)
        return diag_set(d, -ENOMEM, "out of memory");
    f->run.total = f->total;
    if ((rc = fields_read(f->root, run_fields, run_field_count, &f->run, d)) < 0 ||
        (rc = read_layout(f->root, d)) < 0 || (rc = read_counters(f->root, f->total, d)) < 0 ||
        (rc = read_refusals(f->root, &f->total->refusals, d)) < 0 ||
        (rc = read_breaks(f->root, f->total, d)) < 0 ||
        (rc = read_hists(f->root, "latency", f->total->latency, PHASE_COUNT, phase_of, d)) < 0 ||
        (rc = read_hists(f->root, "refused_latency", f->total->refused_latency, PHASE_COUNT,
                         phase_of, d)) < 0 ||
        (rc = read_starts(f->root, f->total, d)) < 0 ||
        (rc = target_rows_read(&f->targets, f->root, f->total, d)) < 0)
        return rc;
    f->run.targets = f->targets.rows;
    f->run.target_count = f->targets.count;
    c = f->total->counter;
    if ((rc = read_kinds(f->root, "tls", "kinds", c[COUNTER_TLS_FULL] + c[COUNTER_TLS_RESUMED],
                         &f->total->tls, d)) < 0 ||
        (rc = read_kinds(f->root, "auth", "mechanisms", c[COUNTER_AUTH_ACCEPTED], &f->total->auth,
                         d)) < 0 ||
        (rc = read_kinds(f->root, "auth", "refused_users", c[COUNTER_AUTH_REFUSED],
                         &f->total->auth_users, d)) < 0)
        return rc;
    /* What began in a warm-up may end after it. */
    if (!(f->run.warmup_ns ? stats_check_part : stats_check)(f->total))
        return read_bad(d, "the account", "does not add up");
    if (json_object_get(f->root, "sink")) {
        rc = read_sink(f->root, f, d);
        f->run.sink = &f->sink;
    }
    return rc < 0 ? rc : model_read(f, d);
}

static int read_notes(struct run_file *f, struct diag *d)
{
    const json_t *rows = json_object_get(f->root, "notes");

    if (rows && (!json_is_array(rows) || json_array_size(rows) > RUN_FILE_NOTES))
        return read_bad(d, "notes", "is no list of notes");
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const char *text = json_string_value(json_array_get(rows, i));

        if (!text)
            return read_bad(d, "notes", "has one that is no text");
        run_file_note(f, text);
    }
    return 0;
}

static int read_root(struct run_file *f, struct diag *d)
{
    const char *schema = json_string_value(json_object_get(f->root, "schema"));
    const char *role = json_string_value(json_object_get(f->root, "role"));
    int rc;

    if (!schema || strncmp(schema, RUN_SCHEMA_NAME, strlen(RUN_SCHEMA_NAME)) != 0)
        return diag_set(d, -EBADMSG, "not a report of smtp-source or smtp-sink");
    if (strcmp(schema, RUN_SCHEMA) != 0)
        return diag_set(d, -EBADMSG, "is of another version: %.60s (this program reads %s)", schema,
                        RUN_SCHEMA);
    if (!role || (strcmp(role, "source") != 0 && strcmp(role, "sink") != 0))
        return read_bad(d, "role", "is neither source nor sink");
    f->is_sink = strcmp(role, "sink") == 0;
    if (f->is_sink) {
        rc = fields_read(f->root, sink_head_fields, sink_head_field_count, &f->sink, d);
        rc = rc < 0 ? rc : read_sink(f->root, f, d);
    } else {
        rc = read_source(f, d);
    }
    if (rc == 0)
        rc = read_notes(f, d);
    return rc < 0 ? rc : read_parts(f, d);
}

int run_file_parse(struct run_file *out, const char *name, const char *text, size_t size,
                   struct diag *d)
{
    struct run_file f = {.name = name};
    struct diag inner;
    json_error_t error;
    int rc;

    f.root = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
    if (!f.root)
        return diag_set(d, -EBADMSG, "%s: not a report: no JSON at line %d (%.100s)", name,
                        error.line, error.text);
    *out = f; /* read in place: the run refers to the sink beside it */
    rc = read_root(out, &inner);
    if (rc < 0) {
        run_file_done(out);
        return diag_set(d, rc, "%s: %s", name, inner.text);
    }
    return 0;
}

/* All of a stream up to the limit; *text is the caller's. */
static int read_all(FILE *in, char **text, size_t *size)
{
    size_t room = 1 << 16;
    char *all = malloc(room);

    *size = 0;
    while (all) {
        size_t n = fread(all + *size, 1, room - *size, in);
        char *more;

        *size += n;
        if (*size < room)
            break;
        if (room > RUN_FILE_MAX) {
            free(all);
            return -EFBIG;
        }
        room *= 2;
        more = realloc(all, room);
        if (!more)
            free(all);
        all = more;
    }
    if (!all)
        return -ENOMEM;
    if (ferror(in)) {
        int code = errno ? -errno : -EIO;

        free(all);
        return code;
    }
    *text = all;
    return 0;
}

int run_file_read(struct run_file *out, const char *name, struct diag *d)
{
    bool standard = strcmp(name, "-") == 0;
    FILE *in = standard ? stdin : fopen(name, "re");
    char *text = NULL;
    size_t size = 0;
    int rc;

    if (!in)
        return diag_set(d, -errno, "open %s: %s", name, strerror(errno));
    errno = 0;
    rc = read_all(in, &text, &size);
    if (!standard)
        (void)fclose(in);
    name = standard ? "standard input" : name;
    if (rc == -EFBIG)
        return diag_set(d, rc, "%s: too large to be a report: more than %zu MiB", name,
                        RUN_FILE_MAX >> 20);
    if (rc < 0)
        return diag_set(d, rc, "read %s: %s", name, strerror(-rc));
    rc = run_file_parse(out, name, text, size, d);
    free(text);
    return rc;
}

void run_file_done(struct run_file *f)
{
    json_decref(f->root);
    stats_free(f->total);
    free(f->parts);
    for (size_t i = 0; i < f->series_count; i++)
        points_done(&f->series[i]);
    free(f->series);
    free(f->workers);
    free(f->steps);
    target_rows_done(&f->targets);
    *f = (struct run_file){0};
}
