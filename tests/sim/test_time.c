/*
 * Waiting and stopping: timeouts to the nanosecond of the fake clock, a session that stands still
 * while the others go on, and the two ways of stopping a run.
 */
#include <stdio.h>
#include <string.h>

#include "rng.h"
#include "sim_run.h"
#include "test_sim.h"

#define TIMEOUT (300 * NS_PER_S)

static void show(const char *label, const char *amiss, const struct plan *p, struct result *r)
{
    test_result(label, amiss);
    if (amiss)
        result_print(p, r);
    result_done(r);
}

/* ---- Timeouts ---- */

static const struct {
    enum phase phase;
    uint64_t before; /* from the beginning until the command goes */
    const char *words;
    enum outcome outcome;
    uint64_t scaled; /* with 50 s for what is 5 minutes in the RFC */
} stalls[] = {
    {PHASE_GREETING, CASE_CONNECT, "timeout while reading server greeting", OUTCOME_FAILED,
     50 * NS_PER_S},
    {PHASE_HELLO, CASE_CONNECT + CASE_GREET, "timeout while sending HELO", OUTCOME_FAILED,
     50 * NS_PER_S},
    {PHASE_MAIL, CASE_CONNECT + CASE_GREET + CASE_ROUND, "timeout while sending sender",
     OUTCOME_FAILED, 50 * NS_PER_S},
    {PHASE_RCPT, CASE_CONNECT + CASE_GREET + 2 * CASE_ROUND, "timeout while sending recipient",
     OUTCOME_FAILED, 50 * NS_PER_S},
    {PHASE_DATA, CASE_CONNECT + CASE_GREET + 3 * CASE_ROUND, "timeout while sending DATA command",
     OUTCOME_FAILED, 20 * NS_PER_S},
    {PHASE_END_OF_DATA, CASE_CONNECT + CASE_GREET + 4 * CASE_ROUND, "timeout while sending message",
     OUTCOME_UNKNOWN, 100 * NS_PER_S},
};

static const char *check_timeout(const struct result *r, uint64_t elapsed, const char *words,
                                 enum outcome outcome)
{
    if (strcmp(r->failure, words) != 0)
        return "it ends with other words";
    if (r->elapsed != elapsed)
        return "the timeout is not exact";
    if (r->total->counter[COUNTER_TIMEOUTS] != 1)
        return "the timeout is not counted";
    if (r->total->counter[COUNTER_MESSAGES_ACCEPTED + (int)outcome] != 1)
        return "the message ends otherwise";
    return NULL;
}

/* scaled: by RFC 5321 section 4.5.3.2, else one limit for all. */
static void stall(size_t i, bool tolerant, bool scaled)
{
    struct plan p;
    struct result r;
    const char *amiss;
    char label[80];

    (void)snprintf(label, sizeof label, "%s%s%s", stalls[i].words, tolerant ? " -A" : "",
                   scaled ? " --timeout" : "");
    case_init(&p, label);
    if (scaled)
        client_timeout_scaled(&p.client, 50 * NS_PER_S);
    p.load.tolerant = p.client.tolerant = tolerant;
    p.script.fault = (struct script_fault){.act = SCRIPT_STALL, .phase = stalls[i].phase};
    amiss = case_play(&p, &r);
    if (!amiss)
        amiss = check_timeout(&r, stalls[i].before + (scaled ? stalls[i].scaled : TIMEOUT),
                              stalls[i].words, stalls[i].outcome);
    show(label, amiss, &p, &r);
}

/* The server takes no octet more of the content: the write makes no progress. */
static void stuck_write(bool scaled)
{
    const char *label =
        scaled ? "timeout: a write that is stuck --timeout" : "timeout: a write that is stuck";
    uint64_t limit = scaled ? 30 * NS_PER_S : TIMEOUT;
    struct plan p;
    struct result r;
    const char *amiss;

    case_init(&p, label);
    if (scaled)
        client_timeout_scaled(&p.client, 50 * NS_PER_S);
    p.mail.length = 50000;
    p.net.capacity = 1000;
    p.script.fault = (struct script_fault){SCRIPT_DEAF, PHASE_DATA, 0, "354 go"};
    amiss = case_play(&p, &r);
    if (!amiss)
        amiss = check_timeout(&r, CASE_CONNECT + CASE_GREET + 4 * CASE_ROUND + limit,
                              "timeout while sending message", OUTCOME_UNKNOWN);
    show(label, amiss, &p, &r);
}

