/*
 * The server machine: conversations, fed whole, byte by byte and randomly split, always up to a
 * guard page; and the search for the end of content against a naive model.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dotscan.h"
#include "rng.h"
#include "server.h"

#define GREETING "220 sink ESMTP\r\n"
#define EHLO_TOP                                                                                   \
    "250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-AUTH PLAIN LOGIN\r\n"                       \
    "250-XCLIENT NAME HELO\r\n250-XFORWARD NAME ADDR PROTO HELO\r\n"                               \
    "250-ENHANCEDSTATUSCODES\r\n250-DSN\r\n"
#define EHLO        EHLO_TOP "250 \r\n"
#define OK          "250 2.0.0 Ok\r\n"
#define OK_MAIL     "250 2.1.0 Ok\r\n"
#define OK_RCPT     "250 2.1.5 Ok\r\n"
#define OK_LMTP     "250 2.2.0 Ok\r\n"
#define GO          "354 End data with <CR><LF>.<CR><LF>\r\n"
#define BYE         "221 Bye\r\n"
#define UNKNOWN     "500 5.5.1 Error: unknown command\r\n"
#define BLANK       "500 5.5.2 Error: unknown command\r\n"
#define NO_MAIL     "503 5.5.1 Error: need MAIL command\r\n"
#define NO_RCPT     "503 5.5.1 Error: need RCPT command\r\n"
#define NESTED      "503 5.5.1 Error: nested MAIL command\r\n"
#define TOO_BIG     "552 5.3.4 Error: message too large\r\n"
#define BAD_BDAT    "501 5.5.4 Error: bad BDAT argument\r\n"
#define TRANSACTION "MAIL FROM:<a>\r\nRCPT TO:<b>\r\n"
#define TAKEN       OK_MAIL OK_RCPT

struct row {
    struct server_config config; /* hostname is set by the test */
    const char *announce;
    const char *in;
    const char *want; /* all replies, the greeting too */
    enum server_end end;
    uint64_t messages, recipients, octets;
};

