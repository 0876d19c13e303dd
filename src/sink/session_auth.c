/*
 * Authentication of a session: between the server machine and an exchange.
 */
#include "sink_impl.h"

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

    if (!begin)
        return outcomes[auth_server_step(&s->auth, line, reply)];
    auth_server_free(s->auth); /* one that was left for a line too long */
    return outcomes[auth_server_begin(&s->auth, w->auth, &w->sink->policy,
                                      sv->secure || w->config->server.auth_clear, line, reply)];
}
