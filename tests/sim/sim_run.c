/*
 * Plays a run, and holds its account against what the network and the server saw.
 */
#include "sim_run.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "endpoint.h"
#include "honest.h"
#include "targets.h"
#include "units.h"
#include "worker.h"

#define PORT 2525

struct playing {
    struct plan *plan;
    struct load load;
    struct load_settings settings; /* completed */
    struct target_list targets;
    struct sim_world *world;
    struct script *script;
    struct honest *honest;
    struct ledger *ledger;
    uint64_t begin;
    uint64_t stopped;
    int next_stop;
};

static void raise_stop(void *arg)
{
    struct playing *g = arg;

    run_control_stop(&g->load.control, g->plan->stops[g->next_stop++].level);
    g->stopped = sim_now(g->world) - g->begin;
}

/* In the worker's thread, from its first turn. */
static void start(void *arg, struct io *io)
{
    struct playing *g = arg;
    uint16_t port = (uint16_t)(PORT + g->plan->address);

    g->begin = sim_now(g->world);
    if (g->honest)
        honest_listen(g->honest, io, port);
    else
        script_listen(g->script, io, port);
    for (int i = 0; i < g->plan->stop_count; i++) {
        const struct stop *s = &g->plan->stops[i];

        if (s->completions)
            sim_after(g->world, s->completions, raise_stop, g);
        else
            sim_at(g->world, g->begin + s->at, raise_stop, g);
    }
    if (g->plan->begun)
        g->plan->begun(g->plan->arg, &g->load, g->world);
}

/* What the program's main thread does while the worker works. */
static void watch(struct playing *g, struct stats *total)
{
    uint64_t one;
    int round = 0;

    while (read(g->load.done_fd, &one, sizeof one) < 0) {
        load_interval(&g->load, NULL, total, LOAD_PATIENCE);
        load_wake(&g->load);
        if (++round == 2 && g->plan->seed % 2)
            run_control_stop(&g->load.control, g->plan->seed % 4 == 1 ? RUN_FINISH : RUN_ABORT);
    }
}

/* Lines that begin with dots, that end in bare LF or CR, and no line end at the end. */
static int write_dotted(char *name, size_t size)
{
    static const char text[] = "Subject: dots\n\n.\n..\n.a\n\n a.\n.\r\n...\r\n\rb\r\r\n.\n.";
    int fd = memfd_create("dotted", MFD_CLOEXEC);

    if (fd < 0 || write(fd, text, sizeof text - 1) != (ssize_t)sizeof text - 1)
        sim_die(NULL, "no file for -F");
    (void)snprintf(name, size, "/proc/self/fd/%d", fd);
    return fd;
}

/*
 * As many as there are to be, all of the same addresses, and of weights 1, 2, 3, ... Of several the
 * last has another port, where nobody listens.
 */
static void make_targets(struct playing *g)
{
    static char names[3][4] = {"a", "2@b", "3@c"};
    char *const operands[] = {names[0], names[1], names[2]};
    const struct plan *p = g->plan;
    struct diag d;

    if (targets_parse(&g->targets, operands, p->targets, &d) < 0)
        sim_die(NULL, d.text);
    for (uint32_t i = 0; i < p->targets; i++) {
        struct endpoint *e = &g->targets.rows[i].endpoint;
        bool dead = p->targets > 1 && i + 1 == p->targets;

        e->count = p->addresses;
        e->addresses = calloc(p->addresses, sizeof *e->addresses);
        if (!e->addresses)
            sim_die(NULL, "out of memory");
        for (uint32_t k = 0; k < p->addresses; k++)
            sim_address(&e->addresses[k], (uint16_t)(PORT + k + (dead ? 1000 : 0)));
    }
}