/* The same with a slow reader, which takes some of it every two minutes: each is progress. */
static void slow_write(void)
{
    const char *label = "timeout: none while a write makes progress";
    struct plan p;
    struct result r;
    const char *amiss;

    case_init(&p, label);
    p.faultless = true;
    p.mail.length = 10000;
    p.net.capacity = 1000;
    p.net.latency = 120 * NS_PER_S;
    amiss = case_play(&p, &r);
    if (!amiss && r.elapsed < 10 * p.net.latency)
        amiss = "the write was not slow";
    show(label, amiss, &p, &r);
}

/* Some of the content is taken, and then no more: counted from the last progress. */
static void cut_write(uint64_t seed, bool pipelined)
{
    struct plan p;
    struct result r;
    const char *amiss;
    char label[80];

    (void)snprintf(label, sizeof label, "timeout: a write that stops in its middle%s, %llu",
                   pipelined ? " --pipelining" : "", (unsigned long long)seed);
    case_init(&p, label);
    p.net.seed = seed;
    p.mail.length = 200000;
    p.mail.rcpt_count = 20;
    p.client.want[EXT_PIPELINING] = pipelined ? EXT_MUST : EXT_NO;
    p.net.capacity = 1000;
    p.net.lost = 1000;
    p.net.cut_within = NS_PER_S;
    amiss = case_play(&p, &r);
    if (!amiss && r.total->counter[COUNTER_TIMEOUTS] != 1)
        amiss = "the timeout is not counted";
    if (!amiss && (r.elapsed < TIMEOUT || r.elapsed > TIMEOUT + 2 * NS_PER_S))
        amiss = "it comes at the wrong time";
    show(label, amiss, &p, &r);
}

/*
 * A pause that ends while the last write is still under way: the session waits for the write, it
 * does not turn on the spot.
 */
static void pause_in_write(void)
{
    const char *label = "a pause ends during a slow write";
    struct plan p;
    struct result r;
    const char *amiss;

    case_init(&p, label);
    p.faultless = true;
    p.load.messages = 6;
    p.load.keep_connection = true;
    p.load.wait = NS_PER_S;
    p.mail.length = 50000;
    p.net.capacity = 1000;
    p.net.latency = 100 * NS_PER_MS; /* 5 s for a message */
    p.client.want[EXT_PIPELINING] = EXT_MUST;
    amiss = case_play(&p, &r);
    show(label, amiss, &p, &r);
}

static void no_connect(uint64_t tries)
{
    struct plan p;
    struct result r;
    const char *amiss;
    char label[80];

    (void)snprintf(label, sizeof label, "timeout: connecting, %llu tries",
                   (unsigned long long)tries);
    case_init(&p, label);
    p.net.unanswered = 1000;
    p.load.connect_tries = tries;
    amiss = case_play(&p, &r);
    if (!amiss && (!r.failed || !strstr(r.failure, "Connection timed out")))
        amiss = "it ends with other words";
    if (!amiss && r.elapsed != tries * TIMEOUT)
        amiss = "the timeout is not exact";
    if (!amiss && r.total->counter[COUNTER_CONNECTIONS_FAILED] != tries)
        amiss = "another number of attempts";
    show(label, amiss, &p, &r);
}

/* ---- One for all ---- */

/*
 * Ten sessions, one of which stands still: the others send all the rest before the timeout ends the
 * run.
 */
static void standstill(enum phase phase, bool keep, bool pipelined)
{
    struct plan p;
    struct result r;
    const char *amiss;
    char label[100];

    (void)snprintf(label, sizeof label, "one session stands still at %s%s%s", phase_name(phase),
                   keep ? " -d" : "", pipelined ? " --pipelining" : "");
    case_init(&p, label);
    p.load.sessions = 10;
    p.load.messages = 500;
    p.load.keep_connection = keep;
    p.load.tolerant = p.client.tolerant = true;
    p.client.want[EXT_PIPELINING] = pipelined ? EXT_MUST : EXT_NO;
    p.script.fault = (struct script_fault){SCRIPT_STALL, phase, 4, NULL};
    amiss = case_play(&p, &r);
    if (!amiss && r.total->counter[COUNTER_TIMEOUTS] != 1)
        amiss = "no session stood still";
    /* With the one that stands still another may be on the same connection. */
    if (!amiss && r.total->counter[COUNTER_MESSAGES_ACCEPTED] < (pipelined ? 498 : 499))
        amiss = "it held up the others";
    if (!amiss && r.elapsed > TIMEOUT + 60 * NS_PER_S)
        amiss = "it took too long";
    show(label, amiss, &p, &r);
}

/* ---- Stopping ---- */

