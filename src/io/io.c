/*
 * What all drivers share: the calls of io.h, handed on to the driver's row.
 */
#include "io.h"

#include <assert.h>

struct io *io_new(const struct io_driver *driver, struct diag *d)
{
    struct io *io = driver->new (d);

    if (!io)
        return NULL;
    io->driver = driver;
    timers_init(&io->timers);
    (void)io_clock(io);
    return io;
}

void io_free(struct io *io)
{
    if (!io)
        return;
    assert(io->live == 0);
    timers_done(&io->timers);
    io->driver->free(io);
}

void io_connect(struct io *io, struct io_conn *c, const struct address *target,
                const struct address *source)
{
    io->driver->connect(io, c, target, source);
}

void io_send(struct io *io, struct io_conn *c, const struct iovec *iov, int count)
{
    (c->filter ? c->filter->send : io->driver->send)(io, c, iov, count);
}

void io_recv_pause(struct io *io, struct io_conn *c)
{
    io->driver->pause(io, c, true);
}

void io_recv_resume(struct io *io, struct io_conn *c)
{
    io->driver->pause(io, c, false);
}

void io_close(struct io *io, struct io_conn *c, enum io_close_how how)
{
    (c->filter ? c->filter->close : io->driver->close)(io, c, how);
}

int io_listen(struct io *io, struct io_listener *l, struct diag *d)
{
    return io->driver->listen(io, l, d);
}

void io_accept_pause(struct io *io, struct io_listener *l, bool paused)
{
    io->driver->accept_pause(io, l, paused);
}

void io_unlisten(struct io *io, struct io_listener *l)
{
    io->driver->unlisten(io, l);
}

int io_turn(struct io *io, uint64_t until)
{
    return io->driver->turn(io, until);
}

uint64_t io_clock(struct io *io)
{
    return io->now = io->driver->clock(io);
}

void io_wake(struct io *io)
{
    io->driver->wake(io);
}
