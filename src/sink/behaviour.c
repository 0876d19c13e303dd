/*
 * The rules of a profile at work. Every action is a row; a rule is played when its chance comes up,
 * and the first that decides a step's reply is the last to be looked at.
 */
#include "behaviour.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>

#include "decimal.h"
#include "memory.h"
#include "path.h"
#include "server.h"

/* No delay is longer: keeps sums of times far from overflow. */
#define LONGEST (UINT64_C(86400) * 1000000000)

/* A recipient, until the end of its message. */
struct behaviour_recipient {
    const struct profile_rules *rules; /* of its domain; NULL: none of its own */
    uint64_t domain_key;
    uint64_t key;
    uint32_t verdict; /* the rule that decided the reply; 0: none */
};

struct behaviour {
    const struct profile *profile;
    struct memory memory;
    pthread_mutex_t lock; /* of memory: only rules that remember take it */
};

/* All that a rule may look at and change. */
struct play {
    struct behaviour *b;
    struct behaviour_session *s;
    const struct behaviour_step *step;
    const struct profile_rule *rule;
    struct rng *rng;
    struct server_act *act;
    /* RCPT's recipient, LMTP's at the end of data, else the transaction's first. */
    struct behaviour_recipient about;
};

/* A number of [0, 1) with 53 bits. */
static double draw(struct rng *rng)
{
    return (double)(rng_next(rng) >> 11) * 0x1p-53;
}

static uint64_t bounded(double ns)
{
    return ns < (double)LONGEST ? (uint64_t)ns : LONGEST;
}

/* Box and Muller's method gives a normal deviate from two uniform ones. */
static double draw_normal(struct rng *rng)
{
    double u = 1 - draw(rng), v = draw(rng);

    return sqrt(-2 * log(u)) * cos(2 * 3.14159265358979323846 * v);
}

uint64_t behaviour_draw(const struct profile_time *t, struct rng *rng)
{
    if (t->shape == PROFILE_UNIFORM)
        return t->a + rng_below(rng, t->b - t->a + 1);
    if (t->shape == PROFILE_EXPONENTIAL)
        return bounded(-log(1 - draw(rng)) * (double)t->a);
    if (t->shape == PROFILE_LOGNORMAL)
        return bounded(exp(t->sigma * draw_normal(rng)) * (double)t->a);
    return t->a < LONGEST ? t->a : LONGEST;
}

/* The rule's reply in place of what the command would do; a 421 ends the session (RFC 5321 3.8). */
static bool decide(struct play *p)
{
    struct slice reply = p->rule->reply;

    p->act->reply = reply;
    p->act->instead = reply.n == 0 || reply.p[0] >= '4';
    if (reply.n == 0 || strncmp(reply.p, "421", 3) == 0)
        p->act->end = SERVER_END_FAULT;
    return true;
}

static bool play_accept(struct play *p)
{
    (void)p;
    return true;
}

static bool play_delay(struct play *p)
{
    p->act->delay += behaviour_draw(&p->rule->time, p->rng);
    return false;
}

static bool play_disconnect(struct play *p)
{
    (void)decide(p);
    p->act->instead = true;
    p->act->end = SERVER_END_FAULT;
    return true;
}

static bool play_reset(struct play *p)
{
    p->act->reply = (struct slice){"", 0};
    p->act->instead = true;
    p->act->end = SERVER_END_RESET;
    return true;
}

/* The reply's first octets, which no client can take for a whole one; the rest comes later. */
static bool play_half(struct play *p)
{
    p->act->piece = 6;
    p->act->pieces = 1;
    p->act->pause = behaviour_draw(&p->rule->time, p->rng);
    return false;
}

static bool play_drip(struct play *p)
{
    p->act->piece = 1;
    p->act->pieces = UINT32_MAX;
    p->act->pause = behaviour_draw(&p->rule->time, p->rng);
    return false;
}

