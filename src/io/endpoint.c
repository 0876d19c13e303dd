/*
 * The texts that name a server or a place to listen, and the addresses and sockets behind them.
 *
 * A colon both separates the port and occurs in IPv6 addresses. As with Postfix the last one
 * separates, so "::1:25" is port 25 of ::1; where that leaves no valid host or no port
 * ("fe80::1:ab"), the whole text is one.
 */
#include "endpoint.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "slice.h"

enum { PORT_MAX = 65535 };

/* What a text says, before names are looked up. */
struct place {
    char host[NI_MAXHOST]; /* "" for none */
    char port[NI_MAXSERV]; /* "" for none */
};

/* Services that must work without an /etc/services (netbase is missing in small containers). */
static const struct {
    const char *name;
    uint16_t port;
} known_services[] = {{"lmtp", 24}, {"smtp", 25}, {"smtps", 465}, {"submission", 587}};

/* ---- UNIX-domain ---- */

static int one_address(struct endpoint *e, const struct address *a, struct diag *d)
{
    struct address *copy = malloc(sizeof *copy);

    if (!copy)
        return diag_set(d, -ENOMEM, "out of memory");
    *copy = *a;
    *e = (struct endpoint){copy, 1};
    return 0;
}

static int unix_place(struct endpoint *e, const char *path, struct diag *d)
{
    struct address a = {.un = {.sun_family = AF_UNIX}};
    size_t n = strlen(path);

    if (n == 0)
        return diag_set(d, -EINVAL, "unix: needs a path, as in unix:/run/smtp.sock");
    if (n >= sizeof a.un.sun_path)
        return diag_set(d, -ENAMETOOLONG, "unix-domain name too long: %s (at most %zu bytes)", path,
                        sizeof a.un.sun_path - 1);
    memcpy(a.un.sun_path, path, n);
    a.length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + 1);
    return one_address(e, &a, d);
}

/* ---- Taking a text apart ---- */

/* Whether the text is an IPv6 address, with or without a %zone. */
static bool is_ipv6(struct slice text)
{
    char copy[INET6_ADDRSTRLEN + IF_NAMESIZE + 1];
    const char *zone = memchr(text.p, '%', text.n);
    struct in6_addr a;
    size_t n = zone ? (size_t)(zone - text.p) : text.n;

    if (n >= sizeof copy || (zone && n + 1 == text.n))
        return false;
    memcpy(copy, text.p, n);
    copy[n] = '\0';
    return inet_pton(AF_INET6, copy, &a) == 1;
}

static bool all_digits(struct slice s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
    }
    return s.n > 0;
}

static int keep(char *out, size_t size, struct slice s, const char *what, const char *text,
                struct diag *d)
{
    if (s.n >= size)
        return diag_set(d, -EINVAL, "%s too long in %s", what, text);
    memcpy(out, s.p, s.n);
    out[s.n] = '\0';
    return 0;
}

/* "[host]", "[host]:port"; rest begins behind the opening bracket. */
static int split_brackets(const char *text, struct slice rest, struct slice *host,
                          struct slice *port, struct diag *d)
{
    static const char v6[] = "ipv6:"; /* as in an address literal, RFC 5321 section 4.1.3 */
    const char *end = memchr(rest.p, ']', rest.n);
    struct slice tail;

    if (!end)
        return diag_set(d, -EINVAL, "no closing ] in %s", text);
    *host = (struct slice){rest.p, (size_t)(end - rest.p)};
    tail = slice_from(rest, host->n + 1);
    if (tail.n && *tail.p != ':')
        return diag_set(d, -EINVAL, "only :port may follow the ] in %s", text);
    *port = tail.n ? slice_from(tail, 1) : tail;
    if (host->n >= sizeof v6 - 1 && strncasecmp(host->p, v6, sizeof v6 - 1) == 0) {
        *host = slice_from(*host, sizeof v6 - 1);
        if (!is_ipv6(*host))
            return diag_set(d, -EINVAL, "bad IPv6 address in %s", text);
    }
    if (host->n == 0)
        return diag_set(d, -EINVAL, "nothing between the brackets of %s", text);
    if (memchr(host->p, ':', host->n) && !is_ipv6(*host))
        return diag_set(d, -EINVAL, "bad IPv6 address in %s", text);
    return 0;
}

/* "host", "host:port", and IPv6 without brackets. */
static int split_plain(const char *text, struct slice all, struct slice *host, struct slice *port,
                       struct diag *d)
{
    const char *colon = memrchr(all.p, ':', all.n);

