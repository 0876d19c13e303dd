/*
 * Runs to play: the plainest, and everything at random.
 */
#include <stdio.h>
#include <string.h>

#include "arrivals.h"
#include "num.h"
#include "rng.h"
#include "sim_run.h"
#include "units.h"

void plan_init(struct plan *p, uint64_t seed, const char *label)
{
    *p = (struct plan){
        .seed = seed,
        .load = {.sessions = 1, .messages = 1, .connect_tries = 1, .connect_parallel = 1},
        .mail = {.hostname = "load.example", .rcpt_count = 1},
        .client = {.window = 100},
        .net = {.seed = seed, .turns_max = 3000000},
        .script = {.seed = seed ^ UINT64_C(0x5deece66d)},
        .targets = 1,
        .addresses = 1,
    };
    client_timeout_same(&p->client, 300 * NS_PER_S);
    (void)snprintf(p->label, sizeof p->label, "%s", label);
}

static uint64_t draw(struct rng *r, uint64_t low, uint64_t high)
{
    return low + rng_below(r, high - low + 1);
}

static bool one_in(struct rng *r, uint64_t n)
{
    return rng_below(r, n) == 0;
}

/* From 1 to most, small numbers as likely as large ones. */
static uint64_t any_size(struct rng *r, uint64_t most)
{
    uint64_t limit = most;

    while (limit > 2 && one_in(r, 2))
        limit /= 4;
    return draw(r, 1, limit ? limit : 1);
}

/* Longer than is sensible: some of them fill a buffer for commands. */
static const char *long_address(void)
{
    static char text[2000];

    memset(text, 'a', sizeof text - 1);
    memcpy(text + sizeof text - 9, "@example", 8);
    return text;
}

static void draw_load(struct plan *p, struct rng *r)
{
    p->load.sessions = any_size(r, 16);
    p->load.messages = any_size(r, 120);
    p->load.connect_tries = one_in(r, 3) ? draw(r, 2, 5) : 1;
    p->load.keep_connection = one_in(r, 2);
    p->load.tolerant = !one_in(r, 3);
    if (one_in(r, 4))
        p->load.wait = draw(r, 1, 20 * NS_PER_S);
    else if (one_in(r, 4))
        p->load.random_wait = draw(r, 1, 40 * NS_PER_S);
    p->load.connect_parallel = one_in(r, 3) ? draw(r, 2, 20) : 1;
    if (one_in(r, 6)) {
        p->load.rate_count = any_size(r, 100);
        p->load.rate_period = one_in(r, 2) ? NS_PER_S : 60 * NS_PER_S;
    }
    if (one_in(r, 4))
        p->load.close = one_in(r, 2) ? CLOSE_FIN : CLOSE_RESET;
    p->client.no_quit = p->load.close != CLOSE_QUIT;
    p->mail.rcpt_count = one_in(r, 2) ? 1 : any_size(r, 50);
    p->mail.number_all = one_in(r, 3);
    p->mail.numbering = one_in(r, 4) ? MAIL_NUMBER_LAST : MAIL_NUMBER_FIRST;
    p->mail.length = one_in(r, 3) ? any_size(r, 60000) : 0;
    p->mail.subject = one_in(r, 4) ? "a subject" : NULL;
    if (one_in(r, 8)) {
        p->dotted = true;
        p->mail.length = 0;
    }
    if (one_in(r, 8))
        p->mail.to = long_address();
    p->addresses = one_in(r, 5) ? (uint32_t)draw(r, 2, 3) : 1;
    p->address = (uint32_t)rng_below(r, p->addresses);
}

