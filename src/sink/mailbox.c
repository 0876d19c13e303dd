/*
 * The mbox has the quoting called mboxrd, which can be undone without loss; it is locked by
 * fcntl(2). A Maildir message is written in tmp and renamed into new
 * (https://cr.yp.to/proto/maildir.html).
 */
#include "mailbox.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture.h"
#include "capture_file.h"
#include "dump.h"
#include "dump_template.h"

#define NAME_TRIES 100

struct mailbox {
    struct writer base;
    struct outfile file;
    const char *path; /* of the mbox, or the directory */
    struct record_ids *ids;
    bool sync;
    bool directories;    /* they are there */
    char host[256];      /* as it stands in a Maildir name */
    char tmp[PATH_MAX];  /* a Maildir message while it is written */
    char done[PATH_MAX]; /* and then */
};

static bool takes(const struct record *r)
{
    return r->outcome == RECORD_ACCEPTED;
}

/* Paths come from the client: what could end a header or confuse its readers is shown as "?". */
static void put_path(struct outfile *o, struct slice path)
{
    char text[256];
    size_t n = 0;

    for (size_t i = 0; i < path.n; i++) {
        if (n == sizeof text) {
            outfile_put(o, (struct slice){text, n});
            n = 0;
        }
        text[n++] = (unsigned char)path.p[i] < ' ' || path.p[i] == '\x7f' ? '?' : path.p[i];
    }
    outfile_put(o, (struct slice){text, n});
}

static struct slice path_of(const struct envelope_command *command)
{
    struct slice parameters;

    return envelope_path(envelope_argument(command->args), &parameters);
}

/* "From sender date", the date in UTC; the null sender as is the custom, and no blanks. */
static void put_from_line(struct outfile *o, struct slice sender, time_t at)
{
    char text[40] = "";
    struct tm tm;

    outfile_put(o, SLICE("From "));
    if (sender.n == 0)
        outfile_put(o, SLICE("MAILER-DAEMON"));
    for (size_t i = 0; i < sender.n; i++) {
        char c = sender.p[i];

        outfile_put(o, (struct slice){c > ' ' && c <= '~' ? &c : "-", 1});
    }
    if (gmtime_r(&at, &tm))
        (void)strftime(text, sizeof text, " %a %b %e %H:%M:%S %Y\n", &tm);
    outfile_put(o, slice_of(text));
}

static int put_headers(struct mailbox *w, const struct record *r, bool from_line, struct diag *d)
{
    struct envelope_cursor cursor = {0};
    struct envelope_command command;
    char date[64];
    int rc = envelope_next(r, &cursor, &command, d);

    if (rc > 0) {
        if (from_line)
            put_from_line(&w->file, path_of(&command), r->began.tv_sec);
        outfile_put(&w->file, SLICE("Return-Path: <"));
        put_path(&w->file, path_of(&command));
        outfile_put(&w->file, SLICE(">\n"));
    }
    while (rc > 0) {
        rc = envelope_recipient(r, &cursor, &command, d);
        if (rc <= 0)
            break;
        if (command.verdict / 100 != 2)
            continue;
        outfile_put(&w->file, SLICE("Delivered-To: "));
        put_path(&w->file, path_of(&command));
        outfile_put(&w->file, SLICE("\n"));
    }
    if (rc < 0)
        return rc;
    dump_received(&w->file, r, dump_date(r->began.tv_sec, date, sizeof date));
    return 0;
}

/* Content on its way to the file. */
struct course {
    struct line_ends ends;
    struct from_quote quote;
    struct outlet plain; /* with LF */
    struct outlet file;
};

static void put_quoted(void *to, struct slice octets)
{
    struct course *c = to;

    from_quote_put(&c->quote, octets, &c->file);
}

static void put_content(void *to, struct slice octets)
{
    struct course *c = to;

    line_ends_put(&c->ends, octets, &c->plain);
}

/* Messages of an mbox are followed by an empty line, and so all of their lines are whole. */
static int put_message(struct mailbox *w, const struct record *r, bool mbox, struct diag *d)
{
    struct course c = {.file = outfile_outlet(&w->file)};
    const struct outlet decoder = {put_content, &c};
    int rc = put_headers(w, r, mbox, d);

    c.plain = mbox ? (struct outlet){put_quoted, &c} : c.file;
    if (rc == 0)
        rc = record_content(r, &decoder, d);
    if (rc < 0)
        return rc;
    line_ends_end(&c.ends, &c.plain);
    if (mbox) {
        from_quote_end(&c.quote, &c.file);
        outfile_put(&w->file, c.ends.in_line ? SLICE("\n\n") : SLICE("\n"));
    }
    return outfile_flush(&w->file, w->sync, d);
}

static int store_mbox(struct writer *base, struct record *r, struct diag *d)
{
    struct mailbox *w = (struct mailbox *)base;
    int rc = outfile_append(&w->file, w->path, d);

    if (rc < 0)
        return rc;
    rc = put_message(w, r, true, d);
    if (rc < 0)
        outfile_close(&w->file, false);
    return rc;
}

static void settle_mbox(struct writer *base, bool keep)
{
    outfile_close(&((struct mailbox *)base)->file, keep);
}