static const struct row rows[] = {
    {.in = "", .want = GREETING},
    {.in = "HELO x\r\nEHLO x\r\nLHLO x\r\n", .want = GREETING "250 sink\r\n" EHLO UNKNOWN},
    {.config.lmtp = true,
     .in = "HELO x\r\nEHLO x\r\nLHLO x\r\n",
     .want = GREETING UNKNOWN UNKNOWN EHLO},
    {.config.no_esmtp = true,
     .in = "HELO x\r\nEHLO x\r\n",
     .want = "220 sink\r\n250 sink\r\n" UNKNOWN},
    {.config.pix = true,
     .in = "HELO x\r\nEHLO x\r\n",
     .want = "220 ********\r\n250 sink\r\n" UNKNOWN},
    {.config = {.lmtp = true, .no_esmtp = true}, .in = "LHLO x\r\n", .want = "220 sink\r\n" EHLO},
    {.config = {.no_pipelining = true,
                .no_8bitmime = true,
                .no_auth = true,
                .no_xclient = true,
                .no_xforward = true,
                .no_enhanced = true,
                .no_dsn = true},
     .in = "EHLO x\r\nAUTH\r\nXCLIENT\r\nXFORWARD\r\n",
     .want = GREETING "250-sink\r\n250 \r\n" OK UNKNOWN UNKNOWN},
    {.in = "XCLIENT a\r\nXFORWARD b\r\nAUTH PLAIN\r\nNOOP\r\nVRFY x\r\nRSET\r\n",
     .want = GREETING OK OK OK OK OK OK_MAIL},
    {.in = "MAIL\r\nRCPT\r\nDATA\r\n.\r\nQUIT\r\n",
     .want = GREETING OK_MAIL OK_RCPT GO OK BYE,
     .end = SERVER_END_QUIT,
     .messages = 1,
     .recipients = 1},
    {.in = TRANSACTION "DATA\r\nhello\r\n.\r\n" TRANSACTION "RCPT TO:<c>\r\nDATA\r\n\r\n.\r\n",
     .want = GREETING TAKEN GO OK TAKEN OK_RCPT GO OK,
     .messages = 2,
     .recipients = 3,
     .octets = 7 + 2},
    {.in = "QUIT\r\nNOOP\r\nrubbish", .want = GREETING BYE, .end = SERVER_END_QUIT},

    /* Sequence. */
    {.in = "RCPT x\r\nDATA\r\nMAIL x\r\nDATA\r\nMAIL y\r\nRCPT z\r\n",
     .want = GREETING NO_MAIL NO_RCPT OK_MAIL NO_RCPT NESTED OK_RCPT},
    {.in = "MAIL\r\nRSET\r\nRCPT\r\nMAIL\r\nHELO\r\nRCPT\r\nMAIL\r\nEHLO\r\nRCPT\r\n",
     .want = GREETING OK_MAIL OK_MAIL NO_MAIL OK_MAIL "250 sink\r\n" NO_MAIL OK_MAIL EHLO NO_MAIL},
    {.in = "MAIL\r\nNOOP\r\nVRFY\r\nHELP\r\nRCPT\r\nMAIL\r\nDATA\r\n.\r\nRCPT\r\n",
     .want = GREETING OK_MAIL OK OK UNKNOWN OK_RCPT NESTED GO OK NO_MAIL,
     .messages = 1,
     .recipients = 1},

    /* Lines. */
    {.in = "  noop\r\n\tNoOp\tx\r\nNOOP x\ny\rz\r\nNOOPS\r\nNOO\r\nNOOP:\r\nNOOP\nx\r\n",
     .want = GREETING OK OK OK UNKNOWN UNKNOWN UNKNOWN UNKNOWN},
    {.in = "\r\n \t \r\n\n\r\nNOOP\r\r\nNOOP \r\r\n.\r\n\xff\xfe\r\n",
     .want = GREETING BLANK BLANK UNKNOWN UNKNOWN OK UNKNOWN UNKNOWN},
    {.in = "NOOP", .want = GREETING},
    {.in = "NOOP\r", .want = GREETING},
    {.in = "NOOP\n\rNOOP\r\n", .want = GREETING UNKNOWN},
    {.in = "mAIL\r\nn\x0fop\r\nBDAT 1\r\nSTARTTLS\r\nunknown\r\nCONNECT\r\n",
     .want = GREETING OK_MAIL UNKNOWN UNKNOWN UNKNOWN UNKNOWN UNKNOWN},

    /* End of data: CRLF.CRLF and nothing else. */
    {.in = TRANSACTION "DATA\r\n\n.\nx\n.\r\n.\n\r\n.\rx\r\n..\r\n.x\r\n\r.\r\n.\r\nNOOP\r\n",
     .want = GREETING TAKEN GO OK OK,
     .messages = 1,
     .recipients = 1,
     .octets = 25},
    {.in = TRANSACTION "DATA\r\na\r\r\n.\r\nNOOP\r\n",
     .want = GREETING TAKEN GO OK OK,
     .messages = 1,
     .recipients = 1,
     .octets = 4},
    {.in = TRANSACTION "DATA\r\n.\r\r\n.\r\nNOOP\r\n", /* a dot, CR, and an end of line */
     .want = GREETING TAKEN GO OK OK,
     .messages = 1,
     .recipients = 1,
     .octets = 3},
    {.in = TRANSACTION "DATA\r\n.\n.\r\n", .want = GREETING TAKEN GO},
    {.in = TRANSACTION "DATA\r\nQUIT\r\nNOOP\r\n", .want = GREETING TAKEN GO},

    /* LMTP: a reply per accepted recipient (RFC 2033 section 4.2). */
    {.config.lmtp = true,
     .in = TRANSACTION "RCPT TO:<c>\r\nRCPT TO:<d>\r\nDATA\r\nx\r\n.\r\nNOOP\r\n",
     .want = GREETING TAKEN OK_RCPT OK_RCPT GO OK_LMTP OK_LMTP OK_LMTP OK,
     .messages = 1,
     .recipients = 3,
     .octets = 3},

    /* STARTTLS (RFC 3207), as far as it goes in the clear: nothing may stand behind it. */
    {.config.announced[EXT_STARTTLS] = true,
     .in = "EHLO x\r\nSTARTTLS x\r\nMAIL\r\nstarttls\r\n",
     .want = GREETING EHLO_TOP "250-STARTTLS\r\n250 \r\n"
                               "501 5.5.4 Error: STARTTLS takes no argument\r\n" OK_MAIL
                               "220 2.0.0 Ready to start TLS\r\n"},

    /* SIZE (RFC 1870). */
    {.announce = "SIZE=10",
     .in = "EHLO x\r\nMAIL FROM:<a> SIZE=11\r\nMAIL FROM:<a> BODY=8BITMIME size=10\r\nRSET\r\n"
           "MAIL FROM:<\"> SIZE=99\"@x>  SIZE=9\r\nRSET\r\nMAIL FROM:<a> SIZE=\r\n"
           "MAIL FROM:<a> SIZE=1x\r\nMAIL FROM:<a> SIZE=99999999999999999999999\r\n"
           "MAIL FROM:a SIZE=11\r\nMAIL FROM:<SIZE=11>\r\nRCPT x\r\nDATA\r\n12345678\r\n.\r\n",
     .want = GREETING EHLO_TOP
     "250-SIZE 10\r\n250 \r\n" TOO_BIG OK_MAIL OK_MAIL OK_MAIL OK_MAIL
     "501 5.5.4 Error: bad SIZE parameter\r\n501 5.5.4 Error: bad SIZE parameter\r\n" TOO_BIG
         TOO_BIG OK_MAIL OK_RCPT GO OK,
     .messages = 1,
     .recipients = 1,
     .octets = 10},
    {.announce = "SIZE=10",
     .in = TRANSACTION "DATA\r\n123456789\r\n.\r\n" TRANSACTION "DATA\r\n..345678\r\n\r\n.\r\n",
     .want = GREETING TAKEN GO TOO_BIG TAKEN GO TOO_BIG,
     .messages = 2,
     .recipients = 2,
     .octets = 11 + 11},
    {.announce = "SIZE=10",
     .config.lmtp = true,
     .in = TRANSACTION "RCPT TO:<c>\r\nDATA\r\n123456789\r\n.\r\nNOOP\r\n",
     .want = GREETING TAKEN OK_RCPT GO TOO_BIG TOO_BIG OK,
     .messages = 1,
     .recipients = 2,
     .octets = 11},
    {.announce = "size",
     .in = "EHLO x\r\nMAIL FROM:<a> SIZE=999999999\r\n",
     .want = GREETING EHLO_TOP "250-SIZE\r\n250 \r\n" OK_MAIL},
    {.in = "MAIL FROM:<a> SIZE=nonsense RUBBISH\r\n", .want = GREETING OK_MAIL},

    /* CHUNKING (RFC 3030). */
    {.announce = "SIZE=1000,CHUNKING,PIPELINING",
     .in = "EHLO x\r\n",
     .want = GREETING EHLO_TOP "250-CHUNKING\r\n250-SIZE 1000\r\n250 \r\n"},
    {.announce = "CHUNKING",
     .in =
         TRANSACTION "BDAT 3 LAST\r\nab\n" TRANSACTION "bdat 5\r\n\r\n.\r\nBDAT 0 last\r\nNOOP\r\n",
     .want = GREETING TAKEN OK TAKEN OK OK OK,
     .messages = 2,
     .recipients = 2,
     .octets = 3 + 5},
    {.announce = "CHUNKING",
     .in = TRANSACTION "BDAT 0\r\nBDAT 000 LAST \r\n" TRANSACTION "BDAT  2  LAST\r\nQUNOOP\r\n",
     .want = GREETING TAKEN OK OK TAKEN OK OK,
     .messages = 2,
     .recipients = 2,
     .octets = 2},
    {.announce = "CHUNKING", .in = TRANSACTION "BDAT 0\r\n", .want = GREETING TAKEN OK},
    {.announce = "CHUNKING",
     .in = TRANSACTION "BDAT 0 LAST\r\n",
     .want = GREETING TAKEN OK,
     .messages = 1,
     .recipients = 1},
    {.announce = "CHUNKING", /* mixed with DATA, and out of order */
     .in = TRANSACTION "BDAT 1\r\nxDATA\r\nRCPT TO:<c>\r\nMAIL x\r\nBDAT 1 LAST\r\ny"
                       "BDAT 4 LAST\r\nNOOPBDAT 2\r\nxxMAIL\r\nBDAT 3\r\nxxxMAIL\r\n",
     .want = GREETING TAKEN OK
     "503 5.5.1 Error: DATA after BDAT\r\n503 5.5.1 Error: RCPT after BDAT\r\n" NESTED OK NO_RCPT
         NO_RCPT OK_MAIL NO_RCPT OK_MAIL,
     .messages = 1,
     .recipients = 1,
     .octets = 2},
    {.announce = "CHUNKING,SIZE=4", /* a refused chunk ends the transaction */
     .in = TRANSACTION "BDAT 3\r\n123BDAT 2\r\n45BDAT 1\r\n6BDAT 0 LAST\r\n" TRANSACTION
                       "BDAT 5 LAST\r\n12345" TRANSACTION "BDAT 4 LAST\r\n1234",
     .want = GREETING TAKEN OK TOO_BIG NO_RCPT NO_RCPT TAKEN TOO_BIG TAKEN OK,
     .messages = 2,
     .recipients = 2,
     .octets = 5 + 4},
    {.announce = "CHUNKING", /* a keyword that is none: the octets are known, so it goes on */
     .in = TRANSACTION "BDAT 4 LOST\r\nQUITNOOP\r\nRCPT\r\n",
     .want = GREETING TAKEN BAD_BDAT OK NO_MAIL},
    {.announce = "CHUNKING",
     .in = TRANSACTION "BDAT x\r\nNOOP\r\n",
     .want = GREETING TAKEN BAD_BDAT,
     .end = SERVER_END_CHUNK},
    {.announce = "CHUNKING", .in = "BDAT\r\n", .want = GREETING BAD_BDAT, .end = SERVER_END_CHUNK},
    {.announce = "CHUNKING",
     .in = "BDAT -1 LAST\r\n",
     .want = GREETING BAD_BDAT,
     .end = SERVER_END_CHUNK},
    {.announce = "CHUNKING",
     .in = TRANSACTION "BDAT 18446744073709551617 LAST\r\nNOOP\r\n",
     .want = GREETING TAKEN BAD_BDAT,
     .end = SERVER_END_CHUNK},
    {.announce = "CHUNKING",
     .in = TRANSACTION "BDAT 9223372036854775807\r\nNOOP\r\n",
     .want = GREETING TAKEN},
    {.announce = "CHUNKING",
     .config.lmtp = true,
     .in = TRANSACTION "RCPT TO:<c>\r\nBDAT 2\r\nxxBDAT 1 LAST\r\nyBDAT 1 LAST\r\nz",
     .want = GREETING TAKEN OK_RCPT OK OK_LMTP OK_LMTP NO_RCPT,
     .messages = 1,
     .recipients = 2,
     .octets = 3},
};

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* Memory that ends at a page nobody may touch. */
struct guarded {
    char *base;
    size_t size; /* up to the guard */
};

