/*
 * The inside of recording, shared by its files: capture.c (transactions and writers),
 * capture_session.c (the server machine's hooks), capture_record.c (reading back).
 */
#ifndef SINK_CAPTURE_IMPL_H
#define SINK_CAPTURE_IMPL_H

#include <limits.h>

#include "capture.h"
#include "capture_record.h"

/* -d or -D, mbox, Maildir, log: no more, as -d and -D exclude each other. */
#define WRITERS_MAX 4

/* How a command stands in the envelope's spool; its arguments follow. */
struct envelope_head {
    uint16_t length;
    uint16_t code;
    bool mail;
};

struct capture {
    struct writer *writers[WRITERS_MAX]; /* in the order of storing */
    size_t writer_count;
    struct writer *log; /* one of them, the last; NULL: none */
    bool wants_content;
    const struct server_config *server;
    struct record *spare;
    size_t spare_count;
    char spool_directory[PATH_MAX];
    char *buffer;
    struct record_ids ids;
    struct record_faults faults;
    uint64_t unrecorded;
};

/* A transaction is open. NULL when out of memory. The client is borrowed until its end. */
struct record *capture_begin(struct capture *, const struct capture_client *);

/* Its commands: MAIL first, then each RCPT. code is the reply's, 0 for none. */
void capture_envelope(struct capture *, struct record *, bool mail, struct slice args,
                      unsigned code);

/* Its content, in pieces: dot-stuffed when it comes by DATA. */
void capture_octets(struct capture *, struct record *, struct slice, bool bdat);

/* Ends it. complete: false when it can't be recorded, and then it was refused with 452. */
bool capture_complete(struct capture *, struct record *, unsigned code);
void capture_abort(struct capture *, struct record *, enum record_outcome, unsigned code);

/* What the reply to a message that can't be recorded begins with. */
#define CAPTURE_REFUSED 452

#endif
