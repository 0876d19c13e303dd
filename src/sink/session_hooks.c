/*
 * What the server machine tells of a session and asks about it: counters, logs, recordings, and
 * what is done to it on purpose.
 */
#include <syslog.h>

#include "sink_impl.h"

/* Octets of a command's arguments that are logged. */
#define LOGGED_ARGUMENT 100

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* The command as typed, a blank, and the beginning of its arguments, as the peer does. */
static void log_command(struct slice line)
{
    char verb[SERVER_LINE_MAX];
    char args[LOGGED_ARGUMENT + 1];
    size_t n = 0;

    while (line.n > 0 && is_blank(*line.p))
        line = slice_from(line, 1);
    while (n < line.n && !is_blank(line.p[n]))
        n++;
    syslog(LOG_INFO, "%s %s", diag_printable(verb, sizeof verb, (struct slice){line.p, n}),
           diag_printable(args, sizeof args, slice_from(line, n < line.n ? n + 1 : n)));
}

static void show_command(struct server *sv, enum server_verb verb, struct slice line,
                         struct slice reply)
{
    struct worker *w = worker_of_server(sv);
    struct session *s = session_of_server(sv);
    char text[2100];

    (void)reply;
    if (w->config->logged >> verb & 1)
        log_command(line);
    if (w->config->verbose)
        diag_note("%s", diag_printable(text, sizeof text, line));
    if (s->capture)
        capture_command(s->capture, sv, verb, line, reply);
}

static void record_content(struct server *sv, struct slice octets, bool bdat)
{
    struct session *s = session_of_server(sv);

    if (s->capture)
        capture_content(s->capture, sv, octets, bdat);
}

static void record_refused_chunk(struct server *sv, struct slice reply)
{
    struct session *s = session_of_server(sv);

    if (s->capture)
        capture_chunk_refused(s->capture, sv, reply);
}

void sink_session_judge(struct server *sv, enum server_verb verb, struct slice args,
                        struct server_act *act)
{
    struct worker *w = worker_of_server(sv);
    struct session *s = session_of_server(sv);

    server_plan_judge(&w->config->plan, verb, &s->rng, act);
    if (s->behaviour && !act->instead)
        behaviour_judge(w->behaviour, s->behaviour,
                        &(struct behaviour_step){.verb = verb,
                                                 .args = args,
                                                 .octets = sv->octets,
                                                 .now = io_now(w->io),
                                                 .recipients = sv->recipients,
                                                 .mail = sv->mail,
                                                 .lmtp = w->config->server.lmtp},
                        &s->rng, act);
}

struct slice sink_session_verdict(const struct server *sv, uint32_t recipient)
{
    const struct worker *w = worker_of_server(sv);
    const struct session *s =
        (const struct session *)(const void *)((const char *)sv - offsetof(struct session, server));

    return behaviour_verdict(w->behaviour, s->behaviour, recipient);
}

/* Another thread had the last message at the same time: it is as if this one came after the end. */
static struct slice forget_message(struct worker *w, const struct server_message *m)
{
    atomic_fetch_sub(&w->tally->messages, 1);
    w->context.messages--;
    w->context.recipients -= m->recipients;
    w->context.octets -= m->octets;
    w->context.halt = SERVER_HALTS;
    return SLICE("421 4.3.2 Error: server is shutting down\r\n");
}

static struct slice count_message(struct server *sv, const struct server_message *m)
{
    struct worker *w = worker_of_server(sv);
    struct session *s = session_of_server(sv);

    if (w->tally) {
        uint64_t n = 1 + atomic_fetch_add(&w->tally->messages, 1);

        if (w->config->stop_messages && n > w->config->stop_messages)
            return forget_message(w, m);
        sink_tally(w, n, w->config->stop_messages);
    }
    return s->capture ? capture_message(s->capture, m) : (struct slice){NULL, 0};
}

static const struct server_hooks all_hooks = {.client = sink_xclient,
                                              .command = show_command,
                                              .content = record_content,
                                              .message = count_message,
                                              .chunk_refused = record_refused_chunk};
static const struct server_hooks few_hooks = {.client = sink_xclient, .message = count_message};

const struct server_hooks *sink_session_hooks(const struct sink_config *cf)
{
    return cf->logged || cf->verbose || cf->capture ? &all_hooks : &few_hooks;
}