static struct guarded guard;

static int make_guard(void **state)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);

    (void)state;
    guard.size = 4 * page;
    guard.base = mmap(NULL, 5 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return guard.base == MAP_FAILED || mprotect(guard.base + 4 * page, page, PROT_NONE) < 0;
}

static struct slice at_guard(const char *p, size_t n)
{
    char *to = guard.base + guard.size - n;

    assert_true(n <= guard.size);
    memcpy(to, p, n);
    return (struct slice){to, n};
}

struct talk {
    struct server server;
    struct server_context context;
    struct server_config config;
    char replies[65536];
    size_t length;
    uint32_t room;    /* of the buffer lent */
    char heard[8192]; /* what the hooks were told */
    size_t heard_length;
};

static void add_replies(struct talk *t, const struct server_out *out)
{
    struct slice s = server_replies(out);

    assert_true(t->length + s.n < sizeof t->replies);
    if (s.n > 0)
        memcpy(t->replies + t->length, s.p, s.n);
    t->length += s.n;
}

static void talk_start(struct talk *t, const struct row *row, uint32_t room)
{
    struct server_out out = {0};
    struct diag d;

    memset(t, 0, sizeof *t);
    t->config = row->config;
    t->config.hostname = "sink";
    t->room = room;
    if (row->announce)
        assert_int_equal(server_announce(&t->config, row->announce, &d), 0);
    assert_int_equal(server_config_freeze(&t->config, &d), 0);
    t->context.config = &t->config;
    server_init(&t->server, &t->context);
    server_greet(&t->server, &out);
    add_replies(t, &out);
}

