/*
 * A buffer, and behind it a file that is unlinked as soon as it is there: whatever happens to the
 * process, nothing is left.
 */
#include "capture_spool.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "capture_file.h"

#define FIRST_SIZE 4096

void spool_init(struct spool *s)
{
    *s = (struct spool){.fd = -1};
}

static void drop_file(struct spool *s)
{
    if (s->fd >= 0)
        (void)close(s->fd);
    s->fd = -1;
    s->filed = 0;
}

void spool_done(struct spool *s)
{
    drop_file(s);
    free(s->memory);
    spool_init(s);
}

void spool_reset(struct spool *s)
{
    drop_file(s);
    s->used = 0;
}

static int open_file(struct spool *s, const char *directory, struct diag *d)
{
    char path[PATH_MAX];
    int n = snprintf(path, sizeof path, "%s/.smtp-sink.XXXXXX", directory);

    if (n < 0 || (size_t)n >= sizeof path)
        return diag_set(d, -ENAMETOOLONG, "%.200s: %s", directory, strerror(ENAMETOOLONG));
    s->fd = mkostemp(path, O_CLOEXEC);
    if (s->fd < 0 && errno == ENOENT && make_parents(path, d) == 0) {
        memcpy(path + n - 6, "XXXXXX", 6);
        s->fd = mkostemp(path, O_CLOEXEC);
    }
    if (s->fd < 0)
        return diag_set(d, -errno, "make a temporary file in %s: %s", directory, strerror(errno));
    (void)unlink(path);
    return 0;
}

static int write_file(struct spool *s, struct slice octets, struct diag *d)
{
    while (octets.n > 0) {
        ssize_t n = write(s->fd, octets.p, octets.n);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return diag_set(d, n < 0 ? -errno : -EIO, "write a temporary file: %s",
                            strerror(n < 0 ? errno : EIO));
        s->filed += (uint64_t)n;
        octets = slice_from(octets, (size_t)n);
    }
    return 0;
}

static int flush(struct spool *s, const char *directory, struct diag *d)
{
    int rc = s->fd < 0 ? open_file(s, directory, d) : 0;

    if (rc == 0)
        rc = write_file(s, (struct slice){s->memory, s->used}, d);
    s->used = 0;
    return rc;
}

static int grow(struct spool *s, size_t need, struct diag *d)
{
    size_t size = s->size ? s->size : FIRST_SIZE;
    char *grown;

    while (size < need)
        size *= 2;
    grown = size > s->size ? realloc(s->memory, size) : s->memory;
    if (!grown)
        return diag_set(d, -ENOMEM, "out of memory");
    s->memory = grown;
    s->size = size;
    return 0;
}

int spool_add(struct spool *s, struct slice octets, const char *directory, struct diag *d)
{
    size_t need = s->used + octets.n;
    int rc;

    if (need > SPOOL_MEMORY) {
        rc = flush(s, directory, d);
        if (rc == 0 && octets.n >= SPOOL_MEMORY)
            return write_file(s, octets, d);
        if (rc < 0)
            return rc;
        need = octets.n;
    }
    rc = grow(s, need, d);
    if (rc < 0)
        return rc;
    memcpy(s->memory + s->used, octets.p, octets.n);
    s->used += octets.n;
    return 0;
}

static int read_file(const struct spool *s, uint64_t at, size_t n, char *to, struct diag *d)
{
    while (n > 0) {
        ssize_t got = pread(s->fd, to, n, (off_t)at);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return diag_set(d, got < 0 ? -errno : -EIO, "read a temporary file: %s",
                            strerror(got < 0 ? errno : EIO));
        at += (uint64_t)got;
        to += got;
        n -= (size_t)got;
    }
    return 0;
}

int spool_view(const struct spool *s, uint64_t at, size_t n, char *scratch, struct slice *out,
               struct diag *d)
{
    uint64_t left = spool_octets(s) - at;
    size_t in_file;
    int rc;

    if (n > left)
        n = (size_t)left;
    if (at >= s->filed) {
        *out = (struct slice){s->memory + (at - s->filed), n};
        return 0;
    }
    in_file = s->filed - at < n ? (size_t)(s->filed - at) : n;
    rc = read_file(s, at, in_file, scratch, d);
    if (rc < 0)
        return rc;
    if (in_file < n)
        memcpy(scratch + in_file, s->memory, n - in_file);
    *out = (struct slice){scratch, n};
    return 0;
}
