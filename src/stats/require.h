/*
 * Requirements on the numbers of a run, as people write them: "p99<250ms", "p99.9(rcpt)<20ms",
 * "errors<0.1%", "unknown==0", "rate>=0.99*target", several joined by "and"; and on the change from
 * one run to another: "p99(rcpt)>+10%", "rate<-50/s". All comparisons are in integers.
 */
#ifndef STATS_REQUIRE_H
#define STATS_REQUIRE_H

#include "diag.h"
#include "stats.h"

#define REQUIRE_TERMS 8
#define REQUIRE_TEXT  64

enum require_kind {
    REQUIRE_LATENCY, /* value in ns */
    REQUIRE_COUNT,   /* value a number */
    REQUIRE_SHARE,   /* value in billionths of the whole */
    REQUIRE_RATE     /* value as of num_rate() */
};

enum require_op {
    REQUIRE_LESS,
    REQUIRE_AT_MOST,
    REQUIRE_MORE,
    REQUIRE_AT_LEAST,
    REQUIRE_EQUAL,
    REQUIRE_OTHER
};

/* One comparison. Texts as typed, without blanks. */
struct require_term {
    char text[REQUIRE_TEXT];
    int kind;          /* enum require_kind */
    int measure;       /* what is measured: row of a table */
    int hist;          /* REQUIRE_LATENCY: which histogram */
    int op;            /* enum require_op */
    double percentile; /* REQUIRE_LATENCY: 0 .. 100; above: the mean */
    bool of_target;    /* REQUIRE_RATE: the value is in billionths of the target */
    int change;        /* 1, -1: compared is the change against a base, up or down; 0: the value */
    bool of_base;      /* a change: in billionths of the base's value */
    uint64_t value;
};

struct require {
    struct require_term terms[REQUIRE_TERMS];
    size_t count;
};

/* 0, or -EINVAL with diag set to the part at fault and what is wanted; `option` is named. */
int require_parse(struct require *, const char *text, const char *option, struct diag *);

/* Adds the terms of one more: all have to hold. 0, or -EINVAL with diag set. */
int require_add(struct require *, const char *text, const char *option, struct diag *);

/* The same for conditions that may be changes against a base, see require_compare(). */
int require_parse_limit(struct require *, const char *text, const char *option, struct diag *);

/* A term that compares nothing yet, by the name alone: "p99(rcpt)", "rate". 0 or -EINVAL. */
int require_measure(const char *name, struct require_term *);

/*
 * The time, ns, that a rate of messages is over, of what passed. Sessions in a loop: all of it.
 * With a target rate (0: there is none) nothing can end when the first messages have just begun,
 * and at the end the last ones only finish: when all start and end in their time, the rate is to be
 * the target's. So it is the time that the messages were due in, or, where those of a line ended
 * later than that, what passed less the shortest response time. Behind a warm-up (how long it was,
 * 0: there was none) nothing is to be put right: what had begun in it ends at the begin.
 */
uint64_t require_rate_time(const struct stats *, uint64_t elapsed, uint64_t warmup,
                           uint64_t target);

/* What is measured against. */
struct require_facts {
    const struct stats *stats;
    uint64_t elapsed; /* ns, of the rate */
    uint64_t target;  /* rate, as of num_rate(); 0: there is none */
    bool open;        /* latency without further words is the response time */
    uint64_t cpu;     /* of the generator, a message, ns; 0: not known */
};

struct require_result {
    bool known;     /* there was something to measure; what is unknown is not met */
    bool met;       /* the requirement holds */
    uint64_t value; /* measured, in the kind's unit, rounded */
};

/* Does the term hold? */
struct require_result require_check(const struct require_term *, const struct require_facts *);

/*
 * The same for a term that may be a change, from the base to the facts; what it was in the base is
 * put into *was. Known if both are.
 */
struct require_result require_compare(const struct require_term *, const struct require_facts *base,
                                      const struct require_facts *, struct require_result *was);

/* The same for one on the rate, if so many had been accepted. */
struct require_result require_check_rate(const struct require_term *, const struct require_facts *,
                                         uint64_t accepted);

/* Do all of them? */
bool require_all(const struct require *, const struct require_facts *);

/* Does some term need a target rate: to be compared with, or since it is of response or lag? */
bool require_wants_target(const struct require *);

/* Or the CPU time, which is known of whole runs only? */
bool require_wants_cpu(const struct require *);

#endif
