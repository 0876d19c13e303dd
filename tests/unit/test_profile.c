/*
 * Profiles: what the parser takes and how it complains; and the rules at work on a fake clock and a
 * seeded generator, so that every count is exact.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "behaviour.h"
#include "memory.h"
#include "server.h"
#include "units.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static const struct {
    const char *text;
    const char *want; /* the error, or a part of it */
} bad[] = {
    {"RCPT delay 1s", "p:1: a rule outside a section"},
    {"[default]\nFOO delay 1s", "p:2: no such step: FOO"},
    {"[default]\n\n# x\nRCPT", "p:4: what to do is missing"},
    {"[default]\nRCPT explode", "p:2: no such action: explode"},
    {"[default]\nRCPT 0% accept", "p:2: bad chance: 0%"},
    {"[default]\nRCPT 101% accept", "bad chance"},
    {"[default]\nRCPT x% accept", "bad chance"},
    {"[default]\nRCPT 5%% accept", "bad chance"},
    {"[default]\nRCPT nan% accept", "bad chance"},
    {"[default]\nRCPT delay", "a time is missing"},
    {"[default]\nRCPT delay 1x", "bad time: 1x"},
    {"[default]\nRCPT delay uniform 2s 1s", "least time and the most"},
    {"[default]\nRCPT delay lognormal 2s", "a median and a sigma"},
    {"[default]\nRCPT delay lognormal 2s -1", "bad sigma: -1"},
    {"[default]\nRCPT delay 1s 2s", "more than delay takes: 2s"},
    {"[default]\nRCPT reply", "three digits"},
    {"[default]\nRCPT reply 45", "three digits"},
    {"[default]\nRCPT reply 650 x", "200 to 599"},
    {"[default]\nRCPT reply 450-x", "200 to 599"},
    {"[default]\nRCPT accept reply 450 x", "more than accept takes"},
    {"[default]\nRCPT rate", "a rate is missing"},
    {"[default]\nRCPT rate 5", "bad rate: 5"},
    {"[default]\nRCPT rate 5/x per client", "per s, min, h or d"},
    {"[default]\nRCPT rate 5/ per client", "per s, min, h or d"},
    {"[default]\nRCPT rate 0/s per client", "bad rate"},
    {"[default]\nRCPT rate 5/s", "per client or per domain"},
    {"[default]\nRCPT rate 5/s per planet", "per client or per domain"},
    {"[default]\nRCPT rate 5/s burst 0 per client", "bad burst"},
    {"[default]\nMAIL greylist 1s", "greylist makes no sense for MAIL"},
    {"[default]\nRCPT connections 5", "connections makes no sense for RCPT"},
    {"[default]\nNOOP size 5", "size makes no sense for NOOP"},
    {"[default]\nDATA mailbox 5", "mailbox makes no sense for DATA"},
    {"[default]\nRCPT stall 1s after 5k", "at DATA"},
    {"[default]\nDATA stall 1s after", "bad size: "},
    {"[default]\nDATA stall 1s behind", "more than stall takes: behind"},
    {"[default]\n. size 0", "bad size"},
    {"[default]\nRCPT mailbox 1x", "bad number: 1x"},
    {"[default", "ends with ]"},
    {"[default x]", "takes nothing more"},
    {"[domain]", "of whom?"},
    {"[domain a *]", "p:1: bad domain: * (such as"},
    {"[domain *.]", "bad domain: *."},
    {"[domain a.*.b]", "bad domain: a.*.b"},
    {"[domain *a]", "bad domain: *a"},
    {"[domain .a]", "bad domain: .a"},
    {"[domain a..b]", "bad domain: a..b"},
    {"[domain a.]", "bad domain: a."},
    {"[domain a]\nRCPT accept\nMAIL accept", "p:3: at MAIL there is no recipient"},
    {"[domain a]\nCONNECT accept", "at CONNECT there is no recipient"},
    {"[domain a]\nEHLO accept", "at EHLO there is no recipient"},
    {"[client local]\nMAIL rate 1/s per domain", "at MAIL there is no recipient"},
    {"[default]\nRCPT reply 550 a\rb\r\n", "p:2: not a line of text"},
    {"[planet x]", "sections are"},
    {"[client 300.1.1.1]", "bad client address: 300.1.1.1"},
    {"[client 1.1.1.1/33]", "bad prefix length"},
    {"[client ::/129]", "bad prefix length"},
    {"memory 0\n", "bad number of entries"},
    {"memory 5 5\n", "memory takes"},
    {"memory 1G\n", "at most 16M"},
    {"[default]\nmemory 5", "above the first section"},
};