    *host = all;
    *port = (struct slice){all.p + all.n, 0};
    if (!colon)
        return 0;
    host->n = (size_t)(colon - all.p);
    *port = slice_from(all, host->n + 1);
    if (!memchr(host->p, ':', host->n))
        return 0;
    if (is_ipv6(all) && (!is_ipv6(*host) || (port->n && !all_digits(*port)))) {
        *host = all;
        port->n = 0;
        return 0;
    }
    if (is_ipv6(*host))
        return 0;
    return diag_set(d, -EINVAL, "bad address %s: host:port or [ipv6]:port is wanted", text);
}

static int split(struct place *p, const char *text, bool listener, struct diag *d)
{
    struct slice all = slice_of(text);
    struct slice host = SLICE("");
    struct slice port = SLICE("");
    int r;

    if (strstr(text, "://"))
        return diag_set(d, -EINVAL,
                        "bad address %s: write host or host:port, without a scheme (for smtps:// "
                        "see --tls)",
                        text);
    if (strncmp(text, "inet:", 5) == 0)
        all = slice_from(all, 5);
    if (all.n && *all.p == '[')
        r = split_brackets(text, slice_from(all, 1), &host, &port, d);
    else
        r = split_plain(text, all, &host, &port, d);
    if (r)
        return r;
    if (listener && *all.p != '[' && host.n == all.n) {
        /* A lone word is a port; an IPv6 address without brackets falls through to an error. */
        if (is_ipv6(host))
            return diag_set(d, -EINVAL, "no port in %s: write [%s]:port", text, all.p);
        port = host;
        host.n = 0;
    }
    r = keep(p->host, sizeof p->host, host, "host name", text, d);
    if (!r)
        r = keep(p->port, sizeof p->port, port, "port", text, d);
    return r;
}

/* ---- Ports ---- */

static int number_of_port(const char *name, const char *text, uint16_t *out, struct diag *d)
{
    unsigned long n = 0;

    for (const char *p = name; *p; p++) {
        n = 10 * n + (unsigned long)(*p - '0');
        if (n > PORT_MAX)
            return diag_set(d, -ERANGE, "bad port %s in %s: at most %d", name, text, PORT_MAX);
    }
    *out = (uint16_t)n;
    return 0;
}

/* Not by getaddrinfo(), which takes " 25" and "-1" for numbers. */
static int service_port(const char *name, const char *text, uint16_t *out, struct diag *d)
{
    const struct servent *found;

    for (size_t i = 0; i < sizeof known_services / sizeof *known_services; i++) {
        if (strcmp(name, known_services[i].name) == 0) {
            *out = known_services[i].port;
            return 0;
        }
    }
    found = getservbyname(name, "tcp");
    if (!found)
        return diag_set(d, -EINVAL, "unknown port %s in %s: a number or a name of /etc/services",
                        name, text);
    *out = ntohs((uint16_t)found->s_port);
    return 0;
}

static int find_port(const char *name, const char *text, uint16_t *out, struct diag *d)
{
    if (all_digits(slice_of(name)))
        return number_of_port(name, text, out, d);
    return service_port(name, text, out, d);
}

/* ---- Addresses ---- */

static bool same(const struct address *a, const struct address *b)
{
    return a->length == b->length && memcmp(&a->storage, &b->storage, a->length) == 0;
}

static void add(struct endpoint *e, const struct addrinfo *info, uint16_t port)
{
    struct address a = {.length = info->ai_addrlen};

    memcpy(&a.storage, info->ai_addr, info->ai_addrlen);
    address_set_port(&a, port);
    for (size_t i = 0; i < e->count; i++) {
        if (same(&e->addresses[i], &a))
            return; /* a name may stand twice in /etc/hosts */
    }
    e->addresses[e->count++] = a;
}

static int copy_addresses(struct endpoint *e, const struct addrinfo *list, uint16_t port,
                          struct diag *d)
{
    size_t count = 0;

    for (const struct addrinfo *i = list; i; i = i->ai_next)
        count++;
    e->count = 0;
    e->addresses = calloc(count, sizeof *e->addresses);
    if (!e->addresses)
        return diag_set(d, -ENOMEM, "out of memory");
    for (const struct addrinfo *i = list; i; i = i->ai_next)
        add(e, i, port);
    return 0;
}

static const char *family_name(int family)
{
    return family == AF_INET ? "IPv4 address" : family == AF_INET6 ? "IPv6 address" : "address";
}