static void talk_feed(struct talk *t, struct slice in)
{
    char buffer[4096];

    do {
        struct server_out out = {.buffer = buffer, .size = t->room};
        size_t n = server_recv(&t->server, in, &out);

        assert_true(n <= in.n && out.used <= t->room);
        assert_true(n > 0 || in.n == 0 || server_replies(&out).n > 0);
        in = slice_from(in, n);
        add_replies(t, &out);
    } while (in.n > 0 || server_owes(&t->server));
}

static void talk_end(struct talk *t)
{
    server_done(&t->server);
    server_config_done(&t->config);
}

static void check(struct talk *t, const struct row *row)
{
    t->replies[t->length] = '\0';
    assert_string_equal(t->replies, row->want);
    assert_int_equal(server_over(&t->server), row->end);
    assert_int_equal(t->context.messages, row->messages);
    assert_int_equal(t->context.recipients, row->recipients);
    assert_int_equal(t->context.octets, row->octets);
}

/* Pieces of 1 .. most octets; most 0 is all at once. */
static void converse(const struct row *row, size_t most, uint32_t room, struct rng *rng)
{
    struct talk t;
    struct slice in = slice_of(row->in);

    talk_start(&t, row, room);
    while (in.n > 0) {
        size_t n = most == 0 ? in.n : 1 + (size_t)rng_below(rng, most);

        n = n < in.n ? n : in.n;
        talk_feed(&t, at_guard(in.p, n));
        in = slice_from(in, n);
    }
    check(&t, row);
    talk_end(&t);
}

