/*
 * smtp-sink: receives SMTP and LMTP mail and throws it away. Options, the run, the report.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "capture.h"
#include "io.h"
#include "num.h"
#include "opt.h"
#include "privileges.h"
#include "process.h"
#include "program.h"
#include "run.h"
#include "sink.h"
#include "sink_live.h"
#include "sink_options.h"
#include "sink_summary.h"
#include "terminal.h"
#include "units.h"

/* All that a run is made of. */
struct program {
    struct sink_config sink;
    struct capture_config capture;
    struct privileges privileges;
    struct opt_config config;
    struct questions questions;
    struct summary summary;
    int io;           /* enum io_choice */
    const char *page; /* --live */
    struct sink_live live;
};

#define AT(field) offsetof(struct program, field)

static const struct opt program_options[] = {
    {.name = "user",
     .letter = 'u',
     .kind = OPT_TEXT,
     .arg = "NAME",
     .at = AT(privileges.user),
     .group = "Listening",
     .help = "switch to this user",
     .man = "Switch to this user's privileges after opening the sockets and optionally changing "
            "the root directory. The super-user must give one, unless only this machine can "
            "connect: then it is nobody."},
    {.name = "root-directory",
     .letter = 'R',
     .kind = OPT_TEXT,
     .arg = "DIRECTORY",
     .at = AT(privileges.root),
     .group = "Listening",
     .help = "change the root directory",
     .man = "Change the process root directory to this one after opening the sockets. It becomes "
            "the working directory too. Needs super-user privileges; see also -u."},
    {.name = "io",
     .kind = OPT_CHOICE,
     .arg = "auto|uring|epoll",
     .at = AT(io),
     .choices = io_choices,
     .what = "I/O driver",
     .group = "Listening",
     .help = "I/O driver (default auto)",
     .man = "How to talk to the system: uring (io_uring), epoll, or auto (the default), which is "
            "uring where the kernel lets it. The summary names the one used."},
    {.name = "live",
     .kind = OPT_TEXT,
     .arg = "ADDR:PORT",
     .implied = "",
     .at = AT(page),
     .what = "address of the live page",
     .group = "Output",
     .help = "serve a page that follows the run",
     .man = "Serve a page by HTTP that shows what comes in, second by second, in any browser. "
            "/run.json beside it is the report so far, /metrics the same for Prometheus and what "
            "else reads OpenMetrics. A port alone is on the loopback interface, :PORT on all of "
            "this machine's IPv4 addresses: whoever can connect can read. Without a value it is "
            "127.0.0.1:9025, or a free port when that is taken. The URL is told on standard "
            "error. The server ends with the run."},
};

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

#define TABLES 8

static void option_tables(struct program *p, struct opt_table tables[TABLES])
{
    tables[0] = (struct opt_table){sink_options, sink_option_count, &p->sink};
    tables[1] = (struct opt_table){capture_options, capture_option_count, &p->capture};
    tables[2] = (struct opt_table){tls_server_options, tls_server_option_count, &p->sink.tls};
    tables[3] = (struct opt_table){auth_server_options, auth_server_option_count, &p->sink.auth};
    tables[4] = (struct opt_table){summary_options, summary_option_count, &p->summary};
    tables[5] = (struct opt_table){program_options, LENGTH(program_options), p};
    tables[6] = (struct opt_table){opt_config_rows, opt_config_row_count, &p->config};
    tables[7] = (struct opt_table){question_options, question_option_count, &p->questions};
}

static const char usage[] = SINK_USAGE;

static bool is_question(const struct program *p)
{
    return question_is(&p->questions) || p->config.print;
}

static int answer(struct program *p, struct diag *d)
{
    static const struct question_about about = {
        .program.name = "smtp-sink",
        .usage = "usage: " SINK_USAGE "\n"
                 "       smtp-sink [options] unix:pathname [backlog]\n\n"
                 "Receives mail and throws it away, until it is stopped (^C)."};
    struct opt_table tables[TABLES];

    option_tables(p, tables);
    if (question_is(&p->questions))
        return question_answer(&p->questions, &about, tables, TABLES, d);
    opt_print_config(&p->config, stdout);
    return out_standard(0, true, d);
}

static int parse_operands(struct program *p, char **operand, int count, struct diag *d)
{
    if (count < 1)
        return diag_set(d, -EINVAL, "no address to listen on: usage: %s (see --help)", usage);
    if (count > 2)
        return diag_set(d, -EINVAL, "too many arguments: %s: usage: %s (see --help)", operand[2],
                        usage);
    p->sink.listen = operand[0];
    if (count > 1 && (num_count(operand[1], &p->sink.backlog) < 0 || p->sink.backlog == 0))
        return diag_set(d, -EINVAL, "bad backlog: %s: usage: %s (see --help)", operand[1], usage);
    return 0;
}

static int parse(struct program *p, int argc, char **argv, struct diag *d)
{
    struct opt_table tables[TABLES];
    int operands = 0;
    int rc;

    option_tables(p, tables);
    rc = opt_parse(tables, TABLES, argc, argv, &operands, d);
    if (rc < 0 || is_question(p))
        return rc;
    rc = summary_settle(&p->summary, p->sink.counters ? REPORT_NONE : REPORT_TEXT, p->sink.counters,
                        d);
    if (rc < 0)
        return rc;
    if (p->sink.tls_mode == SINK_TLS_NO && tls_settings_used(&p->sink.tls))
        return diag_set(d, -EINVAL, "--%s needs --tls", tls_settings_used(&p->sink.tls));
    if (p->sink.tls.ca && p->sink.tls.client_cert == TLS_CLIENT_CERT_NO)
        return diag_set(d, -EINVAL, "--tls-ca needs --tls-client-cert: nobody is asked for one");
    rc = tls_settings_check(&p->sink.tls, d);
    if (rc < 0)
        return rc;
    rc = auth_server_check(&p->sink.auth, d);
    if (rc < 0)
        return rc;
    rc = capture_config_check(&p->capture, d);
    if (rc < 0)
        return rc;
    if (capture_wanted(&p->capture))
        p->sink.capture = &p->capture;
    return parse_operands(p, argv + operands, argc - operands, d);
}

