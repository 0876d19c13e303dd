/*
 * Events of the client machine, accounted for.
 */
#include "session_events.h"

#include <stdio.h>

#include "secure.h"
#include "session_auth.h"
#include "session_target.h"
#include "think.h"
#include "transaction_track.h"
#include "units.h"
#include "worker.h"

/* A server's words in a diagnostic, no more than this of them. */
#define WORDS_MAX 400

/* "sender rejected", "sending sender"; where the phase says HELO, the verb that was really sent. */
static const char *words_for(struct session *s, enum phase p, bool refused, char *out, size_t size)
{
    const char *words = refused ? phase_refused(p) : phase_doing(p);
    const char *helo = p == PHASE_HELLO ? strstr(words, "HELO") : NULL;

    if (!helo)
        return words;
    (void)snprintf(out, size, "%.*s%s%s", (int)(helo - words), words,
                   client_hello_verb(session_client(s)), helo + 4);
    return out;
}

static void refused_reply(struct session *s, const struct client_event *e)
{
    struct worker *w = s->worker;
    struct refusal_key key = refusal_key(e->phase, e->code, e->enhanced, e->collateral);
    char phase[64];
    char text[WORDS_MAX];
    char where[SESSION_WHERE_SIZE];
    const char *words = words_for(s, e->phase, true, phase, sizeof phase);

    (void)diag_printable(text, sizeof text, e->text);
    if (e->phase == PHASE_AUTH)
        session_auth_refused(s);
    stats_refusal(w->stats, &key, e->line, e->unsolicited ? NS_NEVER : e->received_at - e->sent_at);
    /* With --keep-going the table of refusals has them. */
    if (w->load->settings->tolerant && !w->load->settings->keep_going)
        diag_warn("%s%s: %d %s", words, session_where(s, where), e->code, text);
    else
        worker_trouble(w, "%s%s: %d %s", words, session_where(s, where), e->code, text);
}

static void on_reply(struct session *s, const struct client_event *e)
{
    if (s->worker->lane)
        track_reply(s, e);
    if (e->refused)
        refused_reply(s, e);
    else
        stats_latency(s->worker->stats, e->phase, e->received_at - e->sent_at);
}

static void show_counter(struct session *s)
{
    flockfile(stdout); /* the numbers are to come in order */
    (void)printf("%llu\r", (unsigned long long)atomic_fetch_add(&s->worker->load->ended, 1) + 1);
    (void)fflush(stdout);
    funlockfile(stdout);
}

static void plan_pause(struct session *s, uint64_t now)
{
    const struct load_settings *l = s->worker->load->settings;

    if (l->think.kind != THINK_NONE)
        s->pause_until = now + think_draw(&l->think, &s->worker->rng);
    else if (l->wait)
        s->pause_until = now + l->wait;
    else if (l->random_wait)
        s->pause_until = now + rng_below(&s->worker->rng, l->random_wait + 1);
}

/* With a target rate: how long after its intended start a message ended. */
static uint64_t response_time(const struct client_mail *m, uint64_t now)
{
    const struct delivery *d =
        (const struct delivery *)((const char *)m - offsetof(struct delivery, mail));

    return now > d->intended[0] ? now - d->intended[0] : 0;
}

/* The same, by how it did. */
static void response(struct session *s, const struct client_mail *m, enum outcome o, uint64_t now)
{
    if (s->worker->model.paced)
        hist_record(&s->worker->stats->response[o], response_time(m, now));
}

/* The same once more, for its target. */
static void count_by_target(const struct session *s, struct target_stats *row,
                            const struct client_event *e, uint64_t now)
{
    row->counter[COUNTER_MESSAGES_ACCEPTED + (int)e->outcome]++;
    if (e->outcome != OUTCOME_ACCEPTED)
        return;
    row->counter[COUNTER_MESSAGES_PARTIAL] += e->rcpt[OUTCOME_ACCEPTED] < e->mail->form->rcpt_count;
    hist_record(&row->transaction, now - e->started_at);
    if (s->worker->model.paced)
        hist_record(&row->response, response_time(e->mail, now));
}

static void on_transaction(struct session *s, const struct client_event *e, uint64_t now)
{
    struct worker *w = s->worker;
    struct stats *st = w->stats;
    struct target_stats *row = session_row(s);
    bool accepted = e->outcome == OUTCOME_ACCEPTED;

    /* Taken, but not begun when the run was asked to finish: given back. */
    if (e->outcome == OUTCOME_FAILED && !e->started && w->stop == RUN_FINISH) {
        stats_message(st, OUTCOME_MISSED, NULL);
        stats_recipients(st, OUTCOME_MISSED, e->mail->form->rcpt_count);
        response(s, e->mail, OUTCOME_MISSED, now);
        if (w->lane)
            track_end(s, e, OUTCOME_MISSED, now);
        session_delivered(s);
        return;
    }
    if (e->outcome == OUTCOME_REFUSED) {
        struct refusal_key key = refusal_key(e->phase, e->code, e->enhanced, e->collateral);

        stats_message(st, e->outcome, &key);
    } else {
        stats_message(st, e->outcome, NULL);
        if (e->outcome == OUTCOME_FAILED)
            stats_break(st, e->phase, BREAK_FAILED);
        else if (e->outcome == OUTCOME_UNKNOWN)
            stats_break(st, e->phase, BREAK_UNKNOWN);
    }
    for (int o = 0; o < OUTCOME_COUNT; o++)
        stats_recipients(st, (enum outcome)o, e->rcpt[o]);
    if (accepted && e->rcpt[OUTCOME_ACCEPTED] < e->mail->form->rcpt_count)
        stats_count(st, COUNTER_MESSAGES_PARTIAL);
    if (accepted)
        stats_latency(st, PHASE_TRANSACTION, now - e->started_at);
    if (accepted)
        s->failures = 0;
    response(s, e->mail, e->outcome, now);
    if (row)
        count_by_target(s, row, e, now);
    if (w->load->settings->counter &&
        (accepted || (e->outcome == OUTCOME_REFUSED && e->phase == PHASE_END_OF_DATA)))
        show_counter(s);
    plan_pause(s, now);
    if (w->lane)
        track_end(s, e, e->outcome, now);
    session_delivered(s);
}

