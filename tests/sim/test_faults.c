/*
 * One certain fault at a time, at every phase: what becomes of the message, whether the run goes
 * on, and in which words it ends (with -A refusals go on, lost connections do not).
 */
#include <stdio.h>
#include <string.h>

#include "rng.h"
#include "sim_run.h"
#include "test_sim.h"

#define MESSAGES 5

struct fault_case {
    const char *failure; /* without -A; NULL: none, all goes well */
    struct script_fault fault;
    enum outcome first;    /* of the first message, without -A */
    const char *tolerated; /* the failure with -A; NULL: none */
    uint64_t accepted;     /* with -A, a connection a message */
    uint64_t accepted_d;   /* with -A and -d */
    bool in_lmtp;
};

/* The fault is on the first connection only. */
#define FAULT(act, phase, reply)                                                                   \
    {                                                                                              \
        SCRIPT_##act, PHASE_##phase, 1, reply                                                      \
    }

static const struct fault_case cases[] = {
    {"rejected at server banner: 554 5.7.1 go away", FAULT(REFUSE, GREETING, "554 5.7.1 go away"),
     OUTCOME_REFUSED, NULL, 5, 5, true},
    {"rejected at server banner: 421 busy", FAULT(BYE, GREETING, "421 busy"), OUTCOME_REFUSED, NULL,
     4, 4, true},
    {"HELO rejected: 550 no", FAULT(REFUSE, HELLO, "550 no"), OUTCOME_REFUSED, NULL, 5, 5, false},
    {"LHLO rejected: 550 no", FAULT(REFUSE, HELLO, "550 no"), OUTCOME_REFUSED, NULL, 5, 5, true},
    {"HELO rejected: 421 no", FAULT(BYE, HELLO, "421 no"), OUTCOME_REFUSED, NULL, 4, 4, false},
    {"sender rejected: 550 no", FAULT(REFUSE, MAIL, "550 no"), OUTCOME_REFUSED, NULL, 4, 0, true},
    {"sender rejected: 421 no", FAULT(BYE, MAIL, "421 no"), OUTCOME_REFUSED, NULL, 4, 4, true},
    {"sender rejected: 521 no", FAULT(BYE, MAIL, "521 no"), OUTCOME_REFUSED, NULL, 4, 4, true},
    {"sender rejected: 0 what?", FAULT(REFUSE, MAIL, "what?"), OUTCOME_REFUSED, NULL, 4, 0, true},
    {"sender rejected: 354 go", FAULT(REFUSE, MAIL, "354 go"), OUTCOME_REFUSED, NULL, 4, 0, true},
    {"recipient rejected: 450 no", FAULT(REFUSE, RCPT, "450 no"), OUTCOME_REFUSED, NULL, 4, 0,
     true},
    {"recipient rejected: 421 no", FAULT(BYE, RCPT, "421 no"), OUTCOME_REFUSED, NULL, 4, 4, true},
    {"data rejected: 554 no", FAULT(REFUSE, DATA, "554 no"), OUTCOME_REFUSED, NULL, 4, 0, true},
    {"data rejected: 250 ok", FAULT(REFUSE, DATA, "250 ok"), OUTCOME_REFUSED, NULL, 4, 0, true},
    {"data rejected: 421 no", FAULT(BYE, DATA, "421 no"), OUTCOME_REFUSED, NULL, 4, 4, true},
    {"end of data rejected: 552 big", FAULT(REFUSE, END_OF_DATA, "552 big"), OUTCOME_REFUSED, NULL,
     4, 0, true},
    {"end of data rejected: 421 no", FAULT(BYE, END_OF_DATA, "421 no"), OUTCOME_REFUSED, NULL, 4, 4,
     true},
    {"lost connection while reading server greeting", FAULT(FIN, GREETING, NULL), OUTCOME_FAILED,
     "lost connection while reading server greeting", 0, 0, true},
    {"lost connection while sending HELO", FAULT(FIN, HELLO, NULL), OUTCOME_FAILED,
     "lost connection while sending HELO", 0, 0, false},
    {"lost connection while sending LHLO", FAULT(RESET, HELLO, NULL), OUTCOME_FAILED,
     "lost connection while sending LHLO", 0, 0, true},
    {"lost connection while sending sender", FAULT(FIN, MAIL, NULL), OUTCOME_FAILED,
     "lost connection while sending sender", 0, 0, true},
    {"lost connection while sending recipient", FAULT(RESET, RCPT, NULL), OUTCOME_FAILED,
     "lost connection while sending recipient", 0, 0, true},
    {"lost connection while sending DATA command", FAULT(FIN, DATA, NULL), OUTCOME_FAILED,
     "lost connection while sending DATA command", 0, 0, true},
    {"lost connection while sending message", FAULT(FIN, END_OF_DATA, NULL), OUTCOME_UNKNOWN,
     "lost connection while sending message", 0, 0, true},
    {"lost connection while sending message", FAULT(RESET, END_OF_DATA, NULL), OUTCOME_UNKNOWN,
     "lost connection while sending message", 0, 0, true},
    /* The mail is decided: no failure. */
    {NULL, FAULT(FIN, QUIT, NULL), OUTCOME_ACCEPTED, NULL, 5, 5, true},
    {NULL, FAULT(RESET, QUIT, NULL), OUTCOME_ACCEPTED, NULL, 5, 5, true},
    {NULL, FAULT(REFUSE, QUIT, "500 what"), OUTCOME_ACCEPTED, NULL, 5, 5, true},
    {NULL, FAULT(BYE, QUIT, "421 bye"), OUTCOME_ACCEPTED, NULL, 5, 5, true},
};

