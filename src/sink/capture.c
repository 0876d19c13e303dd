/*
 * Transactions from their begin to their end, and the writers behind. Content waits in a spool
 * until its transaction is complete: what is aborted leaves no trace in any file, and what several
 * sessions send is never mixed.
 */
#include "capture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "capture_impl.h"
#include "dump.h"
#include "mailbox.h"
#include "translog.h"

/* Records that are kept to be used again, and with them the memory of their spools. */
#define SPARE_MAX 64

bool capture_wanted(const struct capture_config *cf)
{
    return cf->dump_files || cf->dump_append || cf->mbox || cf->maildir || cf->log;
}

static bool is_empty(const char *text)
{
    return text && !*text;
}

int capture_config_check(const struct capture_config *cf, struct diag *d)
{
    if (cf->dump_files && cf->dump_append)
        return diag_set(d, -EINVAL,
                        "-d and -D cannot be used together: a message is dumped to a "
                        "file of its own or appended to one");
    if (is_empty(cf->dump_files) || is_empty(cf->dump_append))
        return diag_set(d, -EINVAL, "bad dump template: empty (see --help)");
    if (is_empty(cf->mbox) || is_empty(cf->maildir) || is_empty(cf->log))
        return diag_set(d, -EINVAL, "bad file name: empty (see --help)");
    if (cf->fsync && !capture_wanted(cf))
        return diag_set(d, -EINVAL,
                        "--fsync needs something to record: -d, -D, --mbox, --maildir or --log");
    tzset(); /* the time zone is read before the root directory changes */
    return 0;
}

/*
 * Where the spools' files are made: beside what is written, so that they are on the same disk. Of a
 * template it is the part in front of what changes.
 */
static void find_spool_directory(const struct capture_config *cf, char *out, size_t size)
{
    const char *path = cf->maildir       ? cf->maildir
                       : cf->mbox        ? cf->mbox
                       : cf->dump_append ? cf->dump_append
                       : cf->dump_files  ? cf->dump_files
                                         : ".";
    size_t n = cf->maildir ? strlen(path) : strcspn(path, "%");

    if (!cf->maildir)
        while (n > 0 && path[n - 1] != '/')
            n--;
    if (n >= size)
        n = 0;
    memcpy(out, path, n);
    out[n] = '\0';
    if (n == 0)
        (void)snprintf(out, size, ".");
}

typedef int writer_new(struct writer **, const struct writer_needs *, struct diag *);

static int add_writer(struct capture *c, bool wanted, writer_new *make,
                      const struct writer_needs *needs, struct diag *d)
{
    struct writer *w;
    int rc = wanted ? make(&w, needs, d) : 0;

    if (rc < 0 || !wanted)
        return rc;
    c->wants_content |= w->kind->content;
    c->writers[c->writer_count++] = w;
    return 0;
}

/* The log is the last: it tells what became of the others. */
static int add_writers(struct capture *c, const struct capture_config *cf,
                       const struct writer_needs *needs, struct diag *d)
{
    int rc = add_writer(c, cf->dump_files != NULL, dump_files_new, needs, d);

    if (rc == 0)
        rc = add_writer(c, cf->maildir != NULL, maildir_new, needs, d);
    if (rc == 0)
        rc = add_writer(c, cf->dump_append != NULL, dump_append_new, needs, d);
    if (rc == 0)
        rc = add_writer(c, cf->mbox != NULL, mbox_new, needs, d);
    if (rc == 0)
        rc = add_writer(c, cf->log != NULL, translog_new, needs, d);
    if (rc == 0 && cf->log)
        c->log = c->writers[c->writer_count - 1];
    return rc;
}

int capture_new(struct capture **out, const struct capture_config *cf,
                const struct server_config *server, const struct capture_place *place,
                struct diag *d)
{
    struct capture *c = calloc(1, sizeof *c);
    struct writer_needs needs = {.config = cf, .io = place->io};
    struct diag why;
    int rc;

    if (!c)
        return diag_set(d, -ENOMEM, "out of memory");
    c->server = server;
    c->buffer = malloc(WRITER_BUFFER);
    c->ids = (struct record_ids){place->base + place->index, place->count};
    find_spool_directory(cf, c->spool_directory, sizeof c->spool_directory);
    needs.buffer = c->buffer;
    needs.ids = &c->ids;
    needs.faults = &c->faults;
    rc = c->buffer ? add_writers(c, cf, &needs, d) : diag_set(d, -ENOMEM, "out of memory");
    if (rc == 0 && place->index == 0 && dump_try(cf, &why) < 0)
        diag_warn("%s: no message can be dumped, and clients get a 452", why.text);
    if (rc < 0)
        capture_free(c);
    else
        *out = c;
    return rc;
}

static void free_record(struct record *r)
{
    spool_done(&r->envelope);
    spool_done(&r->content);
    free(r);
}

void capture_free(struct capture *c)
{
    if (!c)
        return;
    for (size_t i = c->writer_count; i-- > 0;)
        c->writers[i]->kind->free(c->writers[i]);
    while (c->spare) {
        struct record *next = c->spare->next;

        free_record(c->spare);
        c->spare = next;
    }
    free(c->buffer);
    free(c);
}

