/*
 * Any octets as a profile: the parser must take or refuse them within bounds, and what it takes
 * must play.
 */
#include <stdlib.h>

#include "behaviour.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void play(const struct profile *p)
{
    struct behaviour *b = behaviour_new(p);
    struct behaviour_session s = {0};
    uint8_t address[16] = {[15] = 1};
    struct rng rng = {1};

    behaviour_connect(b, &s, address, 0);
    for (unsigned i = 0; i < 4 * SERVER_UNKNOWN; i++) {
        struct server_act act = {0};
        struct behaviour_step step = {.verb = (enum server_verb)(i % SERVER_UNKNOWN),
                                      .args = SLICE("TO:<a@b.example>"),
                                      .mail = i % 3 != 0,
                                      .octets = i,
                                      .recipients = i % 5,
                                      .lmtp = i % 2,
                                      .now = i * UINT64_C(400000000)};

        behaviour_judge(b, &s, &step, &rng, &act);
        if (act.reply.n > SERVER_REPLY_MAX || (act.reply.n > 0 && act.reply.n < 5))
            abort();
        if (behaviour_verdict(b, &s, i % 7).n > SERVER_REPLY_MAX)
            abort();
    }
    behaviour_disconnect(b, &s);
    behaviour_free(b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = malloc(size ? size : 1); /* its end is the end of what may be read */
    struct profile p;
    struct diag d;

    if (size > 0)
        memcpy(copy, data, size);
    if (profile_parse(&p, (struct slice){copy, size}, "profile", &d) == 0) {
        if (p.memory > 4096)
            p.memory = 4096;
        play(&p);
        profile_done(&p);
    }
    free(copy);
    return 0;
}
