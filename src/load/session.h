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

struct worker;
struct send_buffer;

/* A message under way. */
struct delivery {
    struct client_mail mail;
    struct mail_message message;
};

enum session_state {
    SESSION_WAITING, /* no connection: between messages (-w, -R), or before the first */
    SESSION_QUEUED,  /* has a message, waits for its turn to connect */
    SESSION_CONNECTING,
    SESSION_OPEN,
    SESSION_CLOSING,
    SESSION_OVER
};

/* In its worker's memory a session is followed by its client, and that by its deliveries. */
struct session {
    struct io_conn conn;
    struct timer timer;
    struct worker *worker;
    struct client *client;
    struct send_buffer *buffer; /* lent to the driver with the send under way */
    struct session *next;       /* in the line for connecting */
    uint64_t connection;        /* its number in the run */
    uint64_t event_at;          /* when connecting began */
    uint64_t pause_until;       /* no new message before this */
    uint64_t unsent;            /* octets of the send under way */
    uint32_t first_address;     /* of the target's: where it began, and how many of them failed */
    uint32_t addresses_tried;
    uint32_t tries;        /* of -C */
    uint16_t first, count; /* of the deliveries under way, a ring, in order */
    uint8_t state;
    bool paused;     /* open, and waits for pause_until */
    bool holds_turn; /* counts among the connects in progress */
    bool stood;      /* the connection was made */
    bool was_idle;   /* had no message under way when the connection ended */
};

/* s is zeroed. */
void session_init(struct session *, struct worker *);
void session_done(struct session *);

/* Takes a message and asks for a connection; or is over when there is no message. */
void session_begin(struct session *);

/* Its turn to connect. */
void session_connect(struct session *);

/* No more messages, or the run is finishing: a session that only waits ends. */
void session_stop_waiting(struct session *);

/* Ends at once; what was under way is accounted for. */
void session_abort(struct session *);

#endif
