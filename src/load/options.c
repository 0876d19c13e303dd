/*
 * The options that shape a load.
 */
#include "load.h"

#include <errno.h>
#include <string.h>

#include "num.h"
#include "proxy.h"
#include "units.h"

#define AT(field) offsetof(struct load_settings, field)

/* --connect-parallel=auto: what listen queues of servers commonly take at once. */
#define PARALLEL_AUTO 128

#define PARALLEL_MAX 1000000
#define RATE_MAX     (UINT64_C(1000000000) * RATE_PER_S)

static int set_parallel(void *settings, const char *value, struct diag *d)
{
    struct load_settings *s = settings;
    uint64_t n = PARALLEL_AUTO;

    if (strcmp(value, "auto") != 0 && (num_count(value, &n) < 0 || n < 1 || n > PARALLEL_MAX))
        return diag_set(d, -EINVAL,
                        "bad number of connects at a time: %s (--connect-parallel takes 1 to %d, "
                        "or auto)",
                        *value ? value : "empty", PARALLEL_MAX);
    s->connect_parallel = n;
    return 0;
}

static int set_rate(void *settings, const char *value, struct diag *d)
{
    struct load_settings *s = settings;
    uint64_t rate = 0;

    if (num_rate(value, &rate) < 0 || rate == 0 || rate > RATE_MAX)
        return diag_set(d, -EINVAL,
                        "bad connect rate: %s (--connect-rate takes attempts a second, or with "
                        "its unit as in 100/s, 30/min, 10k/h; at most 1000M/s)",
                        *value ? value : "empty");
    s->rate_count = rate;
    s->rate_period = RATE_PER_S * NS_PER_S;
    return 0;
}

static const struct opt_choice closes[] = {
    {"quit", CLOSE_QUIT},
    {"fin", CLOSE_FIN},
    {"reset", CLOSE_RESET},
    {NULL, 0},
};

static const struct opt_choice on_off[] = {{"on", true}, {"off", false}, {NULL, 0}};

static int set_threads(void *settings, const char *value, struct diag *d)
{
    return threads_set(&((struct load_settings *)settings)->threads, value, d);
}

static const struct opt_choice proxies[] = {{"v1", PROXY_V1}, {"v2", PROXY_V2}, {NULL, 0}};

static int set_sources(struct bind_list *sources, const char *option, const char *value,
                       struct diag *d)
{
    struct bind_list list;
    int rc = bind_parse(&list, option, value, d);

    if (rc < 0)
        return rc;
    bind_done(sources);
    *sources = list;
    return 0;
}

static int set_proxy_source(void *settings, const char *value, struct diag *d)
{
    return set_sources(&((struct load_settings *)settings)->proxy_sources, "--proxy-source", value,
                       d);
}

static int set_xclient_addr(void *settings, const char *value, struct diag *d)
{
    return set_sources(&((struct load_settings *)settings)->xclient_sources, "--xclient-addr",
                       value, d);
}

/* Sets of "NAME=VALUE" words: room is left for an address. */
static int set_xclient_attr(void *settings, const char *value, struct diag *d)
{
    const char *set = value;
    bool good = true;

    for (const unsigned char *c = (const unsigned char *)value; *c; c++)
        good &= *c >= ' ' && *c < 127;
    while (good) {
        size_t n = strcspn(set, ", ");
        size_t name = strcspn(set, "=, ");

        good = name > 0 && name + 1 < n && strcspn(set, ",") <= CLIENT_XCLIENT_MAX - 60;
        if (!good || !set[n])
            break;
        set += n + 1;
    }
    if (!good)
        return diag_set(d, -EINVAL,
                        "bad XCLIENT attributes: %.80s (--xclient-attr takes NAME=VALUE, several "
                        "with a blank between them, and several sets with commas)",
                        *value ? value : "empty");
    ((struct load_settings *)settings)->xclient_sets = value;
    return 0;
}

