/*
 * What the scripted server says: RFC 5321, 2033, 2920 and 3030 as far as the load uses them, and
 * the ways to break them.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger.h"
#include "script_impl.h"
#include "units.h"

static uint64_t pick(struct script_session *s, uint64_t n)
{
    return rng_below(&s->script->rng, n);
}

/* ---- Forms of replies ---- */

/* A reply of several lines, the first of them sometimes longer than any client keeps. */
static void say_lines(struct script_session *s, int code, const char *text, enum script_act then)
{
    size_t filler = pick(s, 8) == 0 ? 12000 : pick(s, 60);
    char *out = malloc(filler + 700);
    size_t n;

    if (!out)
        abort();
    n = (size_t)snprintf(out, 100, "%03d-5.1.1 a line", code);
    memset(out + n, 'x', filler);
    n += filler;
    n += (size_t)snprintf(out + n, 600, "\r\n%03d-\r\n%03d %s\r\n", code, code, text);
    script_say(s, (struct slice){out, n}, then);
    free(out);
}

static void say(struct script_session *s, int code, const char *text, enum script_act then)
{
    static const struct {
        const char *behind_code;
        const char *end;
    } forms[] = {{" ", "\r\n"}, {" ", "\n"}, {"x", "\r\n"}, {" ", "\r\r\n"}, {"  2.0.0\t", "\r\n"}};
    size_t form = 0;
    char out[600];
    int n;

    if (script_chance(s->script, s->script->config.odd)) {
        form = pick(s, 1 + sizeof forms / sizeof forms[0]);
        if (form == sizeof forms / sizeof forms[0]) {
            say_lines(s, code, text, then);
            return;
        }
    }
    n = snprintf(out, sizeof out, "%03d%s%s%s", code, forms[form].behind_code, text,
                 forms[form].end);
    script_say(s, (struct slice){out, (size_t)n}, then);
}

/* Words that are no reply line, but each one line: as good as a refusal. */
static const char *const garbage[] = {
    "what?",        "",       "-",       "2500 five digits", "25 two digits", " 250 leading blank",
    "\x01\xff\x80", "<html>", "099 odd", "999 odder",
};

static void say_refusal(struct script_session *s, enum phase p)
{
    static const int codes[] = {450, 451, 452, 500, 501, 503, 550, 552, 554, 571};
    static const char *const texts[] = {
        "5.1.1 no such thing", "4.7.0 not now", "no", "5.7.1", "refused <a> \"b\" \\c\x07", "",
    };
    size_t i = pick(s, 12);
    size_t g = pick(s, sizeof garbage / sizeof garbage[0]);
    char out[64];

    if (i < sizeof codes / sizeof codes[0]) {
        say(s, codes[i], texts[pick(s, sizeof texts / sizeof texts[0])], SCRIPT_ANSWER);
        return;
    }
    /* A positive code where another is wanted. */
    if (i == 10) {
        say(s, p == PHASE_DATA && !s->bdat ? 250 : 354, "sure", SCRIPT_ANSWER);
        return;
    }
    (void)snprintf(out, sizeof out, "%s\r\n", garbage[g]);
    script_say(s, slice_of(out), SCRIPT_ANSWER);
}

/* ---- What becomes of a command ---- */

static bool faulty(const struct script_session *s, enum phase p)
{
    const struct script_fault *f = &s->script->config.fault;

    return f->act != SCRIPT_ANSWER && f->phase == p &&
           (f->connection == 0 || f->connection == s->ordinal);
}

static enum script_act decide(struct script_session *s, enum phase p)
{
    const struct script_config *cf = &s->script->config;
    uint64_t at = pick(s, 1000);

    if (faulty(s, p))
        return cf->fault.act;
    for (int act = SCRIPT_REFUSE; act < SCRIPT_ACT_COUNT; act++) {
        if (at < cf->act[act])
            return (enum script_act)act;
        at -= cf->act[act];
    }
    return SCRIPT_ANSWER;
}

