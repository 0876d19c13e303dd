/*
 * The io_uring driver: one ring a worker, one io_uring_enter() a turn. It hands over what the last
 * turn's callbacks have asked for and brings back what has completed meanwhile.
 *
 * A lockstep round trip costs two completions' worth of work and a share of one system call: a
 * receive is armed once a connection (multishot, into buffers that all conns share), and a send
 * that goes out at once, as nearly all do, completes without a word (uring_send.c).
 *
 * What an io_ function has to tell its owner goes to the work list and is told from io_turn(), as
 * in the epoll driver.
 */
#include "uring.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "diag.h"
#include "units.h"
#include "uring_impl.h"

/*
 * A larger set of receive buffers would pass through the cache from end to end; a smaller one runs
 * dry more often.
 */
static const struct ur_measures measures = {
    .entries = 256, .completions = 4096, .buffers = 128, .size = 4096};

uint64_t ur_clock(struct io *io)
{
    struct timespec t;

    (void)io;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

/* ---- Submitting ---- */

static void arm_wake(struct ur *ur)
{
    struct io_uring_sqe *sqe = ur_sqe(ur);

    io_uring_prep_poll_multishot(sqe, ur->wake_fd, POLLIN);
    ur_name(sqe, NULL, UR_WAKE);
}

/*
 * Done by the thread that turns, not by the one that starts the driver: the kernel takes work from
 * one thread only, and registered ring descriptors are a thread's own. They save looking up the
 * descriptor, so that failing to register is no fault.
 */
static int enable(struct ur *ur)
{
    struct io_uring_rsrc_update up = {.offset = UINT32_MAX, .data = (uint64_t)ur->ring.ring_fd};
    int error =
        io_uring_register((unsigned)ur->ring.ring_fd, IORING_REGISTER_ENABLE_RINGS, NULL, 0);

    if (error < 0)
        return error;
    ur->enabled = true;
    ur->thread = pthread_self();
    if (io_uring_register((unsigned)ur->ring.ring_fd, IORING_REGISTER_RING_FDS, &up, 1) == 1) {
        ur->enter_fd = (int)up.offset;
        ur->enter_flags = IORING_ENTER_REGISTERED_RING;
    }
    arm_wake(ur);
    return 0;
}

int ur_enter(struct ur *ur, enum ur_looking looking, const uint64_t *timeout)
{
    struct io_uring_sq *sq = &ur->ring.sq;
    struct __kernel_timespec t;
    struct io_uring_getevents_arg arg = {.ts = (uint64_t)(uintptr_t)&t};
    unsigned flags;
    int n = ur->enabled ? 0 : enable(ur);

    if (n < 0)
        return n;
    flags = ur->enter_flags | (looking == UR_NO_LOOK ? 0 : IORING_ENTER_GETEVENTS);
    if (timeout) {
        t.tv_sec = (long long)(*timeout / NS_PER_S);
        t.tv_nsec = (long long)(*timeout % NS_PER_S);
        flags |= IORING_ENTER_EXT_ARG;
    }
    io_uring_smp_store_release(sq->ktail, sq->sqe_tail);
    n = io_uring_enter2((unsigned)ur->enter_fd, sq->sqe_tail - *sq->khead, looking == UR_WAIT,
                        flags, timeout ? (void *)&arg : NULL, timeout ? sizeof arg : 0);
    /* What was not taken stays in the ring; EAGAIN and EBUSY are out of memory, for now. */
    if (n >= 0 || n == -ETIME || n == -EINTR || n == -EAGAIN || n == -EBUSY)
        return 0;
    return n;
}

struct io_uring_sqe *ur_sqe(struct ur *ur)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&ur->ring);

    while (!sqe) {
        int error = ur_enter(ur, UR_NO_LOOK, NULL);

        if (error < 0) {
            diag_fatal("io_uring: %s", strerror(-error));
            _exit(EXIT_FAILURE);
        }
        sqe = io_uring_get_sqe(&ur->ring);
    }
    return sqe;
}

void ur_cancel(struct ur *ur, const void *about, enum ur_kind kind)
{
    struct io_uring_sqe *sqe = ur_sqe(ur);

    io_uring_prep_cancel64(sqe, (uint64_t)(uintptr_t)about | kind, 0);
    sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
    ur_name(sqe, NULL, UR_IGNORED);
}

