/*
 * TLS of a session: between the filter on its connection and the server machine.
 */
#include "secure.h"
#include "sink_impl.h"

static void done(struct io_conn *c, const struct tls *t)
{
    struct session *s = session_of_conn(c);
    struct sink_numbers *n = &worker_of(s)->account.numbers;
    char name[KINDS_NAME];

    ++*(tls_resumed(t) ? &n->tls_resumed : &n->tls_full);
    kinds_add(&n->tls, tls_describe(t, name, sizeof name), 1);
    if (worker_of(s)->config->verbose)
        diag_note("TLS: %s%s", name, tls_resumed(t) ? ", resumed" : "");
    sink_session_secured(s);
}

static void failed(struct io_conn *c, const struct diag *why)
{
    struct session *s = session_of_conn(c);

    worker_of(s)->account.numbers.tls_failed++;
    diag_warn("%s", why->text);
    sink_session_insecure(s);
}

static void wire(struct io_conn *c, size_t received, size_t sent)
{
    struct sink_numbers *n = &worker_of(session_of_conn(c))->account.numbers;

    n->received_bytes += received;
    n->sent_bytes += sent;
}

static const struct secure_handler handler = {.done = done, .failed = failed, .wire = wire};

void sink_session_secure(struct session *s)
{
    struct worker *w = worker_of(s);

    if (secure_start(w->io, &s->conn, w->tls, &handler, s->unsent) < 0)
        sink_session_abort(s);
}
