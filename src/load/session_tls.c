/*
 * Between the filter on the connection and the client machine.
 */
#include "session_tls.h"

#include "secure.h"
#include "session_target.h"
#include "worker.h"

static struct session *of_conn(struct io_conn *c)
{
    return (struct session *)((char *)c - offsetof(struct session, conn));
}

static void done(struct io_conn *c, const struct tls *t)
{
    struct session *s = of_conn(c);
    struct stats *st = s->worker->stats;
    uint64_t now = io_now(s->worker->io);
    char name[KINDS_NAME];

    stats_count(st, tls_resumed(t) ? COUNTER_TLS_RESUMED : COUNTER_TLS_FULL);
    stats_latency(st, PHASE_TLS, now - s->event_at);
    kinds_add(&st->tls, tls_describe(t, name, sizeof name), 1);
    if (s->worker->load->client->trace)
        diag_note("TLS: %s%s", name, tls_resumed(t) ? ", resumed" : "");
    client_tls_done(session_client(s), now);
    session_go_on(s, now);
}

static void failed(struct io_conn *c, const struct diag *why)
{
    struct session *s = of_conn(c);
    struct worker *w = s->worker;
    char where[SESSION_WHERE_SIZE];

    if (s->state != SESSION_OPEN)
        return;
    stats_count(w->stats, COUNTER_TLS_FAILED);
    /* As a connection that can't be made. */
    worker_failure(w, FAILURE_TLS, "%s%s", why->text, session_where(s, where));
    client_tls_failed(session_client(s));
    session_go_on(s, io_now(w->io));
}

static void wire(struct io_conn *c, size_t received, size_t sent)
{
    struct stats *st = of_conn(c)->worker->stats;

    stats_add(st, COUNTER_RECEIVED_BYTES, received);
    stats_add(st, COUNTER_SENT_BYTES, sent);
}

static const struct secure_handler handler = {.done = done, .failed = failed, .wire = wire};

void session_tls_begin(struct session *s)
{
    struct worker *w = s->worker;

    s->event_at = io_clock(w->io);
    if (secure_start(w->io, &s->conn, w->targets[s->target].tls, &handler, s->unsent) < 0)
        worker_fatal(w, "out of memory");
}
