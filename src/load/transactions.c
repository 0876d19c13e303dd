/*
 * The thread that writes transactions, and its file.
 */
#include "transactions.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "load.h"
#include "transaction_json.h"
#include "transaction_track.h"
#include "units.h"

/* Of each worker: some 10,000 rows. What one write(2) takes. */
#define LANE_SIZE   ((size_t)4 << 20)
#define BUFFER_SIZE ((size_t)256 << 10)

/* Rows taken from one lane before the next has its turn. */
#define TURN_ROWS 1024

/* How often lanes are looked at that were empty. */
#define PAUSE_MS 10

/* How long a file that takes nothing is waited for when the load has ended. */
#define GRACE_MS 1000

/* How long a FIFO may take to be opened by its reader. */
#define READER_MS 3000

struct transactions {
    const char *path; /* borrowed; as an error names it */
    int fd;
    bool regular;
    bool made;          /* it was not there before */
    bool begun;         /* what was in it is gone */
    struct lane *lanes; /* of the load that is on */
    uint64_t lane_count;
    pthread_t thread;
    bool running;
    atomic_bool ended; /* the workers have, and nothing more comes */
    struct row_writer writer;
    uint64_t loads;
    uint64_t position; /* octets written */
    uint64_t length;   /* of those: whole lines */
    uint64_t taken;    /* rows taken from lanes, by the thread */
    uint64_t lost;     /* dropped by lanes of loads that are over */
    atomic_uint_fast64_t written;
    atomic_int error; /* -errno of the first fault: no more is written */
    bool given_up;    /* nobody reads: the rest is dropped */
    size_t used;
    char buffer[BUFFER_SIZE];
};

/* ---- The file ---- */

static void pause_ms(long ms)
{
    (void)nanosleep(&(struct timespec){.tv_nsec = ms * (long)NS_PER_MS}, NULL);
}

/* Without waiting in open(2): a FIFO that nobody reads says ENXIO. */
static int open_file(struct transactions *t, struct diag *d)
{
    const int flags = O_WRONLY | O_CREAT | O_NONBLOCK | O_CLOEXEC | O_NOCTTY;
    struct stat st;
    int error;

    t->made = stat(t->path, &st) < 0 && errno == ENOENT;
    for (int ms = 0;; ms += PAUSE_MS) {
        t->fd = open(t->path, flags, 0644);
        error = errno;
        if (t->fd >= 0 || error != ENXIO || ms >= READER_MS || stat(t->path, &st) < 0 ||
            !S_ISFIFO(st.st_mode))
            break;
        pause_ms(PAUSE_MS);
    }
    if (t->fd >= 0)
        return 0;
    if (error == ENXIO && stat(t->path, &st) == 0 && S_ISFIFO(st.st_mode))
        return diag_set(d, -error, "open %s: nobody reads from it (--transactions)", t->path);
    return diag_set(d, -error, "open %s: %s (--transactions)", t->path, strerror(error));
}

int transactions_open(struct transactions **out, const char *path, struct diag *d)
{
    struct transactions *t;
    struct stat st;
    int rc = 0;

    if (*path == '\0')
        return diag_set(d, -EINVAL,
                        "bad transactions file: empty (--transactions takes a file "
                        "name, or -)");
    t = malloc(sizeof *t);
    if (!t)
        return diag_set(d, -ENOMEM, "out of memory");
    memset(t, 0, offsetof(struct transactions, buffer));
    t->path = path;
    if (strcmp(path, "-") == 0) {
        t->path = "standard output";
        t->fd = STDOUT_FILENO;
        t->begun = true; /* others may have written to it */
    } else {
        rc = open_file(t, d);
    }
    if (rc < 0) {
        free(t);
        return rc;
    }
    t->regular = fstat(t->fd, &st) == 0 && S_ISREG(st.st_mode) && t->fd != STDOUT_FILENO;
    *out = t;
    return 0;
}

void transactions_free(struct transactions *t)
{
    if (t && t->fd != STDOUT_FILENO)
        (void)close(t->fd);
    free(t);
}

