/*
 * Authentication of a session.
 */
#ifndef LOAD_SESSION_AUTH_H
#define LOAD_SESSION_AUTH_H

#include "session.h"

/* Answers a CLIENT_AUTH event. */
void session_auth(struct session *, const struct client_event *);

/* The server has refused it. */
void session_auth_refused(struct session *);

/* Forgets what is left of it; fine when nothing is. */
void session_auth_done(struct session *);

#endif
