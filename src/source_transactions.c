/*
 * --transactions, from the program's side.
 */
#include "source_transactions.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

#include "transactions.h"

static bool reports_to_stdout(const struct summary *s)
{
    return s->report != REPORT_NONE && !s->quiet;
}

int source_transactions_check(const struct program *p, const struct summary *s,
                              const struct load_settings *l, struct diag *d)
{
    if (!p->transactions || strcmp(p->transactions, "-") != 0)
        return 0;
    if (reports_to_stdout(s))
        return diag_set(d, -EINVAL,
                        "--transactions - cannot be used with a report on standard output: add "
                        "--quiet");
    if (l->counter)
        return diag_set(d, -EINVAL, "-c cannot be used with --transactions -: both use stdout");
    return 0;
}

/* What else is written to standard output would be mixed with ours. */
static int check_file(const struct stat *st, const struct program *p, const struct summary *s,
                      struct diag *d)
{
    struct stat out;

    if ((S_ISREG(st->st_mode) || S_ISFIFO(st->st_mode)) && reports_to_stdout(s) &&
        fstat(STDOUT_FILENO, &out) == 0 && out.st_dev == st->st_dev && out.st_ino == st->st_ino)
        return diag_set(d, -EINVAL,
                        "--transactions %s is standard output, where the report goes: add --quiet",
                        p->transactions);
    return 0;
}

int source_transactions_open(struct load *l, const struct program *p, const struct summary *s,
                             struct diag *d)
{
    struct stat st;
    int rc;

    if (!p->transactions)
        return 0;
    rc = transactions_open(&l->transactions, p->transactions, d);
    if (rc < 0 || transactions_stat(l->transactions, &st) < 0)
        return rc;
    rc = check_file(&st, p, s, d);
    if (rc < 0)
        transactions_undo(l->transactions);
    return rc;
}

void source_transactions_done(struct load *l)
{
    transactions_free(l->transactions);
    l->transactions = NULL;
}

struct run_transactions source_transactions(const struct load *l, const struct program *p)
{
    struct transactions_count n = {0};

    if (l->transactions)
        n = transactions_count(l->transactions);
    return (struct run_transactions){p->transactions, n.written, n.dropped};
}

int source_transactions_tell(const struct load *l, const struct program *p)
{
    struct transactions_count n;

    if (!l->transactions)
        return 0;
    n = transactions_count(l->transactions);
    if (n.dropped > 0)
        diag_warn("%" PRIu64 " of %" PRIu64 " transactions are not in %s%s", n.dropped,
                  n.dropped + n.written, p->transactions,
                  n.error ? "" : ": it did not take them in time (--transactions)");
    return n.error ? -EIO : 0;
}