static void test_errors(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(bad); i++) {
        struct profile p = {0};
        struct diag d = {""};

        assert_true(profile_parse(&p, slice_of(bad[i].text), "p", &d) < 0);
        if (!strstr(d.text, bad[i].want))
            fail_msg("%s: got \"%s\"", bad[i].text, d.text);
        assert_null(p.rules);
    }
}

static void test_file_errors(void **state)
{
    struct profile p = {0};
    struct diag d;

    (void)state;
    assert_true(profile_load(&p, "/no/such/file", &d) < 0);
    assert_non_null(strstr(d.text, "/no/such/file"));
    assert_true(profile_load(&p, "/", &d) < 0);
}

/* A profile, its behaviour, and a client of it. */
struct world {
    struct profile profile;
    struct behaviour *behaviour;
    struct rng rng;
    uint64_t now;
    uint32_t recipients;
    bool mail;
    bool lmtp;
};

static void begin(struct world *w, const char *text)
{
    struct diag d = {""};

    memset(w, 0, sizeof *w);
    if (profile_parse(&w->profile, slice_of(text), "p", &d) < 0)
        fail_msg("%s", d.text);
    w->behaviour = behaviour_new(&w->profile);
    assert_non_null(w->behaviour);
    w->mail = true;
}

static void end(struct world *w)
{
    behaviour_free(w->behaviour);
    profile_done(&w->profile);
}

static struct behaviour_session client(struct world *w, const char *last)
{
    struct behaviour_session s = {0};
    uint8_t address[16] = {[10] = 0xff, [11] = 0xff, [12] = 192, [14] = 2};

    address[15] = (uint8_t)last[0];
    behaviour_connect(w->behaviour, &s, address, w->now);
    return s;
}

static struct server_act ask(struct world *w, struct behaviour_session *s, enum server_verb verb,
                             const char *args)
{
    struct server_act act = {0};
    struct behaviour_step step = {.verb = verb,
                                  .args = slice_of(args),
                                  .octets = 100,
                                  .now = w->now,
                                  .recipients = w->recipients,
                                  .mail = w->mail,
                                  .lmtp = w->lmtp};

    behaviour_judge(w->behaviour, s, &step, &w->rng, &act);
    return act;
}

/* The code of the reply, 0 for the usual. */
static unsigned code(const struct server_act *act)
{
    unsigned n = 0;

    for (size_t i = 0; i < 3 && i < act->reply.n; i++)
        n = n * 10 + (unsigned)(act->reply.p[i] - '0');
    return n;
}

static unsigned rcpt(struct world *w, struct behaviour_session *s, const char *args)
{
    struct server_act act = ask(w, s, SERVER_RCPT, args);

    w->recipients += !act.instead;
    return code(&act);
}

static void start_mail(struct world *w, struct behaviour_session *s, const char *args)
{
    w->mail = false;
    (void)ask(w, s, SERVER_MAIL, args);
    w->mail = true;
    w->recipients = 0;
}

static void test_sections(void **state)
{
    struct world w;
    struct behaviour_session s, other;

    (void)state;
    begin(&w, "[default]\r\nRCPT reply 450 default\r\n. reply 451 default\r\n"
              "[domain a.example *.b.example]\r\nrcpt reply 552 domain\r\n"
              "[domain c.b.example]\r\nRCPT reply 553 never\r\n"
              "[client 192.0.2.0/25]\nRCPT reply 554 client\n. accept\n");
    s = client(&w, "x");
    other = client(&w, "\xff");
    assert_int_equal(rcpt(&w, &s, "TO:<u@A.example>"), 552);
    assert_int_equal(rcpt(&w, &s, "TO:<u@c.b.example> NOTIFY=NEVER"), 552);
    assert_int_equal(rcpt(&w, &s, "TO:<u@b.example>"), 554);
    assert_int_equal(rcpt(&w, &other, "TO:<u@b.example>"), 450);
    assert_int_equal(rcpt(&w, &other, "nonsense"), 450);
    assert_int_equal(rcpt(&w, &other, "TO:<@>"), 450);
    assert_int_equal(ask(&w, &s, SERVER_DOT, ".").instead, 0);
    assert_int_equal(ask(&w, &other, SERVER_DOT, ".").instead, 1);
    end(&w);
}

