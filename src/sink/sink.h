/*
 * A server that receives mail and throws it away: joins the I/O driver with the server machine,
 * counts, and stops when told or when it has seen enough. Used by smtp-sink, and by smtp-source as
 * a child process (embed.h).
 */
#ifndef SINK_SINK_H
#define SINK_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auth_settings.h"
#include "diag.h"
#include "io.h"
#include "kinds.h"
#include "server.h"
#include "server_plan.h"
#include "threading.h"
#include "tls_settings.h"

struct address;
struct capture_config;
struct sink;
struct sink_numbers;

enum sink_tls { SINK_TLS_NO, SINK_TLS_STARTTLS, SINK_TLS_IMPLICIT };

/* All borrowed until sink_free(); the server part is frozen by sink_open(). */
struct sink_config {
    struct server_config server;
    struct io_kind io; /* sink_serve() may fall back on another driver */
    int tls_mode;      /* enum sink_tls */
    struct tls_settings tls;
    struct auth_settings auth;
    const struct auth_users *users; /* instead of a file of them; NULL: none */
    const char *listen;             /* see endpoint_resolve_listener() */
    int family;                     /* AF_UNSPEC, AF_INET or AF_INET6 */
    uint64_t backlog;               /* of each listening socket */
    struct threads threads;         /* each with listening sockets of its own */
    uint64_t max_sessions;          /* at a time; more wait without a greeting; 0: no such limit */
    uint64_t stop_messages;         /* end after this many; 0: never */
    uint64_t stop_sessions;         /* likewise, sessions that ended */
    uint64_t timeout;               /* a session without input this long is closed; ns, 0: never */
    uint64_t window;                /* TCP buffer sizes, octets; 0: the system's */
    struct server_plan plan;        /* what is done to sessions on purpose */
    const char *profile;            /* file of behaviours, see profile.h; NULL: none */
    uint64_t seed;                  /* of what is left to chance there */
    uint64_t grace;                 /* ns that open transactions have to finish at a stop */
    uint32_t logged; /* -s: bit (1 << enum server_verb): to syslog, which the owner opens */
    const struct capture_config *capture; /* what to record; NULL: nothing */
    /* Called once a second while serving, with what there was a second ago or later; NULL: not. */
    void (*progress)(void *arg, const struct sink_numbers *);
    void *progress_arg;
    bool proxy;    /* --proxy: each session begins with a header of the PROXY protocol */
    bool counters; /* -c: running counters on stdout */
    bool verbose;  /* -v: commands on stderr */
};

/* smtp-sink's defaults; no address. */
void sink_config_init(struct sink_config *);

/* How it went. Fixed-size, without pointers: it also travels through a pipe. */
struct sink_numbers {
    uint64_t sessions;   /* that began */
    uint64_t peak;       /* open at the same time, the most there were */
    uint64_t quits;      /* ended by QUIT */
    uint64_t aborted;    /* cut off by us: timeout, too long a line, our end, … */
    uint64_t lost;       /* left by the client without QUIT */
    uint64_t messages;   /* complete ones, refused ones included */
    uint64_t recipients; /* accepted ones of those */
    uint64_t octets;     /* of content of those */
    uint64_t tls_full;   /* handshakes */
    uint64_t tls_resumed;
    uint64_t tls_failed;
    struct kinds tls;       /* versions, ciphers, groups */
    uint64_t auth_attempts; /* AUTH commands, where that is done in earnest */
    uint64_t auth_accepted;
    uint64_t auth_refused;
    struct kinds auth; /* the accepted by mechanism, and the refused */
    struct kinds auth_refusals;
    uint64_t received_bytes; /* off the wire */
    uint64_t sent_bytes;
    uint64_t refused[SERVER_VERB_COUNT]; /* replies of 4xx and 5xx */
    uint64_t unrecorded;  /* messages, and aborted transactions, that could not be recorded */
    uint64_t elapsed_ns;  /* from the first session's begin to the last one's end; 0: no session */
    uint64_t cpu_user_ns; /* of this process */
    uint64_t cpu_system_ns;
    uint64_t peak_rss_bytes;
    uint64_t workers;
    uint64_t ended; /* enum sink_end */
};

enum sink_end {
    SINK_STOPPED, /* by sink_stop() */
    SINK_COMPLETE /* stop_messages or stop_sessions was reached */
};

/*
 * Binds and listens; raises the soft limit of descriptors to the hard one. 0, or -errno with diag
 * set. After this privileges may be given up.
 */
int sink_open(struct sink **, struct sink_config *, struct diag *);

/*
 * Serves until stopped, on the calling thread and those that it starts. 0, or -errno with diag set
 * when a driver failed or a thread could not be started. Once.
 */
int sink_serve(struct sink *, struct diag *);

/*
 * Makes sink_serve() return when the open transactions have ended, or the grace has; told again, at
 * once. From any thread and from signal handlers, also before it began.
 */
void sink_stop(struct sink *);

/* Makes these signals call sink_stop(), and unblocks them. For one sink of the process. */
void sink_stop_by_signals(struct sink *, const int *numbers, size_t count);

/* After sink_serve(). */
void sink_numbers(struct sink *, struct sink_numbers *);

/* Can only this machine connect: is every address a loopback or UNIX one? */
bool sink_is_local(const struct sink *);

/* Was a port chosen by the system (port 0), so that only sink_listening() knows it? */
bool sink_has_new_port(const struct sink *);

/* "127.0.0.1:2525, [::1]:2525", with the real port numbers, into out; returns out. */
char *sink_listening(const struct sink *, char *out, size_t size);

/* The SHA-256 of the certificate that it made for itself; zeroes without one. */
const uint8_t *sink_certificate(const struct sink *);

/* The first address it listens on, with the real port. 0 or -errno. */
int sink_address(const struct sink *, struct address *);

/* Closes what is open, without ceremony. NULL is fine. */
void sink_free(struct sink *);

#endif
