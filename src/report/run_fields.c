/*
 * The plain fields of both documents, in their order there.
 */
#include "run_fields.h"

#include "run.h"
#include "sink_report.h"

#define ROW(object, name, kind, merge, at)                                                         \
    {                                                                                              \
        object, name, FIELD_##kind, MERGE_##merge, at                                              \
    }
#define RUN(object, name, kind, merge, field)                                                      \
    ROW(object, name, kind, merge, offsetof(struct run, field))
#define MODEL(name, kind, merge, field)                                                            \
    ROW(NULL, name, kind, merge, offsetof(struct run_model, field))
#define SINK(object, name, kind, merge, field)                                                     \
    ROW(object, name, kind, merge, offsetof(struct sink_run, field))

const struct field run_fields[] = {
    RUN(NULL, "program", TEXT, SAME, program),
    RUN(NULL, "version", TEXT, SAME, version),
    RUN(NULL, "role", TEXT, SAME, role),
    RUN(NULL, "run_id", TEXT, SAME, id),
    RUN(NULL, "command_line", TEXT, SAME, command_line),
    RUN(NULL, "target", TEXT, SAME, target),
    RUN(NULL, "protocol", TEXT, SAME, protocol),
    RUN(NULL, "started_at", TEXT, ASIDE, started_at),
    RUN(NULL, "ended", TEXT, ASIDE, ended),
    RUN("config", "sessions", COUNT, SUM, sessions),
    RUN("config", "messages", KNOWN, SUM, messages),
    RUN("config", "recipients_per_message", COUNT, SAME, rcpts),
    RUN("config", "message_bytes", COUNT, SAME, message_bytes),
    RUN("config", "workers", COUNT, SUM, workers),
    RUN("config", "io_driver", TEXT, SAME, io_driver),
    RUN("environment", "kernel", TEXT, SAME, kernel),
    RUN("environment", "cpu", TEXT, SAME, cpu_model),
    RUN("environment", "cpus", KNOWN, SAME, cpus),
    RUN("model", "warmup_ns", COUNT, MAX, warmup_ns),
    RUN("verdict", "bottleneck", TEXT, SAME, bottleneck),
    RUN("verdict", "why", TEXT, SAME, why),
    RUN(NULL, "elapsed_ns", COUNT, ASIDE, elapsed_ns),
    RUN("pauses", "count", COUNT, SUM, pauses.count),
    RUN("pauses", "total_ns", COUNT, SUM, pauses.total_ns),
    RUN("transactions", "file", TEXT, SAME, transactions.file),
    RUN("transactions", "written", COUNT, SUM, transactions.written),
    RUN("transactions", "dropped", COUNT, SUM, transactions.dropped),
    RUN("cpu", "user_ns", COUNT, SUM, cpu_user_ns),
    RUN("cpu", "system_ns", COUNT, SUM, cpu_system_ns),
    RUN(NULL, "peak_rss_bytes", COUNT, MAX, peak_rss_bytes),
};

const size_t run_field_count = sizeof run_fields / sizeof *run_fields;

const struct field model_fields[] = {
    MODEL("target_per_s", RATE, ASIDE, target),
    MODEL("arrival", TEXT, ASIDE, arrival),
    MODEL("length_ns", COUNT, SAME, length_ns), /* NS_NEVER is FIELD_MIXED: null */
    MODEL("seed", KNOWN, SAME, seed),
    MODEL("idle_sessions", COUNT, SUM, idle_sessions),
    MODEL("keep_going", FLAG, SAME, keep_going),
    MODEL("told_to_wait", FLAG, SAME, told_to_wait),
    MODEL("spin", FLAG, SAME, spin),
};

const size_t model_field_count = sizeof model_fields / sizeof *model_fields;

const struct field sink_head_fields[] = {
    SINK(NULL, "program", TEXT, SAME, program),
    SINK(NULL, "version", TEXT, SAME, version),
    SINK(NULL, "run_id", TEXT, SAME, id),
    SINK(NULL, "command_line", TEXT, SAME, command_line),
    SINK(NULL, "listening", TEXT, SAME, listening),
    SINK(NULL, "protocol", TEXT, SAME, protocol),
    SINK(NULL, "io_driver", TEXT, SAME, io_driver),
    SINK(NULL, "started_at", TEXT, ASIDE, started_at),
    SINK(NULL, "ended", TEXT, ASIDE, ended),
};

const size_t sink_head_field_count = sizeof sink_head_fields / sizeof *sink_head_fields;

const struct field sink_fields[] = {
    SINK(NULL, "sessions", COUNT, SUM, sessions),
    SINK(NULL, "peak_sessions", COUNT, SUM, peak),
    SINK(NULL, "quits", COUNT, SUM, quits),
    SINK(NULL, "lost", COUNT, SUM, lost),
    SINK(NULL, "aborted", COUNT, SUM, aborted),
    SINK(NULL, "messages", COUNT, SUM, messages),
    SINK(NULL, "recipients", COUNT, SUM, recipients),
    SINK(NULL, "content_bytes", COUNT, SUM, content_bytes),
    SINK(NULL, "received_bytes", COUNT, SUM, received_bytes),
    SINK(NULL, "sent_bytes", COUNT, SUM, sent_bytes),
    SINK("tls", "full", COUNT, SUM, tls_full),
    SINK("tls", "resumed", COUNT, SUM, tls_resumed),
    SINK("tls", "failed", COUNT, SUM, tls_failed),
    SINK("auth", "attempts", COUNT, SUM, auth_attempts),
    SINK("auth", "accepted", COUNT, SUM, auth_accepted),
    SINK("auth", "refused", COUNT, SUM, auth_refused),
    SINK(NULL, "refused", COUNT, SUM, refused),
    SINK(NULL, "unrecorded", COUNT, SUM, unrecorded),
    SINK(NULL, "workers", COUNT, SUM, workers),
    SINK(NULL, "elapsed_ns", COUNT, ASIDE, elapsed_ns),
    SINK("cpu", "user_ns", COUNT, SUM, cpu_user_ns),
    SINK("cpu", "system_ns", COUNT, SUM, cpu_system_ns),
    SINK(NULL, "peak_rss_bytes", COUNT, MAX, peak_rss_bytes),
};

const size_t sink_field_count = sizeof sink_fields / sizeof *sink_fields;
