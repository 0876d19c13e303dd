/*
 * On whose behalf a session comes: its attributes for XCLIENT.
 */
#include "session_target.h"
#include "worker.h"

/* Set number i, one after the other, of "A=1 B=2,A=3". */
static struct slice set_of(const char *sets, uint64_t i)
{
    uint64_t count = 1;

    for (const char *c = sets; *c; c++)
        count += *c == ',';
    for (i %= count; i > 0; i--)
        sets = strchr(sets, ',') + 1;
    return (struct slice){sets, strcspn(sets, ",")};
}

size_t load_xclient(const struct client *c, char out[CLIENT_XCLIENT_MAX])
{
    /* In its worker's memory a session is followed by its client. */
    const struct session *s = (const struct session *)(const void *)c - 1;
    const struct load_settings *l = s->worker->load->settings;
    struct slice set = {NULL, 0};
    struct address a;
    char host[64];
    size_t n = 0;

    if (l->xclient_sources.count) {
        bind_address(&l->xclient_sources, session_turn(s), &a);
        n = (size_t)snprintf(out, CLIENT_XCLIENT_MAX, "ADDR=%s%s",
                             a.sa.sa_family == AF_INET6 ? "IPV6:" : "",
                             address_host(&a, host, sizeof host));
    }
    if (l->xclient_sets)
        set = set_of(l->xclient_sets, session_turn(s));
    if (n > 0 && set.n > 0)
        out[n++] = ' ';
    memcpy(out + n, set.p ? set.p : "", set.n);
    return n + set.n;
}