/* What follows goes by the first recipient that was taken. */
static void test_transaction(void **state)
{
    struct world w;
    struct behaviour_session s;
    struct server_act act;

    (void)state;
    begin(&w, "[default]\nRCPT 50% reply 450 no\n"
              "[domain a]\nRCPT reply 550 no\n. reply 551 a\n"
              "[domain b]\nRCPT accept\n. reply 552 b\n"
              "[domain c]\nRCPT accept\n. reply 553 c\n");
    s = client(&w, "x");
    start_mail(&w, &s, "FROM:<>");
    assert_int_equal(rcpt(&w, &s, "TO:<x@a>"), 550);
    assert_int_equal(rcpt(&w, &s, "TO:<x@b>"), 0);
    assert_int_equal(rcpt(&w, &s, "TO:<x@c>"), 0);
    act = ask(&w, &s, SERVER_DOT, ".");
    assert_int_equal(code(&act), 552);
    start_mail(&w, &s, "FROM:<>");
    act = ask(&w, &s, SERVER_DOT, ".");
    assert_int_equal(code(&act), 0);
    assert_int_equal(rcpt(&w, &s, "TO:<x@c>"), 0);
    act = ask(&w, &s, SERVER_DOT, ".");
    assert_int_equal(code(&act), 553);
    end(&w);
}

static unsigned verdict(struct world *w, struct behaviour_session *s, uint32_t recipient)
{
    struct server_act act = {.reply = behaviour_verdict(w->behaviour, s, recipient)};

    return code(&act);
}

/* LMTP: each recipient's own rules decide at the end of data; times are the first one's. */
static void test_verdicts(void **state)
{
    struct world w;
    struct behaviour_session s;
    struct server_act act;

    (void)state;
    begin(&w, "[default]\nRCPT accept\n"
              "[domain a]\n. delay 1s\n. reply 452 4.2.2 full\n"
              "[domain b]\n. delay 5s\n. mailbox 1\n"
              "[domain c]\n. size 99 reply 552 5.3.4 c\n"
              "[domain d]\n. reply 250 2.0.0 d\n"
              "[domain e]\n. disconnect\n");
    w.lmtp = true;
    s = client(&w, "x");
    start_mail(&w, &s, "FROM:<>");
    assert_int_equal(rcpt(&w, &s, "TO:<x@a>"), 0);
    w.recipients--; /* the server refused it after all */
    for (const char *const *to =
             (const char *const[]){"TO:<x@b>", "TO:<x@b>", "TO:<y@b>", "TO:<x@c>", "TO:<x@d>",
                                   "TO:<x@none>", "TO:<x@e>", "TO:<x@a>", NULL};
         *to; to++)
        assert_int_equal(rcpt(&w, &s, *to), 0);
    act = ask(&w, &s, SERVER_DOT, ".");
    assert_false(act.instead);
    assert_int_equal(act.delay, 5 * NS_PER_S);
    assert_int_equal(act.end, SERVER_END_NOT);
    for (uint32_t i = 0; i < 10; i++)
        assert_int_equal(verdict(&w, &s, i),
                         ((const unsigned[]){0, 452, 0, 552, 250, 0, 0, 452, 0, 0})[i]);
    start_mail(&w, &s, "FROM:<>");
    assert_int_equal(verdict(&w, &s, 1), 0);
    for (unsigned i = 0; i < BEHAVIOUR_RECIPIENTS + 10; i++)
        assert_int_equal(rcpt(&w, &s, "TO:<x@a>"), 0);
    (void)ask(&w, &s, SERVER_DOT, ".");
    assert_int_equal(verdict(&w, &s, BEHAVIOUR_RECIPIENTS - 1), 452);
    assert_int_equal(verdict(&w, &s, BEHAVIOUR_RECIPIENTS), 0);
    start_mail(&w, &s, "FROM:<>");
    assert_int_equal(rcpt(&w, &s, "TO:<x@e>"), 0);
    assert_int_equal(ask(&w, &s, SERVER_DOT, ".").end, SERVER_END_FAULT);
    behaviour_disconnect(w.behaviour, &s);
    end(&w);
}

