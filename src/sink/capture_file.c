/*
 * Locks are those of the open file description (fcntl(2), F_OFD_SETLK): they hold between threads
 * too, and against the POSIX locks of other mail programs.
 */
#include "capture_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "units.h"

#define FILE_MODE 0644
#define DIR_MODE  0755

/* Another holder appends a message and is gone; one that stays must not stop the server for good.
 */
#define LOCK_PAUSE_FIRST (20 * NS_PER_US)
#define LOCK_PAUSE_LAST  (5 * NS_PER_MS)
#define LOCK_LIMIT       (2 * NS_PER_S)

void outfile_init(struct outfile *o, char *buffer, size_t size)
{
    *o = (struct outfile){.buffer = buffer, .size = size, .fd = -1};
}

static int fail(const char *what, const char *path, struct diag *d)
{
    int error = errno;

    return diag_set(d, -error, "%s %.300s: %s", what, path, strerror(error));
}

int make_parents(const char *path, struct diag *d)
{
    char part[PATH_MAX];
    size_t n = strlen(path);

    if (n >= sizeof part) {
        errno = ENAMETOOLONG;
        return fail("open", path, d);
    }
    for (size_t i = 1; i < n; i++) {
        if (path[i] != '/' || path[i - 1] == '/')
            continue;
        memcpy(part, path, i);
        part[i] = '\0';
        if (mkdir(part, DIR_MODE) < 0 && errno != EEXIST)
            return fail("make directory", part, d);
    }
    return 0;
}

int sync_parent(const char *path, struct diag *d)
{
    char directory[PATH_MAX] = ".";
    const char *slash = strrchr(path, '/');
    int rc = 0;
    int fd;

    if (slash) {
        size_t n = slash > path ? (size_t)(slash - path) : 1;

        memcpy(directory, path, n); /* a path that was opened: shorter than PATH_MAX */
        directory[n] = '\0';
    }
    fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return fail("open", directory, d);
    if (fsync(fd) < 0)
        rc = fail("fsync", directory, d);
    (void)close(fd);
    return rc;
}

/* Opens with the directories made, if need be; the descriptor, or -errno with diag set. */
static int open_at(const char *path, int flags, struct diag *d)
{
    int fd = open(path, flags | O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY, FILE_MODE);
    int rc;

    if (fd < 0 && errno == ENOENT) {
        rc = make_parents(path, d);
        if (rc < 0)
            return rc;
        fd = open(path, flags | O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY, FILE_MODE);
    }
    return fd >= 0 ? fd : fail("open", path, d);
}

int outfile_create(struct outfile *o, const char *path, struct diag *d)
{
    int fd = open_at(path, O_EXCL, d);

    if (fd < 0)
        return fd;
    o->fd = fd;
    o->path = path;
    o->error = 0;
    o->base = 0;
    o->made = o->exclusive = o->regular = true;
    return 0;
}

int outfile_try(const char *path, bool append, struct diag *d)
{
    char part[PATH_MAX];
    size_t n = strlen(path);
    struct stat st;

    if (append && faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) == 0) {
        if (stat(path, &st) < 0 || !S_ISDIR(st.st_mode))
            return 0;
        errno = EISDIR;
    }
    if (n >= sizeof part || (append && errno != ENOENT)) {
        errno = n >= sizeof part ? ENAMETOOLONG : errno;
        return fail("open", path, d);
    }
    memcpy(part, path, n + 1);
    do { /* missing directories are made where the first one stands that is there */
        char *slash = strrchr(part, '/');

        if (!slash)
            (void)snprintf(part, sizeof part, ".");
        else
            slash[slash == part] = '\0';
        if (faccessat(AT_FDCWD, part, W_OK | X_OK, AT_EACCESS) == 0)
            return 0;
    } while (errno == ENOENT && strcmp(part, "/") != 0 && strcmp(part, ".") != 0);
    return fail("open", path, d);
}