static void draw_client(struct plan *p, struct rng *r)
{
    struct client_config *cf = &p->client;

    cf->lmtp = one_in(r, 3);
    if (one_in(r, 2))
        client_timeout_scaled(cf, draw(r, 100, 600) * NS_PER_S);
    if (!one_in(r, 3))
        cf->want[EXT_PIPELINING] = one_in(r, 3) ? EXT_IF_OFFERED : EXT_MUST;
    if (one_in(r, 3))
        cf->want[EXT_CHUNKING] = one_in(r, 3) ? EXT_IF_OFFERED : EXT_MUST;
    cf->window = one_in(r, 2) ? 100 : any_size(r, 200);
    cf->in_flight = one_in(r, 2) ? 0 : any_size(r, 12);
    cf->chunk_size = one_in(r, 2) ? 0 : any_size(r, 3000);
    if (one_in(r, 12)) { /* more chunks at once than one send has slices */
        cf->want[EXT_PIPELINING] = cf->want[EXT_CHUNKING] = EXT_MUST;
        p->mail.length = draw(r, 2000, 20000);
        cf->chunk_size = draw(r, 10, 300);
        cf->window = draw(r, 30, 300);
    }
    /* No chunk is to be so small that a run takes for ever. */
    if (cf->chunk_size && cf->chunk_size < p->mail.length / 100)
        cf->chunk_size = p->mail.length / 100 + 1;
    p->mail.no_headers =
        one_in(r, 12) && !cf->lmtp && !cf->want[EXT_PIPELINING] && !cf->want[EXT_CHUNKING];
}

static void draw_network(struct plan *p, struct rng *r)
{
    struct sim_config *n = &p->net;

    n->latency = any_size(r, 100 * NS_PER_MS);
    n->jitter = one_in(r, 2) ? 0 : any_size(r, 200 * NS_PER_MS);
    n->connect_time = 2 * n->latency;
    n->pieces = one_in(r, 2) ? 0 : (uint32_t)any_size(r, 1000);
    n->split = one_in(r, 2) ? 0 : (uint32_t)any_size(r, 1000);
    n->merged = one_in(r, 2) ? 0 : (uint32_t)any_size(r, 1000);
    n->late = one_in(r, 2) ? 0 : (uint32_t)any_size(r, 1000);
    n->late_by = any_size(r, 50 * NS_PER_MS);
    n->spurious = one_in(r, 4) ? (uint32_t)any_size(r, 300) : 0;
    n->capacity = one_in(r, 3) ? (uint32_t)draw(r, 1, 20000) : 0;
    if (n->capacity && n->capacity < p->mail.length / 50)
        n->capacity = (uint32_t)(p->mail.length / 50);
    n->cut_within = any_size(r, 5 * NS_PER_S);
}

static void draw_faults(struct plan *p, struct rng *r)
{
    static const uint32_t levels[] = {2, 10, 50, 200};
    uint32_t level = levels[rng_below(r, 4)];
    struct script_config *s = &p->script;

    if (one_in(r, 2)) {
        p->net.refused = one_in(r, 3) ? level : 0;
        p->net.unanswered = one_in(r, 4) ? level : 0;
        p->net.cut = one_in(r, 3) ? level : 0;
        p->net.lost = one_in(r, 4) ? level : 0;
    }
    if (!one_in(r, 4))
        s->act[SCRIPT_REFUSE] = level;
    for (int act = SCRIPT_BYE; act < SCRIPT_ACT_COUNT; act++)
        if (one_in(r, 5))
            s->act[act] = level / 2;
    s->unasked = one_in(r, 5) ? level / 2 : 0;
    s->abrupt = one_in(r, 3) ? 300 : 0;
    s->late_354 = one_in(r, 2) ? 500 : 0;
    p->lies = one_in(r, 5);
    if (p->lies) {
        s->surplus = one_in(r, 2) ? level : 0;
        s->skipped = one_in(r, 2) ? level : 0;
        s->noise = one_in(r, 2) ? level : 0;
    }
    if (one_in(r, 8))
        s->no_pipelining = true;
    if (one_in(r, 8))
        s->no_chunking = true;
    p->faultless = false;
}

