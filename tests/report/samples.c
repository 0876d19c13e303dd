/*
 * Runs that never happened.
 */
#include "samples.h"

#include <string.h>

#include "rng.h"
#include "units.h"

static const struct sink_refusal verbs[] = {{"CONNECT", 0}, {"RCPT", 700}, {".", 312}};

const char *sample_name(enum sample s)
{
    static const char *const names[] = {"empty", "small", "troubled", "extreme"};

    return names[s];
}

static void names(struct run *r)
{
    r->program = "smtp-source";
    r->version = "1.2.3";
    r->role = "source";
    r->command_line = "smtp-source -s 2 -m 1000 inet:127.0.0.1:2525";
    r->started_at = "2025-11-22T23:34:05.123Z";
    r->id = "5f3a9c1e-7";
    r->target = "inet:127.0.0.1:2525";
    r->protocol = "smtp";
    r->io_driver = "epoll";
    r->kernel = "Linux 6.1.0-18-amd64 x86_64";
    r->cpu_model = "Example CPU @ 2.00GHz";
    r->cpus = 2;
    r->ended = "complete";
}

static void accepted(struct stats *s, uint64_t ns)
{
    stats_latency(s, PHASE_MAIL, ns / 8);
    stats_latency(s, PHASE_RCPT, ns / 7);
    stats_latency(s, PHASE_DATA, ns / 6);
    stats_latency(s, PHASE_END_OF_DATA, ns / 2);
    stats_latency(s, PHASE_TRANSACTION, ns);
    stats_message(s, OUTCOME_ACCEPTED, NULL);
    stats_recipients(s, OUTCOME_ACCEPTED, 1);
}

static void small(struct run *r, struct stats *s)
{
    names(r);
    r->sessions = 2;
    r->messages = 1000;
    r->rcpts = 1;
    r->message_bytes = 1024;
    r->workers = 1;
    r->elapsed_ns = 25 * NS_PER_MS;
    r->cpu_user_ns = 5 * NS_PER_MS;
    r->cpu_system_ns = 15 * NS_PER_MS;
    r->peak_rss_bytes = 4321000;
    for (uint64_t i = 1; i <= 1000; i++)
        accepted(s, i * 56 * NS_PER_US);
    for (uint64_t i = 0; i < 2; i++) {
        stats_count(s, COUNTER_CONNECTIONS_STARTED);
        stats_count(s, COUNTER_CONNECTIONS_MADE);
        stats_latency(s, PHASE_CONNECT, 20 * NS_PER_US + i);
    }
    stats_add(s, COUNTER_SENT_BYTES, 1234567);
    stats_add(s, COUNTER_RECEIVED_BYTES, 98765);
}

/* Two servers, of which the second has what went wrong with connections, and every tenth message.
 */
static void by_target(struct run *r, const struct stats *s)
{
    static struct target_stats rows[2];
    static struct run_target targets[] = {{"inet:127.0.0.1:2525", 9, &rows[0]},
                                          {"unix:/run/a@<b>", 1, &rows[1]}};

    memset(rows, 0, sizeof rows);
    for (int i = 0; i < 2; i++) {
        hist_init(&rows[i].transaction);
        hist_init(&rows[i].response);
    }
    for (size_t i = 0; i < target_counter_count; i++) {
        enum counter c = target_counters[i];

        rows[1].counter[c] = s->counter[c] < 10 ? s->counter[c] : s->counter[c] / 10;
        rows[0].counter[c] = s->counter[c] - rows[1].counter[c];
    }
    hist_merge(&rows[0].transaction, &s->latency[PHASE_TRANSACTION]);
    r->targets = targets;
    r->target_count = 2;
}

