/*
 * How many worker threads a program runs, and on which CPUs: --threads and --pin, for both
 * programs.
 */
#ifndef RUN_THREADING_H
#define RUN_THREADING_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "diag.h"

#define THREADS_MAX 1024

/* One a CPU. */
#define THREADS_AUTO UINT64_MAX

/* Descriptors that a worker's driver has open besides its connections and listeners. */
#define THREAD_FILES 4

struct threads {
    uint64_t count; /* 0 is 1 */
    bool pin;       /* each thread stays on one CPU */
};

/* --threads: a count, or auto. 0, or -EINVAL with diag set. */
int threads_set(struct threads *, const char *value, struct diag *);

/* How many that is, no more than most: for auto, as many as there are CPUs to run on. */
uint64_t threads_count(const struct threads *, uint64_t most);

/*
 * The CPU for thread number index (from 0): that one of those that the calling thread may use, in
 * their order and from the first again. Its number, or -errno.
 */
int threads_cpu(uint64_t index);

/*
 * Starts thread number index, pinned to its CPU if it is to be, with all signals blocked. 0, or
 * -errno with diag set.
 */
int threads_start(const struct threads *, uint64_t index, pthread_t *, void *(*run)(void *),
                  void *arg, struct diag *);

/* Pins the calling thread in the same way, if it is to be. 0, or -errno with diag set. */
int threads_pin_self(const struct threads *, uint64_t index, struct diag *);

#endif
