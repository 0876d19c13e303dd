/*
 * Addresses to connect from: lists of ranges, counted through.
 */
#include "bind.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "endpoint.h"
#include "num.h"
#include "slice.h"

/* Consecutive addresses, as numbers; only the low half counts up. */
struct bind_range {
    uint64_t high; /* 0 for IPv4 */
    uint64_t low;
    uint64_t count;
};

/* ---- Numbers and octets ---- */

static uint64_t number_of(const uint8_t *octets, size_t n)
{
    uint64_t v = 0;

    for (size_t i = 0; i < n; i++)
        v = v << 8 | octets[i];
    return v;
}

static void octets_of(uint64_t v, uint8_t *octets, size_t n)
{
    for (; n; v >>= 8)
        octets[--n] = (uint8_t)v;
}

/* The n lowest bits. */
static uint64_t low_bits(unsigned n)
{
    return n < 64 ? (UINT64_C(1) << n) - 1 : UINT64_MAX;
}

/* ---- Parsing ---- */

static int bad(struct diag *d, const char *option, const char *item, const char *why)
{
    return diag_set(d, -EINVAL,
                    "bad source address: %s: %s (%s takes ADDRESS[/LENGTH], several with commas "
                    "between them)",
                    *item ? item : "empty", why, option);
}

/* An address alone. Returns its family, or -EINVAL. */
static int parse_address(struct bind_range *r, const char *text)
{
    uint8_t octets[sizeof(struct in6_addr)];

    if (inet_pton(AF_INET, text, octets) == 1) {
        *r = (struct bind_range){.low = number_of(octets, 4), .count = 1};
        return AF_INET;
    }
    if (inet_pton(AF_INET6, text, octets) == 1) {
        *r = (struct bind_range){number_of(octets, 8), number_of(octets + 8, 8), 1};
        return AF_INET6;
    }
    return -EINVAL;
}

/* Widens an address to the prefix of that length; false when it does not begin one. */
static bool widen(struct bind_range *r, int family, unsigned length)
{
    unsigned host = (family == AF_INET ? 32 : 128) - length;

    if (r->low & low_bits(host) || (host > 64 && r->high & low_bits(host - 64)))
        return false;
    r->count = host < 62 ? UINT64_C(1) << host : BIND_COUNT_MAX;
    if (host < 2)
        return true;
    r->low++;
    r->count -= family == AF_INET ? 2 : 1;
    return true;
}

static int parse_item(struct bind_range *r, int *family, const char *option, char *item,
                      struct diag *d)
{
    char whole[INET6_ADDRSTRLEN + 8];
    char *slash = strchr(item, '/');
    uint64_t length;
    int f;

    (void)snprintf(whole, sizeof whole, "%s", item);
    if (slash)
        *slash = '\0';
    f = parse_address(r, item);
    if (f < 0)
        return bad(d, option, whole, "no IPv4 or IPv6 address");
    if (*family != AF_UNSPEC && f != *family)
        return bad(d, option, whole, "IPv4 and IPv6 do not go together");
    *family = f;
    if (r->high == 0 && r->low == 0 && !slash)
        return bad(d, option, whole, "leave the option out to let the system choose");
    if (!slash)
        return 0;
    if (num_count(slash + 1, &length) < 0 || length > (f == AF_INET ? 32 : 128))
        return bad(d, option, whole,
                   f == AF_INET ? "the length is 0 to 32" : "the length is 0 to 128");
    if (!widen(r, f, (unsigned)length))
        return bad(d, option, whole, "bits are set behind the prefix");
    return 0;
}

static bool overlaps(const struct bind_list *l, const struct bind_range *r)
{
    for (size_t i = 0; i < l->range_count; i++) {
        const struct bind_range *o = &l->ranges[i];

        if (o->high == r->high && r->low - o->low < o->count)
            return true;
        if (o->high == r->high && o->low - r->low < r->count)
            return true;
    }
    return false;
}

static int add_item(struct bind_list *l, const char *option, char *item, struct diag *d)
{
    struct bind_range r = {0};
    int rc = parse_item(&r, &l->family, option, item, d);

    if (rc < 0)
        return rc;
    if (overlaps(l, &r))
        return bad(d, option, item, "named twice");
    l->ranges[l->range_count++] = r;
    l->count = r.count < BIND_COUNT_MAX - l->count ? l->count + r.count : BIND_COUNT_MAX;
    return 0;
}

int bind_parse(struct bind_list *l, const char *option, const char *text, struct diag *d)
{
    struct bind_list list = {.family = AF_UNSPEC};
    char *copy = strdup(text);
    size_t items = 1;
    int rc = 0;

    for (const char *p = text; *p; p++)
        items += *p == ',';
    list.ranges = calloc(items, sizeof *list.ranges);
    if (!copy || !list.ranges)
        rc = diag_set(d, -ENOMEM, "out of memory");
    for (char *at = copy, *item; rc == 0 && (item = strsep(&at, ","));)
        rc = add_item(&list, option, item, d);
    free(copy);
    if (rc < 0)
        free(list.ranges);
    else
        *l = list;
    return rc;
}

void bind_done(struct bind_list *l)
{
    free(l->ranges);
    *l = (struct bind_list){0};
}

/* ---- What they are ---- */

static void address_of(const struct bind_list *l, const struct bind_range *r, uint64_t i,
                       struct address *out)
{
    *out = (struct address){0};
    if (l->family == AF_INET) {
        struct sockaddr_in in = {.sin_family = AF_INET};

        octets_of(r->low + i, (uint8_t *)&in.sin_addr, 4);
        out->length = sizeof in;
        memcpy(&out->storage, &in, sizeof in);
    } else {
        struct sockaddr_in6 in = {.sin6_family = AF_INET6};

        octets_of(r->high, in.sin6_addr.s6_addr, 8);
        octets_of(r->low + i, in.sin6_addr.s6_addr + 8, 8);
        out->length = sizeof in;
        memcpy(&out->storage, &in, sizeof in);
    }
}

void bind_address(const struct bind_list *l, uint64_t i, struct address *out)
{
    const struct bind_range *r = l->ranges;

    for (i %= l->count; i >= r->count; r++)
        i -= r->count;
    address_of(l, r, i, out);
}

int bind_check(const struct bind_list *l, struct diag *d)
{
    for (size_t i = 0; i < 2 * l->range_count; i++) {
        const struct bind_range *r = &l->ranges[i / 2];
        char text[INET6_ADDRSTRLEN];
        struct address a;

        address_of(l, r, i % 2 ? r->count - 1 : 0, &a);
        if (address_is_here(&a))
            continue;
        return diag_set(d, -EADDRNOTAVAIL,
                        "--bind: this machine does not have the address %s (ip address add "
                        "gives it one)",
                        address_host(&a, text, sizeof text));
    }
    return 0;
}
