/*
 * How far two CPUs are from each other: the time that a word in memory takes from one's cache to
 * the other's. Hyperthreads of a core need some 20 ns, cores that share a cache 50, others 200 and
 * more. Figures across cores move with it, and on a virtual machine it may change between two runs.
 *
 *     distance CPU OTHER-CPU      prints nanoseconds, of the least disturbed of many rounds
 */
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { ROUNDS = 500, TURNS = 500 };

static _Alignas(128) atomic_int turn;

static int number(const char *text)
{
    return (int)strtol(text, NULL, 10);
}

static void stay_on(int cpu)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    if (sched_setaffinity(0, sizeof set, &set) < 0) {
        perror("distance");
        exit(1);
    }
    /* Undisturbed, where that is allowed. */
    (void)sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){.sched_priority = 1});
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

static double now(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

int main(int argc, char **argv)
{
    double least = HUGE_VAL;
    pthread_t thread;
    int cpu;

    if (argc != 3 || number(argv[1]) == number(argv[2])) {
        fprintf(stderr, "usage: distance CPU OTHER-CPU\n");
        return 1;
    }
    cpu = number(argv[2]);
    if (pthread_create(&thread, NULL, other, &cpu) != 0) {
        perror("distance");
        return 1;
    }
    stay_on(number(argv[1])); /* not before, lest the other thread begins there, too */
    for (int i = 0; i < ROUNDS; i++) {
        double start = now();

        play(0);
        least = fmin(least, now() - start);
    }
    (void)pthread_join(thread, NULL);
    printf("%.0f\n", least / (2.0 * TURNS));
    return 0;
}