static void troubled(struct run *r, struct sink_run *k, struct stats *s)
{
    struct rng rng = {8};

    small(r, s);
    r->ended = "fatal: lost connection while sending message";
    for (int i = 0; i < 300; i++) {
        char enhanced[8] = {'5', '.', '1', '.', (char)('0' + i % 10), '\0'};
        struct refusal_key key =
            refusal_key((enum phase)(PHASE_MAIL + i % 2), 500 + i % 5, slice_of(enhanced), false);

        stats_refusal(s, &key, SLICE("550 5.1.1 No such user here, nor was there ever one"),
                      i % 50 ? rng_next(&rng) >> 30 : NS_NEVER);
        if (i % 3 == 0) {
            stats_message(s, OUTCOME_REFUSED, &key);
            stats_recipients(s, OUTCOME_REFUSED, 1);
        }
    }
    for (int i = 0; i < 40; i++) {
        struct refusal_key key = refusal_key(PHASE_RCPT, 503, SLICE("5.5.1"), true);

        stats_refusal(s, &key, SLICE("503 5.5.1 Error: need MAIL command"), NS_PER_MS);
    }
    for (int i = 0; i < REFUSAL_ROWS; i++) {
        struct refusal_key key = refusal_key(PHASE_MAIL, 900 + i, SLICE(""), false);

        stats_refusal(s, &key, SLICE("999 once"), NS_PER_S);
    }
    for (int o = OUTCOME_FAILED; o < OUTCOME_COUNT; o++) {
        stats_message(s, (enum outcome)o, NULL);
        stats_recipients(s, (enum outcome)o, 1);
    }
    stats_break(s, PHASE_CONNECT, BREAK_FAILED);
    stats_break(s, PHASE_END_OF_DATA, BREAK_UNKNOWN);
    stats_break(s, PHASE_END_OF_DATA, BREAK_LOST);
    stats_break(s, PHASE_QUIT, BREAK_TIMEOUT);
    stats_count(s, COUNTER_MESSAGES_PARTIAL);
    stats_recipients(s, OUTCOME_REFUSED, 1);
    stats_add(s, COUNTER_CONNECTIONS_STARTED, 9);
    stats_add(s, COUNTER_CONNECTIONS_FAILED, 8);
    stats_count(s, COUNTER_CONNECTIONS_LOST);
    stats_count(s, COUNTER_TIMEOUTS);
    stats_count(s, COUNTER_PROTOCOL_ERRORS);
    stats_add(s, COUNTER_TLS_FULL, 5);
    stats_add(s, COUNTER_TLS_RESUMED, 1234);
    stats_count(s, COUNTER_TLS_FAILED);
    stats_count(s, COUNTER_TLS_PLAINTEXT);
    kinds_add(&s->tls, "TLSv1.3 TLS_AES_256_GCM_SHA384 x25519", 1230);
    kinds_add(&s->tls, "TLSv1.2 ECDHE-ECDSA-CHACHA20-POLY1305 secp256r1", 9);
    stats_latency(s, PHASE_QUIT, 2 * HIST_HIGHEST);
    stats_latency(s, PHASE_QUIT, HIST_HIGHEST);
    stats_latency(s, PHASE_QUIT, 1);
    *k = (struct sink_run){
        .program = "smtp-sink",
        .version = "1.2.3",
        .command_line = "smtp-sink -c 127.0.0.1:2525 100",
        .started_at = "2025-11-22T23:34:05.000Z",
        .listening = "127.0.0.1:2525",
        .protocol = "smtp",
        .io_driver = "epoll",
        .ended = "interrupted",
        .sessions = 10,
        .peak = 2,
        .quits = 1,
        .aborted = 1,
        .lost = 8,
        .messages = 1001,
        .recipients = 1001,
        .content_bytes = 1024000,
        .received_bytes = 1234567,
        .sent_bytes = 98765,
        .tls_full = 6,
        .tls_failed = 2,
        .tls = {.count = 1, .other = 2, .rows = {{"TLSv1.3 TLS_AES_256_GCM_SHA384 x25519", 4}}},
        .auth_attempts = 9,
        .auth_accepted = 5,
        .auth_refused = 3,
        .auth = {.count = 2, .rows = {{"PLAIN", 4}, {"SCRAM-SHA-256", 1}}},
        .auth_refusals = {.count = 1, .other = 1, .rows = {{"PLAIN", 2}}},
        .refused = 1012,
        .unrecorded = 3,
        .refusals = verbs,
        .refusal_count = sizeof verbs / sizeof *verbs,
        .workers = 1,
        .elapsed_ns = 24 * NS_PER_MS,
        .cpu_user_ns = 4 * NS_PER_MS,
        .cpu_system_ns = 14 * NS_PER_MS,
        .peak_rss_bytes = 3000000,
    };
    r->sink = k;
}

