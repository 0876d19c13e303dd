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
#include "units.h"

static const char *plural(uint64_t n)
{
    return n == 1 ? "" : "s";
}

static void heading(struct rows *o, const struct sink_run *r)
{
    int n = fprintf(o->out, "%.20s %.20s: %.20s on ", r->program ? r->program : "smtp-sink",
                    r->version ? r->version : "", r->protocol ? r->protocol : "mail");

    rows_text(o->out, r->listening ? r->listening : "?",
              n > 0 ? ROWS_WIDTH - (size_t)n : ROWS_WIDTH);
    fputs("\n\n", o->out);
    rows_label(o, "run");
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
    refused(&o, r);
    unrecorded(&o, r);
    resources(&o, r);
}

void put_sink(struct document *d, json_t *object, const struct sink_run *r)
{
    json_t *sink = put_object(d, object, "sink");
    json_t *refusals;

    put_number(d, sink, "sessions", r->sessions);
    put_number(d, sink, "peak_sessions", r->peak);
    put_number(d, sink, "quits", r->quits);
    put_number(d, sink, "lost", r->lost);
    put_number(d, sink, "aborted", r->aborted);
    put_number(d, sink, "messages", r->messages);
    put_number(d, sink, "recipients", r->recipients);
    put_number(d, sink, "content_bytes", r->content_bytes);
    put_number(d, sink, "received_bytes", r->received_bytes);
    put_number(d, sink, "sent_bytes", r->sent_bytes);
    put_number(d, sink, "refused", r->refused);
    refusals = put_object(d, sink, "refused_by_verb");
    for (size_t i = 0; i < r->refusal_count; i++)
        if (r->refusals[i].count > 0)
            put_number(d, refusals, r->refusals[i].verb, r->refusals[i].count);
    put_number(d, sink, "unrecorded", r->unrecorded);
    put_number(d, sink, "workers", r->workers);
    put_number(d, sink, "elapsed_ns", r->elapsed_ns);
    put_cpu(d, sink, r->cpu_user_ns, r->cpu_system_ns, r->messages);
    put_number(d, sink, "peak_rss_bytes", r->peak_rss_bytes);
}

int sink_report_json(const struct sink_run *r, FILE *out)
{
    struct document d;
    int code;

    document_init(&d);
    put_text(&d, d.root, "schema", RUN_SCHEMA);
    put_text(&d, d.root, "program", r->program);
    put_text(&d, d.root, "version", r->version);
    put_text(&d, d.root, "role", "sink");
    put_text(&d, d.root, "run_id", r->id);
    put_text(&d, d.root, "command_line", r->command_line);
    put_text(&d, d.root, "listening", r->listening);
    put_text(&d, d.root, "protocol", r->protocol);
    put_text(&d, d.root, "io_driver", r->io_driver);
    put_text(&d, d.root, "started_at", r->started_at);
    put_text(&d, d.root, "ended", r->ended ? r->ended : "complete");
    put_sink(&d, d.root, r);
    code = document_write(&d, out);
    document_done(&d);
    return code;
}
