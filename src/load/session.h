/*
 * A session of the load: takes messages, connects, lets the client machine speak, turns its events
 * into statistics, and goes on to the next connection.
 */
#ifndef LOAD_SESSION_H
#define LOAD_SESSION_H

#include "client.h"
#include "content.h"
#include "io.h"
#include "timer.h"

struct auth_client;
struct worker;
struct send_buffer;

/* A message under way. */
struct delivery {
    struct client_mail mail;
    struct mail_message message;
    uint64_t intended[]; /* one, with a target rate only: when it was to start, ns */
};

enum session_state {
    SESSION_WAITING, /* no connection: between messages (-w, -R), or before the first */
    SESSION_QUEUED,  /* has a message, waits for its turn to connect */
    SESSION_CONNECTING,
    SESSION_OPEN,
    SESSION_CLOSING,
    SESSION_ASLEEP, /* not among the sessions that there are to be now (--session-stages) */
    SESSION_OVER
};

#define LEFT_ALL UINT32_MAX

/*
 * In its worker's memory a session is followed by its client, and that by its deliveries; behind
 * each of these, and behind all, is what --transactions keeps, if that is wanted.
 */
struct session {
    struct io_conn conn;
    struct timer timer;
    struct worker *worker;
    struct auth_client *auth;   /* under way; NULL: none */
    struct send_buffer *buffer; /* lent to the driver with the send under way; NULL: none is */
    struct session *next;       /* in the line for connecting, or */
    struct session *previous;   /* among those that wait for a start, see model.h */
    uint64_t connection;        /* its number in the run */
    uint64_t event_at;          /* when connecting, or TLS, began */
    uint64_t pause_until;       /* no new message before this */
    uint32_t unsent;            /* octets of the send under way */
    uint16_t first_address;     /* of its target's: where it began, and how many of them failed */
    uint16_t addresses_tried;
    uint32_t tries;        /* of -C */
    uint32_t left;         /* messages that this connection may still take; LEFT_ALL: no limit */
    uint16_t failures;     /* --keep-going: connections in a row without an accepted message */
    uint16_t first, count; /* of the deliveries under way, a ring, in order */
    uint8_t state;
    uint8_t target;      /* of this connection */
    bool paused : 1;     /* open, and waits for pause_until */
    bool parked : 1;     /* waits for a start to fall due */
    bool claim : 1;      /* goes to connect on behalf of a start that is due */
    bool stays : 1;      /* of --idle-sessions: takes no messages */
    bool waiting : 1;    /* open, and stays until the end */
    bool ready : 1;      /* the connection has been ready for a message */
    bool failed : 1;     /* the connection went wrong: wait before the next */
    bool again : 1;      /* connect once more, to the next address */
    bool holds_turn : 1; /* counts among the connects in progress */
    bool stood : 1;      /* the connection was made */
    bool was_idle : 1;   /* had no message under way when the connection ended */
};

static inline struct client *session_client(struct session *s)
{
    return (struct client *)(void *)(s + 1);
}

/* s is zeroed. */
void session_init(struct session *, struct worker *);
void session_done(struct session *);

/*
 * Takes a message and asks for a connection; or is over when there is no message. With --keep-going
 * the message is taken when the connection is ready for it.
 */
void session_begin(struct session *);

/* The oldest message under way; there is one. */
struct delivery *session_oldest(struct session *);

/* The address that it connects or is connected to. */
const struct address *session_address(const struct session *);

/* Its turn to connect. */
void session_connect(struct session *);

/* Pulls what the client machine has to tell, then sends what it has to say. */
void session_go_on(struct session *, uint64_t now);

/* No more messages, or the run is finishing: a session that only waits ends. */
void session_stop_waiting(struct session *);

/* Goes on: there may be something for it to do. While it is open. */
void session_resume(struct session *);

/* It is not among the sessions that there are to be: finishes what it is at. */
void session_retire(struct session *);

/* Ends at once; what was under way is accounted for. */
void session_abort(struct session *);

#endif