/* By what MAIL declares, before the content comes. */
static void test_declared_size(void **state)
{
    static const struct {
        const char *mail;
        unsigned at_mail, at_rcpt;
    } rows[] = {
        {"FROM:<a@b>", 0, 0},
        {"FROM:<a@b> BODY=7BIT size=51", 0, 552},
        {"FROM:<a@b> SIZE=50", 0, 0},
        {"FROM:<a@b> SIZE=100", 0, 552},
        {"FROM:<a@b> SIZE=101", 552, 552},
        {"FROM:<a@b> SIZE=99999999999999999999999", 552, 552},
        {"FROM:<a@b> SIZE=", 0, 0},
        {"FROM:<\" SIZE=101\"@b>", 0, 0},
    };
    struct world w;
    struct behaviour_session s;

    (void)state;
    begin(&w, "[default]\nMAIL size 100\nRCPT size 50\n");
    s = client(&w, "x");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct server_act act;

        w.mail = false;
        act = ask(&w, &s, SERVER_MAIL, rows[i].mail);
        assert_int_equal(code(&act), rows[i].at_mail);
        w.mail = true;
        assert_int_equal(rcpt(&w, &s, "TO:<x@y>"), rows[i].at_rcpt);
    }
    behaviour_disconnect(w.behaviour, &s);
    end(&w);
}

/* 10 a second with a burst of 3: by arithmetic, not about. */
static void test_rate(void **state)
{
    struct world w;
    struct behaviour_session s, other;
    unsigned taken = 0;

    (void)state;
    begin(&w, "[default]\nRCPT rate 10/s burst 3 per client\nNOOP rate 1/min per domain\n");
    s = client(&w, "x");
    other = client(&w, "y");
    w.now = 5 * NS_PER_S;
    for (int i = 0; i < 5; i++)
        taken += rcpt(&w, &s, "TO:<x@y>") == 0;
    assert_int_equal(taken, 3);
    assert_int_equal(rcpt(&w, &other, "TO:<x@y>"), 0);
    w.now += 100 * NS_PER_MS - 1;
    assert_int_equal(rcpt(&w, &s, "TO:<x@y>"), 450);
    w.now += 1;
    assert_int_equal(rcpt(&w, &s, "TO:<x@y>"), 0);
    assert_int_equal(rcpt(&w, &s, "TO:<x@y>"), 450);
    /* Asked 100 times a second for 10 s, after a silence: 3 at once, then one every 100 ms. */
    w.now += 60 * NS_PER_S;
    taken = 0;
    for (int i = 0; i < 1000; i++, w.now += 10 * NS_PER_MS)
        taken += rcpt(&w, &s, "TO:<x@y>") == 0;
    assert_int_equal(taken, 102);
    end(&w);
}

static void test_rate_of_domains(void **state)
{
    struct world w;
    struct behaviour_session s, other;

    (void)state;
    begin(&w, "[default]\nRCPT rate 1/h per domain reply 421 4.7.0 mine\n");
    s = client(&w, "x");
    other = client(&w, "y");
    assert_int_equal(rcpt(&w, &s, "TO:<x@y.example>"), 0);
    assert_int_equal(rcpt(&w, &other, "TO:<z@Y.Example>"), 421);
    assert_int_equal(rcpt(&w, &other, "TO:<z@z.example>"), 0);
    assert_int_equal(ask(&w, &s, SERVER_RCPT, "TO:<x@y.example>").end, SERVER_END_FAULT);
    w.now += 3600 * NS_PER_S;
    assert_int_equal(rcpt(&w, &other, "TO:<z@Y.Example>"), 0);
    end(&w);
}