const struct opt load_options[] = {
    {.name = "sessions",
     .letter = 's',
     .kind = OPT_COUNT,
     .arg = "COUNT",
     .at = AT(sessions),
     .min = 1,
     .max = 1000000,
     .what = "session count",
     .group = "Load",
     .help = "sessions in parallel (default 1)",
     .man = "Run the specified number of SMTP sessions in parallel (default: 1)."},
    {.name = "messages",
     .letter = 'm',
     .kind = OPT_COUNT,
     .arg = "COUNT",
     .at = AT(messages),
     .min = 1,
     .max = UINT64_C(1) << 48,
     .what = "message count",
     .group = "Load",
     .help = "messages in all (default 1)",
     .man =
         "Send the specified number of messages over all sessions (default: 1; with --duration, "
         "--stages or --session-stages as many as there is time for). Numbers take the units k, M "
         "and G."},
    {.name = "keep-connection",
     .letter = 'd',
     .kind = OPT_FLAG,
     .at = AT(keep_connection),
     .what = "flag",
     .group = "Load",
     .help = "many messages over one connection",
     .man = "Don't disconnect after sending a message; send the next message over the same "
            "connection."},
    {.name = "wait",
     .letter = 'w',
     .kind = OPT_DURATION,
     .arg = "TIME",
     .at = AT(wait),
     .min = 1,
     .max = UINT64_C(31536000) * 1000000000,
     .what = "message delay",
     .group = "Load",
     .help = "pause between a session's messages",
     .man = "Wait a fixed time between the messages of a session; a number alone is seconds. One "
            "session's pause does not affect the others. Not together with -R or a target rate."},
    {.name = "random-wait",
     .letter = 'R',
     .kind = OPT_DURATION,
     .arg = "TIME",
     .at = AT(random_wait),
     .min = 1,
     .max = UINT64_C(31536000) * 1000000000,
     .what = "random message delay",
     .group = "Load",
     .help = "pause from 0 to this at random",
     .man = "Wait for a random time from 0 to the one given between the messages of a session; a "
            "number alone is seconds. Not together with -w or a target rate."},
    {.name = "tolerant",
     .letter = 'A',
     .kind = OPT_FLAG,
     .at = AT(tolerant),
     .what = "flag",
     .group = "Load",
     .help = "go on after refusals",
     .man = "Don't abort when the server sends something other than the expected positive reply "
            "code: warn, count, and go on."},
    {.name = "threads",
     .kind = OPT_CUSTOM,
     .arg = "N|auto",
     .set = set_threads,
     .what = "thread count",
     .group = "Load",
     .help = "threads that run the sessions (default 1)",
     .man =
         "Spread the sessions evenly over this many threads (default: 1), each with its own I/O "
         "driver and statistics; auto is one for each CPU that the program may use. There are "
         "never more threads than sessions. The number of messages stays exact, their numbers "
         "unique and without a gap, and those of recipients unique, but with more than one thread "
         "they do not go out in order. --connect-parallel and --connect-rate are shared out "
         "evenly, with at least one connect at a time for each thread. sink: gets as many "
         "threads."},
    {.name = "pin",
     .kind = OPT_FLAG,
     .at = AT(threads.pin),
     .what = "flag",
     .group = "Load",
     .help = "keep each thread on one CPU",
     .man = "Pin each thread to one CPU of those that the program may use, in their order. With "
            "more threads than CPUs it begins again from the first. sink: is pinned likewise, so "
            "that both ends of a connection are on one CPU."},
    {.name = "connect-tries",
     .letter = 'C',
     .kind = OPT_COUNT,
     .arg = "COUNT",
     .at = AT(connect_tries),
     .min = 1,
     .max = 1000000000,
     .what = "connect count",
     .group = "Connection",
     .help = "attempts to connect (default 1)",
     .man = "When connecting fails, try this many times before giving up (default: 1). Specify a "
            "larger count for servers that reset connections when their listen queue is full."},
    {.name = "connect-parallel",
     .kind = OPT_CUSTOM,
     .arg = "N|auto",
     .set = set_parallel,
     .what = "number of connects at a time",
     .group = "Connection",
     .help = "connects in progress (default 1)",
     .man = "How many connects may be in progress at a time (default: 1, one when the other is "
            "done), to each server if there are several. auto is 128, as much as the listen queues "
            "of servers commonly take; where "
            "connecting takes long, over real networks or with a server that is slow to accept, "
            "1 sets the pace of the whole run."},
    {.name = "connect-rate",
     .kind = OPT_CUSTOM,
     .arg = "RATE",
     .set = set_rate,
     .what = "connect rate",
     .group = "Connection",
     .help = "attempts to connect, as in 100/s",
     .man = "At most this many attempts to connect a second, evenly spaced; with a unit: 100/s, "
            "30/min, 10k/h. Attempts that follow a failed one count too. Connects that take long "
            "need --connect-parallel to reach it."},
    {.name = "bind",
     .kind = OPT_TEXT,
     .arg = "ADDR[/LENGTH][,...]",
     .at = AT(bind),
     .what = "source address",
     .group = "Connection",
     .help = "addresses to connect from, in turn",
     .man =
         "Connect from these addresses of this machine: IPv4 or IPv6 addresses, or prefixes such "
         "as "
         "127.0.0.0/24 or fd00::/120, with commas between them. One connection after the other "
         "takes the next address, and from the last it goes on with the first. Of a prefix of more "
         "than two addresses the network's own and, for IPv4, the broadcast address are left out.\n"
         "All are of one family, which is the one that is connected with. Each address has all "
         "local ports towards the server: this is how to have more connections, or to make and "
         "break them faster, than one address has ports."},
    {.name = "proxy",
     .kind = OPT_CHOICE,
     .arg = "v1|v2",
     .at = AT(proxy),
     .choices = proxies,
     .what = "PROXY protocol version",
     .group = "Connection",
     .help = "begin with a PROXY protocol header",
     .man = "Begin each connection with a header of the PROXY protocol, as HAProxy and other "
            "balancers do, by version 1 (text) or 2 (binary). It comes before everything else, TLS "
            "too. Without --proxy-source it says that the client is not known (UNKNOWN, LOCAL), "
            "which not every server takes."},
    {.name = "proxy-source",
     .kind = OPT_CUSTOM,
     .arg = "ADDR[/LENGTH][,...]",
     .set = set_proxy_source,
     .group = "Connection",
     .help = "client addresses for --proxy, in turn",
     .man = "With --proxy, the addresses that connections are said to come from, one after the "
            "other, as with --bind; but they need not be this machine's. The port goes up from "
            "1024 each time that all addresses had their turn. The address that was connected to "
            "is told as the target."},
    {.name = "xclient-addr",
     .kind = OPT_CUSTOM,
     .arg = "ADDR[/LENGTH][,...]",
     .set = set_xclient_addr,
     .group = "Extensions",
     .help = "client addresses for --xclient, in turn",
     .man = "With --xclient, the addresses (ADDR) of the clients that connections come as, one "
            "after the other: addresses and prefixes as for --bind."},
    {.name = "xclient-attr",
     .kind = OPT_CUSTOM,
     .arg = "NAME=VALUE[ ...][,...]",
     .set = set_xclient_attr,
     .group = "Extensions",
     .help = "other attributes for --xclient, in turn",
     .man = "With --xclient, more attributes, as they are (special characters as xtext: +2B), with "
            "a blank between them: \"NAME=a.example HELO=a LOGIN=joe\". Several sets, with commas "
            "between them, are used one after the other."},
    {.name = "all-addresses",
     .kind = OPT_FLAG,
     .at = AT(all_addresses),
     .what = "flag",
     .group = "Connection",
     .help = "connect to all addresses of the server in turn",
     .man = "When the server's name has several addresses, connect to one after the other, so that "
            "each gets its share of the connections. By default all go to the first that can be "
            "reached. An address that can't be reached is passed over in either case."},
    {.name = "close",
     .kind = OPT_CHOICE,
     .arg = "quit|fin|reset",
     .at = AT(close),
     .choices = closes,
     .what = "way to close",
     .group = "Connection",
     .help = "how to end a session (default quit)",
     .man = "How to end a connection after its last message. quit (the default): QUIT, and when "
            "that is answered the connection is dropped (by RST, so that it leaves no TIME_WAIT "
            "behind). fin: no QUIT; an orderly end with the reply to the message, which takes "
            "until the server has ended its side too, at most a second. reset: no QUIT; RST with "
            "the reply to the message."},
    {.name = "timeout",
     .kind = OPT_DURATION,
     .arg = "TIME",
     .at = AT(timeout),
     .min = 1,
     .max = 30 * 86400 * NS_PER_S,
     .what = "timeout",
     .group = "Connection",
     .help = "limits of RFC 5321, scaled to TIME (default 5m)",
     .man = "How long to wait for the server, in the proportions of RFC 5321 section 4.5.3.2: TIME "
            "for connecting, the greeting and most replies, 2/5 of it for the reply to DATA, 3/5 "
            "for each progress in sending the content, and twice TIME for the reply to the end of "
            "data. The default, 5m, makes them the RFC's own; the program that this one takes the "
            "place of waits 300 seconds for anything. A server that does not answer QUIT in time "
            "is counted and warned of; all others end the run."},
    {.name = "nodelay",
     .kind = OPT_CHOICE,
     .arg = "on|off",
     .at = AT(nodelay),
     .implied = "on",
     .choices = on_off,
     .what = "TCP_NODELAY",
     .group = "Connection",
     .help = "send at once (default on)",
     .man = "Whether small segments are sent at once (TCP_NODELAY, the default) or wait for those "
            "before them to be acknowledged (off: Nagle's algorithm)."},
    {.name = "fastopen",
     .kind = OPT_FLAG,
     .at = AT(fastopen),
     .what = "flag",
     .group = "Connection",
     .help = "TCP Fast Open",
     .man = "Connect with TCP Fast Open (RFC 7413): the first connection asks the server for a "
            "cookie, the later ones carry it in their SYN. There is nothing to send with it, since "
            "in SMTP the server speaks first; what can be gained is that a server that supports it "
            "accepts with the SYN, and its greeting comes up to a round trip earlier. With all "
            "others nothing changes."},
    {.name = "tcp-window",
     .letter = 'T',
     .kind = OPT_SIZE,
     .arg = "BYTES",
     .at = AT(tcp_window),
     .min = 1,
     .max = UINT64_C(1) << 30,
     .what = "TCP window size",
     .group = "Connection",
     .help = "socket buffer sizes",
     .man = "Override the default TCP window size by setting the sizes of the send and receive "
            "buffers. To work around broken TCP window scaling implementations, specify a value "
            "below 65536."},
    {.name = "counter",
     .letter = 'c',
     .kind = OPT_FLAG,
     .at = AT(counter),
     .what = "flag",
     .group = "Output",
     .help = "running counter of messages",
     .man = "Display a running counter on standard output that is incremented each time a "
            "message's end of data is answered."},
};

const size_t load_option_count = sizeof load_options / sizeof load_options[0];
