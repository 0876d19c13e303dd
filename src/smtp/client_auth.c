/*
 * AUTH of the client machine (RFC 4954): what is said comes from the owner, line by line. Knows no
 * mechanism.
 */
#include <stdlib.h>

#include "client_impl.h"

void client_auth_learn(struct client *c, struct slice mechanisms)
{
    if (c->cf->want[EXT_AUTH] == EXT_NO)
        return;
    if (!c->auth)
        c->auth = calloc(1, sizeof *c->auth);
    if (!c->auth)
        return; /* as if it were not offered */
    if (mechanisms.n > sizeof c->auth->offer)
        mechanisms.n = sizeof c->auth->offer;
    memcpy(c->auth->offer, mechanisms.p, mechanisms.n);
    c->auth->offer_length = (uint16_t)mechanisms.n;
    c->auth->waited = 0;
    c->auth->cancelled = false;
    c->offered |= UINT32_C(1) << EXT_AUTH;
}

/* Given up by the owner, who may be asked between commands. */
static void give_up(struct client *c)
{
    client_close(c, CLIENT_END_AUTH);
    c->end_phase = PHASE_AUTH;
}

bool client_auth_event(struct client *c, struct client_event *e)
{
    struct reply_line last = {.code = c->last.code, .line = {c->last.line, c->last.line_length}};
    enum client_auth_wants asks = (enum client_auth_wants)c->asks;

    if (asks == AUTH_NOTHING || c->stage == STAGE_CLOSED)
        return false;
    c->asks = AUTH_NOTHING;
    e->kind = CLIENT_AUTH;
    e->phase = PHASE_AUTH;
    e->code = asks == AUTH_BEGIN ? 0 : c->last.code;
    e->text = asks == AUTH_BEGIN ? (struct slice){c->auth->offer, c->auth->offer_length}
                                 : reply_text(&last);
    return true;
}

void client_auth_say(struct client *c, struct slice line)
{
    bool begun = c->last.phase == PHASE_AUTH;

    if (c->stage != STAGE_HELLO)
        return;
    if (line.n > CLIENT_AUTH_MAX - 2) {
        client_auth_cancel(c);
        return;
    }
    c->auth->line = line;
    c->step = (uint8_t)(begun ? VERB_AUTH_RESPONSE : VERB_AUTH);
}

void client_auth_cancel(struct client *c)
{
    if (c->stage != STAGE_HELLO)
        return;
    if (c->last.phase != PHASE_AUTH) {
        give_up(c);
        return;
    }
    c->auth->cancelled = true;
    client_auth_say(c, SLICE("*"));
}

void client_auth_done(struct client *c, bool taken)
{
    if (c->stage != STAGE_HELLO)
        return;
    if (taken)
        client_next_step(c);
    else
        give_up(c);
}

size_t client_auth_render(struct client *c, struct transaction *t, char *out, size_t size)
{
    size_t n = c->auth->line.n;

    (void)t;
    (void)size;
    memcpy(out, c->auth->line.p, n);
    memcpy(out + n, "\r\n", 2);
    return n + 2;
}

/*
 * The reply's latency is that of the whole exchange, without the time that its owner took to make
 * responses.
 */
void client_auth_reply(struct client *c, struct command *cmd, bool refused)
{
    bool cancelled = c->auth->cancelled;

    if (c->last.code == 334 && !cancelled) {
        c->auth->waited += c->progress_at - cmd->sent_at;
        c->last.refused = false;
        c->has_reply = false;
        c->asks = AUTH_RESPONSE;
        return;
    }
    c->last.sent_at -= c->auth->waited;
    if (cancelled) {
        c->has_reply = false; /* it only says that we have cancelled */
        client_close(c, CLIENT_END_AUTH);
    } else if (!refused) {
        c->asks = AUTH_CONFIRMATION;
    } else {
        if (c->t_count)
            client_refuse(c, client_transaction(c, 0));
        client_close(c, CLIENT_END_REFUSED);
    }
}
