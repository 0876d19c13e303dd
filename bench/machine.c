/*
 * What figures depend on that is the machine's, a line each, in nanoseconds:
 *
 *     machine CPU [OTHER-CPU]
 *
 *     system_call N     entering the kernel and leaving it
 *     round_trip N      a command and its reply through TCP on the loopback: both sends and both
 *                       receives, by one thread that never waits. No pair of programs needs less.
 *     core_to_core N    a word in memory from one CPU's cache to the other's: some 20 to 40 between
 *                       hyperthreads of a core, 50 between cores that share a cache, else 200 and
 *                       more. Figures across cores move with it.
 *
 * Each is that of the least disturbed of many rounds. On a virtual machine all may change between
 * two runs.
 */
#include <arpa/inet.h>
#include <math.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 500, TURNS = 500, COMMAND = 32, REPLY = 16 };

static _Alignas(128) atomic_int turn;

static _Noreturn void fail(const char *what)
{
    perror(what);
    exit(1);
}

static int number(const char *text)
{
    return (int)strtol(text, NULL, 10);
}

static void stay_on(int cpu)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    if (sched_setaffinity(0, sizeof set, &set) < 0)
        fail("machine");
    /* Undisturbed, where that is allowed. */
    (void)sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){.sched_priority = 1});
}

static double now(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* The quickest of ROUNDS rounds of TURNS turns: one turn's share. */
static double least(void (*round)(void *), void *arg)
{
    double best = HUGE_VAL;

    for (int i = 0; i < ROUNDS; i++) {
        double start = now();

        round(arg);
        best = fmin(best, now() - start);
    }
    return best / TURNS;
}

static void call(void *arg)
{
    (void)arg;
    for (int i = 0; i < TURNS; i++)
        (void)syscall(SYS_getppid);
}

static void exchange(void *arg)
{
    const int *end = arg;
    char octets[COMMAND] = "";

    for (int i = 0; i < TURNS; i++)
        if (send(end[0], octets, COMMAND, 0) != COMMAND ||
            recv(end[1], octets, COMMAND, 0) != COMMAND ||
            send(end[1], octets, REPLY, 0) != REPLY || recv(end[0], octets, COMMAND, 0) != REPLY)
            fail("machine: loopback");
}

static double round_trip(void)
{
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof here;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    int on = 1;
    int end[2];
    double ns;

    if (listener < 0 || bind(listener, (struct sockaddr *)&here, length) < 0 ||
        listen(listener, 1) < 0 || getsockname(listener, (struct sockaddr *)&here, &length) < 0)
        fail("machine: listen");
    end[0] = socket(AF_INET, SOCK_STREAM, 0);
    if (end[0] < 0 || connect(end[0], (struct sockaddr *)&here, length) < 0)
        fail("machine: connect");
    end[1] = accept(listener, NULL, NULL);
    if (end[1] < 0)
        fail("machine: accept");
    for (int i = 0; i < 2; i++)
        (void)setsockopt(end[i], IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ns = least(exchange, end);
    (void)close(end[0]);
    (void)close(end[1]);
    (void)close(listener);
    return ns;
}

/* Waits for its number to come up, and calls the other's. */
static void play(int mine)
{
    for (int i = 0; i < TURNS; i++) {
        while (atomic_load_explicit(&turn, memory_order_acquire) != mine)
            ;
        atomic_store_explicit(&turn, !mine, memory_order_release);
    }
}

static void *other(void *cpu)
{
    stay_on(*(const int *)cpu);
    for (int i = 0; i < ROUNDS; i++)
        play(1);
    return NULL;
}

static void play_first(void *arg)
{
    (void)arg;
    play(0);
}

/* The other thread begins before this one is bound to a CPU, lest it begins there, too. */
static double core_to_core(int cpu, int other_cpu)
{
    pthread_t thread;
    double ns;

    if (pthread_create(&thread, NULL, other, &other_cpu) != 0)
        fail("machine: thread");
    stay_on(cpu);
    ns = least(play_first, NULL) / 2;
    (void)pthread_join(thread, NULL);
    return ns;
}

int main(int argc, char **argv)
{
    if (argc < 2 || argc > 3 || (argc == 3 && number(argv[1]) == number(argv[2]))) {
        fprintf(stderr, "usage: machine CPU [OTHER-CPU]\n");
        return 1;
    }
    if (argc == 3)
        printf("core_to_core %.0f\n", core_to_core(number(argv[1]), number(argv[2])));
    stay_on(number(argv[1]));
    printf("system_call %.0f\n", least(call, NULL));
    printf("round_trip %.0f\n", round_trip());
    return 0;
}