/* host NULL is the wildcard. No AI_ADDRCONFIG: it hides ::1 where only the loopback is up. */
static int look_up(struct endpoint *e, const char *host, uint16_t port, int family, struct diag *d)
{
    struct addrinfo hints = {.ai_family = family, .ai_socktype = SOCK_STREAM};
    const char *name = host ? host : "*";
    struct addrinfo *list = NULL;
    int code;
    int r;

    hints.ai_flags = host ? 0 : AI_PASSIVE;
    code = getaddrinfo(host, host ? NULL : "0", &hints, &list);
    /* The one name that needs no resolver (RFC 6761 section 6.3), should /etc/hosts be missing. */
    if (code && host && strcasecmp(host, "localhost") == 0)
        code = getaddrinfo(NULL, "0", &hints, &list);
    if (code == EAI_SYSTEM)
        return diag_set(d, -errno, "cannot look up %s: %s", name, strerror(errno));
    if (code == EAI_NONAME || code == EAI_ADDRFAMILY || code == EAI_NODATA)
        return diag_set(d, -EHOSTUNREACH, "no %s is known for %s", family_name(family), name);
    if (code)
        return diag_set(d, -EHOSTUNREACH, "cannot look up %s: %s", name, gai_strerror(code));
    r = copy_addresses(e, list, port, d);
    freeaddrinfo(list);
    return r;
}

const char *endpoint_host(const char *text, char *out, size_t size)
{
    struct place p;
    struct diag unused;

    if (strncmp(text, "unix:", 5) == 0 || split(&p, text, false, &unused) < 0 || !*p.host)
        return NULL;
    (void)snprintf(out, size, "%s", p.host);
    return out;
}

int endpoint_resolve(struct endpoint *e, const char *text, int family, struct diag *d)
{
    return endpoint_resolve_port(e, text, family, 25, d);
}

int endpoint_resolve_port(struct endpoint *e, const char *text, int family, uint16_t port,
                          struct diag *d)
{
    struct place p;
    struct endpoint found;
    int r;

    if (strncmp(text, "unix:", 5) == 0)
        return unix_place(e, text + 5, d);
    r = split(&p, text, false, d);
    if (r)
        return r;
    if (!*p.host)
        return diag_set(d, -EINVAL, "no host in \"%s\": write host, host:port or unix:path", text);
    if (*p.port) {
        r = find_port(p.port, text, &port, d);
        if (r)
            return r;
        if (port == 0)
            return diag_set(d, -EINVAL, "bad port 0 in %s: 1 to %d", text, PORT_MAX);
    }
    r = look_up(&found, p.host, port, family, d);
    if (r == 0)
        *e = found;
    return r;
}

bool address_is_local(const struct address *a)
{
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)&a->storage;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)&a->storage;

    if (a->sa.sa_family == AF_INET)
        return ntohl(v4->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    if (a->sa.sa_family == AF_INET6)
        return IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
    return a->sa.sa_family == AF_UNIX;
}

/* ---- Listening ---- */

/*
 * That of a multicast group, or of all hosts: a socket may be bound to it, and connects from
 * another.
 */
static bool address_is_shared(const struct address *a)
{
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)&a->storage;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)&a->storage;

    if (a->sa.sa_family == AF_INET)
        return IN_MULTICAST(ntohl(v4->sin_addr.s_addr)) ||
               v4->sin_addr.s_addr == htonl(INADDR_BROADCAST);
    return a->sa.sa_family == AF_INET6 && IN6_IS_ADDR_MULTICAST(&v6->sin6_addr);
}

bool address_is_here(const struct address *a)
{
    struct address any_port = *a;
    int fd;
    bool here = true;

    if (address_is_shared(a))
        return false;
    fd = socket(a->sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    address_set_port(&any_port, 0);
    if (fd < 0)
        return errno != EAFNOSUPPORT;
    if (bind(fd, &any_port.sa, any_port.length) < 0)
        here = errno != EADDRNOTAVAIL;
    (void)close(fd);
    return here;
}

bool address_has_source(const struct address *a)
{
    int fd = socket(a->sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool has = true;

    if (fd < 0)
        return errno != EAFNOSUPPORT;
    if (connect(fd, &a->sa, a->length) < 0)
        has = errno != EADDRNOTAVAIL;
    (void)close(fd);
    return has;
}

static void drop_absent(struct endpoint *e)
{
    size_t kept = 0;

    for (size_t i = 0; i < e->count; i++) {
        if (address_is_here(&e->addresses[i])) {
            struct address a = e->addresses[i];

            e->addresses[i] = e->addresses[kept];
            e->addresses[kept++] = a;
        }
    }
    if (kept)
        e->count = kept;
}

int endpoint_resolve_listener(struct endpoint *e, const char *text, int family, struct diag *d)
{
    struct place p;
    struct endpoint found;
    uint16_t port;
    int r;

    if (strncmp(text, "unix:", 5) == 0)
        return unix_place(e, text + 5, d);
    r = split(&p, text, true, d);
    if (r)
        return r;
    if (!*p.port)
        return diag_set(d, -EINVAL, "no port in \"%s\": write port, host:port or unix:path", text);
    r = find_port(p.port, text, &port, d);
    if (r)
        return r;
    r = look_up(&found, *p.host ? p.host : NULL, port, family, d);
    if (r)
        return r;
    if (found.count > 1)
        drop_absent(&found);
    *e = found;
    return 0;
}

void endpoint_done(struct endpoint *e)
{
    free(e->addresses);
    *e = (struct endpoint){0};
}

static int bind_tcp(int fd, const struct address *a)
{
    int on = 1;

    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0)
        return -errno;
    if (a->sa.sa_family == AF_INET6 &&
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) < 0)
        return -errno;
    return bind(fd, &a->sa, a->length) < 0 ? -errno : 0;
}

