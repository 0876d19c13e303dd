/*
 * What every driver asks of a socket, apart from when it asks. Private to the drivers.
 */
#ifndef IO_SOCK_H
#define IO_SOCK_H

struct address;
struct io_options;

/*
 * A non-blocking, close-on-exec stream socket to connect to target with, from source (NULL: from
 * anywhere), with keepalive and the options. Returns it, or -errno.
 */
int sock_new(const struct address *target, const struct address *source, const struct io_options *);

/* Starts to connect. 0, or a positive errno; EINPROGRESS: it is done when one can write. */
int sock_connect(int fd, const struct address *target, const struct io_options *);

/*
 * The same options for a listening socket: Linux gives them to each accepted one, so that those
 * cost no system call.
 */
void sock_inherit(int listener, const struct io_options *);

/* Closes with linger 0: RST on TCP, unread and unsent bytes are lost. */
void sock_reset(int fd);

/* A pending error of the socket, cleared by asking; 0 for none. */
int sock_error(int fd);

#endif