int transactions_stat(const struct transactions *t, struct stat *st)
{
    return fstat(t->fd, st) < 0 ? -errno : 0;
}

void transactions_undo(struct transactions *t)
{
    if (t->made)
        (void)unlink(t->path);
}

/* ---- Writing ---- */

static void told_error(struct transactions *t, int error)
{
    atomic_store(&t->error, -error);
    diag_warn("write %s: %s: no more is written there (--transactions)", t->path, strerror(error));
    /* No half of a line stays, where that can be. */
    if (t->regular && ftruncate(t->fd, (off_t)t->length) < 0)
        diag_warn("cannot take back the last line of %s: %s", t->path, strerror(errno));
}

/* n octets went out. Lines have no other line feeds in them. */
static void count_lines(struct transactions *t, const char *p, size_t n)
{
    const char *end = p + n;
    uint64_t lines = 0;

    for (const char *at = p; (at = memchr(at, '\n', (size_t)(end - at))) != NULL; at++) {
        t->length = t->position + (uint64_t)(at + 1 - p);
        lines++;
    }
    t->position += n;
    atomic_fetch_add_explicit(&t->written, lines, memory_order_relaxed);
}

/* Waits until the file takes more, but a little only. false when it is to be given up. */
static bool wait_writable(struct transactions *t, int *waited)
{
    struct pollfd p = {.fd = t->fd, .events = POLLOUT};
    bool ended = atomic_load_explicit(&t->ended, memory_order_relaxed);

    if (ended && *waited >= GRACE_MS)
        return false;
    (void)poll(&p, 1, 10 * PAUSE_MS);
    *waited = ended ? *waited + 10 * PAUSE_MS : 0;
    return true;
}

/*
 * write(2) that does not wait. Standard output is shared with others, whose business it is whether
 * it waits; what poll(2) promises for a pipe is a page.
 */
static ssize_t write_some(const struct transactions *t, const char *p, size_t n)
{
    struct pollfd ready = {.fd = t->fd, .events = POLLOUT};

    if (t->fd == STDOUT_FILENO) {
        n = n < PIPE_BUF ? n : PIPE_BUF;
        if (poll(&ready, 1, 0) == 0) {
            errno = EAGAIN;
            return -1;
        }
    }
    return write(t->fd, p, n);
}

static void flush(struct transactions *t)
{
    size_t at = 0;
    int waited = 0;

    while (at < t->used && !atomic_load(&t->error) && !t->given_up) {
        ssize_t n = write_some(t, t->buffer + at, t->used - at);

        if (n > 0) {
            count_lines(t, t->buffer + at, (size_t)n);
            at += (size_t)n;
            waited = 0;
        } else if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            t->given_up = !wait_writable(t, &waited);
        } else if (n == 0 || errno != EINTR) {
            told_error(t, n == 0 ? EIO : errno);
        }
    }
    t->used = 0;
}

static void put(void *to, struct slice s)
{
    struct transactions *t = to;

    while (s.n > BUFFER_SIZE - t->used) {
        size_t n = BUFFER_SIZE - t->used;

        memcpy(t->buffer + t->used, s.p, n);
        t->used += n;
        s = slice_from(s, n);
        flush(t);
    }
    memcpy(t->buffer + t->used, s.p, s.n);
    t->used += s.n;
}

/* Writes some of what is in a lane; false when it was empty. */
static bool take_rows(struct transactions *t, uint64_t worker)
{
    struct ring *ring = &t->lanes[worker].ring;
    const void *row;
    size_t n;
    int rows = 0;

    for (; rows < TURN_ROWS && (row = ring_front(ring, &n)) != NULL; rows++) {
        t->taken++;
        if (!atomic_load_explicit(&t->error, memory_order_relaxed) && !t->given_up)
            row_write(&t->writer, row, (unsigned)worker);
        ring_pop(ring);
    }
    return rows > 0;
}

