/*
 * One run of the load over the simulated network: what it is made of, and what came of it.
 */
#ifndef SIM_SIM_RUN_H
#define SIM_SIM_RUN_H

#include "client.h"
#include "content.h"
#include "ledger.h"
#include "load.h"
#include "script.h"
#include "sim.h"
#include "stats.h"

#define STOPS_MAX 2

struct stop {
    enum run_stop level;
    uint64_t completions; /* raised when the network has told so many */
    uint64_t at;          /* or, if that is 0, so long after the beginning; ns */
};

struct plan {
    uint64_t seed;
    char label[160]; /* how to repeat it */
    struct load_settings load;
    struct mail_settings mail;
    struct client_config client;
    struct sim_config net;
    struct script_config script;
    bool honest; /* the peer is the server machine, not the script */
    uint64_t size_limit;
    uint32_t room;
    uint32_t targets;   /* 1 to 3; of several the last can't be reached */
    uint32_t addresses; /* of each target */
    uint32_t address;   /* the one where somebody listens, from 0; none: addresses */
    struct stop stops[STOPS_MAX];
    int stop_count;
    bool lies;      /* the peer may lie */
    bool faultless; /* nothing goes wrong */
    bool dotted;    /* a message from a file, full of dots */
    void (*begun)(void *arg, struct load *, struct sim_world *); /* from the first turn; or NULL */
    void *arg;
    uint64_t taken_out; /* messages that begun() has seen to, and taken out of the statistics */
    bool watched;       /* the main thread asks for intervals meanwhile, as the live view does */
};

struct result {
    struct stats *total;
    struct ledger_sums ledger;
    struct sim_numbers net;
    bool failed;
    char failure[sizeof(struct diag)];
    enum run_stop stop;
    struct load_settings settings; /* as completed */
    uint64_t elapsed;              /* of the fake clock; ns */
    uint64_t stopped;      /* when the last stop was raised, since the beginning; NS_NEVER: none */
    uint64_t last_message; /* when the scripted server answered it, since the beginning; 0: none */
    double busy;           /* real seconds */
};

/* 1 session, 1 message, 1 recipient, SMTP in lockstep, over a network without delay or fault. */
void plan_init(struct plan *, uint64_t seed, const char *label);

/* Everything at random from the seed. */
void plan_random(struct plan *, uint64_t seed);

/* Plays it. result_done() frees. */
void run_plan(struct plan *, struct result *);
void result_done(struct result *);

/* What every run must hold, whatever went wrong in it. NULL, or what is amiss. */
const char *result_check(const struct plan *, const struct result *);

/* Equal for equal runs: of all counters, histograms and refusals, and of the network's numbers. */
uint64_t result_fingerprint(const struct result *);

/* For a look at a run. */
void result_print(const struct plan *, const struct result *);

#endif
