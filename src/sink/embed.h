/*
 * A sink in a child process, for a load generator that brings its own target: forked before any
 * thread exists, so that CPU time and descriptors are told apart. It ends when told, or with its
 * parent.
 */
#ifndef SINK_EMBED_H
#define SINK_EMBED_H

#include <sys/types.h>

#include "endpoint.h"
#include "sink.h"

struct sink_embed {
    pid_t pid;   /* 0: there is none */
    int control; /* our end of the socket that ties the two together; -1: none */
    uint8_t digest[TLS_DIGEST_SIZE]; /* of its certificate, with TLS */
    struct address address;          /* where it listens, 127.0.0.1 and a free port */
};

/*
 * Starts one on a free loopback port, every extension announced, no limit on sessions but the
 * descriptors'. The config's server.lmtp, hostname, timeout, driver and buffer sizes are used, not
 * its address. It listens when this returns. 0, or -errno with diag set.
 */
int sink_embed_start(struct sink_embed *, const struct sink_config *, struct diag *);

/*
 * Stops and reaps it and collects its numbers (zeroes when it died). 0, or -errno with diag telling
 * how it died. Does nothing when there is none.
 */
int sink_embed_stop(struct sink_embed *, struct sink_numbers *, struct diag *);

#endif
