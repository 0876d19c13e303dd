/*
 * Where to connect to or listen on, as users write it: [inet:]host[:port], [inet:][host]:port,
 * [v6]:port, unix:path. Parsing, name resolution, and making listening sockets. May block (names);
 * called before the workers start.
 */
#ifndef IO_ENDPOINT_H
#define IO_ENDPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "diag.h"

struct address {
    socklen_t length;
    union {
        struct sockaddr sa;
        struct sockaddr_un un;
        struct sockaddr_storage storage;
    };
};

struct endpoint {
    struct address *addresses; /* in the order to be tried; at least one */
    size_t count;
};

/*
 * Resolves the address of a server. family is AF_UNSPEC, AF_INET or AF_INET6, default port smtp
 * (25), or that of the second one. "host", "host:", "host:smtp", "host:25", "inet:host:25",
 * "[host]:25", "[::1]:25", "::1:25", "unix:/path". Returns 0 (endpoint_done() frees), or -errno
 * with diag set to a line that names the text and the fault, and nothing to free.
 */
int endpoint_resolve(struct endpoint *, const char *text, int family, struct diag *);
int endpoint_resolve_port(struct endpoint *, const char *text, int family, uint16_t port,
                          struct diag *);

/* The host in such a text, into out, without brackets; NULL when there is none (unix:). */
const char *endpoint_host(const char *text, char *out, size_t size);

/*
 * Resolves what to listen on: "[inet:]host:port", ":port", "port", "[v4]:port", "[v6]:port",
 * "[ipv6:v6]:port", "unix:/path". A wildcard with AF_UNSPEC gives IPv6 and IPv4. Addresses that
 * this machine does not have (no IPv6, say) are left out, unless none would remain. Port 0 is any
 * free port: a caller with several addresses listens on the first, asks address_bound(), and gives
 * its port to the others.
 */
int endpoint_resolve_listener(struct endpoint *, const char *text, int family, struct diag *);

void endpoint_done(struct endpoint *);

/*
 * A bound, listening, non-blocking, close-on-exec socket for one address, or -errno with diag set.
 * TCP: SO_REUSEADDR (lingering sessions don't keep the port), IPV6_V6ONLY. UNIX: mode 0666; an old
 * socket that nobody listens on is replaced, any other file and a live one are errors.
 */
int address_listen(const struct address *, int backlog, struct diag *);

/* Whether this machine has the address, as far as another port can tell. */
bool address_is_here(const struct address *);

/* Whether this machine has some address to go there from. Sends nothing. */
bool address_has_source(const struct address *);

/* Can nobody but this machine be at it: is it a loopback or UNIX address? */
bool address_is_local(const struct address *);

/* The address that a socket is bound to: tells what became of port 0. 0 or -errno. */
int address_bound(int fd, struct address *);

/* The TCP port in host order, 0 for a UNIX address; and setting it, which leaves that one alone. */
uint16_t address_port(const struct address *);
void address_set_port(struct address *, uint16_t port);

/* "127.0.0.1", "::1" into out, cut when longer; returns out. Not of a UNIX address. */
char *address_host(const struct address *, char *out, size_t size);

/* "127.0.0.1:25", "[::1]:25", "unix:/path" into out, cut when longer; returns out. */
char *address_text(const struct address *, char *out, size_t size);

#endif