/* A way of ending the connection behind a 421: orderly, by RST, or leaving it to the client. */
static enum script_act some_end(struct script_session *s)
{
    static const enum script_act ends[] = {SCRIPT_FIN, SCRIPT_RESET, SCRIPT_STALL, SCRIPT_FIN};

    return ends[pick(s, 4)];
}

static void say_fixed(struct script_session *s, const char *reply, enum script_act then)
{
    char out[300];
    int n = snprintf(out, sizeof out, "%s\r\n", reply);

    script_say(s, (struct slice){out, (size_t)n}, then);
}

static void bye(struct script_session *s, enum phase p)
{
    const char *reply = faulty(s, p) ? s->script->config.fault.reply : NULL;
    int code = pick(s, 3) ? 421 : 521;
    enum script_act end = some_end(s);

    if (reply)
        say_fixed(s, reply, SCRIPT_FIN);
    else
        say(s, code, "closing", end);
    s->doomed = true;
}

/*
 * Answers: the good way, or as fate has it. Tells whether the good answer was given; if not and the
 * session goes on, the command was refused.
 */
static bool answer(struct script_session *s, enum phase p, int code, const char *text,
                   enum script_act then)
{
    const struct script_config *cf = &s->script->config;
    const char *fixed = faulty(s, p) ? cf->fault.reply : NULL;
    enum script_act act = decide(s, p);

    switch (act) {
    case SCRIPT_ANSWER:
        break;
    case SCRIPT_REFUSE:
        if (fixed)
            say_fixed(s, fixed, SCRIPT_ANSWER);
        else
            say_refusal(s, p);
        if (!fixed && p == PHASE_GREETING && pick(s, 3) == 0) {
            s->doomed = true;
            script_say(s, (struct slice){"", 0}, SCRIPT_FIN);
        }
        return false;
    case SCRIPT_BYE:
        bye(s, p);
        return false;
    default:
        s->doomed = true;
        if (fixed)
            say_fixed(s, fixed, act);
        else
            script_say(s, (struct slice){"", 0}, act);
        return false;
    }
    if (script_chance(s->script, cf->noise)) {
        script_say(s, SLICE("250-\r\n\r\nnoise\n"), then);
        return true;
    }
    if (!script_chance(s->script, cf->skipped))
        say(s, code, text, then);
    s->answered = s->said;
    if (script_chance(s->script, cf->surplus))
        say(s, 250, "and another thing", then);
    if (then == SCRIPT_ANSWER && script_chance(s->script, cf->unasked))
        bye(s, PHASE_COUNT);
    return true;
}

/* A refusal that the rules ask for: no fault. */
static void refuse(struct script_session *s, int code, const char *text)
{
    say(s, code, text, SCRIPT_ANSWER);
}

static void reset(struct script_session *s)
{
    s->mail = s->failed = false;
    s->bdat = false;
    s->rcpts = 0;
    s->content.n = 0;
}

/* ---- Content ---- */

/* Gives a complete message to the ledger, and its replies. */
static void message_over(struct script_session *s, struct slice content)
{
    struct script *sc = s->script;
    uint32_t replies = sc->config.lmtp ? s->rcpts : 1;
    size_t message = ledger_message(sc->ledger, content, s->rcpts);

    sc->last_message = io_now(s->conn.io);
    for (uint32_t i = 0; i < replies && !s->doomed; i++) {
        bool good = answer(s, PHASE_END_OF_DATA, 250, "2.0.0 taken", SCRIPT_ANSWER);

        ledger_reply(sc->ledger, message, good, sc->config.lmtp ? 1 : s->rcpts, s->number,
                     s->answered);
    }
}

/* The raw content begins with the CRLF that ended DATA, and ends with CRLF.CRLF. */
static void data_over(struct script_session *s, size_t n)
{
    struct octets plain = {0};
    const char *raw = s->content.p;

    for (size_t i = 2; i < n - 3; i++) {
        if (raw[i] == '.' && raw[i - 1] == '\n' && raw[i - 2] == '\r')
            continue;
        octets_add(&plain, &raw[i], 1);
    }
    s->state = STATE_COMMAND;
    if (s->rcpts == 0) {
        /* RFC 2920 section 3.1: a lone dot. Whatever it is answered, nothing was taken. */
        ledger_nobody(s->script->ledger, (struct slice){plain.p, plain.n});
        if (pick(s, 2))
            refuse(s, 554, "5.5.1 no valid recipients");
        else
            say(s, 250, "2.0.0 thanks for nothing", SCRIPT_ANSWER);
    } else {
        message_over(s, (struct slice){plain.p, plain.n});
    }
    free(plain.p);
    reset(s);
}

