/*
 * Who owns a client machine in a fuzz target: gives it mails, sends, pulls events, and holds it to
 * the account.
 */
#ifndef FUZZ_OWNER_H
#define FUZZ_OWNER_H

#include <stdlib.h>

#include "client.h"

#define MAILS 6
#define ENDED UINT64_MAX

static const struct slice stuffed[] = {{"..\r\n", 4}, {NULL, 0}, {"", 0}, {"Hello.\r\n", 8}};
static const struct slice plain[] = {{".\r\n", 3}, {NULL, 0}, {"", 0}, {"Hello.\r\n", 8}};

struct owner {
    struct client *c;
    struct client_form forms[2];
    struct client_mail mails[MAILS];
    unsigned given, ended;
    uint64_t lent; /* ENDED: the session is over */
    char memory[CLIENT_ARENA_AUTH];
};

static inline void check(bool ok)
{
    if (!ok)
        abort();
}

static inline size_t rcpt(struct client_mail *m, uint32_t index, char *out, size_t size)
{
    check(index < m->form->rcpt_count && size >= CLIENT_PATH_MAX);
    memcpy(out, "<r@d>", 5);
    return 5;
}

static inline size_t own(const struct client_mail *m, char out[CLIENT_OWN_MAX])
{
    (void)m;
    memset(out, 'o', CLIENT_OWN_MAX);
    return CLIENT_OWN_MAX;
}

static inline void pull(struct owner *o)
{
    for (struct client_event e; client_event(o->c, &e);) {
        const uint32_t *r = e.rcpt;

        check(o->lent != ENDED);
        if (e.kind == CLIENT_END)
            o->lent = ENDED;
        if (e.kind == CLIENT_AUTH && e.code == 235)
            client_auth_done(o->c, e.text.n % 4 > 0);
        else if (e.kind == CLIENT_AUTH && e.text.n % 8 == 7)
            client_auth_cancel(o->c);
        else if (e.kind == CLIENT_AUTH)
            client_auth_say(o->c, SLICE("AUTH X"));
        if (e.kind != CLIENT_TRANSACTION)
            continue;
        check(o->ended < o->given && e.mail == &o->mails[o->ended++]);
        check(r[0] + r[1] + r[2] + r[3] == e.mail->form->rcpt_count && e.outcome != OUTCOME_MISSED);
        check((e.outcome == OUTCOME_ACCEPTED) == (r[OUTCOME_ACCEPTED] > 0));
    }
}

/* Retires at most n octets; with none outstanding, the next send, of at most max slices. */
static inline void send_some(struct owner *o, uint64_t n, int max)
{
    struct arena arena = {o->memory, 0, sizeof o->memory};
    struct iovec iov[32];
    int count = 0;

    if (o->lent == ENDED)
        return;
    n = n < o->lent ? n : o->lent;
    if (n)
        client_sent(o->c, n, 1);
    o->lent -= n;
    if (o->lent)
        return;
    for (bool more = true; more;) {
        count += client_send(o->c, iov + count, max - count, &arena, 1);
        check(count <= max);
        more = count < max && client_hungry(o->c);
        if (more && o->given < MAILS)
            client_submit(o->c, &o->mails[o->given++]);
        else if (more)
            client_quit(o->c);
    }
    for (int i = 0; i < count; i++)
        o->lent += iov[i].iov_len;
    check(o->lent <= sizeof o->memory + (uint64_t)max * 12);
    pull(o);
}

#endif
