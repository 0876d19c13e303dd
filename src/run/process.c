/*
 * Signals, limits, resources.
 */
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "units.h"

/* Descriptors that a program has open besides its connections; a live page's are among them. */
#define FILES_ASIDE 64

static int signals = -1; /* set once, before threads start */

void process_begin(void)
{
    int fd;

    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is as a full disk */
    do
        fd = open("/dev/null", O_RDONLY);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        (void)close(fd);
}

bool process_heeds_hangup(void)
{
    struct sigaction action;

    return sigaction(SIGHUP, NULL, &action) == 0 && action.sa_handler != SIG_IGN;
}

void process_block_signals(void)
{
    sigset_t set;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGTERM);
    if (process_heeds_hangup())
        (void)sigaddset(&set, SIGHUP);
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int process_wait(uint64_t ns, int fd, int other)
{
    struct pollfd p[3] = {{.fd = signals, .events = POLLIN},
                          {.fd = fd, .events = POLLIN},
                          {.fd = other, .events = POLLIN}};
    struct timespec limit = {(time_t)(ns / NS_PER_S), (long)(ns % NS_PER_S)};
    struct signalfd_siginfo info;

    if (ppoll(p, 3, &limit, NULL) <= 0 || !(p[0].revents & POLLIN))
        return 0;
    if (read(signals, &info, sizeof info) != (ssize_t)sizeof info)
        return 0;
    return (int)info.ssi_signo;
}

int process_need_files(uint64_t need, struct diag *d)
{
    struct rlimit limit;

    need += FILES_ASIDE;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= need)
        return 0;
    if (limit.rlim_max >= need) {
        limit.rlim_cur = limit.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &limit) == 0)
            return 0;
    }
    return diag_set(d, -EMFILE,
                    "%" PRIu64 " descriptors are needed and %" PRIu64
                    " allowed: ask for fewer sessions, or raise the limit (ulimit -Hn)",
                    need, (uint64_t)limit.rlim_max);
}

static uint64_t ns_of(struct timeval t)
{
    return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_usec * NS_PER_US;
}

/* Not ru_maxrss, which begins with what the process was before it became this program. */
static uint64_t peak_of(const struct rusage *r)
{
    uint64_t kib = (uint64_t)r->ru_maxrss;
    FILE *in = fopen("/proc/self/status", "re");
    char line[256];

    while (in && fgets(line, sizeof line, in))
        if (sscanf(line, "VmHWM: %" SCNu64, &kib) == 1)
            break;
    if (in)
        (void)fclose(in);
    return kib * 1024;
}

void process_usage(struct process_usage *u)
{
    struct rusage r = {0};

    (void)getrusage(RUSAGE_SELF, &r);
    u->user_ns = ns_of(r.ru_utime);
    u->system_ns = ns_of(r.ru_stime);
    u->peak_bytes = peak_of(&r);
}

/* The first "model name" of /proc/cpuinfo (x86), or "" (others tell it in other ways or not). */
static void read_cpu(char *out, size_t size)
{
    FILE *in = fopen("/proc/cpuinfo", "re");
    char line[256];

    *out = '\0';
    while (in && *out == '\0' && fgets(line, sizeof line, in)) {
        const char *colon = strchr(line, ':');

        if (!colon || strncmp(line, "model name", 10) != 0)
            continue;
        colon += 1 + strspn(colon + 1, " ");
        diag_printable(out, size, (struct slice){colon, strcspn(colon, "\n")});
    }
    if (in)
        (void)fclose(in);
}

void process_machine(struct process_machine *m)
{
    struct utsname name;
    cpu_set_t set;

    *m = (struct process_machine){0};
    if (uname(&name) == 0)
        (void)snprintf(m->kernel, sizeof m->kernel, "%.30s %.60s %.30s", name.sysname, name.release,
                       name.machine);
    read_cpu(m->cpu, sizeof m->cpu);
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        m->cpus = (uint64_t)CPU_COUNT(&set);
}

/* /proc/thread-self/schedstat: time on a CPU, time waiting for one, both ns, and time slices. */
static uint64_t run_queue_wait(void)
{
    char text[128];
    char *at = text;
    int fd = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);

    if (fd >= 0)
        (void)close(fd);
    if (n <= 0)
        return NS_NEVER;
    text[n] = '\0';
    (void)strtoull(at, &at, 10);
    return *at == ' ' ? strtoull(at, NULL, 10) : NS_NEVER;
}

void process_thread(struct process_thread *t)
{
    struct timespec cpu = {0};

    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu);
    t->cpu_ns = (uint64_t)cpu.tv_sec * NS_PER_S + (uint64_t)cpu.tv_nsec;
    t->wait_ns = run_queue_wait();
}

void process_thread_since(struct process_thread *t, const struct process_thread *before)
{
    t->cpu_ns -= before->cpu_ns;
    if (t->wait_ns != NS_NEVER && before->wait_ns != NS_NEVER)
        t->wait_ns -= before->wait_ns;
    else
        t->wait_ns = NS_NEVER;
}

void process_exact_timers(void)
{
    (void)prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
}

uint64_t process_random(void)
{
    uint64_t n = 0;

    while (n == 0)
        if (getrandom(&n, sizeof n, 0) != (ssize_t)sizeof n)
            n = (uint64_t)getpid() << 32;
    return n;
}
