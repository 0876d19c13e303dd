/*
 * The PROXY protocol's header. Source: HAProxy, doc/proxy-protocol.txt, sections 2.1 and 2.2.
 */
#include "proxy.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "decimal.h"

static const char signature[12] = "\r\n\r\n\0\r\nQUIT\n";

/* Version 2: version and command, family and transport, octets of addresses. */
#define V2_FIXED 16
#define V2_LOCAL 0x20
#define V2_PROXY 0x21
#define V2_TCP4  0x11
#define V2_TCP6  0x21

/* Version 1: a line of at most this. */
#define V1_MAX 107

/* ---- Writing ---- */

/* Two ends of one family. */
struct ends {
    int family;
    unsigned char source[16], target[16];
    uint16_t source_port, target_port;
};

/* The address as IPv6, IPv4 mapped; of no TCP address the unspecified one. */
static void as_v6(const struct address *a, unsigned char out[16])
{
    memset(out, 0, 16);
    if (a->length && a->sa.sa_family == AF_INET6) {
        memcpy(out, &((const struct sockaddr_in6 *)(const void *)&a->storage)->sin6_addr, 16);
    } else if (a->length && a->sa.sa_family == AF_INET) {
        memset(out + 10, 0xff, 2);
        memcpy(out + 12, &((const struct sockaddr_in *)(const void *)&a->storage)->sin_addr, 4);
    }
}

static struct ends ends_of(const struct address *source, const struct address *target)
{
    bool tcp =
        target->length && (target->sa.sa_family == AF_INET || target->sa.sa_family == AF_INET6);
    bool v4 = source->sa.sa_family == AF_INET && (!tcp || target->sa.sa_family == AF_INET);
    struct ends e = {.family = v4 ? AF_INET : AF_INET6,
                     .source_port = address_port(source),
                     .target_port = tcp ? address_port(target) : 0};

    as_v6(source, e.source);
    if (tcp)
        as_v6(target, e.target);
    if (v4) {
        memmove(e.source, e.source + 12, 4);
        memmove(e.target, e.target + 12, 4);
    }
    return e;
}

static size_t write_v1(const struct ends *e, char *out)
{
    char source[INET6_ADDRSTRLEN], target[INET6_ADDRSTRLEN];

    (void)inet_ntop(e->family, e->source, source, sizeof source);
    (void)inet_ntop(e->family, e->target, target, sizeof target);
    return (size_t)snprintf(out, PROXY_WRITE_MAX, "PROXY TCP%c %s %s %u %u\r\n",
                            e->family == AF_INET ? '4' : '6', source, target, e->source_port,
                            e->target_port);
}

static char *put_number(char *at, unsigned value)
{
    *at++ = (char)(value >> 8);
    *at++ = (char)value;
    return at;
}

static size_t write_v2(const struct ends *e, char *out)
{
    size_t n = e->family == AF_INET ? 4 : 16;
    char *at = out + sizeof signature;

    memcpy(out, signature, sizeof signature);
    *at++ = V2_PROXY;
    *at++ = e->family == AF_INET ? V2_TCP4 : V2_TCP6;
    at = put_number(at, (unsigned)(2 * n + 4));
    memcpy(at, e->source, n);
    memcpy(at + n, e->target, n);
    at = put_number(at + 2 * n, e->source_port);
    return (size_t)(put_number(at, e->target_port) - out);
}

size_t proxy_write(enum proxy_version version, const struct address *source,
                   const struct address *target, char out[PROXY_WRITE_MAX])
{
    static const char unknown[] = "PROXY UNKNOWN\r\n";
    struct ends e;

    if (!source && version == PROXY_V1) {
        memcpy(out, unknown, sizeof unknown - 1);
        return sizeof unknown - 1;
    }
    if (!source) {
        memcpy(out, signature, sizeof signature);
        memcpy(out + sizeof signature, (const char[]){V2_LOCAL, 0, 0, 0}, 4);
        return V2_FIXED;
    }
    e = ends_of(source, target);
    return version == PROXY_V1 ? write_v1(&e, out) : write_v2(&e, out);
}

/* ---- Reading ---- */

