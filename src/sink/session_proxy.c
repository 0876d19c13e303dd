/*
 * The beginning of a session that a proxy passes on: the PROXY protocol's header.
 */
#include <stdlib.h>

#include "proxy.h"
#include "sink_impl.h"

struct arrival {
    struct sockaddr_storage peer;
    socklen_t length;
    size_t n;
    char octets[PROXY_READ_MAX];
};

static struct session *of_conn(struct io_conn *c)
{
    return (struct session *)(void *)((char *)c - offsetof(struct session, conn));
}

static struct worker *worker_of(const struct session *s)
{
    return (struct worker *)(void *)((char *)s->server.context - offsetof(struct worker, context));
}

bool sink_proxy_await(struct session *s, const struct sockaddr *peer, socklen_t length)
{
    struct arrival *a = malloc(sizeof *a);

    if (!a)
        return false;
    a->length = length < sizeof a->peer ? length : sizeof a->peer;
    memcpy(&a->peer, peer, a->length);
    a->n = 0;
    s->arrival = a;
    return true;
}

void sink_proxy_received(struct io_conn *c, const char *octets, size_t n)
{
    struct session *s = of_conn(c);
    struct arrival *a = s->arrival;
    size_t before = a->n;
    struct address source;
    int used;

    worker_of(s)->account.numbers.received_bytes += n;
    a->n += n < sizeof a->octets - before ? n : sizeof a->octets - before;
    memcpy(a->octets + before, octets, a->n - before);
    used = proxy_read(a->octets, a->n, &source);
    if (used == 0)
        return;
    if (used < 0) {
        diag_warn("a client begins with no header of the PROXY protocol, which --proxy wants");
        sink_session_abort(s);
        return;
    }
    s->arrival = NULL;
    worker_of(s)->account.numbers.received_bytes -= n - ((size_t)used - before); /* counted anew */
    if (source.length)
        sink_session_arrived(s, &source.sa, source.length,
                             slice_from((struct slice){octets, n}, (size_t)used - before));
    else
        sink_session_arrived(s, (const struct sockaddr *)(const void *)&a->peer, a->length,
                             slice_from((struct slice){octets, n}, (size_t)used - before));
    free(a);
}
