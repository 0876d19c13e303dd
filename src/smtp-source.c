/*
 * smtp-source: generates SMTP and LMTP load and measures it. Options, the run, the report.
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "auth_settings.h"
#include "client.h"
#include "content.h"
#include "embed.h"
#include "endpoint.h"
#include "find.h"
#include "load.h"
#include "measure.h"
#include "opt.h"
#include "process.h"
#include "program.h"
#include "run.h"
#include "sink_summary.h"
#include "source_model.h"
#include "source_options.h"
#include "source_transactions.h"
#include "source_watch.h"
#include "terminal.h"
#include "tls_identity.h"
#include "tls_settings.h"
#include "units.h"
#include "verdict.h"

/* What was required does not hold, or --stop-when did. */
#define EXIT_REQUIREMENT 3

/* PIPELINING: commands in flight. */
#define DEFAULT_WINDOW 100

/* For whatever is waited for: that of the program that this one takes the place of. */
#define DEFAULT_TIMEOUT (300 * NS_PER_S) /* RFC 5321 section 4.5.3.2 */
/* Where servers are when no port is given: RFC 5321 section 4.5.4.2, RFC 8314 section 7.3. */
#define SMTP_PORT        25
#define SUBMISSIONS_PORT 465

/* All that a run is made of. */
struct source {
    struct program program;
    struct opt_config config;
    struct questions questions;
    struct summary summary;
    struct load_settings load_settings;
    struct mail_settings mail;
    struct client_config client;
    struct auth_settings auth;
    struct auth_users users;
    struct tls_settings tls;
    struct tls_identity identity;
    struct mail_content content;
    struct target_list targets;
    struct run_target target_rows[TARGETS_MAX]; /* as reported */
    struct bind_list bind;
    struct sink_config sink_config;
    struct sink_embed sink;
    struct load load;
    struct measure measure;
    struct find find;
    struct source_model model;
    struct watch watch;
    char title[80];
    struct out_file page;  /* --html */
    struct out_file table; /* --csv */
    struct out_file log;   /* --hdr */
    char *target_text;     /* as typed */
    char id[20];
    char started_at[RUN_TIME_SIZE];
    char *command_line;
    struct process_machine machine;
    struct process_usage before; /* what was used before the run itself */
};

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

#define TABLES_MAX (11 + EXT_COUNT)

static size_t option_tables(struct source *s, struct opt_table *tables)
{
    size_t n = 0;

    tables[n++] = (struct opt_table){load_options, load_option_count, &s->load_settings};
    tables[n++] = (struct opt_table){model_options, model_option_count, &s->load_settings};
    tables[n++] = (struct opt_table){mail_options, mail_option_count, &s->mail};
    tables[n++] =
        (struct opt_table){source_connection_options, source_connection_option_count, &s->program};
    tables[n++] = (struct opt_table){client_options, client_option_count, &s->client};
    for (int i = 0; i < EXT_COUNT; i++)
        tables[n++] =
            (struct opt_table){ext_rows[i]->options, ext_rows[i]->option_count, &s->client};
    tables[n++] = (struct opt_table){tls_client_options, tls_client_option_count, &s->tls};
    tables[n++] = (struct opt_table){auth_client_options, auth_client_option_count, &s->auth};
    tables[n++] = (struct opt_table){summary_options, summary_option_count, &s->summary};
    tables[n++] =
        (struct opt_table){source_output_options, source_output_option_count, &s->program};
    tables[n++] = (struct opt_table){opt_config_rows, opt_config_row_count, &s->config};
    tables[n++] = (struct opt_table){question_options, question_option_count, &s->questions};
    assert(n == TABLES_MAX);
    return n;
}

static void set_defaults(struct source *s)
{
    s->program = (struct program){.family = AF_UNSPEC};
    s->load_settings =
        (struct load_settings){.connect_tries = 1, .connect_parallel = 1, .nodelay = true};
    s->mail = (struct mail_settings){.rcpt_count = 1};
    client_timeout_scaled(&s->client, DEFAULT_TIMEOUT);
}

static bool wants_tls(const struct source *s)
{
    return s->client.implicit_tls || s->client.want[EXT_STARTTLS] != EXT_NO;
}

/* Does one of the sets of attributes have ADDR? */
static bool names_address(const char *sets)
{
    for (const char *at = sets; at && (at = strcasestr(at, "ADDR=")) != NULL; at++)
        if (at == sets || at[-1] == ' ' || at[-1] == ',')
            return true;
    return false;
}

