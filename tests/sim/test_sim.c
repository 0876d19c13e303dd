/*
 * The load over the simulated network: fixed cases with exact expectations, then runs at random,
 * each held to the account's rules and to the server's ledger.
 *
 *     test_sim              the quick form
 *     test_sim N            N runs at random
 *     test_sim --seed=N     one of them again, with its numbers
 *     test_sim --from=N     the first seed (default 1)
 *     test_sim --show       what the load warns about, on stderr
 */
#include "test_sim.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sim_run.h"

#define QUICK_RUNS   2000
#define QUICK_TWICE  150 /* seeds run twice */
#define QUICK_SHARED 60  /* runs with a busy main thread */
#define MIN_SESSIONS 10000

static unsigned passed, failed;
static const char *current = "";

void test_result(const char *label, const char *amiss)
{
    if (!amiss) {
        passed++;
        return;
    }
    failed++;
    if (failed <= 20)
        (void)printf("FAIL %s: %s\n", label, amiss);
    (void)fflush(stdout);
}

void test_begin(const char *label)
{
    current = label;
}

void case_init(struct plan *p, const char *label)
{
    plan_init(p, 1, label);
    p->net.latency = CASE_LATENCY;
    p->net.connect_time = CASE_CONNECT;
    p->script.delay = CASE_DELAY;
}

const char *case_play(struct plan *p, struct result *r)
{
    test_begin(p->label);
    p->script.lmtp = p->client.lmtp;
    run_plan(p, r);
    return result_check(p, r);
}

/* ---- Runs at random ---- */

/* What all runs together have seen: a rule that was never put to the test proves nothing. */
struct seen {
    uint64_t counter[COUNTER_COUNT];
    uint64_t connections;
    uint64_t messages;
    uint64_t failures;
    uint64_t faultless;
    uint64_t honest;
    uint64_t stops[3];
    double busiest;
    uint64_t busiest_seed;
};

static void note(struct seen *seen, const struct plan *p, const struct result *r)
{
    for (int i = 0; i < COUNTER_COUNT; i++)
        seen->counter[i] += r->total->counter[i];
    seen->connections += r->net.connected;
    seen->messages += p->load.messages;
    seen->failures += r->failed;
    seen->faultless += p->faultless;
    seen->honest += p->honest;
    seen->stops[r->stop]++;
    if (r->busy > seen->busiest) {
        seen->busiest = r->busy;
        seen->busiest_seed = p->seed;
    }
}

static void random_run(uint64_t seed, struct seen *seen, bool show)
{
    struct plan p;
    struct result r;

    plan_random(&p, seed);
    test_begin(p.label);
    run_plan(&p, &r);
    test_result(p.label, result_check(&p, &r));
    note(seen, &p, &r);
    if (show)
        result_print(&p, &r);
    result_done(&r);
}

static void twice(uint64_t seed)
{
    struct plan p;
    struct result r;
    uint64_t first;

    plan_random(&p, seed);
    test_begin(p.label);
    run_plan(&p, &r);
    first = result_fingerprint(&r);
    result_done(&r);
    plan_random(&p, seed);
    run_plan(&p, &r);
    test_result(p.label, result_fingerprint(&r) == first ? NULL : "two runs of one seed differ");
    result_done(&r);
}

/* The main thread takes intervals, wakes and stops, as it does in the program. */
static void shared(uint64_t seed)
{
    struct plan p;
    struct result r;

    plan_random(&p, seed);
    p.watched = true;
    p.load.messages += 100;
    p.faultless = p.faultless && seed % 4 != 3;
    test_begin(p.label);
    run_plan(&p, &r);
    test_result(p.label, result_check(&p, &r));
    result_done(&r);
}