static void on_protocol_error(struct session *s, const struct client_event *e)
{
    const char *what = e->end == CLIENT_END_ENDLESS ? "a reply without end"
                       : e->end == CLIENT_END_INJECTION
                           ? "in the clear behind the reply to STARTTLS"
                           : "an unexpected reply";
    const struct load_settings *l = s->worker->load->settings;
    bool harmless = e->end == CLIENT_END_ENDLESS && e->phase == PHASE_QUIT; /* as a timeout there */
    char text[WORDS_MAX];
    char where[SESSION_WHERE_SIZE];

    (void)diag_printable(text, sizeof text, e->line);
    stats_count(s->worker->stats, COUNTER_PROTOCOL_ERRORS);
    if ((l->tolerant || harmless) && !l->keep_going)
        diag_warn("protocol error%s: %s: %s", session_where(s, where), what, text);
    else
        worker_failure(s->worker, FAILURE_PROTOCOL, "protocol error%s: %s: %s",
                       session_where(s, where), what, text);
}

/* Said once, for it will be the same for the sessions that follow. */
static void note_plaintext(struct worker *w)
{
    if (!atomic_exchange(&w->load->told_plaintext, true))
        diag_warn("no STARTTLS with this server: mail goes in plaintext (--tls=if-offered)");
    stats_count(w->stats, COUNTER_TLS_PLAINTEXT);
}

static void on_end(struct session *s, const struct client_event *e)
{
    struct worker *w = s->worker;
    char phase[64];
    const char *doing = words_for(s, e->phase, false, phase, sizeof phase);
    bool keep_going = w->load->settings->keep_going;
    char where[SESSION_WHERE_SIZE];

    s->failed = e->end != CLIENT_END_QUIT && e->end != CLIENT_END_ABORTED;
    if (e->plaintext)
        note_plaintext(w);
    if (e->phase == PHASE_TLS && e->end == CLIENT_END_TIMEOUT)
        stats_count(w->stats, COUNTER_TLS_FAILED);
    switch (e->end) {
    case CLIENT_END_LOST:
        session_count(s, COUNTER_CONNECTIONS_LOST);
        stats_break(w->stats, e->phase, BREAK_LOST);
        /* Nothing was under way, RSET included, and nothing was to come: no harm done. */
        if (!s->was_idle || e->phase == PHASE_RSET ||
            (keep_going ? e->phase != PHASE_MAIL : worker_has_more(w) && !w->model.held))
            worker_failure(w, FAILURE_LOST, "lost connection while %s%s", doing,
                           session_where(s, where));
        break;
    case CLIENT_END_TIMEOUT:
        stats_count(w->stats, COUNTER_TIMEOUTS);
        stats_break(w->stats, e->phase, BREAK_TIMEOUT);
        /* All messages are answered before QUIT is sent: no harm done. */
        if (e->phase == PHASE_QUIT && !keep_going)
            diag_warn("timeout while waiting for the reply to QUIT%s", session_where(s, where));
        else
            worker_failure(w, FAILURE_TIMEOUT, "timeout while %s%s", doing,
                           session_where(s, where));
        break;
    case CLIENT_END_UNSOLICITED:
    case CLIENT_END_ENDLESS:
    case CLIENT_END_INJECTION:
        on_protocol_error(s, e);
        break;
    case CLIENT_END_FORBIDDEN:
        worker_fatal(w, "%.*s%s", (int)e->why.n, e->why.p, session_where(s, where));
        break;
    case CLIENT_END_NO_OFFER:
        if (e->missing == ext_rows[EXT_AUTH]) {
            worker_fatal(w, "the server does not offer AUTH%s%s", session_where(s, where),
                         secure_is(&s->conn) ? "" : ": it may want TLS first, see --tls");
            break;
        }
        worker_fatal(w,
                     "the server does not offer %s%s: leave the option out, or let it be "
                     "=if-offered",
                     e->missing->keyword, session_where(s, where));
        break;
    default: /* asked for, or told by the reply that caused it */
        break;
    }
}

void session_event(struct session *s, const struct client_event *e, uint64_t now)
{
    switch (e->kind) {
    case CLIENT_REPLY:
        on_reply(s, e);
        break;
    case CLIENT_TRANSACTION:
        on_transaction(s, e, now);
        break;
    case CLIENT_END:
        on_end(s, e);
        break;
    case CLIENT_TLS: /* are no facts to count */
    case CLIENT_AUTH:
        break;
    }
}
