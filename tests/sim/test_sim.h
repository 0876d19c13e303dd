/*
 * What the parts of the simulation's test program share.
 */
#ifndef SIM_TEST_SIM_H
#define SIM_TEST_SIM_H

#include "units.h"

/* Counts one test; amiss is NULL when it passed. */
void test_result(const char *label, const char *amiss);

/* Named should the process die. */
void test_begin(const char *label);

/* Misusing the driver is found. Forks. */
void test_misuse(void);

/* A faultless world with fixed times: every latency is known. */
void test_latency(void);

/* One fault, known beforehand: what becomes of the message, the run, and the words. */
void test_faults(void);

/* Rates and numbers of connects, ways to close. */
void test_connect(void);

/* Waiting: timeouts, a session that stands still, stopping. */
void test_time(void);

/* Load models: response times, series, stalls, outages, the capacity search. */
void test_models(void);

/*
 * The world of these cases, with a plan as plan_init() has it: one way takes CASE_LATENCY,
 * connecting CASE_CONNECT, and the server thinks for CASE_DELAY.
 */
struct plan;
void case_init(struct plan *, const char *label);

#define CASE_LATENCY (7 * NS_PER_MS)
#define CASE_CONNECT (11 * NS_PER_MS)
#define CASE_DELAY   (13 * NS_PER_MS)
#define CASE_GREET   (CASE_DELAY + CASE_LATENCY)
#define CASE_ROUND   (2 * CASE_LATENCY + CASE_DELAY)

/* Plays it and checks what every run must hold. NULL, or what is amiss. result_done() frees. */
struct result;
const char *case_play(struct plan *, struct result *);

#endif