static void begin(struct plan *p, const char *label, const struct fault_case *c)
{
    case_init(p, label);
    p->load.messages = MESSAGES;
    p->script.fault = c->fault;
    p->client.lmtp = c->in_lmtp && (!c->failure || !strstr(c->failure, "HELO"));
}

static bool same(const char *a, const char *b)
{
    return a ? strcmp(a, b) == 0 : *b == '\0';
}

static void show(const char *label, const char *amiss, const struct plan *p, struct result *r)
{
    test_result(label, amiss);
    if (amiss)
        result_print(p, r);
    result_done(r);
}

/* The first fault ends the run. */
static void strict(const struct fault_case *c, bool lmtp, const char *label)
{
    struct plan p;
    struct result r;
    const char *amiss;

    begin(&p, label, c);
    p.client.lmtp = lmtp;
    amiss = case_play(&p, &r);
    if (!amiss && !same(c->failure, r.failure))
        amiss = "it ends with other words";
    if (!amiss &&
        r.total->counter[COUNTER_MESSAGES_ACCEPTED + (int)c->first] != (c->failure ? 1 : MESSAGES))
        amiss = "the first message ends otherwise";
    if (!amiss && r.total->counter[COUNTER_MESSAGES_MISSED] != (c->failure ? MESSAGES - 1 : 0))
        amiss = "the run goes on";
    show(label, amiss, &p, &r);
}

static void tolerant(const struct fault_case *c, bool lmtp, bool keep, const char *label)
{
    struct plan p;
    struct result r;
    const char *amiss;

    begin(&p, label, c);
    p.client.lmtp = lmtp;
    p.load.tolerant = true;
    p.load.keep_connection = keep;
    p.client.tolerant = true;
    amiss = case_play(&p, &r);
    if (!amiss && !same(c->tolerated, r.failure))
        amiss = "it ends with other words";
    if (!amiss &&
        r.total->counter[COUNTER_MESSAGES_ACCEPTED] != (keep ? c->accepted_d : c->accepted))
        amiss = "another number of messages is accepted";
    show(label, amiss, &p, &r);
}

static void play(size_t i, const struct fault_case *c, bool lmtp)
{
    const char *words = c->failure ? c->failure : "a fault at QUIT";
    char label[160];

    (void)snprintf(label, sizeof label, "fault %zu%s: %s", i, lmtp ? " -L" : "", words);
    strict(c, lmtp, label);
    (void)snprintf(label, sizeof label, "fault %zu%s -A: %s", i, lmtp ? " -L" : "", words);
    tolerant(c, lmtp, false, label);
    (void)snprintf(label, sizeof label, "fault %zu%s -A -d: %s", i, lmtp ? " -L" : "", words);
    tolerant(c, lmtp, true, label);
}

/* ---- What does not fit into rows ---- */

