/*
 * Counts and histograms read back.
 */
#include "reading.h"

#include <errno.h>
#include <string.h>

#include "document.h"
#include "num.h"
#include "units.h"

int read_bad(struct diag *d, const char *where, const char *what)
{
    return diag_set(d, -EBADMSG, "%s %s", where, what);
}

/* A count in an object; a missing one is an error unless it may be (and is then 0). */
int read_count(const json_t *o, const char *where, const char *name, bool may_miss, uint64_t *out,
               struct diag *d)
{
    const json_t *value = json_object_get(o, name);

    if (!value && may_miss) {
        *out = 0;
        return 0;
    }
    if (!value)
        return diag_set(d, -EBADMSG, "%s has no %s", where, name);
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return diag_set(d, -EBADMSG, "%s.%s is no count", where, name);
    *out = (uint64_t)json_integer_value(value);
    return 0;
}

int read_known(const json_t *o, const char *where, const char *name, uint64_t *out, struct diag *d)
{
    if (json_is_null(json_object_get(o, name)) || !json_object_get(o, name)) {
        *out = NS_NEVER;
        return 0;
    }
    return read_count(o, where, name, false, out, d);
}

int read_rate(const json_t *o, const char *where, const char *name, uint64_t *out, struct diag *d)
{
    const json_t *value = json_object_get(o, name);
    double rate = json_number_value(value); /* per second */

    if (value && !json_is_null(value) && !json_is_number(value))
        return diag_set(d, -EBADMSG, "%s.%s is no rate", where, name);
    if (!(rate >= 0 && rate < (double)INT64_MAX / RATE_PER_S))
        return diag_set(d, -EBADMSG, "%s.%s is beyond all bounds", where, name);
    *out = (uint64_t)(rate * RATE_PER_S + 0.5);
    return 0;
}

/* A decimal string of at most 39 digits, below 2^128. */
static int read_sum(const json_t *value, hist_sum *out)
{
    const char *p = json_string_value(value);
    hist_sum sum = 0;

    if (!p || *p == '\0')
        return -EBADMSG;
    for (; *p; p++) {
        if (*p < '0' || *p > '9' || __builtin_mul_overflow(sum, (hist_sum)10, &sum) ||
            __builtin_add_overflow(sum, (hist_sum)(*p - '0'), &sum))
            return -EBADMSG;
    }
    *out = sum;
    return 0;
}

/* The buckets into their slots; what they sum to, and can have summed to at least and at most. */
struct bucket_sums {
    uint64_t count;
    hist_sum low;
    hist_sum high;
    uint32_t first; /* slots */
    uint32_t last;
};

static int read_buckets(const json_t *rows, struct hist *h, struct bucket_sums *b)
{
    size_t n = json_array_size(rows);
    uint32_t before = 0;

    if (n == 0 || n > HIST_SLOTS)
        return -EBADMSG;
    for (size_t i = 0; i < n; i++) {
        const json_t *row = json_array_get(rows, i);
        json_int_t low = json_integer_value(json_array_get(row, 0));
        json_int_t count = json_integer_value(json_array_get(row, 1));
        uint32_t slot;

        if (json_array_size(row) != 2 || !json_is_integer(json_array_get(row, 0)) || low < 0 ||
            count <= 0 || low > (json_int_t)HIST_HIGHEST)
            return -EBADMSG;
        slot = hist_index((uint64_t)low);
        if (hist_low(slot) != (uint64_t)low || (i > 0 && slot <= before) ||
            __builtin_add_overflow(b->count, (uint64_t)count, &b->count))
            return -EBADMSG;
        h->slots[slot] = (uint64_t)count;
        b->low += (hist_sum)low * (hist_sum)count;
        b->high += (hist_sum)hist_high(slot) * (hist_sum)count;
        b->first = i == 0 ? slot : b->first;
        b->last = before = slot;
    }
    return 0;
}

static bool is_in_slot(uint64_t ns, uint32_t slot)
{
    return hist_index(ns < HIST_HIGHEST ? ns : HIST_HIGHEST) == slot;
}

/* Does the file say of this histogram what we would say of it? */
static bool same_told(const json_t *told, const struct hist *h)
{
    struct document d;
    const char *name;
    json_t *value;
    bool same;

    document_init(&d);
    put_hist(&d, d.root, "h", h);
    same = !d.failed;
    json_object_foreach(json_object_get(d.root, "h"), name, value) same =
        same && json_equal(value, json_object_get(told, name));
    document_done(&d);
    return same;
}

int read_hist(const json_t *o, const char *where, struct hist *h, struct diag *d)
{
    struct bucket_sums b = {0};
    int rc;

    if (!json_is_object(o))
        return read_bad(d, where, "is no object");
    if ((rc = read_count(o, where, "count", false, &h->count, d)) < 0 ||
        (rc = read_count(o, where, "above", false, &h->above, d)) < 0 ||
        (rc = read_count(o, where, "min_ns", false, &h->min, d)) < 0 ||
        (rc = read_count(o, where, "max_ns", false, &h->max, d)) < 0)
        return rc;
    if (read_sum(json_object_get(o, "sum_ns"), &h->sum) < 0)
        return read_bad(d, where, "has no sum_ns of decimal digits");
    if (read_buckets(json_object_get(o, "buckets"), h, &b) < 0)
        return read_bad(d, where, "has buckets that are none of this histogram's");
    if (b.count != h->count)
        return read_bad(d, where, "has a count that is not the sum of its buckets");
    if (h->min > h->max || !is_in_slot(h->min, b.first) || !is_in_slot(h->max, b.last))
        return read_bad(d, where, "has a minimum or maximum outside of its buckets");
    if ((h->above > 0) != (h->max > HIST_HIGHEST) || h->above > h->slots[b.last] ||
        h->sum < b.low || (h->above == 0 && h->sum > b.high))
        return read_bad(d, where, "has a sum that its buckets can't have");
    if (!same_told(o, h))
        return read_bad(d, where, "has percentiles or a mean that its buckets don't have");
    return 0;
}

int read_buckets_alone(const json_t *rows, uint64_t max_ns, struct hist *h)
{
    struct bucket_sums b = {0};

    if (read_buckets(rows, h, &b) < 0 || !is_in_slot(max_ns, b.last))
        return -EBADMSG;
    h->count = b.count;
    h->min = hist_low(b.first);
    h->max = max_ns;
    h->above = max_ns > HIST_HIGHEST; /* how many is not told, and not needed */
    return 0;
}