static void extreme(struct run *r, struct stats *s)
{
    static char long_text[400];
    struct refusal_key key = refusal_key(PHASE_END_OF_DATA, 999, SLICE("5.999.99999"), true);

    memset(long_text, 'x', sizeof long_text - 1);
    memcpy(long_text, "a \xff\xfe\x1b[31m\n", 10);
    r->program = long_text + 10;
    r->version = long_text + 10;
    r->command_line = long_text;
    r->started_at = NULL;
    r->id = long_text;
    r->target = long_text;
    r->protocol = "lmtp";
    r->io_driver = long_text;
    r->ended = "fatal: "
               "a reason so long that it does not fit in a line of eighty columns, and goes on";
    r->sessions = UINT64_MAX - 1;
    r->messages = UINT64_MAX - 1;
    r->rcpts = UINT64_MAX - 1;
    r->message_bytes = UINT64_MAX - 1;
    r->workers = UINT64_MAX - 1;
    r->elapsed_ns = SAMPLE_LARGE;
    r->cpu_user_ns = SAMPLE_LARGE / 2;
    r->cpu_system_ns = SAMPLE_LARGE / 2;
    r->peak_rss_bytes = UINT64_MAX - 1;
    for (int p = 0; p < PHASE_COUNT; p++) {
        hist_record_n(&s->latency[p], SAMPLE_LARGE, SAMPLE_LARGE / 2);
        hist_record_n(&s->latency[p], 0, SAMPLE_LARGE / 2);
    }
    stats_refusal(s, &key, (struct slice){long_text, sizeof long_text - 1}, UINT64_MAX - 1);
    s->refusals.rows[0].messages = SAMPLE_LARGE / 4;
    s->refusals.rows[0].replies = SAMPLE_LARGE;
    s->counter[COUNTER_REPLIES_REFUSED] = SAMPLE_LARGE;
    s->counter[COUNTER_REPLIES_COLLATERAL] = SAMPLE_LARGE;
    s->counter[COUNTER_MESSAGES_ACCEPTED] = SAMPLE_LARGE / 4;
    s->counter[COUNTER_MESSAGES_PARTIAL] = SAMPLE_LARGE / 4;
    s->counter[COUNTER_MESSAGES_REFUSED] = SAMPLE_LARGE / 4;
    s->counter[COUNTER_RECIPIENTS_ACCEPTED] = SAMPLE_LARGE / 2;
    s->counter[COUNTER_RECIPIENTS_UNKNOWN] = SAMPLE_LARGE / 2;
    s->counter[COUNTER_CONNECTIONS_STARTED] = SAMPLE_LARGE;
    s->counter[COUNTER_CONNECTIONS_MADE] = SAMPLE_LARGE / 2;
    s->counter[COUNTER_CONNECTIONS_LOST] = SAMPLE_LARGE / 2;
    s->counter[COUNTER_TIMEOUTS] = UINT64_MAX;
    s->breaks[PHASE_TRANSACTION][BREAK_LOST] = SAMPLE_LARGE / 2;
    s->breaks[PHASE_STARTTLS][BREAK_TIMEOUT] = UINT64_MAX;
    s->counter[COUNTER_SENT_BYTES] = UINT64_MAX;
    s->counter[COUNTER_RECEIVED_BYTES] = UINT64_MAX;
}

void sample_run(enum sample which, struct run *r, struct sink_run *k, struct stats *total)
{
    *r = (struct run){.total = total};
    *k = (struct sink_run){0};
    if (which == SAMPLE_SMALL) {
        small(r, total);
    } else if (which == SAMPLE_TROUBLED) {
        troubled(r, k, total);
        by_target(r, total);
    } else if (which == SAMPLE_EXTREME) {
        extreme(r, total);
    }
}