/* A server without ESMTP, asked by a client that would like extensions (RFC 5321 section 3.2). */
static void no_esmtp(void)
{
    static const struct fault_case none = {.failure = NULL};
    const char *label = "fault: EHLO refused, extensions only if offered";
    struct plan p;
    struct result r;
    const char *amiss;

    begin(&p, label, &none);
    p.client.want[EXT_PIPELINING] = EXT_IF_OFFERED;
    p.script.no_esmtp = true;
    amiss = case_play(&p, &r);
    if (!amiss && (r.failed || r.total->counter[COUNTER_MESSAGES_ACCEPTED] != MESSAGES))
        amiss = "the messages do not go by HELO";
    show(label, amiss, &p, &r);
}

static void not_offered(enum ext_id ext, const char *words)
{
    static const struct fault_case none = {.failure = NULL};
    struct plan p;
    struct result r;
    const char *amiss;

    begin(&p, words, &none);
    p.client.want[ext] = EXT_MUST;
    p.script.no_pipelining = p.script.no_chunking = true;
    p.load.tolerant = p.client.tolerant = true;
    amiss = case_play(&p, &r);
    if (!amiss && strncmp(r.failure, words, strlen(words)) != 0)
        amiss = "it ends with other words";
    show(words, amiss, &p, &r);
}

/* The server leaves while a session pauses: a fault if a message was to come, else none. */
static void lost_idle(uint64_t messages, bool tolerant, const char *failure)
{
    struct plan p;
    struct result r;
    const char *amiss;
    char label[80];

    (void)snprintf(label, sizeof label, "lost while pausing, %llu messages%s",
                   (unsigned long long)messages, tolerant ? " -A" : "");
    case_init(&p, label);
    p.lies = true; /* for the ledger this is no good answer */
    p.load.messages = messages;
    p.load.keep_connection = true;
    p.load.wait = 10 * NS_PER_S;
    p.load.tolerant = p.client.tolerant = tolerant;
    p.script.fault =
        (struct script_fault){SCRIPT_FIN, PHASE_END_OF_DATA, 1, "250 taken, and farewell"};
    amiss = case_play(&p, &r);
    if (!amiss && !same(failure, r.failure))
        amiss = "it ends with other words";
    if (!amiss && r.total->counter[COUNTER_MESSAGES_ACCEPTED] != 1)
        amiss = "the first message is not accepted";
    show(label, amiss, &p, &r);
}

/* A 421 that nobody asked for refuses the message, and has no latency. */
static void unasked(void)
{
    const char *label = "unasked 421 behind the greeting";
    struct plan p;
    struct result r;
    const char *amiss;

    case_init(&p, label);
    p.load.tolerant = p.client.tolerant = true;
    p.script.unasked = 1000;
    amiss = case_play(&p, &r);
    if (!amiss && (r.total->counter[COUNTER_MESSAGES_REFUSED] != 1 ||
                   r.total->counter[COUNTER_REPLIES_REFUSED] != 1 || r.failed))
        amiss = "the message is not refused";
    for (int i = 0; i < PHASE_COUNT && !amiss; i++)
        if (r.total->refused_latency[i].count)
            amiss = "it has a latency";
    show(label, amiss, &p, &r);
}

/*
 * Pipelined, with every recipient refused and DATA on its way: a 354 is answered by a lone dot, and
 * whatever that is answered, nothing was accepted (RFC 2920 section 3.1).
 */
static void nobody(uint64_t seed, bool lmtp)
{
    struct plan p;
    struct result r;
    const char *amiss;
    char label[80];

    (void)snprintf(label, sizeof label, "354 for nobody%s, %llu", lmtp ? " -L" : "",
                   (unsigned long long)seed);
    case_init(&p, label);
    p.script.seed = seed;
    p.load.messages = 2;
    p.load.tolerant = p.client.tolerant = true;
    p.mail.rcpt_count = 3;
    p.client.lmtp = lmtp;
    p.client.want[EXT_PIPELINING] = EXT_MUST;
    p.script.late_354 = 1000;
    p.script.fault = (struct script_fault){SCRIPT_REFUSE, PHASE_RCPT, 1, "550 no"};
    amiss = case_play(&p, &r);
    if (!amiss && (r.total->counter[COUNTER_MESSAGES_REFUSED] != 1 ||
                   r.total->counter[COUNTER_RECIPIENTS_REFUSED] != 3 ||
                   r.total->counter[COUNTER_MESSAGES_ACCEPTED] != 1))
        amiss = "the messages end otherwise";
    show(label, amiss, &p, &r);
}