static void test_whole(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(rows); i++)
        converse(&rows[i], 0, 4096, NULL);
}

static void test_byte_by_byte(void **state)
{
    struct rng rng = {1};

    (void)state;
    for (size_t i = 0; i < LENGTH(rows); i++)
        converse(&rows[i], 1, SERVER_OUT_MIN, &rng);
}

static void test_split(void **state)
{
    struct rng rng = {2};

    (void)state;
    for (size_t i = 0; i < LENGTH(rows); i++)
        for (size_t k = 0; k < 300; k++)
            converse(&rows[i], 2 + k % 30, SERVER_OUT_MIN, &rng);
}

/* No room for more replies: input waits, and nothing is lost. */
static void test_full(void **state)
{
    static const struct row row = {0};
    struct talk t;
    char buffer[SERVER_OUT_MIN];
    struct server_out out = {.buffer = buffer, .size = sizeof buffer};
    size_t replies = 0;

    (void)state;
    talk_start(&t, &row, sizeof buffer);
    for (int i = 0; i < 1000; i++)
        replies += server_recv(&t.server, SLICE("NOOP\r\n"), &out) == 6;
    assert_int_equal(out.used, replies * strlen(OK));
    assert_in_range(replies, (SERVER_OUT_MIN - 512) / strlen(OK), SERVER_OUT_MIN / strlen(OK));
    assert_int_equal(server_recv(&t.server, SLICE("NOOP\r\n"), &out), 0);
    out.used = 0;
    assert_int_equal(server_recv(&t.server, SLICE("NOOP\r\nNOOP\r\n"), &out), 12);
    assert_int_equal(out.used, 2 * strlen(OK));
    talk_end(&t);
}

/* Many LMTP recipients: their replies come as there is room, before anything else is read. */
static void test_owed(void **state)
{
    static const struct row row = {.config.lmtp = true};
    struct talk t;
    size_t before;

    (void)state;
    talk_start(&t, &row, SERVER_OUT_MIN);
    talk_feed(&t, SLICE("MAIL\r\n"));
    for (int i = 0; i < 1000; i++)
        talk_feed(&t, SLICE("RCPT\r\n"));
    before = t.length;
    talk_feed(&t, SLICE("DATA\r\n.\r\nNOOP\r\n"));
    assert_int_equal(t.length - before, strlen(GO) + 1000 * strlen(OK_LMTP) + strlen(OK));
    assert_memory_equal(t.replies + t.length - strlen(OK), OK, strlen(OK));
    talk_end(&t);
}

/* A reply alone is lent, not copied: lockstep needs no buffer. */
static void test_lone(void **state)
{
    static const struct row row = {0};
    struct talk t;
    struct server_out out = {0};

    (void)state;
    talk_start(&t, &row, 0);
    assert_int_equal(server_recv(&t.server, SLICE("EHLO x\r\n"), &out), 8);
    assert_int_equal(out.used, 0);
    assert_ptr_equal(server_replies(&out).p, t.config.ehlo.p);
    talk_end(&t);
}

