/*
 * The sink's summary, of a program of its own or of one embedded in the source's run. Plain numbers
 * in; text and JSON out.
 */
#ifndef REPORT_SINK_REPORT_H
#define REPORT_SINK_REPORT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "kinds.h"

struct run_part;

/* Refused commands of one verb: "RCPT", "CONNECT", "." as the sink's options name them. */
struct sink_refusal {
    const char *verb;
    uint64_t count;
};

/* All borrowed. Texts may be NULL for unknown, numbers 0. */
struct sink_run {
    const char *program; /* "smtp-sink" */
    const char *version;
    const char *command_line;
    const char *started_at; /* wall clock, see run_time() in run.h */
    const char *id;
    const char *listening; /* as typed */
    const char *protocol;  /* "smtp" or "lmtp" */
    const char *io_driver;
    const char *ended; /* "complete", "interrupted", or "fatal: TEXT" */

    uint64_t sessions;       /* that began */
    uint64_t peak;           /* sessions open at the same time, the most there were */
    uint64_t quits;          /* sessions that ended by an accepted QUIT */
    uint64_t aborted;        /* sessions cut off by the sink: -A, -t, too long a line, … */
    uint64_t lost;           /* sessions that the client left without QUIT */
    uint64_t messages;       /* ends of data seen, the refused ones included */
    uint64_t recipients;     /* accepted RCPTs of those messages */
    uint64_t content_bytes;  /* octets of content of those messages */
    uint64_t received_bytes; /* octets off the wire */
    uint64_t sent_bytes;
    uint64_t tls_full; /* handshakes */
    uint64_t tls_resumed;
    uint64_t tls_failed;
    struct kinds tls; /* versions, ciphers, groups */
    uint64_t auth_attempts;
    uint64_t auth_accepted;
    uint64_t auth_refused;
    struct kinds auth; /* the accepted by mechanism, and the refused */
    struct kinds auth_refusals;
    uint64_t refused;    /* replies with 4xx or 5xx, all verbs */
    uint64_t unrecorded; /* messages, and aborted transactions, that could not be recorded */
    uint64_t workers;

    uint64_t
        elapsed_ns; /* from the first session's begin to the last one's end, or of the process */
    uint64_t cpu_user_ns;
    uint64_t cpu_system_ns;
    uint64_t peak_rss_bytes;

    const struct sink_refusal *refusals; /* rows of 0 are left out */
    size_t refusal_count;

    const struct run_part *parts; /* what was merged into this, see run.h */
    size_t part_count;
};

/* The summary: plain ASCII, at most 80 columns. Errors show in ferror(out). */
void sink_report_text(const struct sink_run *, FILE *out);

/* A document of its own, role "sink". 0, -ENOMEM, or the -errno of writing. */
int sink_report_json(const struct sink_run *, FILE *out);

#endif