static int check_xclient(struct source *s, struct diag *d)
{
    bool wanted = s->client.want[EXT_XCLIENT] != EXT_NO;
    bool told = s->load_settings.xclient_sources.count || s->load_settings.xclient_sets;

    if (told && !wanted)
        return diag_set(d, -EINVAL, "--xclient-%s needs --xclient",
                        s->load_settings.xclient_sets ? "attr" : "addr");
    if (wanted && !told)
        return diag_set(d, -EINVAL,
                        "--xclient needs to be told what: --xclient-addr or --xclient-attr");
    if (s->load_settings.xclient_sources.count && names_address(s->load_settings.xclient_sets))
        return diag_set(d, -EINVAL,
                        "--xclient-attr cannot have ADDR together with --xclient-addr, which "
                        "tells it");
    s->client.xclient = load_xclient;
    return 0;
}

static int check_options(struct source *s, struct diag *d)
{
    const struct load_settings *l = &s->load_settings;
    int rc = load_settings_complete(&s->load_settings, d);

    if (rc < 0 || (rc = summary_settle(&s->summary, REPORT_TEXT, l->counter, d)) < 0)
        return rc;
    if (l->wait && l->random_wait)
        return diag_set(d, -EINVAL, "do not use -w and -R options at the same time");
    if (s->mail.length && s->mail.file)
        return diag_set(d, -EINVAL, "-l option cannot be used with -F");
    if (l->messages != LOAD_UNLIMITED && l->messages > INT64_MAX / s->mail.rcpt_count)
        return diag_set(d, -EINVAL, "-m and -r make too many recipients: at most 2^63 - 1 in all");
    if (l->fastopen && targets_unix(&s->targets))
        return diag_set(d, -EINVAL, "--fastopen cannot be used with %s: it is for TCP",
                        targets_unix(&s->targets)->text);
    if (!wants_tls(s) && tls_settings_used(&s->tls))
        return diag_set(d, -EINVAL, "--%s needs --tls", tls_settings_used(&s->tls));
    if (auth_client_wanted(&s->auth) &&
        (s->mail.no_headers || s->client.hello == CLIENT_HELLO_HELO))
        return diag_set(d, -EINVAL,
                        "%s cannot be used with --auth-user or --auth-users: AUTH needs "
                        "EHLO",
                        s->mail.no_headers ? "-o" : "--helo");
    if ((rc = source_transactions_check(&s->program, &s->summary, l, d)) < 0 ||
        (rc = check_xclient(s, d)) < 0 || (rc = auth_client_check(&s->auth, d)) < 0 ||
        (rc = client_config_check(&s->client, d)) < 0)
        return rc;
    return tls_settings_check(&s->tls, d);
}

/* Is the program only asked about itself? */
static bool is_question(const struct source *s)
{
    return question_is(&s->questions) || s->config.print;
}

static int answer(struct source *s, struct diag *d)
{
    static const struct question_about about = {
        .program.name = "smtp-source",
        .usage = "usage: smtp-source [options] [inet:]host[:port]\n"
                 "       smtp-source [options] unix:pathname\n"
                 "       smtp-source [options] [WEIGHT@]SERVER...\n"
                 "       smtp-source [options] sink:\n\n"
                 "Sends mail to a server in parallel sessions and measures it; to several in\n"
                 "turn, 3@host taking three times the share of another. sink: is a server of\n"
                 "its own making, to try it out."};
    struct opt_table tables[TABLES_MAX];
    size_t n = option_tables(s, tables);

    if (question_is(&s->questions))
        return question_answer(&s->questions, &about, tables, n, d);
    opt_print_config(&s->config, stdout);
    return out_standard(0, true, d);
}

/* The operands, with blanks between them. */
static int join_targets(struct source *s, char *const *operands, int count, struct diag *d)
{
    size_t size = 0;
    FILE *out = open_memstream(&s->target_text, &size);

    for (int i = 0; out && i < count; i++)
        fprintf(out, "%s%s", i ? " " : "", operands[i]);
    return out && fclose(out) == 0 ? 0 : diag_set(d, -ENOMEM, "out of memory");
}