static void test_line_limit(void **state)
{
    static const struct row row = {0};
    char line[SERVER_LINE_MAX + 1];

    (void)state;
    memset(line, 'x', sizeof line);
    memcpy(line, "NOOP ", 5);
    for (size_t split = 0; split < SERVER_LINE_MAX; split += 31) {
        struct talk t;

        /* The longest that is allowed. */
        memcpy(line + SERVER_LINE_MAX - 2, "\r\n", 2);
        talk_start(&t, &row, SERVER_OUT_MIN);
        talk_feed(&t, at_guard(line, split));
        talk_feed(&t, at_guard(line + split, SERVER_LINE_MAX - split));
        assert_int_equal(t.length, strlen(GREETING OK));
        assert_null(t.server.part);

        /* Full without an end: the next octet is one too many, and even an LF at that. */
        memcpy(line + SERVER_LINE_MAX - 2, "x\r\n", 3);
        talk_feed(&t, at_guard(line, split));
        talk_feed(&t, at_guard(line + split, SERVER_LINE_MAX - split));
        assert_int_equal(server_over(&t.server), SERVER_END_NOT);
        talk_feed(&t, SLICE("\n"));
        assert_int_equal(server_over(&t.server), SERVER_END_LINE);
        talk_feed(&t, SLICE("NOOP\r\n"));
        assert_int_equal(t.length, strlen(GREETING OK));
        assert_null(t.server.part);
        talk_end(&t);
    }
}

/* A NUL is an octet like others: no command is cut short by it. */
static void test_nul(void **state)
{
    static const struct row row = {0};
    struct talk t;

    (void)state;
    talk_start(&t, &row, SERVER_OUT_MIN);
    talk_feed(&t, SLICE("NOOP\0\r\n"));
    talk_feed(&t, SLICE("NOOP \0\r\n"));
    talk_feed(&t, SLICE("\0NOOP\r\n"));
    t.replies[t.length] = '\0';
    assert_string_equal(t.replies, GREETING UNKNOWN OK UNKNOWN);
    assert_int_equal(t.context.refused[SERVER_UNKNOWN], 2);
    talk_end(&t);
}

static struct talk *listener;

static void hear(struct slice s)
{
    if (s.n == 0)
        return;
    memcpy(listener->heard + listener->heard_length, s.p, s.n);
    listener->heard_length += s.n;
}

static void hear_command(struct server *sv, enum server_verb verb, struct slice line,
                         struct slice reply)
{
    (void)sv;
    hear(SLICE("<"));
    hear(slice_of(server_verb_name(verb)));
    hear(SLICE("|"));
    hear(line);
    hear(SLICE("|"));
    hear((struct slice){reply.p, reply.n ? 3 : 0});
    hear(SLICE(">"));
}

static void hear_content(struct server *sv, struct slice octets, bool bdat)
{
    (void)sv;
    (void)bdat;
    hear(octets);
}

static struct slice hear_message(struct server *sv, const struct server_message *m)
{
    (void)sv;
    hear(m->refused ? SLICE("<too large>") : SLICE("<complete>"));
    if (m->octets == 4)
        return SLICE("452 4.3.1 no\r\n");
    if (m->octets == 5)
        listener->context.halt = SERVER_HALTS;
    return (struct slice){NULL, 0};
}

static void hear_chunk_refused(struct server *sv, struct slice reply)
{
    (void)sv;
    hear(SLICE("<refused "));
    hear((struct slice){reply.p, 3});
    hear(SLICE(">"));
}

static const struct server_hooks hooks = {hear_command, hear_content, hear_message,
                                          hear_chunk_refused};

