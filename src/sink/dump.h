/*
 * Dump files (-d, -D), in the format of the program of the same name that comes with Postfix, see
 * its manual: headers made from the transaction, then the message, then an empty line.
 */
#ifndef SINK_DUMP_H
#define SINK_DUMP_H

#include "capture_file.h"
#include "capture_record.h"

struct capture_config;

/* A file each message, and one for all in the same period. 0, or -errno with diag set. */
int dump_files_new(struct writer **, const struct writer_needs *, struct diag *);
int dump_append_new(struct writer **, const struct writer_needs *, struct diag *);

/*
 * Where -d or -D of the config would write now: can it? Directories that are missing may be made by
 * then, so this is to be warned of only. 0, or -errno with diag set.
 */
int dump_try(const struct capture_config *, struct diag *);

/* "Received: from … by … with … id …;", three lines with LF: mailboxes have it, too. */
void dump_received(struct outfile *, const struct record *, const char *date);

#endif
