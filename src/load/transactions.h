/*
 * --transactions: a JSON line for each message that ends (doc/transactions.md). Each worker has a
 * lane, a ring of bounded memory; a thread of its own writes what is in them. A worker never waits:
 * what finds no room is dropped, and counted.
 */
#ifndef LOAD_TRANSACTIONS_H
#define LOAD_TRANSACTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "diag.h"

struct lane;
struct load;
struct stat;
struct transactions;

struct transactions_count {
    uint64_t written; /* complete lines */
    uint64_t dropped; /* messages that ended without one */
    int error;        /* -errno: nothing was written any more, which was told then; 0: none */
};

/*
 * Opens the file, "-" for standard output; what is in it stays until the first load begins. A FIFO
 * without a reader is waited for a little. 0, or -errno with diag set; free takes NULL.
 */
int transactions_open(struct transactions **, const char *path, struct diag *);
void transactions_free(struct transactions *);

/* What the file is; 0 or -errno. */
int transactions_stat(const struct transactions *, struct stat *);

/* It was to be another file: takes back what opening it has made. */
void transactions_undo(struct transactions *);

/*
 * Around each load: lanes for its workers, and the thread; end is for when the workers have ended,
 * writes what is left, and gives up what nobody reads. begin: 0, or -errno with diag set.
 */
int transactions_begin(struct transactions *, const struct load *, struct diag *);
void transactions_end(struct transactions *);

/* The lane of a worker, while a load is on. */
struct lane *transactions_lane(const struct transactions *, uint64_t worker);

/* Of all loads so far. */
struct transactions_count transactions_count(const struct transactions *);

#endif
