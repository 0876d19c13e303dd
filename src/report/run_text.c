/*
 * The summary of a run, on stdout after every run. The account reads like an invoice: what was
 * offered stands over the five outcomes that sum to it, all of them always there; of the rest, what
 * did not happen is left out.
 */
#include "run.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "fields.h"
#include "human.h"
#include "model_report.h"
#include "rows.h"
#include "sink_report.h"
#include "targets_report.h"
#include "units.h"

/* Kinds of refusals listed; the JSON document has them all. */
#define LISTED 20

static const char *plural(uint64_t n)
{
    return n == 1 ? "" : "s";
}

static void heading(struct rows *o, const struct run *r)
{
    char line[ROWS_WIDTH];
    int n = snprintf(line, sizeof line, "%.20s %.20s: %.20s to ",
                     r->program ? r->program : "smtp-source", r->version ? r->version : "",
                     r->protocol ? r->protocol : "mail");

    rows_text(o->out, line, ROWS_WIDTH);
    rows_text(o->out, r->target ? r->target : "?", n > 0 ? ROWS_WIDTH - (size_t)n : ROWS_WIDTH);
    fputs("\n\n", o->out);
}

static void work(struct rows *o, const struct run *r)
{
    struct human size = human_count(r->message_bytes);

    if (r->message_bytes == FIELD_MIXED)
        size = (struct human){"various"};
    rows_label(o, "work");
    if (r->messages > 0)
        rows_piece(o, "%s message%s of %s bytes", human_count(r->messages).text,
                   plural(r->messages), size.text);
    else
        rows_piece(o, "messages of %s bytes", size.text);
    if (r->rcpts == FIELD_MIXED)
        rows_piece(o, "various numbers of recipients");
    else
        rows_piece(o, "%s recipient%s each", human_count(r->rcpts).text, plural(r->rcpts));
    rows_piece(o, "%s session%s", human_count(r->sessions).text, plural(r->sessions));
    rows_end(o);
    rows_label(o, r->part_count > 0 ? "runs" : "run");
    if (r->part_count > 0)
        rows_piece(o, "%zu merged", r->part_count);
    if (r->started_at)
        rows_piece(o, "%s", r->started_at);
    rows_piece(o, "%s", human_time(r->elapsed_ns).text);
    if (r->id)
        rows_piece(o, "id %s", r->id);
    rows_end(o);
    if (r->pauses.count > 0) {
        rows_label(o, "paused");
        rows_piece(o, "%s time%s", human_count(r->pauses.count).text, plural(r->pauses.count));
        rows_piece(o, "%s in all, which is in no other figure",
                   human_time(r->pauses.total_ns).text);
        rows_end(o);
    }
    if (r->ended && strcmp(r->ended, "complete") != 0) {
        rows_label(o, "ended");
        rows_piece(o, "%s", r->ended);
        rows_end(o);
    }
    for (size_t i = 0; i < r->note_count; i++) {
        rows_label(o, "note");
        rows_words(o, r->notes[i]);
        rows_end(o);
    }
}

/* One row of the account: a number of messages, the same of recipients, and their shares. */
static void account_row(FILE *out, const char *label, int width, const uint64_t pair[2],
                        const uint64_t whole[2], bool shares)
{
    char line[2 * ROWS_WIDTH];
    int n = snprintf(line, sizeof line, "  %-8s %*s %7s %*s %7s", label, width,
                     human_count(pair[0]).text, shares ? human_percent(pair[0], whole[0]).text : "",
                     width, human_count(pair[1]).text,
                     shares ? human_percent(pair[1], whole[1]).text : "");

    while (n > 0 && line[n - 1] == ' ')
        n--;
    fprintf(out, "%.*s\n", n, line);
}

static void account(FILE *out, const struct stats *s)
{
    const uint64_t offered[2] = {stats_offered(s), stats_rcpt_offered(s)};
    const uint64_t partial = s->counter[COUNTER_MESSAGES_PARTIAL];
    int width = 14;

    /* Grows beyond its usual place for numbers that need it, 26 characters at most. */
    for (int i = 0; i < 2; i++)
        if ((int)strlen(human_count(offered[i]).text) > width)
            width = (int)strlen(human_count(offered[i]).text);
    fprintf(out, "\n  %-8s %*s %7s %*s\n", "", width, "messages", "", width, "recipients");
    account_row(out, "offered", width, offered, offered, false);
    for (int o = 0; o < OUTCOME_COUNT; o++) {
        const uint64_t pair[2] = {s->counter[COUNTER_MESSAGES_ACCEPTED + o],
                                  s->counter[COUNTER_RECIPIENTS_ACCEPTED + o]};

        account_row(out, outcome_name((enum outcome)o), width, pair, offered, true);
        if (o == OUTCOME_ACCEPTED && partial > 0)
            fprintf(out, "   partial %*s %7s\n", width, human_count(partial).text,
                    human_percent(partial, offered[0]).text);
    }
}

