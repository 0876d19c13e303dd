/*
 * TLS of a session: begun when the client machine asks for it, its events turned into statistics.
 */
#ifndef LOAD_SESSION_TLS_H
#define LOAD_SESSION_TLS_H

#include "session.h"

/* The client machine has said CLIENT_TLS. */
void session_tls_begin(struct session *);

#endif
