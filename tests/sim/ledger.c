/*
 * The server's side of the account.
 */
#include "ledger.h"

#include <stdlib.h>
#include <string.h>

#include "content.h"
#include "sim.h"

struct reply {
    size_t message;
    uint64_t end;
    uint32_t connection;
    uint32_t recipients;
    bool positive;
};

struct ledger {
    const struct mail_content *content;
    uint64_t limit;
    bool *ids; /* message numbers of the run that came, from 1 */
    bool *numbers;
    uint64_t number_count;
    size_t messages;
    struct reply *replies;
    size_t reply_count;
    size_t reply_capacity;
    uint64_t recipients;
    const char *fault;
};

static void fault(struct ledger *l, const char *what)
{
    if (!l->fault)
        l->fault = what;
}

struct ledger *ledger_new(const struct mail_content *content, uint64_t messages)
{
    struct ledger *l = calloc(1, sizeof *l);

    if (!l)
        abort();
    l->content = content;
    l->limit = messages;
    l->number_count = messages * content->settings->rcpt_count;
    l->ids = calloc(messages + 1, sizeof *l->ids);
    l->numbers = calloc(l->number_count + 1, sizeof *l->numbers);
    if (!l->ids || !l->numbers)
        abort();
    return l;
}

void ledger_free(struct ledger *l)
{
    if (!l)
        return;
    free(l->ids);
    free(l->numbers);
    free(l->replies);
    free(l);
}

/* ".CONNECTION.MESSAGE" in hexadecimal: the message's number, 0 when it is not that. */
static uint64_t number_of(struct slice id)
{
    const char *dot = id.n > 1 && *id.p == '.' ? memchr(id.p + 1, '.', id.n - 1) : NULL;
    uint64_t n = 0;

    if (!dot || dot + 1 == id.p + id.n)
        return 0;
    for (const char *p = dot + 1; p < id.p + id.n; p++) {
        const char *digit = memchr("0123456789abcdef", *p, 16);

        if (!digit)
            return 0;
        n = n << 4 | (uint64_t)(*digit <= '9' ? *digit - '0' : *digit - 'a' + 10);
    }
    return n;
}

/* Up to the "@", which is not there without headers. */
static size_t id_length(struct slice s)
{
    const char *at = memchr(s.p, '@', s.n);

    return at ? (size_t)(at - s.p) : s.n;
}

static void check_content(struct ledger *l, struct slice have)
{
    const struct mail_content *c = l->content;
    struct slice rest = have;
    struct slice id = {"", 0};
    uint64_t number;

    if (have.n != mail_content_size(c)) {
        fault(l, "a message came with other content than was sent");
        return;
    }
    for (uint32_t i = 0; i < c->plain_count; i++) {
        struct slice part = c->plain_parts[i];

        if (!part.p) {
            part = id = (struct slice){rest.p, id_length(rest)};
        } else if (part.n > rest.n || memcmp(rest.p, part.p, part.n) != 0) {
            fault(l, "a message came with other content than was sent");
            return;
        }
        rest = slice_from(rest, part.n);
    }
    if (!c->has_id)
        return;
    number = number_of(id);
    if (number == 0 || number > l->limit)
        fault(l, "a message came with a strange Message-Id");
    else if (l->ids[number])
        fault(l, "a message came twice");
    else
        l->ids[number] = true;
}

size_t ledger_message(struct ledger *l, struct slice content, uint32_t recipients)
{
    if (recipients == 0)
        return 0;
    check_content(l, content);
    return ++l->messages;
}

void ledger_reply(struct ledger *l, size_t message, bool positive, uint32_t recipients,
                  uint32_t connection, uint64_t end)
{
    if (message == 0)
        return;
    if (l->reply_count == l->reply_capacity) {
        l->reply_capacity = l->reply_capacity ? 2 * l->reply_capacity : 64;
        l->replies = realloc(l->replies, l->reply_capacity * sizeof *l->replies);
        if (!l->replies)
            abort();
    }
    l->replies[l->reply_count++] = (struct reply){message, end, connection, recipients, positive};
}

void ledger_nobody(struct ledger *l, struct slice content)
{
    if (content.n)
        fault(l, "content was sent to nobody");
}

void ledger_recipient(struct ledger *l, struct slice path)
{
    uint64_t number = 0;
    size_t i = 0;

    if (!l->content->settings->number_all)
        return;
    /* The address itself has no digits; the number is in front of it or behind its local part. */
    while (i < path.n && (path.p[i] < '0' || path.p[i] > '9'))
        i++;
    for (; i < path.n && path.p[i] >= '0' && path.p[i] <= '9'; i++)
        number = 10 * number + (uint64_t)(path.p[i] - '0');
    if (number == 0 || number > l->number_count)
        fault(l, "a recipient has a strange number");
    else if (l->numbers[number])
        fault(l, "a recipient's number came twice");
    else
        l->numbers[number] = true;
    l->recipients++;
}

void ledger_sums(const struct ledger *l, const struct sim_world *w, struct ledger_sums *out)
{
    bool *accepted = calloc(2 * (l->messages + 1), sizeof *accepted);
    bool *delivered = accepted + l->messages + 1;

    if (!accepted)
        abort();
    *out = (struct ledger_sums){
        .messages = l->messages, .recipients = l->recipients, .fault = l->fault};
    for (size_t i = 0; i < l->reply_count; i++) {
        const struct reply *r = &l->replies[i];

        if (!r->positive)
            continue;
        out->accepted += !accepted[r->message];
        out->accepted_rcpts += r->recipients;
        accepted[r->message] = true;
        if (sim_delivered(w, r->connection) < r->end)
            continue;
        out->delivered += !delivered[r->message];
        out->delivered_rcpts += r->recipients;
        delivered[r->message] = true;
    }
    free(accepted);
}
