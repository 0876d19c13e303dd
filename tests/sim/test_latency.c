/*
 * Fixed times, no faults: every histogram and the length of the run are known exactly.
 */
#include <stdio.h>

#include "sim_run.h"
#include "test_sim.h"

#define R CASE_ROUND

struct expected {
    uint64_t count;
    uint64_t value; /* each of them; ns */
};

struct latency_case {
    const char *label;
    uint64_t messages;
    uint64_t rcpts;
    bool keep_connection, lmtp, pipelining, chunking;
    uint64_t wait;
    uint64_t window; /* 0: the default */
    uint64_t chunk_size;
    struct expected expected[PHASE_COUNT];
    uint64_t elapsed;
};

#define BEFORE (CASE_CONNECT + CASE_GREET + R) /* connect, greeting, hello */

static const struct latency_case cases[] = {
    {.label = "latency: lockstep, a connection a message",
     .messages = 3,
     .rcpts = 4,
     .expected = {[PHASE_CONNECT] = {3, CASE_CONNECT},
                  [PHASE_GREETING] = {3, CASE_GREET},
                  [PHASE_HELLO] = {3, R},
                  [PHASE_MAIL] = {3, R},
                  [PHASE_RCPT] = {12, R},
                  [PHASE_DATA] = {3, R},
                  [PHASE_END_OF_DATA] = {3, R},
                  [PHASE_QUIT] = {3, R},
                  [PHASE_TRANSACTION] = {3, 7 * R}},
     .elapsed = 3 * (BEFORE + 8 * R)},
    {.label = "latency: lockstep, one connection",
     .messages = 3,
     .rcpts = 1,
     .keep_connection = true,
     .expected = {[PHASE_CONNECT] = {1, CASE_CONNECT},
                  [PHASE_GREETING] = {1, CASE_GREET},
                  [PHASE_HELLO] = {1, R},
                  [PHASE_MAIL] = {3, R},
                  [PHASE_RCPT] = {3, R},
                  [PHASE_DATA] = {3, R},
                  [PHASE_END_OF_DATA] = {3, R},
                  [PHASE_QUIT] = {1, R},
                  [PHASE_TRANSACTION] = {3, 4 * R}},
     .elapsed = BEFORE + 13 * R},
    {.label = "latency: lockstep LMTP",
     .messages = 2,
     .rcpts = 3,
     .keep_connection = true,
     .lmtp = true,
     .expected = {[PHASE_CONNECT] = {1, CASE_CONNECT},
                  [PHASE_GREETING] = {1, CASE_GREET},
                  [PHASE_HELLO] = {1, R},
                  [PHASE_MAIL] = {2, R},
                  [PHASE_RCPT] = {6, R},
                  [PHASE_DATA] = {2, R},
                  [PHASE_END_OF_DATA] = {6, R},
                  [PHASE_QUIT] = {1, R},
                  [PHASE_TRANSACTION] = {2, 6 * R}},
     .elapsed = BEFORE + 13 * R},
    {.label = "latency: pauses are between messages only",
     .messages = 3,
     .rcpts = 1,
     .keep_connection = true,
     .wait = 10 * NS_PER_S,
     .expected = {[PHASE_CONNECT] = {1, CASE_CONNECT},
                  [PHASE_GREETING] = {1, CASE_GREET},
                  [PHASE_HELLO] = {1, R},
                  [PHASE_MAIL] = {3, R},
                  [PHASE_RCPT] = {3, R},
                  [PHASE_DATA] = {3, R},
                  [PHASE_END_OF_DATA] = {3, R},
                  [PHASE_QUIT] = {1, R},
                  [PHASE_TRANSACTION] = {3, 4 * R}},
     .elapsed = BEFORE + 13 * R + 20 * NS_PER_S},
    {.label = "latency: pauses before connecting anew",
     .messages = 2,
     .rcpts = 1,
     .wait = 10 * NS_PER_S,
     .expected = {[PHASE_CONNECT] = {2, CASE_CONNECT},
                  [PHASE_GREETING] = {2, CASE_GREET},
                  [PHASE_HELLO] = {2, R},
                  [PHASE_MAIL] = {2, R},
                  [PHASE_RCPT] = {2, R},
                  [PHASE_DATA] = {2, R},
                  [PHASE_END_OF_DATA] = {2, R},
                  [PHASE_QUIT] = {2, R},
                  [PHASE_TRANSACTION] = {2, 4 * R}},
     /* The pause begins with the reply to the dot, and QUIT falls into it. */
     .elapsed = 2 * (BEFORE + 5 * R) + 10 * NS_PER_S - R},
    {.label = "latency: pipelining, a connection a message",
     .messages = 2,
     .rcpts = 5,
     .pipelining = true,
     .expected = {[PHASE_CONNECT] = {2, CASE_CONNECT},
                  [PHASE_GREETING] = {2, CASE_GREET},
                  [PHASE_HELLO] = {2, R},
                  [PHASE_MAIL] = {2, R},
                  [PHASE_RCPT] = {10, R},
                  [PHASE_DATA] = {2, R},
                  [PHASE_END_OF_DATA] = {2, R},
                  [PHASE_QUIT] = {2, R},
                  [PHASE_TRANSACTION] = {2, 2 * R}},
     .elapsed = 2 * (BEFORE + 2 * R)},
    {.label = "latency: pipelining, one connection",
     .messages = 4,
     .rcpts = 2,
     .keep_connection = true,
     .pipelining = true,
     /* The next MAIL goes with the dot. */
     .expected = {[PHASE_CONNECT] = {1, CASE_CONNECT},
                  [PHASE_GREETING] = {1, CASE_GREET},
                  [PHASE_HELLO] = {1, R},
                  [PHASE_MAIL] = {4, R},
                  [PHASE_RCPT] = {8, R},
                  [PHASE_DATA] = {4, R},
                  [PHASE_END_OF_DATA] = {4, R},
                  [PHASE_QUIT] = {1, R},
                  [PHASE_TRANSACTION] = {4, 2 * R}},
     .elapsed = BEFORE + 5 * R},
    {.label = "latency: a window of 1 is lockstep",
     .messages = 1,
     .rcpts = 2,
     .pipelining = true,
     .window = 1,
     .expected = {[PHASE_CONNECT] = {1, CASE_CONNECT},
                  [PHASE_GREETING] = {1, CASE_GREET},
                  [PHASE_HELLO] = {1, R},
                  [PHASE_MAIL] = {1, R},
                  [PHASE_RCPT] = {2, R},
                  [PHASE_DATA] = {1, R},
                  [PHASE_END_OF_DATA] = {1, R},
                  [PHASE_QUIT] = {1, R},
                  [PHASE_TRANSACTION] = {1, 5 * R}},
     .elapsed = BEFORE + 6 * R},
    {.label = "latency: chunks in one write",
     .messages = 2,
     .rcpts = 3,
     .pipelining = true,
     .chunking = true,
     .expected = {[PHASE_CONNECT] = {2, CASE_CONNECT},
                  [PHASE_GREETING] = {2, CASE_GREET},
                  [PHASE_HELLO] = {2, R},
                  [PHASE_MAIL] = {2, R},
                  [PHASE_RCPT] = {6, R},
                  [PHASE_END_OF_DATA] = {2, R},
                  [PHASE_QUIT] = {2, R},
                  [PHASE_TRANSACTION] = {2, R}},
     .elapsed = 2 * (BEFORE + R)},
    {.label = "latency: chunks in lockstep",
     .messages = 1,
     .rcpts = 1,
     .chunking = true,
     .expected = {[PHASE_CONNECT] = {1, CASE_CONNECT},
                  [PHASE_GREETING] = {1, CASE_GREET},
                  [PHASE_HELLO] = {1, R},
                  [PHASE_MAIL] = {1, R},
                  [PHASE_RCPT] = {1, R},
                  [PHASE_END_OF_DATA] = {1, R},
                  [PHASE_QUIT] = {1, R},
                  [PHASE_TRANSACTION] = {1, 3 * R}},
     .elapsed = BEFORE + 4 * R},
};