static int make_directories(struct mailbox *w, struct diag *d)
{
    static const char *const names[] = {"tmp", "new", "cur"};
    int rc = 0;

    for (size_t i = 0; i < sizeof names / sizeof names[0] && rc == 0; i++) {
        int n = snprintf(w->tmp, sizeof w->tmp, "%s/%s/", w->path, names[i]);

        if (n < 0 || (size_t)n >= sizeof w->tmp - 400) /* the longest name */
            return diag_set(d, -ENAMETOOLONG, "%.200s: %s", w->path, strerror(ENAMETOOLONG));
        rc = make_parents(w->tmp, d);
    }
    w->directories = rc == 0;
    return rc;
}

/* Unique by time, process and id: the parts that the format's description knows as M, P and R. */
static void make_names(struct mailbox *w, const struct record *r)
{
    char name[400];

    (void)snprintf(name, sizeof name, "%lld.M%06ldP%ldR%08x.%s", (long long)r->began.tv_sec,
                   r->began.tv_nsec / 1000, (long)getpid(), r->id, w->host);
    (void)snprintf(w->tmp, sizeof w->tmp, "%.3600s/tmp/%s", w->path, name);
    (void)snprintf(w->done, sizeof w->done, "%.3600s/new/%s", w->path, name);
}

static int rename_done(struct mailbox *w, struct diag *d)
{
    if (rename(w->tmp, w->done) < 0)
        return diag_set(d, -errno, "rename %.300s to new: %s", w->tmp, strerror(errno));
    return w->sync ? sync_parent(w->done, d) : 0;
}

static int store_maildir(struct writer *base, struct record *r, struct diag *d)
{
    struct mailbox *w = (struct mailbox *)base;
    int rc = w->directories ? 0 : make_directories(w, d);

    for (int i = 0; rc == 0; i++) {
        make_names(w, r);
        rc = outfile_create(&w->file, w->tmp, d);
        if (rc != -EEXIST || i == NAME_TRIES)
            break;
        r->id = record_ids_take(w->ids);
        rc = 0;
    }
    if (rc < 0)
        return rc;
    rc = put_message(w, r, false, d);
    outfile_close(&w->file, rc == 0);
    if (rc < 0)
        return rc;
    rc = rename_done(w, d);
    if (rc < 0) {
        (void)unlink(w->tmp);
        (void)unlink(w->done);
    }
    return rc;
}

static void settle_maildir(struct writer *base, bool keep)
{
    if (!keep)
        (void)unlink(((struct mailbox *)base)->done);
}

static void free_mailbox(struct writer *base)
{
    struct mailbox *w = (struct mailbox *)base;

    if (w)
        outfile_close(&w->file, false);
    free(w);
}

static const struct writer_kind mbox = {.content = true,
                                        .takes = takes,
                                        .store = store_mbox,
                                        .settle = settle_mbox,
                                        .free = free_mailbox};
static const struct writer_kind maildir = {.content = true,
                                           .takes = takes,
                                           .store = store_maildir,
                                           .settle = settle_maildir,
                                           .free = free_mailbox};

/* This machine's name, with the octets that mean something in a Maildir name in octal. */
static void set_host(char *out, size_t size)
{
    char name[65] = "localhost"; /* at most 4 octets each below */
    size_t n = 0;

    (void)gethostname(name, sizeof name - 1);
    name[sizeof name - 1] = '\0';
    for (const char *p = name; *p && n + 5 < size; p++) {
        if (*p == '/' || *p == ':')
            n += (size_t)snprintf(out + n, size - n, "\\%03o", (unsigned)*p);
        else
            out[n++] = *p;
    }
    out[n] = '\0';
}

static int mailbox_new(struct writer **out, const struct writer_kind *kind, const char *path,
                       const struct writer_needs *needs, struct diag *d)
{
    struct mailbox *w = calloc(1, sizeof *w);

    if (!w)
        return diag_set(d, -ENOMEM, "out of memory");
    w->base.kind = kind;
    w->path = path;
    w->ids = needs->ids;
    w->sync = needs->config->fsync;
    set_host(w->host, sizeof w->host);
    outfile_init(&w->file, needs->buffer, WRITER_BUFFER);
    *out = &w->base;
    return 0;
}

static int try_mbox(struct mailbox *w, struct diag *d)
{
    int rc = outfile_append(&w->file, w->path, d);

    outfile_close(&w->file, true);
    return rc;
}

/* That there can be mail is tried at once: a mistyped name shows before the first client. */
static int tried(struct writer **out, int (*try)(struct mailbox *, struct diag *), struct diag *d)
{
    int rc = try((struct mailbox *)*out, d);

    if (rc == 0)
        return 0;
    free_mailbox(*out);
    *out = NULL;
    return rc;
}

int mbox_new(struct writer **out, const struct writer_needs *needs, struct diag *d)
{
    int rc = mailbox_new(out, &mbox, needs->config->mbox, needs, d);

    return rc < 0 ? rc : tried(out, try_mbox, d);
}

int maildir_new(struct writer **out, const struct writer_needs *needs, struct diag *d)
{
    int rc = mailbox_new(out, &maildir, needs->config->maildir, needs, d);

    return rc < 0 ? rc : tried(out, make_directories, d);
}