static void write_text(const void *run, FILE *out)
{
    sink_report_text(run, out);
}

static int write_json(const void *run, FILE *out)
{
    return sink_report_json(run, out);
}

static const struct summary_forms forms = {write_text, write_json};

/* -c's counters have stdout, and -v stderr. */
static bool wants_line(const struct program *p)
{
    return p->summary.report != REPORT_NONE && !p->sink.verbose && !p->sink.counters &&
           terminal_can_show();
}

/* When privileges are given up: from here on there is a thread. */
static int start_live(struct program *p, struct diag *d)
{
    int rc = p->live.http ? http_start(p->live.http, d) : 0;

    p->live.view = wants_line(p);
    p->live.config = &p->sink;
    if (rc < 0 || (!p->live.view && !p->live.http))
        return rc;
    p->sink.progress = sink_live_progress;
    p->sink.progress_arg = &p->live;
    return sink_live_init(&p->live, d);
}

/* What may not be written: it is not the super-user any more who writes. */
static int tell_user(bool was_super, struct diag *d)
{
    char text[sizeof d->text];

    if (!was_super || geteuid() == 0)
        return -EACCES;
    memcpy(text, d->text, sizeof text);
    return diag_set(d, -EACCES, "%.400s (written as the user that -u names, else nobody)", text);
}

static int serve(struct program *p, struct sink *s, struct diag *d)
{
    static const int stop_signals[] = {SIGINT, SIGTERM, SIGHUP};
    char listening[300];
    bool super;
    int rc;

    if (p->sink.logged) /* now, since a new root may have no syslog socket */
        openlog("smtp-sink", LOG_PID | LOG_NDELAY, LOG_MAIL);
    super = geteuid() == 0;
    rc = privileges_drop(&p->privileges, sink_is_local(s), d);
    if (rc < 0)
        return rc;
    rc = summary_open(&p->summary, d);
    if (rc < 0)
        return rc == -EACCES ? tell_user(super, d) : rc;
    if (sink_has_new_port(s) || p->sink.verbose)
        diag_note("listening on %s", sink_listening(s, listening, sizeof listening));
    sink_stop_by_signals(s, stop_signals, LENGTH(stop_signals) - !process_heeds_hangup());
    rc = start_live(p, d);
    if (rc < 0)
        return rc;
    rc = sink_serve(s, d);
    diag_live(NULL);
    return rc == -EACCES ? tell_user(super, d) : rc;
}

/* Opens, serves, reports. 0 or -errno with diag set. */
static int run(struct program *p, const char *command_line, struct diag *d)
{
    char started_at[RUN_TIME_SIZE];
    char id[20];
    char listening[300];
    struct timespec wall;
    struct sink_numbers numbers;
    struct sink_refusal refusals[SERVER_VERB_COUNT];
    struct sink_run r;
    struct sink *s;
    int rc = io_choose((enum io_choice)p->io, &p->sink.io, d);

    if (rc < 0 || (rc = sink_open(&s, &p->sink, d)) < 0)
        return rc;
    (void)clock_gettime(CLOCK_REALTIME, &wall);
    (void)snprintf(id, sizeof id, "%016" PRIx64, process_random());
    p->live.about = (struct sink_run){
        .id = id,
        .command_line = command_line,
        .listening =
            sink_has_new_port(s) ? sink_listening(s, listening, sizeof listening) : p->sink.listen,
        .started_at = run_time(started_at, &wall),
    };
    rc = p->page ? http_open(&p->live.http, p->page, d) : 0;
    if (rc == 0)
        rc = serve(p, s, d);
    if (rc == 0) {
        sink_numbers(s, &numbers);
        if (numbers.unrecorded > 0)
            diag_warn("%" PRIu64 " message%s could not be recorded", numbers.unrecorded,
                      numbers.unrecorded == 1 ? "" : "s");
        sink_summary(&r, refusals, &numbers, &p->sink);
        sink_live_identify(&p->live, &r);
        rc = summary_write(&p->summary, &forms, &r,
                           p->sink.counters && p->summary.report == REPORT_TEXT, d);
        sink_live_over(&p->live, &numbers, &r);
    }
    summary_done(&p->summary);
    sink_live_done(&p->live);
    sink_free(s);
    return rc;
}

int main(int argc, char **argv)
{
    struct program p = {0};
    struct opt_table tables[TABLES];
    struct diag d;
    char *command_line;
    int rc;

    process_begin();
    diag_program(argv[0] ? argv[0] : "smtp-sink");
    sink_config_init(&p.sink);
    option_tables(&p, tables);
    command_line = opt_command_line(tables, TABLES, argc, argv);
    rc = parse(&p, argc, argv, &d);
    if (rc == 0)
        rc = is_question(&p) ? answer(&p, &d) : run(&p, command_line, &d);
    if (rc < 0)
        diag_fatal("%s", d.text);
    opt_config_done(&p.config);
    free(command_line);
    return rc < 0;
}
