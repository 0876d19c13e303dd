/*
 * smtp-source's own options.
 */
#include "source_options.h"

#include <sys/socket.h>

#include "io.h"

static int set_ipv4(void *settings, const char *value, struct diag *d)
{
    (void)value;
    (void)d;
    ((struct program *)settings)->family = AF_INET;
    return 0;
}

static int set_ipv6(void *settings, const char *value, struct diag *d)
{
    (void)value;
    (void)d;
    ((struct program *)settings)->family = AF_INET6;
    return 0;
}

#define AT(field) offsetof(struct program, field)

const struct opt source_connection_options[] = {
    {.name = "ipv4",
     .letter = '4',
     .kind = OPT_CUSTOM,
     .set = set_ipv4,
     .group = "Connection",
     .help = "use IPv4 only",
     .man = "Connect to the server with IPv4."},
    {.name = "ipv6",
     .letter = '6',
     .kind = OPT_CUSTOM,
     .set = set_ipv6,
     .group = "Connection",
     .help = "use IPv6 only",
     .man = "Connect to the server with IPv6."},
    {.name = "lmtp",
     .letter = 'L',
     .kind = OPT_FLAG,
     .at = AT(lmtp),
     .group = "Connection",
     .help = "speak LMTP instead of SMTP",
     .man = "Speak LMTP rather than SMTP: LHLO, and a reply to each message for each of its "
            "recipients."},
    {.name = "io",
     .kind = OPT_CHOICE,
     .arg = "auto|uring|epoll",
     .at = AT(io),
     .choices = io_choices,
     .what = "I/O driver",
     .group = "Connection",
     .help = "I/O driver (default auto)",
     .man = "How to talk to the system: uring (io_uring), epoll, or auto (the default), which is "
            "uring where the kernel lets it. The summary names the one used."},
};

const size_t source_connection_option_count =
    sizeof source_connection_options / sizeof *source_connection_options;

const struct opt source_output_options[] = {
    {.name = "html",
     .kind = OPT_TEXT,
     .arg = "FILE",
     .at = AT(html),
     .file = OPT_WRITES,
     .what = "HTML file",
     .group = "Output",
     .help = "also write the report as one HTML page to FILE",
     .man = "Write the report as one HTML file that needs nothing else, no network either: the "
            "verdict, latency by percentile, the account, refusals, the environment. The file "
            "appears complete or not at all."},
    {.name = "csv",
     .kind = OPT_TEXT,
     .arg = "FILE",
     .at = AT(csv),
     .file = OPT_WRITES,
     .what = "CSV file",
     .group = "Output",
     .help = "also write the series over time as CSV to FILE",
     .man =
         "Write how the run went over time as a table of comma-separated values (RFC 4180): a row "
         "an --interval, with when it began by the clock and in seconds since the run's begin, "
         "how long it was (longer than asked for when a long run's rows were merged), messages by "
         "how they ended, open connections, p50, p99 and max of latency and the generator's "
         "greatest lag, in seconds. The file appears complete or not at all."},
    {.name = "hdr",
     .kind = OPT_TEXT,
     .arg = "FILE",
     .at = AT(hdr),
     .file = OPT_WRITES,
     .what = "histogram log",
     .group = "Output",
     .help = "also write an HdrHistogram log to FILE",
     .man = "Write the latencies as an HdrHistogram interval log (version 1.3, V2 encoding), in "
            "nanoseconds: the transaction without a tag, every other phase with its name as the "
            "tag, and those of refused replies as NAME-refused. The file appears complete or not "
            "at all."},
    {.name = "transactions",
     .kind = OPT_TEXT,
     .arg = "FILE",
     .at = AT(transactions),
     .file = OPT_WRITES,
     .what = "transactions file",
     .group = "Output",
     .help = "write a JSON line for each message to FILE",
     .man = "Write one JSON line for each message that ends: who, when, how it ended, and the text "
            "of the reply that decided it with the queue id in it; see TRANSACTIONS. What was in "
            "the file before is lost. A FIFO, or - for standard output (with --quiet or "
            "--report=none), will do. The load never waits for it: what is not taken in time is "
            "dropped, counted and told."},
    {.name = "live",
     .kind = OPT_TEXT,
     .arg = "ADDR:PORT",
     .implied = "",
     .at = AT(live),
     .what = "address of the live page",
     .group = "Output",
     .help = "serve a page that follows the run",
     .man = "Serve the page of --html by HTTP while the run goes on; it follows the run, in any "
            "browser. /run.json beside it is the run so far, /metrics the same for Prometheus "
            "and what else reads OpenMetrics. A port alone is on the loopback interface, :PORT on "
            "all of this machine's IPv4 addresses: whoever can connect can read. Without a value "
            "it is 127.0.0.1:9025, or a free port when that is taken. The URL is told on "
            "standard error. The server ends with the run."},
    {.name = "verbose",
     .letter = 'v',
     .kind = OPT_FLAG,
     .at = AT(verbose),
     .group = "Output",
     .help = "show the conversation",
     .man = "Make the program more verbose, for debugging: commands and replies are shown on "
            "standard error."},
};

const size_t source_output_option_count =
    sizeof source_output_options / sizeof *source_output_options;
