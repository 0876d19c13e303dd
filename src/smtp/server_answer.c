/*
 * Acts that take their time: a delayed reply, one in pieces, a stall behind it. What is left of an
 * act is kept, and eaten up field by field each time its owner says that the waiting is over.
 */
#include <stdlib.h>

#include "server_impl.h"

struct server_answer {
    struct server_act act; /* what is left of it */
    uint64_t wait;         /* ns */
    bool last;             /* the stall is over */
};

/* Octets of content that may be read before it is held. */
uint64_t server_until_hold(const struct server *sv)
{
    return sv->answer->act.hold_at - sv->octets;
}

static void begin_wait(struct server *sv, uint64_t ns)
{
    sv->answer->wait = ns;
    sv->waiting = true;
}

/* The next piece of the reply; true when more of it is left, and waited for. */
static bool say_piece(struct server *sv, struct server_act *act, struct server_out *out)
{
    struct slice piece = act->reply;

    if (act->piece && act->pieces > 0 && act->piece < piece.n) {
        piece.n = act->piece;
        act->pieces--;
    }
    if (piece.n > 0)
        server_say(sv, out, piece);
    act->reply = slice_from(act->reply, piece.n);
    if (act->reply.n == 0)
        return false;
    begin_wait(sv, act->pause);
    return true;
}

static void go_on(struct server *sv, struct server_out *out)
{
    struct server_answer *answer = sv->answer;
    struct server_act *act = &answer->act;
    uint64_t delay = act->delay;

    sv->waiting = false;
    act->delay = 0;
    if (delay > 0) {
        begin_wait(sv, delay);
        return;
    }
    if (act->reply.n > 0 && say_piece(sv, act, out))
        return;
    /* The last words wait even for no time: there may be no room behind the reply. */
    if (!answer->last && (act->stall > 0 || act->last.n > 0)) {
        answer->last = true;
        begin_wait(sv, act->stall);
        return;
    }
    if (act->last.n > 0) {
        server_put(out, act->last);
        sv->context->refused[SERVER_DOT] += server_refuses(act->last);
    }
    if (act->end)
        server_finish(sv, (enum server_end)act->end);
}

void server_answer(struct server *sv, const struct server_act *from, struct server_out *out)
{
    struct server_act act = *from;

    if (!act.instead && server_refuses(act.reply)) {
        act.stall = act.hold = 0;
        act.last.n = 0;
        act.end = SERVER_END_NOT;
    }
    sv->holds = act.hold > 0 && sv->state == SERVER_STATE_CONTENT;
    if (act.delay == 0 && act.piece == 0 && act.stall == 0 && act.last.n == 0 && !sv->holds) {
        if (act.reply.n > 0)
            server_say(sv, out, act.reply);
        if (act.end)
            server_finish(sv, (enum server_end)act.end);
        return;
    }
    if (!sv->answer)
        sv->answer = malloc(sizeof *sv->answer);
    if (!sv->answer) {
        server_finish(sv, SERVER_END_MEMORY);
        return;
    }
    *sv->answer = (struct server_answer){.act = act};
    go_on(sv, out);
}

void server_hold(struct server *sv)
{
    sv->holds = false;
    begin_wait(sv, sv->answer->act.hold);
}

uint64_t server_wait(const struct server *sv)
{
    return sv->answer->wait;
}

void server_resume(struct server *sv, struct server_out *out)
{
    go_on(sv, out);
}

bool server_owes_verdict(const struct server *sv)
{
    return sv->waiting && sv->final;
}
