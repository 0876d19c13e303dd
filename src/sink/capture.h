/*
 * Recording what was received. One mechanism, fed with transactions: begun, given recipients and
 * content, and completed or aborted. Behind it stand the writers that were asked for (dump.h,
 * mailbox.h, translog.h); a message is recorded by all of them or by none. One capture a thread;
 * threads and processes meet only in the files, which are locked while they are appended to.
 */
#ifndef SINK_CAPTURE_H
#define SINK_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "opt.h"
#include "server.h"

struct capture;
struct capture_session;
struct io;
struct record;

/* What to record; NULL or false: not that. Filled by the options; all borrowed. */
struct capture_config {
    const char *dump_files;  /* -d: template of single-message files */
    const char *dump_append; /* -D: template of multi-message files */
    const char *dump_start;  /* -S: put before each message of a dump, with escapes */
    const char *mbox;
    const char *maildir;
    const char *log;
    bool fsync; /* a message is on disk before it is answered */
};

extern const struct opt capture_options[];
extern const size_t capture_option_count;

/* Is there anything to record? */
bool capture_wanted(const struct capture_config *);

/* 0, or -EINVAL with diag set: what does not go together. */
int capture_config_check(const struct capture_config *, struct diag *);

/* The place of a thread among those that record at the same time. */
struct capture_place {
    struct io *io; /* its driver, for the timer; outlives the capture */
    uint32_t base; /* the same for all: where their messages' ids begin */
    uint32_t index;
    uint32_t count;
};

/*
 * Starts recording, after privileges were given up. The configs are borrowed. 0, or -errno with
 * diag set. free writes what is buffered; NULL is fine.
 */
int capture_new(struct capture **, const struct capture_config *, const struct server_config *,
                const struct capture_place *, struct diag *);
void capture_free(struct capture *);

/* Writes what is buffered, and returns how many messages could not be recorded until now. */
uint64_t capture_unrecorded(struct capture *);

/*
 * A connection, as the server machine's hooks tell of it. connect returns NULL when out of memory;
 * become makes it another client's, as if new; disconnect aborts an open transaction and takes
 * NULL.
 */
struct capture_session *capture_connect(struct capture *, const struct sockaddr *peer,
                                        socklen_t length);
void capture_become(struct capture_session *, const struct sockaddr *peer, socklen_t length);
void capture_disconnect(struct capture_session *);
void capture_command(struct capture_session *, const struct server *, enum server_verb,
                     struct slice line, struct slice reply);
void capture_content(struct capture_session *, const struct server *, struct slice octets,
                     bool bdat);

/* A BDAT was refused, and its transaction with it; reply as in the machine's hook. */
void capture_chunk_refused(struct capture_session *, const struct server *, struct slice reply);

/*
 * A message is complete. Returns an empty slice when its reply stands, or else another, constant
 * one: it was not recorded.
 */
struct slice capture_message(struct capture_session *, const struct server_message *);

#endif
