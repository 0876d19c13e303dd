/*
 * The client's verbs, one row each: how a command reads, and what its reply changes.
 */
#include "client_impl.h"
#include "decimal.h"

static char *put(char *at, const char *end, struct slice s)
{
    size_t n = s.n < (size_t)(end - at) ? s.n : (size_t)(end - at);

    memcpy(at, s.p, n);
    return at + n;
}

static size_t hello(struct client *c, char *out, size_t size, struct slice verb)
{
    const char *end = out + size;
    char *at = put(out, end, verb);

    at = put(at, end, slice_of(c->cf->helo_name));
    return (size_t)(put(at, end, SLICE("\r\n")) - out);
}

static size_t render_helo(struct client *c, struct transaction *t, char *out, size_t size)
{
    (void)t;
    return hello(c, out, size, SLICE("HELO "));
}

static size_t render_ehlo(struct client *c, struct transaction *t, char *out, size_t size)
{
    (void)t;
    return hello(c, out, size, SLICE("EHLO "));
}

static size_t render_lhlo(struct client *c, struct transaction *t, char *out, size_t size)
{
    (void)t;
    return hello(c, out, size, SLICE("LHLO "));
}

static size_t render_xclient(struct client *c, struct transaction *t, char *out, size_t size)
{
    const char *end = out + size;
    char *at = put(out, end, SLICE("XCLIENT "));

    (void)t;
    at += c->cf->xclient(c, at);
    return (size_t)(put(at, end, SLICE("\r\n")) - out);
}

/*
 * Those of MAIL (path is empty) or of RCPT: the extensions' that are wanted and offered, and those
 * as typed. At most CLIENT_PARAMETERS_MAX.
 */
static size_t parameters(const struct client *c, const struct client_mail *m, struct slice path,
                         char *out)
{
    const struct client_config *cf = c->cf;
    const char *typed = m ? cf->mail_params : cf->rcpt_params;
    size_t n = 0;

    for (int i = 0; i < EXT_COUNT; i++) {
        const struct ext *e = ext_rows[i];

        if (cf->want[i] == EXT_NO || !(c->offered & (UINT32_C(1) << i)))
            continue;
        if (m && e->mail)
            n += e->mail(cf, m, out + n);
        else if (!m && e->rcpt)
            n += e->rcpt(cf, path, out + n);
    }
    if (!typed)
        return n;
    out[n++] = ' ';
    memcpy(out + n, typed, strlen(typed));
    return n + strlen(typed);
}

static size_t render_mail(struct client *c, struct transaction *t, char *out, size_t size)
{
    const char *end = out + size;
    char *at = put(out, end, SLICE("MAIL FROM:"));

    at = put(at, end, t->mail->form->sender);
    if (c->parameters)
        at += parameters(c, t->mail, (struct slice){NULL, 0}, at);
    return (size_t)(put(at, end, SLICE("\r\n")) - out);
}

static size_t render_rcpt(struct client *c, struct transaction *t, char *out, size_t size)
{
    const char *end = out + size;
    char *at = put(out, end, SLICE("RCPT TO:"));
    size_t n = t->mail->form->rcpt(t->mail, t->rcpt_next, at, (size_t)(end - at));

    at += n;
    if (c->parameters)
        at += parameters(c, NULL, (struct slice){at - n, n}, at);
    return (size_t)(put(at, end, SLICE("\r\n")) - out);
}

/* RFC 3030 section 2: BDAT SP chunk-size [SP LAST] CRLF. */
static size_t render_bdat(struct client *c, struct transaction *t, char *out, size_t size)
{
    const char *end = out + size;
    char *at = put(out, end, SLICE("BDAT "));

    (void)c;
    at += decimal_write(t->chunk_left, at);
    if (t->chunk_left == t->left)
        at = put(at, end, SLICE(" LAST"));
    return (size_t)(put(at, end, SLICE("\r\n")) - out);
}

static bool extension_needed(const struct client_config *cf)
{
    for (int i = 0; i < EXT_COUNT; i++)
        if (cf->want[i] == EXT_MUST)
            return true;
    return cf->mail_params || cf->rcpt_params;
}

