/*
 * The fault plan and what the server machine makes of it: conversations on a fake clock, whole, in
 * pieces and octet by octet; acts that no option can ask for; exact counts over seeded odds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "rng.h"
#include "server.h"
#include "server_plan.h"
#include "units.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))
#define GREETING      "220 sink ESMTP\r\n"
#define OK            "250 2.0.0 Ok\r\n"
#define OK_MAIL       "250 2.1.0 Ok\r\n"
#define OK_RCPT       "250 2.1.5 Ok\r\n"
#define TAKEN         OK_MAIL "250 2.1.5 Ok\r\n"
#define OK_LMTP       "250 2.2.0 Ok\r\n"
#define GO            "354 End data with <CR><LF>.<CR><LF>\r\n"
#define BYE           "221 Bye\r\n"
#define HARD          "500 5.3.0 Error: command failed\r\n"
#define SOFT          "450 4.3.0 Error: command failed\r\n"
#define CLOSING       "421 4.0.0 Server closing connection\r\n"
#define UNKNOWN       "500 5.5.1 Error: unknown command\r\n"
#define NO_MAIL       "503 5.5.1 Error: need MAIL command\r\n"
#define NO_RCPT       "503 5.5.1 Error: need RCPT command\r\n"
#define VIOLATES      "550 This violates SMTP\r\n"
#define TRANSACTION   "MAIL FROM:<a>\r\nRCPT TO:<b>\r\n"

/* An option's letter and its argument; waits show as [milliseconds] among the replies. */
struct row {
    const char *options[8];
    const char *in;
    const char *want;
    enum server_end end;
    bool lmtp, chunking;
    unsigned messages, refused;
};