static void draw_peer(struct plan *p, struct rng *r)
{
    p->faultless = true;
    p->script.lmtp = p->client.lmtp;
    p->script.delay = one_in(r, 3) ? 0 : any_size(r, 2 * NS_PER_S);
    p->script.jitter = one_in(r, 2) ? 0 : any_size(r, NS_PER_S);
    p->script.odd = one_in(r, 2) ? 0 : 300;
    p->honest = one_in(r, 5);
    p->room = (uint32_t)draw(r, 1, 20000);
    if (!one_in(r, 4))
        draw_faults(p, r);
    if (p->honest && one_in(r, 6)) {
        p->size_limit = draw(r, 1, 4000);
        p->faultless = false;
    }
    if (p->honest)
        p->lies = false;
}

static void draw_stops(struct plan *p, struct rng *r)
{
    if (!one_in(r, 3))
        return;
    p->stop_count = one_in(r, 3) ? 2 : 1;
    for (int i = 0; i < p->stop_count; i++) {
        struct stop *s = &p->stops[i];

        s->level = i || one_in(r, 2) ? RUN_ABORT : RUN_FINISH;
        if (one_in(r, 2))
            s->completions = any_size(r, 30 * p->load.messages);
        else
            s->at = any_size(r, 60 * NS_PER_S);
    }
}

static void draw_rate(struct plan *p, struct rng *r)
{
    struct load_settings *l = &p->load;
    uint64_t rate = draw(r, 1, 40) * RATE_PER_S / draw(r, 1, 20);
    struct diag d;

    if (one_in(r, 3)) {
        static const char *const stages[] = {"0..20:5s,20:3s,0:2s,40..10:4s", "100:300ms",
                                             "5/min:2m, 3:10s"};

        (void)schedule_parse(&l->schedule, SCHEDULE_RATES, stages[rng_below(r, 3)], &d);
    } else {
        l->rate = rate;
        l->duration = one_in(r, 2) ? any_size(r, 60 * NS_PER_S) + NS_PER_MS : 0;
    }
    l->arrival = one_in(r, 2) ? ARRIVAL_POISSON : ARRIVAL_CONSTANT;
    l->late_drop = one_in(r, 3) ? any_size(r, 10 * NS_PER_S) : 0;
    l->wait = l->random_wait = 0; /* a target rate says when messages start */
}

/* Load models; drawn last, so that they change nothing of what was drawn before. */
static void draw_model(struct plan *p, struct rng *r)
{
    struct load_settings *l = &p->load;
    struct diag d;

    if (one_in(r, 2))
        return;
    l->keep_going = true;
    l->tolerant = false;
    if (one_in(r, 2))
        draw_rate(p, r);
    else if (one_in(r, 4))
        l->duration = any_size(r, 100 * NS_PER_S) + NS_PER_MS;
    else if (one_in(r, 4)) {
        (void)schedule_parse(&l->session_stages, SCHEDULE_SESSIONS,
                             "0..7:20s, 7:3s, 2:10s, 9..1:8s", &d);
        l->sessions = 0;
    }
    if (one_in(r, 4)) {
        l->per_connection = (struct span){1, any_size(r, 10)};
        l->keep_connection = true;
    }
    if (!l->wait && !l->random_wait && !l->rate && !l->schedule.count && one_in(r, 4))
        l->think = (struct think){THINK_EXPONENTIAL, any_size(r, 5 * NS_PER_S), 0};
    if (one_in(r, 5))
        l->idle_sessions = any_size(r, 5);
    if (one_in(r, 4))
        p->targets = (uint32_t)draw(r, 2, 3);
}

void plan_random(struct plan *p, uint64_t seed)
{
    struct rng r = {.state = seed};
    char label[64];

    (void)snprintf(label, sizeof label, "repeat with --seed=%llu", (unsigned long long)seed);
    plan_init(p, seed, label);
    (void)rng_next(&r);
    draw_load(p, &r);
    draw_client(p, &r);
    draw_network(p, &r);
    draw_peer(p, &r);
    draw_stops(p, &r);
    draw_model(p, &r);
    p->client.tolerant = p->load.tolerant;
}