/* ---- Completions ---- */

static const struct io_uring_cqe *completion(const struct ur *ur, unsigned at)
{
    return &ur->ring.cq.cqes[at & ur->ring.cq.ring_mask];
}

static enum ur_kind kind_of(const struct io_uring_cqe *cqe)
{
    return (enum ur_kind)(cqe->user_data % UR_KINDS);
}

static void *about(const struct io_uring_cqe *cqe)
{
    return (void *)(uintptr_t)(cqe->user_data - cqe->user_data % UR_KINDS);
}

/*
 * Takes note of the sends that did not go out in whole, wherever in the ring they are, and of ends
 * that make work needless. If the ring has overflowed, some may be elsewhere, and nothing can be
 * concluded yet.
 */
static void scan(struct ur *ur)
{
    uint32_t submitted = *ur->ring.sq.khead;
    unsigned tail = io_uring_smp_load_acquire(ur->ring.cq.ktail);

    for (; ur->scanned != tail; ur->scanned++) {
        const struct io_uring_cqe *cqe = completion(ur, ur->scanned);

        if (cqe->flags & IORING_CQE_F_BUFFER)
            ur->held++;
        if (kind_of(cqe) == UR_SEND)
            ur_send_result(ur, about(cqe), cqe->res);
        else if (kind_of(cqe) == UR_RECEIVE && cqe->res <= 0)
            ur_conn_end_ahead(about(cqe), cqe->res);
    }
    if (io_uring_cq_has_overflow(&ur->ring))
        return;
    ur->concluded = submitted;
    if (submitted == ur_mark(ur))
        ur_lend_reset(ur);
}

static int wake_event(struct ur *ur, unsigned flags)
{
    uint64_t count;

    if (read(ur->wake_fd, &count, sizeof count) < 0)
        count = 0; /* told before */
    if (!(flags & IORING_CQE_F_MORE))
        arm_wake(ur);
    return 0;
}

/* Returns how many callbacks were called. */
static int dispatch(struct ur *ur, const struct io_uring_cqe *cqe)
{
    enum ur_kind kind = kind_of(cqe);

    switch (kind) {
    case UR_IGNORED:
    case UR_SEND:
        return 0;
    case UR_WAKE:
        return wake_event(ur, cqe->flags);
    case UR_ACCEPT:
        return ur_accept_event(ur, about(cqe), cqe->res, cqe->flags);
    default:
        return ur_conn_event(ur, about(cqe), kind, cqe->res, cqe->flags);
    }
}

/* One completion may call back twice, for a send that went before it. */
static void complete(struct ur *ur, int budget)
{
    while (budget > 1 && *ur->ring.cq.khead != ur->scanned) {
        struct io_uring_cqe cqe = *completion(ur, *ur->ring.cq.khead);

        io_uring_cq_advance(&ur->ring, 1);
        budget -= dispatch(ur, &cqe);
        if (cqe.flags & IORING_CQE_F_BUFFER) {
            ur_buffer_return(ur, cqe.flags >> IORING_CQE_BUFFER_SHIFT);
            ur->held--;
        }
    }
}

/* What is queued while this works has to wait for the next turn. Returns how many were told. */
static int work(struct ur *ur, int budget)
{
    int told = 0;

    for (uint32_t count = ur->work_count; count > 0 && told < budget; count--) {
        struct io_conn *c = ur->head;

        ur->head = c->next;
        ur->work_count--;
        told += ur_conn_tell(ur, c);
    }
    return told;
}

static int wait_until(struct ur *ur, uint64_t until)
{
    uint64_t next = timers_next(&ur->io.timers);
    uint64_t timeout;
    uint64_t now;

    /* More than a turn's worth only holds buffers, which others then lack. */
    if (io_uring_cq_ready(&ur->ring) >= UR_TURN_MAX)
        return ur_enter(ur, UR_NO_LOOK, NULL);
    if (ur->head || ur_accept_due(ur) || io_uring_cq_ready(&ur->ring))
        return ur_enter(ur, UR_LOOK, NULL);
    if (next < until)
        until = next;
    if (until == NS_NEVER)
        return ur_enter(ur, UR_WAIT, NULL);
    now = ur_clock(&ur->io);
    if (until <= now)
        return ur_enter(ur, UR_LOOK, NULL);
    timeout = until - now;
    return ur_enter(ur, UR_WAIT, &timeout);
}

