/*
 * The sink's summary.
 */
#include "sink_report.h"

#include <inttypes.h>
#include <string.h>

#include "document.h"
#include "human.h"
#include "rows.h"
#include "run.h"
#include "run_fields.h"
#include "units.h"

static const char *plural(uint64_t n)
{
    return n == 1 ? "" : "s";
}

static void heading(struct rows *o, const struct sink_run *r)
{
    char line[ROWS_WIDTH];
    int n =
        snprintf(line, sizeof line, "%.20s %.20s: %.20s on ", r->program ? r->program : "smtp-sink",
                 r->version ? r->version : "", r->protocol ? r->protocol : "mail");

    rows_text(o->out, line, ROWS_WIDTH);
    rows_text(o->out, r->listening ? r->listening : "?",
              n > 0 ? ROWS_WIDTH - (size_t)n : ROWS_WIDTH);
    fputs("\n\n", o->out);
    rows_label(o, r->part_count > 0 ? "runs" : "run");
    if (r->part_count > 0)
        rows_piece(o, "%zu merged", r->part_count);
    if (r->started_at)
        rows_piece(o, "%s", r->started_at);
    rows_piece(o, "%s", human_time(r->elapsed_ns).text);
    if (r->id)
        rows_piece(o, "id %s", r->id);
    rows_end(o);
    if (r->ended && strcmp(r->ended, "complete") != 0) {
        rows_label(o, "ended");
        rows_piece(o, "%s", r->ended);
        rows_end(o);
    }
}

static void received(struct rows *o, const struct sink_run *r)
{
    rows_label(o, "sessions");
    rows_piece(o, "%s", human_count(r->sessions).text);
    if (r->sessions > 0)
        rows_piece(o, "at most %s at a time", human_count(r->peak).text);
    if (r->quits != r->sessions)
        rows_piece(o, "%s ended by QUIT", human_count(r->quits).text);
    if (r->lost > 0)
        rows_piece(o, "%s lost", human_count(r->lost).text);
    if (r->aborted > 0)
        rows_piece(o, "%s aborted", human_count(r->aborted).text);
    rows_end(o);
    rows_label(o, "messages");
    rows_piece(o, "%s", human_count(r->messages).text);
    rows_piece(o, "%s recipient%s", human_count(r->recipients).text, plural(r->recipients));
    if (r->messages > 0 && r->elapsed_ns > 0)
        rows_piece(o, "%s messages/s",
                   human_short(per_second(r->messages, r->elapsed_ns), 13).text);
    rows_end(o);
    rows_label(o, "traffic");
    if (r->content_bytes > 0)
        rows_piece(o, "%s of content", human_bytes(r->content_bytes).text);
    rows_piece(o, "%s received (%s/s)", human_bytes(r->received_bytes).text,
               human_bytes(per_second(r->received_bytes, r->elapsed_ns)).text);
    rows_piece(o, "%s sent (%s/s)", human_bytes(r->sent_bytes).text,
               human_bytes(per_second(r->sent_bytes, r->elapsed_ns)).text);
    rows_end(o);
}

static void tls(struct rows *o, const struct sink_run *r)
{
    if (r->tls_full + r->tls_resumed + r->tls_failed == 0)
        return;
    rows_label(o, "tls");
    rows_piece(o, "%s full handshake%s", human_count(r->tls_full).text, plural(r->tls_full));
    rows_piece(o, "%s resumed", human_count(r->tls_resumed).text);
    if (r->tls_failed > 0)
        rows_piece(o, "%s failed", human_count(r->tls_failed).text);
    rows_kinds(o, &r->tls);
    rows_end(o);
}