struct listed {
    const struct refusal_key *key; /* NULL: of several kinds */
    const struct refusal_row *row;
};

/* What decided the most messages first, then what was said most often, then in order of the talk.
 */
static int by_weight(const void *a, const void *b)
{
    const struct listed *x = a;
    const struct listed *y = b;

    if (x->row->messages != y->row->messages)
        return x->row->messages < y->row->messages ? 1 : -1;
    if (x->row->replies != y->row->replies)
        return x->row->replies < y->row->replies ? 1 : -1;
    if (x->key->phase != y->key->phase)
        return x->key->phase < y->key->phase ? -1 : 1;
    return memcmp(x->key, y->key, sizeof *x->key);
}

/* Widths of the columns that depend on what is in them. */
struct columns {
    int enhanced;
    int messages;
    int replies;
};

#define COUNT_MAX 10 /* "99,999,999" is the longest number in full */

static void widen(struct columns *w, const struct listed *l)
{
    int enhanced = l->key ? (int)strlen(l->key->enhanced) : 0;
    int messages = (int)strlen(human_short(l->row->messages, COUNT_MAX).text);
    int replies = (int)strlen(human_short(l->row->replies, COUNT_MAX).text);

    w->enhanced = enhanced > w->enhanced ? enhanced : w->enhanced;
    w->messages = messages > w->messages ? messages : w->messages;
    w->replies = replies > w->replies ? replies : w->replies;
}

/* What is left of a sample behind a word that has a column of its own. */
static const char *skip_word(const char *text, const char *word)
{
    size_t n = strlen(word);

    return n > 0 && strncmp(text, word, n) == 0 && text[n] == ' ' ? text + n + 1 : text;
}

static const char *sample_of(const struct listed *l)
{
    char code[8];

    if (!l->key)
        return l->row->sample;
    (void)snprintf(code, sizeof code, "%03u", (unsigned)l->key->code);
    return skip_word(skip_word(l->row->sample, code), l->key->enhanced);
}

static void refusal_line(FILE *out, const struct listed *l, const struct columns *w)
{
    char code[8] = "";
    int n;

    if (l->key)
        (void)snprintf(code, sizeof code, "%03u%s", (unsigned)l->key->code,
                       l->key->collateral ? "*" : "");
    n = fprintf(out, "  %-11s  %-4s %-*s  %*s  %*s",
                l->key ? phase_name((enum phase)l->key->phase) : "other", code, w->enhanced,
                l->key ? l->key->enhanced : "", w->messages,
                human_short(l->row->messages, COUNT_MAX).text, w->replies,
                human_short(l->row->replies, COUNT_MAX).text);
    if (l->row->sample[0] && n > 0) {
        fputs("  ", out);
        rows_text(out, sample_of(l), ROWS_WIDTH - 2 - (size_t)n);
    }
    fputc('\n', out);
}

/* Fills the list with what is to be shown, sums up the others in *rest, and returns how many. */
static size_t choose(struct listed list[REFUSAL_ROWS + 1], struct refusal_row *rest,
                     const struct refusals *r)
{
    size_t n = r->count < LISTED ? r->count : LISTED;

    for (size_t i = 0; i < r->count; i++)
        list[i] = (struct listed){&r->keys[i], &r->rows[i]};
    qsort(list, r->count, sizeof *list, by_weight);
    *rest = r->other;
    for (size_t i = n; i < r->count; i++) {
        rest->messages += list[i].row->messages;
        rest->replies += list[i].row->replies;
    }
    if (rest->messages > 0 || rest->replies > 0)
        list[n++] = (struct listed){NULL, rest};
    return n;
}

static void refusals(FILE *out, const struct refusals *r)
{
    struct listed list[REFUSAL_ROWS + 1];
    struct refusal_row rest;
    struct columns w = {0, (int)strlen("messages"), (int)strlen("replies")};
    size_t n = choose(list, &rest, r);
    bool collateral = false;

    if (n == 0)
        return;
    for (size_t i = 0; i < n; i++) {
        widen(&w, &list[i]);
        collateral = collateral || (list[i].key && list[i].key->collateral);
    }
    fprintf(out, "\n  %-11s  %-4s %-*s  %*s  %*s  %s\n", "refused at", "code", w.enhanced, "",
            w.messages, "messages", w.replies, "replies", "text");
    for (size_t i = 0; i < n; i++)
        refusal_line(out, &list[i], &w);
    if (collateral)
        fputs("  * follows from an earlier refusal\n", out);
}

