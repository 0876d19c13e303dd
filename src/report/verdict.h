/*
 * What held the run back: the server, the generator, the number of sessions, or nothing.
 */
#ifndef REPORT_VERDICT_H
#define REPORT_VERDICT_H

#include "run.h"

#define VERDICT_LIST(X)                                                                            \
    X(NONE, "none")                                                                                \
    X(SERVER, "server")                                                                            \
    X(GENERATOR, "generator")                                                                      \
    X(SESSIONS, "sessions")                                                                        \
    X(UNKNOWN, "unknown")

enum bottleneck {
#define X(id, name) BOTTLENECK_##id,
    VERDICT_LIST(X)
#undef X
};

#define VERDICT_SIZE 200

struct verdict {
    enum bottleneck bottleneck;
    char why[VERDICT_SIZE]; /* one sentence without a full stop */
};

const char *bottleneck_name(enum bottleneck);

/* From a run with its model. */
struct verdict verdict_of(const struct run *);

#endif
