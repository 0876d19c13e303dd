/*
 * Plays a transcript against the client machine, as an owner of it would, and compares.
 */
#ifndef WIRE_PLAY_H
#define WIRE_PLAY_H

#include <stdint.h>

#include "script.h"

/* X(NAME, name, how octets come and go) */
#define PLAY_LIST(X)                                                                               \
    X(WHOLE, "whole", "server octets as they stand together, sends retired at once")               \
    X(BYTES, "bytes", "server octets one by one")                                                  \
    X(RANDOM, "random", "server octets split at random, content in random parts")                  \
    X(LATE, "late", "random, and sends retired late and in pieces; smallest arena and iov")        \
    X(CUT, "cut", "a random session ends at a random octet; then the client plays it again, late")

enum play_mode {
#define X(id, name, what) PLAY_##id,
    PLAY_LIST(X)
#undef X
        PLAY_MODE_COUNT
};

const char *play_mode_name(enum play_mode);

/* 0, or -1 with what is wrong added to why. */
int play(const struct script *, enum play_mode, uint64_t seed, struct buffer *why);

#endif
