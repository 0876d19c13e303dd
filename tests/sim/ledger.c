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

static void check_content(struct ledger *l, struct slice have)
{
    const struct slice *parts = l->content->plain_parts;
    uint64_t size = mail_content_size(l->content);
    struct slice id;
    uint64_t number;

    if (have.n != size || memcmp(have.p, parts[0].p, parts[0].n) != 0 ||
        (parts[1].n && memcmp(have.p + have.n - parts[1].n, parts[1].p, parts[1].n) != 0)) {
        fault(l, "a message came with other content than was sent");
        return;
    }
    if (!l->content->has_id)
        return;
    id = (struct slice){have.p + parts[0].n, have.n - parts[0].n - parts[1].n};
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