static void test_greylist(void **state)
{
    struct world w;
    struct behaviour_session s, other;

    (void)state;
    begin(&w, "[default]\nRCPT greylist 30s\n");
    s = client(&w, "x");
    other = client(&w, "y");
    start_mail(&w, &s, "FROM:<a@b>");
    start_mail(&w, &other, "FROM:<a@b>");
    assert_int_equal(rcpt(&w, &s, "TO:<x@y>"), 450);
    w.now += 30 * NS_PER_S - 1;
    assert_int_equal(rcpt(&w, &s, "TO:<x@y>"), 450);
    w.now += 1;
    assert_int_equal(rcpt(&w, &s, "TO:<x@y>"), 0);
    assert_int_equal(rcpt(&w, &s, "TO:<z@y>"), 450);
    assert_int_equal(rcpt(&w, &other, "TO:<x@y>"), 450);
    start_mail(&w, &s, "FROM:<c@b>");
    assert_int_equal(rcpt(&w, &s, "TO:<x@y>"), 450);
    start_mail(&w, &s, "FROM:<a@b>");
    assert_int_equal(rcpt(&w, &s, "TO:<x@y>"), 0);
    end(&w);
}

static void test_mailbox_connections_size(void **state)
{
    struct world w;
    struct behaviour_session s, second, third;
    struct server_act act;

    (void)state;
    begin(&w, "[default]\nRCPT mailbox 2\nCONNECT connections 2\n. size 99\n");
    s = client(&w, "x");
    assert_int_equal(rcpt(&w, &s, "TO:<x@y>"), 0);
    assert_int_equal(rcpt(&w, &s, "TO:<x@y>"), 0);
    assert_int_equal(rcpt(&w, &s, "TO:<x@y>"), 452);
    assert_int_equal(rcpt(&w, &s, "TO:<z@y>"), 0);
    act = ask(&w, &s, SERVER_DOT, ".");
    assert_int_equal(code(&act), 552);
    second = client(&w, "x");
    assert_int_equal(ask(&w, &second, SERVER_CONNECT, "").instead, 0);
    third = client(&w, "x");
    act = ask(&w, &third, SERVER_CONNECT, "");
    assert_int_equal(code(&act), 421);
    assert_int_equal(act.end, SERVER_END_FAULT);
    behaviour_disconnect(w.behaviour, &third);
    behaviour_disconnect(w.behaviour, &second);
    behaviour_disconnect(w.behaviour, &second);
    third = client(&w, "x");
    assert_int_equal(ask(&w, &third, SERVER_CONNECT, "").instead, 0);
    end(&w);
}

static void test_acts(void **state)
{
    struct world w;
    struct behaviour_session s;
    struct server_act act;

    (void)state;
    begin(&w, "[default]\nNOOP delay 1s\nNOOP delay 2s\nNOOP half 3s\nNOOP stall 4s\n"
              "NOOP reply 250 words\nNOOP reply 550 never\nVRFY drip 5ms\nRSET reset\n"
              "MAIL disconnect\nDATA stall uniform 1s 1s after 5k\nDATA disconnect reply 421 "
              "x\nHELO reply 421 y\nQUIT accept\n"
              "QUIT reset\n");
    s = client(&w, "x");
    act = ask(&w, &s, SERVER_NOOP, "");
    assert_int_equal(act.delay, 3 * NS_PER_S);
    assert_int_equal(act.piece, 6);
    assert_int_equal(act.pause, 3 * NS_PER_S);
    assert_int_equal(act.stall, 4 * NS_PER_S);
    assert_int_equal(code(&act), 250);
    assert_false(act.instead);
    act = ask(&w, &s, SERVER_VRFY, "");
    assert_true(act.piece == 1 && act.pieces > 512 && act.pause == 5 * NS_PER_MS);
    act = ask(&w, &s, SERVER_RSET, "");
    assert_true(act.instead && act.reply.n == 0 && act.end == SERVER_END_RESET);
    act = ask(&w, &s, SERVER_MAIL, "");
    assert_true(act.instead && act.reply.n == 0 && act.end == SERVER_END_FAULT);
    act = ask(&w, &s, SERVER_DATA, "");
    assert_true(act.instead && code(&act) == 421 && act.end == SERVER_END_FAULT);
    assert_true(act.hold == NS_PER_S && act.hold_at == 5000 && act.stall == 0);
    act = ask(&w, &s, SERVER_HELO, "");
    assert_true(act.instead && code(&act) == 421 && act.end == SERVER_END_FAULT);
    act = ask(&w, &s, SERVER_QUIT, "");
    assert_true(!act.instead && act.end == 0);
    end(&w);
}