static bool play_stall(struct play *p)
{
    uint64_t time = behaviour_draw(&p->rule->time, p->rng);

    if (p->rule->limit == 0) {
        p->act->stall += time;
    } else {
        p->act->hold = time;
        p->act->hold_at = p->rule->limit;
    }
    return false;
}

/* What a rule remembers under a key of its own. */
static struct memory_entry *remember(struct play *p, uint64_t key)
{
    uint64_t at = (uint64_t)(p->rule - p->b->profile->rules);

    key = memory_key(key ^ at, (const char *)&at, sizeof at);
    return memory_find(&p->b->memory, key, p->step->now);
}

/*
 * The generic cell rate algorithm (ITU-T I.371): value is when the next message would be due at
 * exactly the rate. One that comes more than a burst ahead of it is too early, and changes nothing.
 */
static bool is_too_early(struct play *p)
{
    struct memory_entry *e =
        remember(p, p->rule->by_domain ? p->about.domain_key : p->s->client_key);
    uint64_t due = e->value > p->step->now ? e->value : p->step->now;
    uint64_t ahead = (p->rule->burst - 1) * p->rule->limit;

    if (due > p->step->now + ahead)
        return true;
    e->value = due + p->rule->limit;
    return false;
}

/* value is when the triple was first seen, plus 1. */
static bool is_greylisted(struct play *p)
{
    uint64_t from = p->s->client_key ^ p->s->sender_key;
    struct memory_entry *e =
        remember(p, memory_key(p->about.key, (const char *)&from, sizeof from));

    if (e->value == 0)
        e->value = p->step->now + 1;
    return p->step->now + 1 < e->value + p->rule->time.a || p->step->now + 1 == e->value;
}

static bool is_mailbox_full(struct play *p)
{
    struct memory_entry *e = remember(p, p->about.key);

    if (!p->step->mail || e->value >= p->rule->limit)
        return p->step->mail;
    e->value++;
    return false;
}

static bool is_one_too_many(struct play *p)
{
    const struct memory_entry *e = memory_look(&p->b->memory, p->s->client_key);

    return e && e->value > p->rule->limit;
}

static bool locked(struct play *p, bool (*refuses)(struct play *))
{
    bool refused;

    (void)pthread_mutex_lock(&p->b->lock);
    refused = refuses(p);
    (void)pthread_mutex_unlock(&p->b->lock);
    return refused && decide(p);
}

static bool play_rate(struct play *p)
{
    return locked(p, is_too_early);
}

static bool play_connections(struct play *p)
{
    if (!locked(p, is_one_too_many))
        return false;
    p->act->instead = true;
    p->act->end = SERVER_END_FAULT;
    return true;
}

static bool play_greylist(struct play *p)
{
    return locked(p, is_greylisted);
}

static bool play_mailbox(struct play *p)
{
    return locked(p, is_mailbox_full);
}

/* Before the content, by what MAIL has declared (RFC 1870 section 6.1). */
static bool play_size(struct play *p)
{
    uint64_t octets = p->step->verb == SERVER_DOT ? p->step->octets : p->s->declared;

    return octets > p->rule->limit && decide(p);
}

/* True: decided. */
static bool (*const players[PROFILE_ACTION_COUNT])(struct play *) = {
    [PROFILE_ACCEPT] = play_accept,     [PROFILE_REPLY] = decide,
    [PROFILE_DELAY] = play_delay,       [PROFILE_DISCONNECT] = play_disconnect,
    [PROFILE_RESET] = play_reset,       [PROFILE_HALF] = play_half,
    [PROFILE_DRIP] = play_drip,         [PROFILE_STALL] = play_stall,
    [PROFILE_RATE] = play_rate,         [PROFILE_CONNECTIONS] = play_connections,
    [PROFILE_GREYLIST] = play_greylist, [PROFILE_MAILBOX] = play_mailbox,
    [PROFILE_SIZE] = play_size,
};

