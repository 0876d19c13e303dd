/*
 * The addresses that connections come from (--bind), or are said to (--proxy-source): single ones
 * and whole prefixes, of one family. A prefix costs no more memory than an address, however many it
 * has.
 */
#ifndef IO_BIND_H
#define IO_BIND_H

#include <stddef.h>
#include <stdint.h>

#include "diag.h"

struct address;
struct bind_range;

struct bind_list {
    struct bind_range *ranges;
    size_t range_count;
    uint64_t count; /* addresses in all, at most BIND_COUNT_MAX; 0: the system chooses */
    int family;     /* AF_INET, AF_INET6 */
};

#define BIND_COUNT_MAX (UINT64_C(1) << 62)

/*
 * "ADDR[/LENGTH][,ADDR[/LENGTH]...]". Of a prefix of more than two addresses the first (the network
 * itself, RFC 950 and RFC 4291 section 2.6.1) and in IPv4 the last (broadcast) are left out.
 * option is whose argument it is. Returns 0 (bind_done() frees), or -errno with diag set and
 * nothing to free.
 */
int bind_parse(struct bind_list *, const char *option, const char *text, struct diag *);
void bind_done(struct bind_list *);

/* Address number i (modulo their count) with port 0. */
void bind_address(const struct bind_list *, uint64_t i, struct address *);

/*
 * Whether this machine has them, as far as the first and the last of each prefix tell. 0, or
 * -EADDRNOTAVAIL with diag naming one that it does not have.
 */
int bind_check(const struct bind_list *, struct diag *);

#endif