static const char *check_hist(const struct hist *h, const struct expected *e)
{
    struct hist_slot slot;
    uint32_t at = 0;

    if (h->count != e->count)
        return "a histogram has another count than expected";
    if (e->count == 0)
        return NULL;
    if (h->min != e->value || h->max != e->value || h->sum != (hist_sum)e->count * e->value)
        return "a latency is not exactly as expected";
    if (!hist_next(h, &at, &slot) || slot.count != e->count || slot.index != hist_index(e->value))
        return "a latency counts in the wrong slot";
    return NULL;
}

static void play(const struct latency_case *c)
{
    struct plan p;
    struct result r;
    const char *amiss;

    case_init(&p, c->label);
    p.faultless = true;
    p.load.messages = c->messages;
    p.load.keep_connection = c->keep_connection;
    p.load.wait = c->wait;
    p.mail.rcpt_count = c->rcpts;
    p.client.lmtp = c->lmtp;
    p.client.want[EXT_PIPELINING] = c->pipelining ? EXT_MUST : EXT_NO;
    p.client.want[EXT_CHUNKING] = c->chunking ? EXT_MUST : EXT_NO;
    p.client.chunk_size = c->chunk_size;
    if (c->window)
        p.client.window = c->window;
    amiss = case_play(&p, &r);
    for (int i = 0; i < PHASE_COUNT && !amiss; i++)
        amiss = check_hist(&r.total->latency[i], &c->expected[i]);
    if (!amiss && r.elapsed != c->elapsed)
        amiss = "the run takes another time than expected";
    if (!amiss && r.total->counter[COUNTER_MESSAGES_ACCEPTED] != c->messages)
        amiss = "not all was accepted";
    test_result(c->label, amiss);
    if (amiss)
        result_print(&p, &r);
    result_done(&r);
}

void test_latency(void)
{
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        play(&cases[i]);
}