/* Have the runs met everything that they are there for? */
static void check_seen(const struct seen *seen)
{
    char label[80];

    for (int i = 0; i < COUNTER_COUNT; i++) {
        /* The simulated server speaks neither: tests/tls and tests/auth have servers that do. */
        if (strcmp(counter_group((enum counter)i), "tls") == 0 ||
            strcmp(counter_group((enum counter)i), "auth") == 0)
            continue;
        (void)snprintf(label, sizeof label, "some run has: %s %s", counter_group((enum counter)i),
                       counter_name((enum counter)i));
        test_result(label, seen->counter[i] ? NULL : "never seen");
    }
    test_result("some runs fail", seen->failures ? NULL : "never seen");
    test_result("some runs are faultless", seen->faultless ? NULL : "never seen");
    test_result("some peers are honest", seen->honest ? NULL : "never seen");
    test_result("some runs are finished early", seen->stops[RUN_FINISH] ? NULL : "never seen");
    test_result("some runs are aborted", seen->stops[RUN_ABORT] ? NULL : "never seen");
    test_result("many sessions",
                seen->connections >= MIN_SESSIONS ? NULL : "fewer than were promised");
}

/* ---- The program ---- */

/* What is said on stderr when the process dies in mid-run: which run it was. */
static void died(int signal)
{
    (void)!write(STDOUT_FILENO, "FAIL ", 5);
    (void)!write(STDOUT_FILENO, current, strlen(current));
    (void)!write(STDOUT_FILENO, ": died\n", 7);
    (void)!write(STDOUT_FILENO, "0 passed, 1 failed\n", 19);
    (void)raise(signal); /* SA_RESETHAND: this time for good */
}

/* In the sanitizers' runtimes; absent in plain builds. */
extern void __sanitizer_set_report_fd(void *) __attribute__((weak));

/*
 * The load's warnings of thousands of runs go nowhere; those of assertions and sanitizers stay.
 */
static void hush(void)
{
    int err = dup(STDERR_FILENO);
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    FILE *f = err < 0 ? NULL : fdopen(err, "w");

    if (null < 0 || !f)
        return;
    (void)setvbuf(f, NULL, _IONBF, 0);
    stderr = f;
    if (__sanitizer_set_report_fd)
        __sanitizer_set_report_fd((void *)(intptr_t)err);
    (void)dup2(null, STDERR_FILENO);
    (void)close(null);
}

static bool number(const char *arg, const char *name, uint64_t *out)
{
    size_t n = strlen(name);
    unsigned long long value;
    char *end;

    if (strncmp(arg, name, n) != 0)
        return false;
    errno = 0;
    value = strtoull(arg + n, &end, 10);
    if (errno || end == arg + n || *end)
        return false;
    *out = value;
    return true;
}

static void all(uint64_t from, uint64_t runs)
{
    struct seen seen = {0};
    struct timespec a, b;

    (void)clock_gettime(CLOCK_MONOTONIC, &a);
    test_misuse();
    test_latency();
    test_faults();
    test_connect();
    test_time();
    test_models();
    for (uint64_t i = 0; i < runs; i++)
        random_run(from + i, &seen, false);
    if (runs >= QUICK_RUNS)
        check_seen(&seen);
    for (uint64_t i = 0; i < QUICK_TWICE && i < runs / 4; i++)
        twice(from + 3 * i);
    for (uint64_t i = 0; i < QUICK_SHARED && i < runs / 4; i++)
        shared(from + 7 * i);
    (void)clock_gettime(CLOCK_MONOTONIC, &b);
    (void)printf("%llu runs at random: %llu connections, %llu messages, %.1f s (longest run: seed "
                 "%llu, %.2f s)\n",
                 (unsigned long long)runs, (unsigned long long)seen.connections,
                 (unsigned long long)seen.messages,
                 (double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) / 1e9,
                 (unsigned long long)seen.busiest_seed, seen.busiest);
}

int main(int argc, char **argv)
{
    struct sigaction dying = {.sa_handler = died, .sa_flags = SA_RESETHAND};
    uint64_t runs = QUICK_RUNS;
    uint64_t from = 1;
    uint64_t seed = 0;
    bool show = false;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--show") == 0)
            show = true;
        else if (!number(argv[i], "--seed=", &seed) && !number(argv[i], "--from=", &from) &&
                 !number(argv[i], "", &runs)) {
            (void)fprintf(stderr, "usage: test_sim [N] [--from=N] [--seed=N] [--show]\n");
            return 2;
        }
    }
    if (!show)
        hush();
    (void)sigaction(SIGABRT, &dying, NULL);
    if (seed) {
        struct seen seen = {0};

        random_run(seed, &seen, true);
    } else {
        all(from, runs);
    }
    (void)printf("%u passed, %u failed\n", passed, failed);
    return failed ? 1 : 0;
}
