/*
 * Limits of descriptors, ports and memory.
 */
#include "limits.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "load.h"
#include "process.h"

/* Numbers from a file of the kernel's settings; returns how many there were, at most max. */
static int read_setting(const char *name, uint64_t *out, int max)
{
    FILE *f = fopen(name, "re");
    char line[64] = "";
    char *at = line;
    int n = 0;

    if (!f)
        return 0;
    if (!fgets(line, sizeof line, f))
        line[0] = '\0';
    (void)fclose(f);
    while (n < max) {
        char *end;
        uint64_t v = strtoull(at, &end, 10);

        if (end == at)
            break;
        out[n++] = v;
        at = end;
    }
    return n;
}

/* Of so many sessions, how many are at the TCP server that has the most; 0: there is none. */
static uint64_t at_one_server(const struct load *l, uint64_t sessions)
{
    const struct rotation *r = &l->targets->rotation;
    uint64_t most = 0;

    for (uint32_t i = 0; i < l->targets->count; i++)
        if (l->targets->rows[i].endpoint.addresses[0].sa.sa_family != AF_UNIX &&
            r->weights[i] > most)
            most = r->weights[i];
    return (sessions * most + r->length - 1) / r->length;
}

/*
 * A connection needs a port that no other has with the same two addresses; sessions have one
 * connection each.
 */
static int check_ports(const struct load *l, uint64_t sessions, struct diag *d)
{
    uint64_t sources = l->bind && l->bind->count ? l->bind->count : 1;
    uint64_t range[2];
    uint64_t ports;

    if (read_setting("/proc/sys/net/ipv4/ip_local_port_range", range, 2) < 2 || range[1] < range[0])
        return 0;
    ports = range[1] - range[0] + 1;
    if (sessions / ports < sources || (sessions / ports == sources && sessions % ports == 0))
        return 0;
    return diag_set(d, -EADDRNOTAVAIL,
                    "%" PRIu64 " sessions%s need as many ports, and there are %" PRIu64
                    " x %" PRIu64 " source address%s (net.ipv4.ip_local_port_range is %" PRIu64
                    " %" PRIu64
                    "): ask for fewer sessions, widen the range, or give more addresses by --bind",
                    sessions, l->targets->count > 1 ? " to one server" : "", ports, sources,
                    sources == 1 ? "" : "es", range[0], range[1]);
}

static int check_fastopen(const struct load *l, struct diag *d)
{
    uint64_t bits;

    if (!l->settings->fastopen || read_setting("/proc/sys/net/ipv4/tcp_fastopen", &bits, 1) < 1)
        return 0;
    if (bits & 1)
        return 0;
    return diag_set(d, -EOPNOTSUPP,
                    "--fastopen: this system does not let clients use it (set bit 1 of "
                    "net.ipv4.tcp_fastopen)");
}

int limits_check(const struct load *l, uint64_t sessions, struct diag *d)
{
    int rc = process_need_files(sessions + load_threads(l->settings) * THREAD_FILES, d);
    uint64_t at_one = at_one_server(l, sessions);

    if (rc < 0 || at_one == 0)
        return rc;
    if (l->bind && l->bind->count)
        rc = bind_check(l->bind, d);
    if (rc == 0)
        rc = check_ports(l, at_one, d);
    return rc < 0 ? rc : check_fastopen(l, d);
}

const char *limits_words(int error, const struct address *source, const struct address *target)
{
    static const struct {
        int error;
        const char *words;
    } limits[] = {
        {EADDRNOTAVAIL,
         ": no local port is free towards it; those of closed connections may rest for a minute "
         "(TIME_WAIT): --close=reset leaves none behind, --bind gives more source addresses, "
         "net.ipv4.ip_local_port_range more ports"},
        {EMFILE, ": no descriptor is left: ask for fewer sessions, or raise the limit (ulimit -n)"},
        {ENFILE, ": the system has no file left: ask for fewer sessions, or raise fs.file-max"},
        {ENOBUFS, ": the system has no memory left for sockets: ask for fewer sessions, or raise "
                  "net.ipv4.tcp_mem"},
        {ENOMEM, ": the system has no memory left for sockets: ask for fewer sessions, or raise "
                 "net.ipv4.tcp_mem"},
    };

    if (error == EADDRNOTAVAIL && source && !address_is_here(source))
        return ": this machine does not have that source address any more (--bind)";
    if (error == EADDRNOTAVAIL && !address_has_source(target))
        return ": this machine has no address to reach it from";
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++)
        if (limits[i].error == error)
            return limits[i].words;
    return "";
}
