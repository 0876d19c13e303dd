/*
 * Rows as JSON.
 */
#include "transaction_json.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <time.h>

#include "decimal.h"
#include "json_escape.h"
#include "queue_id.h"
#include "units.h"

static void put(struct row_writer *w, struct slice s)
{
    w->put(w->to, s);
}

/* name is the whole of it: ",\"name\":" */
static void put_number(struct row_writer *w, struct slice name, bool known, uint64_t n)
{
    char digits[20];

    put(w, name);
    put(w, known ? (struct slice){digits, decimal_write(n, digits)} : SLICE("null"));
}

static void put_text(struct row_writer *w, struct slice name, struct slice text)
{
    put(w, name);
    if (!text.p) {
        put(w, SLICE("null"));
        return;
    }
    put(w, SLICE("\""));
    json_escape(text, w->put, w->to);
    put(w, SLICE("\""));
}

/* "2026-01-02T03:04:05.123456Z", what is less than a microsecond cut off */
static void put_time(struct row_writer *w, struct slice name, uint64_t at)
{
    uint64_t ns = at + w->wall;
    char text[48];
    int n;

    put(w, name);
    if (at == NS_NEVER) {
        put(w, SLICE("null"));
        return;
    }
    if (ns / NS_PER_S != w->second) {
        time_t seconds = (time_t)(ns / NS_PER_S);
        struct tm tm;

        w->second = ns / NS_PER_S;
        w->second_text[0] = '\0';
        if (gmtime_r(&seconds, &tm))
            (void)strftime(w->second_text, sizeof w->second_text, "%Y-%m-%dT%H:%M:%S", &tm);
    }
    n = snprintf(text, sizeof text, "\"%s.%06uZ\"", w->second_text,
                 (unsigned)(ns % NS_PER_S / NS_PER_US));
    put(w, (struct slice){text, n > 0 ? (size_t)n : 0});
}

static void put_bool(struct row_writer *w, struct slice name, bool is)
{
    put(w, name);
    put(w, is ? SLICE("true") : SLICE("false"));
}

/* A path without the brackets that it goes by. */
static struct slice bare(const char *path, size_t n)
{
    return n >= 2 ? (struct slice){path + 1, n - 2} : (struct slice){NULL, 0};
}

static void put_rcpt(struct row_writer *w, struct slice name, const struct mail_message *m,
                     uint32_t index)
{
    char *path = w->path;

    put_text(w, name, bare(path, mail_message_rcpt_again(m, w->content, index, path, w->path_max)));
}

static void put_local(struct row_writer *w, const struct row_address *a)
{
    char host[INET6_ADDRSTRLEN];
    char text[80];

    if (a->family == AF_UNSPEC || !inet_ntop(a->family, a->host, host, sizeof host)) {
        put(w, SLICE(",\"local\":null"));
        return;
    }
    (void)snprintf(text, sizeof text, a->family == AF_INET6 ? "[%s]:%u" : "%s:%u", host, a->port);
    put_text(w, SLICE(",\"local\":"), slice_of(text));
}

static void put_remote(struct row_writer *w, const struct address *a)
{
    char text[160];

    if (a)
        (void)address_text(a, text, sizeof text);
    put_text(w, SLICE(",\"remote\":"), a ? slice_of(text) : (struct slice){NULL, 0});
}

/* The name of the end in the words of a report: "no-offer". */
static void put_cause(struct row_writer *w, const struct transaction_row *r)
{
    static const char *const names[] = {
#define X(id) #id,
        CLIENT_END_LIST(X)
#undef X
    };
    char text[32];
    size_t n = 0;

    if (r->outcome != OUTCOME_FAILED && r->outcome != OUTCOME_UNKNOWN) {
        put(w, SLICE(",\"cause\":null"));
        return;
    }
    if (r->end == CLIENT_END_COUNT) {
        put(w, SLICE(",\"cause\":\"connect\""));
        return;
    }
    for (const char *p = names[r->end]; *p && n < sizeof text; p++)
        text[n++] = (char)(*p == '_' ? '-' : *p | 0x20);
    put_text(w, SLICE(",\"cause\":"), (struct slice){text, n});
}

/* ,"code":250,"enhanced":"2.0.0","text":"2.0.0 Ok: queued as 1A2B","queue_id":"1A2B" */
static void put_reply(struct row_writer *w, bool known, unsigned code, size_t enhanced,
                      struct slice text)
{
    struct slice id = {NULL, 0};

    if (known && code / 100 == 2)
        id = queue_id(text);
    put_number(w, SLICE(",\"code\":"), known, code);
    put_text(w, SLICE(",\"enhanced\":"),
             (struct slice){enhanced && known ? text.p : NULL, enhanced});
    put_text(w, SLICE(",\"text\":"), (struct slice){known ? text.p : NULL, text.n});
    put_text(w, SLICE(",\"queue_id\":"), (struct slice){id.n ? id.p : NULL, id.n});
}

