/*
 * The process around the workers: signals as data, limits, resources used.
 */
#ifndef RUN_PROCESS_H
#define RUN_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

#include "diag.h"

/*
 * First of all: files fail by errors. A standard output or error that is closed becomes one that
 * can't be written, and a standard input an empty one, so that no file of ours takes their place;
 * SIGPIPE and SIGXFSZ are ignored.
 */
void process_begin(void);

/* Whether SIGHUP, the end of the terminal, is to end the program: not under nohup(1). */
bool process_heeds_hangup(void);

/*
 * Blocks SIGINT, SIGTERM and SIGHUP (if that is heeded) in this and all later threads; they are
 * then taken by process_wait(). Call before any thread starts.
 */
void process_block_signals(void);

/*
 * Waits for a signal, or for a descriptor to become readable (negative ones never do), no longer
 * than ns. Returns the signal's number, or 0.
 */
int process_wait(uint64_t ns, int fd, int other);

/*
 * Makes sure that need more descriptors can be opened, raising the soft limit if it has to. 0, or
 * -EMFILE with diag set to need against limit.
 */
int process_need_files(uint64_t need, struct diag *);

struct process_usage {
    uint64_t user_ns; /* CPU time of all threads so far */
    uint64_t system_ns;
    uint64_t peak_bytes; /* largest resident set */
};

void process_usage(struct process_usage *);

/* What a result depends on and nobody remembers later. Nothing here names the machine. */
struct process_machine {
    char kernel[128]; /* "Linux 6.1.0-18-amd64 x86_64" */
    char cpu[128];    /* "" where the system doesn't say */
    uint64_t cpus;    /* that this process may use */
};

void process_machine(struct process_machine *);

/* What the calling thread has used so far. */
struct process_thread {
    uint64_t cpu_ns;
    uint64_t wait_ns; /* runnable, and waiting for a CPU; NS_NEVER where the kernel does not tell */
};

void process_thread(struct process_thread *);

/* Less what it had used before. */
void process_thread_since(struct process_thread *, const struct process_thread *before);

/* Lets the calling thread's timers fire when they are due, not up to 50 us later. */
void process_exact_timers(void);

/* A number that no other run has: 64 random bits. */
uint64_t process_random(void);

#endif