uint64_t capture_unrecorded(struct capture *c)
{
    return c->unrecorded + (c->log ? translog_finish(c->log) : 0);
}

struct record *capture_begin(struct capture *c, const struct capture_client *client)
{
    struct record *r = c->spare;
    struct spool envelope, content;

    if (r) {
        c->spare = r->next;
        c->spare_count--;
    } else {
        r = malloc(sizeof *r);
        if (!r)
            return NULL;
        spool_init(&r->envelope);
        spool_init(&r->content);
    }
    envelope = r->envelope;
    content = r->content;
    *r = (struct record){.client = client,
                         .hostname = c->server->hostname,
                         .envelope = envelope,
                         .content = content,
                         .unstuff.lenient = c->server->lenient_lf,
                         .id = record_ids_take(&c->ids)};
    (void)clock_gettime(CLOCK_REALTIME, &r->began);
    return r;
}

static void end(struct capture *c, struct record *r)
{
    if (c->spare_count >= SPARE_MAX) {
        free_record(r);
        return;
    }
    spool_reset(&r->envelope);
    spool_reset(&r->content);
    r->next = c->spare;
    c->spare = r;
    c->spare_count++;
}

/* From here on the transaction only waits for its end, and takes no room. */
static void fault(struct capture *c, struct record *r, int error, const struct diag *d)
{
    r->error = error;
    record_faults_tell(&c->faults, d);
    spool_reset(&r->content);
}

static void keep(struct capture *c, struct record *r, struct spool *s, struct slice octets)
{
    struct diag d;
    int rc = r->error;

    if (rc < 0 || octets.n == 0)
        return;
    rc = spool_add(s, octets, c->spool_directory, &d);
    if (rc < 0)
        fault(c, r, rc, &d);
}

void capture_envelope(struct capture *c, struct record *r, bool mail, struct slice args,
                      unsigned code)
{
    struct envelope_head head = {.length = (uint16_t)args.n, .code = (uint16_t)code, .mail = mail};
    char octets[sizeof head];
    bool was_whole = r->error == 0;

    memcpy(octets, &head, sizeof head);
    keep(c, r, &r->envelope, (struct slice){octets, sizeof octets});
    keep(c, r, &r->envelope, args);
    if (was_whole && r->error < 0)
        spool_reset(&r->envelope); /* better none than half a command */
    r->commands++;
    r->recipients += !mail && code / 100 == 2;
    r->code = code;
}

struct kept {
    struct capture *capture;
    struct record *record;
};

static void put_content(void *to, struct slice octets)
{
    struct kept *k = to;

    keep(k->capture, k->record, &k->record->content, octets);
}

void capture_octets(struct capture *c, struct record *r, struct slice octets, bool bdat)
{
    struct kept k = {c, r};
    const struct outlet out = {put_content, &k};

    if (!c->wants_content || r->no_content)
        return;
    if (bdat)
        outlet_put(&out, octets);
    else
        unstuff_put(&r->unstuff, octets, &out);
}

/* Stores it by all writers but the log; a failure of one undoes the others. */
static int store(struct capture *c, struct record *r, struct diag *d)
{
    struct writer *stored[WRITERS_MAX];
    size_t count = 0;
    int rc = 0;

    for (size_t i = 0; i < c->writer_count && rc == 0; i++) {
        struct writer *w = c->writers[i];

        if (!w->kind->takes(r) || (w->kind->content && r->no_content))
            continue;
        rc = w->kind->store(w, r, d);
        if (rc == 0)
            stored[count++] = w;
    }
    while (count-- > 0)
        stored[count]->kind->settle(stored[count], rc == 0);
    return rc;
}

/* For what the others do not take, or can't. */
static int log_only(struct capture *c, struct record *r, struct diag *d)
{
    int rc = c->log ? c->log->kind->store(c->log, r, d) : 0;

    if (c->log && rc == 0)
        c->log->kind->settle(c->log, true);
    return rc;
}

bool capture_complete(struct capture *c, struct record *r, unsigned code)
{
    struct diag d;
    int rc = r->error;

    r->code = code;
    r->outcome = code / 100 == 2 ? RECORD_ACCEPTED : RECORD_REFUSED;
    if (rc == 0) {
        rc = store(c, r, &d);
        if (rc < 0)
            record_faults_tell(&c->faults, &d);
    }
    if (rc < 0) {
        c->unrecorded++;
        if (r->outcome == RECORD_ACCEPTED)
            r->code = CAPTURE_REFUSED;
        r->outcome = RECORD_REFUSED;
        (void)log_only(c, r, &d); /* its own fault was told, if it has one */
    }
    end(c, r);
    return rc == 0;
}

void capture_abort(struct capture *c, struct record *r, enum record_outcome outcome, unsigned code)
{
    struct diag d;

    r->outcome = outcome;
    r->code = code;
    if (log_only(c, r, &d) < 0) {
        c->unrecorded++;
        record_faults_tell(&c->faults, &d);
    }
    end(c, r);
}
