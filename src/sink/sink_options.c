/*
 * The options that shape a sink.
 */
#include "sink_options.h"

#include <errno.h>
#include <sys/socket.h>

#include "num.h"
#include "sink.h"
#include "units.h"

#define AT(field) offsetof(struct sink_config, field)

static int set_ipv4(void *settings, const char *value, struct diag *d)
{
    (void)value;
    (void)d;
    ((struct sink_config *)settings)->family = AF_INET;
    return 0;
}

static int set_ipv6(void *settings, const char *value, struct diag *d)
{
    (void)value;
    (void)d;
    ((struct sink_config *)settings)->family = AF_INET6;
    return 0;
}

static int set_threads(void *settings, const char *value, struct diag *d)
{
    return threads_set(&((struct sink_config *)settings)->threads, value, d);
}

static int set_announce(void *settings, const char *value, struct diag *d)
{
    return server_announce(&((struct sink_config *)settings)->server, value, d);
}

static struct server_plan *plan_of(void *settings)
{
    return &((struct sink_config *)settings)->plan;
}

static int refuse(void *settings, enum server_refusal refusal, const char *list, struct diag *d)
{
    bool any = false;
    int rc = server_plan_refuse(plan_of(settings), refusal, list, &any, d);

    /* As with the peer: a client that pipelines could not tell what was refused. */
    if (any && refusal >= SERVER_HARD)
        ((struct sink_config *)settings)->server.no_pipelining = true;
    return rc;
}

static int set_hard(void *settings, const char *value, struct diag *d)
{
    return refuse(settings, SERVER_HARD, value, d);
}

static int set_soft(void *settings, const char *value, struct diag *d)
{
    return refuse(settings, SERVER_SOFT, value, d);
}

static int set_cut(void *settings, const char *value, struct diag *d)
{
    return refuse(settings, SERVER_CUT, value, d);
}

static int set_421(void *settings, const char *value, struct diag *d)
{
    return refuse(settings, SERVER_421, value, d);
}

/* Errors that the peer follows by its usage text are followed by ours. */
static int with_usage(int rc, struct diag *d)
{
    char text[sizeof d->text];

    if (rc == 0)
        return 0;
    (void)snprintf(text, sizeof text, "%s", d->text);
    return diag_set(d, rc, "%.300s: usage: " SINK_USAGE " (see --help)", text);
}

static int set_soft_reply(void *settings, const char *value, struct diag *d)
{
    return with_usage(server_plan_reply(plan_of(settings), SERVER_SOFT, value, d), d);
}

static int set_hard_reply(void *settings, const char *value, struct diag *d)
{
    return with_usage(server_plan_reply(plan_of(settings), SERVER_HARD, value, d), d);
}

static int set_delay(void *settings, const char *value, struct diag *d)
{
    return server_plan_delay(plan_of(settings), value, d);
}

static int bad_time(const char *what, const char *value, struct diag *d)
{
    return diag_set(d, -EINVAL, "bad %s: %.40s (takes a time such as 5, 5s, 250ms or 2m)", what,
                    *value ? value : "empty");
}

static int set_data_delay(void *settings, const char *value, struct diag *d)
{
    char text[64];
    uint64_t ns = 0;

    if (num_duration(value, &ns) < 0 || ns == 0 || strlen(value) > 40)
        return with_usage(bad_time("data delay", value, d), d);
    (void)snprintf(text, sizeof text, "DATA:%s", value);
    return server_plan_delay(plan_of(settings), text, d);
}

static int set_abort(void *settings, const char *value, struct diag *d)
{
    struct server_plan *p = plan_of(settings);

    if (num_duration(value, &p->abort_delay) < 0)
        return with_usage(bad_time("abort delay", value, d), d);
    p->aborts = p->active = true;
    return 0;
}

static int set_read_delay(void *settings, const char *value, struct diag *d)
{
    struct server_plan *p = plan_of(settings);
    uint64_t ns = 0;

    if (num_duration(value, &ns) < 0 || ns == 0)
        return bad_time("data read delay", value, d);
    p->data_stall = ns;
    p->active = true;
    return 0;
}