/* Whether a socket file is left over from a process that has ended. */
static bool is_stale(const struct address *a)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    bool refused;

    if (fd < 0)
        return false;
    refused = connect(fd, &a->sa, a->length) < 0 && errno == ECONNREFUSED;
    (void)close(fd);
    return refused;
}

static int bind_unix(int fd, const struct address *a, struct diag *d)
{
    const char *path = a->un.sun_path;
    struct stat st;

    if (bind(fd, &a->sa, a->length) < 0) {
        if (errno != EADDRINUSE || lstat(path, &st) < 0)
            return diag_set(d, -errno, "cannot listen on unix:%s: %s", path, strerror(errno));
        if (!S_ISSOCK(st.st_mode))
            return diag_set(d, -EEXIST,
                            "cannot listen on unix:%s: a file that is no socket is there", path);
        if (!is_stale(a))
            return diag_set(d, -EADDRINUSE, "cannot listen on unix:%s: another program does", path);
        if (unlink(path) < 0 || bind(fd, &a->sa, a->length) < 0)
            return diag_set(d, -errno, "cannot replace unix:%s: %s", path, strerror(errno));
    }
    if (chmod(path, 0666) < 0)
        return diag_set(d, -errno, "cannot set the mode of unix:%s: %s", path, strerror(errno));
    return 0;
}

int address_listen(const struct address *a, int backlog, struct diag *d)
{
    char text[sizeof a->un.sun_path + 16];
    int fd = socket(a->sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int r;

    (void)address_text(a, text, sizeof text);
    if (fd < 0)
        return diag_set(d, -errno, "cannot listen on %s: %s", text, strerror(errno));
    if (a->sa.sa_family == AF_UNIX) {
        r = bind_unix(fd, a, d);
    } else {
        r = bind_tcp(fd, a);
        if (r)
            (void)diag_set(d, r, "cannot listen on %s: %s", text, strerror(-r));
    }
    if (r == 0 && listen(fd, backlog) < 0)
        r = diag_set(d, -errno, "cannot listen on %s: %s", text, strerror(errno));
    if (r == 0)
        return fd;
    (void)close(fd);
    return r;
}

/* ---- What an address is ---- */

int address_bound(int fd, struct address *out)
{
    struct address a = {.length = sizeof a.storage};

    if (getsockname(fd, &a.sa, &a.length) < 0)
        return -errno;
    *out = a;
    return 0;
}

static in_port_t *port_of(struct address *a)
{
    switch (a->sa.sa_family) {
    case AF_INET:
        return &((struct sockaddr_in *)&a->storage)->sin_port;
    case AF_INET6:
        return &((struct sockaddr_in6 *)&a->storage)->sin6_port;
    default:
        return NULL;
    }
}

uint16_t address_port(const struct address *a)
{
    struct address copy = *a;
    const in_port_t *port = port_of(&copy);

    return port ? ntohs(*port) : 0;
}

void address_set_port(struct address *a, uint16_t port)
{
    in_port_t *p = port_of(a);

    if (p)
        *p = htons(port);
}

char *address_host(const struct address *a, char *out, size_t size)
{
    if (getnameinfo(&a->sa, a->length, out, (socklen_t)size, NULL, 0, NI_NUMERICHOST) != 0)
        (void)snprintf(out, size, "?");
    return out;
}

char *address_text(const struct address *a, char *out, size_t size)
{
    char host[NI_MAXHOST];

    if (a->sa.sa_family == AF_UNIX)
        (void)snprintf(out, size, "unix:%.*s", (int)sizeof a->un.sun_path, a->un.sun_path);
    else
        (void)snprintf(out, size, a->sa.sa_family == AF_INET6 ? "[%s]:%u" : "%s:%u",
                       address_host(a, host, sizeof host), (unsigned)address_port(a));
    return out;
}
