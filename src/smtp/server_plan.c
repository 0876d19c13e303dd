/*
 * The fault plan: its texts as options give them, and what it says of a step.
 */
#include "server_plan.h"

#include <errno.h>
#include <stdlib.h>

#include "num.h"
#include "server.h"

#define SEPARATORS ", \t\r\n"

static const struct slice closing = {"421 4.0.0 Server closing connection\r\n", 37};
static const struct slice default_soft = {"450 4.3.0 Error: command failed\r\n", 33};
static const struct slice default_hard = {"500 5.3.0 Error: command failed\r\n", 33};
static const struct slice violates = {"550 This violates SMTP\r\n", 24};

static bool find_verb(struct slice name, enum server_verb *out)
{
    for (unsigned i = 0; i < SERVER_UNKNOWN; i++) {
        if (slice_is(name, server_verb_name((enum server_verb)i))) {
            *out = (enum server_verb)i;
            return true;
        }
    }
    return false;
}

static int unknown_verb(struct slice name, struct diag *d)
{
    char text[60];

    return diag_set(d, -EINVAL, "unknown command: %s (such as CONNECT, MAIL, RCPT, DATA, \".\")",
                    diag_printable(text, sizeof text, name));
}

int server_verb_list(const char *list, uint32_t *verbs, struct diag *d)
{
    uint32_t found = 0;

    for (list += strspn(list, SEPARATORS); *list; list += strspn(list, SEPARATORS)) {
        struct slice name = {list, strcspn(list, SEPARATORS)};
        enum server_verb verb;

        if (!find_verb(name, &verb))
            return unknown_verb(name, d);
        found |= UINT32_C(1) << verb;
        list += name.n;
    }
    *verbs = found;
    return 0;
}

int server_plan_refuse(struct server_plan *p, enum server_refusal refusal, const char *list,
                       bool *any, struct diag *d)
{
    uint32_t verbs = 0;
    int rc = server_verb_list(list, &verbs, d);

    for (unsigned i = 0; rc == 0 && i < SERVER_VERB_COUNT; i++)
        if (verbs >> i & 1)
            p->rows[i].refusals |= (uint8_t)refusal;
    p->active |= verbs != 0;
    *any = verbs != 0;
    return rc;
}

static int bad_delay(const char *text, const char *why, struct diag *d)
{
    return diag_set(d, -EINVAL, "invalid command delay argument: %.60s (%s)", text, why);
}

int server_plan_delay(struct server_plan *p, const char *text, struct diag *d)
{
    const char *colon = strchr(text, ':');
    char delay_text[40];
    const char *odds_text;
    uint64_t delay = 0, odds = 0;
    enum server_verb verb;
    size_t n;

    if (!colon || colon == text)
        return bad_delay(text, "takes COMMAND:TIME[:ODDS]", d);
    if (!find_verb((struct slice){text, (size_t)(colon - text)}, &verb))
        return unknown_verb((struct slice){text, (size_t)(colon - text)}, d);
    n = strcspn(colon + 1, ":");
    if (n >= sizeof delay_text)
        return bad_delay(text, "takes COMMAND:TIME[:ODDS]", d);
    memcpy(delay_text, colon + 1, n);
    delay_text[n] = '\0';
    odds_text = colon + 1 + n;
    if (num_duration(delay_text, &delay) < 0 || delay == 0)
        return bad_delay(text, "the time must be more than 0", d);
    if (*odds_text == ':' && (num_count(odds_text + 1, &odds) < 0 || odds < 1 || odds > 99))
        return bad_delay(text, "the odds must be 1 to 99", d);
    p->rows[verb].delay = delay;
    p->rows[verb].odds = (uint8_t)odds;
    p->active = true;
    return 0;
}

/*
 * Three digits of the right class, and no fourth. Not an unfinished reply: a client would wait for
 * its other lines for ever.
 */
static bool is_reply(const char *text, char class)
{
    if (text[0] != class || strspn(text, "0123456789") != 3 || text[3] == '-')
        return false;
    return strcspn(text, "\r\n") == strlen(text) && strlen(text) <= SERVER_REPLY_MAX - 2;
}

int server_plan_reply(struct server_plan *p, enum server_refusal which, const char *text,
                      struct diag *d)
{
    bool hard = which == SERVER_HARD;
    char *to = hard ? p->hard : p->soft;
    size_t n = strlen(text);

    if (!is_reply(text, hard ? '5' : '4'))
        return diag_set(d, -EINVAL, "bad %s error reply: %.80s (takes one line: %cxx and words)",
                        hard ? "hard" : "soft", *text ? text : "empty", hard ? '5' : '4');
    memcpy(to, text, n);
    memcpy(to + n, "\r\n", 2);
    *(hard ? &p->hard_length : &p->soft_length) = (uint16_t)(n + 2);
    return 0;
}

static bool refuse(const struct server_plan *p, unsigned refusals, struct server_act *act)
{
    if (!refusals)
        return false;
    act->instead = true;
    if (refusals & (SERVER_CUT | SERVER_421))
        act->end = SERVER_END_FAULT;
    if (refusals & SERVER_CUT)
        act->reply = SLICE("");
    else if (refusals & SERVER_421)
        act->reply = closing;
    else if (refusals & SERVER_HARD)
        act->reply = p->hard_length ? (struct slice){p->hard, p->hard_length} : default_hard;
    else
        act->reply = p->soft_length ? (struct slice){p->soft, p->soft_length} : default_soft;
    return true;
}

/* How often a throw of 0 .. 99 stays below odds. */
static uint64_t failed_throws(unsigned odds, struct rng *rng)
{
    uint64_t n = 0;

    while (rng_below(rng, 100) < odds)
        n++;
    return n;
}

void server_plan_judge(const struct server_plan *p, enum server_verb verb, struct rng *rng,
                       struct server_act *act)
{
    const struct server_plan_row *row = &p->rows[verb];

    if (refuse(p, row->refusals, act))
        return;
    act->delay += row->odds ? row->delay * failed_throws(row->odds, rng) : row->delay;
    if (verb != SERVER_DATA)
        return;
    act->stall += p->data_stall;
    if (p->aborts) {
        act->stall += p->abort_delay;
        act->last = violates;
        act->end = SERVER_END_FAULT;
    }
}