static int set_logged(void *settings, const char *value, struct diag *d)
{
    struct sink_config *cf = settings;
    uint32_t verbs = 0;
    int rc = server_verb_list(value, &verbs, d);

    if (rc == 0)
        cf->logged |= verbs;
    return rc;
}

static int set_bare_lf(void *settings, const char *value, struct diag *d)
{
    bool ends = strcmp(value, "end") == 0;

    if (!ends && strcmp(value, "data") != 0)
        return diag_set(d, -EINVAL, "bad meaning of a bare LF: %s (--bare-lf takes data or end)",
                        *value ? value : "empty");
    ((struct sink_config *)settings)->server.lenient_lf = ends;
    return 0;
}

static const struct opt_choice tls_modes[] = {
    {"starttls", SINK_TLS_STARTTLS},
    {"implicit", SINK_TLS_IMPLICIT},
    {NULL, 0},
};

const struct opt sink_options[] = {
    {.name = "ipv4",
     .letter = '4',
     .kind = OPT_CUSTOM,
     .set = set_ipv4,
     .group = "Listening",
     .help = "IPv4 only",
     .man = "Support IPv4 only."},
    {.name = "ipv6",
     .letter = '6',
     .kind = OPT_CUSTOM,
     .set = set_ipv6,
     .group = "Listening",
     .help = "IPv6 only",
     .man = "Support IPv6 only."},
    {.name = "max-sessions",
     .letter = 'm',
     .kind = OPT_COUNT,
     .arg = "COUNT",
     .at = AT(max_sessions),
     .min = 1,
     .max = UINT64_C(1) << 32,
     .what = "session limit",
     .group = "Listening",
     .help = "sessions at a time (default 256)",
     .man = "The largest number of sessions at a time (default: 256). More clients are not greeted "
            "until one of these has ended, and then in the order in which they came. When the "
            "limit of descriptors does not allow so many, a warning at the start says so."},
    {.name = "window",
     .letter = 'T',
     .kind = OPT_SIZE,
     .arg = "BYTES",
     .at = AT(window),
     .min = 1,
     .max = INT32_MAX,
     .what = "TCP window size",
     .group = "Listening",
     .help = "TCP buffer sizes",
     .man = "Override the default TCP window size, by the sizes of the socket buffers."},
    {.name = "timeout",
     .letter = 't',
     .kind = OPT_DURATION,
     .arg = "TIME",
     .at = AT(timeout),
     .min = 1,
     .what = "timeout",
     .group = "Listening",
     .help = "end sessions idle this long (100)",
     .man = "Close a session when nothing came from its client for this time (default: 100 "
            "seconds)."},
    {.name = "stop-after-messages",
     .letter = 'M',
     .kind = OPT_COUNT,
     .arg = "COUNT",
     .at = AT(stop_messages),
     .min = 1,
     .what = "message count",
     .group = "Listening",
     .help = "end after so many messages",
     .man = "Terminate after receiving this many messages, when the last of them was answered."},
    {.name = "stop-after-sessions",
     .letter = 'n',
     .kind = OPT_COUNT,
     .arg = "COUNT",
     .at = AT(stop_sessions),
     .min = 1,
     .what = "session count",
     .group = "Listening",
     .help = "end after so many sessions",
     .man = "Terminate after this many sessions have ended."},
    {.name = "proxy",
     .kind = OPT_FLAG,
     .at = AT(proxy),
     .group = "Listening",
     .help = "clients come through a proxy",
     .man = "Each session begins with a header of the PROXY protocol, version 1 or 2, as HAProxy "
            "and other balancers send it; the address that it tells is the client's, for profiles "
            "and recordings. A client that begins otherwise is warned of and cut off. Since a "
            "client may write anything there, this is for where only the proxy can connect."},
    {.name = "lmtp",
     .letter = 'L',
     .kind = OPT_FLAG,
     .at = AT(server.lmtp),
     .group = "Protocol",
     .help = "speak LMTP instead of SMTP",
     .man = "Enable LMTP instead of SMTP."},
    {.name = "hostname",
     .letter = 'h',
     .kind = OPT_TEXT,
     .arg = "NAME",
     .at = AT(server.hostname),
     .group = "Protocol",
     .help = "name in replies (smtp-sink)",
     .man = "Use this host name in the greeting and in the responses to HELO, EHLO and LHLO "
            "(default: smtp-sink)."},
    {.name = "announce",
     .kind = OPT_CUSTOM,
     .arg = "LIST",
     .set = set_announce,
     .group = "Protocol",
     .help = "announce more: CHUNKING,SIZE=10M",
     .man = "Announce and support these extensions too, besides those that are announced anyway. "
            "The list has KEYWORD or KEYWORD=ARGUMENT, separated by commas: CHUNKING (BDAT), "
            "SIZE or SIZE=BYTES (larger messages are refused), SMTPUTF8 (addresses in UTF-8 are "
            "refused without that parameter), LIMITS=MAILMAX=N+RCPTMAX=N+RCPTDOMAINMAX=N, any of "
            "them (what is beyond is refused for now), REQUIRETLS (within TLS), XCLIENT (any "
            "client may say that it is another one, for profiles and recordings), and all others "
            "that smtp-source knows. Of those that are named here the parameters are looked at, "
            "and bad ones refused. 8BITMIME, DSN, ENHANCEDSTATUSCODES and PIPELINING are announced "
            "anyway, but nothing looks at their parameters."},
    {.name = "no-esmtp",
     .letter = 'e',
     .kind = OPT_FLAG,
     .at = AT(server.no_esmtp),
     .group = "Protocol",
     .help = "no ESMTP: EHLO is unknown",
     .man = "Do not announce ESMTP support."},
    {.name = "pix",
     .letter = 'P',
     .kind = OPT_FLAG,
     .at = AT(server.pix),
     .group = "Protocol",
     .help = "greet like a CISCO PIX; implies -e",
     .man = "Change the server greeting so that it appears to come through a CISCO PIX system. "
            "Implies -e."},
    {.name = "no-pipelining",
     .letter = 'p',
     .kind = OPT_FLAG,
     .at = AT(server.no_pipelining),
     .group = "Protocol",
     .help = "do not announce PIPELINING",
     .man = "Do not announce support for ESMTP command pipelining."},
    {.name = "no-8bitmime",
     .letter = '8',
     .kind = OPT_FLAG,
     .at = AT(server.no_8bitmime),
     .group = "Protocol",
     .help = "do not announce 8BITMIME",
     .man = "Do not announce 8BITMIME support."},
    {.name = "no-auth",
     .letter = 'a',
     .kind = OPT_FLAG,
     .at = AT(server.no_auth),
     .group = "Protocol",
     .help = "do not announce AUTH",
     .man = "Do not announce SASL authentication support."},
    {.name = "no-xclient",
     .letter = 'C',
     .kind = OPT_FLAG,
     .at = AT(server.no_xclient),
     .group = "Protocol",
     .help = "no XCLIENT",
     .man = "Disable XCLIENT support."},
    {.name = "no-xforward",
     .letter = 'F',
     .kind = OPT_FLAG,
     .at = AT(server.no_xforward),
     .group = "Protocol",
     .help = "no XFORWARD",
     .man = "Disable XFORWARD support."},
    {.name = "no-enhanced-codes",
     .letter = 'E',
     .kind = OPT_FLAG,
     .at = AT(server.no_enhanced),
     .group = "Protocol",
     .help = "do not announce enhanced codes",
     .man = "Do not announce ENHANCEDSTATUSCODES support. The replies stay as they are."},
    {.name = "no-dsn",
     .letter = 'N',
     .kind = OPT_FLAG,
     .at = AT(server.no_dsn),
     .group = "Protocol",
     .help = "do not announce DSN",
     .man = "Do not announce support for DSN."},
    {.name = "tls",
     .kind = OPT_CHOICE,
     .arg = "starttls|implicit",
     .implied = "starttls",
     .at = AT(tls_mode),
     .choices = tls_modes,
     .what = "TLS mode",
     .group = "TLS",
     .help = "offer STARTTLS; or TLS at once",
     .man = "Speak TLS. starttls (also without an argument): announce STARTTLS, and let clients "
            "that use it go on encrypted. implicit: all sessions begin with TLS, as on port 465. "
            "See --tls-cert for the certificate."},
    {.name = "bare-lf",
     .kind = OPT_CUSTOM,
     .arg = "data|end",
     .set = set_bare_lf,
     .group = "Protocol",
     .help = "what an LF without CR is (data)",
     .man = "What an LF without a CR in front of it is. data (the default) as RFC 5321 has it: an "
            "octet like any other, so that <LF>.<LF> does not end a message. end, as some servers "
            "have it: the end of a line, in commands and in content."},
    {.name = "strict",
     .kind = OPT_FLAG,
     .at = AT(server.strict),
     .group = "Protocol",
     .help = "refuse what RFC 5321 forbids",
     .man = "Hold clients to RFC 5321: refuse command lines longer than 512 octets (more for "
            "parameters of extensions), which else may have 2048, paths longer than 256, local "
            "parts longer than 64 and domains longer than 255, more than 100 recipients (452), "
            "lines of content longer than 1000 octets, and NUL, bare CR and bare LF everywhere. "
            "Content is refused at its end."},
    {.name = "reject",
     .letter = 'f',
     .kind = OPT_CUSTOM,
     .arg = "COMMANDS",
     .set = set_hard,
     .group = "Faults",
     .help = "refuse these commands (5xx)",
     .man = "Reject these commands with a hard (5xx) error code. Implies -p.\nCommands are CONNECT "
            "(the greeting), HELO, EHLO, LHLO, XCLIENT, XFORWARD, AUTH, STARTTLS, MAIL, RCPT, "
            "DATA, BDAT, . "
            "(the end of data), RSET, NOOP, VRFY and QUIT, in any case, separated by commas or "
            "white space. Repeated options add up. A refused command has no effect, but that a "
            "message whose end of data was refused is counted and recorded. Of several faults of "
            "a command one happens: -q goes before -Q, -f, -r, and all of them before a delay."},
    {.name = "soft-reject",
     .letter = 'r',
     .kind = OPT_CUSTOM,
     .arg = "COMMANDS",
     .set = set_soft,
     .group = "Faults",
     .help = "refuse these commands (4xx)",
     .man = "Reject these commands with a soft (4xx) error code. Implies -p. Commands as for -f."},
    {.name = "disconnect",
     .letter = 'q',
     .kind = OPT_CUSTOM,
     .arg = "COMMANDS",
     .set = set_cut,
     .group = "Faults",
     .help = "disconnect at these commands",
     .man = "Disconnect without a reply after one of these commands. Commands as for -f."},
    {.name = "disconnect-421",
     .letter = 'Q',
     .kind = OPT_CUSTOM,
     .arg = "COMMANDS",
     .set = set_421,
     .group = "Faults",
     .help = "likewise, with a 421 reply",
     .man = "Send a 421 reply and disconnect after one of these commands. Commands as for -f."},
    {.name = "soft-reply",
     .letter = 'b',
     .kind = OPT_CUSTOM,
     .arg = "TEXT",
     .set = set_soft_reply,
     .group = "Faults",
     .help = "what -r replies (450 4.3.0 ...)",
     .man = "The reply of -r, one line that begins with three digits, the first one a 4 (default: "
            "\"450 4.3.0 Error: command failed\")."},
    {.name = "hard-reply",
     .letter = 'B',
     .kind = OPT_CUSTOM,
     .arg = "TEXT",
     .set = set_hard_reply,
     .group = "Faults",
     .help = "what -f replies (500 5.3.0 ...)",
     .man = "The reply of -f, one line that begins with three digits, the first one a 5 (default: "
            "\"500 5.3.0 Error: command failed\")."},
    {.name = "delay",
     .letter = 'W',
     .kind = OPT_CUSTOM,
     .arg = "COMMAND:TIME[:ODDS]",
     .set = set_delay,
     .group = "Faults",
     .help = "reply to a command so much later",
     .man =
         "Wait so long before responding to this command; the input behind it waits too, that of "
         "other sessions does not. With ODDS, 1 to 99, wait for a random multiple of the time: "
         "as often as a dice with the numbers 0 to 99 shows less than ODDS before it shows "
         "something else, maybe not at all. The last one for a command wins. Commands as for "
         "-f."},
    {.name = "data-delay",
     .letter = 'w',
     .kind = OPT_CUSTOM,
     .arg = "TIME",
     .set = set_data_delay,
     .group = "Faults",
     .help = "the same as -W DATA:TIME",
     .man = "Wait so long before responding to a DATA command; the same as -W DATA:TIME."},
    {.name = "read-delay",
     .letter = 'H',
     .kind = OPT_CUSTOM,
     .arg = "TIME",
     .set = set_read_delay,
     .group = "Faults",
     .help = "begin so late to read the content",
     .man = "Delay the first read operation after accepting DATA. With large messages and a small "
            "TCP window (-T) the client's writing stalls."},
    {.name = "abort-delay",
     .letter = 'A',
     .kind = OPT_CUSTOM,
     .arg = "TIME",
     .set = set_abort,
     .group = "Faults",
     .help = "550 and disconnect, after DATA",
     .man = "Wait so long after accepting DATA, without reading, then abort with a 550 reply and "
            "disconnect. 0 aborts at once. The message does not count."},
    {.name = "profile",
     .kind = OPT_TEXT,
     .arg = "FILE",
     .at = AT(profile),
     .file = OPT_READS,
     .group = "Faults",
     .help = "behave as this file tells",
     .man = "Behave as this file tells, by recipient domain, client address, or default: replies "
            "of one's own, delays, disconnects, stalls, rate limits, greylisting and more, each "
            "with a chance. See PROFILES below. The other options of this group go first."},
    {.name = "seed",
     .kind = OPT_COUNT,
     .arg = "NUMBER",
     .at = AT(seed),
     .what = "seed",
     .group = "Faults",
     .help = "seed of random numbers (default 0)",
     .man = "The seed of what is left to chance. A session's chances depend on the seed and on "
            "which session it is, counted from the start, and so can be repeated."},
    {.name = "threads",
     .kind = OPT_CUSTOM,
     .arg = "N|auto",
     .set = set_threads,
     .what = "thread count",
     .group = "Listening",
     .help = "threads that serve (default 1)",
     .man = "Serve with this many threads (default: 1), each with its own I/O driver, listening "
            "sockets (SO_REUSEPORT) and sessions; auto is one for each CPU that the program may "
            "use. The kernel spreads TCP connections over them by a hash; a UNIX-domain socket is "
            "shared. Limits and counts, and what a profile remembers, are of all threads together. "
            "Which thread gets a connection is not repeatable, and so with more than one neither "
            "are the chances of --seed."},
    {.name = "pin",
     .kind = OPT_FLAG,
     .at = AT(threads.pin),
     .what = "flag",
     .group = "Listening",
     .help = "keep each thread on one CPU",
     .man = "Pin each thread to one CPU of those that the program may use, in their order. With no "
            "more threads than CPUs, a TCP connection is served on the CPU that handles its first "
            "packet: on the loopback, the one its client runs on."},
    {.name = "grace",
     .kind = OPT_DURATION,
     .arg = "TIME",
     .at = AT(grace),
     .what = "grace",
     .group = "Listening",
     .help = "time to finish at a stop (default 5)",
     .man = "How long transactions that are open when the sink is stopped may take to finish "
            "(default: 5 seconds). With 0 it stops at once."},
    {.name = "counters",
     .letter = 'c',
     .kind = OPT_FLAG,
     .at = AT(counters),
     .group = "Output",
     .help = "show running counters",
     .man = "Display running counters on standard output, updated whenever a session ends, a QUIT "
            "command is executed, or an end of data is received. No summary follows unless "
            "--report asks for one."},
    {.name = "log-commands",
     .letter = 's',
     .kind = OPT_CUSTOM,
     .arg = "COMMANDS",
     .set = set_logged,
     .group = "Output",
     .help = "log these commands by syslog",
     .man = "Log these commands to syslog(3), facility mail, level info, with the first 100 octets "
            "of their arguments. Commands as for -f; refused ones are logged too, CONNECT logs "
            "connections."},
    {.name = "verbose",
     .letter = 'v',
     .kind = OPT_FLAG,
     .at = AT(verbose),
     .group = "Output",
     .help = "show the commands",
     .man = "Show connections and commands on standard error."},
};

const size_t sink_option_count = sizeof sink_options / sizeof sink_options[0];
