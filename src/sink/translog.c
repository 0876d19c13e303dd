/*
 * Lines collect in a buffer and are appended by one write under a lock, so that threads and
 * processes may share a file. While the disk is full the buffer waits, and messages are refused.
 */
#include "translog.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "capture.h"
#include "capture_file.h"
#include "io.h"
#include "json_escape.h"
#include "units.h"

#define BUFFER      262144
#define FLUSH_AT    65536
#define FLUSH_AFTER NS_PER_S

/* The most that a line takes besides its texts, and a recipient besides its own. */
#define LINE_ROOM      512
#define RECIPIENT_ROOM 96

/* The most that an octet becomes: "\u0000". */
#define ESCAPE_ROOM 6

#define container_of(p, type, member) ((type *)(void *)((char *)(p)-offsetof(type, member)))

struct translog {
    struct writer base;
    struct outfile file; /* its buffer has whole lines, and is there while the file is closed */
    const char *path;
    struct io *io;
    struct timer timer; /* runs while there are lines */
    struct record_faults *faults;
    uint64_t lines; /* in the buffer */
    uint64_t lost;
    bool failing; /* the lines could not be written, and wait */
    bool sync;
    char buffer[BUFFER];
};

static const char *const outcomes[] = {
    [RECORD_ABORTED] = "aborted", [RECORD_ACCEPTED] = "accepted", [RECORD_REFUSED] = "refused"};

static void put_text(struct outfile *o, const char *name, struct slice text)
{
    const struct outlet out = outfile_outlet(o);

    outfile_put(o, slice_of(name));
    outfile_put(o, SLICE("\""));
    json_escape(text, out.put, out.to);
    outfile_put(o, SLICE("\""));
}

static void put_time(struct outfile *o, const struct timespec *at)
{
    char text[32] = "";
    struct tm tm;

    if (gmtime_r(&at->tv_sec, &tm))
        (void)strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
    outfile_print(o, "{\"time\":\"%s.%06ldZ\"", text, at->tv_nsec / 1000);
}

static void put_path(struct outfile *o, const char *name, const struct envelope_command *command)
{
    struct slice parameters;
    struct slice path = envelope_path(envelope_argument(command->args), &parameters);

    put_text(o, name, path);
    if (parameters.n > 0)
        put_text(o, ",\"parameters\":", parameters);
}

/* With the code of the reply, if there was one. */
static void put_outcome(struct outfile *o, const char *outcome, unsigned code)
{
    outfile_print(o, ",\"outcome\":\"%s\"", outcome);
    if (code > 0)
        outfile_print(o, ",\"code\":%u", code);
}

static int put_recipients(struct outfile *o, const struct record *r, struct envelope_cursor *cursor,
                          struct diag *d)
{
    struct envelope_command command;
    const char *comma = "";
    int rc;

    outfile_put(o, SLICE(",\"recipients\":["));
    while ((rc = envelope_next(r, cursor, &command, d)) > 0) {
        outfile_print(o, "%s{", comma);
        put_path(o, "\"address\":", &command);
        put_outcome(o, command.verdict / 100 == 2 ? "accepted" : "refused", command.verdict);
        outfile_put(o, SLICE("}"));
        comma = ",";
    }
    outfile_put(o, SLICE("]"));
    return rc;
}

static int put_line(struct outfile *o, const struct record *r, struct diag *d)
{
    struct envelope_cursor cursor = {0};
    struct envelope_command command;
    int rc;

    put_time(o, &r->began);
    outfile_print(o, ",\"id\":\"%08x\"", r->id);
    put_text(o, ",\"client\":", slice_of(r->client->address));
    outfile_print(o, ",\"protocol\":\"%s\"", r->client->protocol);
    if (r->client->helo.p)
        put_text(o, ",\"helo\":", r->client->helo);
    rc = envelope_next(r, &cursor, &command, d);
    if (rc > 0) {
        put_path(o, ",\"sender\":", &command);
        rc = put_recipients(o, r, &cursor, d);
    }
    outfile_print(o, ",\"size\":%" PRIu64, r->octets);
    put_outcome(o, outcomes[r->outcome], r->code);
    outfile_put(o, SLICE("}\n"));
    return rc;
}

/* No line is longer; most are far shorter. */
static uint64_t line_bound(const struct record *r)
{
    return LINE_ROOM + ESCAPE_ROOM * (r->client->helo.n + CAPTURE_ADDRESS_SIZE) +
           ESCAPE_ROOM * spool_octets(&r->envelope) + RECIPIENT_ROOM * (uint64_t)r->commands;
}

