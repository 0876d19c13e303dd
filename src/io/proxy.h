/*
 * The header of the PROXY protocol, versions 1 and 2 (HAProxy, proxy-protocol.txt): by it a proxy
 * tells, in front of all else on a connection, whose connection it passes on.
 */
#ifndef IO_PROXY_H
#define IO_PROXY_H

#include <stddef.h>

#include "endpoint.h"

enum proxy_version { PROXY_NONE, PROXY_V1, PROXY_V2 };

/* The longest header that proxy_write() makes, octets. */
#define PROXY_WRITE_MAX 108

/* The longest that proxy_read() takes. What version 2 may add to the addresses is skipped. */
#define PROXY_READ_MAX 2048

/*
 * Writes a header; returns its length. Of two families both become IPv6, IPv4 mapped (RFC 4291
 * section 2.5.5.2); a target that is no TCP address is told as the unspecified one. NULL for source
 * says that it is not known.
 */
size_t proxy_write(enum proxy_version, const struct address *source, const struct address *target,
                   char out[PROXY_WRITE_MAX]);

/*
 * Reads a header of either version from the beginning of n octets. Returns its length, with the
 * client's address in source, of length 0 when the header says that it is the connection's own or
 * none of TCP. 0: more octets are needed. -EPROTO: there is none.
 */
int proxy_read(const char *octets, size_t n, struct address *source);

#endif
