/*
 * smtp-source's --transactions: what the file may be, and what is said of it at the end.
 */
#ifndef SOURCE_TRANSACTIONS_H
#define SOURCE_TRANSACTIONS_H

#include "load.h"
#include "program.h"
#include "run.h"
#include "source_options.h"

/* Do the options go together? 0, or -EINVAL with diag set. */
int source_transactions_check(const struct program *, const struct summary *,
                              const struct load_settings *, struct diag *);

/*
 * Opens the file that was asked for, if one was, for the load. 0, or -errno with diag set;
 * source_transactions_done() in any case.
 */
int source_transactions_open(struct load *, const struct program *, const struct summary *,
                             struct diag *);
void source_transactions_done(struct load *);

/* What the report tells. */
struct run_transactions source_transactions(const struct load *, const struct program *);

/* At the end: warns of what was dropped. -EIO when writing has failed, which was told, else 0. */
int source_transactions_tell(const struct load *, const struct program *);

#endif
