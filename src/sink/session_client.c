/*
 * Whose session it is: as it was accepted, or on behalf of another, whom a header of the PROXY
 * protocol or XCLIENT tells.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <syslog.h>

#include "proxy.h"
#include "sink_impl.h"
#include "xtext.h"

struct arrival {
    struct sockaddr_storage peer;
    socklen_t length;
    size_t n;
    char octets[PROXY_READ_MAX];
};

/* As 16 octets, IPv4 mapped (RFC 4291 section 2.5.5.2), zeroes for a local socket. */
static void address_octets(const struct sockaddr *peer, socklen_t length, uint8_t *out)
{
    memset(out, 0, 16);
    if (length > 0 && peer->sa_family == AF_INET6) {
        memcpy(out, &((const struct sockaddr_in6 *)(const void *)peer)->sin6_addr, 16);
    } else if (length > 0 && peer->sa_family == AF_INET) {
        memset(out + 10, 0xff, 2);
        memcpy(out + 12, &((const struct sockaddr_in *)(const void *)peer)->sin_addr, 4);
    }
}

static void show_peer(const struct sockaddr *peer, socklen_t length)
{
    char text[INET6_ADDRSTRLEN] = "";

    if (length > 0 && peer->sa_family == AF_INET)
        inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)peer)->sin_addr, text,
                  sizeof text);
    else if (length > 0 && peer->sa_family == AF_INET6)
        inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)peer)->sin6_addr, text,
                  sizeof text);
    diag_note("connect (%s %s)",
              !*text                       ? "AF_UNIX"
              : peer->sa_family == AF_INET ? "AF_INET"
                                           : "AF_INET6",
              *text ? text : "local");
}

static void meet(struct session *s, const struct sockaddr *peer, socklen_t length)
{
    struct worker *w = worker_of(s);
    uint8_t address[16];

    if (s->behaviour) {
        address_octets(peer, length, address);
        behaviour_connect(w->behaviour, s->behaviour, address, io_now(w->io));
    }
    if (w->config->logged >> SERVER_CONNECT & 1)
        syslog(LOG_INFO, "connect ");
    if (w->config->verbose)
        show_peer(peer, length);
}

bool sink_client_begin(struct session *s, const struct sockaddr *peer, socklen_t length)
{
    struct worker *w = worker_of(s);

    if (w->capture)
        s->capture = capture_connect(w->capture, peer, length);
    if (w->behaviour)
        s->behaviour = calloc(1, sizeof *s->behaviour);
    if ((w->capture && !s->capture) || (w->behaviour && !s->behaviour))
        return false;
    meet(s, peer, length);
    return true;
}

/* Needs no memory: a session can't be left without what it is recorded or judged by. */
static void become(struct session *s, const struct address *a)
{
    if (s->capture)
        capture_become(s->capture, &a->sa, a->length);
    if (s->behaviour) {
        behaviour_disconnect(worker_of(s)->behaviour, s->behaviour);
        *s->behaviour = (struct behaviour_session){0};
    }
    meet(s, &a->sa, a->length);
}

void sink_client_end(struct session *s)
{
    capture_disconnect(s->capture);
    s->capture = NULL;
    if (!s->behaviour)
        return;
    behaviour_disconnect(worker_of(s)->behaviour, s->behaviour);
    free(s->behaviour);
    s->behaviour = NULL;
}

bool sink_client_await(struct session *s, const struct sockaddr *peer, socklen_t length)
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

void sink_client_header(struct io_conn *c, const char *octets, size_t n)
{
    struct session *s = session_of_conn(c);
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
    struct session *s = session_of_server(sv);
    char text[80];
    struct address a;

    if (!slice_is(name, "ADDR") || slice_is(value, "[UNAVAILABLE]") ||
        slice_is(value, "[TEMPUNAVAIL]"))
        return true;
    if (value.n >= sizeof text)
        return false;
    text[xtext_read(value, text)] = '\0';
    if (!read_address(text, &a))
        return false;
    become(s, &a);
    return true;
}