static int parse(struct source *s, int argc, char **argv, struct diag *d)
{
    struct opt_table tables[TABLES_MAX];
    size_t n = option_tables(s, tables);
    int operands = 0;
    int rc = opt_parse(tables, n, argc, argv, &operands, d);

    if (rc < 0 || is_question(s))
        return rc;
    if (operands == argc)
        return diag_set(d, -EINVAL,
                        "no server given: smtp-source [options] host[:port] (or sink: "
                        "to try it out; see --help)");
    rc = targets_parse(&s->targets, argv + operands, (uint32_t)(argc - operands), d);
    if (rc < 0 || (rc = join_targets(s, argv + operands, argc - operands, d)) < 0)
        return rc;
    s->client.lmtp = s->program.lmtp;
    s->client.no_hello = s->mail.no_headers;
    s->mail.utf8 = s->client.want[EXT_SMTPUTF8] != EXT_NO;
    return check_options(s, d);
}

static void trace(void *arg, bool sent, struct slice line)
{
    char text[REPLY_LINE_MAX + 1];

    (void)arg;
    diag_note("%s%s", sent ? "" : "<<< ", diag_printable(text, sizeof text, line));
}

/* The embedded sink's certificate is known, and nobody else's is taken. */
static void trust_sink(struct source *s)
{
    memcpy(s->tls.pins[0], s->sink.digest, sizeof s->tls.pins[0]);
    s->tls.pin_count = 1;
    s->tls.ca = NULL;
    s->tls.no_verify = false;
}

static int open_tls(struct source *s, struct diag *d)
{
    if (!wants_tls(s))
        return 0;
    s->load.tls = &s->tls;
    s->load.identity = &s->identity;
    return tls_identity_load(&s->identity, &s->tls, d);
}

/* --bind, and what it asks of the target: to have addresses of its family. */
static int open_bind(struct source *s, struct diag *d)
{
    static const char *const names[] = {"IPv4", "IPv6"};
    const char *text = s->load_settings.bind;
    int rc;

    if (!text)
        return 0;
    rc = bind_parse(&s->bind, "--bind", text, d);
    if (rc < 0)
        return rc;
    if (targets_unix(&s->targets))
        return diag_set(d, -EINVAL, "--bind cannot be used with %s: it is for TCP",
                        targets_unix(&s->targets)->text);
    if ((s->program.family != AF_UNSPEC && s->program.family != s->bind.family) ||
        (s->bind.family == AF_INET6 && targets_sink(&s->targets)))
        return diag_set(d, -EINVAL, "--bind %s is %s, and the server is connected to by %s", text,
                        names[s->bind.family == AF_INET6], names[s->bind.family != AF_INET6]);
    s->program.family = s->bind.family;
    s->load.bind = &s->bind;
    return 0;
}

static int resolve_targets(struct source *s, struct diag *d)
{
    struct diag why;
    int rc = targets_resolve(&s->targets, s->program.family,
                             s->client.implicit_tls ? SUBMISSIONS_PORT : SMTP_PORT, &why);

    if (rc < 0 && s->load.bind)
        return diag_set(d, rc, "%s (--bind %s is of that family)", why.text, s->load_settings.bind);
    if (rc < 0)
        *d = why;
    return rc;
}

/* Who to be; the password may be asked for. */
static int open_auth(struct source *s, struct diag *d)
{
    if (!auth_client_wanted(&s->auth))
        return 0;
    s->load.auth = &s->auth;
    s->load.users = &s->users;
    s->client.want[EXT_AUTH] = EXT_MUST;
    s->sink_config.users = &s->users;
    return auth_client_load(&s->users, &s->auth, d);
}

/* With -d a session stays with the server that its connection went to. */
static void warn_unreached(const struct source *s)
{
    const struct load_settings *l = &s->load_settings;
    uint64_t sessions = l->sessions < l->messages ? l->sessions : l->messages;
    uint32_t reached = targets_reached(&s->targets, sessions);

    if (l->keep_connection && !l->per_connection.low && l->find != FIND_SESSIONS &&
        reached < s->targets.count)
        diag_warn("with -d, %" PRIu64 " session%s reach only %u of %u servers: raise -s, or limit "
                  "the messages of a connection (--per-connection)",
                  sessions, sessions == 1 ? "" : "s", (unsigned)reached,
                  (unsigned)s->targets.count);
}