static const struct row rows[] = {
    {{"fMAIL"}, TRANSACTION "RSET\r\n", GREETING HARD NO_MAIL OK_MAIL, .refused = 2},
    {{"rRCPT"}, TRANSACTION "DATA\r\n", GREETING OK_MAIL SOFT NO_RCPT, .refused = 2},
    {{"fmail,NOOP", "f vrfy\t"},
     "NOOP\r\nVRFY\r\nRSET\r\n",
     GREETING HARD HARD OK_MAIL,
     .refused = 2},
    {{"fCONNECT"}, "NOOP\r\n", HARD OK, .refused = 1},
    {{"QCONNECT"}, "NOOP\r\n", CLOSING, SERVER_END_FAULT, .refused = 1},
    {{"qCONNECT"}, "NOOP\r\n", "", SERVER_END_FAULT},
    {{"qNOOP", "QNOOP", "fNOOP", "rNOOP", "WNOOP:1"},
     "RSET\r\nNOOP\r\nRSET\r\n",
     GREETING OK_MAIL,
     SERVER_END_FAULT},
    {{"rNOOP", "fNOOP", "QNOOP", "WNOOP:1"},
     "NOOP\r\nRSET\r\n",
     GREETING CLOSING,
     SERVER_END_FAULT,
     .refused = 1},
    {{"rNOOP", "fNOOP", "WNOOP:1"}, "NOOP\r\nRSET\r\n", GREETING HARD OK_MAIL, .refused = 1},
    {{"fQUIT"}, "QUIT\r\nNOOP\r\n", GREETING HARD OK, .refused = 1},
    {{"b451 4 own", "B599 own", "rNOOP", "fVRFY"},
     "NOOP\r\nVRFY\r\n",
     GREETING "451 4 own\r\n599 own\r\n",
     .refused = 2},

    {{"f."},
     TRANSACTION "DATA\r\n.\r\nRCPT\r\n",
     GREETING TAKEN GO HARD NO_MAIL,
     .messages = 1,
     .refused = 2},
    {{"q."},
     TRANSACTION "DATA\r\n.\r\nRCPT\r\n",
     GREETING TAKEN GO,
     SERVER_END_FAULT,
     .messages = 1},
    {{"r."},
     TRANSACTION "RCPT x\r\nDATA\r\n.\r\n",
     GREETING TAKEN "250 2.1.5 Ok\r\n" GO SOFT SOFT,
     .lmtp = true,
     .messages = 1,
     .refused = 2},
    {{"Q."},
     TRANSACTION "RCPT x\r\nDATA\r\n.\r\nNOOP\r\n",
     GREETING TAKEN "250 2.1.5 Ok\r\n" GO CLOSING,
     SERVER_END_FAULT,
     .lmtp = true,
     .messages = 1,
     .refused = 1},

    {{"WNOOP:2"}, "NOOP\r\nNOOP\r\nRSET\r\n", GREETING "[2000]" OK "[2000]" OK OK_MAIL},
    {{"WCONNECT:1"}, "NOOP\r\n", "[1000]" GREETING OK},
    {{"WQUIT:250ms"}, "QUIT\r\nNOOP\r\n", GREETING "[250]" BYE, SERVER_END_QUIT},
    {{"WDATA:1", "WDATA:2"},
     "DATA\r\nHELP\r\n" TRANSACTION "DATA\r\n.\r\n",
     GREETING "[2000]" NO_RCPT UNKNOWN TAKEN "[2000]" GO OK,
     .messages = 1,
     .refused = 2},
    {{"W.:1"},
     TRANSACTION "RCPT x\r\nDATA\r\n.\r\nNOOP\r\n",
     GREETING TAKEN "250 2.1.5 Ok\r\n" GO "[1000]" OK_LMTP OK_LMTP OK,
     .lmtp = true,
     .messages = 1},

    {{"A3"},
     "DATA\r\n" TRANSACTION "DATA\r\nx\r\n.\r\nNOOP\r\n",
     GREETING NO_RCPT TAKEN GO "[3000]" VIOLATES,
     SERVER_END_FAULT,
     .refused = 2},
    {{"A0"},
     TRANSACTION "RCPT x\r\nDATA\r\n.\r\n",
     GREETING TAKEN "250 2.1.5 Ok\r\n" GO "[0]" VIOLATES,
     SERVER_END_FAULT,
     .lmtp = true,
     .refused = 1},
    {{"A3", "H1", "WDATA:2"},
     TRANSACTION "DATA\r\n.\r\n",
     GREETING TAKEN "[2000]" GO "[4000]" VIOLATES,
     SERVER_END_FAULT,
     .refused = 1},
    {{"H1"},
     "DATA\r\n" TRANSACTION "DATA\r\nx\r\n.\r\nNOOP\r\n",
     GREETING NO_RCPT TAKEN GO "[1000]" OK OK,
     .messages = 1,
     .refused = 1},
    {{"A1", "fDATA"}, TRANSACTION "DATA\r\nNOOP\r\n", GREETING TAKEN HARD OK, .refused = 1},

    {{"fBDAT"},
     TRANSACTION "BDAT 4\r\nNOOPBDAT 4 LAST\r\nNOOPNOOP\r\n",
     GREETING TAKEN HARD NO_RCPT OK,
     .chunking = true,
     .refused = 2},
    {{"qBDAT"},
     TRANSACTION "BDAT 4\r\nNOOPNOOP\r\n",
     GREETING TAKEN,
     SERVER_END_FAULT,
     .chunking = true},
    {{"r."},
     TRANSACTION "BDAT 4\r\nNOOPBDAT 4 LAST\r\nNOOPNOOP\r\n",
     GREETING TAKEN OK SOFT OK,
     .chunking = true,
     .messages = 1,
     .refused = 1},
    {{"WBDAT:1", "W.:2"},
     TRANSACTION "BDAT 4\r\nNOOPBDAT 4 LAST\r\nNOOPNOOP\r\n",
     GREETING TAKEN "[1000]" OK "[3000]" OK OK,
     .chunking = true,
     .messages = 1},
};

struct talk {
    struct server server;
    struct server_context context;
    struct server_config config;
    struct server_plan plan;
    struct rng rng;
    const struct server_act *act; /* instead of the plan, for NOOP */
    char heard[4096];
    size_t length;
};

static struct talk *current;

static void judge(struct server *sv, enum server_verb verb, struct slice args,
                  struct server_act *act)
{
    (void)sv;
    (void)args;
    if (!current->act)
        server_plan_judge(&current->plan, verb, &current->rng, act);
    else if (verb == SERVER_NOOP || verb == SERVER_DATA)
        *act = *current->act;
}