/* Returns how many octets of in belonged to the content. */
static size_t hear_content(struct script_session *s, struct slice in)
{
    size_t before = s->content.n;
    const char *end;
    size_t n;

    octets_add(&s->content, in.p, in.n);
    end = memmem(s->content.p + (before > 4 ? before - 4 : 0),
                 s->content.n - (before > 4 ? before - 4 : 0), "\r\n.\r\n", 5);
    if (!end)
        return in.n;
    n = (size_t)(end - s->content.p) + 5;
    s->content.n = n;
    data_over(s, n);
    return n - before;
}

static void chunk_over(struct script_session *s)
{
    s->state = STATE_COMMAND;
    if (s->failed || s->rcpts == 0) {
        refuse(s, 503, "5.5.1 no transaction to take this");
        s->failed = true;
        return;
    }
    if (s->last_chunk) {
        message_over(s, (struct slice){s->content.p, s->content.n});
        reset(s);
    } else if (!answer(s, PHASE_DATA, 250, "go on", SCRIPT_ANSWER)) {
        s->failed = true;
    }
}

static size_t hear_chunk(struct script_session *s, struct slice in)
{
    size_t n = in.n < s->chunk_left ? in.n : (size_t)s->chunk_left;

    octets_add(&s->content, in.p, n);
    s->chunk_left -= n;
    if (s->chunk_left == 0)
        chunk_over(s);
    return n;
}

/* ---- Commands ---- */

static void on_helo(struct script_session *s, struct slice args)
{
    (void)args;
    if (answer(s, PHASE_HELLO, 250, "sim", SCRIPT_ANSWER))
        reset(s);
}

static void on_ehlo(struct script_session *s, struct slice args)
{
    const struct script_config *cf = &s->script->config;
    char text[200];

    (void)args;
    (void)snprintf(text, sizeof text, "sim\r\n250-8BITMIME\r\n%s%s250 SIZE",
                   cf->no_pipelining ? "" : "250-PIPELINING\r\n",
                   cf->no_chunking ? "" : "250-chunking\r\n");
    if (decide(s, PHASE_HELLO) == SCRIPT_ANSWER) {
        char out[300];
        int n = snprintf(out, sizeof out, "250-%s\r\n", text);

        script_say(s, (struct slice){out, (size_t)n}, SCRIPT_ANSWER);
        reset(s);
    } else if (answer(s, PHASE_HELLO, 250, "sim", SCRIPT_ANSWER)) {
        reset(s);
    }
}

static void on_mail(struct script_session *s, struct slice args)
{
    (void)args;
    if (s->mail || s->failed)
        refuse(s, 503, "5.5.1 nested MAIL");
    else if (answer(s, PHASE_MAIL, 250, "2.1.0 fine", SCRIPT_ANSWER))
        s->mail = true;
}

static void on_rcpt(struct script_session *s, struct slice args)
{
    ledger_recipient(s->script->ledger, args);
    if (!s->mail || s->failed)
        refuse(s, 503, "5.5.1 MAIL first");
    else if (answer(s, PHASE_RCPT, 250 + (int)pick(s, 3), "2.1.5 fine", SCRIPT_ANSWER))
        s->rcpts++;
}