static void prepare(struct playing *g, struct mail_content *content)
{
    struct plan *p = g->plan;
    struct diag d;
    char name[40];
    int file = -1;

    if (p->dotted) {
        file = write_dotted(name, sizeof name);
        p->mail.file = name;
    }
    if (mail_content_init(content, &p->mail, p->seed, 1000000000, &d) < 0)
        sim_die(NULL, d.text);
    if (file >= 0)
        (void)close(file);
    p->mail.file = NULL;
    p->client.helo_name = content->hostname;
    p->client.no_hello = p->mail.no_headers;
    make_targets(g);
    p->net.start = start;
    p->net.arg = g;
    p->net.label = p->label;
    g->world = sim_new(&p->net);
    g->ledger = ledger_new(content, p->load.messages);
    if (p->honest)
        g->honest = honest_new(p->client.lmtp, p->size_limit, p->room, g->ledger);
    else
        g->script = script_new(&p->script, g->ledger);
    g->settings = p->load;
    if (load_settings_complete(&g->settings, &d) < 0)
        sim_die(g->world, d.text);
    g->load.settings = &g->settings;
    g->load.seed = p->seed;
    g->load.client = &p->client;
    g->load.io.driver = &io_sim;
    g->load.content = content;
    g->load.targets = &g->targets;
}

/* Reading, and not just polling, is what orders what the worker did before what follows here. */
static void wait_for_end(int done_fd)
{
    uint64_t one;

    while (read(done_fd, &one, sizeof one) < 0)
        (void)poll(&(struct pollfd){.fd = done_fd, .events = POLLIN}, 1, -1);
}

