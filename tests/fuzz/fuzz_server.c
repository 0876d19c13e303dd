/*
 * Any octets to the server machine, in any pieces: it must neither stop short nor read beyond, and
 * its replies must not depend on the pieces. The first octet chooses the options, the second the
 * pieces.
 */
#include <stdlib.h>
#include <string.h>

#include "rng.h"
#include "server.h"
#include "server_plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct replies {
    char *p;
    size_t n;
};

static void add(struct replies *r, const struct server_out *out)
{
    struct slice s = server_replies(out);

    r->p = realloc(r->p, r->n + s.n + 1);
    memcpy(r->p + r->n, s.p ? s.p : "", s.n);
    r->n += s.n;
}

static struct rng chances; /* of the session at hand */

/* Any act there is, a rare one each, in an order that the pieces have no part in. */
static void judge(struct server *sv, enum server_verb verb, struct slice args,
                  struct server_act *act)
{
    uint64_t r = rng_next(&chances);

    (void)sv;
    (void)verb;
    (void)args;
    *act = (struct server_act){.delay = r >> 1 & 1, .stall = r >> 2 & 1, .pieces = r >> 8 & 7};
    act->piece = (r >> 4 & 3) == 0 ? 1 + (r >> 16 & 7) : 0;
    act->hold = (r >> 46 & 3) == 0;
    act->hold_at = 1 + (r >> 48 & 31);
    act->instead = (r >> 3 & 15) == 0;
    if (act->instead && (r >> 24 & 3))
        act->reply = r >> 26 & 1 ? SLICE("450 4.0.0 no\r\n") : SLICE("250 yes\r\n");
    if ((r >> 32 & 31) == 0)
        act->last = SLICE("550 last\r\n");
    if ((r >> 40 & 31) == 0)
        act->end = r >> 45 & 1 ? SERVER_END_FAULT : SERVER_END_RESET;
}

static struct slice verdict(const struct server *sv, uint32_t recipient)
{
    (void)sv;
    return recipient % 3 ? SLICE("452 full\r\n") : (struct slice){NULL, 0};
}

/* Each piece in memory of its own, so that a sanitizer sees what is read beyond it. */
static struct replies talk(const struct server_config *cf, bool faults, struct slice in,
                           size_t most)
{
    struct server_context context = {.config = cf};
    struct server server;
    struct replies all = {0};
    struct rng rng = {most};
    char buffer[SERVER_OUT_MIN];

    if (faults)
        context.judge = judge, context.verdict = verdict;
    chances.state = 5;
    server_init(&server, &context);
    while (in.n > 0) {
        size_t n = most ? 1 + (size_t)rng_below(&rng, most) : in.n;
        char *copy = malloc(n = n < in.n ? n : in.n);
        struct slice piece = {memcpy(copy, in.p, n), n};

        do {
            struct server_out out = {.buffer = buffer, .size = sizeof buffer};
            size_t taken = server_recv(&server, piece, &out);

            if (taken > piece.n || (taken == 0 && piece.n > 0 && server_replies(&out).n == 0 &&
                                    !server_waits(&server)))
                abort();
            add(&all, &out);
            while (server_waits(&server)) {
                out = (struct server_out){.buffer = buffer, .size = sizeof buffer};
                server_resume(&server, &out);
                add(&all, &out);
            }
            piece = slice_from(piece, taken);
        } while (piece.n > 0 || server_owes(&server));
        free(copy);
        in = slice_from(in, n);
    }
    server_done(&server);
    return all;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct server_config cf = {.hostname = "sink"};
    struct replies whole, split;
    struct diag d;

    if (size < 2)
        return 0;
    cf.lmtp = data[0] & 1;
    cf.lenient_lf = data[0] & 4;
    cf.strict = data[0] & 16;
    (void)server_announce(
        &cf,
        data[0] & 2 ? "CHUNKING,SIZE=20,8BITMIME,SMTPUTF8,DSN,LIMITS=MAILMAX=3+RCPTMAX=2,XCLIENT"
                    : "",
        &d);
    (void)server_config_freeze(&cf, &d);
    whole = talk(&cf, data[0] & 8, (struct slice){(const char *)data + 2, size - 2}, 0);
    split = talk(&cf, data[0] & 8, (struct slice){(const char *)data + 2, size - 2}, 1 + data[1]);
    if (whole.n != split.n || (whole.n > 0 && memcmp(whole.p, split.p, whole.n) != 0))
        abort();
    free(whole.p);
    free(split.p);
    server_config_done(&cf);
    return 0;
}
