/*
 * The table of refusals: a linear search over keys that lie side by side, behind a guess.
 */
#include "refusals.h"

#include "diag.h"

_Static_assert(sizeof(struct refusal_key) == 16, "keys are compared as memory, without padding");

struct refusal_key refusal_key(enum phase phase, int code, struct slice enhanced, bool collateral)
{
    struct refusal_key key = {
        .code = (uint16_t)code, .phase = (uint8_t)phase, .collateral = collateral};

    diag_printable(key.enhanced, sizeof key.enhanced, enhanced);
    return key;
}

static bool same(const struct refusal_key *a, const struct refusal_key *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

/* The key's row, made if need be; `other` when there is no room. */
static struct refusal_row *row_of(struct refusals *r, const struct refusal_key *key)
{
    uint32_t i = r->last;

    if (i < r->count && same(&r->keys[i], key))
        return &r->rows[i];
    for (i = 0; i < r->count && !same(&r->keys[i], key); i++)
        ;
    if (i == REFUSAL_ROWS)
        return &r->other;
    if (i == r->count) {
        r->keys[i] = *key;
        r->count++;
    }
    r->last = i;
    return &r->rows[i];
}

void refusals_reply(struct refusals *r, const struct refusal_key *key, struct slice text)
{
    struct refusal_row *row = row_of(r, key);

    row->replies++;
    if (row->sample[0] == '\0' && text.n > 0 && row != &r->other)
        diag_printable(row->sample, sizeof row->sample, text);
}

void refusals_message(struct refusals *r, const struct refusal_key *key)
{
    row_of(r, key)->messages++;
}

static void add(struct refusal_row *into, const struct refusal_row *from)
{
    into->replies += from->replies;
    into->messages += from->messages;
}

void refusals_merge(struct refusals *into, const struct refusals *from)
{
    for (uint32_t i = 0; i < from->count; i++) {
        struct refusal_row *row = row_of(into, &from->keys[i]);

        add(row, &from->rows[i]);
        if (row->sample[0] == '\0' && row != &into->other)
            memcpy(row->sample, from->rows[i].sample, sizeof row->sample);
    }
    add(&into->other, &from->other);
}

void refusals_clear(struct refusals *r)
{
    memset(r->rows, 0, r->count * sizeof *r->rows);
    memset(r->keys, 0, r->count * sizeof *r->keys);
    memset(&r->other, 0, sizeof r->other);
    r->count = 0;
    r->last = 0;
}

uint64_t refusals_replies(const struct refusals *r)
{
    uint64_t sum = r->other.replies;

    for (uint32_t i = 0; i < r->count; i++)
        sum += r->rows[i].replies;
    return sum;
}

uint64_t refusals_messages(const struct refusals *r)
{
    uint64_t sum = r->other.messages;

    for (uint32_t i = 0; i < r->count; i++)
        sum += r->rows[i].messages;
    return sum;
}