/* Of a faultless run, at any moment: how long may it go on? */
static void stopped(uint64_t seed, enum run_stop level)
{
    struct rng rng = {.state = seed};
    struct plan p;
    struct result r;
    const char *amiss;
    char label[80];
    bool pipelined = rng_below(&rng, 2) == 0;

    (void)snprintf(label, sizeof label, "%s at any moment, %llu",
                   level == RUN_FINISH ? "finish" : "abort", (unsigned long long)seed);
    case_init(&p, label);
    p.faultless = true;
    p.seed = p.net.seed = seed;
    p.load.sessions = 8;
    p.load.messages = 400;
    p.load.keep_connection = rng_below(&rng, 2) == 0;
    if (rng_below(&rng, 2))
        p.load.wait = 1000 * NS_PER_S;
    p.client.lmtp = rng_below(&rng, 3) == 0;
    p.client.want[EXT_PIPELINING] = pipelined ? EXT_MUST : EXT_NO;
    p.client.want[EXT_CHUNKING] = rng_below(&rng, 3) == 0 ? EXT_MUST : EXT_NO;
    p.stops[p.stop_count++] = (struct stop){.level = level, .at = rng_below(&rng, 3 * NS_PER_S)};
    amiss = case_play(&p, &r);
    if (!amiss && r.stopped == NS_NEVER)
        amiss = "it was over before";
    /* To finish, a session has a connect and a whole conversation before it, no pause. */
    if (!amiss && level == RUN_FINISH && r.elapsed - r.stopped > CASE_CONNECT + 7 * CASE_ROUND)
        amiss = "it goes on for too long";
    if (!amiss && level == RUN_ABORT && r.elapsed != r.stopped)
        amiss = "it does not end at once";
    show(label, amiss, &p, &r);
}

/* When the last message is taken, sessions that pause end at once, not with their pause. */
static void paused_end(uint64_t seed, bool keep)
{
    struct plan p;
    struct result r;
    const char *amiss;
    char label[80];

    (void)snprintf(label, sizeof label, "pausing sessions end with the last message%s, %llu",
                   keep ? " -d" : "", (unsigned long long)seed);
    case_init(&p, label);
    p.faultless = true;
    p.seed = seed;
    p.load.sessions = 3;
    p.load.messages = 5;
    p.load.random_wait = 1000 * NS_PER_S;
    p.load.keep_connection = keep;
    amiss = case_play(&p, &r);
    if (!amiss && r.elapsed - r.last_message > 3 * CASE_ROUND)
        amiss = "something goes on behind it";
    show(label, amiss, &p, &r);
}

/* First the one, then the other, while a server stands still: nothing waits for the timeout. */
static void twice_stopped(void)
{
    const char *label = "finish, then abort";
    struct plan p;
    struct result r;
    const char *amiss;

    case_init(&p, label);
    p.load.sessions = p.load.messages = 4;
    p.script.fault = (struct script_fault){SCRIPT_STALL, PHASE_END_OF_DATA, 0, NULL};
    p.stops[p.stop_count++] = (struct stop){.level = RUN_FINISH, .at = 5 * NS_PER_S};
    p.stops[p.stop_count++] = (struct stop){.level = RUN_ABORT, .at = 20 * NS_PER_S};
    amiss = case_play(&p, &r);
    if (!amiss && (r.failed || r.elapsed != 20 * NS_PER_S))
        amiss = "it does not end with the second";
    if (!amiss && r.total->counter[COUNTER_MESSAGES_UNKNOWN] != 4)
        amiss = "what was handed over is not unknown";
    show(label, amiss, &p, &r);
}

void test_time(void)
{
    for (size_t i = 0; i < sizeof stalls / sizeof stalls[0]; i++) {
        stall(i, false, false);
        stall(i, true, false);
        stall(i, false, true);
    }
    stuck_write(false);
    stuck_write(true);
    slow_write();
    for (uint64_t seed = 1; seed <= 10; seed++) {
        cut_write(seed, false);
        cut_write(seed, true);
    }
    pause_in_write();
    no_connect(1);
    no_connect(3);
    for (int phase = PHASE_GREETING; phase <= PHASE_QUIT; phase++) {
        if (phase == PHASE_RSET || phase == PHASE_STARTTLS || phase == PHASE_XCLIENT ||
            phase == PHASE_TLS || phase == PHASE_AUTH)
            continue;
        standstill((enum phase)phase, false, false);
        if (phase != PHASE_QUIT)
            standstill((enum phase)phase, true, false);
        standstill((enum phase)phase, true, true);
    }
    for (uint64_t seed = 1; seed <= 60; seed++) {
        stopped(seed, RUN_FINISH);
        stopped(seed, RUN_ABORT);
    }
    for (uint64_t seed = 1; seed <= 10; seed++) {
        paused_end(seed, false);
        paused_end(seed, true);
    }
    twice_stopped();
}
