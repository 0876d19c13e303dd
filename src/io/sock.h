/*
 * What every driver asks of a socket, apart from when it asks. Private to the drivers.
 */
#ifndef IO_SOCK_H
#define IO_SOCK_H

#include <stdint.h>

struct address;

/*
 * A non-blocking, close-on-exec stream socket to connect to that address with: keepalive, no delay,
 * both buffers of that many octets (0: the system's). Returns it, or -errno.
 */
int sock_new(const struct address *, uint32_t buffer);

/*
 * The same options for a listening socket: Linux gives them to each accepted one, so that those
 * cost no system call.
 */
void sock_inherit(int listener, uint32_t buffer);

/* Closes with linger 0: RST on TCP, unread and unsent bytes are lost. */
void sock_reset(int fd);

/* A pending error of the socket, cleared by asking; 0 for none. */
int sock_error(int fd);

#endif