static int ur_turn(struct io *io, uint64_t until)
{
    struct ur *ur = ur_of(io);
    int budget = UR_TURN_MAX;
    int error = wait_until(ur, until);

    if (error)
        return error;
    (void)io_clock(io);
    scan(ur);
    /* Neither may starve the other. */
    budget -= work(ur, io_uring_cq_ready(&ur->ring) ? UR_TURN_MAX / 2 : UR_TURN_MAX);
    budget -= ur_accept_held(ur, budget / 2);
    complete(ur, budget);
    timers_fire(&io->timers, io->now);
    return 0;
}

/* ---- The driver itself ---- */

static void ur_wake(struct io *io)
{
    uint64_t one = 1;
    int saved = errno; /* this may be a signal handler */

    if (write(ur_of(io)->wake_fd, &one, sizeof one) < 0)
        errno = saved; /* full: it is awake */
    errno = saved;
}

/*
 * The best that the kernel has. Completions are made up only when this thread asks for them
 * (DEFER_TASKRUN, Linux 6.1), or at least without interrupting it.
 */
static int open_ring(struct ur *ur)
{
    static const unsigned kinds[] = {IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
                                     IORING_SETUP_COOP_TASKRUN};
    int error = -EINVAL;

    for (size_t i = 0; error == -EINVAL && i < sizeof kinds / sizeof *kinds; i++) {
        struct io_uring_params p = {.cq_entries = ur->measures.completions};

        p.flags = kinds[i] | IORING_SETUP_R_DISABLED | IORING_SETUP_SUBMIT_ALL |
                  IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP;
        error = io_uring_queue_init_params(ur->measures.entries, &ur->ring, &p);
    }
    if (error < 0) {
        ur->ring.ring_fd = -1;
        return error;
    }
    ur->enter_fd = ur->ring.ring_fd;
    for (unsigned i = 0; i < ur->ring.sq.ring_entries; i++)
        ur->ring.sq.array[i] = i; /* for good: entries are used in order */
    return 0;
}

static void close_ring(struct ur *ur)
{
    struct io_uring_rsrc_update up = {.offset = (uint32_t)ur->enter_fd};

    if (ur->ring.ring_fd < 0)
        return;
    ur_doors_done(ur);
    /* Another thread's registration ends with that thread. */
    if (ur->enter_flags && pthread_equal(ur->thread, pthread_self()))
        (void)io_uring_register((unsigned)ur->ring.ring_fd, IORING_UNREGISTER_RING_FDS, &up, 1);
    io_uring_queue_exit(&ur->ring);
}

void ur_free(struct io *io)
{
    struct ur *ur = ur_of(io);

    close_ring(ur);
    ur_buffers_done(ur);
    ur_lend_done(ur);
    if (ur->wake_fd >= 0)
        (void)close(ur->wake_fd);
    free(ur);
}

struct io *ur_new(const struct ur_measures *m, struct diag *d)
{
    struct ur *ur = calloc(1, sizeof *ur);
    int error;

    if (!ur) {
        (void)diag_set(d, -ENOMEM, "out of memory for the io_uring driver");
        return NULL;
    }
    ur->measures = *m;
    ur->ring.ring_fd = -1;
    ur->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    error = ur->wake_fd < 0 ? -errno : open_ring(ur);
    if (!error)
        error = ur_buffers_init(ur);
    if (!error)
        return &ur->io;
    (void)diag_set(d, error, "cannot start the io_uring driver: %s%s", strerror(-error),
                   error == -ENOMEM ? " (the limit of locked memory, ulimit -l, may be too low)"
                                    : "");
    ur_free(&ur->io);
    return NULL;
}

static struct io *new_usual(struct diag *d)
{
    struct io *io = ur_new(&measures, d);

    if (io)
        ur_of(io)->ends_get_lost = ur_ends_get_lost();
    return io;
}

const struct io_driver io_uring_driver = {
    .name = "uring",
    .new = new_usual,
    .free = ur_free,
    .connect = ur_connect,
    .send = ur_send,
    .pause = ur_pause,
    .close = ur_close,
    .listen = ur_listen,
    .accept_pause = ur_accept_pause,
    .unlisten = ur_unlisten,
    .turn = ur_turn,
    .clock = ur_clock,
    .wake = ur_wake,
};