static int set_option(struct server_plan *p, const char *option, struct diag *d)
{
    static const char refusals[] = "qQfr";
    const char *refusal = strchr(refusals, option[0]);
    char text[40];
    bool any;

    if (refusal)
        return server_plan_refuse(p, (enum server_refusal)(1 << (refusal - refusals)), option + 1,
                                  &any, d);
    if (option[0] == 'W')
        return server_plan_delay(p, option + 1, d);
    if (option[0] == 'b' || option[0] == 'B')
        return server_plan_reply(p, option[0] == 'b' ? SERVER_SOFT : SERVER_HARD, option + 1, d);
    p->active = true;
    (void)snprintf(text, sizeof text, "%s", option + 1);
    if (option[0] == 'A') {
        p->aborts = true;
        p->abort_delay = (uint64_t)(text[0] - '0') * NS_PER_S;
    } else {
        p->data_stall = (uint64_t)(text[0] - '0') * NS_PER_S;
    }
    return 0;
}

static void hear(struct talk *t, struct server_out *out)
{
    struct slice s = server_replies(out);

    assert_true(t->length + s.n < sizeof t->heard);
    if (s.n > 0)
        memcpy(t->heard + t->length, s.p, s.n);
    t->length += s.n;
    *out = (struct server_out){.buffer = out->buffer, .size = out->size};
}

static void wait_through(struct talk *t, struct server_out *out)
{
    hear(t, out);
    while (server_waits(&t->server)) {
        assert_int_equal(server_recv(&t->server, SLICE("NOOP\r\n"), out), 0);
        assert_int_equal(server_replies(out).n, 0);
        assert_int_equal(server_over(&t->server), SERVER_END_NOT);
        t->length += (size_t)snprintf(t->heard + t->length, sizeof t->heard - t->length, "[%llu]",
                                      (unsigned long long)(server_wait(&t->server) / NS_PER_MS));
        server_resume(&t->server, out);
        hear(t, out);
    }
}

static void start(struct talk *t, bool lmtp, bool chunking)
{
    struct server_out out = {0};
    struct diag d;

    t->config = (struct server_config){.hostname = "sink", .lmtp = lmtp};
    t->config.announced[EXT_CHUNKING] = chunking;
    assert_int_equal(server_config_freeze(&t->config, &d), 0);
    t->context = (struct server_context){.config = &t->config, .judge = judge};
    current = t;
    server_init(&t->server, &t->context);
    server_greet(&t->server, &out);
    wait_through(t, &out);
}

static void feed(struct talk *t, struct slice in)
{
    char buffer[SERVER_OUT_MIN];
    struct server_out out = {.buffer = buffer, .size = sizeof buffer};

    do {
        in = slice_from(in, server_recv(&t->server, in, &out));
        wait_through(t, &out);
    } while (in.n > 0 || server_owes(&t->server));
}

static void finish(struct talk *t)
{
    t->heard[t->length] = '\0';
    server_done(&t->server);
    server_config_done(&t->config);
}

static void converse(const struct row *row, size_t most)
{
    struct talk t = {.rng = {1}};
    struct slice in = slice_of(row->in);
    struct rng rng = {most};
    struct diag d;
    uint64_t refused = 0;

    for (size_t i = 0; i < LENGTH(row->options) && row->options[i]; i++)
        assert_int_equal(set_option(&t.plan, row->options[i], &d), 0);
    assert_true(t.plan.active);
    start(&t, row->lmtp, row->chunking);
    while (in.n > 0) {
        size_t n = most ? 1 + (size_t)rng_below(&rng, most) : in.n;

        n = n < in.n ? n : in.n;
        feed(&t, (struct slice){in.p, n});
        in = slice_from(in, n);
    }
    for (size_t i = 0; i < SERVER_VERB_COUNT; i++)
        refused += t.context.refused[i];
    assert_int_equal(server_over(&t.server), row->end);
    finish(&t);
    assert_string_equal(t.heard, row->want);
    assert_int_equal(t.context.messages, row->messages);
    assert_int_equal(refused, row->refused);
}

static void test_conversations(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(rows); i++)
        for (size_t most = 0; most < 40; most++)
            converse(&rows[i], most);
}

struct act_row {
    struct server_act act;
    const char *want; /* for "NOOP", "RSET" */
    enum server_end end;
};

