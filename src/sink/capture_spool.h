/*
 * Octets of a transaction until it is complete: in memory as long as they are few, else in a file
 * without a name.
 */
#ifndef SINK_CAPTURE_SPOOL_H
#define SINK_CAPTURE_SPOOL_H

#include <stdint.h>

#include "diag.h"
#include "slice.h"

/* Octets that one spool holds in memory. */
#define SPOOL_MEMORY 65536

struct spool {
    char *memory;
    size_t used;
    size_t size;
    uint64_t filed; /* octets in the file, those before the memory's */
    int fd;         /* -1: none */
};

void spool_init(struct spool *);
void spool_done(struct spool *);

/* Empty again; some memory is kept. */
void spool_reset(struct spool *);

/* The file, when one is needed, is made in this directory. 0, or -errno with diag set. */
int spool_add(struct spool *, struct slice, const char *directory, struct diag *);

static inline uint64_t spool_octets(const struct spool *s)
{
    return s->filed + s->used;
}

/*
 * The octets from at on, n of them or as many as there are: *out points into the memory or into
 * scratch (n octets), and is valid until the spool or scratch changes. 0, or -errno with diag set.
 */
int spool_view(const struct spool *, uint64_t at, size_t n, char *scratch, struct slice *out,
               struct diag *);

#endif
