/*
 * Between the client machine and an authentication exchange.
 */
#include "session_auth.h"

#include "auth.h"
#include "auth_settings.h"
#include "secure.h"
#include "session_target.h"
#include "worker.h"

void session_auth_done(struct session *s)
{
    auth_client_free(s->auth);
    s->auth = NULL;
}

/* Who this connection is. */
static const struct auth_user *user_of(const struct session *s)
{
    const struct load *l = s->worker->load;
    uint64_t n = l->auth->order == AUTH_RANDOM ? rng_below(&s->worker->rng, l->users->count)
                                               : session_turn(s) % l->users->count;

    return &l->users->rows[n];
}

/* May the password be seen on the way? Nobody listens within this machine. */
static bool may_be_clear(const struct session *s)
{
    return secure_is(&s->conn) || s->worker->load->auth->insecure ||
           address_is_local(session_address(s));
}

static void failed(struct session *s, const char *why)
{
    struct worker *w = s->worker;
    char where[SESSION_WHERE_SIZE];

    stats_count(w->stats, COUNTER_AUTH_FAILED);
    worker_failure(w, FAILURE_AUTH, "%s%s", why, session_where(s, where));
    session_auth_done(s);
}

static void begin(struct session *s, const struct client_event *e)
{
    const struct load *l = s->worker->load;
    struct slice line;
    struct diag d;

    session_auth_done(s);
    if (auth_client_begin(&s->auth, s->worker->auth, user_of(s),
                          l->auth->mechanism ? &auth_mechanisms[l->auth->mechanism - 1] : NULL,
                          e->text, may_be_clear(s), &line, &d) == 0) {
        client_auth_say(session_client(s), line);
        return;
    }
    failed(s, d.text);
    client_auth_cancel(session_client(s));
}

static void go_on(struct session *s, const struct client_event *e)
{
    struct slice line;
    struct diag d;

    if (auth_client_step(s->auth, e->text, &line, &d) == 0) {
        client_auth_say(session_client(s), line);
        return;
    }
    failed(s, d.text);
    client_auth_cancel(session_client(s));
}

static void finish(struct session *s)
{
    struct stats *st = s->worker->stats;
    struct diag d;
    bool taken = auth_client_finish(s->auth, &d) == 0;

    if (taken) {
        stats_count(st, COUNTER_AUTH_ACCEPTED);
        kinds_add(&st->auth, auth_client_mechanism(s->auth)->name, 1);
        session_auth_done(s);
    } else {
        failed(s, d.text);
    }
    client_auth_done(session_client(s), taken);
}

void session_auth(struct session *s, const struct client_event *e)
{
    if (e->code == 0)
        begin(s, e);
    else if (e->code == 334)
        go_on(s, e);
    else
        finish(s);
}

void session_auth_refused(struct session *s)
{
    char name[KINDS_NAME];

    if (!s->auth)
        return;
    stats_count(s->worker->stats, COUNTER_AUTH_REFUSED);
    kinds_add(&s->worker->stats->auth_users,
              diag_printable(name, sizeof name, slice_of(auth_client_user(s->auth)->name)), 1);
    session_auth_done(s);
}