/* Refuses the transaction at hand, if there is one, and ends the session. */
static void refuse_session(struct client *c)
{
    if (c->t_count)
        client_refuse(c, client_transaction(c, 0));
    client_close(c, CLIENT_END_REFUSED);
}

static void on_greeting(struct client *c, struct command *cmd, bool refused)
{
    (void)cmd;
    if (refused && !c->cf->tolerant) {
        refuse_session(c);
        return;
    }
    c->farewell = c->last.code == 421 || c->last.code == 521;
    if (c->farewell && c->t_count)
        client_transaction(c, 0)->reason = client_refusal(&c->last);
    c->stage = STAGE_HELLO;
    if (c->hello == VERB_NONE)
        client_ready(c);
}

void client_next_step(struct client *c)
{
    for (int i = 0; i < EXT_COUNT; i++) {
        uint32_t bit = UINT32_C(1) << i;

        if (!ext_rows[i]->hello_step || c->cf->want[i] == EXT_NO || !(c->offered & bit) ||
            (c->stepped & bit))
            continue;
        c->stepped |= bit;
        if (i == EXT_AUTH) {
            c->asks = AUTH_BEGIN;
            return;
        }
        c->step = (uint8_t)ext_rows[i]->hello_step;
        return;
    }
    client_ready(c);
}

static void on_hello(struct client *c, struct command *cmd, bool refused)
{
    if (!refused) {
        client_next_step(c);
        return;
    }
    c->offered = 0;
    if (cmd->verb == VERB_EHLO && !extension_needed(c->cf)) {
        c->hello = VERB_HELO; /* RFC 5321 section 3.2 */
        c->hello_lent = false;
        c->last.refused = false; /* nothing is lost by it */
        return;
    }
    if (c->cf->tolerant && !extension_needed(c->cf))
        client_ready(c);
    else
        refuse_session(c);
}

/* RFC 3207 section 4.1: a refusal leaves it to the client to go on without. */
static void on_starttls(struct client *c, struct command *cmd, bool refused)
{
    (void)cmd;
    if (!refused) {
        client_want_tls(c);
    } else if (c->cf->want[EXT_STARTTLS] == EXT_IF_OFFERED) {
        c->last.refused = false; /* nothing is lost by it; CLIENT_END tells */
        client_next_step(c);
    } else {
        refuse_session(c);
    }
}

/*
 * The 220 is another greeting: the session begins anew as that of another client (Postfix,
 * XCLIENT_README).
 */
static void on_xclient(struct client *c, struct command *cmd, bool refused)
{
    (void)cmd;
    if (!refused) {
        c->offered = 0;
        c->hello_lent = false;
    } else if (c->cf->want[EXT_XCLIENT] == EXT_IF_OFFERED) {
        c->last.refused = false; /* nothing is lost by it */
        client_next_step(c);
    } else {
        refuse_session(c);
    }
}

/* The rest of the transaction is not sent; the server's half of it is wiped by RSET. */
static void give_up(struct client *c, struct transaction *t)
{
    t->step = STEP_OVER;
    client_need_rset(c);
}

static void on_mail(struct client *c, struct command *cmd, bool refused)
{
    struct transaction *t = client_transaction_of(c, cmd);

    if (!refused)
        return;
    client_refuse(c, t);
    /* With DATA already on its way its reply decides how to get out. */
    if (t->step == STEP_RCPT || t->step == STEP_DATA)
        give_up(c, t);
}

static void on_rcpt(struct client *c, struct command *cmd, bool refused)
{
    struct transaction *t = client_transaction_of(c, cmd);

    if (!refused) {
        t->rcpt_accepted++;
        return;
    }
    t->rcpt_refused++;
    if (t->rcpt_accepted || t->rcpt_refused < t->mail->form->rcpt_count)
        return;
    client_refuse(c, t);
    if (t->step == STEP_DATA)
        give_up(c, t);
}

static void on_data(struct client *c, struct command *cmd, bool refused)
{
    struct transaction *t = client_transaction_of(c, cmd);

    if (refused) {
        client_refuse(c, t);
        give_up(c, t);
        return;
    }
    /* RFC 2920 section 3.1: a 354 without a valid recipient is answered by a lone dot. */
    t->step = t->refused ? STEP_DOT : STEP_CONTENT;
}

