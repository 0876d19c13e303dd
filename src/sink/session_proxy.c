/*
 * Sessions on behalf of others: those that a proxy passes on, with the PROXY protocol's header, and
 * XCLIENT.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "proxy.h"
#include "sink_impl.h"
#include "xtext.h"

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

/* "192.0.2.1", "IPV6:2001:db8::1". */
static bool read_address(const char *text, struct address *a)
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};

    *a = (struct address){0};
    if (inet_pton(AF_INET, text, &in.sin_addr) == 1) {
        memcpy(&a->storage, &in, sizeof in);
        a->length = sizeof in;
    } else if (strncasecmp(text, "IPV6:", 5) == 0 &&
               inet_pton(AF_INET6, text + 5, &in6.sin6_addr) == 1) {
        memcpy(&a->storage, &in6, sizeof in6);
        a->length = sizeof in6;
    }
    return a->length > 0;
}

/* The address counts; for the others there is no use. */
bool sink_xclient(struct server *sv, struct slice name, struct slice value)
{
    struct session *s = (struct session *)(void *)((char *)sv - offsetof(struct session, server));
    char text[80];
    struct address a;

    if (!slice_is(name, "ADDR") || slice_is(value, "[UNAVAILABLE]") ||
        slice_is(value, "[TEMPUNAVAIL]"))
        return true;
    if (value.n >= sizeof text)
        return false;
    text[xtext_read(value, text)] = '\0';
    return read_address(text, &a) && sink_session_becomes(s, &a.sa, a.length);
}