/* The hooks are told everything once, in order, however the input is split. */
static void test_hooks(void **state)
{
    static const struct row row = {.announce = "CHUNKING"};
    static const char in[] = "mail x\r\nRCPT\r\nDATA y\r\n..\r\na\n.\n\r\n.\r\nfoo\r\n"
                             "MAIL\r\nRCPT\r\nBDAT 2\r\nxyBDAT 2 LAST\r\nzzBDAT 3\r\nno!";
    static const char want[] =
        "<MAIL|mail x|250><RCPT|RCPT|250><DATA|DATA y|354>..\r\na\n.\n\r\n.\r\n"
        "<.|.|><complete><unknown|foo|500><MAIL|MAIL|250><RCPT|RCPT|250>"
        "<BDAT|BDAT 2|>xy<BDAT|BDAT 2 LAST|>zz<complete><BDAT|BDAT 3|><refused 503>";
    struct rng rng = {3};

    (void)state;
    for (size_t most = 1; most < sizeof in; most++) {
        struct slice left = SLICE(in);
        struct talk t;

        talk_start(&t, &row, SERVER_OUT_MIN);
        t.context.hooks = &hooks;
        listener = &t;
        while (left.n > 0) {
            size_t n = 1 + (size_t)rng_below(&rng, most);

            n = n < left.n ? n : left.n;
            talk_feed(&t, at_guard(left.p, n));
            left = slice_from(left, n);
        }
        t.heard[t.heard_length] = '\0';
        assert_string_equal(t.heard, want);
        t.replies[t.length] = '\0';
        assert_string_equal(t.replies,
                            GREETING TAKEN GO OK UNKNOWN TAKEN OK "452 4.3.1 no\r\n" NO_RCPT);
        assert_int_equal(t.context.refused[SERVER_BDAT], 2);
        talk_end(&t);
    }
}

/* A hook stops everything: the message at hand is still answered, nothing more is read. */
static void test_halt(void **state)
{
    static const struct row row = {.config.lmtp = true};
    struct talk t;
    char buffer[SERVER_OUT_MIN];
    struct server_out out = {.buffer = buffer, .size = sizeof buffer};
    struct slice in = SLICE("MAIL\r\nRCPT\r\nRCPT\r\nDATA\r\nabc\r\n.\r\nNOOP\r\n");

    (void)state;
    talk_start(&t, &row, SERVER_OUT_MIN);
    t.context.hooks = &hooks;
    listener = &t;
    assert_int_equal(server_recv(&t.server, in, &out), in.n - 6);
    assert_int_equal(out.used, strlen(TAKEN OK_RCPT GO OK_LMTP OK_LMTP));
    assert_int_equal(server_recv(&t.server, SLICE("NOOP\r\n"), &out), 0);
    talk_end(&t);
}

static char long_reply[SERVER_REPLY_MAX];

static struct slice answer_long(struct server *sv, const struct server_message *m)
{
    (void)sv;
    (void)m;
    return (struct slice){long_reply, sizeof long_reply};
}

/* The longest reply that a hook may give finds room behind any other. */
static void test_long_reply(void **state)
{
    static const struct server_hooks longest = {.message = answer_long};
    static const struct row row = {.config.lmtp = true};

    (void)state;
    memset(long_reply, '4', sizeof long_reply);
    for (size_t before = 0; before < 80; before++) {
        struct talk t;
        char in[1000];
        size_t n = 0;

        for (size_t i = 0; i < before; i++, n += 6)
            memcpy(in + n, "NOOP\r\n", 6);
        memcpy(in + n, "MAIL\r\nRCPT\r\nRCPT\r\nDATA\r\n.\r\n", 27);
        talk_start(&t, &row, SERVER_OUT_MIN);
        t.context.hooks = &longest;
        talk_feed(&t, at_guard(in, n + 27));
        assert_int_equal(t.context.refused[SERVER_DOT], 2);
        n = strlen(GREETING TAKEN OK_RCPT GO) + before * strlen(OK);
        assert_int_equal(t.length, n + 2 * SERVER_REPLY_MAX);
        assert_memory_equal(t.replies + n, long_reply, SERVER_REPLY_MAX);
        talk_end(&t);
    }
}

static void test_announce(void **state)
{
    static const char *const bad[] = {"FOO",      "SIZE=x",        "CHUNKING=1", "CHUNKING,FOO",
                                      "SIZE=1,=", "PIPELINING=no", "SIZE=1 2 x"};
    struct server_config cf = {.hostname = "sink"};
    struct diag d;

    (void)state;
    for (size_t i = 0; i < LENGTH(bad); i++)
        assert_int_equal(server_announce(&cf, bad[i], &d), -22);
    cf = (struct server_config){.hostname = "sink", .no_pipelining = true};
    assert_int_equal(server_announce(&cf, "", &d), 0);
    assert_int_equal(server_announce(&cf, ", SIZE=1MiB ,pipelining", &d), 0);
    assert_int_equal(cf.size_limit, 1 << 20);
    assert_false(cf.no_pipelining);
    server_announce_all(&cf);
    assert_true(cf.announced[EXT_CHUNKING]);
}