static void on_data(struct script_session *s, struct slice args)
{
    const struct script_config *cf = &s->script->config;

    (void)args;
    if (s->failed || !s->mail) {
        refuse(s, 503, "5.5.1 MAIL first");
        return;
    }
    if (s->rcpts == 0) {
        /* RFC 2920 section 3.1 lets a server say 354 here. */
        if (!script_chance(s->script, cf->late_354)) {
            refuse(s, 554, "5.5.1 no valid recipients");
            return;
        }
        say(s, 354, "well then", SCRIPT_ANSWER);
    } else if (!answer(s, PHASE_DATA, 354, "go", SCRIPT_ANSWER)) {
        return;
    }
    s->state = STATE_CONTENT;
    s->content.n = 0;
    octets_add(&s->content, "\r\n", 2);
}

static void on_bdat(struct script_session *s, struct slice args)
{
    uint64_t n = 0;
    size_t i = 0;

    while (i < args.n && args.p[i] >= '0' && args.p[i] <= '9')
        n = 10 * n + (uint64_t)(args.p[i++] - '0');
    s->last_chunk = slice_is(slice_from(args, i), " LAST");
    if (i == 0 || (i < args.n && !s->last_chunk)) {
        refuse(s, 501, "5.5.4 malformed BDAT");
        return;
    }
    s->bdat = true;
    s->chunk_left = n;
    s->state = STATE_CHUNK;
    if (n == 0)
        chunk_over(s);
}

static void on_rset(struct script_session *s, struct slice args)
{
    (void)args;
    reset(s); /* whatever it says about it */
    (void)answer(s, PHASE_RSET, 250, "2.0.0 clean", SCRIPT_ANSWER);
}

static void on_quit(struct script_session *s, struct slice args)
{
    bool abrupt = script_chance(s->script, s->script->config.abrupt);
    enum script_act end = pick(s, 2) ? SCRIPT_FIN : SCRIPT_STALL;

    (void)args;
    (void)answer(s, PHASE_QUIT, 221, "bye", abrupt ? SCRIPT_RESET : end);
    s->doomed = true;
}

static const struct {
    const char *name;
    bool smtp, lmtp;
    void (*run)(struct script_session *, struct slice args);
} commands[] = {
    /* The extended part first: no_esmtp leaves it out. */
    {"EHLO", true, false, on_ehlo}, {"BDAT", true, true, on_bdat}, {"HELO", true, false, on_helo},
    {"LHLO", false, true, on_ehlo}, {"MAIL", true, true, on_mail}, {"RCPT", true, true, on_rcpt},
    {"DATA", true, true, on_data},  {"RSET", true, true, on_rset}, {"QUIT", true, true, on_quit},
};

static void run_line(struct script_session *s, struct slice line)
{
    const struct script_config *cf = &s->script->config;
    struct slice verb = {line.p, line.n < 4 ? line.n : 4};
    struct slice args = slice_from(line, verb.n);

    if (args.n && *args.p == ' ')
        args = slice_from(args, 1);
    for (size_t i = cf->no_esmtp ? 2 : 0; i < sizeof commands / sizeof commands[0]; i++)
        if (slice_is(verb, commands[i].name) && (cf->lmtp ? commands[i].lmtp : commands[i].smtp)) {
            commands[i].run(s, args);
            return;
        }
    refuse(s, 500, "5.5.1 what?");
}

static size_t hear_command(struct script_session *s, struct slice in)
{
    const char *end = memmem(in.p, in.n, "\r\n", 2);

    if (!end)
        return 0;
    run_line(s, (struct slice){in.p, (size_t)(end - in.p)});
    return (size_t)(end - in.p) + 2;
}

void script_greet(struct script_session *s)
{
    (void)answer(s, PHASE_GREETING, 220, "sim ready", SCRIPT_ANSWER);
}

void script_hear(struct script_session *s, const char *p, size_t n)
{
    static size_t (*const hear[])(struct script_session *, struct slice) = {
        [STATE_COMMAND] = hear_command,
        [STATE_CONTENT] = hear_content,
        [STATE_CHUNK] = hear_chunk,
    };
    size_t at = 0;
    size_t taken;

    octets_add(&s->in, p, n);
    while (at < s->in.n && !s->doomed) {
        taken = hear[s->state](s, (struct slice){s->in.p + at, s->in.n - at});
        if (taken == 0)
            break;
        at += taken;
    }
    octets_drop(&s->in, at);
}
