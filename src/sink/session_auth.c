/*
 * Authentication of a session: between the server machine and an exchange.
 */
#include "sink_impl.h"

/* Those that there are; whatever else a client may name is one kind. */
static const char *name_of(const struct auth_mechanism *m)
{
    return m ? m->name : "unknown";
}

static size_t word_length(struct slice line)
{
    const char *blank = memchr(line.p, ' ', line.n);

    return blank ? (size_t)(blank - line.p) : line.n;
}

static void count(struct sink_numbers *n, const char *mechanism, enum auth_verdict verdict)
{
    if (verdict == AUTH_MORE)
        return;
    ++*(verdict == AUTH_TAKEN ? &n->auth_accepted : &n->auth_refused);
    kinds_add(verdict == AUTH_TAKEN ? &n->auth : &n->auth_refusals, mechanism, 1);
}

enum server_auth sink_session_auth(struct server *sv, bool begin, struct slice line,
                                   struct slice *reply)
{
    static const enum server_auth outcomes[] = {
        [AUTH_OVER] = SERVER_AUTH_OVER,
        [AUTH_MORE] = SERVER_AUTH_MORE,
        [AUTH_TAKEN] = SERVER_AUTH_TAKEN,
    };
    struct session *s = session_of_server(sv);
    struct worker *w = worker_of_server(sv);

    struct sink_numbers *n = &w->account.numbers;
    const char *mechanism;
    enum auth_verdict verdict;

    if (begin) {
        auth_server_free(s->auth); /* one that was left for a line too long */
        mechanism = name_of(auth_mechanism_find((struct slice){line.p, word_length(line)}));
        n->auth_attempts++;
        verdict = auth_server_begin(&s->auth, w->auth, &w->sink->policy,
                                    sv->secure || w->config->server.auth_clear, line, reply);
    } else {
        mechanism = name_of(auth_server_mechanism(s->auth));
        verdict = auth_server_step(&s->auth, line, reply);
    }
    count(n, mechanism, verdict);
    return outcomes[verdict];
}