/* Buffered lines go to the file, all of them or, when that fails, none. */
static int flush(struct translog *w, struct diag *d)
{
    struct outfile target;
    int rc;

    if (w->file.used == 0)
        return 0;
    outfile_init(&target, w->buffer, sizeof w->buffer);
    rc = outfile_append(&target, w->path, d);
    if (rc < 0)
        return rc;
    target.used = w->file.used;
    rc = outfile_flush(&target, w->sync, d);
    outfile_close(&target, rc == 0);
    if (rc < 0)
        return rc;
    w->file.used = 0;
    w->lines = 0;
    io_timer_cancel(w->io, &w->timer);
    return 0;
}

/* A line that may be longer than the buffer: written as it is made, and undone if it fails. */
static int put_long_line(struct translog *w, const struct record *r, struct diag *d)
{
    int rc = flush(w, d);

    if (rc == 0)
        rc = outfile_append(&w->file, w->path, d);
    if (rc < 0)
        return rc;
    rc = put_line(&w->file, r, d);
    if (rc == 0)
        rc = outfile_flush(&w->file, w->sync, d);
    outfile_close(&w->file, rc == 0);
    return rc;
}

static int put_short_line(struct translog *w, const struct record *r, struct diag *d)
{
    size_t before = w->file.used;
    int rc = put_line(&w->file, r, d);

    if (rc == 0 && w->sync)
        rc = flush(w, d);
    if (rc < 0)
        w->file.used = before;
    else if (w->file.used > 0 && w->lines++ == 0)
        io_timer_set(w->io, &w->timer, io_now(w->io) + FLUSH_AFTER);
    return rc;
}

static bool takes(const struct record *r)
{
    (void)r;
    return true;
}

static int store(struct writer *base, struct record *r, struct diag *d)
{
    struct translog *w = container_of(base, struct translog, base);
    uint64_t bound = line_bound(r);
    int rc = 0;

    /* What was not written so far has to be, before more is promised. */
    if (w->file.used >= FLUSH_AT || w->failing || bound > BUFFER - w->file.used)
        rc = flush(w, d);
    w->failing = rc < 0;
    if (rc < 0)
        return rc;
    return bound > BUFFER ? put_long_line(w, r, d) : put_short_line(w, r, d);
}

static void settle(struct writer *base, bool keep)
{
    (void)base;
    (void)keep;
}

static void flush_due(struct timer *t)
{
    struct translog *w = container_of(t, struct translog, timer);
    struct diag d;

    w->failing = flush(w, &d) < 0;
    if (!w->failing)
        return;
    record_faults_tell(w->faults, &d);
    io_timer_set(w->io, t, io_now(w->io) + FLUSH_AFTER);
}

uint64_t translog_finish(struct writer *base)
{
    struct translog *w = container_of(base, struct translog, base);
    struct diag d;

    if (flush(w, &d) < 0) {
        record_faults_tell(w->faults, &d);
        w->lost += w->lines;
        w->lines = 0;
        w->file.used = 0;
    }
    return w->lost;
}

static void free_translog(struct writer *base)
{
    if (!base)
        return;
    (void)translog_finish(base);
    io_timer_cancel(container_of(base, struct translog, base)->io,
                    &container_of(base, struct translog, base)->timer);
    free(container_of(base, struct translog, base));
}

static const struct writer_kind kind = {
    .takes = takes, .store = store, .settle = settle, .free = free_translog};

/* That the file can be written is tried at once: a mistyped name shows before the first client. */
int translog_new(struct writer **out, const struct writer_needs *needs, struct diag *d)
{
    struct translog *w = malloc(sizeof *w);
    struct outfile trial;
    int rc;

    if (!w)
        return diag_set(d, -ENOMEM, "out of memory");
    memset(w, 0, offsetof(struct translog, buffer));
    w->base.kind = &kind;
    w->path = needs->config->log;
    w->io = needs->io;
    w->sync = needs->config->fsync;
    w->faults = needs->faults;
    w->timer.fire = flush_due;
    outfile_init(&w->file, w->buffer, sizeof w->buffer);
    outfile_init(&trial, w->buffer, sizeof w->buffer);
    rc = outfile_append(&trial, w->path, d);
    outfile_close(&trial, true);
    if (rc < 0)
        free(w);
    else
        *out = &w->base;
    return rc;
}