static void put_identity(struct row_writer *w, const struct transaction_row *r, unsigned worker)
{
    const struct mail_message *m = &r->message;
    char id[MAIL_ID_MAX];
    struct slice text = {id, m->connection ? mail_message_id(m, w->content, id) : 0};

    put_number(w, SLICE(",\"worker\":"), true, worker);
    put_number(w, SLICE(",\"session\":"), r->session > 0, r->session);
    put_number(w, SLICE(",\"connection\":"), m->connection > 0, m->connection);
    put_number(w, SLICE(",\"message\":"), true, m->number);
    put_text(w, SLICE(",\"message_id\":"), (struct slice){text.n ? text.p : NULL, text.n});
    put_local(w, &r->local);
    put_remote(w, r->remote);
}

static void put_envelope(struct row_writer *w, const struct transaction_row *r)
{
    char own[MAIL_OWN_MAX];
    uint32_t all = 0;

    for (int o = 0; o < OUTCOME_COUNT; o++)
        all += r->rcpt[o];
    put_text(w, SLICE(",\"sender\":"), bare(w->content->sender, strlen(w->content->sender)));
    put_rcpt(w, SLICE(",\"recipient\":"), &r->message, 0);
    put_number(w, SLICE(",\"recipients\":"), true, all);
    put_number(w, SLICE(",\"recipients_accepted\":"), true, r->rcpt[OUTCOME_ACCEPTED]);
    put_number(w, SLICE(",\"recipients_refused\":"), true, r->rcpt[OUTCOME_REFUSED]);
    put_number(w, SLICE(",\"content_bytes\":"), true,
               w->content_bytes + mail_message_own(&r->message, w->content, own));
}

static void put_durations(struct row_writer *w, const struct transaction_row *r)
{
    static const struct slice names[] = {
        [WAIT_MAIL] = {",\"mail_ns\":", 11},
        [WAIT_RCPT] = {",\"rcpt_ns\":", 11},
        [WAIT_DATA] = {",\"data_ns\":", 11},
        [WAIT_END_OF_DATA] = {",\"end_of_data_ns\":", 18},
    };
    uint64_t response = r->ended > r->intended ? r->ended - r->intended : 0;

    put_number(w, SLICE(",\"response_ns\":"), r->intended != NS_NEVER, response);
    put_number(w, SLICE(",\"service_ns\":"), r->started != NS_NEVER, r->ended - r->started);
    for (int i = 0; i < WAIT_COUNT; i++)
        put_number(w, names[i], r->wait[i] != NS_NEVER, r->wait[i]);
}

static void put_verdicts(struct row_writer *w, const struct transaction_row *r, const char *at)
{
    struct row_verdict v;
    struct slice comma = SLICE("");

    if (!r->verdict_octets && !r->verdicts_cut)
        return;
    put(w, SLICE(",\"verdicts\":["));
    for (const char *end = at + r->verdict_octets; at < end;
         at += sizeof v + ROW_ALIGNED(v.text_length)) {
        memcpy(&v, at, sizeof v);
        put(w, comma);
        put_rcpt(w, SLICE("{\"recipient\":"), &r->message, v.index);
        put_text(w, SLICE(",\"outcome\":"),
                 slice_of(outcome_name(v.code / 100 == 2 ? OUTCOME_ACCEPTED : OUTCOME_REFUSED)));
        put_text(w, SLICE(",\"phase\":"), slice_of(phase_name((enum phase)v.phase)));
        put_reply(w, true, v.code, v.enhanced_length, (struct slice){at + sizeof v, v.text_length});
        put(w, SLICE("}"));
        comma = SLICE(",");
    }
    put_number(w, SLICE("],\"verdicts_cut\":"), true, r->verdicts_cut);
}

void row_write(struct row_writer *w, const struct transaction_row *r, unsigned worker)
{
    const char *text = (const char *)(r + 1);
    bool somewhere = r->phase < PHASE_COUNT;

    put_time(w, SLICE("{\"ended_at\":"), r->ended);
    put_time(w, SLICE(",\"started_at\":"), r->started);
    put_time(w, SLICE(",\"intended_at\":"), r->intended);
    put_identity(w, r, worker);
    put_envelope(w, r);
    put_text(w, SLICE(",\"outcome\":"), slice_of(outcome_name((enum outcome)r->outcome)));
    put_text(w, SLICE(",\"phase\":"),
             somewhere ? slice_of(phase_name((enum phase)r->phase)) : (struct slice){NULL, 0});
    put_cause(w, r);
    put_reply(w, r->reply.known, r->reply.code, r->reply.enhanced_length,
              (struct slice){text, r->reply.text_length});
    put_durations(w, r);
    put_bool(w, SLICE(",\"warmup\":"), r->warmup);
    if (w->step)
        put_number(w, SLICE(",\"step\":"), true, w->step);
    put_verdicts(w, r, text + ROW_ALIGNED(r->reply.text_length));
    put(w, SLICE("}\n"));
}