/* What is already in flight behind a refused MAIL is refused with it, and told apart. */
static void collateral(void)
{
    const char *label = "collateral refusals";
    struct plan p;
    struct result r;
    const char *amiss;

    case_init(&p, label);
    p.load.tolerant = p.client.tolerant = true;
    p.mail.rcpt_count = 3;
    p.client.want[EXT_PIPELINING] = EXT_MUST;
    p.script.fault = (struct script_fault){SCRIPT_REFUSE, PHASE_MAIL, 1, "550 no"};
    amiss = case_play(&p, &r);
    if (!amiss && (r.total->counter[COUNTER_REPLIES_REFUSED] != 5 ||
                   r.total->counter[COUNTER_REPLIES_COLLATERAL] != 4))
        amiss = "they are not counted as such";
    show(label, amiss, &p, &r);
}

/*
 * Many small chunks, the first of which are refused while later ones are being written: those that
 * were announced are sent whole, so that the session stays in step.
 */
static void early_refusal(uint64_t seed)
{
    struct rng rng = {.state = seed};
    struct plan p;
    struct result r;
    const char *amiss;
    char label[80];

    (void)snprintf(label, sizeof label, "chunks refused early, %llu", (unsigned long long)seed);
    case_init(&p, label);
    p.net.seed = seed;
    p.net.latency = p.script.delay = 10 * NS_PER_US;
    p.net.pieces = 1000;
    p.load.messages = 3;
    p.load.keep_connection = seed % 2;
    p.load.tolerant = p.client.tolerant = true;
    p.mail.length = 3000 + rng_below(&rng, 3000);
    p.client.want[EXT_PIPELINING] = p.client.want[EXT_CHUNKING] = EXT_IF_OFFERED;
    p.client.window = 30 + rng_below(&rng, 200);
    p.client.chunk_size = 20 + rng_below(&rng, 60);
    p.script.fault = (struct script_fault){SCRIPT_REFUSE, PHASE_DATA, 1, "451 no"};
    amiss = case_play(&p, &r);
    if (!amiss && (r.failed || r.total->counter[COUNTER_MESSAGES_ACCEPTED] +
                                       r.total->counter[COUNTER_MESSAGES_REFUSED] !=
                                   3))
        amiss = "it fails";
    if (!amiss && !p.load.keep_connection && r.total->counter[COUNTER_MESSAGES_ACCEPTED] != 2)
        amiss = "the other messages are not accepted";
    show(label, amiss, &p, &r);
}

static void connecting(const char *label, uint32_t refused, uint64_t tries, uint32_t addresses,
                       uint32_t address, uint64_t started, const char *words)
{
    static const struct fault_case none = {.failure = NULL};
    struct plan p;
    struct result r;
    const char *amiss;

    begin(&p, label, &none);
    p.net.refused = refused;
    p.load.connect_tries = tries;
    p.addresses = addresses;
    p.address = address;
    amiss = case_play(&p, &r);
    if (!amiss && (words ? !r.failed || !strstr(r.failure, words) : r.failed))
        amiss = "it ends with other words";
    if (!amiss && r.total->counter[COUNTER_CONNECTIONS_STARTED] != started)
        amiss = "another number of attempts";
    show(label, amiss, &p, &r);
}

void test_faults(void)
{
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct fault_case *c = &cases[i];
        bool only_smtp = c->failure && strstr(c->failure, "HELO");
        bool only_lmtp = c->failure && strstr(c->failure, "LHLO");

        if (!only_lmtp)
            play(i, c, false);
        if (!only_smtp)
            play(i, c, true);
    }
    no_esmtp();
    not_offered(EXT_PIPELINING, "the server does not offer PIPELINING");
    not_offered(EXT_CHUNKING, "the server does not offer CHUNKING");
    lost_idle(1, false, NULL);
    lost_idle(2, false, "lost connection while sending sender");
    lost_idle(2, true, "lost connection while sending sender");
    unasked();
    collateral();
    for (uint64_t seed = 1; seed <= 6; seed++) {
        nobody(seed, false);
        nobody(seed, true);
    }
    for (uint64_t seed = 1; seed <= 150; seed++)
        early_refusal(seed);
    connecting("connect: refused", 1000, 1, 1, 0, 1, "Connection refused");
    connecting("connect: refused three times", 1000, 3, 1, 0, 3, "Connection refused");
    connecting("connect: the third address listens", 0, 1, 3, 2, MESSAGES + 2, NULL);
    connecting("connect: no address listens", 0, 2, 3, 3, 6, "Connection refused");
}
