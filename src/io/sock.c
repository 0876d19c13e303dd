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
#include "io.h"

static void set(int fd, int level, int name, int value)
{
    /* A kernel that refuses one of these options still gives a usable connection. */
    (void)setsockopt(fd, level, name, &value, sizeof value);
}

static void set_options(int fd, bool tcp, const struct io_options *o)
{
    if (tcp) {
        set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
        if (!o->delay)
            set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    }
    if (o->buffer) {
        int size = o->buffer < INT_MAX ? (int)o->buffer : INT_MAX;

        set(fd, SOL_SOCKET, SO_SNDBUF, size);
        set(fd, SOL_SOCKET, SO_RCVBUF, size);
    }
}

int sock_new(const struct address *target, const struct address *source, const struct io_options *o)
{
    int fd = socket(target->sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int error;

    if (fd < 0)
        return -errno;
    set_options(fd, target->sa.sa_family != AF_UNIX, o);
    if (!source)
        return fd;
    set(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
    if (bind(fd, &source->sa, source->length) == 0)
        return fd;
    error = errno;
    (void)close(fd);
    return -error;
}

int sock_connect(int fd, const struct address *target, const struct io_options *o)
{
    ssize_t rc;

    if (o->fastopen && target->sa.sa_family != AF_UNIX)
        rc = sendto(fd, "", 0, MSG_FASTOPEN | MSG_NOSIGNAL, &target->sa, target->length);
    else
        rc = connect(fd, &target->sa, target->length);
    return rc < 0 ? errno : 0;
}

void sock_inherit(int listener, const struct io_options *o)
{
    int family = AF_UNSPEC;
    socklen_t length = sizeof family;

    (void)getsockopt(listener, SOL_SOCKET, SO_DOMAIN, &family, &length);
    set_options(listener, family != AF_UNIX, o);
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