static int open_targets(struct source *s, struct diag *d)
{
    struct endpoint *e = &s->targets.rows[0].endpoint;
    int rc = open_bind(s, d);

    if (rc < 0)
        return rc;
    if (!targets_sink(&s->targets)) {
        warn_unreached(s);
        return resolve_targets(s, d);
    }
    s->sink_config.family = s->program.family;
    if (wants_tls(s))
        s->sink_config.tls_mode = s->client.implicit_tls ? SINK_TLS_IMPLICIT : SINK_TLS_STARTTLS;
    s->sink_config.io = s->load.io;
    s->sink_config.server.lmtp = s->client.lmtp;
    s->sink_config.proxy = s->load_settings.proxy != 0;
    s->sink_config.threads = s->load_settings.threads;
    s->sink_config.threads.count = load_threads(&s->load_settings);
    rc = sink_embed_start(&s->sink, &s->sink_config, d);
    if (rc < 0)
        return rc;
    if (wants_tls(s) && s->tls.pin_count == 0)
        trust_sink(s);
    e->addresses = malloc(sizeof *e->addresses);
    if (!e->addresses)
        return diag_set(d, -ENOMEM, "out of memory");
    e->addresses[0] = s->sink.address;
    e->count = 1;
    return 0;
}

/* That they can be written is known before the run. */
static int open_files(struct source *s, struct diag *d)
{
    struct {
        struct out_file *file;
        const char *name;
        const char *option;
    } files[] = {{&s->page, s->program.html, "--html"},
                 {&s->table, s->program.csv, "--csv"},
                 {&s->log, s->program.hdr, "--hdr"}};
    int rc = summary_open(&s->summary, d);

    for (size_t i = 0; i < LENGTH(files) && rc == 0; i++)
        rc = out_file_open(files[i].file, files[i].name, files[i].option, d);
    return rc;
}

static int write_files(struct source *s, const struct run *r, struct diag *d)
{
    int rc = 0;

    if (s->page.stream)
        rc = out_file_commit(&s->page, report_html(&r, 1, s->page.stream), d);
    if (rc == 0 && s->table.stream)
        rc = out_file_commit(&s->table, report_csv(r, s->table.stream), d);
    if (rc == 0 && s->log.stream)
        rc = out_file_commit(&s->log, report_hdr(r, s->log.stream), d);
    return rc;
}

static void describe(struct source *s, struct run *r);
static void describe_targets(struct source *s, struct run *r);

/* The run so far, as the live page shows it. */
static void describe_now(void *arg, struct run *r)
{
    struct source *s = arg;
    const struct measure *m = &s->measure;

    describe(s, r);
    source_model(&s->model, &s->load, m, NULL, s->started_at);
    r->ended = "running";
    r->warmup_ns = m->warm_at;
    r->elapsed_ns = m->last - m->warm_at;
    if (m->warming)
        r->total = m->warmup;
    describe_targets(s, r);
}

/* After the embedded sink was forked: that has none of it. */
static int prepare_watch(struct source *s, struct diag *d)
{
    struct watch *w = &s->watch;
    int rc;

    (void)snprintf(s->title, sizeof s->title, "smtp-source: %s to %s",
                   s->client.lmtp ? "lmtp" : "smtp", s->target_text);
    *w = (struct watch){
        .load = &s->load,
        .measure = &s->measure,
        .before = &s->before,
        .view = s->summary.report != REPORT_NONE && !s->program.verbose &&
                !s->load_settings.counter && terminal_can_show(),
        .quiet = s->summary.quiet,
        .describe = describe_now,
        .arg = s,
        .live.title = s->title,
    };
    if (s->program.live) {
        rc = http_open(&w->http, s->program.live, d);
        if (rc < 0 || (rc = http_start(w->http, d)) < 0)
            return rc;
    }
    return watch_init(w, d);
}

/* Starts the load, and its clocks. */
static int start(struct source *s, struct diag *d)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    (void)run_time(s->started_at, &now);
    process_usage(&s->before);
    return load_start(&s->load, d);
}

