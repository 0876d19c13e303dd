/*
 * Socket options that all drivers set alike.
 */
#include "sock.h"

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "endpoint.h"

static void set(int fd, int level, int name, int value)
{
    /* A kernel that refuses one of these options still gives a usable connection. */
    (void)setsockopt(fd, level, name, &value, sizeof value);
}

static void set_options(int fd, bool tcp, uint32_t buffer)
{
    if (tcp) {
        set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
        set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    }
    if (buffer) {
        int size = buffer < INT_MAX ? (int)buffer : INT_MAX;

        set(fd, SOL_SOCKET, SO_SNDBUF, size);
        set(fd, SOL_SOCKET, SO_RCVBUF, size);
    }
}

int sock_new(const struct address *a, uint32_t buffer)
{
    int fd = socket(a->sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -errno;
    set_options(fd, a->sa.sa_family != AF_UNIX, buffer);
    return fd;
}

void sock_inherit(int listener, uint32_t buffer)
{
    int family = AF_UNSPEC;
    socklen_t length = sizeof family;

    (void)getsockopt(listener, SOL_SOCKET, SO_DOMAIN, &family, &length);
    set_options(listener, family != AF_UNIX, buffer);
}

void sock_reset(int fd)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};

    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    (void)close(fd);
}

int sock_error(int fd)
{
    int error = 0;
    socklen_t length = sizeof error;

    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0)
        return errno;
    return error;
}
