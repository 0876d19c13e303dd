/*
 * What an option that is none of the rows may have been meant for.
 */
#include <stdio.h>
#include <string.h>

#include "opt_impl.h"

/* Longer names are nobody's typing error. */
#define NAME_MAX_LENGTH 40

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* How many letters a has to gain, lose, change, or swap with the next, to become b; both short. */
static size_t distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
    size_t cost[NAME_MAX_LENGTH + 1][NAME_MAX_LENGTH + 1];

    for (size_t j = 0; j <= b_length; j++)
        cost[0][j] = j;
    for (size_t i = 1; i <= a_length; i++) {
        cost[i][0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            cost[i][j] = least(least(cost[i - 1][j], cost[i][j - 1]) + 1,
                               cost[i - 1][j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                cost[i][j] = least(cost[i][j], cost[i - 2][j - 2] + 1);
        }
    }
    return cost[a_length][b_length];
}

/* "--pin or --proxy": what the word is the beginning of, as far as there is room; how many. */
static size_t beginnings(const struct lookup *l, const char *word, size_t n, char *out, size_t size)
{
    size_t count = 0;
    size_t used = 0;

    for (const struct flat *f = l->all; f->row; f++) {
        const char *name = f->row->name;

        if (strncmp(name, word, n) != 0)
            continue;
        if (used + strlen(" or --") + strlen(name) < size)
            used += (size_t)snprintf(out + used, size - used, "%s--%s", used ? " or " : "", name);
        count++;
    }
    return count;
}

void opt_suggest(const struct lookup *l, const char *word, char *out, size_t size)
{
    size_t n = strcspn(word, "=");
    size_t nearest = 2 + n / 5; /* one letter in five, and one more */
    char list[80];

    *out = '\0';
    if (n == 0 || n > NAME_MAX_LENGTH)
        return;
    if (beginnings(l, word, n, list, sizeof list) > 1) {
        (void)snprintf(out, size, "ambiguous: %s; ", list);
        return;
    }
    for (const struct flat *f = l->all; f->row; f++) {
        size_t length = strlen(f->row->name);
        size_t far = length <= NAME_MAX_LENGTH ? distance(word, n, f->row->name, length) : nearest;

        if (far >= nearest)
            continue;
        nearest = far;
        (void)snprintf(out, size, "did you mean --%s? ", f->row->name);
    }
}