static const struct act_row act_rows[] = {
    {{0}, OK OK_MAIL, SERVER_END_NOT},
    {{.piece = 5, .pieces = 1, .pause = NS_PER_S},
     "250 2[1000].0.0 Ok\r\n" OK_MAIL,
     SERVER_END_NOT},
    {{.piece = 4, .pieces = 99, .pause = NS_PER_MS, .delay = 2 * NS_PER_MS},
     "[2]250 [1]2.0.[1]0 Ok[1]\r\n" OK_MAIL,
     SERVER_END_NOT},
    {{.piece = 14, .pieces = 99, .pause = NS_PER_MS}, OK OK_MAIL, SERVER_END_NOT},
    {{.end = SERVER_END_RESET}, OK, SERVER_END_RESET},
    {{.instead = true, .end = SERVER_END_RESET}, "", SERVER_END_RESET},
    {{.delay = NS_PER_S, .instead = true, .end = SERVER_END_RESET}, "[1000]", SERVER_END_RESET},
    {{.instead = true,
      .reply = {"499 x\r\n", 7},
      .piece = 3,
      .pieces = 1,
      .pause = NS_PER_S,
      .stall = NS_PER_S,
      .end = SERVER_END_FAULT},
     "499[1000] x\r\n[1000]",
     SERVER_END_FAULT},
    {{.stall = NS_PER_S}, OK "[1000]" OK_MAIL, SERVER_END_NOT},
};

static void test_acts(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(act_rows); i++) {
        struct talk t = {.act = &act_rows[i].act};

        start(&t, false, false);
        t.length = 0;
        feed(&t, SLICE("NOOP\r\nRSET\r\n"));
        assert_int_equal(server_over(&t.server), act_rows[i].end);
        finish(&t);
        assert_string_equal(t.heard, act_rows[i].want);
    }
}

/* Content is held once so much of it was read, however it comes, and not when there is less. */
static void test_hold(void **state)
{
    static const struct server_act act = {.hold = NS_PER_S, .hold_at = 6};
    static const char text[] =
        TRANSACTION "DATA\r\n..1\r\n23\r\n.\r\nNOOP\r\n" TRANSACTION "DATA\r\n1\r\n.\r\nNOOP\r\n";

    (void)state;
    for (size_t most = 0; most < 30; most++) {
        struct talk t = {.act = &act};
        struct slice in = {text, sizeof text - 1};

        start(&t, false, false);
        while (in.n > 0) {
            size_t n = most && most < in.n ? most : in.n;

            feed(&t, (struct slice){in.p, n});
            in = slice_from(in, n);
        }
        assert_int_equal(t.context.octets, 8 + 3);
        finish(&t);
        assert_string_equal(t.heard, GREETING TAKEN GO "[1000]" OK OK TAKEN GO OK OK);
    }
}

static struct slice every_other(const struct server *sv, uint32_t recipient)
{
    (void)sv;
    return recipient % 2 ? SLICE("452 4.2.2 full\r\n") : (struct slice){NULL, 0};
}

static struct slice full(const struct server *sv, uint32_t recipient)
{
    return every_other(sv, 2 * recipient + 1);
}

static struct server_message last_message;
static unsigned last_codes[3];

static struct slice remember_message(struct server *sv, const struct server_message *m)
{
    last_message = *m;
    for (uint32_t i = 0; i < 3; i++)
        last_codes[i] = (unsigned)(server_verdict(m, i).p[0] - '0');
    (void)sv;
    return (struct slice){NULL, 0};
}

/* LMTP: each recipient's own, unless the whole message is refused or the owner says otherwise. */
static void test_verdicts(void **state)
{
    static const struct server_hooks hooks = {.message = remember_message};
    static const char two[] = "452 4.2.2 full\r\n452 4.2.2 full\r\n";
    struct talk t = {0};
    struct diag d;

    (void)state;
    assert_int_equal(set_option(&t.plan, "W.:1", &d), 0);
    start(&t, true, true);
    t.context.verdict = every_other;
    t.context.hooks = &hooks;
    t.length = 0;
    feed(&t, SLICE(TRANSACTION "RCPT\r\nRCPT\r\nDATA\r\nx\r\n.\r\nNOOP\r\n"));
    assert_false(last_message.refused);
    assert_true(last_codes[0] == 2 && last_codes[1] == 4 && last_codes[2] == 2);
    assert_int_equal(t.context.refused[SERVER_DOT], 1);
    t.context.verdict = full;
    feed(&t, SLICE(TRANSACTION "RCPT\r\nBDAT 1 LAST\r\nx"));
    assert_true(last_message.refused && last_message.each);
    assert_int_equal(t.context.refused[SERVER_BDAT], 2);
    assert_int_equal(t.context.messages, 2);
    finish(&t);
    assert_memory_equal(t.heard,
                        TAKEN OK_RCPT OK_RCPT GO
                        "[1000]" OK_LMTP "452 4.2.2 full\r\n" OK_LMTP OK TAKEN OK_RCPT "[1000]",
                        t.length - strlen(two));
    assert_string_equal(t.heard + t.length - strlen(two), two);
}

