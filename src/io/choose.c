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

int io_choose(enum io_choice choice, const struct io_driver **out, struct diag *d)
{
    int rc = choice == IO_EPOLL ? -ENOTSUP : io_uring_driver_probe(d);

    if (choice == IO_URING && rc < 0)
        return rc;
    *out = rc == 0 ? &io_uring_driver : &io_epoll;
    return 0;
}