static int lock(struct outfile *o, struct diag *d)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    uint64_t pause = LOCK_PAUSE_FIRST;

    for (uint64_t waited = 0; fcntl(o->fd, F_OFD_SETLK, &whole) < 0; waited += pause) {
        struct timespec t = {.tv_nsec = (long)pause};

        if ((errno != EAGAIN && errno != EACCES && errno != EINTR) || waited > LOCK_LIMIT)
            return fail("lock", o->path, d);
        (void)nanosleep(&t, NULL);
        pause = pause < LOCK_PAUSE_LAST ? 2 * pause : pause;
    }
    return 0;
}

/*
 * Is the file still the one of that name? Else another program has replaced it between our opening
 * and our lock, and what is appended would be lost.
 */
static bool is_current(const struct outfile *o, const struct stat *opened)
{
    struct stat named;

    return stat(o->path, &named) == 0 && named.st_ino == opened->st_ino &&
           named.st_dev == opened->st_dev;
}

int outfile_append(struct outfile *o, const char *path, struct diag *d)
{
    struct stat st;
    int rc;

    o->path = path;
    o->error = 0;
    o->exclusive = false;
    for (;;) {
        o->fd = open_at(path, O_APPEND, d);
        if (o->fd < 0) {
            rc = o->fd;
            break;
        }
        rc = fstat(o->fd, &st) < 0 ? fail("stat", path, d) : 0;
        o->regular = rc == 0 && S_ISREG(st.st_mode);
        if (o->regular)
            rc = lock(o, d);
        if (o->regular && rc == 0 && fstat(o->fd, &st) < 0) /* its length may have changed */
            rc = fail("stat", path, d);
        o->base = (uint64_t)st.st_size;
        o->made = o->regular && st.st_size == 0;
        if (rc < 0 || !o->regular || is_current(o, &st))
            break;
        (void)close(o->fd);
    }
    if (rc < 0 && o->fd >= 0)
        (void)close(o->fd);
    if (rc < 0)
        o->fd = -1;
    return rc;
}

static void write_out(struct outfile *o, struct slice octets)
{
    while (octets.n > 0 && o->error == 0) {
        ssize_t n = write(o->fd, octets.p, octets.n);

        if (n > 0)
            octets = slice_from(octets, (size_t)n);
        else if (n == 0 || errno != EINTR)
            o->error = n < 0 ? -errno : -EIO;
    }
}

static void empty(struct outfile *o)
{
    write_out(o, (struct slice){o->buffer, o->used});
    o->used = 0;
}

void outfile_put(struct outfile *o, struct slice octets)
{
    if (octets.n > o->size - o->used)
        empty(o);
    if (octets.n > o->size) {
        write_out(o, octets);
        return;
    }
    memcpy(o->buffer + o->used, octets.p, octets.n);
    o->used += octets.n;
}

static void put(void *to, struct slice octets)
{
    outfile_put(to, octets);
}

struct outlet outfile_outlet(struct outfile *o)
{
    return (struct outlet){put, o};
}

void outfile_print(struct outfile *o, const char *format, ...)
{
    char text[512];
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (n > 0)
        outfile_put(o, (struct slice){text, (size_t)n < sizeof text ? (size_t)n : sizeof text - 1});
}

int outfile_flush(struct outfile *o, bool sync, struct diag *d)
{
    empty(o);
    if (o->error == 0 && sync && o->regular && fsync(o->fd) < 0)
        o->error = -errno;
    if (o->error < 0)
        return diag_set(d, o->error, "write %.300s: %s", o->path, strerror(-o->error));
    return sync && o->made ? sync_parent(o->path, d) : 0;
}

void outfile_close(struct outfile *o, bool keep)
{
    if (o->fd < 0)
        return;
    if (!keep && o->exclusive)
        (void)unlink(o->path);
    else if (!keep && o->regular && ftruncate(o->fd, (off_t)o->base) < 0)
        diag_warn("cannot undo an incomplete message in %s: %s", o->path, strerror(errno));
    (void)close(o->fd);
    o->fd = -1;
    o->used = 0;
}