struct behaviour *behaviour_new(const struct profile *profile)
{
    struct behaviour *b = calloc(1, sizeof *b);

    if (!b)
        return NULL;
    b->profile = profile;
    if (memory_init(&b->memory, profile->memory) < 0) {
        free(b);
        return NULL;
    }
    (void)pthread_mutex_init(&b->lock, NULL);
    return b;
}

void behaviour_free(struct behaviour *b)
{
    if (!b)
        return;
    memory_done(&b->memory);
    (void)pthread_mutex_destroy(&b->lock);
    free(b);
}

void behaviour_connect(struct behaviour *b, struct behaviour_session *s, const uint8_t *address,
                       uint64_t now)
{
    s->client = profile_for_client(b->profile, address);
    s->client_key = memory_key(1, (const char *)address, 16);
    s->counted = true;
    (void)pthread_mutex_lock(&b->lock);
    memory_find(&b->memory, s->client_key, now)->value++;
    (void)pthread_mutex_unlock(&b->lock);
}

void behaviour_disconnect(struct behaviour *b, struct behaviour_session *s)
{
    struct memory_entry *e;

    free(s->recipients);
    s->recipients = NULL;
    s->room = s->judged = 0;
    if (!s->counted)
        return;
    s->counted = false;
    (void)pthread_mutex_lock(&b->lock);
    e = memory_look(&b->memory, s->client_key); /* forgotten when the table overflowed */
    if (e && e->value > 0)
        e->value--;
    (void)pthread_mutex_unlock(&b->lock);
}

/* Domains are the same whatever the case of their letters (RFC 5321 section 2.4). */
static uint64_t domain_key(struct slice domain)
{
    char lower[256];
    size_t n = domain.n < sizeof lower ? domain.n : sizeof lower;

    for (size_t i = 0; i < n; i++)
        lower[i] =
            (char)(domain.p[i] >= 'A' && domain.p[i] <= 'Z' ? domain.p[i] + 32 : domain.p[i]);
    return memory_key(3, lower, n);
}

static uint64_t declared_size(struct slice parameters)
{
    struct slice key, value;
    uint64_t octets = 0;

    while (path_parameter(&parameters, &key, &value))
        if (slice_is(key, "SIZE") && !decimal_parse(value, &octets))
            octets = value.n > 0 ? UINT64_MAX : 0;
    return octets;
}

static void begin_transaction(struct behaviour_session *s, struct slice args)
{
    struct slice parameters;
    struct slice sender = path_mailbox(path_find(args, &parameters));

    s->sender_key = memory_key(4, sender.p, sender.n);
    s->declared = declared_size(parameters);
    s->domain = NULL;
    s->domain_key = 0;
    s->judged = 0;
}

static struct behaviour_recipient find_recipient(const struct profile *p, struct slice args)
{
    struct slice mailbox = path_mailbox(path_find(args, NULL));
    struct slice domain = path_domain(mailbox);

    return (struct behaviour_recipient){.rules = profile_for_domain(p, domain),
                                        .domain_key = domain_key(domain),
                                        .key = memory_key(2, mailbox.p, mailbox.n)};
}

/* Takes note of the transaction; returns whom the step is about. */
static struct behaviour_recipient follow(const struct behaviour *b, struct behaviour_session *s,
                                         const struct behaviour_step *step)
{
    if (step->verb == SERVER_MAIL && !step->mail)
        begin_transaction(s, step->args);
    if (step->verb == SERVER_RCPT)
        return find_recipient(b->profile, step->args);
    return (struct behaviour_recipient){
        .rules = step->mail ? s->domain : NULL, .domain_key = s->domain_key, .key = s->mailbox_key};
}

/*
 * The transaction goes on under the rules of its first recipient. One that the server refuses after
 * all is overwritten by the next: it is not among those accepted so far.
 */
