/*
 * Mailboxes as other mail programs read them: an mbox file and a Maildir. Messages that were
 * accepted are delivered, once each whatever the number of recipients, with line ends of LF and
 * with the headers of a final delivery (RFC 5321 section 4.4): Return-Path, a Delivered-To for each
 * recipient, Received.
 */
#ifndef SINK_MAILBOX_H
#define SINK_MAILBOX_H

#include "capture_record.h"

/* 0, or -errno with diag set. */
int mbox_new(struct writer **, const struct writer_needs *, struct diag *);
int maildir_new(struct writer **, const struct writer_needs *, struct diag *);

#endif
