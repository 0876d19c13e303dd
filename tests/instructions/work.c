/*
 * Work to count the instructions of: one part of the program, done N times.
 *     work NAME N
 *     work compiler       says which one made it
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "content.h"
#include "hist.h"
#include "rng.h"
#include "units.h"

static size_t write_rcpt(struct client_mail *m, uint32_t index, char *out, size_t size)
{
    (void)m;
    (void)index;
    (void)size;
    memcpy(out, "<r@example.com>", 15);
    return 15;
}

static size_t write_own(const struct client_mail *m, char out[CLIENT_OWN_MAX])
{
    (void)m;
    memset(out, '1', 18);
    return 18;
}

static const char head[] = "From: <a@example.com>\r\nMessage-Id: <1";
static const char rest[] = "@example.com>\r\n\r\nHello.\r\n";

static const struct slice parts[] = {
    {head, sizeof head - 1},
    {NULL, 0},
    {rest, sizeof rest - 1},
};

static struct client *start(const struct client_config *cf)
{
    struct client *c = calloc(1, client_size(cf));

    if (!c)
        exit(1);
    (void)client_init(c, cf);
    client_start(c, 0);
    return c;
}

static void expect(bool ok, const char *what)
{
    if (ok)
        return;
    (void)fprintf(stderr, "work: %s\n", what);
    exit(1);
}

/* What the server says, a line an entry for each time the client has sent something. */
struct script {
    const char *opening[4];
    size_t opening_count;
    const char *rounds[4]; /* again and again */
    size_t round_count;
};

static const char *line(const struct script *s, uint64_t turn)
{
    return turn < s->opening_count ? s->opening[turn]
                                   : s->rounds[(turn - s->opening_count) % s->round_count];
}

/* Gives the client what it can take of one round; counts the messages accepted in it. */
static uint64_t receive(struct client *c, struct slice in, uint64_t now)
{
    uint64_t accepted = 0;
    struct client_event e;

    while (in.n) {
        in = slice_from(in, client_recv(c, in, now));
        while (client_event(c, &e)) {
            expect(e.kind != CLIENT_END, "the session ended");
            accepted += e.kind == CLIENT_TRANSACTION && e.outcome == OUTCOME_ACCEPTED;
        }
    }
    return accepted;
}

/* Sends all there is, giving the client the next message whenever it wants one. */
static void send_all(struct client *c, struct client_mail mails[2], uint64_t *given, uint64_t now)
{
    static char memory[16384];
    struct arena arena = {memory, 0, sizeof memory};
    struct iovec iov[16];
    size_t octets = 0;
    int count = 0;

    for (;;) {
        count += client_send(c, iov + count, 16 - count, &arena, now);
        if (count == 16 || !client_hungry(c))
            break;
        client_submit(c, &mails[(*given)++ & 1]);
    }
    for (int i = 0; i < count; i++)
        octets += iov[i].iov_len;
    expect(octets > 0, "nothing was sent");
    client_sent(c, octets, now);
}

/* N messages over one session. */
static void converse(struct client_config *cf, uint64_t n, const struct script *s)
{
    struct client_form form = {
        .sender = SLICE("<s@example.com>"),
        .rcpt_count = 1,
        .stuffed = {parts, 3, parts[0].n + parts[2].n},
        .plain = {parts, 3, parts[0].n + parts[2].n},
        .rcpt = write_rcpt,
        .own = write_own,
    };
    struct client_mail mails[2] = {{&form}, {&form}};
    struct client *c;
    uint64_t given = 0, accepted = 0;

    client_timeout_same(cf, 300 * NS_PER_S);
    c = start(cf);
    for (uint64_t turn = 0; accepted < n; turn++) {
        accepted += receive(c, slice_of(line(s, turn)), turn);
        send_all(c, mails, &given, turn);
    }
    client_done(c);
    free(c);
}

static void lockstep(uint64_t n)
{
    static const struct script script = {
        {"220 mx\r\n", "250 mx\r\n"},
        2,
        {"250 2.1.0 Ok\r\n", "250 2.1.5 Ok\r\n", "354 go\r\n", "250 2.0.0 Ok\r\n"},
        4};
    struct client_config cf = {.helo_name = "me", .window = 1};

    converse(&cf, n, &script);
}

static void pipelining(uint64_t n)
{
    static const struct script script = {
        {"220 mx\r\n", "250-mx\r\n250 PIPELINING\r\n",
         "250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n354 go\r\n"},
        3,
        {"250 2.0.0 Ok\r\n250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n354 go\r\n"},
        1};
    struct client_config cf = {
        .helo_name = "me", .want = {[EXT_PIPELINING] = EXT_MUST}, .window = 100};

    converse(&cf, n, &script);
}

static void chunking(uint64_t n)
{
    static const struct script script = {
        {"220 mx\r\n", "250-mx\r\n250-PIPELINING\r\n250 CHUNKING\r\n"},
        2,
        {"250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n250 2.0.0 Ok\r\n"},
        1};
    struct client_config cf = {.helo_name = "me",
                               .want = {[EXT_PIPELINING] = EXT_MUST, [EXT_CHUNKING] = EXT_MUST},
                               .window = 100};

    converse(&cf, n, &script);
}

static void histogram(uint64_t n)
{
    struct hist *h = malloc(sizeof *h);
    struct rng rng = {.state = 1};

    if (!h)
        exit(1);
    hist_init(h);
    for (uint64_t i = 0; i < n; i++)
        hist_record(h, 1000 + rng_below(&rng, 10 * NS_PER_MS));
    expect(hist_percentile(h, 50) > 1000, "no histogram");
    free(h);
}

static void composer(uint64_t n)
{
    struct mail_settings s = {.hostname = "load.example", .rcpt_count = 1, .number_all = true};
    struct mail_content *c = malloc(sizeof *c);
    struct diag d;
    uint64_t octets = 0;

    expect(c && mail_content_init(c, &s, 1, 0, &d) == 0, "no content");
    for (uint64_t i = 0; i < n; i++) {
        struct mail_message m = {.connection = 1 + i / 10, .number = 1 + i};
        char own[MAIL_OWN_MAX];
        char path[2048];

        octets += mail_message_rcpt(&m, c, 0, path, sizeof path);
        octets += mail_message_own(&m, c, own);
    }
    expect(octets > 20 * n, "nothing was composed");
    mail_content_done(c);
    free(c);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*work)(uint64_t);
    } rows[] = {{"lockstep", lockstep},
                {"pipelining", pipelining},
                {"chunking", chunking},
                {"histogram", histogram},
                {"composer", composer}};

    if (argc == 2 && strcmp(argv[1], "compiler") == 0)
        return puts(__VERSION__) < 0;
    for (size_t i = 0; argc == 3 && i < sizeof rows / sizeof *rows; i++)
        if (strcmp(argv[1], rows[i].name) == 0) {
            rows[i].work(strtoull(argv[2], NULL, 10));
            return 0;
        }
    (void)fputs("usage: work lockstep|pipelining|chunking|histogram|composer N\n", stderr);
    return 2;
}
