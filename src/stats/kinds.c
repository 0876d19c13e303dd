/*
 * Names and counts, in the order in which they came up.
 */
#include "kinds.h"

#include <string.h>

void kinds_add(struct kinds *t, const char *name, uint64_t n)
{
    struct kind *r = t->rows;

    for (; r < t->rows + t->count; r++)
        if (strncmp(r->name, name, KINDS_NAME - 1) == 0) {
            r->count += n;
            return;
        }
    if (t->count == KINDS_ROWS) {
        t->other += n;
        return;
    }
    t->count++;
    strncpy(r->name, name, KINDS_NAME - 1);
    r->name[KINDS_NAME - 1] = '\0';
    r->count = n;
}

void kinds_merge(struct kinds *into, const struct kinds *from)
{
    for (uint32_t i = 0; i < from->count; i++)
        kinds_add(into, from->rows[i].name, from->rows[i].count);
    into->other += from->other;
}

void kinds_clear(struct kinds *t)
{
    memset(t, 0, sizeof *t);
}
