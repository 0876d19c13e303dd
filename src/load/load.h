/*
 * A load: sessions that send messages to one target or several, spread over workers. This header is
 * what the program sees; session.h and worker.h are inside.
 */
#ifndef LOAD_LOAD_H
#define LOAD_LOAD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "bind.h"
#include "client.h"
#include "content.h"
#include "control.h"
#include "endpoint.h"
#include "io.h"
#include "opt.h"
#include "require.h"
#include "schedule.h"
#include "stats.h"
#include "target.h"
#include "think.h"
#include "threading.h"

/* How a session ends its connection after its last message: --close. */
enum load_close {
    CLOSE_QUIT,  /* QUIT, and when that is answered RST, which leaves no TIME_WAIT behind */
    CLOSE_FIN,   /* no QUIT, an orderly end */
    CLOSE_RESET, /* no QUIT, RST */
};

/* What is searched for. */
enum load_find { FIND_NOTHING, FIND_RATE, FIND_SESSIONS };

/* Filled from the command line, then frozen. */
struct load_settings {
    uint64_t sessions;         /* -s */
    uint64_t messages;         /* -m */
    uint64_t connect_tries;    /* -C */
    uint64_t wait;             /* -w, ns; 0: none */
    uint64_t random_wait;      /* -R, ns; 0: none */
    uint64_t tcp_window;       /* -T, octets; 0: the system's */
    struct threads threads;    /* --threads, --pin */
    uint64_t connect_parallel; /* connects in progress at a time, 1 or more */
    uint64_t rate_count;       /* --connect-rate: so many attempts ... */
    uint64_t rate_period;      /* ... in so many ns; rate_count 0: without a rate */
    uint64_t timeout;          /* ns; 0: RFC 5321's */
    const char *bind;          /* --bind as typed, or NULL */
    int close;                 /* enum load_close */
    int nodelay;               /* bool */
    bool fastopen;
    bool all_addresses;
    int proxy;                        /* --proxy, enum proxy_version */
    struct bind_list proxy_sources;   /* --proxy-source; owned. Count 0: none */
    struct bind_list xclient_sources; /* --xclient-addr; likewise */
    const char *xclient_sets;         /* --xclient-attr as typed; NULL: none */

    /* Load models; completed by load_settings_complete(). */
    uint64_t rate;                  /* --rate, as of num_rate(); 0: none */
    uint64_t duration;              /* --duration, ns; 0: none */
    uint64_t warmup;                /* --warmup, ns */
    uint64_t interval;              /* --interval, ns */
    uint64_t late_drop;             /* --late, ns; 0: starts wait as long as it takes */
    uint64_t give_up;               /* --give-up, ns; NS_NEVER: go on trying */
    uint64_t seed;                  /* --seed; 0: none */
    uint64_t idle_sessions;         /* --idle-sessions, beyond -s */
    uint64_t length;                /* of the run with its warm-up, ns; NS_NEVER: by -m alone */
    struct span per_connection;     /* --per-connection; low 0: none */
    struct think think;             /* --think */
    struct schedule schedule;       /* of starts; count 0: every session in a loop */
    struct schedule session_stages; /* --session-stages; count 0: none */
    struct require require;         /* --require; count 0: none */
    struct require stop_when;       /* --stop-when */
    struct require find_when;       /* --find-rate, --find-sessions: their condition */
    uint64_t find_low, find_high;   /* --between; 0: the default */
    uint64_t step;                  /* --step-duration, ns */
    const char *between;            /* --between as typed */
    int find;                       /* enum load_find */
    int arrival;                    /* --arrival, enum arrival_kind */
    bool keep_going;
    bool spin;
    bool interval_given;
    bool keep_connection; /* -d */
    bool tolerant;        /* -A */
    bool counter;         /* -c */
};

/* -m when there is none: as many as there is time for. */
#define LOAD_UNLIMITED (UINT64_C(1) << 48)

/*
 * Fills in what follows from what was given, -s and -m included, which are 0 when not given. 0, or
 * -EINVAL with diag set when the options contradict each other.
 */
int load_settings_complete(struct load_settings *, struct diag *);

/*
 * The mean target rate between two points in time since the run's begin, as of num_rate(); 0: there
 * is none.
 */
uint64_t load_target_rate(const struct load_settings *, uint64_t from, uint64_t to);