/* A reply to the end of data: for all accepted recipients, or in LMTP for the next of them. */
static void on_end(struct client *c, struct command *cmd, bool refused)
{
    struct transaction *t = client_transaction_of(c, cmd);
    uint32_t settled = c->cf->lmtp ? 1 : t->rcpt_accepted;

    if (t->rcpt_accepted == 0 || !t->final_lent)
        settled = 0;
    if (!refused)
        t->rcpt_delivered += settled;
    else
        t->rcpt_bounced += settled;
    /* In LMTP the message is refused when none of its recipients took it. */
    if (cmd->due == 1 && t->rcpt_delivered == 0)
        client_refuse(c, t);
}

static void on_dot(struct client *c, struct command *cmd, bool refused)
{
    on_end(c, cmd, refused);
    c->need_rset = false; /* the end of data ended the server's transaction, whatever the reply */
}

static void on_chunk(struct client *c, struct command *cmd, bool refused)
{
    struct transaction *t = client_transaction_of(c, cmd);

    if (!refused)
        return;
    t->chunk_refused = true;
    client_refuse(c, t);
    /* The octets of a chunk under way must follow; what was announced is never cut short. */
    if (t->step == STEP_DATA)
        t->step = STEP_OVER;
    client_need_rset(c);
}

static void on_last_chunk(struct client *c, struct command *cmd, bool refused)
{
    on_end(c, cmd, refused);
    if (refused && client_transaction_of(c, cmd)->rcpt_delivered == 0)
        client_need_rset(c);
}

static void on_rset(struct client *c, struct command *cmd, bool refused)
{
    (void)cmd;
    (void)refused;
    c->rsets--;
}

static void on_quit(struct client *c, struct command *cmd, bool refused)
{
    (void)cmd;
    (void)refused;
    c->last.refused = false; /* whatever it says, the session is over */
    client_close(c, CLIENT_END_QUIT);
}

const struct client_verb client_verbs[VERB_COUNT] = {
    [VERB_GREETING] = {"", PHASE_GREETING, true, true, 0, NULL, on_greeting},
    [VERB_HELO] = {"HELO", PHASE_HELLO, true, false, 0, render_helo, on_hello},
    [VERB_EHLO] = {"EHLO", PHASE_HELLO, true, false, 0, render_ehlo, on_hello},
    [VERB_LHLO] = {"LHLO", PHASE_HELLO, true, false, 0, render_lhlo, on_hello},
    [VERB_STARTTLS] = {"STARTTLS\r\n", PHASE_STARTTLS, true, false, 220, NULL, on_starttls},
    [VERB_XCLIENT] = {"XCLIENT", PHASE_XCLIENT, true, false, 220, render_xclient, on_xclient},
    [VERB_AUTH] = {"AUTH", PHASE_AUTH, true, false, 235, client_auth_render, client_auth_reply},
    [VERB_AUTH_RESPONSE] = {"", PHASE_AUTH, true, false, 235, client_auth_render,
                            client_auth_reply},
    [VERB_MAIL] = {"MAIL", PHASE_MAIL, false, false, 0, render_mail, on_mail},
    [VERB_RCPT] = {"RCPT", PHASE_RCPT, false, false, 0, render_rcpt, on_rcpt},
    [VERB_DATA] = {"DATA\r\n", PHASE_DATA, true, false, 354, NULL, on_data},
    [VERB_DOT] = {".\r\n", PHASE_END_OF_DATA, false, false, 0, NULL, on_dot},
    [VERB_BDAT] = {"BDAT", PHASE_DATA, false, false, 0, render_bdat, on_chunk},
    [VERB_BDAT_LAST] = {"BDAT LAST", PHASE_END_OF_DATA, false, false, 0, render_bdat,
                        on_last_chunk},
    [VERB_RSET] = {"RSET\r\n", PHASE_RSET, false, false, 0, NULL, on_rset},
    [VERB_QUIT] = {"QUIT\r\n", PHASE_QUIT, true, true, 0, NULL, on_quit},
};