static void throughput(struct rows *o, const struct run *r)
{
    const uint64_t *c = r->total->counter;
    uint64_t time = run_rate_time(r);
    uint64_t rate = per_second(c[COUNTER_MESSAGES_ACCEPTED], time);

    fputc('\n', o->out);
    rows_label(o, "rate");
    rows_piece(o, "%s messages/s accepted", human_short(rate, 13).text);
    if (c[COUNTER_RECIPIENTS_ACCEPTED] != c[COUNTER_MESSAGES_ACCEPTED])
        rows_piece(o, "%s recipients/s",
                   human_short(per_second(c[COUNTER_RECIPIENTS_ACCEPTED], time), 13).text);
    rows_end(o);
    rows_label(o, "traffic");
    rows_piece(o, "%s sent (%s/s)", human_bytes(c[COUNTER_SENT_BYTES]).text,
               human_bytes(per_second(c[COUNTER_SENT_BYTES], r->elapsed_ns)).text);
    rows_piece(o, "%s received (%s/s)", human_bytes(c[COUNTER_RECEIVED_BYTES]).text,
               human_bytes(per_second(c[COUNTER_RECEIVED_BYTES], r->elapsed_ns)).text);
    rows_end(o);
}

static void connections(struct rows *o, const struct stats *s)
{
    const uint64_t *c = s->counter;

    rows_label(o, "connections");
    rows_piece(o, "%s made", human_count(c[COUNTER_CONNECTIONS_MADE]).text);
    if (c[COUNTER_CONNECTIONS_STARTED] != c[COUNTER_CONNECTIONS_MADE])
        rows_piece(o, "%s tried", human_count(c[COUNTER_CONNECTIONS_STARTED]).text);
    if (c[COUNTER_CONNECTIONS_FAILED] > 0)
        rows_piece(o, "%s failed", human_count(c[COUNTER_CONNECTIONS_FAILED]).text);
    if (c[COUNTER_CONNECTIONS_LOST] > 0)
        rows_piece(o, "%s lost", human_count(c[COUNTER_CONNECTIONS_LOST]).text);
    if (c[COUNTER_TIMEOUTS] > 0)
        rows_piece(o, "%s timeout%s", human_count(c[COUNTER_TIMEOUTS]).text,
                   plural(c[COUNTER_TIMEOUTS]));
    if (c[COUNTER_PROTOCOL_ERRORS] > 0)
        rows_piece(o, "%s protocol error%s", human_count(c[COUNTER_PROTOCOL_ERRORS]).text,
                   plural(c[COUNTER_PROTOCOL_ERRORS]));
    rows_end(o);
}

/* What broke off, by phase. */
static void breaks(FILE *out, const struct stats *s)
{
    bool any = false;

    for (int p = 0; p < PHASE_COUNT; p++) {
        const uint64_t *n = s->breaks[p];

        if (!stats_breaks(s, (enum phase)p))
            continue;
        if (!any)
            fprintf(out, "\n  %-12s %10s %10s %16s %10s\n", "broke off at", "lost", "timeouts",
                    "messages failed", "unknown");
        any = true;
        fprintf(out, "  %-12s %10s %10s %16s %10s\n", phase_name((enum phase)p),
                human_short(n[BREAK_LOST], COUNT_MAX).text,
                human_short(n[BREAK_TIMEOUT], COUNT_MAX).text,
                human_short(n[BREAK_FAILED], COUNT_MAX).text,
                human_short(n[BREAK_UNKNOWN], COUNT_MAX).text);
    }
}

/* Handshakes, and in a row of its own each kind of them. */
static void tls(struct rows *o, const struct stats *s)
{
    const uint64_t *c = s->counter;

    if (c[COUNTER_TLS_FULL] + c[COUNTER_TLS_RESUMED] + c[COUNTER_TLS_FAILED] +
            c[COUNTER_TLS_PLAINTEXT] ==
        0)
        return;
    rows_label(o, "tls");
    rows_piece(o, "%s full handshake%s", human_count(c[COUNTER_TLS_FULL]).text,
               plural(c[COUNTER_TLS_FULL]));
    rows_piece(o, "%s resumed", human_count(c[COUNTER_TLS_RESUMED]).text);
    if (c[COUNTER_TLS_FAILED] > 0)
        rows_piece(o, "%s failed", human_count(c[COUNTER_TLS_FAILED]).text);
    if (c[COUNTER_TLS_PLAINTEXT] > 0)
        rows_piece(o, "%s session%s in plaintext", human_count(c[COUNTER_TLS_PLAINTEXT]).text,
                   plural(c[COUNTER_TLS_PLAINTEXT]));
    rows_kinds(o, &s->tls);
    rows_end(o);
}

