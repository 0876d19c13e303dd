/*
 * What the client machine's events mean for a load: statistics, diagnostics, the end of the run.
 */
#ifndef LOAD_SESSION_EVENTS_H
#define LOAD_SESSION_EVENTS_H

#include "session.h"

/* Accounts for one event at time now. */
void session_event(struct session *, const struct client_event *, uint64_t now);

/* The oldest message under way is over: its place is free. */
void session_delivered(struct session *);

#endif
