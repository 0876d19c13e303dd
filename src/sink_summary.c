/*
 * From the sink's numbers to its report.
 */
#include "sink_summary.h"

#include "io.h"

void sink_summary(struct sink_run *out, struct sink_refusal *rows, const struct sink_numbers *n,
                  const struct sink_config *config)
{
    *out = (struct sink_run){
        .program = "smtp-sink",
        .version = VERSION,
        .protocol = config->server.lmtp ? "lmtp" : "smtp",
        .io_driver = config->io.driver->name,
        .ended = n->ended == SINK_COMPLETE ? "complete" : "interrupted",
        .sessions = n->sessions,
        .peak = n->peak,
        .quits = n->quits,
        .aborted = n->aborted,
        .lost = n->lost,
        .messages = n->messages,
        .recipients = n->recipients,
        .content_bytes = n->octets,
        .received_bytes = n->received_bytes,
        .sent_bytes = n->sent_bytes,
        .tls_full = n->tls_full,
        .tls_resumed = n->tls_resumed,
        .tls_failed = n->tls_failed,
        .tls = n->tls,
        .auth_attempts = n->auth_attempts,
        .auth_accepted = n->auth_accepted,
        .auth_refused = n->auth_refused,
        .auth = n->auth,
        .auth_refusals = n->auth_refusals,
        .unrecorded = n->unrecorded,
        .workers = n->workers,
        .elapsed_ns = n->elapsed_ns,
        .cpu_user_ns = n->cpu_user_ns,
        .cpu_system_ns = n->cpu_system_ns,
        .peak_rss_bytes = n->peak_rss_bytes,
        .refusals = rows,
        .refusal_count = SERVER_VERB_COUNT,
    };
    for (int i = 0; i < SERVER_VERB_COUNT; i++) {
        rows[i] = (struct sink_refusal){server_verb_name((enum server_verb)i), n->refused[i]};
        out->refused += n->refused[i];
    }
}