/* Authentications by mechanism, and whose were refused. */
static void auth(struct rows *o, const struct stats *s)
{
    const uint64_t *c = s->counter;

    if (c[COUNTER_AUTH_ACCEPTED] + c[COUNTER_AUTH_REFUSED] + c[COUNTER_AUTH_FAILED] == 0)
        return;
    rows_label(o, "auth");
    rows_piece(o, "%s accepted", human_count(c[COUNTER_AUTH_ACCEPTED]).text);
    rows_kinds(o, &s->auth);
    if (c[COUNTER_AUTH_FAILED] > 0)
        rows_piece(o, "%s failed", human_count(c[COUNTER_AUTH_FAILED]).text);
    if (c[COUNTER_AUTH_REFUSED] > 0)
        rows_piece(o, "%s refused", human_count(c[COUNTER_AUTH_REFUSED]).text);
    rows_kinds(o, &s->auth_users);
    rows_end(o);
}

static void generator(struct rows *o, const struct run *r)
{
    uint64_t cpu = r->cpu_user_ns + r->cpu_system_ns;

    rows_label(o, "generator");
    if (run_cpu_per_message(r) > 0)
        rows_piece(o, "%s CPU per message", human_time(run_cpu_per_message(r)).text);
    rows_piece(o, "%s user + %s system", human_time(r->cpu_user_ns).text,
               human_time(r->cpu_system_ns).text);
    if (r->elapsed_ns >= 10 * NS_PER_MS) /* starting takes as long, and is not in it */
        rows_piece(o, "%s%% of a core",
                   human_short(per_second(cpu, r->elapsed_ns) / 10000000, 9).text);
    if (r->workers > 0)
        rows_piece(o, "%s worker%s", human_count(r->workers).text, plural(r->workers));
    if (r->io_driver)
        rows_piece(o, "%s", r->io_driver);
    if (r->peak_rss_bytes > 0)
        rows_piece(o, "%s memory", human_bytes(r->peak_rss_bytes).text);
    rows_end(o);
    if (!r->sink)
        return;
    cpu = r->sink->cpu_user_ns + r->sink->cpu_system_ns;
    rows_label(o, "sink");
    if (r->sink->messages > 0)
        rows_piece(o, "%s CPU per message", human_time(cpu / r->sink->messages).text);
    rows_piece(o, "%s message%s", human_count(r->sink->messages).text, plural(r->sink->messages));
    rows_piece(o, "%s session%s", human_count(r->sink->sessions).text, plural(r->sink->sessions));
    if (r->sink->refused > 0)
        rows_piece(o, "%s refused", human_count(r->sink->refused).text);
    rows_end(o);
}

static void transactions(struct rows *o, const struct run_transactions *t)
{
    if (!t->file && !t->written && !t->dropped)
        return;
    rows_label(o, "lines");
    rows_piece(o, "%s transaction%s written", human_count(t->written).text, plural(t->written));
    if (t->dropped > 0)
        rows_piece(o, "%s DROPPED", human_count(t->dropped).text);
    if (t->file)
        rows_piece(o, "%s", t->file);
    rows_end(o);
}

static const char *phase_title(int p)
{
    return phase_name((enum phase)p);
}

static const char *outcome_title(int o)
{
    return outcome_name((enum outcome)o);
}

static void latency(FILE *out, const char *title, const struct hist *rows, int count,
                    const char *(*name)(int))
{
    static const double columns[] = {50, 90, 99, 99.9, 99.99, 100};
    bool any = false;

    for (int i = 0; i < count; i++) {
        const struct hist *h = &rows[i];

        if (h->count == 0)
            continue;
        if (!any)
            fprintf(out, "\n  %-11s %9s %8s %8s %8s %8s %8s %8s\n", title, "count", "p50", "p90",
                    "p99", "p99.9", "p99.99", "max");
        any = true;
        fprintf(out, "  %-11s %9s", name(i), human_short(h->count, 9).text);
        for (size_t k = 0; k < sizeof columns / sizeof *columns; k++)
            fprintf(out, " %8s", human_time(hist_percentile(h, columns[k])).text);
        fputc('\n', out);
        if (h->above > 0)
            fprintf(out, "    %s of them above an hour: their percentiles are the max\n",
                    human_short(h->above, 13).text);
    }
}

void report_text(const struct run *r, FILE *out)
{
    struct rows o = {.out = out};

    heading(&o, r);
    work(&o, r);
    account(out, r->total);
    refusals(out, &r->total->refusals);
    breaks(out, r->total);
    throughput(&o, r);
    connections(&o, r->total);
    tls(&o, r->total);
    auth(&o, r->total);
    generator(&o, r);
    transactions(&o, &r->transactions);
    model_rows(&o, r);
    targets_text(r, out);
    latency(out, "response", r->total->response, OUTCOME_COUNT, outcome_title);
    latency(out, "latency", r->total->latency, PHASE_COUNT, phase_title);
    latency(out, "of refusals", r->total->refused_latency, PHASE_COUNT, phase_title);
    if (r->model)
        model_series(r, out);
}
