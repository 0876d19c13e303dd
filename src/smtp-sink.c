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
#include "run.h"
#include "sink.h"
#include "sink_live.h"
#include "sink_options.h"
#include "sink_summary.h"
#include "terminal.h"
#include "units.h"

enum report_kind { REPORT_DEFAULT, REPORT_TEXT, REPORT_JSON, REPORT_NONE };

/* All that a run is made of. */
struct program {
    struct sink_config sink;
    struct capture_config capture;
    struct privileges privileges;
    struct opt_config config;
    int io;           /* enum io_choice */
    int report;       /* enum report_kind */
    const char *page; /* --live */
    struct sink_live live;
    const char *help; /* how to show it; NULL for not */
    bool version;
    bool quiet;
};

static const struct opt_choice report_kinds[] = {
    {"text", REPORT_TEXT},
    {"json", REPORT_JSON},
    {"none", REPORT_NONE},
    {NULL, 0},
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
    {.name = "report",
     .kind = OPT_CHOICE,
     .arg = "text|json|none",
     .at = AT(report),
     .choices = report_kinds,
     .what = "report",
     .group = "Output",
     .help = "form of the summary (default text)",
     .man = "What is written to standard output at the end: a summary for people (text, the "
            "default), one JSON document (json), or nothing (none, the default with -c). json does "
            "not go together with -c."},
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
    {.name = "quiet",
     .kind = OPT_FLAG,
     .at = AT(quiet),
     .group = "Output",
     .help = "no summary",
     .man = "No summary on standard output; the same as --report=none."},
    {.name = "help",
     .kind = OPT_TEXT,
     .arg = "FORM",
     .implied = "text",
     .at = AT(help),
     .group = "Output",
     .help = "show this text",
     .man = "Show a short text about the options and exit. With =man, the options section of this "
            "page; with =names, their names, a line each; with =completion-bash, =completion-zsh "
            "or =completion-fish, completion for that shell."},
    {.name = "version",
     .kind = OPT_FLAG,
     .at = AT(version),
     .group = "Output",
     .help = "show the version",
     .man = "Show the program's version and exit."},
};

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

#define TABLES 6

static void option_tables(struct program *p, struct opt_table tables[TABLES])
{
    tables[0] = (struct opt_table){sink_options, sink_option_count, &p->sink};
    tables[1] = (struct opt_table){capture_options, capture_option_count, &p->capture};
    tables[2] = (struct opt_table){tls_server_options, tls_server_option_count, &p->sink.tls};
    tables[3] = (struct opt_table){auth_server_options, auth_server_option_count, &p->sink.auth};
    tables[4] = (struct opt_table){program_options, LENGTH(program_options), p};
    tables[5] = (struct opt_table){opt_config_rows, opt_config_row_count, &p->config};
}

static const char usage[] = SINK_USAGE;

static int show_help(struct program *p)
{
    struct opt_table tables[TABLES];

    option_tables(p, tables);
    if (!opt_help_as(p->help, tables, TABLES, "smtp-sink", stdout)) {
        printf("usage: %s\n"
               "       smtp-sink [options] unix:pathname [backlog]\n\n"
               "Receives mail and throws it away, until it is stopped (^C).\n",
               usage);
        opt_help(tables, TABLES, stdout);
    }
    return ferror(stdout) ? 1 : 0;
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
    if (rc < 0 || p->help || p->version || p->config.print)
        return rc;
    if (p->quiet)
        p->report = REPORT_NONE;
    else if (p->report == REPORT_DEFAULT)
        p->report = p->sink.counters ? REPORT_NONE : REPORT_TEXT;
    if (p->sink.counters && p->report == REPORT_JSON)
        return diag_set(d, -EINVAL, "-c cannot be used with --report=json: both use stdout");
    if (p->sink.tls_mode == SINK_TLS_NO && tls_settings_used(&p->sink.tls))
        return diag_set(d, -EINVAL, "--%s needs --tls", tls_settings_used(&p->sink.tls));
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

static int report(const struct program *p, const struct sink_run *r, struct diag *d)
{
    int rc = 0;

    if (p->report == REPORT_TEXT && p->sink.counters)
        putchar('\n');
    if (p->report == REPORT_TEXT)
        sink_report_text(r, stdout);
    else if (p->report == REPORT_JSON)
        rc = sink_report_json(r, stdout);
    if (rc == 0 && (fflush(stdout) != 0 || ferror(stdout)))
        rc = -errno;
    return rc < 0 ? diag_set(d, rc, "write standard output: %s", strerror(-rc)) : 0;
}

/* -c's counters have stdout, and -v stderr. */
static bool wants_line(const struct program *p)
{
    return p->report != REPORT_NONE && !p->sink.verbose && !p->sink.counters && terminal_can_show();
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
    static const int stop_signals[] = {SIGINT, SIGTERM};
    char listening[300];
    bool super;
    int rc;

    if (p->sink.logged) /* now, since a new root may have no syslog socket */
        openlog("smtp-sink", LOG_PID | LOG_NDELAY, LOG_MAIL);
    super = geteuid() == 0;
    rc = privileges_drop(&p->privileges, sink_is_local(s), d);

    if (rc < 0)
        return rc;
    if (sink_has_new_port(s) || p->sink.verbose)
        diag_note("listening on %s", sink_listening(s, listening, sizeof listening));
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is as a full disk */
    sink_stop_by_signals(s, stop_signals, LENGTH(stop_signals));
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
    int rc = io_choose((enum io_choice)p->io, &p->sink.driver, d);

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
            diag_warn("%" PRIu64 " messages could not be recorded", numbers.unrecorded);
        sink_summary(&r, refusals, &numbers, &p->sink);
        sink_live_identify(&p->live, &r);
        rc = report(p, &r, d);
        sink_live_over(&p->live, &numbers, &r);
    }
    sink_live_done(&p->live);
    sink_free(s);
    return rc;
}

int main(int argc, char **argv)
{
    struct program p = {.report = REPORT_DEFAULT};
    struct opt_table tables[TABLES];
    struct diag d;
    char *command_line;
    int status;
    int rc;

    process_keep_standard_files();
    diag_program(argv[0] ? argv[0] : "smtp-sink");
    sink_config_init(&p.sink);
    option_tables(&p, tables);
    command_line = opt_command_line(tables, TABLES, argc, argv);
    rc = parse(&p, argc, argv, &d);
    if (rc == 0 && p.help) {
        status = show_help(&p);
    } else if (rc == 0 && p.version) {
        status = puts("smtp-sink " VERSION) < 0;
    } else if (rc == 0 && p.config.print) {
        opt_print_config(&p.config, stdout);
        status = fflush(stdout) != 0;
    } else {
        if (rc == 0)
            rc = run(&p, command_line, &d);
        if (rc < 0)
            diag_fatal("%s", d.text);
        status = rc < 0;
    }
    opt_config_done(&p.config);
    free(command_line);
    return status;
}
