/*
 * Nothing is opened before the message is complete, so there is never a dump of half a message.
 */
#include "dump.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "capture.h"
#include "dump_template.h"

/* The digits of an id behind a file's name. */
#define ID_DIGITS 8

/* Names are made up to find one that is not taken: another process may use the same template. */
#define NAME_TRIES 100

struct dump {
    struct writer base;
    struct outfile file;
    const char *template;
    struct record_ids *ids;
    bool sync;
    struct slice start; /* allocated */
    time_t dated;       /* what the next two were made for */
    long length;        /* of the expanded template, or -errno */
    char date[64];
    char path[PATH_MAX];
};

static bool takes(const struct record *r)
{
    return r->outcome != RECORD_ABORTED;
}

/*
 * An argument in a header: a byte outside printable ASCII as "?"; but a tab as it is, and a NUL as
 * "\000", both of which the peer mistakes.
 */
static void put_shown(struct outfile *o, struct slice s)
{
    char text[256];
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];

        if (n + 4 > sizeof text) {
            outfile_put(o, (struct slice){text, n});
            n = 0;
        }
        if (c == '\0') {
            memcpy(text + n, "\\000", 4);
            n += 4;
        } else {
            text[n++] = (c >= ' ' && c <= '~') || c == '\t' ? c : '?';
        }
    }
    outfile_put(o, (struct slice){text, n});
}

static void put_header(struct outfile *o, const char *name, struct slice value)
{
    outfile_put(o, slice_of(name));
    put_shown(o, value);
    outfile_put(o, SLICE("\n"));
}

void dump_received(struct outfile *o, const struct record *r, const char *date)
{
    const struct capture_client *c = r->client;

    outfile_put(o, SLICE("Received: from "));
    if (c->helo.p)
        put_shown(o, c->helo);
    else
        outfile_print(o, "[%s]", c->address);
    outfile_print(o, " ([%s])\n\tby ", c->address);
    outfile_put(o, slice_of(r->hostname));
    outfile_print(o, " (smtp-sink) with %s id %08x;\n\t%s\n", c->protocol, r->id, date);
}

static int put_envelope(struct outfile *o, const struct record *r, struct diag *d)
{
    struct envelope_cursor cursor = {0};
    struct envelope_command command;
    int rc = envelope_next(r, &cursor, &command, d);

    if (rc > 0)
        put_header(o, "X-Mail-Args: ", envelope_argument(command.args));
    while (rc > 0) {
        rc = envelope_recipient(r, &cursor, &command, d);
        if (rc > 0)
            put_header(o, "X-Rcpt-Args: ", envelope_argument(command.args));
    }
    return rc;
}

static void put_content(void *to, struct slice octets)
{
    without_cr_put(octets, to);
}

/* The empty line at the end stands for the line that ends a message sent by DATA. */
static int put_message(struct dump *w, const struct record *r, struct diag *d)
{
    struct outlet file = outfile_outlet(&w->file);
    const struct outlet decoder = {put_content, &file};
    int rc;

    outfile_put(&w->file, w->start);
    outfile_print(&w->file, "X-Client-Addr: %s\nX-Client-Proto: %s\n", r->client->address,
                  r->client->protocol);
    if (r->client->helo.p)
        put_header(&w->file, "X-Helo-Args: ", r->client->helo);
    rc = put_envelope(&w->file, r, d);
    if (rc < 0)
        return rc;
    dump_received(&w->file, r, w->date);
    rc = record_content(r, &decoder, d);
    outfile_put(&w->file, SLICE("\n"));
    return rc;
}

static int store(struct dump *w, const struct record *r, struct diag *d)
{
    int rc = put_message(w, r, d);

    if (rc == 0)
        rc = outfile_flush(&w->file, w->sync, d);
    if (rc < 0)
        outfile_close(&w->file, false);
    return rc;
}

/* What changes with the second only. */
static int expand(struct dump *w, time_t at, struct diag *d)
{
    if (at != w->dated || w->length < 0) {
        (void)dump_date(at, w->date, sizeof w->date);
        w->length = dump_expand(w->template, at, w->path, sizeof w->path, ID_DIGITS);
        w->dated = at;
    }
    if (w->length < 0)
        return diag_set(d, (int)w->length, "expand %.200s: %s", w->template,
                        strerror((int)-w->length));
    w->path[w->length] = '\0';
    return 0;
}

static int store_file(struct writer *base, struct record *r, struct diag *d)
{
    struct dump *w = (struct dump *)base;
    int rc = expand(w, r->began.tv_sec, d);

    for (int i = 0; rc == 0; i++) {
        (void)snprintf(w->path + w->length, ID_DIGITS + 1, "%08x", r->id);
        rc = outfile_create(&w->file, w->path, d);
        if (rc != -EEXIST || i == NAME_TRIES)
            break;
        r->id = record_ids_take(w->ids);
        rc = 0;
    }
    return rc < 0 ? rc : store(w, r, d);
}

static int store_appended(struct writer *base, struct record *r, struct diag *d)
{
    struct dump *w = (struct dump *)base;
    int rc = expand(w, r->began.tv_sec, d);

    if (rc == 0)
        rc = outfile_append(&w->file, w->path, d);
    return rc < 0 ? rc : store(w, r, d);
}

static void settle(struct writer *base, bool keep)
{
    outfile_close(&((struct dump *)base)->file, keep);
}

static void free_dump(struct writer *base)
{
    struct dump *w = (struct dump *)base;

    if (!w)
        return;
    outfile_close(&w->file, false);
    free((void *)(uintptr_t)w->start.p);
    free(w);
}

static const struct writer_kind files = {
    .content = true, .takes = takes, .store = store_file, .settle = settle, .free = free_dump};
static const struct writer_kind appended = {
    .content = true, .takes = takes, .store = store_appended, .settle = settle, .free = free_dump};

static int dump_new(struct writer **out, const struct writer_kind *kind, const char *template,
                    const struct writer_needs *needs, struct diag *d)
{
    const char *start = needs->config->dump_start ? needs->config->dump_start : "";
    struct dump *w = calloc(1, sizeof *w);
    char *octets = malloc(strlen(start) + 1);

    if (!w || !octets) {
        free(w);
        free(octets);
        return diag_set(d, -ENOMEM, "out of memory");
    }
    w->base.kind = kind;
    w->template = template;
    w->ids = needs->ids;
    w->sync = needs->config->fsync;
    w->start = (struct slice){octets, dump_unescape(start, octets)};
    w->length = -1;
    outfile_init(&w->file, needs->buffer, WRITER_BUFFER);
    *out = &w->base;
    return 0;
}

int dump_files_new(struct writer **out, const struct writer_needs *needs, struct diag *d)
{
    return dump_new(out, &files, needs->config->dump_files, needs, d);
}

int dump_append_new(struct writer **out, const struct writer_needs *needs, struct diag *d)
{
    return dump_new(out, &appended, needs->config->dump_append, needs, d);
}

int dump_try(const struct capture_config *cf, struct diag *d)
{
    const char *template = cf->dump_files ? cf->dump_files : cf->dump_append;
    char path[PATH_MAX];
    long length;

    if (!template)
        return 0;
    length = dump_expand(template, time(NULL), path, sizeof path, ID_DIGITS);
    if (length < 0)
        return diag_set(d, (int)length, "expand %.200s: %s", template, strerror((int)-length));
    if (cf->dump_files)
        (void)snprintf(path + length, ID_DIGITS + 1, "%08x", 0u);
    return outfile_try(path, !cf->dump_files, d);
}
