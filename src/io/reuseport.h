/*
 * Several listening sockets for one address, one a thread: SO_REUSEPORT (socket(7)), and which of
 * them a connection goes to.
 */
#ifndef IO_REUSEPORT_H
#define IO_REUSEPORT_H

#include <stddef.h>

#include "diag.h"

/*
 * Another socket that listens where fd, made by address_listen(), does. fd was bound alone, so
 * that an address in use stays an error, and so it stays for programs that do the same. A UNIX
 * socket is shared: the other is a duplicate. Returns it, or -errno with diag set.
 */
int reuseport_join(int fd, int backlog, struct diag *);

/*
 * Connections to the sockets that listen beside fd, itself included, go by the CPU that handles
 * their first packet, on the loopback the client's: by cpus[i] to the socket that joined as number
 * i, by another CPU c to number c modulo count. 0, or -errno: then the kernel goes on spreading
 * them by a hash of addresses and ports. All of them must listen. Source: socket(7),
 * SO_ATTACH_REUSEPORT_CBPF; Documentation/networking/filter.rst.
 */
int reuseport_steer(int fd, const int *cpus, size_t count);

#endif