/* Of content from *before on, how many octets up to the end; SIZE_MAX when it is not over. */
static size_t naive_end(const char *p, size_t n, uint64_t *dots)
{
    *dots = 0;
    for (size_t i = 0; i < n; i++) {
        bool starts = i == 0 || (i > 1 && p[i - 2] == '\r' && p[i - 1] == '\n');

        if (starts && p[i] == '.') {
            ++*dots;
            if (i + 2 < n && p[i + 1] == '\r' && p[i + 2] == '\n')
                return i + 3;
        }
    }
    return SIZE_MAX;
}

static void scan(const char *text, size_t n, size_t most, struct rng *rng)
{
    enum dotscan s = DOTSCAN_CRLF;
    uint64_t dots = 0, want_dots;
    size_t want = naive_end(text, n, &want_dots);
    size_t at = 0;

    while (at < n && s != DOTSCAN_END) {
        size_t piece = most ? 1 + (size_t)rng_below(rng, most) : n;
        size_t got;

        piece = piece < n - at ? piece : n - at;
        got = dotscan(at_guard(text + at, piece), &s, &dots);
        assert_true(s == DOTSCAN_END ? got <= piece : got == piece);
        at += got;
    }
    assert_int_equal(at, want == SIZE_MAX ? n : want);
    assert_int_equal(s == DOTSCAN_END, want != SIZE_MAX);
    assert_int_equal(dots, want_dots);
}

/* Text of few letters, so that near misses are frequent; runs of x of all lengths between. */
static size_t random_text(char *out, size_t size, struct rng *rng)
{
    size_t n = 0;
    size_t runs = rng_below(rng, 4);

    while (n < size) {
        size_t run = rng_below(rng, 8) < runs ? rng_below(rng, 150) : 0;

        for (; run > 0 && n < size; run--)
            out[n++] = 'x';
        if (n < size)
            out[n++] = "\r\n.\r\n.x\n"[rng_below(rng, 8)];
        if (rng_below(rng, 200) == 0)
            break;
    }
    return n;
}

static void test_scan_random(void **state)
{
    char text[700];
    struct rng rng = {4};

    (void)state;
    for (int i = 0; i < 60000; i++) {
        size_t n = random_text(text, sizeof text, &rng);

        scan(text, n, i % 3 == 0 ? 0 : 1 + (size_t)rng_below(&rng, 200), &rng);
    }
}

/* Every place of the end in every alignment, and each way to split it. */
static void test_scan_places(void **state)
{
    char text[300];

    (void)state;
    for (size_t at = 0; at < 200; at++) {
        memset(text, 'x', sizeof text);
        memcpy(text + at, "\r\n.\r\n", 5);
        for (size_t n = at + 5; n < at + 75; n++) {
            struct rng rng = {n};

            scan(text, n, 0, &rng);
        }
        for (size_t split = 1; split < at + 5; split++) {
            enum dotscan s = DOTSCAN_CRLF;
            uint64_t dots = 0;

            assert_int_equal(dotscan(at_guard(text, split), &s, &dots), split);
            assert_int_equal(dotscan(at_guard(text + split, sizeof text - split), &s, &dots),
                             at + 5 - split);
            assert_int_equal(s, DOTSCAN_END);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),       cmocka_unit_test(test_byte_by_byte),
        cmocka_unit_test(test_split),       cmocka_unit_test(test_full),
        cmocka_unit_test(test_owed),        cmocka_unit_test(test_lone),
        cmocka_unit_test(test_line_limit),  cmocka_unit_test(test_nul),
        cmocka_unit_test(test_hooks),       cmocka_unit_test(test_halt),
        cmocka_unit_test(test_long_reply),  cmocka_unit_test(test_announce),
        cmocka_unit_test(test_scan_random), cmocka_unit_test(test_scan_places),
    };

    return cmocka_run_group_tests(tests, make_guard, NULL);
}