static void *run(void *arg)
{
    struct transactions *t = arg;

    for (;;) {
        bool ended = atomic_load_explicit(&t->ended, memory_order_acquire);
        bool any = false;

        for (uint64_t i = 0; i < t->lane_count; i++)
            any |= take_rows(t, i);
        if (any)
            continue;
        flush(t);
        if (ended)
            return NULL;
        pause_ms(PAUSE_MS);
    }
}

/* ---- A load ---- */

static uint64_t wall_offset(void)
{
    struct timespec wall, monotonic;

    (void)clock_gettime(CLOCK_REALTIME, &wall);
    (void)clock_gettime(CLOCK_MONOTONIC, &monotonic);
    return ((uint64_t)wall.tv_sec - (uint64_t)monotonic.tv_sec) * NS_PER_S +
           (uint64_t)wall.tv_nsec - (uint64_t)monotonic.tv_nsec;
}

static void free_lanes(struct transactions *t)
{
    for (uint64_t i = 0; i < t->lane_count; i++) {
        t->lost += atomic_load(&t->lanes[i].dropped);
        track_done(&t->lanes[i]);
        ring_done(&t->lanes[i].ring);
    }
    free(t->lanes);
    free(t->writer.path);
    t->writer.path = NULL;
    t->lanes = NULL;
    t->lane_count = 0;
}

static int make_lanes(struct transactions *t, const struct load *l)
{
    uint64_t n = l->worker_count;

    t->lanes = aligned_alloc(_Alignof(struct lane), n * sizeof *t->lanes);
    t->writer.path = malloc(l->form.path_max);
    if (!t->lanes || !t->writer.path)
        return -ENOMEM;
    memset(t->lanes, 0, n * sizeof *t->lanes);
    for (; t->lane_count < n; t->lane_count++) {
        struct lane *lane = &t->lanes[t->lane_count];

        lane->lmtp = l->client->lmtp;
        lane->verdicts_room = l->form.rcpt_count > 1 ? ROW_VERDICTS_ROOM : 0;
        if (ring_init(&lane->ring, LANE_SIZE) < 0)
            return -ENOMEM;
    }
    return 0;
}

int transactions_begin(struct transactions *t, const struct load *l, struct diag *d)
{
    int rc = make_lanes(t, l);

    if (rc < 0) {
        free_lanes(t);
        return diag_set(d, rc, "out of memory for --transactions");
    }
    if (!t->begun && t->regular && ftruncate(t->fd, 0) < 0) {
        rc = -errno;
        free_lanes(t);
        return diag_set(d, rc, "truncate %s: %s (--transactions)", t->path, strerror(-rc));
    }
    t->begun = true;
    t->loads++;
    t->writer = (struct row_writer){
        .put = put,
        .to = t,
        .content = l->content,
        .path = t->writer.path,
        .path_max = l->form.path_max,
        .content_bytes = l->form.plain.size,
        .wall = wall_offset(),
        .step = l->settings->find ? t->loads : 0,
        .second = UINT64_MAX,
    };
    atomic_store(&t->ended, false);
    rc = threads_start(&(struct threads){0}, l->worker_count, &t->thread, run, t, d);
    t->running = rc == 0;
    if (rc < 0)
        free_lanes(t);
    return rc;
}

void transactions_end(struct transactions *t)
{
    if (!t->running)
        return;
    atomic_store_explicit(&t->ended, true, memory_order_release);
    (void)pthread_join(t->thread, NULL);
    t->running = false;
    free_lanes(t);
}

struct lane *transactions_lane(const struct transactions *t, uint64_t worker)
{
    return &t->lanes[worker];
}

struct transactions_count transactions_count(const struct transactions *t)
{
    struct transactions_count c = {
        .written = atomic_load_explicit(&t->written, memory_order_relaxed),
        .dropped = t->lost,
        .error = atomic_load(&t->error),
    };

    for (uint64_t i = 0; i < t->lane_count; i++)
        c.dropped += atomic_load_explicit(&t->lanes[i].dropped, memory_order_relaxed);
    if (!t->running)
        c.dropped += t->taken - c.written;
    return c;
}
