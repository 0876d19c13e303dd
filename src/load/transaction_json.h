/*
 * A row as a line of JSON; doc/transactions.md has the fields.
 */
#ifndef LOAD_TRANSACTION_JSON_H
#define LOAD_TRANSACTION_JSON_H

#include "transaction_row.h"

/* Where lines go, octet by octet, and what they are about. */
struct row_writer {
    void (*put)(void *to, struct slice);
    void *to;
    const struct mail_content *content;
    char *path; /* room for a forward-path of theirs with brackets, path_max octets */
    size_t path_max;
    uint64_t content_bytes; /* of all messages but for what is their own */
    uint64_t wall;          /* what makes the monotonic clock the time since 1970, ns */
    uint64_t step;          /* of a search, from 1; 0: there is none */
    /* The second that was written last: most rows are of the same. */
    uint64_t second;
    char second_text[24];
};

/* One line, with its end. worker: from 0. */
void row_write(struct row_writer *, const struct transaction_row *, unsigned worker);

#endif
