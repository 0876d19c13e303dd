/*
 * Sessions that a client may resume: those that the server gave lately. One of TLS 1.3 is used once
 * (RFC 8446 appendix C.4); the server gives another with each handshake.
 */
#include <errno.h>
#include <stdlib.h>

#include "tls_impl.h"

/* OpenSSL has a new session, and hands its reference over if this returns 1. */
static int keep(SSL *ssl, SSL_SESSION *session)
{
    struct tls_context *cx = tls_of(ssl)->cx;

    if (cx->session_count == TLS_SESSIONS_MAX)
        return 0;
    cx->sessions[cx->session_count++] = session;
    return 1;
}

int tls_sessions_keep(struct tls_context *cx, struct diag *d)
{
    cx->sessions = calloc(TLS_SESSIONS_MAX, sizeof *cx->sessions);
    if (!cx->sessions)
        return diag_set(d, -ENOMEM, "out of memory");
    SSL_CTX_set_session_cache_mode(cx->ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(cx->ctx, keep);
    return 0;
}

void tls_sessions_offer(struct tls *t)
{
    struct tls_context *cx = t->cx;
    SSL_SESSION *s;

    if (cx->settings->resume == 0 || rng_below(&cx->rng, 100) >= cx->settings->resume)
        return;
    while (cx->session_count > 0) {
        bool usable;

        s = cx->sessions[cx->session_count - 1];
        usable = SSL_SESSION_is_resumable(s) && SSL_set_session(t->ssl, s) == 1;
        if (usable && SSL_SESSION_get_protocol_version(s) < TLS1_3_VERSION)
            return;
        SSL_SESSION_free(s);
        cx->session_count--;
        if (usable)
            return;
    }
}

void tls_sessions_drop(struct tls_context *cx)
{
    while (cx->session_count > 0)
        SSL_SESSION_free(cx->sessions[--cx->session_count]);
    free(cx->sessions);
}