void run_plan(struct plan *p, struct result *r)
{
    struct playing g = {.plan = p, .stopped = NS_NEVER};
    struct mail_content content;
    struct timespec from, to;
    struct diag d;

    *r = (struct result){.total = stats_new()};
    (void)clock_gettime(CLOCK_MONOTONIC, &from);
    prepare(&g, &content);
    sim_use(g.world);
    if (!r->total || (p->targets > 1 && stats_by_target(r->total, p->targets) < 0) ||
        load_start(&g.load, &d) < 0)
        sim_die(g.world, "the load did not start");
    if (p->watched)
        watch(&g, r->total);
    else
        wait_for_end(g.load.done_fd);
    load_finish(&g.load, r->total, p->taken_out);
    r->settings = g.settings;
    load_done(&g.load);

    ledger_sums(g.ledger, g.world, &r->ledger);
    sim_numbers(g.world, &r->net);
    r->elapsed = sim_now(g.world) - g.begin;
    r->stopped = g.stopped;
    r->stop = run_stop(&g.load.control);
    r->failed = atomic_load(&g.load.control.failed);
    (void)snprintf(r->failure, sizeof r->failure, "%s", g.load.control.failure.text);
    if (g.script && script_last_message(g.script))
        r->last_message = script_last_message(g.script) - g.begin;
    (void)clock_gettime(CLOCK_MONOTONIC, &to);
    r->busy = (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;

    script_free(g.script);
    honest_free(g.honest);
    ledger_free(g.ledger);
    sim_free(g.world);
    mail_content_done(&content);
    targets_done(&g.targets);
}

void result_done(struct result *r)
{
    stats_free(r->total);
}

/* ---- What must hold ---- */

/* Notes the first thing that does not hold. */
static void hold(const char **amiss, bool ok, const char *words)
{
    if (!ok && !*amiss)
        *amiss = words;
}

/* How many messages are to be offered; 0: it depends. */
static uint64_t to_offer(const struct plan *p, const struct result *r)
{
    const struct load_settings *l = &r->settings;
    uint64_t starts = UINT64_MAX;

    if (!l->schedule.count)
        return l->length == NS_NEVER ? p->load.messages : 0;
    if (r->stop != RUN_ON)
        return 0;
    if (l->arrival == ARRIVAL_CONSTANT)
        starts = schedule_starts(&l->schedule);
    else if (l->schedule.length != NS_NEVER)
        return 0;
    return starts < p->load.messages ? starts : p->load.messages;
}

/* With a target rate: every message has a response time, and each start was free to go or waited.
 */
static const char *check_starts(const struct result *r)
{
    const char *amiss = NULL;
    const struct stats *t = r->total;
    bool paced = r->settings.schedule.count > 0;

    for (int o = 0; o < OUTCOME_COUNT; o++)
        hold(&amiss,
             t->response[o].count == (paced ? t->counter[COUNTER_MESSAGES_ACCEPTED + o] : 0),
             "messages without a response time");
    hold(&amiss, t->lag.count + t->counter[COUNTER_STARTS_WAITED] <= stats_offered(t),
         "more starts than messages");
    if (paced && r->stop == RUN_ON)
        hold(&amiss,
             t->lag.count + t->counter[COUNTER_STARTS_WAITED] +
                     t->counter[COUNTER_MESSAGES_MISSED] >=
                 stats_offered(t),
             "a start that was neither free to go nor had to wait");
    return amiss;
}

static const char *check_sums(const struct plan *p, const struct result *r)
{
    const char *amiss = check_starts(r);
    const uint64_t *c = r->total->counter;
    const struct stats *t = r->total;
    uint64_t offered = to_offer(p, r);

    hold(&amiss, !offered || stats_offered(t) == offered, "the messages don't add up");
    hold(&amiss, stats_offered(t) <= p->load.messages, "more messages than were asked for");
    hold(&amiss, stats_rcpt_offered(t) == stats_offered(t) * p->mail.rcpt_count,
         "the recipients don't add up");
    hold(&amiss, stats_check(t), "stats_check() fails");
    hold(&amiss,
         !t->targets || t->targets[p->targets - 1].counter[COUNTER_CONNECTIONS_MADE] +
                                targets_offered(&t->targets[p->targets - 1]) ==
                            0,
         "mail for a target that can't be reached");
    hold(&amiss, t->latency[PHASE_TRANSACTION].count == c[COUNTER_MESSAGES_ACCEPTED],
         "accepted messages without a latency");
    hold(&amiss, t->latency[PHASE_CONNECT].count == c[COUNTER_CONNECTIONS_MADE],
         "connections without a latency");
    for (int i = 0; i < PHASE_COUNT; i++)
        hold(&amiss, t->latency[i].count == 0 || t->latency[i].max <= r->elapsed,
             "a latency is longer than the run");
    return amiss;
}

static const char *check_network(const struct plan *p, const struct result *r)
{
    const char *amiss = NULL;
    const uint64_t *c = r->total->counter;

    hold(&amiss, c[COUNTER_CONNECTIONS_STARTED] == r->net.connects, "connects are miscounted");
    hold(&amiss, c[COUNTER_CONNECTIONS_MADE] == r->net.connected,
         "made connections are miscounted");
    hold(&amiss, c[COUNTER_CONNECTIONS_CLOSED] == r->net.connected,
         "closed connections are miscounted");
    hold(&amiss, c[COUNTER_CONNECTIONS_FAILED] >= r->net.errors, "failed connects are miscounted");
    hold(&amiss, c[COUNTER_SENT_BYTES] == r->net.sent, "sent octets are miscounted");
    hold(&amiss, c[COUNTER_RECEIVED_BYTES] == r->net.received, "received octets are miscounted");
    hold(&amiss, r->net.open_max <= r->settings.sessions + r->settings.idle_sessions,
         "more connections than sessions");
    hold(&amiss, r->net.connecting_max <= p->load.connect_parallel * p->targets,
         "more connects at a time than allowed");
    hold(&amiss,
         p->load.rate_count == 0 || r->net.connects == 0 ||
             r->net.last_connect - r->net.first_connect >=
                 (r->net.connects - 1) * p->load.rate_period / p->load.rate_count,
         "more connects than the rate allows");
    return amiss;
}

static const char *check_ledger(const struct result *r)
{
    const char *amiss = r->ledger.fault;
    const uint64_t *c = r->total->counter;
    const struct ledger_sums *l = &r->ledger;
    uint64_t accepted = c[COUNTER_MESSAGES_ACCEPTED];
    uint64_t rcpts = c[COUNTER_RECIPIENTS_ACCEPTED];

    hold(&amiss, accepted >= l->delivered,
         "a delivered positive reply was not counted as accepted");
    hold(&amiss, accepted <= l->delivered,
         "counted as accepted without a delivered positive reply");
    hold(&amiss, rcpts == l->delivered_rcpts,
         "accepted recipients differ from the replies delivered");
    hold(&amiss, accepted <= l->accepted, "more accepted than the server accepted");
    hold(&amiss, l->accepted <= accepted + c[COUNTER_MESSAGES_UNKNOWN],
         "the server accepted messages that count neither as accepted nor as unknown");
    hold(&amiss, l->accepted_rcpts <= rcpts + c[COUNTER_RECIPIENTS_UNKNOWN],
         "the server accepted recipients that count neither as accepted nor as unknown");
    hold(&amiss, c[COUNTER_PROTOCOL_ERRORS] == 0, "a protocol error of a server that made none");
    return amiss;
}

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/* When a run has to end with a failure, when it must not, and in what words. */
static const char *check_failure(const struct plan *p, const struct result *r)
{
    const char *amiss = NULL;
    const uint64_t *c = r->total->counter;
    uint64_t faults = 0;

    /* Of a connection that goes on to its end, only QUIT may remain without an answer. */
    if (p->client.no_quit ||
        c[COUNTER_TIMEOUTS] + r->total->latency[PHASE_QUIT].count > c[COUNTER_CONNECTIONS_MADE])
        faults += c[COUNTER_TIMEOUTS];
    if (!p->load.tolerant)
        faults += c[COUNTER_REPLIES_REFUSED] + c[COUNTER_PROTOCOL_ERRORS];
    if (r->settings.keep_going) {
        hold(&amiss, !r->failed || begins(r->failure, "the server does not offer "),
             "with --keep-going a fault ended the run");
        return amiss;
    }
    hold(&amiss, faults == 0 || r->failed, "a fault did not end the run");
    hold(&amiss, !r->failed || r->failure[0], "a failure without words");
    hold(&amiss, !r->failed || r->stop == RUN_ABORT, "a failure that does not abort");
    if (p->load.tolerant && r->failed)
        hold(&amiss,
             begins(r->failure, "lost connection while ") || begins(r->failure, "timeout while ") ||
                 begins(r->failure, "connect: ") ||
                 begins(r->failure, "the server does not offer "),
             "with -A a refusal ended the run");
    if (r->stop != RUN_ON)
        return amiss;
    hold(&amiss, c[COUNTER_MESSAGES_MISSED] == 0, "messages were missed for no reason");
    /* Of several in flight a 421 refuses only the first. */
    if (p->client.want[EXT_PIPELINING] == EXT_NO && !p->lies)
        hold(&amiss,
             c[COUNTER_MESSAGES_FAILED] + c[COUNTER_MESSAGES_UNKNOWN] == 0 &&
                 c[COUNTER_RECIPIENTS_FAILED] + c[COUNTER_RECIPIENTS_UNKNOWN] == 0,
             "messages or recipients were lost, and the run ends well");
    return amiss;
}

static const char *check_faultless(const struct plan *p, const struct result *r)
{
    const char *amiss = NULL;
    const uint64_t *c = r->total->counter;

    hold(&amiss, !r->failed, "it failed without a fault");
    hold(&amiss, c[COUNTER_CONNECTIONS_LOST] + c[COUNTER_TIMEOUTS] == 0, "connections were lost");
    hold(&amiss, c[COUNTER_MESSAGES_REFUSED] + c[COUNTER_REPLIES_REFUSED] == 0,
         "refusals that nobody said");
    hold(&amiss,
         !p->load.keep_connection || p->load.per_connection.low || r->settings.keep_going ||
             r->net.connected <= p->load.sessions,
         "a session with -d has more than one connection");
    if (r->stop == RUN_ABORT)
        return amiss;
    /* A connection whose message was not begun when the run was asked to finish carries none. */
    hold(&amiss,
         p->load.keep_connection || r->net.connected == c[COUNTER_MESSAGES_ACCEPTED] ||
             ((r->stop == RUN_FINISH || r->settings.keep_going) &&
              r->net.connected > c[COUNTER_MESSAGES_ACCEPTED]),
         "a connection does not carry one message");
    hold(&amiss, c[COUNTER_MESSAGES_FAILED] + c[COUNTER_MESSAGES_UNKNOWN] == 0,
         "messages were lost without a fault or an abort");
    hold(&amiss,
         c[COUNTER_RECIPIENTS_ACCEPTED] == c[COUNTER_MESSAGES_ACCEPTED] * p->mail.rcpt_count,
         "not every recipient was accepted");
    hold(&amiss, r->ledger.messages == c[COUNTER_MESSAGES_ACCEPTED],
         "not all that came was counted");
    return amiss;
}

const char *result_check(const struct plan *p, const struct result *r)
{
    const char *amiss = check_sums(p, r);

    if (!amiss)
        amiss = check_network(p, r);
    if (!amiss)
        amiss = check_failure(p, r);
    if (!amiss && !p->lies)
        amiss = check_ledger(r);
    if (!amiss && p->faultless)
        amiss = check_faultless(p, r);
    return amiss;
}

static uint64_t mix(uint64_t h, uint64_t v)
{
    return (h ^ v) * UINT64_C(0x100000001b3);
}

uint64_t result_fingerprint(const struct result *r)
{
    const struct stats *t = r->total;
    uint64_t h = UINT64_C(0xcbf29ce484222325);

    for (int i = 0; i < COUNTER_COUNT; i++)
        h = mix(h, t->counter[i]);
    for (int p = 0; p < 2 * PHASE_COUNT; p++) {
        const struct hist *hist =
            p < PHASE_COUNT ? &t->latency[p] : &t->refused_latency[p - PHASE_COUNT];
        struct hist_slot slot;

        h = mix(mix(mix(h, hist->count), hist->max), (uint64_t)hist->sum);
        for (uint32_t at = 0; hist_next(hist, &at, &slot);)
            h = mix(mix(h, slot.index), slot.count);
    }
    for (int o = 0; o < OUTCOME_COUNT; o++)
        h = mix(mix(h, t->response[o].count), (uint64_t)t->response[o].sum);
    h = mix(mix(h, t->lag.max), (uint64_t)t->lag.sum);
    h = mix(h, t->refusals.count);
    for (const char *s = r->failure; *s; s++)
        h = mix(h, (uint64_t)(unsigned char)*s);
    h = mix(mix(h, r->net.turns), r->net.completions);
    return mix(mix(h, r->elapsed), r->ledger.accepted);
}

void result_print(const struct plan *p, const struct result *r)
{
    const uint64_t *c = r->total->counter;

    (void)printf("  %s\n  -s %llu -m %llu -r %llu%s%s%s%s%s -C %llu; pipelining %d window %llu "
                 "in flight %llu, chunking %d chunk %llu, %s\n",
                 p->label, (unsigned long long)p->load.sessions,
                 (unsigned long long)p->load.messages, (unsigned long long)p->mail.rcpt_count,
                 p->load.keep_connection ? " -d" : "", p->load.tolerant ? " -A" : "",
                 p->client.lmtp ? " -L" : "", p->mail.no_headers ? " -o" : "",
                 p->mail.number_all ? " -N" : "", (unsigned long long)p->load.connect_tries,
                 p->client.want[EXT_PIPELINING], (unsigned long long)p->client.window,
                 (unsigned long long)p->client.in_flight, p->client.want[EXT_CHUNKING],
                 (unsigned long long)p->client.chunk_size, p->honest ? "honest" : "script");
    for (int i = 0; i < COUNTER_COUNT; i++)
        if (c[i])
            (void)printf("  %s %s %llu\n", counter_group((enum counter)i),
                         counter_name((enum counter)i), (unsigned long long)c[i]);
    (void)printf("  ledger: %llu messages, accepted %llu (%llu rcpts), delivered %llu (%llu)\n",
                 (unsigned long long)r->ledger.messages, (unsigned long long)r->ledger.accepted,
                 (unsigned long long)r->ledger.accepted_rcpts,
                 (unsigned long long)r->ledger.delivered,
                 (unsigned long long)r->ledger.delivered_rcpts);
    (void)printf("  %.6f s of fake time, %llu turns, %llu completions, %.3f s; stop %d%s%s\n",
                 (double)r->elapsed / 1e9, (unsigned long long)r->net.turns,
                 (unsigned long long)r->net.completions, r->busy, (int)r->stop,
                 r->failed ? ", failed: " : "", r->failure);
}