static void auth(struct rows *o, const struct sink_run *r)
{
    uint64_t ended = r->auth_accepted + r->auth_refused;

    if (r->auth_attempts == 0)
        return;
    rows_label(o, "auth");
    rows_piece(o, "%s accepted", human_count(r->auth_accepted).text);
    rows_kinds(o, &r->auth);
    if (r->auth_refused > 0)
        rows_piece(o, "%s refused", human_count(r->auth_refused).text);
    rows_kinds(o, &r->auth_refusals);
    if (r->auth_attempts > ended)
        rows_piece(o, "%s not finished", human_count(r->auth_attempts - ended).text);
    rows_end(o);
}

static void refused(struct rows *o, const struct sink_run *r)
{
    if (r->refused == 0)
        return;
    rows_label(o, "refused");
    rows_piece(o, "%s repl%s", human_count(r->refused).text, r->refused == 1 ? "y" : "ies");
    for (size_t i = 0; i < r->refusal_count; i++)
        if (r->refusals[i].count > 0)
            rows_piece(o, "%s at %s", human_count(r->refusals[i].count).text, r->refusals[i].verb);
    rows_end(o);
}

static void unrecorded(struct rows *o, const struct sink_run *r)
{
    if (r->unrecorded == 0)
        return;
    rows_label(o, "unrecorded");
    rows_piece(o, "%s transaction%s", human_count(r->unrecorded).text, plural(r->unrecorded));
    rows_end(o);
}

static void resources(struct rows *o, const struct sink_run *r)
{
    uint64_t cpu = r->cpu_user_ns + r->cpu_system_ns;

    rows_label(o, "cpu");
    if (r->messages > 0)
        rows_piece(o, "%s per message", human_time(cpu / r->messages).text);
    rows_piece(o, "%s user + %s system", human_time(r->cpu_user_ns).text,
               human_time(r->cpu_system_ns).text);
    if (r->workers > 0)
        rows_piece(o, "%s worker%s", human_count(r->workers).text, plural(r->workers));
    if (r->io_driver)
        rows_piece(o, "%s", r->io_driver);
    if (r->peak_rss_bytes > 0)
        rows_piece(o, "%s memory", human_bytes(r->peak_rss_bytes).text);
    rows_end(o);
}

void sink_report_text(const struct sink_run *r, FILE *out)
{
    struct rows o = {.out = out};

    heading(&o, r);
    received(&o, r);
    tls(&o, r);
    auth(&o, r);
    refused(&o, r);
    unrecorded(&o, r);
    resources(&o, r);
}

void put_sink(struct document *d, json_t *object, const struct sink_run *r)
{
    json_t *sink = put_object(d, object, "sink");
    json_t *refusals;

    if (!sink)
        return;
    fields_write(d, sink, sink_fields, sink_field_count, r);
    put_known(d, json_object_get(sink, "cpu"), "per_message_ns", r->messages > 0,
              r->messages > 0 ? (r->cpu_user_ns + r->cpu_system_ns) / r->messages : 0);
    put_kinds(d, json_object_get(sink, "tls"), "kinds", &r->tls);
    put_kinds(d, json_object_get(sink, "auth"), "mechanisms", &r->auth);
    put_kinds(d, json_object_get(sink, "auth"), "refused_mechanisms", &r->auth_refusals);
    refusals = put_object(d, sink, "refused_by_verb");
    for (size_t i = 0; i < r->refusal_count; i++)
        if (r->refusals[i].count > 0)
            put_number(d, refusals, r->refusals[i].verb, r->refusals[i].count);
}

void put_sink_document(struct document *d, const struct sink_run *r)
{
    struct sink_run named = *r;

    named.ended = r->ended ? r->ended : "complete";
    put_text(d, d->root, "schema", RUN_SCHEMA);
    put_text(d, d->root, "role", "sink");
    fields_write(d, d->root, sink_head_fields, sink_head_field_count, &named);
    put_parts(d, r->parts, r->part_count);
    put_sink(d, d->root, r);
}

int sink_report_json(const struct sink_run *r, FILE *out)
{
    struct document d;
    int code;

    document_init(&d);
    put_sink_document(&d, r);
    code = document_write(&d, out);
    document_done(&d);
    return code;
}