static void keep_recipient(struct behaviour_session *s, const struct behaviour_step *step,
                           const struct behaviour_recipient *about)
{
    if (step->recipients == 0) {
        s->domain = about->rules;
        s->domain_key = about->domain_key;
        s->mailbox_key = about->key;
    }
    if (!step->lmtp || step->recipients >= BEHAVIOUR_RECIPIENTS)
        return;
    if (step->recipients >= s->room) {
        uint32_t room = 4;
        struct behaviour_recipient *grown;

        while (room <= step->recipients)
            room *= 2;
        grown = realloc(s->recipients, room * sizeof *grown);
        if (!grown)
            return; /* it gets the usual reply, as one too many does */
        memset(grown + s->room, 0, (room - s->room) * sizeof *grown);
        s->recipients = grown;
        s->room = room;
    }
    s->recipients[step->recipients] = *about;
}

/* Of the sections that fit, the first that says anything of this step. */
static uint32_t first_rule(const struct profile *p, const struct profile_rules *domain,
                           const struct profile_rules *client, enum server_verb verb)
{
    if (domain && domain->first[verb])
        return domain->first[verb];
    if (client && client->first[verb])
        return client->first[verb];
    return p->sets[0].first[verb];
}

/* The rules for the step, in order; returns the one that decided, or 0. */
static uint32_t play_rules(struct play *p)
{
    uint32_t at = first_rule(p->b->profile, p->about.rules, p->s->client, p->step->verb);

    for (; at; at = p->rule->next) {
        p->rule = &p->b->profile->rules[at];
        if (p->rule->chance < PROFILE_CHANCES &&
            rng_below(p->rng, PROFILE_CHANCES) >= p->rule->chance)
            continue;
        if (players[p->rule->action](p))
            return at;
    }
    return 0;
}

/* Moves a decision about the reply from the act to the verdict on a recipient. */
static void settle(struct behaviour_recipient *r, uint32_t rule, struct server_act *act)
{
    r->verdict = rule && act->reply.n > 0 ? rule : 0;
    act->reply.n = 0;
    act->instead = false;
}

/*
 * LMTP's end of data: the first recipient's act, and a verdict for each. Behind a reply that ends a
 * session nobody listens any more (RFC 5321 section 3.8), so the recipients behind it share it.
 */
static void judge_each(struct play *p, uint32_t first)
{
    struct behaviour_session *s = p->s;
    bool over = false;
    uint32_t count = p->step->recipients < s->room ? p->step->recipients : s->room;

    if (count == 0 || p->act->end)
        return;
    settle(&s->recipients[0], first, p->act);
    for (uint32_t i = 1; i < count; i++) {
        struct server_act act = {0};
        struct play other = *p;

        if (over) {
            s->recipients[i].verdict = s->recipients[i - 1].verdict;
            continue;
        }
        other.act = &act;
        other.about = s->recipients[i];
        settle(&s->recipients[i], play_rules(&other), &act);
        over = act.end && s->recipients[i].verdict;
    }
    s->judged = count;
}

void behaviour_judge(struct behaviour *b, struct behaviour_session *s,
                     const struct behaviour_step *step, struct rng *rng, struct server_act *act)
{
    struct play p = {.b = b, .s = s, .step = step, .rng = rng, .act = act};
    uint32_t decided;

    p.about = follow(b, s, step);
    decided = play_rules(&p);
    if (step->verb == SERVER_RCPT && step->mail && !act->instead)
        keep_recipient(s, step, &p.about);
    if (step->verb == SERVER_DOT && step->lmtp)
        judge_each(&p, decided);
}

struct slice behaviour_verdict(const struct behaviour *b, const struct behaviour_session *s,
                               uint32_t recipient)
{
    uint32_t rule = recipient < s->judged ? s->recipients[recipient].verdict : 0;

    return rule ? b->profile->rules[rule].reply : (struct slice){NULL, 0};
}
