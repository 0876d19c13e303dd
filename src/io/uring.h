/*
 * The io_uring driver: for io_new() where the kernel has all that it needs.
 */
#ifndef IO_URING_H
#define IO_URING_H

#include "diag.h"
#include "io.h"

extern const struct io_driver io_uring_driver;

/*
 * Whether this kernel, and what confines this process, lets the driver work: tries each thing that
 * it relies on, in well under a millisecond. 0, or -errno with diag set to what is missing, as the
 * end of a sentence: "io_uring is not to be had: ...".
 */
int io_uring_driver_probe(struct diag *);

#endif
