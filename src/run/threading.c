/*
 * Counting CPUs, and starting threads on them.
 */
#include "threading.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <string.h>

#include "num.h"

/* Room for 16384 CPUs: the kernel refuses a smaller set than it has CPUs. */
struct cpus {
    cpu_set_t sets[16];
};

static int allowed(struct cpus *c)
{
    return sched_getaffinity(0, sizeof c->sets, c->sets) < 0 ? -errno : 0;
}

int threads_set(struct threads *t, const char *value, struct diag *d)
{
    uint64_t n = THREADS_AUTO;

    if (strcmp(value, "auto") != 0 && (num_count(value, &n) < 0 || n < 1 || n > THREADS_MAX))
        return diag_set(d, -EINVAL, "bad thread count: %s (--threads takes 1 to %d, or auto)",
                        *value ? value : "empty", THREADS_MAX);
    t->count = n;
    return 0;
}

uint64_t threads_count(const struct threads *t, uint64_t most)
{
    uint64_t n = t->count;
    struct cpus c;

    if (n == THREADS_AUTO)
        n = allowed(&c) == 0 ? (uint64_t)CPU_COUNT_S(sizeof c.sets, c.sets) : 1;
    if (n > most)
        n = most;
    if (n > THREADS_MAX)
        n = THREADS_MAX;
    return n ? n : 1;
}

int threads_cpu(uint64_t index)
{
    struct cpus all;
    int rc = allowed(&all);
    int cpu = 0;

    if (rc < 0)
        return rc;
    index %= (uint64_t)CPU_COUNT_S(sizeof all.sets, all.sets);
    while (!CPU_ISSET_S((size_t)cpu, sizeof all.sets, all.sets) || index-- > 0)
        cpu++;
    return cpu;
}

/* The set of that one CPU. */
static int choose(uint64_t index, struct cpus *one)
{
    int cpu = threads_cpu(index);

    if (cpu < 0)
        return cpu;
    CPU_ZERO_S(sizeof one->sets, one->sets);
    CPU_SET_S((size_t)cpu, sizeof one->sets, one->sets);
    return 0;
}

static int cannot_pin(int rc, uint64_t index, struct diag *d)
{
    return diag_set(d, rc, "cannot pin thread %" PRIu64 " to a CPU: %s (leave out --pin)",
                    index + 1, strerror(-rc));
}

int threads_start(const struct threads *t, uint64_t index, pthread_t *thread, void *(*run)(void *),
                  void *arg, struct diag *d)
{
    pthread_attr_t attributes;
    sigset_t all, before;
    struct cpus one;
    int rc;

    (void)pthread_attr_init(&attributes);
    if (t->pin) {
        rc = choose(index, &one);
        if (rc == 0)
            rc = -pthread_attr_setaffinity_np(&attributes, sizeof one.sets, one.sets);
        if (rc < 0) {
            (void)pthread_attr_destroy(&attributes);
            return cannot_pin(rc, index, d);
        }
    }
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    rc = -pthread_create(thread, &attributes, run, arg);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)pthread_attr_destroy(&attributes);
    if (rc == -EINVAL && t->pin)
        return cannot_pin(rc, index, d);
    if (rc < 0)
        return diag_set(d, rc, "cannot start thread %" PRIu64 ": %s (--threads)", index + 1,
                        strerror(-rc));
    return 0;
}

int threads_pin_self(const struct threads *t, uint64_t index, struct diag *d)
{
    struct cpus one;
    int rc;

    if (!t->pin)
        return 0;
    rc = choose(index, &one);
    if (rc == 0 && sched_setaffinity(0, sizeof one.sets, one.sets) < 0)
        rc = -errno;
    return rc < 0 ? cannot_pin(rc, index, d) : 0;
}