extern const struct opt model_options[];
extern const size_t model_option_count;

extern const struct opt load_options[];
extern const size_t load_option_count;

struct auth_settings;
struct auth_users;
struct tls_identity;
struct tls_settings;
struct transactions;

/* struct client_config's xclient(), for the sessions of a load that wants XCLIENT. */
size_t load_xclient(const struct client *, char out[CLIENT_XCLIENT_MAX]);

struct worker;

/* What a worker's thread has used, see process.h. */
struct load_usage {
    uint64_t elapsed_ns;
    uint64_t cpu_ns;
    uint64_t wait_ns; /* NS_NEVER: not known */
};

/* A run's shared part: read-only for the workers but for the atomics. */
struct load {
    const struct load_settings *settings;
    const struct client_config *client;
    struct io_kind io; /* load_start() may fall back on another driver */
    struct mail_content *content;
    const struct target_list *targets; /* resolved */
    const struct bind_list *bind;      /* where connections come from; NULL: as the system likes */
    struct client_form form;           /* of all messages, made from content */
    uint64_t seed;                     /* of schedule, think times, jitter */
    uint64_t number_base;              /* messages of earlier runs of the same program */
    const struct tls_settings *tls;    /* NULL: none is wanted; else the next two are set */
    const struct tls_identity *identity; /* to show to a server; for load_start() only */
    const struct auth_settings *auth;    /* NULL: nobody authenticates; else users is set */
    const struct auth_users *users;
    struct transactions *transactions; /* where each message is told of; NULL: nowhere */
    struct run_control control;
    atomic_bool warming;   /* what workers record from the next interval on is the warm-up's */
    atomic_bool exhausted; /* every message is with some worker */
    atomic_uint running;   /* workers that have not ended */
    struct worker *workers;
    uint64_t worker_count;
    struct load_usage *usage;   /* by worker, after load_finish(); load_done() frees */
    uint64_t held_at;           /* when the pause began */
    uint64_t elapsed;           /* from the first worker's start to the last one's end, ns */
    _Atomic uint64_t begin;     /* of the first worker's loop, ns; NS_NEVER: yet to come */
    uint64_t ended_at;          /* the latter, on the monotonic clock */
    int done_fd;                /* becomes readable when all workers have ended */
    atomic_bool told_plaintext; /* some session went without TLS, and it was said */
    atomic_uint told_failures;  /* bits of enum failure */
    /* Messages that the workers have for themselves so far; more than there are at the end. */
    _Alignas(64) atomic_uint_fast64_t next;
    atomic_uint_fast64_t connections; /* connections numbered so far */
    atomic_uint_fast64_t ended;       /* -c: messages whose end of data was answered */
};

/* How many workers these settings make: none without a session. */
uint64_t load_threads(const struct load_settings *);

/* Starts the workers. The fields above `control` are set by the caller, the others zero. 0 or
 * -errno, diag set. */
int load_start(struct load *, struct diag *);

/* Makes the workers look at control soon. */
void load_wake(struct load *);

/*
 * A pause, from now until load_go_on(): what is under way is finished, and no message begun. The
 * time that it takes is not the run's: schedule, end, stages and begin move by it, so that neither
 * a rate nor a response time has it in it. (Messages that end in it, about as many as a pause's end
 * has to get under way again, count.) Each is for the thread that watches; idempotent.
 */
void load_hold(struct load *, uint64_t now);
void load_go_on(struct load *, uint64_t now);

/* When the run began, moved by its pauses; NS_NEVER: it is yet to. */
uint64_t load_began(const struct load *);

/*
 * What was recorded since the last call is merged into both (either may be NULL); waits for the
 * workers to hand it over, no longer than so many ms. While they run only.
 */
#define LOAD_PATIENCE 20
void load_interval(struct load *, struct stats *interval, struct stats *total, unsigned patience);

/*
 * Joins the workers and completes the account: adds to `rest` what load_interval() has not taken,
 * and as missed the messages that were never started. ended_before: messages that had ended in
 * what was taken earlier.
 */
void load_finish(struct load *, struct stats *rest, uint64_t ended_before);

/*
 * Frees what load_finish() left to be looked at, and makes it ready for another load_start(), whose
 * messages have numbers of their own. Takes a zeroed one.
 */
void load_done(struct load *);

#endif
