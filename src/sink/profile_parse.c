/*
 * The lines of a profile, one at a time: comments, section headers, settings, rules. Every action
 * is a row: what it reads behind its word, and what it replies unless told otherwise.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "num.h"
#include "profile.h"
#include "server_plan.h"
#include "units.h"

#define MEMORY_DEFAULT 65536
#define MEMORY_MAX     (UINT64_C(1) << 24)
#define PARTS_MAX      10000 /* sections, and rules */
#define LINE_LONGEST   1000

struct parser {
    struct profile *p;
    const char *name;
    unsigned line;
    uint32_t set; /* which the rules of the section go to */
    bool in_section;
    bool of_domains;   /* it is a [domain] */
    struct slice rest; /* of the line, without leading and trailing blanks */
    struct diag *d;
};

static int wrong(const struct parser *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static int wrong(const struct parser *r, const char *format, ...)
{
    char text[300];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return diag_set(r->d, -EINVAL, "%.150s:%u: %s", r->name, r->line, text);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static struct slice trim(struct slice s)
{
    while (s.n > 0 && is_blank(*s.p))
        s = slice_from(s, 1);
    while (s.n > 0 && is_blank(s.p[s.n - 1]))
        s.n--;
    return s;
}

/* Takes the next word of the line into out, a C string, for messages printable; false at its end.
 */
struct word {
    char text[80];
    struct slice raw;
};

static bool next_word(struct parser *r, struct word *w)
{
    size_t n = 0;

    while (n < r->rest.n && !is_blank(r->rest.p[n]))
        n++;
    w->raw = (struct slice){r->rest.p, n};
    (void)diag_printable(w->text, sizeof w->text, w->raw);
    r->rest = trim(slice_from(r->rest, n));
    return n > 0;
}

/* The next word if it is this one. */
static bool skip_word(struct parser *r, const char *text)
{
    struct parser ahead = *r;
    struct word w;

    if (!next_word(&ahead, &w) || !slice_is(w.raw, text))
        return false;
    r->rest = ahead.rest;
    return true;
}

/* Makes room for one more of an array that grows by doubling. */
static void *grow(void *array, size_t count, size_t size)
{
    size_t limit = 16;

    if (count > 0 && (count < limit || (count & (count - 1)) != 0))
        return array;
    while (limit <= count)
        limit *= 2;
    return realloc(array, limit * size);
}

static int no_memory(const struct parser *r)
{
    return diag_set(r->d, -ENOMEM, "out of memory");
}

/* Room in the texts is made once, by the size of the file: see profile_parse(). */
static struct slice keep(struct parser *r, struct slice s)
{
    char *to = r->p->texts + r->p->texts_length;

    memcpy(to, s.p, s.n);
    r->p->texts_length += s.n;
    return (struct slice){to, s.n};
}

static int take_duration(struct parser *r, uint64_t *out)
{
    struct word w;

    if (!next_word(r, &w))
        return wrong(r, "a time is missing, such as 5s or 250ms");
    if (num_duration(w.text, out) < 0 || w.raw.n >= sizeof w.text)
        return wrong(r, "bad time: %s (such as 5s or 250ms)", w.text);
    return 0;
}

static int take_sigma(struct parser *r, struct profile_time *t)
{
    struct word w;
    char *end;

    if (!next_word(r, &w))
        return wrong(r, "lognormal takes a median and a sigma, such as 200ms 0.5");
    t->sigma = strtod(w.text, &end);
    if (*end || !(t->sigma > 0 && t->sigma <= 5))
        return wrong(r, "bad sigma: %s (more than 0, at most 5)", w.text);
    return 0;
}

static int take_time(struct parser *r, struct profile_time *t)
{
    int rc;

    t->shape = skip_word(r, "uniform")       ? PROFILE_UNIFORM
               : skip_word(r, "exponential") ? PROFILE_EXPONENTIAL
               : skip_word(r, "lognormal")   ? PROFILE_LOGNORMAL
                                             : PROFILE_CONSTANT;
    rc = take_duration(r, &t->a);
    if (rc == 0 && t->shape == PROFILE_UNIFORM)
        rc = take_duration(r, &t->b);
    if (rc == 0 && t->shape == PROFILE_UNIFORM && t->b < t->a)
        rc = wrong(r, "uniform takes the least time and the most");
    if (rc == 0 && t->shape == PROFILE_LOGNORMAL)
        rc = take_sigma(r, t);
    return rc;
}

/* A whole reply to the end of the line: three digits and words. */
static int take_reply(struct parser *r, struct profile_rule *rule)
{
    struct slice s = r->rest;
    char head = s.n > 0 ? s.p[0] : '0';

    for (size_t i = 0; i < 3; i++)
        if (i >= s.n || s.p[i] < '0' || s.p[i] > '9')
            return wrong(r, "a reply begins with three digits, such as 450 4.2.0 Try again");
    if (head < '2' || head > '5' || (s.n > 3 && s.p[3] != ' '))
        return wrong(r, "a reply is a code of 200 to 599 and words");
    if (s.n > SERVER_REPLY_MAX - 2)
        return wrong(r, "a reply has at most %d octets", SERVER_REPLY_MAX - 2);
    rule->reply = keep(r, s);
    rule->reply.n += keep(r, SLICE("\r\n")).n;
    r->rest.n = 0;
    return 0;
}

static int take_count(struct parser *r, const char *what, uint64_t *out)
{
    struct word w;

    if (!next_word(r, &w))
        return wrong(r, "a %s is missing", what);
    if (num_count(w.text, out) < 0 || *out == 0)
        return wrong(r, "bad %s: %s (a whole number above 0)", what, w.text);
    return 0;
}

static int take_size(struct parser *r, struct profile_rule *rule)
{
    struct word w;

    if (!next_word(r, &w) || num_size(w.text, &rule->limit) < 0 || rule->limit == 0)
        return wrong(r, "bad size: %s (such as 100k or 1MiB)", w.text);
    return 0;
}

static int take_limit(struct parser *r, struct profile_rule *rule)
{
    return take_count(r, "number", &rule->limit);
}

static int take_rule_time(struct parser *r, struct profile_rule *rule)
{
    return take_time(r, &rule->time);
}

/* "TIME [after BYTES]": of content. */
static int take_stall(struct parser *r, struct profile_rule *rule)
{
    int rc = take_time(r, &rule->time);

    if (rc < 0 || !skip_word(r, "after"))
        return rc;
    if (rule->verb != SERVER_DATA)
        return wrong(r, "a stall after so many bytes is of content: at DATA");
    return take_size(r, rule);
}

static int take_rule_duration(struct parser *r, struct profile_rule *rule)
{
    return take_duration(r, &rule->time.a);
}

static int take_nothing(struct parser *r, struct profile_rule *rule)
{
    (void)r;
    (void)rule;
    return 0;
}

/* "N/s", "N/min" ("N/m"), "N/h" or "N/d": N is also the burst, and a day has no num_rate(). */
static int take_frequency(struct parser *r, struct profile_rule *rule)
{
    static const struct {
        const char *name;
        uint64_t ns;
    } units[] = {{"s", NS_PER_S},
                 {"m", 60 * NS_PER_S},
                 {"min", 60 * NS_PER_S},
                 {"h", 3600 * NS_PER_S},
                 {"d", 86400 * NS_PER_S}};
    struct word w;
    char *slash;
    uint64_t n = 0;

    if (!next_word(r, &w))
        return wrong(r, "a rate is missing, such as 10/s");
    slash = strchr(w.text, '/');
    if (!slash)
        return wrong(r, "bad rate: %s (such as 10/s or 500/h)", w.text);
    *slash = '\0';
    if (num_count(w.text, &n) < 0 || n == 0 || n > NS_PER_S)
        return wrong(r, "bad rate: %s (such as 10/s or 500/h)", w.text);
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (strcmp(units[i].name, slash + 1) != 0)
            continue;
        rule->limit = units[i].ns / n;
        rule->burst = n;
        return 0;
    }
    return wrong(r, "bad rate: it is per s, min, h or d");
}

/* The steps that come before there is a recipient. */
#define EARLY_STEPS                                                                                \
    (1u << SERVER_CONNECT | 1u << SERVER_HELO | 1u << SERVER_EHLO | 1u << SERVER_LHLO |            \
     1u << SERVER_MAIL)

/* A rule that goes by domain would never be one of these. */
static int check_step(const struct parser *r, uint32_t verb, bool by_domain)
{
    if (!by_domain || !(EARLY_STEPS >> verb & 1))
        return 0;
    return wrong(r, "at %s there is no recipient whose domain could count",
                 server_verb_name((enum server_verb)verb));
}

static int take_rate(struct parser *r, struct profile_rule *rule)
{
    int rc = take_frequency(r, rule);

    if (rc == 0 && skip_word(r, "burst"))
        rc = take_count(r, "burst", &rule->burst);
    if (rc < 0)
        return rc;
    if (rule->burst > 1000000)
        return wrong(r, "a burst is at most a million");
    if (!skip_word(r, "per"))
        return wrong(r, "a rate is per client or per domain");
    rule->by_domain = skip_word(r, "domain");
    return rule->by_domain || skip_word(r, "client")
               ? check_step(r, rule->verb, rule->by_domain)
               : wrong(r, "a rate is per client or per domain");
}

#define ANY_STEP (~UINT32_C(0))

struct action_row {
    const char *word;
    int (*take)(struct parser *, struct profile_rule *); /* what stands behind the word */
    bool replies;                                        /* "reply ..." may follow */
    struct slice reply;                                  /* when it does not */
    uint32_t steps;                                      /* bits (1 << enum server_verb) */
};

static const char *const action_words[PROFILE_ACTION_COUNT] = {
#define X(id, word) [PROFILE_##id] = (word),
    PROFILE_ACTION_LIST(X)
#undef X
};

#define LINE(text)                                                                                 \
    {                                                                                              \
        text "\r\n", sizeof(text) + 1                                                              \
    }

static const struct action_row actions[PROFILE_ACTION_COUNT] = {
    [PROFILE_ACCEPT] = {.take = take_nothing, .steps = ANY_STEP},
    [PROFILE_REPLY] = {.take = take_reply, .steps = ANY_STEP},
    [PROFILE_DELAY] = {.take = take_rule_time, .steps = ANY_STEP},
    [PROFILE_DISCONNECT] = {.take = take_nothing, .replies = true, .steps = ANY_STEP},
    [PROFILE_RESET] = {.take = take_nothing, .steps = ANY_STEP},
    [PROFILE_HALF] = {.take = take_rule_duration, .steps = ANY_STEP},
    [PROFILE_DRIP] = {.take = take_rule_duration, .steps = ANY_STEP},
    [PROFILE_STALL] = {.take = take_stall, .steps = ANY_STEP},
    [PROFILE_RATE] = {.take = take_rate,
                      .replies = true,
                      .reply = LINE("450 4.7.1 Error: too much mail, slow down"),
                      .steps = ANY_STEP},
    [PROFILE_CONNECTIONS] = {.take = take_limit,
                             .replies = true,
                             .reply = LINE("421 4.7.0 Error: too many connections"),
                             .steps = 1u << SERVER_CONNECT},
    [PROFILE_GREYLIST] = {.take = take_rule_duration,
                          .replies = true,
                          .reply = LINE("450 4.2.0 Error: greylisted, try again later"),
                          .steps = 1u << SERVER_RCPT},
    [PROFILE_MAILBOX] = {.take = take_limit,
                         .replies = true,
                         .reply = LINE("452 4.2.2 Error: mailbox full"),
                         .steps = 1u << SERVER_RCPT | 1u << SERVER_DOT},
    [PROFILE_SIZE] = {.take = take_size,
                      .replies = true,
                      .reply = LINE("552 5.3.4 Error: message too large"),
                      .steps = 1u << SERVER_MAIL | 1u << SERVER_RCPT | 1u << SERVER_DOT},
};

static int add_rule(struct parser *r, const struct profile_rule *rule)
{
    struct profile *p = r->p;
    struct profile_rules *set = &p->sets[r->set];
    struct profile_rule *grown;
    uint32_t at;

    if (p->rule_count >= PARTS_MAX)
        return wrong(r, "too many rules");
    /* Rule 0 stands for none. */
    grown = grow(p->rules, p->rule_count, sizeof *grown);
    if (!grown)
        return no_memory(r);
    p->rules = grown;
    at = p->rule_count ? (uint32_t)p->rule_count : 1;
    p->rules[at] = *rule;
    p->rule_count = at + 1;
    if (set->last[rule->verb])
        p->rules[set->last[rule->verb]].next = at;
    else
        set->first[rule->verb] = at;
    set->last[rule->verb] = at;
    return 0;
}

/* "5%" or "0.1%": millionths; anything else is no chance but the action. */
static int take_chance(struct parser *r, uint32_t *out)
{
    struct parser ahead = *r;
    struct word w;
    char *end;
    double percent;

    *out = PROFILE_CHANCES;
    if (!next_word(&ahead, &w) || !strchr(w.text, '%'))
        return 0;
    percent = strtod(w.text, &end);
    if (end == w.text || strcmp(end, "%") != 0 || !(percent > 0 && percent <= 100))
        return wrong(r, "bad chance: %s (more than 0%%, at most 100%%)", w.text);
    *out = (uint32_t)(percent * (PROFILE_CHANCES / 100) + 0.5);
    r->rest = ahead.rest;
    return 0;
}

static int find_action(struct parser *r, uint8_t *out)
{
    struct word w;

    if (!next_word(r, &w))
        return wrong(r, "what to do is missing, such as delay 1s");
    for (unsigned i = 0; i < PROFILE_ACTION_COUNT; i++) {
        if (slice_is(w.raw, action_words[i])) {
            *out = (uint8_t)i;
            return 0;
        }
    }
    return wrong(r, "no such action: %s", w.text);
}

/* "STEP [CHANCE%] ACTION ... [reply CODE TEXT]" */
static int parse_rule(struct parser *r, uint32_t verb)
{
    struct profile_rule rule = {.verb = (uint8_t)verb};
    const struct action_row *row;
    int rc = check_step(r, verb, r->of_domains);

    if (rc == 0)
        rc = take_chance(r, &rule.chance);
    if (rc == 0)
        rc = find_action(r, &rule.action);
    if (rc < 0)
        return rc;
    row = &actions[rule.action];
    if (!(row->steps >> verb & 1))
        return wrong(r, "%s makes no sense for %s", action_words[rule.action],
                     server_verb_name((enum server_verb)verb));
    rule.reply = row->reply;
    rc = row->take(r, &rule);
    if (rc == 0 && row->replies && skip_word(r, "reply"))
        rc = take_reply(r, &rule);
    if (rc == 0 && r->rest.n > 0) {
        char text[60];

        rc = wrong(r, "more than %s takes: %s", action_words[rule.action],
                   diag_printable(text, sizeof text, r->rest));
    }
    return rc < 0 ? rc : add_rule(r, &rule);
}

static int add_section(struct parser *r, const struct profile_section *s)
{
    struct profile *p = r->p;
    struct profile_section *grown;

    if (p->section_count >= PARTS_MAX)
        return wrong(r, "too many sections");
    grown = grow(p->sections, p->section_count, sizeof *grown);
    if (!grown)
        return no_memory(r);
    p->sections = grown;
    p->sections[p->section_count++] = *s;
    return 0;
}

static int add_set(struct parser *r)
{
    struct profile *p = r->p;
    struct profile_rules *grown = grow(p->sets, p->set_count, sizeof *grown);

    if (!grown)
        return no_memory(r);
    p->sets = grown;
    r->set = (uint32_t)p->set_count++;
    p->sets[r->set] = (struct profile_rules){0};
    return 0;
}

/* "192.0.2.0/24", "2001:db8::/32", "local". */
static int add_client(struct parser *r, struct word *w)
{
    struct profile_section s = {.kind = PROFILE_CLIENT, .prefix = 128, .rules = r->set};
    char *slash = strchr(w->text, '/');
    uint64_t bits = 0;
    bool v4;

    if (strcmp(w->text, "local") == 0)
        return add_section(r, &s);
    if (slash)
        *slash = '\0';
    v4 = inet_pton(AF_INET, w->text, s.address + 12) == 1;
    if (v4)
        memset(s.address + 10, 0xff, 2); /* RFC 4291 section 2.5.5.2 */
    else if (inet_pton(AF_INET6, w->text, s.address) != 1)
        return wrong(r, "bad client address: %s (such as 192.0.2.0/24 or local)", w->text);
    if (slash && (num_count(slash + 1, &bits) < 0 || bits > (v4 ? 32 : 128)))
        return wrong(r, "bad prefix length: %s", slash + 1);
    if (slash)
        s.prefix = (uint8_t)(bits + (v4 ? 96 : 0));
    return add_section(r, &s);
}

/* "example.com", "*.example.com": a dot parts names, and an asterisk stands in front only. */
static bool is_domain(struct slice name)
{
    char before = '.';

    if (name.n > 2 && name.p[0] == '*' && name.p[1] == '.')
        name = slice_from(name, 2);
    for (size_t i = 0; i < name.n; i++) {
        if (name.p[i] == '*' || (name.p[i] == '.' && before == '.'))
            return false;
        before = name.p[i];
    }
    return before != '.';
}

static int add_domain(struct parser *r, struct word *w)
{
    struct profile_section s = {.kind = PROFILE_DOMAIN, .name = keep(r, w->raw), .rules = r->set};

    if (!is_domain(w->raw))
        return wrong(r, "bad domain: %s (such as example.com or *.example.com)", w->text);
    return add_section(r, &s);
}

/* "[default]", "[domain NAME ...]", "[client ADDRESS[/BITS] ...]" */
static int parse_header(struct parser *r)
{
    int (*add)(struct parser *, struct word *);
    struct word w;
    int rc = 0;

    if (r->rest.p[r->rest.n - 1] != ']')
        return wrong(r, "a section header ends with ]");
    r->rest = trim((struct slice){r->rest.p + 1, r->rest.n - 2});
    r->in_section = true;
    r->of_domains = false;
    if (skip_word(r, "default")) {
        r->set = 0;
        return r->rest.n > 0 ? wrong(r, "[default] takes nothing more") : 0;
    }
    r->of_domains = skip_word(r, "domain");
    add = r->of_domains ? add_domain : skip_word(r, "client") ? add_client : NULL;
    if (!add)
        return wrong(r, "sections are [default], [domain NAME ...] and [client ADDRESS ...]");
    if (r->rest.n == 0)
        return wrong(r, "a section of whom?");
    rc = add_set(r);
    while (rc == 0 && next_word(r, &w))
        rc = add(r, &w);
    return rc;
}

static int parse_line(struct parser *r)
{
    uint32_t verbs = 0;
    struct word w;
    struct diag ignored;

    if (r->rest.n == 0 || *r->rest.p == '#')
        return 0;
    if (r->rest.n > LINE_LONGEST || memchr(r->rest.p, '\0', r->rest.n) ||
        memchr(r->rest.p, '\r', r->rest.n))
        return wrong(r, "not a line of text");
    if (*r->rest.p == '[')
        return parse_header(r);
    if (skip_word(r, "memory")) {
        if (r->in_section)
            return wrong(r, "memory stands above the first section");
        if (take_count(r, "number of entries", &r->p->memory) < 0)
            return -EINVAL;
        return r->p->memory <= MEMORY_MAX && r->rest.n == 0
                   ? 0
                   : wrong(r, "memory takes a number of entries, at most 16M");
    }
    (void)next_word(r, &w);
    if (server_verb_list(w.text, &verbs, &ignored) < 0 || verbs == 0 || verbs & (verbs - 1))
        return wrong(r, "no such step: %s (such as CONNECT, MAIL, RCPT, DATA, \".\")", w.text);
    if (!r->in_section)
        return wrong(r, "a rule outside a section, such as [default]");
    return parse_rule(r, (uint32_t)__builtin_ctz(verbs));
}

int profile_parse(struct profile *p, struct slice text, const char *name, struct diag *d)
{
    struct parser r = {.p = p, .name = name, .d = d};
    int rc;

    *p = (struct profile){.memory = MEMORY_DEFAULT};
    p->texts = malloc(2 * text.n + 16); /* a reply kept is shorter than its line, but for CR */
    rc = p->texts ? add_set(&r) : no_memory(&r);
    while (rc == 0 && text.n > 0) {
        const char *lf = memchr(text.p, '\n', text.n);
        size_t n = lf ? (size_t)(lf - text.p) : text.n;

        r.line++;
        r.rest = trim((struct slice){text.p, n});
        rc = parse_line(&r);
        text = slice_from(text, lf ? n + 1 : n);
    }
    if (rc < 0)
        profile_done(p);
    return rc;
}