/* 1% of 100000: binomial, standard deviation 31; and the same again for the same seed. */
static void test_chance(void **state)
{
    unsigned counts[2] = {0, 0};

    (void)state;
    for (int run = 0; run < 2; run++) {
        struct world w;
        struct behaviour_session s;

        begin(&w, "[default]\nNOOP 1% reply 450 x\n");
        s = client(&w, "x");
        w.rng.state = 99;
        for (int i = 0; i < 100000; i++) {
            struct server_act act = ask(&w, &s, SERVER_NOOP, "");

            counts[run] += code(&act) == 450;
        }
        end(&w);
    }
    assert_int_equal(counts[0], counts[1]);
    assert_in_range(counts[0], 900, 1100);
}

static void test_distributions(void **state)
{
    static const struct {
        struct profile_time time;
        double mean, slack; /* ns; about four standard errors for 100000 draws */
    } draws[] = {
        {{PROFILE_CONSTANT, 1000000, 0, 0}, 1e6, 0},
        {{PROFILE_UNIFORM, 1000000, 3000000, 0}, 2e6, 8e3},
        {{PROFILE_UNIFORM, 5, 5, 0}, 5, 0},
        {{PROFILE_EXPONENTIAL, 1000000, 0, 0}, 1e6, 13e3},
        {{PROFILE_LOGNORMAL, 1000000, 0, 0.5}, 1133148, 8e3}, /* the median by e^(0.5^2 / 2) */
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(draws); i++) {
        struct rng rng = {i};
        double sum = 0;
        uint64_t below = 0;

        for (int k = 0; k < 100000; k++) {
            uint64_t ns = behaviour_draw(&draws[i].time, &rng);

            sum += (double)ns;
            below += ns < 1000000;
        }
        sum = sum / 100000 - draws[i].mean;
        assert_true(sum <= draws[i].slack && sum >= -draws[i].slack);
        if (draws[i].time.shape == PROFILE_LOGNORMAL)
            assert_in_range(below, 49300, 50700);
    }
}

/* New keys push out what was touched longest ago, and nothing grows. */
static void test_memory(void **state)
{
    struct memory m;

    (void)state;
    assert_int_equal(memory_init(&m, 100), 0);
    for (uint64_t i = 1; i <= 100000; i++) {
        uint64_t key = memory_key(7, (const char *)&i, sizeof i);

        memory_find(&m, key, i)->value = i;
        assert_int_equal(memory_look(&m, key)->value, i);
    }
    {
        uint64_t kept = 0, oldest = UINT64_MAX;

        for (size_t i = 0; i < (m.mask + 1) * 8; i++) {
            kept += m.entries[i].key != 0;
            oldest = m.entries[i].value < oldest ? m.entries[i].value : oldest;
        }
        assert_int_equal(kept, 128);
        assert_true(oldest > 99000);
    }
    memory_done(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_errors),        cmocka_unit_test(test_file_errors),
        cmocka_unit_test(test_sections),      cmocka_unit_test(test_transaction),
        cmocka_unit_test(test_verdicts),      cmocka_unit_test(test_declared_size),
        cmocka_unit_test(test_rate),          cmocka_unit_test(test_rate_of_domains),
        cmocka_unit_test(test_greylist),      cmocka_unit_test(test_mailbox_connections_size),
        cmocka_unit_test(test_acts),          cmocka_unit_test(test_chance),
        cmocka_unit_test(test_distributions), cmocka_unit_test(test_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