static int prepare(struct source *s, struct diag *d)
{
    struct timespec now;
    uint64_t id;
    int rc;

    rc = io_choose((enum io_choice)s->program.io, &s->load.io, d);
    if (rc < 0)
        return rc;
    id = process_random();
    (void)snprintf(s->id, sizeof s->id, "%016" PRIx64, id);
    (void)clock_gettime(CLOCK_REALTIME, &now);
    rc = mail_content_init(&s->content, &s->mail, id, now.tv_sec, d);
    if (rc < 0 || (rc = open_files(s, d)) < 0 ||
        (rc = source_transactions_open(&s->load, &s->program, &s->summary, d)) < 0)
        return rc;
    if (!s->client.window)
        s->client.window = DEFAULT_WINDOW;
    s->client.helo_name = s->content.hostname;
    s->client.no_quit = s->load_settings.close != CLOSE_QUIT;
    if (s->load_settings.timeout)
        client_timeout_scaled(&s->client, s->load_settings.timeout);
    s->client.tolerant = s->load_settings.tolerant;
    s->client.trace = s->program.verbose ? trace : NULL;
    sink_config_init(&s->sink_config);
    if ((rc = open_auth(s, d)) < 0)
        return rc;
    rc = open_targets(s, d);
    if (rc < 0 || (rc = open_tls(s, d)) < 0)
        return rc;
    if (s->load_settings.find)
        find_init(&s->find, &s->load_settings);
    rc = measure_init(&s->measure, &s->load_settings, s->targets.count, d);
    if (rc < 0 || (rc = prepare_watch(s, d)) < 0)
        return rc;
    s->load.seed = s->load_settings.seed ? s->load_settings.seed : process_random();
    s->load.settings = &s->load_settings;
    s->load.client = &s->client;
    s->load.content = &s->content;
    s->load.targets = &s->targets;
    process_machine(&s->machine);
    return start(s, d);
}

static void write_text(const void *run, FILE *out)
{
    report_text(run, out);
}

static int write_json(const void *run, FILE *out)
{
    return report_json(run, out);
}

/* Reports in the forms asked for. 0 or -errno with diag set. */
static int report(struct source *s, struct run *r, struct diag *d)
{
    static const struct summary_forms forms = {write_text, write_json};
    bool newline = s->load_settings.counter &&
                   (strncmp(r->ended, "fatal", 5) != 0 || s->summary.report == REPORT_TEXT);
    struct diag another;
    int rc = summary_write(&s->summary, &forms, r, newline, d);
    int code = write_files(s, r, rc < 0 ? &another : d);

    return rc < 0 ? rc : code;
}

static void describe_targets(struct source *s, struct run *r)
{
    const struct stats *total = r->total;

    for (uint32_t i = 0; i < total->target_count; i++)
        s->target_rows[i] = (struct run_target){s->targets.rows[i].text, s->targets.rows[i].weight,
                                                &total->targets[i]};
    r->targets = s->target_rows;
    r->target_count = total->target_count;
}

static void describe(struct source *s, struct run *r)
{
    struct process_usage usage;

    process_usage(&usage);
    r->id = s->id;
    r->started_at = s->started_at;
    r->command_line = s->command_line;
    r->program = "smtp-source";
    r->version = VERSION;
    r->role = "source";
    r->target = s->target_text;
    r->protocol = s->client.lmtp ? "lmtp" : "smtp";
    r->io_driver = s->load.io.driver->name;
    r->sessions = s->load_settings.sessions < s->load_settings.messages ? s->load_settings.sessions
                                                                        : s->load_settings.messages;
    r->messages = s->load_settings.messages == LOAD_UNLIMITED ? 0 : s->load_settings.messages;
    r->rcpts = s->mail.rcpt_count;
    r->message_bytes = mail_content_size(&s->content);
    r->workers = s->load.worker_count;
    r->cpu_user_ns = usage.user_ns - s->before.user_ns;
    r->cpu_system_ns = usage.system_ns - s->before.system_ns;
    r->peak_rss_bytes = usage.peak_bytes;
    r->total = s->measure.total;
    r->kernel = s->machine.kernel;
    r->cpu_model = *s->machine.cpu ? s->machine.cpu : NULL;
    r->cpus = s->machine.cpus;
    r->model = &s->model.model;
    r->pauses = s->watch.pauses;
    r->transactions = source_transactions(&s->load, &s->program);
    describe_targets(s, r);
}

/* A step of a search has ended: tells it, and starts the next one. false when there is none. */
static bool next_step(struct source *s)
{
    bool by_generator = s->model.verdict.bottleneck == BOTTLENECK_GENERATOR;
    struct diag d;

    if (run_stop(&s->load.control) != RUN_ON || !find_next(&s->find, &s->measure, by_generator))
        return false;
    load_done(&s->load);
    watch_again(&s->watch);
    measure_again(&s->measure);
    if (start(s, &d) == 0)
        return true;
    run_control_fail(&s->load.control, &d);
    return false;
}

