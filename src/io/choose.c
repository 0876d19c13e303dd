/*
 * Which driver to use.
 */
#include <errno.h>

#include "io.h"
#include "uring.h"

const struct opt_choice io_choices[] = {
    {"auto", IO_AUTO},
    {"uring", IO_URING},
    {"epoll", IO_EPOLL},
    {NULL, 0},
};

int io_choose(enum io_choice choice, struct io_kind *out, struct diag *d)
{
    int rc = choice == IO_EPOLL ? -ENOTSUP : io_uring_driver_probe(d);

    if (choice == IO_URING && rc < 0)
        return rc;
    *out = (struct io_kind){choice, rc == 0 ? &io_uring_driver : &io_epoll};
    return 0;
}

/* The i-th of pointers that stand so many octets apart. */
static struct io **nth(struct io **first, size_t stride, uint64_t i)
{
    return (struct io **)(void *)((char *)first + i * stride);
}

static int new_all(const struct io_driver *driver, struct io **first, size_t stride, uint64_t count,
                   struct diag *d)
{
    uint64_t n = 0;

    while (n < count && (*nth(first, stride, n) = io_new(driver, d)))
        n++;
    if (n == count)
        return 0;
    while (n > 0) {
        struct io **last = nth(first, stride, --n);

        io_free(*last);
        *last = NULL;
    }
    return -EIO;
}

int io_new_all(struct io_kind *kind, struct io **first, size_t stride, uint64_t count,
               struct diag *d)
{
    int rc = new_all(kind->driver, first, stride, count, d);

    if (rc == 0 || kind->choice != IO_AUTO || kind->driver != &io_uring_driver)
        return rc;
    kind->driver = &io_epoll;
    return new_all(kind->driver, first, stride, count, d);
}
