/*
 * Printable names of phases and outcomes.
 */
#include "vocabulary.h"

static const char *const names[][3] = {
#define X(id, name, refused, doing, seconds) {name, refused, doing},
    PHASE_LIST(X)
#undef X
};

static const unsigned seconds_of[] = {
#define X(id, name, refused, doing, seconds) seconds,
    PHASE_LIST(X)
#undef X
};

static const char *const outcomes[] = {
#define X(id, name) name,
    OUTCOME_LIST(X)
#undef X
};

const char *phase_name(enum phase p)
{
    return names[p][0];
}

const char *phase_refused(enum phase p)
{
    return names[p][1];
}

const char *phase_doing(enum phase p)
{
    return names[p][2];
}

unsigned phase_seconds(enum phase p)
{
    return seconds_of[p];
}

const char *outcome_name(enum outcome o)
{
    return outcomes[o];
}