/* After load_start(): runs to the end and reports. Returns the exit status. */
static int finish(struct source *s)
{
    char ended[sizeof(struct diag) + 8] = "complete";
    struct sink_numbers numbers = {0};
    struct sink_refusal refusals[SERVER_VERB_COUNT];
    struct sink_run sink;
    struct diag d;
    struct run r = {.ended = ended};
    int status = 0;

    do {
        watch_run(&s->watch);
        measure_finish(&s->measure, &s->load);
        r.warmup_ns = s->measure.warm_at;
        r.elapsed_ns = s->measure.last - s->measure.warm_at;
        describe(s, &r);
        source_model(&s->model, &s->load, &s->measure, NULL, s->started_at);
        s->model.verdict = verdict_of(&r);
    } while (s->load_settings.find && next_step(s));
    if (s->load_settings.find)
        source_model(&s->model, &s->load, &s->measure, &s->find, s->started_at);
    r.bottleneck = bottleneck_name(s->model.verdict.bottleneck);
    r.why = s->model.verdict.why;
    if (atomic_load(&s->load.control.failed)) {
        diag_fatal("%s", s->load.control.failure.text);
        (void)snprintf(ended, sizeof ended, "fatal: %s", s->load.control.failure.text);
        status = 1;
    } else if (s->measure.stopped) {
        source_stopped(&s->load_settings.stop_when, ended, sizeof ended);
        status = EXIT_REQUIREMENT;
    } else if (run_stop(&s->load.control) != RUN_ON) {
        (void)snprintf(ended, sizeof ended, "interrupted");
        status = 1;
    }
    if (status == 0 && s->measure.warming)
        diag_warn("the run was over before --warmup was: nothing of it is in the result");
    if (status == 0 && (!run_meets(&r) || (s->load_settings.find && !s->find.search.found)))
        status = EXIT_REQUIREMENT;
    if (s->sink.pid && sink_embed_stop(&s->sink, &numbers, &d) < 0) {
        diag_fatal("%s", d.text);
        if (status != 1)
            (void)snprintf(ended, sizeof ended, "fatal: %s", d.text);
        status = 1;
    } else if (numbers.sessions) {
        sink_summary(&sink, refusals, &numbers, &s->sink_config);
        r.sink = &sink;
    }
    if (source_transactions_tell(&s->load, &s->program) < 0)
        status = 1;
    if (report(s, &r, &d) < 0) {
        diag_fatal("%s", d.text);
        status = 1;
    }
    watch_over(&s->watch, &r);
    return status;
}

int main(int argc, char **argv)
{
    static struct source s; /* large; zeroed */
    struct opt_table tables[TABLES_MAX];
    struct diag d;
    int status;
    int rc;

    process_begin();
    diag_program(argv[0] ? argv[0] : "smtp-source");
    set_defaults(&s);
    s.command_line = opt_command_line(tables, option_tables(&s, tables), argc, argv);
    rc = parse(&s, argc, argv, &d);
    if (rc < 0 || is_question(&s)) {
        if (rc < 0 || (rc = answer(&s, &d)) < 0)
            diag_fatal("%s", d.text);
        status = rc < 0;
        opt_config_done(&s.config);
        targets_done(&s.targets);
        free(s.target_text);
        free(s.command_line);
        return status;
    }
    process_block_signals();
    if (prepare(&s, &d) < 0) {
        struct sink_numbers unused;
        struct diag unsaid;

        diag_fatal("%s", d.text);
        if (s.sink.pid)
            (void)sink_embed_stop(&s.sink, &unused, &unsaid);
        status = 1;
    } else {
        status = finish(&s);
    }
    summary_done(&s.summary);
    out_file_drop(&s.page);
    out_file_drop(&s.table);
    out_file_drop(&s.log);
    source_transactions_done(&s.load);
    watch_done(&s.watch);
    measure_done(&s.measure);
    load_done(&s.load);
    mail_content_done(&s.content);
    bind_done(&s.bind);
    bind_done(&s.load_settings.proxy_sources);
    bind_done(&s.load_settings.xclient_sources);
    targets_done(&s.targets);
    free(s.target_text);
    opt_config_done(&s.config);
    tls_identity_done(&s.identity);
    auth_users_done(&s.users);
    free(s.command_line);
    return status;
}
