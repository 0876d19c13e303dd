/*
 * The options that shape a sink.
 */
#include "sink_options.h"

#include <sys/socket.h>

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

static int set_announce(void *settings, const char *value, struct diag *d)
{
    return server_announce(&((struct sink_config *)settings)->server, value, d);
}

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
            "until one of these has ended, and then in the order in which they came."},
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
            "SIZE or SIZE=BYTES (larger messages are refused)."},
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
    {.name = "counters",
     .letter = 'c',
     .kind = OPT_FLAG,
     .at = AT(counters),
     .group = "Output",
     .help = "show running counters",
     .man = "Display running counters on standard output, updated whenever a session ends, a QUIT "
            "command is executed, or an end of data is received. No summary follows unless "
            "--report asks for one."},
    {.name = "verbose",
     .letter = 'v',
     .kind = OPT_FLAG,
     .at = AT(verbose),
     .group = "Output",
     .help = "show the commands",
     .man = "Show connections and commands on standard error."},
};

const size_t sink_option_count = sizeof sink_options / sizeof sink_options[0];