static void set_address(struct address *a, int family, const void *octets, unsigned port)
{
    *a = (struct address){0};
    if (family == AF_INET) {
        struct sockaddr_in in = {.sin_family = AF_INET};

        memcpy(&in.sin_addr, octets, 4);
        memcpy(&a->storage, &in, sizeof in);
        a->length = sizeof in;
    } else {
        struct sockaddr_in6 in = {.sin6_family = AF_INET6};

        memcpy(&in.sin6_addr, octets, 16);
        memcpy(&a->storage, &in, sizeof in);
        a->length = sizeof in;
    }
    address_set_port(a, (uint16_t)port);
}

/* Takes a word and the blank behind it off the front; false when there is none. */
static bool next_word(struct slice *line, struct slice *word)
{
    const char *blank = memchr(line->p, ' ', line->n);

    *word = (struct slice){line->p, blank ? (size_t)(blank - line->p) : line->n};
    *line = slice_from(*line, word->n + (blank != NULL));
    return word->n > 0;
}

static bool read_host(struct slice word, int family, unsigned char out[16])
{
    char text[INET6_ADDRSTRLEN];

    if (word.n >= sizeof text)
        return false;
    memcpy(text, word.p, word.n);
    text[word.n] = '\0';
    return inet_pton(family, text, out) == 1;
}

/* "TCP4 192.0.2.1 198.51.100.1 56324 25" */
static bool read_line(struct slice line, struct address *source)
{
    struct slice kind, from, to, from_port, to_port;
    unsigned char octets[16], unused[16];
    uint64_t ports[2];
    int family;

    if (!next_word(&line, &kind))
        return false;
    if (slice_is(kind, "UNKNOWN"))
        return true;
    family = slice_is(kind, "TCP4") ? AF_INET : slice_is(kind, "TCP6") ? AF_INET6 : AF_UNSPEC;
    if (family == AF_UNSPEC || !next_word(&line, &from) || !next_word(&line, &to) ||
        !next_word(&line, &from_port) || !next_word(&line, &to_port) || line.n > 0)
        return false;
    if (!read_host(from, family, octets) || !read_host(to, family, unused) ||
        !decimal_parse(from_port, &ports[0]) || !decimal_parse(to_port, &ports[1]) ||
        ports[0] > UINT16_MAX || ports[1] > UINT16_MAX)
        return false;
    set_address(source, family, octets, (unsigned)ports[0]);
    return true;
}

static int read_v1(const char *octets, size_t n, struct address *source)
{
    const char *end = memchr(octets, '\n', n < V1_MAX ? n : V1_MAX);

    if (!end)
        return n < V1_MAX ? 0 : -EPROTO;
    if (end - octets < 7 || end[-1] != '\r' ||
        !read_line((struct slice){octets + 6, (size_t)(end - octets) - 7}, source))
        return -EPROTO;
    return (int)(end + 1 - octets);
}

static unsigned number(const unsigned char *p)
{
    return (unsigned)p[0] << 8 | p[1];
}

static int read_v2(const char *octets, size_t n, struct address *source)
{
    const unsigned char *p = (const unsigned char *)octets;
    const unsigned char *addresses = p + V2_FIXED;
    unsigned length, want;

    if (n > 12 && p[12] != V2_LOCAL && p[12] != V2_PROXY)
        return -EPROTO;
    if (n < V2_FIXED)
        return 0;
    length = number(p + 14);
    want = p[13] == V2_TCP4 ? 12 : p[13] == V2_TCP6 ? 36 : 0;
    if (V2_FIXED + length > PROXY_READ_MAX || (p[12] == V2_PROXY && length < want))
        return -EPROTO;
    if (n < V2_FIXED + length)
        return 0;
    /* Other families and transports are taken, and not used, as the protocol has it. */
    if (p[12] == V2_PROXY && want == 12)
        set_address(source, AF_INET, addresses, number(addresses + 8));
    else if (p[12] == V2_PROXY && want == 36)
        set_address(source, AF_INET6, addresses, number(addresses + 32));
    return (int)(V2_FIXED + length);
}

int proxy_read(const char *octets, size_t n, struct address *source)
{
    static const char word[] = "PROXY ";
    size_t first = n < sizeof word - 1 ? n : sizeof word - 1;
    size_t second = n < sizeof signature ? n : sizeof signature;

    source->length = 0;
    if (memcmp(octets, signature, second) == 0)
        return second < sizeof signature ? 0 : read_v2(octets, n, source);
    if (memcmp(octets, word, first) == 0)
        return first < sizeof word - 1 ? 0 : read_v1(octets, n, source);
    return -EPROTO;
}