/* An act for a command that is refused anyway: nothing behind the reply. */
static void test_refused_anyway(void **state)
{
    struct talk t = {.plan = {.aborts = true}};

    (void)state;
    start(&t, false, false);
    feed(&t, SLICE("DATA\r\nNOOP\r\n"));
    finish(&t);
    assert_string_equal(t.heard, GREETING NO_RCPT OK);
}

/* A shutdown is told between transactions, not within one, and not before a delayed reply. */
static void test_leave(void **state)
{
    static const char leaving[] = "421 4.3.2 Error: server is shutting down\r\n";
    struct talk t = {0};
    struct talk idle = {0};
    struct diag d;

    (void)state;
    assert_int_equal(set_option(&t.plan, "W.:1", &d), 0);
    start(&t, true, false);
    feed(&t, SLICE("MAIL\r\nRCPT\r\nRCPT\r\n"));
    t.context.halt = SERVER_LEAVES;
    t.length = 0;
    feed(&t, SLICE(""));
    assert_int_equal(t.length, 0);
    feed(&t, SLICE("DATA\r\nx\r\n.\r\nMAIL\r\nRCPT\r\n"));
    assert_int_equal(server_over(&t.server), SERVER_END_LEAVE);
    finish(&t);
    assert_memory_equal(t.heard, GO "[1000]" OK_LMTP OK_LMTP, strlen(GO "[1000]" OK_LMTP OK_LMTP));
    assert_string_equal(t.heard + strlen(GO "[1000]" OK_LMTP OK_LMTP), leaving);

    start(&idle, false, false);
    idle.context.halt = SERVER_LEAVES;
    idle.length = 0;
    feed(&idle, SLICE(""));
    finish(&idle);
    assert_string_equal(idle.heard, leaving);
}

/*
 * The number of failed throws before a success of probability q = 1 - odds/100 is geometric: its
 * mean is (1 - q) / q. Exact for the seed, since the generator is.
 */
static void test_odds(void **state)
{
    struct server_plan p = {0};
    struct rng rng = {42}, again = {42};
    uint64_t sum = 0, none = 0;
    struct diag d;

    (void)state;
    assert_int_equal(server_plan_delay(&p, "NOOP:1:75", &d), 0);
    for (int i = 0; i < 100000; i++) {
        struct server_act act = {0}, same = {0};

        server_plan_judge(&p, SERVER_NOOP, &rng, &act);
        server_plan_judge(&p, SERVER_NOOP, &again, &same);
        assert_int_equal(act.delay, same.delay);
        assert_int_equal(act.delay % NS_PER_S, 0);
        sum += act.delay / NS_PER_S;
        none += act.delay == 0;
    }
    assert_in_range(sum, 297000, 303000); /* 3 a draw; the standard deviation is 1095 */
    assert_in_range(none, 24600, 25400);  /* 0.25; 137 */
    {
        struct server_act act = {0};
        uint64_t before = rng.state;

        server_plan_judge(&p, SERVER_RSET, &rng, &act);
        assert_int_equal(rng.state, before);
    }
}

static void test_errors(void **state)
{
    static const char *const bad[] = {
        "fFOO",        "fMAIL,FOO",   "fMAIL;RCPT",  "funknown",     "WMAIL",
        "WMAIL:",      "WMAIL:0",     "WMAIL:1x",    "WMAIL:1:",     "WMAIL:1:0",
        "WMAIL:1:99x", "WMAIL:1:100", "WMAIL:1:5:6", "WMAIL,RCPT:1", "W:1",
        "W",           "b450-x",      "b4500",       "b550 x",       "b",
        "b450 x\r\ny", "B450 x",      "B55",
    };
    struct server_plan p = {0};

    (void)state;
    for (size_t i = 0; i < LENGTH(bad); i++) {
        struct diag d = {""};

        assert_true(set_option(&p, bad[i], &d) < 0);
        assert_true(strlen(d.text) > 10);
    }
    assert_false(p.active);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conversations),  cmocka_unit_test(test_acts),
        cmocka_unit_test(test_refused_anyway), cmocka_unit_test(test_hold),
        cmocka_unit_test(test_verdicts),       cmocka_unit_test(test_leave),
        cmocka_unit_test(test_odds),           cmocka_unit_test(test_errors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
